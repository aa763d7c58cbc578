//! `loadgen check`: does the model agree with the steps that were held out?

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hockeystick_core::judge::{Judgement, chosen};
use hockeystick_core::measurement::Metric;
use hockeystick_core::objective::Objective;
use hockeystick_core::verdict::{Tolerances, Verdict};
use miette::{IntoDiagnostic, Report, miette};

use super::{Exit, step_range};
use crate::findings::{Findings, Question};
use crate::report::{junit, markdown};
use crate::utilisation::Elsewhere;
use crate::{judge, model, store};

const EXAMPLES: &str = "\
Examples:
  loadgen check results.json --stage fitted.toml
  loadgen check results.json --stage fitted.toml --tolerance mean=0.15
  loadgen check results.json --stage fitted.toml \\
      --objective \"p95 < 200ms\" --objective \"errors < 0.1%\"
  loadgen check results.json --stage fitted.toml --steps 5..8 --format json
  loadgen check results.json --stage fitted.toml --format junit > check.xml";

/// Predict the held-out steps and compare
///
/// The very requests of each step are simulated. A figure agrees when the 90 % interval of its relative
/// error lies inside the tolerance, disagrees when outside, and is inconclusive otherwise. A step whose
/// measurement cannot be believed counts neither way.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What `loadgen run` wrote
    results: PathBuf,
    /// The calibrated stage: the path of a stage file, or a built-in name
    #[arg(long, value_name = "FITTED.toml")]
    stage: String,
    /// Largest relative error that counts as agreement, as METRIC=SHARE; metrics are throughput, mean, p50, p95, p99.
    /// Repeatable [default: throughput 0.03, mean 0.10, p95 0.15; p50 and p99 are only reported]
    #[arg(long, value_name = "METRIC=SHARE", value_parser = tolerance)]
    tolerance: Vec<(Metric, f64)>,
    /// How busy the busiest station may be, by the model and as measured, before the tolerances of times widen: by 1/(1-U),
    /// as an error of demand weighs the more the nearer a station is to its limit, up to four times. 1 for never
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, value_parser = share)]
    widen_above: f64,
    /// Steps to check instead, counted from 1: 3 or 5..8
    #[arg(long, value_name = "RANGE", value_parser = step_range)]
    steps: Option<RangeInclusive<usize>>,
    /// Say how many requests a second the deployment carries while this holds: "p95 < 200ms" (mean, p50, p95, p99) or
    /// "errors < 1%". Repeatable
    #[arg(long, value_name = "OBJECTIVE")]
    objective: Vec<Objective>,
    #[command(flatten)]
    elsewhere: Elsewhere,
    /// Seed of the simulations
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON: the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for a terminal
    Text,
    /// Everything, for a program
    Json,
    /// Markdown, for a job's summary or a pull request
    Md,
    /// JUnit's XML, for continuous integration: a figure that disagrees has failed, one that is undecided was skipped
    Junit,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a share from 0 to 1, such as 0.8".to_owned())
}

fn tolerance(text: &str) -> Result<(Metric, f64), String> {
    let expected = "expected METRIC=SHARE, such as mean=0.1; metrics are throughput, mean, p50, p95, p99";
    let (name, share) = text.split_once('=').ok_or(expected)?;
    let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name).ok_or(expected)?;
    let share = share.parse::<f64>().ok().filter(|share| *share > 0.0 && *share < 100.0).ok_or(expected)?;
    Ok((metric, share))
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let mut results = store::read_whole_results(&options.results).into_diagnostic()?;
    let loaded = model::load(&options.stage)?;
    options.elsewhere.add_to(&mut results, Some(&loaded.stage))?;
    let mut tolerances = Tolerances { widen_above: options.widen_above, ..Tolerances::default() };
    for (metric, share) in &options.tolerance {
        *tolerances.of_mut(*metric) = Some(*share);
    }
    let steps = chosen(&results, options.steps.as_ref(), true);
    if steps.is_empty() {
        let help = "mark steps with held_out = true in the plan, or name them with --steps";
        let has = results.steps.len();
        return Err(miette!(help = help, "there is no step to check among the {has} of {}", options.results.display()));
    }
    let question = Question { steps, tolerances, objectives: options.objective.clone(), seed: options.seed };
    let findings = Findings::of(&results, &loaded, &question)?;
    let shown = match if options.json { Format::Json } else { options.format } {
        Format::Text => judge::text_of(&findings),
        Format::Json => serde_json::to_string_pretty(&judge::json_of(&findings)).into_diagnostic()?,
        Format::Md => {
            let mut text = String::new();
            markdown::verdicts(&mut text, &findings);
            text
        }
        Format::Junit => junit::render(&findings)?,
    };
    say!("{}", shown.trim());
    Ok(exit(&findings.judgement))
}

fn exit(judgement: &Judgement) -> Exit {
    match judgement.verdict {
        Verdict::Agrees => Exit::Agrees,
        Verdict::Disagrees => Exit::Disagrees,
        Verdict::Inconclusive | Verdict::Reported => Exit::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_named_by_metric() {
        assert_eq!(tolerance("p95=0.2"), Ok((Metric::P95, 0.2)));
        for wrong in ["", "p95", "p95=", "p95=-1", "p95=nan", "p12=0.1", "mean=0"] {
            assert!(tolerance(wrong).is_err(), "{wrong}");
        }
    }
}
