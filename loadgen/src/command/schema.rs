//! `loadgen schema`: what a stage file may say, for editors.

use clap::Args;
use hockeystick_content::{builtin, stage};

use super::Exit;

const EXAMPLES: &str = "\
Examples:
  loadgen schema > stage.schema.json

An editor that knows TOML completes and checks a stage file that begins with:
  #:schema ./stage.schema.json";

/// Print the JSON Schema of stage files, for editors
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {}

pub(super) fn run(_: &Options) -> Exit {
    say!("{:#}", stage::schema(&builtin::catalogue()));
    Exit::Agrees
}
