//! `loadgen report`: measurement and model in one file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hockeystick_core::judge;
use hockeystick_core::objective::Objective;
use hockeystick_core::verdict::Tolerances;
use miette::{IntoDiagnostic, Report, miette};

use super::Exit;
use crate::findings::{Findings, Question};
use crate::report::{self, junit, markdown};
use crate::utilisation::Elsewhere;
use crate::{judge as shown, model, store};

const EXAMPLES: &str = "\
Examples:
  loadgen report results.json --out report.html
  loadgen report results.json --stage fitted.toml --out report.html
  loadgen report results.json --stage fitted.toml --objective \"p95 < 200ms\" \\
      --format md >> \"$GITHUB_STEP_SUMMARY\"
  loadgen report results.json --stage fitted.toml --format junit --out check.xml";

/// Write measurement and model into one file: HTML that opens anywhere, Markdown, JSON or JUnit's XML
///
/// The verdict's own exit codes are those of `check`; a report that was written ends with 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What `loadgen run` wrote
    results: PathBuf,
    /// The calibrated stage, for the model's curve and the verdict
    #[arg(long, value_name = "FITTED.toml")]
    stage: Option<String>,
    /// Say how many requests a second the deployment carries while this holds: "p95 < 200ms" (mean, p50, p95, p99) or
    /// "errors < 1%". Repeatable
    #[arg(long, value_name = "OBJECTIVE", requires = "stage")]
    objective: Vec<Objective>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Where the report goes; standard output unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    /// Seed of the simulations
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page with charts; follows light and dark, and prints well
    Html,
    /// Markdown, for a job's summary, a pull request or a wiki
    Md,
    /// The verdict and what follows from it, for a program; needs --stage
    Json,
    /// JUnit's XML, for continuous integration; needs --stage
    Junit,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let mut results = store::read_whole_results(&options.results).into_diagnostic()?;
    let loaded = options.stage.as_deref().map(model::load).transpose()?;
    options.elsewhere.add_to(&mut results, loaded.as_ref().map(|loaded| &loaded.stage))?;
    let question = Question {
        steps: judge::chosen(&results, None, true),
        tolerances: Tolerances::default(),
        objectives: options.objective.clone(),
        seed: options.seed,
    };
    let findings = loaded.as_ref().map(|loaded| Findings::of(&results, loaded, &question)).transpose()?;
    let judged = || {
        findings
            .as_ref()
            .ok_or_else(|| miette!(help = "give --stage FITTED.toml", "without a stage there is no verdict"))
    };
    let text = match options.format {
        Format::Html => report::render(&results, findings.as_ref(), options.seed)?,
        Format::Md => markdown::render(&results, findings.as_ref()),
        Format::Json => format!("{:#}", shown::json_of(judged()?)),
        Format::Junit => junit::render(judged()?)?,
    };
    match &options.out {
        Some(out) => {
            store::write_beside_results(out, format!("{}\n", text.trim_end()).as_bytes()).into_diagnostic()?;
            say!("{} written", out.display());
        }
        None => say!("{}", text.trim_end()),
    }
    Ok(Exit::Agrees)
}
