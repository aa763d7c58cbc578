//! The `loadgen` binary: reads the command line and leaves the rest to the library.

use std::process::ExitCode;

use clap::Parser;
use hockeystick_loadgen::command::Cli;

fn main() -> ExitCode {
    // `loadgen … | head` ends quietly, as it does for every other program.
    sigpipe::reset();
    Cli::parse().run().into()
}
