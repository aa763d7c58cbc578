//! Numbers as decimal text, to a few places, and within bounds.
//!
//! The standard library prints any `f64` exactly, however large or small, and its way to do so alone is six kilobytes of
//! a page's download. What a reader is told has a few decimals.

/// Ten to the power of the index: what a number of decimals is worth.
const POWERS: [u64; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// The least number with more digits than a `u64` holds.
const TOO_LONG: f64 = 1e19;

/// `value` with exactly `places` decimals, at most nine. Halves are rounded away from zero.
#[inline(never)]
pub fn fixed(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN" } else { "∞" }.to_owned();
    }
    let places = places.min(POWERS.len() - 1);
    let size = POWERS[places];
    let (distance, before) = (value.abs(), value.abs().trunc());
    if before >= TOO_LONG {
        return long(value);
    }
    // Apart, so that a long number gets no decimals that it never had.
    let mut whole = before as u64;
    let mut fraction = ((distance - before) * size as f64).round() as u64;
    if fraction == size {
        (whole, fraction) = (whole + 1, 0);
    }
    let sign = if value < 0.0 && (whole, fraction) != (0, 0) { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:0places$}") }
}

/// `value` with at most `places` decimals, and no zeros at its end.
pub fn short(value: f64, places: usize) -> String {
    without_zeros(fixed(value, places))
}

/// A number's text without the zeros that end its decimals.
pub fn without_zeros(mut text: String) -> String {
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

/// `value`, or the bound that it lies beyond.
///
/// Unlike [`f64::clamp`] it cannot panic: bounds the wrong way round give the lower one. (A panic of `clamp` prints its
/// bounds, for which a page would have to download what the top of this file is about.) And unlike [`f64::max`] it is no
/// call in WebAssembly.
#[inline]
pub fn within(value: f64, low: f64, high: f64) -> f64 {
    if value < low || high < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Nineteen digits, and zeros for the rest.
fn long(value: f64) -> String {
    let (mut size, mut zeros) = (value.abs(), 0);
    while size >= TOO_LONG {
        size /= 10.0;
        zeros += 1;
    }
    format!("{}{}{}", if value < 0.0 { "-" } else { "" }, size as u64, "0".repeat(zeros))
}

/// The places of some numbers, from the smallest to the largest; equal ones stay in order.
pub fn in_order(numbers: impl Iterator<Item = f64>) -> Vec<usize> {
    // By insertion: labels and cards are few, and the library's sort is several kilobytes for each type that it sorts.
    let numbers: Vec<f64> = numbers.collect();
    let mut order: Vec<usize> = Vec::with_capacity(numbers.len());
    for index in 0..numbers.len() {
        let place = order.iter().position(|other| numbers[*other] > numbers[index]).unwrap_or(order.len());
        order.insert(place, index);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_the_decimals_that_were_asked_for() {
        let cases = [
            (0.0, 0, "0"),
            (2.5, 0, "3"),
            (-0.04, 1, "0.0"),
            (-1.25, 2, "-1.25"),
            (1_234.567_8, 3, "1234.568"),
            (0.000_000_001, 12, "0.000000001"),
            (999_999_999_999.0, 6, "999999999999.000000"),
            (0.996, 2, "1.00"),
            (f64::NAN, 2, "NaN"),
        ];
        for (value, places, text) in cases {
            assert_eq!(fixed(value, places), text);
        }
        assert_eq!(fixed(1e22, 2), "10000000000000000000000");
    }

    #[test]
    fn a_short_number_ends_where_it_has_nothing_more_to_say() {
        let cases = [(100.0, 3, "100"), (0.5, 3, "0.5"), (1.0 / 3.0, 3, "0.333"), (0.000_04, 3, "0")];
        for (value, places, text) in cases {
            assert_eq!(short(value, places), text);
        }
    }

    #[test]
    fn a_number_is_kept_within_its_bounds() {
        assert_eq!([-1.0, 2.0, 9.0].map(|value| within(value, 0.0, 5.0)), [0.0, 2.0, 5.0]);
        assert_eq!(within(4.0, 5.0, 1.0), 5.0);
        assert!(within(f64::NAN, 0.0, 1.0).is_nan());
    }

    proptest! {
        #[test]
        fn the_text_is_within_half_of_its_last_decimal(value in -1e9..1e9_f64, places in 0_usize..6) {
            let read: f64 = fixed(value, places).parse().unwrap();
            // Neighbouring floats are further apart than the last decimals of a large number.
            prop_assert!((read - value).abs() <= 0.500_001 / POWERS[places] as f64 + value.abs() * f64::EPSILON);
        }
    }
}
