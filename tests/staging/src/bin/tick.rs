//! `tick`: the reference app as a program.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use hockeystick_staging::tick::{options::ServeOptions, serve};
use hockeystick_staging::{guard, plan};

/// Tick, a shared to-do list: the app that Hockeystick models, deploys and measures
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the app until SIGTERM or Ctrl-C
    Serve(ServeOptions),
    /// Print the part of a load plan that is about a seeded Tick; add the steps, and loadgen runs it
    Plan {
        /// The number that `tick serve` was given
        #[arg(long, value_name = "N", default_value_t = 200)]
        seed_accounts: u32,
    },
    /// Run a program in control groups, and remove them when it or the caller ends
    #[command(hide = true)]
    Guard(guard::GuardOptions),
}

fn print_plan(seed_accounts: u32) -> Result<()> {
    let plan = plan::material(seed_accounts).loadgen_plan();
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(plan.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to standard output")
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(options) => serve::run(options).map(|()| ExitCode::SUCCESS),
        Command::Plan { seed_accounts } => print_plan(seed_accounts).map(|()| ExitCode::SUCCESS),
        Command::Guard(options) => guard::run(&options),
    };
    result.unwrap_or_else(|error| {
        // Causes on the same line: what failed, then why.
        eprintln!("tick: {error:#}");
        ExitCode::FAILURE
    })
}
