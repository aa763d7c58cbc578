//! `loadgen man`: the manual pages, made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use miette::{IntoDiagnostic, Report, WrapErr};

use super::{Cli, Exit};

const EXAMPLES: &str = "\
Examples:
  loadgen man ~/.local/share/man/man1
  loadgen man . && man ./loadgen-check.1";

/// Write the manual pages: loadgen.1, and one for each subcommand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The folder for them; made where it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let folder = options.folder.display();
    let failed = || format!("cannot write manual pages to {folder}; give a folder that can be written");
    std::fs::create_dir_all(&options.folder).into_diagnostic().wrap_err_with(failed)?;
    clap_mangen::generate_to(Cli::command(), &options.folder).into_diagnostic().wrap_err_with(failed)?;
    say!("{folder}: manual pages of loadgen and its subcommands written");
    Ok(Exit::Agrees)
}
