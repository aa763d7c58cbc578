//! `loadgen calibrate`: the stage's demands from the low and middle steps of a measurement.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use hockeystick_content::board;
use hockeystick_core::judge;
use miette::{IntoDiagnostic, Report, miette};

use super::{Exit, step_range};
use crate::table::{Table, number};
use crate::utilisation::Elsewhere;
use crate::{fit, model, store};

const EXAMPLES: &str = "\
Examples:
  loadgen calibrate results.json --stage 01-single-server --out fitted.toml
  loadgen calibrate results.json --stage my.toml --out fitted.toml --steps 1..4
  loadgen calibrate results.json --stage my.toml --out fitted.toml \\
      --busy \"app cpu=0.21,0.39,0.58,0.8\"
  loadgen calibrate results.json --stage my.toml --out fitted.toml \\
      --prometheus http://prometheus:9090 \\
    --query 'app cpu=sum(rate(process_cpu_seconds_total{job=\"app\"}[$window]))' \\
    --query 'db cpu=sum(rate(process_cpu_seconds_total{job=\"db\"}[$window]))'";

/// Fit a stage's demands to the steps that the plan did not hold out
///
/// By the utilisation law (U = X·D) where busy time was measured, else by fitting response time over load.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What `loadgen run` wrote
    results: PathBuf,
    /// The stage to fit: a built-in name, or the path of a stage file
    #[arg(long)]
    stage: String,
    /// Where the fitted stage goes
    #[arg(long, value_name = "FITTED.toml")]
    out: PathBuf,
    /// Steps to use instead, counted from 1: 3 or 1..4
    #[arg(long, value_name = "RANGE", value_parser = step_range)]
    steps: Option<RangeInclusive<usize>>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    /// Seed of the simulations
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let mut results = store::read_whole_results(&options.results).into_diagnostic()?;
    let loaded = model::load(&options.stage)?;
    options.elsewhere.add_to(&mut results, Some(&loaded.stage))?;
    if board::is_json(&loaded.text) {
        let help = "write the stage as TOML: `loadgen schema` says what it may hold, content/stages/ has examples";
        return Err(miette!(
            help = help,
            "{} is a board in JSON; the fitted values go into a stage file",
            options.stage
        ));
    }
    let chosen = judge::chosen(&results, options.steps.as_ref(), false);
    let fitted = fit::fit(&results, &loaded, &chosen, options.seed)?;
    // What is written must read back as what was fitted.
    let name = options.out.display().to_string();
    let written = hockeystick_content::stage::read(&fitted.text, &name, &hockeystick_content::builtin::catalogue())?;
    if written != fitted.stage {
        return Err(miette!("the fitted stage does not read back as it was fitted; please report this stage file"));
    }
    store::write_beside_results(&options.out, fitted.text.as_bytes()).into_diagnostic()?;
    print(&fitted);
    say!("{name} written");
    Ok(Exit::Agrees)
}

fn print(fitted: &fit::Fitted) {
    let mut table = Table::new(&["demand", "before", "fitted", "90 % interval"]);
    for demand in &fitted.demands {
        let interval = demand.interval_s.filter(|found| found.is_bounded()).map_or_else(
            || "unknown".to_owned(),
            |found| format!("{} to {} ms", number(found.low * 1e3), number(found.high * 1e3)),
        );
        table.row([
            format!("{}.{}", demand.component, demand.class.name()),
            demand.before.to_string(),
            demand.after.to_string(),
            interval,
        ]);
    }
    say!("{}", table.to_string().trim_end());
    for method in &fitted.methods {
        say!("{method}");
    }
    let workers = fitted.shape.workers.map_or_else(String::new, |workers| format!(", {workers} workers"));
    say!(
        "shape: demands vary by {} of their mean{workers}, {} on the way each way; {:.1} % off at these steps",
        fitted.shape.variation,
        fitted.shape.latency,
        fitted.shape.misfit * 100.0
    );
    for warning in &fitted.warnings {
        tell!("warning: {warning}");
    }
}
