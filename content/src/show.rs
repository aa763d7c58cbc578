//! Numbers with units, as a reader sees them.

use hockeystick_core::settings::{Knob, Unit};
use hockeystick_core::units::{Bytes, Duration};
use hockeystick_core::workload::Class;
use maud::{Markup, html};

/// A number in its unit: `12 ms`, `4 GB`, `9.3/s`, `1,000`.
pub fn number(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count => grouped(value.round()),
        Unit::Seconds => Duration::from_secs_f64(value).to_string().replace(" us", " µs"),
        Unit::Bytes => Bytes(value as u64).to_string(),
        Unit::PerSecond => format!("{}/s", significant(value)),
        Unit::Number | Unit::Choice => significant(value),
        Unit::Switch => if value >= 0.5 { "on" } else { "off" }.to_owned(),
    }
}

/// `9.26/s`, as boards and tables show it.
pub fn rate(per_s: f64) -> String {
    format!("{}/s", significant(per_s))
}

/// US dollars: `$6`, `$6.01`.
pub fn dollars(amount: f64) -> String {
    let whole = (amount - amount.round()).abs() < 0.005;
    if whole || amount >= 100.0 { format!("${}", grouped(amount.round())) } else { format!("${amount:.2}") }
}

/// What stays on one line with the number before it.
const UNITS: [&str; 12] = ["%", "µs", "ms", "s", "min", "h", "B", "kB", "MB", "GB", "TB", "Mbit/s"];

/// The same text, in which no line ends between a number and its unit: `10 ms`, `95 %`.
pub fn unbroken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(space) = rest.find(' ') {
        let (before, after) = (&rest[..space], &rest[space + 1..]);
        let end = after.find(|c: char| !c.is_alphabetic() && c != '%' && c != '/').unwrap_or(after.len());
        let is_unit = before.ends_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&&after[..end]);
        out.push_str(before);
        out.push(if is_unit { '\u{a0}' } else { ' ' });
        rest = after;
    }
    out + rest
}

/// A sentence as HTML, with the apostrophes of print; what stands between backticks is code.
pub fn sentence(text: &str) -> Markup {
    html! {
        @for (index, part) in prose(text).split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A sentence with the apostrophes of print: those between two letters.
pub fn prose(text: &str) -> String {
    let mut before = ' ';
    let mut letters = text.trim().chars().peekable();
    let mut out = String::new();
    while let Some(c) = letters.next() {
        let inside = before.is_alphabetic() && letters.peek().is_some_and(|after| after.is_alphabetic());
        out.push(if c == '\'' && inside { '’' } else { c });
        before = c;
    }
    unbroken(&out)
}

/// A knob's value, each class by its name where there is one a class and they differ.
pub fn knob(knob: &dyn Knob) -> String {
    let choice = |value: f64| knob.choices().get(value as usize).map(|choice| (*choice).to_owned());
    let text = |value| choice(value).unwrap_or_else(|| number(knob.unit(), value));
    let show = |class| knob.read(class).map_or_else(|| "none".to_owned(), text);
    if !knob.per_class() {
        return show(None);
    }
    let values = Class::ALL.map(|class| show(Some(class)));
    if values.iter().all(|value| *value == values[0]) {
        return values[0].clone();
    }
    let parts: Vec<String> =
        Class::ALL.iter().zip(&values).map(|(class, value)| format!("{} {value}", class.name())).collect();
    parts.join(", ")
}

/// Three significant digits, thousands grouped, no trailing zeros.
pub fn significant(value: f64) -> String {
    if value.abs() >= 100.0 {
        return grouped(value.round());
    }
    let decimals = if value.abs() >= 10.0 {
        1
    } else if value.abs() >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

/// `1000000` as `1,000,000`; past a billion as a power of ten.
pub fn grouped(value: f64) -> String {
    if value.abs() >= 1e9 {
        return format!("{value:e}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(Unit::Seconds, 0.0003), "300 µs");
        assert_eq!(number(Unit::Seconds, 0.012), "12 ms");
        assert_eq!(number(Unit::PerSecond, 9.259), "9.26/s");
        assert_eq!(number(Unit::Count, 1_000_000.0), "1,000,000");
        assert_eq!(number(Unit::Number, 0.05), "0.05");
        assert_eq!(grouped(-1000.0), "-1,000");
        assert_eq!(grouped(1e15), "1e15");
        assert_eq!(dollars(6.0006), "$6");
        assert_eq!(prose(" the app's 'own' work "), "the app’s 'own' work");
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(
            unbroken("At 10 ms, or 95 %: 4 GB (5 s) in 3 sizes"),
            "At 10\u{a0}ms, or 95\u{a0}%: 4\u{a0}GB (5\u{a0}s) in 3 sizes"
        );
        assert_eq!(unbroken("many s, 7 of"), "many s, 7 of");
    }

    #[test]
    fn a_setting_within_a_sentence_is_code() {
        assert_eq!(sentence("as often as `tries` allows").into_string(), "as often as <code>tries</code> allows");
    }
}
