//! The command line: one file a subcommand.

mod calibrate;
mod check;
mod completions;
mod limits;
mod man;
mod merge;
mod plan;
mod predict;
mod report;
mod run;
mod schema;
mod signals;
mod together;

use std::ops::RangeInclusive;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use miette::Report;

use crate::{fit, output};

/// Drives a deployment, and says whether the model of it holds.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; `check`: the model agrees with the measurement
  1  `check`: the model disagrees; `run`: a threshold of the plan was not kept
  2  usage, or a file or host that cannot be used
  3  `check`, `calibrate`: inconclusive, or a measurement not to be believed;
     `run`: steps missed, or nothing measured;
     `merge`: steps that lack a shard
  4  `run`: a guard rail stopped it, or another shard
  130  `run`: interrupted; --resume goes on";

#[derive(Debug, Subcommand)]
enum Command {
    Predict(predict::Options),
    Plan(plan::Options),
    Run(run::Options),
    Merge(merge::Options),
    Calibrate(calibrate::Options),
    Check(check::Options),
    Report(report::Options),
    Schema(schema::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or the model agrees.
    Agrees = 0,
    /// The model disagrees, or a threshold was not kept.
    Disagrees = 1,
    /// The command could not be carried out as given.
    Usage = 2,
    /// Nothing can be concluded.
    Inconclusive = 3,
    /// A guard rail stopped the run.
    Stopped = 4,
    /// Somebody interrupted the run: as a shell has it for SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Cli {
    /// Whether the command opens sockets: a write to one whose other end is gone raises SIGPIPE as a pipe does, and
    /// must end a request and not the run.
    pub const fn opens_sockets(&self) -> bool {
        matches!(self.command, Command::Run(_) | Command::Calibrate(_) | Command::Check(_) | Command::Report(_))
    }

    /// Carries the command out; errors are on standard error by then.
    pub fn run(self) -> Exit {
        let outcome = match self.command {
            Command::Predict(options) => predict::run(&options),
            Command::Plan(options) => plan::run(&options),
            Command::Run(options) => run::run(&options),
            Command::Merge(options) => merge::run(&options),
            Command::Calibrate(options) => calibrate::run(&options),
            Command::Check(options) => check::run(&options),
            Command::Report(options) => report::run(&options),
            Command::Schema(options) => Ok(schema::run(&options)),
            Command::Completions(options) => Ok(completions::run(&options)),
            Command::Man(options) => man::run(&options),
        };
        let exit = outcome.unwrap_or_else(|error: Report| {
            tell!("{error:?}");
            if error.is::<fit::Doubtful>() { Exit::Inconclusive } else { Exit::Usage }
        });
        match output::lost() {
            Some(error) => {
                tell!("The output could not be written, and is not complete: {error}.");
                Exit::Usage
            }
            None => exit,
        }
    }
}

/// Reads `3` or `2..5`: steps counted from 1, both ends included.
fn step_range(text: &str) -> Result<RangeInclusive<usize>, String> {
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number >= 1);
    let range = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to.trim_start_matches('='))),
        None => number(text).map(|only| (only, only)),
    };
    match range {
        Some((from, to)) if from <= to => Ok(from..=to),
        _ => Err("expected a step such as 3, or a range such as 2..5; the first step is 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
            // One that a terminal breaks cannot be copied.
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{}: {help}", command.get_name());
        }
    }

    #[test]
    fn steps_are_counted_from_one() {
        assert_eq!(step_range("2..5"), Ok(2..=5));
        assert_eq!(step_range("3"), Ok(3..=3));
        for wrong in ["", "0", "5..2", "-1", "a..b", "1..99999999999999999999999"] {
            assert!(step_range(wrong).is_err(), "{wrong}");
        }
    }
}
