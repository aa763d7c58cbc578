//! One load: simulation and theory side by side, and what it costs.

use std::time::Instant;

use hockeystick_content::builtin;
use hockeystick_core::cost::{self, Bill, Load, Prices, What};
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{self, RunOptions};
use hockeystick_core::stage::{HOURS_A_MONTH, Stage};
use hockeystick_core::theory;
use miette::{IntoDiagnostic, Report};
use serde::Serialize;

use super::{Options, change};
use crate::table::{Table, estimate, number};
use crate::{model, view};

/// What `--json` prints.
#[derive(Serialize)]
struct Prediction {
    stage: String,
    seed: u64,
    rate_per_s: f64,
    seconds: f64,
    warm_up_s: f64,
    confidence: f64,
    simulation: Outcome,
    theory: Outcome,
    cost: Cost,
    events: u64,
    wall_s: f64,
}

/// US dollars, at list prices.
#[derive(Serialize)]
struct Cost {
    per_hour: f64,
    per_month: f64,
    per_million_requests: Option<f64>,
    #[serde(flatten)]
    bill: Bill,
}

pub(super) fn predict(stage: &Stage, options: &Options) -> Result<(), Report> {
    let bar = view::simulation_bar();
    let begun = Instant::now();
    let seconds = options.seconds.unwrap_or_else(|| model::seconds_for(stage));
    let run_options = RunOptions { seed: options.seed, seconds, confidence: options.confidence };
    let mut progress = |share| bar.set_position((share * 1000.0) as u64);
    let (run, simulation) = simulate::measure(stage, &run_options, &mut progress).map_err(model::broken)?;
    let wall_s = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let bill = cost::bill(stage, &Load::of_run(&simulation), &Prices::default(), &builtin::catalogue());
    let prediction = Prediction {
        stage: options.stage.clone(),
        seed: options.seed,
        rate_per_s: stage.workload.rate.per_s(),
        seconds,
        warm_up_s: run.warm_up_s,
        confidence: options.confidence,
        simulation: run.outcome,
        theory: theory::solve(stage),
        cost: Cost {
            per_hour: bill.per_hour(),
            per_month: bill.per_month(),
            per_million_requests: bill.per_million(),
            bill,
        },
        events: run.events,
        wall_s,
    };
    if options.json {
        say!("{}", serde_json::to_string_pretty(&prediction).into_diagnostic()?);
    } else {
        print(stage, &prediction, options);
    }
    Ok(())
}

fn print(stage: &Stage, prediction: &Prediction, options: &Options) {
    let Prediction { theory, seconds, warm_up_s, .. } = prediction;
    let load = match stage.workload.closed {
        Some(closed) => format!("{} users who wait for their answers", closed.users),
        None => format!("{} requests a second", number(prediction.rate_per_s)),
    };
    say!("{}: {load}, seed {}", stage.title, prediction.seed);
    let chosen = if options.seconds.is_some() { "" } else { "; --seconds says otherwise" };
    say!("{} s simulated, {} s of them warm-up{chosen}\n", number(*seconds), number(*warm_up_s));
    say!("{}", table(prediction).to_string().trim_end());
    say!("\n{}", costs(&prediction.cost));
    let rate = prediction.events as f64 / prediction.wall_s / 1e6;
    say!("{} events in {:.2} s, {rate:.1} million a second", prediction.events, prediction.wall_s);
    let times = &theory.response_ms;
    let reasons = [&theory.throughput_per_s, &times.mean, &times.p50, &times.p95, &times.p99];
    for reason in keys(reasons.into_iter().filter_map(reason)) {
        say!("theory does not apply: {reason}");
    }
    for remark in change::remarks(stage, *seconds) {
        say!("{remark}");
    }
}

fn table(prediction: &Prediction) -> Table {
    let Prediction { simulation, theory, confidence, .. } = prediction;
    let percent = format!("{:.2}", confidence * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    let mut table = Table::new(&["", &format!("simulation [{percent} % interval]"), "theory", "theory is"]);
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
        let found = (simulation.errors_per_s.get(name), theory.errors_per_s.get(name));
        if [found.0, found.1].into_iter().flatten().any(|errors| errors.known().is_some_and(|errors| errors > 0.0)) {
            row(format!("{name} /s"), found.0, found.1, 1.0);
        }
    }
    if simulation.stale.known().is_some_and(|stale| stale > 0.0)
        || theory.stale.known().is_some_and(|stale| stale > 0.0)
    {
        row("out of date %".into(), Some(&simulation.stale), Some(&theory.stale), 100.0);
    }
    for name in keys(simulation.metrics.keys().chain(theory.metrics.keys())) {
        row(name.replace('_', " "), simulation.metrics.get(name), theory.metrics.get(name), 1.0);
    }
    table
}

fn costs(cost: &Cost) -> String {
    let million = cost
        .per_million_requests
        .map_or_else(String::new, |million| format!(", ${} a million requests", dollars(million)));
    let parts = [
        (What::Machines, "machines"),
        (What::Disk, "disks"),
        (What::Objects, "objects"),
        (What::Egress, "sent to users"),
        (What::Cdn, "sent by a CDN"),
        (What::Region, "sent between regions"),
    ];
    let parts = parts.into_iter().map(|(what, name)| (cost.bill.per_hour_of(what) * HOURS_A_MONTH, name));
    let parts: Vec<String> =
        parts.filter(|(month, _)| *month > 0.0).map(|(month, name)| format!("{name} ${}", dollars(month))).collect();
    let parts = if parts.is_empty() { String::new() } else { format!("\na month of it: {}", parts.join(", ")) };
    format!(
        "costs ${} an hour, ${} a month{million}, at list prices{parts}",
        dollars(cost.per_hour),
        dollars(cost.per_month)
    )
}

fn dollars(amount: f64) -> String {
    if amount < 0.1 { format!("{amount:.4}") } else { format!("{amount:.2}") }
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
