//! `loadgen report`: measurement and model in one HTML file.

use std::path::PathBuf;

use clap::Args;
use hockeystick_core::judge::{self, Judgement};
use hockeystick_core::verdict::Tolerances;
use miette::{IntoDiagnostic, Report};

use super::Exit;
use crate::report::{self, Content};
use crate::{model, store};

const EXAMPLES: &str = "\
Examples:
  loadgen report results.json --out report.html
  loadgen report results.json --stage fitted.toml --out report.html";

/// Write measurement and model into one HTML file that opens anywhere
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What `loadgen run` wrote
    results: PathBuf,
    /// The calibrated stage, for the model's curve and the verdict
    #[arg(long, value_name = "FITTED.toml")]
    stage: Option<String>,
    /// Where the report goes
    #[arg(long, value_name = "REPORT.html")]
    out: PathBuf,
    /// Seed of the simulations
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let results = store::read_results(&options.results).into_diagnostic()?;
    let stage = options.stage.as_deref().map(model::load).transpose()?.map(|loaded| loaded.stage);
    let judgement: Option<Judgement> = match &stage {
        None => None,
        Some(stage) => {
            let chosen = judge::chosen(&results, None, true);
            Some(judge::judge(&results, stage, &chosen, &Tolerances::default(), options.seed).map_err(model::broken)?)
        }
    };
    let content =
        Content { results: &results, stage: stage.as_ref(), judgement: judgement.as_ref(), seed: options.seed };
    let html = report::render(&content)?;
    store::write(&options.out, html.as_bytes()).into_diagnostic()?;
    say!("{} written", options.out.display());
    Ok(Exit::Agrees)
}
