//! `loadgen predict`: a stage by simulation and by theory, side by side.

use std::time::Instant;

use clap::Args;
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{self, RunOptions};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory;
use hockeystick_core::units::Rate;
use hockeystick_core::workload::PEAK_PER_DAILY_USER;
use miette::{IntoDiagnostic, Report, miette};
use serde::Serialize;

use super::Exit;
use crate::table::{Table, estimate, number};
use crate::{model, view};

const EXAMPLES: &str = "\
Examples:
  loadgen predict 01-single-server
  loadgen predict 01-single-server --users 10000 --seconds 300
  loadgen predict my-stage.toml --rate 50 --seed 7 --json";

/// Predict a stage by simulation and by queueing theory, side by side
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A built-in stage such as 01-single-server, or the path of a stage file
    stage: String,
    /// Requests a second, instead of the stage's own
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, conflicts_with = "users")]
    rate: Option<f64>,
    /// Daily active users, instead of the stage's own; their peak rate is 200 requests a day × 4 / 86,400 s
    #[arg(long, value_name = "N")]
    users: Option<u64>,
    /// Simulated seconds, warm-up included
    #[arg(long, value_name = "S", default_value_t = 600.0, value_parser = seconds)]
    seconds: f64,
    /// Seed of every random draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let bare = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
    bare.or_else(|| text.parse::<Rate>().ok().map(Rate::per_s).filter(|rate| *rate > 0.0))
        .filter(|rate| *rate <= hockeystick_core::stage::limits::RATE_PER_S)
        .ok_or_else(|| "expected requests a second, such as 50 or 50/s".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (1.0..=1e7).contains(seconds));
    seconds.ok_or_else(|| "expected seconds from 1 to 10000000".to_owned())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Prediction {
    stage: String,
    seed: u64,
    rate_per_s: f64,
    simulation: Outcome,
    theory: Outcome,
    events: u64,
    wall_s: f64,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    let mut stage = model::load(&options.stage)?.stage;
    if let Some(rate) = options.rate {
        stage.workload.rate = Rate::per_second(rate);
    }
    if let Some(users) = options.users {
        stage.workload.rate = Rate::per_second(users as f64 * PEAK_PER_DAILY_USER);
    }
    let rate_per_s = stage.workload.rate.per_s();
    let most = hockeystick_core::stage::limits::RATE_PER_S;
    if !(rate_per_s > 0.0 && rate_per_s <= most) {
        return Err(miette!(help = "give another --rate or --users", "a rate of {rate_per_s}/s cannot be simulated"));
    }
    let prediction = predict(options, &stage, rate_per_s)?;
    if options.json {
        say!("{}", serde_json::to_string_pretty(&prediction).into_diagnostic()?);
    } else {
        print(&stage, &prediction);
    }
    Ok(Exit::Agrees)
}

fn predict(options: &Options, stage: &Stage, rate_per_s: f64) -> Result<Prediction, Report> {
    let bar = view::simulation_bar();
    let begun = Instant::now();
    let run_options = RunOptions { seed: options.seed, seconds: options.seconds, confidence: 0.95 };
    let run = simulate::run(stage, &run_options, &mut |share| bar.set_position((share * 1000.0) as u64))
        .map_err(|problems| model::broken(&problems))?;
    let wall_s = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    Ok(Prediction {
        stage: options.stage.clone(),
        seed: options.seed,
        rate_per_s,
        simulation: run.outcome,
        theory: theory::solve(stage),
        events: run.events,
        wall_s,
    })
}

fn print(stage: &Stage, prediction: &Prediction) {
    let Prediction { simulation, theory, .. } = prediction;
    say!("{}: {} requests a second, seed {}\n", stage.title, number(prediction.rate_per_s), prediction.seed);
    let mut table = Table::new(&["", "simulation [95 % interval]", "theory", "theory is"]);
    let mut row = |name: String, simulation: Option<&Estimate>, theory: Option<&Estimate>, scale: f64| {
        let cell = |found: Option<&Estimate>| found.map_or_else(String::new, |found| estimate(found, scale));
        table.row([name, cell(simulation), cell(theory), theory.map_or_else(String::new, basis)]);
    };
    row("throughput /s".into(), Some(&simulation.throughput_per_s), Some(&theory.throughput_per_s), 1.0);
    let (s, t) = (&simulation.response_ms, &theory.response_ms);
    for (name, s, t) in
        [("mean", &s.mean, &t.mean), ("p50", &s.p50, &t.p50), ("p95", &s.p95, &t.p95), ("p99", &s.p99, &t.p99)]
    {
        row(format!("{name} ms"), Some(s), Some(t), 1.0);
    }
    for name in keys(simulation.utilisation.keys().chain(theory.utilisation.keys())) {
        row(format!("{name} % busy"), simulation.utilisation.get(name), theory.utilisation.get(name), 100.0);
    }
    for name in keys(simulation.errors_per_s.keys().chain(theory.errors_per_s.keys())) {
        row(format!("{name} /s"), simulation.errors_per_s.get(name), theory.errors_per_s.get(name), 1.0);
    }
    say!("{}", table.to_string().trim_end());
    let rate = prediction.events as f64 / prediction.wall_s / 1e6;
    say!("\n{} events in {:.2} s, {rate:.1} million a second", prediction.events, prediction.wall_s);
    let reasons = [&theory.throughput_per_s, &t.mean, &t.p50, &t.p95, &t.p99].into_iter().filter_map(reason);
    for reason in keys(reasons) {
        say!("theory does not apply: {reason}");
    }
}

fn keys<T: Ord>(names: impl Iterator<Item = T>) -> Vec<T> {
    let mut names: Vec<T> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// Where a figure of theory comes from, shortened to the width of a table; `--json` has it in full.
fn basis(estimate: &Estimate) -> String {
    match estimate {
        Estimate::Known { basis: Some(basis), .. } if basis.chars().count() > 40 => {
            format!("{}…", basis.chars().take(39).collect::<String>())
        }
        Estimate::Known { basis, .. } => basis.clone().unwrap_or_default(),
        Estimate::NotApplicable { .. } => "not applicable".to_owned(),
    }
}

fn reason(estimate: &Estimate) -> Option<&str> {
    match estimate {
        Estimate::NotApplicable { not_applicable } => Some(not_applicable),
        Estimate::Known { .. } => None,
    }
}
