//! Progress, for people and for logs: a bar on a terminal, plain lines elsewhere.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::process::{self, Finished};

/// A sequence of steps, of which one runs at a time.
#[derive(Debug)]
pub(crate) struct Steps {
    /// Hidden where standard error is not a terminal.
    bar: ProgressBar,
    total: usize,
    started: usize,
    verbose: bool,
}

/// The step that is running.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    steps: &'a Steps,
    name: &'a str,
}

impl Steps {
    pub(crate) fn new(total: usize, verbose: bool) -> Self {
        let bar = ProgressBar::new(total as u64);
        // The template is a constant and valid; a plain bar would do too.
        if let Ok(style) = ProgressStyle::with_template("{bar:24.green} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, total, started: 0, verbose }
    }

    /// Runs one step and prints how long it took.
    pub(crate) fn run<T>(&mut self, name: &str, work: impl FnOnce(&Step<'_>) -> Result<T>) -> Result<T> {
        self.started += 1;
        let place = format!("[{}/{}]", self.started, self.total);
        self.bar.set_message(name.to_owned());
        if self.bar.is_hidden() {
            eprintln!("{place} {name}");
        }
        let start = Instant::now();
        let result = work(&Step { steps: self, name });
        let outcome = if result.is_ok() { "" } else { " (failed)" };
        self.say(&format!("{place} {name}: {:.1} s{outcome}", start.elapsed().as_secs_f64()));
        self.bar.inc(1);
        result
    }

    /// Prints a line that stays.
    pub(crate) fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Step<'_> {
    /// Runs a program to its end, showing its last line beside the bar, but for those that it writes for programs.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Finished> {
        if self.steps.verbose {
            self.steps.say(&format!("{command:?}"));
        }
        process::run(command, |line| {
            if line.trim().is_empty() || process::is_for_programs(line) {
                return;
            }
            if self.steps.verbose {
                self.steps.say(line);
            } else {
                self.steps.bar.set_message(format!("{} · {}", self.name, line.trim()));
            }
        })
    }

    /// Prints a line that stays.
    pub(crate) fn say(&self, line: &str) {
        self.steps.say(&format!("      {line}"));
    }
}
