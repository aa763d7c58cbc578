//! Numbers as a reader sees them: few digits, thousands apart, the unit that fits.

use hockeystick_core::number;

/// `value` with `digits` significant digits and no more than needed: `0.0712`, `12.3`, `1,240`.
pub(crate) fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = libm::log10(value.abs()).floor() as i32;
    let decimals = digits - 1 - magnitude;
    if decimals <= 0 {
        let unit = libm::pow(10.0, f64::from(-decimals));
        return fixed((value / unit).round() * unit, 0);
    }
    number::without_zeros(fixed(value, decimals.min(9) as usize))
}

/// `value` with exactly `decimals` decimals, thousands apart by commas.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = number::fixed(value, decimals);
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3 + 1);
    grouped.push_str(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

/// A response time given in milliseconds: `0.42 ms`, `38 ms`, `1.24 s`.
pub(crate) fn response(ms: f64) -> String {
    if ms.abs() >= 999.5 { format!("{} s", significant(ms / 1e3, 3)) } else { format!("{} ms", significant(ms, 3)) }
}

/// A rate in events a second: `9.26/s`.
pub(crate) fn rate(per_s: f64) -> String {
    format!("{}/s", significant(per_s, 3))
}

/// A share, 0 to 1, as a percentage: `83 %`, `0.2 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 2))
}

/// An amount of US dollars: `$6.01`, `$141`.
pub(crate) fn dollars(amount: f64) -> String {
    let is_whole = amount >= 100.0 || (amount - amount.round()).abs() < 0.005;
    format!("${}", fixed(amount, if is_whole { 0 } else { 2 }))
}

/// A moment of a run: `8.5 s`, `42 s`, `3:20 min`, `2:05 h`.
pub(crate) fn moment(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{} s", fixed(seconds, 1));
    }
    let whole = seconds.round() as u64;
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits_are_kept_and_no_more() {
        let cases =
            [(0.0, "0"), (0.0712, "0.0712"), (12.34, "12.3"), (12.0, "12"), (1236.0, "1,240"), (999.6, "1,000")];
        for (value, text) in cases {
            assert_eq!(significant(value, 3), text, "{value}");
        }
        assert_eq!(significant(92_600.0, 3), "92,600");
        assert_eq!(significant(f64::NAN, 3), "–");
        assert_eq!(significant(-0.5, 2), "−0.5");
    }

    #[test]
    fn a_response_time_of_a_second_is_told_in_seconds() {
        assert_eq!(response(38.2), "38.2 ms");
        assert_eq!(response(999.4), "999 ms");
        assert_eq!(response(999.6), "1 s");
        assert_eq!(response(12_345.0), "12.3 s");
    }

    #[test]
    fn a_moment_reads_as_a_clock_would_say_it() {
        assert_eq!(moment(0.0), "0.0 s");
        assert_eq!(moment(42.4), "42 s");
        assert_eq!(moment(200.0), "3:20 min");
        assert_eq!(moment(7500.0), "2:05 h");
    }
}
