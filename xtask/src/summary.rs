//! Counting tests, and telling how a test run went.

use std::fmt::Write;
use std::time::Duration;

/// Tests that ran, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Counts {
    /// Adds up the summary lines of `cargo nextest` and `cargo test`.
    pub(crate) fn read(lines: &[String]) -> Self {
        let lines: Vec<String> = lines.iter().map(|line| without_colours(line)).collect();
        let by_nextest = |line: &&String| line.contains(" tests run: ") || line.contains(" test run: ");
        let by_cargo = |line: &&String| line.starts_with("test result: ");
        // nextest quotes what a failed test printed, and with it cargo's line for that one test.
        let has_nextest = lines.iter().any(|line| by_nextest(&line));
        let mut total = Self::default();
        for line in lines.iter().filter(|line| if has_nextest { by_nextest(line) } else { by_cargo(line) }) {
            total.add(Self::of_summary_line(line));
        }
        total
    }

    /// `12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 0 skipped` or `test result: ok. 3 passed; 0 failed; …`.
    fn of_summary_line(line: &str) -> Self {
        let mut counts = Self::default();
        let words: Vec<&str> = line.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<usize>() else { continue };
            match pair[1] {
                "passed" => counts.passed += number,
                "failed" | "timed" | "exec" => counts.failed += number,
                _ => {}
            }
        }
        counts
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn without_colours(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            text.push(letter);
            continue;
        }
        letters.by_ref().find(char::is_ascii_alphabetic);
    }
    text.trim_start().to_owned()
}

/// One line of the summary.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) counts: Counts,
    pub(crate) ok: bool,
}

/// The table, and last the line that says it all.
pub(crate) fn text(entries: &[Entry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    let mut total = Counts::default();
    for entry in entries {
        let Counts { passed, failed } = entry.counts;
        let tests = if passed + failed > 0 { format!("{} tests", passed + failed) } else { String::new() };
        let verdict = if entry.ok { "ok" } else { "FAILED" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {:>7.1} s  {verdict:6}  {tests}", entry.name, entry.took.as_secs_f64(),);
        total.add(entry.counts);
        // A check that is no test, or a test program that did not compile, counts as one failure.
        if !entry.ok && failed == 0 {
            total.failed += 1;
        }
    }
    let took: Duration = entries.iter().map(|entry| entry.took).sum();
    let _ = writeln!(text, "{:width$}  {:>7.1} s", "total", took.as_secs_f64());
    let _ = writeln!(text, "{} passed, {} failed", total.passed, total.failed);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (usize, usize) {
        let counts = Counts::read(&[line.to_owned()]);
        (counts.passed, counts.failed)
    }

    #[test]
    fn both_test_runners_are_understood() {
        assert_eq!(read("     Summary [   0.035s] 9 tests run: 9 passed, 0 skipped"), (9, 0));
        assert_eq!(
            read("Summary [ 1s] 12 tests run: 9 passed (1 slow, 2 leaky), 2 failed, 1 timed out, 0 skipped"),
            (9, 3)
        );
        assert_eq!(
            read(
                "\u{1b}[32;1m Summary\u{1b}[0m [1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m"
            ),
            (1, 0)
        );
        assert_eq!(read("test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out"), (3, 1));
        assert_eq!(read("7 passed in a sentence of a test"), (0, 0));
    }

    #[test]
    fn what_nextest_quotes_of_a_failed_test_is_not_counted_again() {
        let lines = ["    test result: FAILED. 0 passed; 1 failed", "Summary [ 1s] 3 tests run: 2 passed, 1 failed"];
        assert_eq!(Counts::read(&lines.map(str::to_owned)), Counts { passed: 2, failed: 1 });
    }

    #[test]
    fn the_last_line_counts_a_failed_check_as_one() {
        let entry = |ok, passed, failed| Entry {
            name: "step".to_owned(),
            took: Duration::from_secs(1),
            counts: Counts { passed, failed },
            ok,
        };
        let text = text(&[entry(true, 5, 0), entry(false, 0, 0), entry(false, 1, 2)]);
        assert_eq!(text.lines().last(), Some("6 passed, 3 failed"));
    }
}
