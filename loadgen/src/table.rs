//! Tables of text, for terminals and logs.

use std::fmt;

use hockeystick_core::outcome::Estimate;
use hockeystick_core::statistics::Interval;

/// Rows of cells under a header. The first column is flush left, the others flush right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this header.
    pub fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                let gap = if column == 0 { "" } else { "  " };
                line += &if column == 0 { format!("{cell}{pad}") } else { format!("{gap}{pad}{cell}") };
            }
            writeln!(f, "{}", line.trim_end())?;
            if index == 0 {
                writeln!(f, "{}", "─".repeat(widths.iter().sum::<usize>() + 2 * (columns.max(1) - 1)))?;
            }
        }
        Ok(())
    }
}

/// A number with three significant digits or so: enough for any figure that was measured.
pub fn number(value: f64) -> String {
    // Nothing has no sign, whatever was multiplied to get it.
    let value = value + 0.0;
    match value.abs() {
        size if !size.is_finite() => "—".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A number and its interval, unless that is too narrow to show.
pub fn interval(interval: Interval) -> String {
    // What is measured here is never negative, whatever a symmetric interval says.
    let [value, low, high] = [interval.value, interval.low.max(0.0), interval.high].map(number);
    if interval.is_bounded() && (low != value || high != value) { format!("{value} [{low}, {high}]") } else { value }
}

/// A solver's figure, in units of `scale`.
pub fn estimate(estimate: &Estimate, scale: f64) -> String {
    match (estimate.known(), estimate.bounds()) {
        (Some(value), Some((low, high))) => {
            self::interval(Interval { value: value * scale, low: low * scale, high: high * scale })
        }
        (Some(value), None) => number(value * scale),
        (None, _) => "n/a".to_owned(),
    }
}

/// A share as a percentage with its sign.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:+.1} %", share * 100.0) } else { "—".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_characters() {
        let mut table = Table::new(&["metric", "µs"]);
        table.row(["mean".to_owned(), "12".to_owned()]);
        table.row(["p50".to_owned(), "1234".to_owned()]);
        assert_eq!(table.to_string(), "metric    µs\n────────────\nmean      12\np50     1234\n");
    }

    #[test]
    fn numbers_keep_three_digits_and_no_number_is_a_dash() {
        assert_eq!(
            ["0.00", "0.012", "1.23", "12.3", "1234", "—"],
            [0.0, 0.0123, 1.234, 12.34, 1234.4, f64::NAN].map(number).each_ref().map(String::as_str)
        );
    }
}
