//! A knob's number as a reader sees and types it: with its unit, few digits.

use hockeystick_core::settings::Unit;

use crate::charts::number::{fixed, significant};

const BYTES: [(&str, f64); 5] = [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];
const SECONDS: [(&str, f64); 7] =
    [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0)];
const RATES: [(&str, f64); 3] = [("/h", 1.0 / 3600.0), ("/min", 1.0 / 60.0), ("/s", 1.0)];

/// The number and its unit, apart: `("500", "ms")`.
pub fn parts(value: f64, unit: Unit) -> (String, &'static str) {
    let scaled = |value: f64, sizes: &[(&'static str, f64)]| {
        let fits = sizes.iter().rev().find(|(_, size)| value * 1.000_5 >= *size);
        let (name, size) = fits.or(sizes.first()).copied().unwrap_or(("", 1.0));
        (significant(value / size, 3), name)
    };
    match unit {
        Unit::Count => (fixed(value, 0), ""),
        Unit::Number | Unit::Choice => (significant(value, 3), ""),
        Unit::Switch => (if value >= 0.5 { "on" } else { "off" }.to_owned(), ""),
        Unit::PerSecond => (significant(value, 3), "/s"),
        Unit::Bytes => scaled(value, &BYTES),
        Unit::Seconds if value <= 0.0 => ("0".to_owned(), "s"),
        Unit::Seconds => scaled(value, &SECONDS),
    }
}

/// The number with its unit: `500 ms`, `1 GB`, `9.3/s`.
pub fn show(value: f64, unit: Unit) -> String {
    let (number, name) = parts(value, unit);
    match name {
        "" => number,
        "/s" => number + name,
        _ => number + "\u{a0}" + name,
    }
}

/// What a reader typed; a bare number is in the unit that was shown, as `parts` gives it for `shown`.
pub fn read(text: &str, unit: Unit, shown: f64) -> Option<f64> {
    let text = text.trim().replace('\u{a0}', "");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(text.len());
    let (number, name) = text.split_at_checked(end)?;
    let name = name.trim();
    // A comma parts thousands; one before anything but three digits is a point.
    let is_thousand = |digits: &str| digits.split('.').next().is_some_and(|whole| whole.len() == 3);
    let by = if number.split(',').skip(1).all(is_thousand) { "" } else { "." };
    let number = decimal(&number.replace(',', by));
    let name = match name {
        "" if unit == Unit::Seconds && shown <= 0.0 => "ms",
        "" => parts(shown, unit).1,
        "us" => "µs",
        name => name,
    };
    let in_units = |sizes: &[(&str, f64)]| {
        let (_, size) = sizes.iter().find(|(each, _)| *each == name)?;
        Some(number? * size)
    };
    match unit {
        Unit::Count | Unit::Number | Unit::Choice => number.filter(|_| name.is_empty()),
        Unit::Switch => number.or(match name {
            "on" => Some(1.0),
            "off" => Some(0.0),
            _ => None,
        }),
        Unit::Seconds => in_units(&SECONDS),
        Unit::Bytes => in_units(&BYTES),
        Unit::PerSecond => in_units(&RATES),
    }
}

/// The number that these digits write; none with an exponent, a sign or anything else. What a reader types needs no more
/// than this, and the standard library's exact parser alone weighs thirteen kilobytes.
pub fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    if text.len() > 24 || whole.is_empty() && fraction.is_empty() || !digits.clone().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let value = digits.fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0'));
    Some(fraction.bytes().fold(1.0, |size: f64, _| size * 10.0)).map(|size| value / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_the_unit_that_fits() {
        assert_eq!(show(0.5, Unit::Seconds), "500\u{a0}ms");
        assert_eq!(show(1.0, Unit::Seconds), "1\u{a0}s");
        assert_eq!(show(0.000_3, Unit::Seconds), "300\u{a0}µs");
        assert_eq!(show(0.0, Unit::Seconds), "0\u{a0}s");
        assert_eq!(show(1e9, Unit::Bytes), "1\u{a0}GB");
        assert_eq!(show(9.259, Unit::PerSecond), "9.26/s");
        assert_eq!(show(1200.0, Unit::Count), "1,200");
    }

    #[test]
    fn a_bare_number_is_read_in_the_unit_that_was_shown() {
        assert_eq!(read("250", Unit::Seconds, 0.5), Some(0.25));
        assert_eq!(read("2 s", Unit::Seconds, 0.5), Some(2.0));
        assert_eq!(read("2", Unit::Bytes, 1e9), Some(2e9));
        assert_eq!(read("1,200", Unit::Count, 5.0), Some(1200.0));
        assert_eq!(read("1,234,567.5", Unit::Count, 5.0), Some(1_234_567.5));
        assert_eq!(read("2,5/s", Unit::PerSecond, 5.0), Some(2.5));
        assert_eq!(read("0,25 s", Unit::Seconds, 0.5), Some(0.25));
        assert_eq!(read("1,2,3", Unit::Count, 5.0), None);
        assert_eq!(read("12", Unit::PerSecond, 5.0), Some(12.0));
        assert_eq!(read("-3", Unit::Count, 5.0), None);
        assert_eq!(read("90/min", Unit::PerSecond, 5.0), Some(1.5));
        assert_eq!(read("250 us", Unit::Seconds, 0.5), Some(0.000_25));
        for text in ["soon", "", "1.2.3 s", "5 fortnights", "."] {
            assert_eq!(read(text, Unit::Seconds, 0.5), None, "{text}");
        }
    }
}
