//! `cargo xtask demo`: the whole loop on this machine, from a running app to a verdict.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::Workspace;

/// Starts the reference app, loads it, calibrates the model, checks the prediction, writes a report.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Passed on to the demo; `cargo xtask demo -- --help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut cargo = workspace.cargo("run");
    cargo.args(["--release", "--package=hockeystick-staging", "--example=demo", "--"]).args(&options.rest);
    let status = cargo.status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
