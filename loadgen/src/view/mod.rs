//! What a terminal shows while something runs.
//!
//! - [`Terminal`]: a run, on a terminal as a `board` that is drawn anew ten times a second, elsewhere as a line for each
//!   step. `curve` is the board's chart, `paint` its colours, `screen` where it stands. [`JsonLines`]: the same for programs.
//! - [`Apart`]: gives either a thread of its own, and hands it what the run tells.

mod apart;
mod board;
mod curve;
mod json;
mod paint;
mod screen;
mod terminal;

use std::fs::File;
use std::io::{self, IsTerminal, stderr, stdout};

use indicatif::{ProgressBar, ProgressStyle};

pub use apart::{Apart, Event, Show};
pub use json::JsonLines;
pub use terminal::Terminal;

use crate::plan::{Load, PlannedStep};
use crate::table::number;

/// Takes standard output, and leaves nothing in its place. goose greets each run with a line of words there, and panics
/// where nobody can hear it.
///
/// # Errors
/// When there is no standard output.
pub fn take_stdout() -> io::Result<File> {
    let out = rustix::io::dup(stdout())?;
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(File::from(out))
}

/// A bar of the simulation's progress, on a terminal; nothing elsewhere.
pub fn simulation_bar() -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
    bar.set_style(style("{spinner} simulating {bar:30} {percent} %"));
    bar
}

/// A step's load in a word or two.
pub fn load(step: &PlannedStep) -> String {
    match &step.load {
        Load::Closed(closed) => format!("{} users", closed.users),
        Load::Open(curve) if curve.is_constant() => format!("{}/s", number(curve.max_per_s())),
        Load::Open(curve) => {
            let rates = curve.points().iter().map(|(_, rate)| *rate);
            format!("{} to {}/s", number(rates.fold(f64::INFINITY, f64::min)), number(curve.max_per_s()))
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
