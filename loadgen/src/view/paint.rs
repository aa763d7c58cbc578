//! Colours, where the terminal has them and nobody said `NO_COLOR`, and lines that fit.

use console::{Style, measure_text_width, truncate_str};

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// What explains.
    Faint,
    /// What matters most.
    Strong,
    /// What happens now.
    Live,
    /// Beyond the knee.
    Slow,
    /// What went wrong.
    Bad,
}

/// A brush, with colours or without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) colours: bool,
}

impl Paint {
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let style = Style::new().force_styling(self.colours);
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Faint => style.dim(),
            Tone::Strong => style.bold(),
            Tone::Live => style.cyan(),
            Tone::Slow => style.yellow(),
            Tone::Bad => style.red().bold(),
        };
        style.apply_to(text).to_string()
    }
}

/// Joins as many parts as a line of this width holds, the first at any rate.
pub(super) fn fit(parts: &[String], gap: &str, width: usize) -> String {
    let mut line = String::new();
    for part in parts {
        let longer = if line.is_empty() { part.clone() } else { format!("{line}{gap}{part}") };
        if !line.is_empty() && measure_text_width(&longer) > width {
            break;
        }
        line = longer;
    }
    truncate_str(&line, width, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_fits_and_no_more() {
        let parts = ["one", "two", "three"].map(str::to_owned);
        assert_eq!(fit(&parts, "  ", 80), "one  two  three");
        assert_eq!(fit(&parts, "  ", 9), "one  two");
        assert_eq!(fit(&parts, "  ", 2), "o…");
        assert_eq!(fit(&[], "  ", 2), "");
    }

    #[test]
    fn without_colours_there_is_nothing_but_text() {
        assert_eq!(Paint { colours: false }.tone(Tone::Bad, "x"), "x");
        let red = Paint { colours: true }.tone(Tone::Bad, "x");
        assert!(red.contains('\u{1b}') && measure_text_width(&red) == 1);
    }
}
