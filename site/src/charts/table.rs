//! The same figures as the picture, as a table: for screen readers, and as a file.

use hockeystick_core::number::short;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::dom;

/// Most cells on the page, and the fewest rows whatever the columns: a page that makes and lays out a thousand of them
/// stands still while it does. The file has all of them.
const CELLS_MOST: usize = 160;
const ROWS_LEAST: usize = 3;

/// Rows of values under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    /// What the columns hold, with the unit.
    pub(super) head: Vec<String>,
    /// Values; not-a-number is an empty cell.
    pub(super) rows: Vec<Vec<f64>>,
}

impl Table {
    /// The table as CSV (RFC 4180), numbers with a point and in full.
    pub(super) fn csv(&self) -> String {
        let mut text = String::new();
        line(&mut text, self.head.iter().map(|name| quoted(name)));
        for row in &self.rows {
            line(&mut text, row.iter().map(|value| if value.is_finite() { short(*value, 9) } else { String::new() }));
        }
        text
    }

    /// Brings the table in an element up to date: at most `most` rows of it, evenly chosen, the last one always; of a wide
    /// one fewer. Cells that are there already stay and change their text, so that who reads them keeps their place.
    pub(super) fn write(&self, into: &Element, caption: &str, most: usize) -> Option<()> {
        let columns = self.head.len().max(1);
        let rows = thinned(self.rows.len(), most.min(CELLS_MOST / columns).max(ROWS_LEAST));
        let value = |value: &f64| super::number::significant(*value, 3);
        let values = || rows.iter().map(|index| self.rows[*index].iter().map(value));
        let kept = into.query_selector_all("td").ok()?;
        if kept.length() > 0 && kept.length() as usize == rows.len() * columns {
            for (cell, text) in (0..).zip(values().flatten()) {
                dom::say(kept.get(cell)?.unchecked_ref(), &text);
            }
            return Some(());
        }
        into.set_text_content(None);
        dom::text_child::<Element>(into, "caption", "", caption)?;
        let head: Element = dom::child(into, "thead", "")?;
        let row: Element = dom::child(&head, "tr", "")?;
        for name in &self.head {
            dom::set(&dom::text_child::<Element>(&row, "th", "", name)?, "scope", "col");
        }
        let body: Element = dom::child(into, "tbody", "")?;
        for texts in values() {
            let row: Element = dom::child(&body, "tr", "")?;
            for text in texts {
                dom::text_child::<Element>(&row, "td", "", &text)?;
            }
        }
        Some(())
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    text.push_str(&cells.collect::<Vec<_>>().join(","));
    text.push_str("\r\n");
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// At most `most` indices below `count`, evenly spaced, the last always among them.
fn thinned(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (1..=most).map(|n| n * count / most - 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_would_break_it() {
        let table = Table {
            head: vec!["load /s".into(), "mean, \"simulated\"".into()],
            rows: vec![vec![1.0, 20.5], vec![2.5, f64::NAN]],
        };
        assert_eq!(table.csv(), "load /s,\"mean, \"\"simulated\"\"\"\r\n1,20.5\r\n2.5,\r\n");
    }

    #[test]
    fn a_long_table_is_thinned_and_keeps_its_end() {
        assert_eq!(thinned(3, 10), [0, 1, 2]);
        assert_eq!(thinned(60, 6), [9, 19, 29, 39, 49, 59]);
    }
}
