//! A few lines at the bottom of a terminal that are written anew in their place, and lines that go above them for good.
//!
//! Every line ends in a line feed, none in the terminal's last column: so a terminal that is resized breaks no two of them
//! into one, and how many rows they take at the new width is known.

use std::io;

use console::{Term, measure_text_width};

/// The lower end of a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    /// The lines that stand there now.
    lines: Vec<String>,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { term: Term::buffered_stderr(), lines: Vec::new() }
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (usize::from(rows), usize::from(columns))
    }

    /// Shows these lines in the place of those that stand there.
    pub(super) fn draw(&mut self, lines: Vec<String>) {
        // Where nobody can see it, it does not matter.
        let _ = self.replace(&[], lines);
    }

    /// Puts a line above those that stand there.
    pub(super) fn line(&mut self, text: &str) {
        let lines = self.lines.clone();
        let _ = self.replace(&[text], lines);
    }

    fn replace(&mut self, above: &[&str], lines: Vec<String>) -> io::Result<()> {
        let up = rows(&self.lines, self.size().1);
        if up > 0 {
            self.term.move_cursor_up(up)?;
        }
        self.term.clear_to_end_of_screen()?;
        for line in above {
            self.term.write_line(line)?;
        }
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.lines = lines;
        self.term.flush()
    }
}

/// Rows that lines take on a terminal of this width, which breaks those that are too long.
fn rows(lines: &[String], width: usize) -> usize {
    lines.iter().map(|line| measure_text_width(line).div_ceil(width.max(1)).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_terminal_breaks_lines() {
        let lines = ["", "\u{1b}[31mfive!\u{1b}[0m", "ten columns"].map(str::to_owned);
        assert_eq!([80, 11, 10, 5, 1].map(|width| rows(&lines, width)), [3, 3, 4, 5, 17]);
    }
}
