//! The `loadgen` binary: reads the command line and leaves the rest to the library.

use std::process::ExitCode;

use clap::Parser;
use hockeystick_loadgen::command::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if !cli.opens_sockets() {
        // `loadgen … | head` ends quietly and at once, as it does for every other program.
        sigpipe::reset();
    }
    cli.run().into()
}
