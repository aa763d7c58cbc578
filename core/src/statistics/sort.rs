//! Putting things in order.
//!
//! A heap sort of our own: the library's sorts are several kilobytes of a page's download for each type, and nothing
//! that is sorted here is long or waited for.

/// The values in ascending order.
pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    sort(&mut values, |one, other| one.total_cmp(other).is_lt());
    values
}

/// Puts things in ascending order. Where neither of two is less than the other, either may come first.
pub fn sort<T>(things: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    for root in (0..things.len() / 2).rev() {
        sift(things, root, &is_less);
    }
    for end in (1..things.len()).rev() {
        things.swap(0, end);
        sift(&mut things[..end], 0, &is_less);
    }
}

/// Lets the thing at `root` sink to where none below it is larger.
fn sift<T>(things: &mut [T], mut root: usize, is_less: &impl Fn(&T, &T) -> bool) {
    loop {
        let mut largest = 2 * root + 1;
        if largest >= things.len() {
            return;
        }
        if largest + 1 < things.len() && is_less(&things[largest], &things[largest + 1]) {
            largest += 1;
        }
        if !is_less(&things[root], &things[largest]) {
            return;
        }
        things.swap(root, largest);
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
