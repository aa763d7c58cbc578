//! `cargo xtask`: the one command runner of this repository.
//!
//! ```text
//! build, serve, test, bench, demo   one file a subcommand
//! summary     counting tests and telling how a test run went
//! native      compiling for this machine
//! workspace   where things are, and cargo
//! process     running a program and listening to it; leaving none behind
//! steps       progress, for people and for logs
//! tools       what must be installed, installing it or saying how
//! ```

mod bench;
mod build;
mod demo;
mod native;
mod process;
mod serve;
mod steps;
mod summary;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, serves, tests and measures Hockeystick.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Options),
    Serve(serve::Options),
    Test(test::Options),
    Bench(bench::Options),
    Demo(demo::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Build(options) => build::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Demo(options) => demo::run(&options),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
