//! What is wrong with a file: every problem, each at its line and field, with what would be valid.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};

/// Most problems that are reported of one file; a hostile file cannot make the report grow without end.
const REPORTED: usize = 50;

/// Everything wrong with one file. Never empty.
///
/// As a [`miette::Diagnostic`] it shows each problem in its line. As text ([`Display`](fmt::Display)) it is the first
/// problem and the number of the others; [`lines`](Self::lines) has them all.
#[derive(Clone, Debug)]
pub struct FileErrors {
    source: Box<NamedSource<String>>,
    problems: Vec<FileProblem>,
    more: usize,
}

/// One problem of a file.
#[derive(Clone, Debug)]
pub struct FileProblem {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field, such as `component[2].workers`; empty when the file as a whole is meant.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be valid.
    pub help: String,
    span: Range<usize>,
}

impl FileErrors {
    /// Each problem, in the file's order.
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// One line a problem: `file:line:column: field: message; help`.
    pub fn lines(&self) -> String {
        let lines: Vec<String> = self.problems.iter().map(FileProblem::line).collect();
        let more = if self.more > 0 { format!("\nand {} more", self.more) } else { String::new() };
        lines.join("\n") + &more
    }
}

impl FileProblem {
    fn line(&self) -> String {
        let Self { file, line, column, help, .. } = self;
        let help = if help.is_empty() { String::new() } else { format!("; {help}") };
        format!("{file}:{line}:{column}: {self}{help}")
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.problems.len() + self.more - 1;
        f.write_str(&self.problems[0].line())?;
        match others {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more problem)"),
            _ => write!(f, " (and {others} more problems)"),
        }
    }
}

impl std::error::Error for FileErrors {}

impl Diagnostic for FileErrors {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for FileProblem {}

impl Diagnostic for FileProblem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.span.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, span))))
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Found>,
    more: usize,
}

#[derive(Debug)]
struct Found {
    span: Range<usize>,
    path: String,
    message: String,
    help: String,
}

impl Problems {
    /// Adds a problem of the text at `span`.
    pub(crate) fn add(
        &mut self,
        span: Range<usize>,
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.found.len() < REPORTED {
            self.found.push(Found { span, path: path.into(), message: message.into(), help: help.into() });
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes over the problems of a part of the text that begins at `offset`.
    pub(crate) fn absorb(&mut self, part: Self, offset: usize) {
        self.more += part.more;
        for Found { span, path, message, help } in part.found {
            self.add(span.start + offset..span.end + offset, path, message, help);
        }
    }

    /// The problems with their lines and columns in `text`.
    pub(crate) fn into_errors(mut self, file: &str, text: &str) -> FileErrors {
        self.found.sort_by_key(|found| found.span.start);
        let problems = self.found.into_iter().map(|found| {
            let start = floor_char_boundary(text, found.span.start);
            let end = floor_char_boundary(text, found.span.end.max(start));
            let (line, column) = line_and_column(text, start);
            let Found { path, message, help, .. } = found;
            // A label over several lines hides what it marks: the first line is enough to find the place.
            let first_line = text[start..end].find('\n').map_or(end, |length| start + length);
            FileProblem { file: file.to_owned(), line, column, path, message, help, span: start..first_line }
        });
        let problems = problems.collect();
        let text = shown_part(text).to_owned();
        FileErrors { source: Box::new(NamedSource::new(file, text)), problems, more: self.more }
    }
}

/// What an error report keeps of the file: all of it, unless it is far larger than any stage.
fn shown_part(text: &str) -> &str {
    &text[..floor_char_boundary(text, crate::TEXT_BYTES_MAX)]
}

fn floor_char_boundary(text: &str, mut index: usize) -> usize {
    index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// Line and column, both from 1, of a byte offset that is a character boundary.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
