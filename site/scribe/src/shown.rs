//! Numbers as a reader sees them.

use hockeystick_content::show::significant;
use hockeystick_core::statistics::Interval;

/// A number of a metric with its unit: `9.26/s`, `38 ms`, `1.2 s`.
pub(crate) fn figure(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if unit == "ms" && value.abs() >= 999.5 {
        return format!("{} s", signed(value / 1e3));
    }
    in_unit(&signed(value), unit)
}

/// A text with its unit after it; one that begins with a stroke stands close.
fn in_unit(number: &str, unit: &str) -> String {
    let space = if unit.starts_with('/') { "" } else { " " };
    format!("{number}{space}{unit}")
}

/// A number with its interval below it.
pub(crate) fn bounds(interval: Interval, unit: &str) -> String {
    if !interval.is_bounded() {
        return "too few parts to say how sure".to_owned();
    }
    // What is measured here is never negative, whatever a symmetric interval says.
    range(interval.low.max(0.0), interval.high, unit)
}

/// From one number to another, both in the unit that fits the larger: `38 to 44 ms`, `−1.08 to −1.03 s`.
pub(crate) fn range(low: f64, high: f64, unit: &str) -> String {
    let (unit, size) = if unit == "ms" && low.abs().max(high.abs()) >= 999.5 { ("s", 1e3) } else { (unit, 1.0) };
    in_unit(&format!("{} to {}", signed(low / size), signed(high / size)), unit)
}

/// A share with its sign: `+3.1 %`.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.1}", (share * 100.0).abs());
    let sign = if text == "0.0" {
        ""
    } else if share < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text} %")
}

/// A number with the minus sign of print.
pub(crate) fn signed(value: f64) -> String {
    significant(value).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_print_writes_them() {
        assert_eq!(figure(1234.0, "ms"), "1.23 s");
        assert_eq!(figure(38.26, "ms"), "38.3 ms");
        assert_eq!(figure(9.26, "/s"), "9.26/s");
        assert_eq!(percent(-0.0312), "−3.1 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(range(-1083.0, -998.0, "ms"), "−1.08 to −0.998 s");
        assert_eq!(bounds(Interval::around(1.0, 2.0), "ms"), "0 to 3 ms");
    }
}
