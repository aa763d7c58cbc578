//! What each chart of the page shows.

use std::collections::BTreeSet;

use hdrhistogram::Histogram;
use hockeystick_core::as_measured;
use hockeystick_core::inspection;
use hockeystick_core::measurement::{Distribution, Metric, Results, Step};
use hockeystick_core::stage::Stage;
use hockeystick_core::statistics::Interval;
use hockeystick_core::units::Rate;
use hockeystick_core::verdict::{CONFIDENCE, predicted};
use miette::Report;

use super::chart::{self, Curve, Quantiles, Series};
use crate::findings::Findings;
use crate::table::number;
use crate::{histogram, model};

/// Loads between nothing and the highest at which the model's curve is computed.
const CURVE_POINTS: usize = 24;
/// Requests of each of the curve's simulations: as many as a 99th percentile needs to be a line and no zigzag.
const CURVE_REQUESTS: f64 = 240_000.0;
/// Simulations of a step's own requests behind its quantiles.
const REPLICATIONS: u64 = 10;
/// Quantiles that are compared, and the fewest answers beyond the last: fewer say nothing of it.
const SHARES: [f64; 15] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];
const ANSWERS_BEYOND: f64 = 10.0;

pub(super) const QUANTILES_NOTE: &str = "A point on the diagonal is a quantile that the model gets right: the 1st to the \
    99.9th percentile, as far as at least ten answers lie beyond it. Above the line the model is too slow, below it too fast.";
pub(super) const LAG_NOTE: &str = "How late the generator sent a request that was due. It is a part of every response \
    time, so it must stay far below them.";
pub(super) const FAILURES_NOTE: &str =
    "Failed requests by kind, as a share of those that were due. Their times are in no percentile.";

pub(super) fn note(with_model: bool) -> &'static str {
    if with_model {
        "Lines are the model's, points were measured: filled where the model was calibrated, open where it was not. \
         Bars are 90 % intervals."
    } else {
        "Bars are 90 % intervals."
    }
}

/// Response time over load.
pub(super) fn latency(results: &Results, stage: Option<&Stage>, steps: &[&Step], seed: u64) -> Result<String, Report> {
    let metrics = [(Metric::P50, "p50"), (Metric::Mean, "mean"), (Metric::P95, "p95"), (Metric::P99, "p99")];
    let highest = steps.iter().map(|step| step.offered_per_s()).fold(0.0, f64::max);
    let mut outcomes = Vec::new();
    if let (Some(stage), Some(like)) = (stage, steps.last()) {
        for point in 1..=CURVE_POINTS {
            let mut at = as_measured::at_step(stage, results, like);
            let rate = highest * 1.05 * point as f64 / CURVE_POINTS as f64;
            at.workload.rate = Rate::per_second(rate);
            let run = as_measured::simulate(&at, seed, CURVE_REQUESTS, CONFIDENCE).map_err(model::broken)?;
            outcomes.push((rate, run.outcome));
        }
    }
    let series = metrics.map(|(metric, name)| Series {
        name: name.to_owned(),
        line: outcomes.iter().filter_map(|(rate, o)| Some((*rate, predicted(o, metric).known()?))).collect(),
        points: steps
            .iter()
            .map(|step| (step.offered_per_s(), step.figure(metric, CONFIDENCE), step.held_out))
            .collect(),
    });
    chart::draw(&Curve { series: &series, x_name: "requests a second", y_name: "milliseconds" })
}

/// Quantiles of the checked steps; none where their requests are not known one by one, or no histogram was kept.
pub(super) fn quantiles(findings: &Findings<'_>, seed: u64) -> Result<Option<String>, Report> {
    let mut series = Vec::new();
    for judged in &findings.judgement.steps {
        let step = &findings.results.steps[judged.index];
        let stage = as_measured::at_step(&findings.loaded.stage, findings.results, step);
        let Some((schedule, measured)) = as_measured::schedule(&stage, step).zip(histogram(&step.response)) else {
            continue;
        };
        let beyond = |share: &f64| (1.0 - share) * measured.len() as f64 >= ANSWERS_BEYOND;
        let shares: Vec<f64> = SHARES.into_iter().filter(beyond).collect();
        let predicted =
            inspection::quantiles(&stage, &schedule, step, seed, REPLICATIONS, &shares).map_err(model::broken)?;
        let pairs = shares.iter().zip(predicted.into_iter().flatten());
        let points = pairs.map(|(share, ms)| (measured.value_at_quantile(*share) as f64 / 1e3, ms));
        let points: Vec<(f64, f64)> = points.filter(|(x, y)| *x > 0.0 && *y > 0.0).collect();
        if !points.is_empty() {
            let name = format!("step {}: {}/s", judged.index + 1, number(step.offered_per_s()));
            series.push(Quantiles { name, points });
        }
    }
    if series.is_empty() { Ok(None) } else { chart::draw_quantiles(&series).map(Some) }
}

/// The histogram of a distribution, if the file holds one that can be read.
fn histogram(distribution: &Distribution) -> Option<Histogram<u64>> {
    histogram::decode(&distribution.hdr).ok().filter(|histogram| !histogram.is_empty())
}

/// The generator's lag over load.
pub(super) fn lag(steps: &[&Step]) -> Result<String, Report> {
    let exactly = |us: f64| Interval::around(us / 1e3, 0.0);
    let line = |name: &str, of: fn(&Distribution) -> f64| series(name.to_owned(), steps, |step| exactly(of(&step.lag)));
    let series =
        [line("p50", |lag| lag.p50_us as f64), line("mean", |lag| lag.mean_us), line("p99", |lag| lag.p99_us as f64)];
    chart::draw(&Curve { series: &series, x_name: "requests a second", y_name: "milliseconds late" })
}

/// Failures by kind over load; none where nothing failed.
pub(super) fn failures(steps: &[&Step]) -> Result<Option<String>, Report> {
    let kinds: BTreeSet<&String> = steps.iter().flat_map(|step| step.failed.keys()).collect();
    let share = |step: &Step, failed: u64| Interval::around(100.0 * failed as f64 / step.due.max(1) as f64, 0.0);
    let of = |kind: &&String| {
        series((*kind).clone(), steps, |step| share(step, step.failed.get(*kind).copied().unwrap_or(0)))
    };
    let all: Vec<Series> = kinds.iter().map(of).collect();
    if all.is_empty() {
        return Ok(None);
    }
    chart::draw(&Curve { series: &all, x_name: "requests a second", y_name: "% of requests" }).map(Some)
}

/// A figure at each step, joined by a line.
fn series(name: String, steps: &[&Step], figure: impl Fn(&Step) -> Interval) -> Series {
    let mut points: Vec<(f64, Interval, bool)> =
        steps.iter().map(|step| (step.offered_per_s(), figure(step), step.held_out)).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Series { name, line: points.iter().map(|(x, y, _)| (*x, y.value)).collect(), points }
}
