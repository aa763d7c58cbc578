//! Putting measured values in order.

/// The values in ascending order.
///
/// A heap sort of our own: the library's sorts are several kilobytes of a page's download for each type, and nothing
/// that is sorted here is long or waited for.
pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    heap_sort(&mut values);
    values
}

fn heap_sort(values: &mut [f64]) {
    for root in (0..values.len() / 2).rev() {
        sift(values, root);
    }
    for end in (1..values.len()).rev() {
        values.swap(0, end);
        sift(&mut values[..end], 0);
    }
}

/// Lets the value at `root` sink to where both below it are smaller.
fn sift(values: &mut [f64], mut root: usize) {
    let is_less = |one: f64, other: f64| one.total_cmp(&other).is_lt();
    loop {
        let mut largest = 2 * root + 1;
        if largest >= values.len() {
            return;
        }
        if largest + 1 < values.len() && is_less(values[largest], values[largest + 1]) {
            largest += 1;
        }
        if !is_less(values[root], values[largest]) {
            return;
        }
        values.swap(root, largest);
        root = largest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_values_come_out_in_order(values in prop::collection::vec(any::<f64>(), 0..200)) {
            let mut expected = values.clone();
            expected.sort_by(f64::total_cmp);
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(bits(sorted(values.into_iter())), bits(expected));
        }
    }
}
