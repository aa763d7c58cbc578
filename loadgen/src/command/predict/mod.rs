//! `loadgen predict`: a stage by simulation and by theory: at one load, over load, or one request of it.

mod change;
mod outlook;
mod path;
mod sweep;

use clap::Args;
use hockeystick_core::objective::Objective;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Rate;
use miette::{IntoDiagnostic, Report};

use super::Exit;
use crate::capacity::{Asked, answer};
use crate::fit::provenance::Provenance;
use crate::model;

const EXAMPLES: &str = "\
Examples:
  loadgen predict 01-single-server
  loadgen predict 01-single-server --users 10000 --seconds 300
  loadgen predict 09-load-balancer --set app.copies=2 \\
      --set \"app.demand.read=4 ms\"
  loadgen predict 09-load-balancer --no-faults --seconds 120 \\
      --fault down:app#1@30s+20s
  loadgen predict 09-load-balancer \\
      --fault '{ at = \"30 s\", on = \"app\", kind = \"slow\", speed = 0.5 }'
  loadgen predict 01-single-server --sweep 10..100 --steps 8
  loadgen predict 01-single-server --sweep 10..100 --csv
  loadgen predict 01-single-server --trace 12
  loadgen predict 09-load-balancer --no-faults --objective \"p95 < 200ms\"
  loadgen predict my-stage.toml --rate 50 --seed 7 --json";

/// Predict a stage by simulation and by queueing theory, side by side
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A built-in stage such as 01-single-server, or the path of a stage file, or of a board saved as JSON
    stage: String,
    /// Requests a second, instead of the stage's own
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, allow_negative_numbers = true, conflicts_with_all = ["users", "sweep"])]
    rate: Option<f64>,
    /// Daily active users, instead of the stage's own; their peak rate is 200 requests a day × 4 / 86,400 s
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "sweep")]
    users: Option<u64>,
    /// A number of the stage, such as app.copies=3, "app.demand.read=4 ms" or "box.memory=2 GB"; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// One more fault: KIND:TARGET@AT+FOR, such as down:app#1@30s+20s or slow,speed=0.2:app@30s, or a table as in a
    /// stage file; may be repeated
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Without the stage's own faults
    #[arg(long)]
    no_faults: bool,
    /// Simulated seconds, warm-up included; unless set, enough for 400,000 requests, and 600 at most
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// Seed of every random draw
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Confidence level of the intervals
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = confidence, allow_negative_numbers = true)]
    confidence: f64,
    /// Predict at several rates, from the lowest to the highest
    #[arg(long, value_name = "FROM..TO", value_parser = rates)]
    sweep: Option<(f64, f64)>,
    /// How many rates, each the same factor above the one before
    #[arg(long, value_name = "N", default_value_t = 12, requires = "sweep", value_parser = clap::value_parser!(u16).range(2..=1000))]
    steps: u16,
    /// Follow one request: the N-th of the users, or the N-th of those with this name
    #[arg(long, value_name = "[USERS:]N", conflicts_with_all = ["sweep", "confidence"])]
    trace: Option<String>,
    /// Say how many requests a second the stage carries while this holds: "p95 < 200ms" (mean, p50, p95, p99),
    /// "errors < 1%" or "stale < 1%"; what runs out first, and what twice as much of it would bring. Repeatable
    #[arg(long, value_name = "OBJECTIVE", conflicts_with_all = ["sweep", "trace", "rate", "users", "confidence", "seconds", "fault"])]
    objective: Vec<Objective>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print comma-separated values
    #[arg(long, requires = "sweep", conflicts_with = "json")]
    csv: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let bare = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
    bare.or_else(|| text.parse::<Rate>().ok().map(Rate::per_s).filter(|rate| *rate > 0.0))
        .filter(|rate| *rate <= hockeystick_core::stage::limits::RATE_PER_S)
        .ok_or_else(|| "expected requests a second, such as 50 or 50/s, at most 10000000".to_owned())
}

fn rates(text: &str) -> Result<(f64, f64), String> {
    let ends = text.split_once("..").and_then(|(from, to)| rate(from.trim()).ok().zip(rate(to.trim()).ok()));
    ends.filter(|(from, to)| from < to).ok_or_else(|| "expected two rates, the lower first, such as 10..200".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (1.0..=1e7).contains(seconds));
    seconds.ok_or_else(|| "expected seconds from 1 to 10000000".to_owned())
}

fn confidence(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.5..=0.9999).contains(share));
    share.ok_or_else(|| "expected a share from 0.5 to 0.9999, such as 0.95".to_owned())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(path, value)| (path.trim().to_owned(), value.trim().to_owned()));
    parts.ok_or_else(|| "expected PATH=VALUE, such as app.copies=3".to_owned())
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let model::Loaded { mut stage, text } = model::load(&options.stage)?;
    change::apply(&mut stage, options)?;
    if !options.objective.is_empty() {
        capacity(&stage, &text, options)?;
    } else if let Some(which) = &options.trace {
        path::follow(&stage, which, options)?;
    } else if let Some(ends) = options.sweep {
        sweep::sweep(&stage, ends, options)?;
    } else {
        outlook::predict(&stage, options)?;
    }
    Ok(Exit::Agrees)
}

fn capacity(stage: &Stage, text: &str, options: &Options) -> Result<(), Report> {
    let provenance = Provenance::read(text);
    let asked = Asked { stage, provenance: provenance.as_ref(), measured: None, seed: options.seed };
    let answers: Result<Vec<_>, _> = options.objective.iter().map(|objective| answer(&asked, objective)).collect();
    let answers = answers?;
    if options.json {
        say!("{}", serde_json::to_string_pretty(&answers).into_diagnostic()?);
    } else {
        answers.iter().for_each(|capacity| say!("{}", capacity.words));
    }
    Ok(())
}
