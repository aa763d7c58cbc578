//! Several loads: the hockey stick as data.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hockeystick_core::contrast;
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{self, RunOptions};
use hockeystick_core::stage::{Problem, Stage};
use hockeystick_core::theory;
use hockeystick_core::units::Rate;
use miette::{IntoDiagnostic, Report, miette};
use serde::Serialize;

use super::{Options, change};
use crate::table::{Table, estimate, number};
use crate::{model, view};

/// What is predicted at one rate.
#[derive(Clone, Debug, Serialize)]
struct Point {
    rate_per_s: f64,
    seconds: f64,
    theory_mean_ms: Estimate,
    mean_ms: Estimate,
    p95_ms: Estimate,
    throughput_per_s: Estimate,
    /// The station that the simulation found to be busiest.
    busiest: String,
    utilisation: Estimate,
    errors_per_s: f64,
}

pub(super) fn sweep(stage: &Stage, (from, to): (f64, f64), options: &Options) -> Result<(), Report> {
    let rates = rates(from, to, usize::from(options.steps));
    let points = points(stage, &rates, options).map_err(model::broken)?;
    if options.json {
        say!("{}", serde_json::to_string_pretty(&points).into_diagnostic()?);
    } else if options.csv {
        print_csv(&points);
    } else {
        print(stage, &points, options);
    }
    if points.len() == rates.len() { Ok(()) } else { Err(miette!("a point of the sweep was not simulated")) }
}

/// So many rates, each the same factor above the one before.
fn rates(from: f64, to: f64, steps: usize) -> Vec<f64> {
    let factor = (to / from).powf(1.0 / (steps.max(2) - 1) as f64);
    let between = (1..steps - 1).map(|step| from * factor.powi(step as i32));
    std::iter::once(from).chain(between).chain([to]).collect()
}

/// A point for each rate, as many at once as there are processors. Each has the same seed, so which processor takes which
/// changes nothing.
fn points(stage: &Stage, rates: &[f64], options: &Options) -> Result<Vec<Point>, Vec<Problem>> {
    let bar = view::simulation_bar();
    bar.set_length(rates.len() as u64 * 1000);
    let next = AtomicUsize::new(0);
    let found: Vec<OnceLock<Result<Point, Vec<Problem>>>> = rates.iter().map(|_| OnceLock::new()).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(rates.len());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let (Some(rate), Some(place)) = (rates.get(index), found.get(index))
                {
                    let mut done = 0;
                    let point = point(stage, *rate, options, &mut |share| {
                        let now = (share * 1000.0) as u64;
                        bar.inc(now.saturating_sub(done));
                        done = done.max(now);
                    });
                    let _ = place.set(point);
                }
            });
        }
    });
    bar.finish_and_clear();
    found.into_iter().filter_map(OnceLock::into_inner).collect()
}

fn point(
    stage: &Stage,
    rate_per_s: f64,
    options: &Options,
    progress: &mut dyn FnMut(f64),
) -> Result<Point, Vec<Problem>> {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(rate_per_s);
    let seconds = options.seconds.unwrap_or_else(|| model::seconds_for(&stage));
    let run_options = RunOptions { seed: options.seed, seconds, confidence: options.confidence };
    let outcome = simulate::run(&stage, &run_options, progress)?.outcome;
    let (busiest, utilisation) = busiest(&outcome);
    Ok(Point {
        rate_per_s,
        seconds,
        theory_mean_ms: theory::solve(&stage).response_ms.mean,
        mean_ms: outcome.response_ms.mean,
        p95_ms: outcome.response_ms.p95,
        throughput_per_s: outcome.throughput_per_s,
        busiest,
        utilisation,
        errors_per_s: outcome.errors_per_s.values().filter_map(Estimate::known).sum(),
    })
}

/// The busiest station, and its utilisation.
fn busiest(outcome: &Outcome) -> (String, Estimate) {
    let found = contrast::busiest(outcome).and_then(|(name, _)| outcome.utilisation.get_key_value(name));
    found.map_or_else(
        || (String::new(), Estimate::not_applicable("no station of ours")),
        |(name, share)| (name.clone(), share.clone()),
    )
}

fn print(stage: &Stage, points: &[Point], options: &Options) {
    say!("{}: response time over load, seed {}\n", stage.title, options.seed);
    let header = [
        "requests /s",
        "theory mean ms",
        "simulated mean ms",
        "p95 ms",
        "answered /s",
        "failed /s",
        "busiest",
        "% busy",
    ];
    let mut table = Table::new(&header);
    for point in points {
        table.row([
            number(point.rate_per_s),
            estimate(&point.theory_mean_ms, 1.0),
            estimate(&point.mean_ms, 1.0),
            estimate(&point.p95_ms, 1.0),
            point.throughput_per_s.known().map_or_else(String::new, number),
            number(point.errors_per_s),
            point.busiest.clone(),
            point.utilisation.known().map_or_else(String::new, |share| number(share * 100.0)),
        ]);
    }
    say!("{}", table.to_string().trim_end());
    let shortest = points.iter().map(|point| point.seconds).fold(f64::INFINITY, f64::min);
    for remark in change::remarks(stage, shortest) {
        say!("\n{remark}");
    }
}

fn print_csv(points: &[Point]) {
    say!(
        "rate_per_s,theory_mean_ms,mean_ms,mean_low_ms,mean_high_ms,p95_ms,throughput_per_s,errors_per_s,busiest,utilisation"
    );
    // A figure that there is not is an empty cell.
    let cell = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    for point in points {
        let (low, high) = point.mean_ms.bounds().unzip();
        let numbers = [
            Some(point.rate_per_s),
            point.theory_mean_ms.known(),
            point.mean_ms.known(),
            low,
            high,
            point.p95_ms.known(),
            point.throughput_per_s.known(),
            Some(point.errors_per_s),
        ];
        let numbers: Vec<String> = numbers.map(cell).to_vec();
        say!("{},{},{}", numbers.join(","), point.busiest, cell(point.utilisation.known()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_grow_by_one_factor_from_end_to_end() {
        let rates = rates(10.0, 160.0, 5);
        for (found, expected) in rates.iter().zip([10.0, 20.0, 40.0, 80.0, 160.0]) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{rates:?}");
        }
        assert_eq!((rates[0], rates[4]), (10.0, 160.0));
        assert_eq!(super::rates(1.0, 2.0, 2), [1.0, 2.0]);
    }
}
