//! A knob's number as a reader sees and types it: with its unit, few digits.

use hockeystick_core::settings::Unit;
use hockeystick_core::units::{Bytes, Duration, Rate};

use crate::charts::number::{fixed, significant};

/// The number and its unit, apart: `("500", "ms")`.
pub fn parts(value: f64, unit: Unit) -> (String, &'static str) {
    let scaled = |value: f64, sizes: &[(&'static str, f64)]| {
        let (name, size) = sizes
            .iter()
            .rev()
            .find(|(_, size)| value * 1.000_5 >= *size)
            .or(sizes.first())
            .copied()
            .unwrap_or(("", 1.0));
        (significant(value / size, 3), name)
    };
    match unit {
        Unit::Count => (fixed(value, 0), ""),
        Unit::Number => (significant(value, 3), ""),
        Unit::Switch => (if value >= 0.5 { "on".to_owned() } else { "off".to_owned() }, ""),
        Unit::PerSecond => (significant(value, 3), "/s"),
        Unit::Bytes => scaled(value, &[("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)]),
        Unit::Seconds if value <= 0.0 => ("0".to_owned(), "s"),
        Unit::Seconds => scaled(
            value,
            &[("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0)],
        ),
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
    let text = text.trim().replace([',', '\u{a0}'], "");
    let bare = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let text = if bare.is_some() && !matches!(unit, Unit::Count | Unit::Number | Unit::Switch) {
        let name = if unit == Unit::Seconds && shown <= 0.0 { "ms" } else { parts(shown, unit).1 };
        format!("{text} {name}")
    } else {
        text
    };
    match unit {
        Unit::Count | Unit::Number => bare,
        Unit::Switch => bare.or(match text.as_str() {
            "on" => Some(1.0),
            "off" => Some(0.0),
            _ => None,
        }),
        Unit::Seconds => text.parse::<Duration>().ok().map(Duration::as_secs_f64),
        Unit::Bytes => text.parse::<Bytes>().ok().map(|bytes| bytes.0 as f64),
        Unit::PerSecond => text.parse::<Rate>().ok().map(Rate::per_s),
    }
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
        assert_eq!(read("12", Unit::PerSecond, 5.0), Some(12.0));
        assert_eq!(read("-3", Unit::Count, 5.0), None);
        assert_eq!(read("soon", Unit::Seconds, 0.5), None);
    }
}
