//! Measuring a stage: one long run, its warm-up removed, cut into batches for confidence intervals.

use std::collections::BTreeMap;

use super::{NodeInfo, Simulation};
use crate::component::MetricReading;
use crate::engine::moves::Cause;
use crate::engine::tally::Counts;
use crate::outcome::{Estimate, Outcome, ROOM, Response, by_name};
use crate::stage::{Problem, Stage};
use crate::statistics::{Histogram, Interval, batch_means, mser5, quantile_interval, ratio_of_batches};
use crate::units::Duration;

/// Batches of a run before the warm-up is removed.
const BATCHES: usize = 40;
/// Slices of a batch, for finding the end of the warm-up.
const SLICES: usize = 10;
/// Events between two reports of progress.
const CHUNK: u64 = 200_000;

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunOptions {
    /// Seed of every random draw.
    pub seed: u64,
    /// Simulated seconds, warm-up included.
    pub seconds: f64,
    /// Confidence level of the intervals, such as 0.95.
    pub confidence: f64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { seed: 1, seconds: 600.0, confidence: 0.95 }
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The figures, with their intervals.
    pub outcome: Outcome,
    /// Requests of the whole run.
    pub counts: Counts,
    /// Events of the whole run.
    pub events: u64,
    /// Simulated seconds that were thrown away as warm-up.
    pub warm_up_s: f64,
    /// Simulated seconds that were measured.
    pub measured_s: f64,
    /// Fingerprint of the whole run.
    pub digest: u64,
}

/// One batch of a run.
#[derive(Debug)]
struct Batch {
    seconds: f64,
    counts: Counts,
    latencies: Histogram,
    /// Processor and disk time used, and of the latter what had room for more, in seconds at full capacity: by host.
    busy: Vec<[f64; 3]>,
    /// Components' own figures: what they count and sum over the batch, and gauges as they stood at its end.
    metrics: Vec<(String, MetricReading)>,
}

/// Simulates a stage and measures it. `progress` hears how far the run is, from 0 to 1.
///
/// Warm-up ends where MSER-5 says so, on the means of 400 slices of the run, and before anything goes wrong; batches that
/// it touches are thrown away.
/// Intervals come from the means of the batches that are left, never from single response times, which are correlated.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn run(stage: &Stage, options: &RunOptions, progress: &mut dyn FnMut(f64)) -> Result<Run, Vec<Problem>> {
    measure(stage, options, progress).map(|(run, _)| run)
}

/// As [`run`](fn@run), with the simulation as it stands at the end: for what else can be asked of it, such as its
/// [bill](crate::cost).
///
/// # Errors
/// Every rule that the stage breaks.
pub fn measure(
    stage: &Stage,
    options: &RunOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<(Run, Simulation), Vec<Problem>> {
    let mut simulation = Simulation::new(stage, options.seed)?;
    let mut slice_means = Vec::with_capacity(BATCHES * SLICES);
    let mut batches = Vec::with_capacity(BATCHES);
    for batch in 0..BATCHES {
        batches.push(simulation.batch(batch, options.seconds, &mut slice_means, progress));
    }
    let batch_s = options.seconds / BATCHES as f64;
    // Slices are dropped in whole batches; MSER-5 never asks for more than half of them.
    let warm_up = mser5(&slice_means).div_ceil(SLICES).min(warm_up_most(stage, batch_s));
    let measured = &batches[warm_up..];
    let run = Run {
        outcome: summarise(&simulation, measured, options.confidence),
        counts: simulation.counts(),
        events: simulation.events(),
        warm_up_s: warm_up as f64 * batch_s,
        measured_s: measured.len() as f64 * batch_s,
        digest: simulation.digest(),
    };
    Ok((run, simulation))
}

/// Batches that may be left out as a warm-up.
///
/// None of a day: its quiet beginning looks like one, and without it the rest has more requests a second than the day.
/// Else those that end before the first thing goes wrong. A fault is what its run is about, and response times that settle
/// after it look like a warm-up; what is wrong from the first moment on is how the stage is.
fn warm_up_most(stage: &Stage, batch_s: f64) -> usize {
    if stage.workload.day.is_some() {
        return 0;
    }
    let starts = stage.faults.iter().map(|fault| fault.at.as_secs_f64()).filter(|at| *at > 0.0);
    starts.fold(BATCHES / 2, |least, at| least.min((at / batch_s) as usize))
}

impl Simulation {
    fn batch(
        &mut self,
        batch: usize,
        seconds: f64,
        slice_means: &mut Vec<f64>,
        progress: &mut dyn FnMut(f64),
    ) -> Batch {
        let before = (self.counts(), self.busy(), self.all_metrics());
        let mut latencies = Histogram::new();
        for slice in 1..=SLICES {
            let part = (batch * SLICES + slice) as f64 / (BATCHES * SLICES) as f64;
            let until = Duration::from_secs_f64(seconds * part).ns();
            while !self.run_chunk(until, CHUNK) {
                progress(self.now() as f64 / 1e9 / seconds);
            }
            let tally = &mut self.engine.tally;
            // A slice without an answer says nothing new: it repeats what the one before said.
            let mean = tally.latencies.mean_ns().or(slice_means.last().copied());
            slice_means.push(mean.unwrap_or(0.0));
            latencies.merge(&tally.latencies);
            tally.forget();
        }
        progress((batch + 1) as f64 / BATCHES as f64);
        let busy =
            self.busy().iter().zip(&before.1).map(|(now, then)| std::array::from_fn(|n| now[n] - then[n])).collect();
        let counts = self.counts().since(&before.0);
        let metrics = self.all_metrics().into_iter().map(|(name, now)| {
            let then = before.2.iter().find(|(then, _)| *then == name).map(|(_, reading)| *reading);
            let since = match (now, then) {
                (MetricReading::Count(now), Some(MetricReading::Count(then))) => MetricReading::Count(now - then),
                (MetricReading::Ratio(a, b), Some(MetricReading::Ratio(c, d))) => MetricReading::Ratio(a - c, b - d),
                (now, _) => now,
            };
            (name, since)
        });
        Batch { seconds: seconds / BATCHES as f64, counts, latencies, busy, metrics: metrics.collect() }
    }

    /// Every copy's figures of its own kind, by the copy's name and the figure's.
    fn all_metrics(&self) -> Vec<(String, MetricReading)> {
        let of = |(index, node): (usize, &NodeInfo)| {
            let named = |metric: &crate::component::Metric| format!("{} {}", node.name, metric.name);
            self.metrics(index).iter().map(|metric| (named(metric), metric.reading)).collect::<Vec<_>>()
        };
        self.nodes().enumerate().flat_map(of).collect()
    }

    /// Seconds at full capacity that each machine's processors and disk have worked, and of the disk's what had room.
    fn busy(&mut self) -> Vec<[f64; 3]> {
        let hosts = 0..self.hosts.len();
        let share = |host| {
            let gauge = self.host_gauge(host);
            let channels = f64::from(gauge.disk_channels);
            [gauge.busy_s / gauge.processors, gauge.disk_busy_s / channels, gauge.disk_room_s / channels]
        };
        hosts.map(share).collect()
    }
}

const NO_ANSWER: &str = "no request was answered";

/// An interval as a figure; one batch alone gives a value but no interval.
fn estimate(interval: Interval) -> Estimate {
    if interval.is_bounded() {
        Estimate::interval(interval.value, interval.low, interval.high)
    } else {
        Estimate::value(interval.value)
    }
}

/// Mean response time in milliseconds: over all requests, with the interval of a ratio, since busy batches hold more.
fn mean_response(batches: &[Batch], confidence: f64) -> Estimate {
    let total = |latencies: &Histogram| {
        let count = latencies.len() as f64;
        latencies.mean_ns().map(|mean_ns| (mean_ns * count / 1e6, count))
    };
    let totals: Vec<(f64, f64)> = batches.iter().filter_map(|batch| total(&batch.latencies)).collect();
    if totals.is_empty() {
        Estimate::not_applicable(NO_ANSWER)
    } else {
        estimate(ratio_of_batches(&totals, confidence))
    }
}

fn summarise(simulation: &Simulation, batches: &[Batch], confidence: f64) -> Outcome {
    let over = |value: &dyn Fn(&Batch) -> Option<f64>| {
        let values: Vec<f64> = batches.iter().filter_map(value).collect();
        if values.is_empty() { Estimate::not_applicable(NO_ANSWER) } else { estimate(batch_means(&values, confidence)) }
    };
    let rate = |count: &dyn Fn(&Counts) -> u64| over(&|batch| Some(count(&batch.counts) as f64 / batch.seconds));
    let mut all = Histogram::new();
    batches.iter().for_each(|batch| all.merge(&batch.latencies));
    let quantile = |q: f64| {
        let of = |latencies: &Histogram| latencies.quantile_ns(q).map(|ns| ns as f64 / 1e6);
        let Some(whole) = of(&all) else { return Estimate::not_applicable(NO_ANSWER) };
        let values: Vec<f64> = batches.iter().filter_map(|batch| of(&batch.latencies)).collect();
        estimate(quantile_interval(whole, &values, confidence))
    };
    let mut utilisation = BTreeMap::new();
    let mut metrics = metrics(batches, confidence);
    for (host, info) in simulation.hosts.iter().enumerate() {
        for (station, name) in ["cpu", "disk"].into_iter().enumerate() {
            let share = over(&|batch| Some(batch.busy[host][station] / batch.seconds));
            utilisation.insert(format!("{} {name}", info.name), share);
        }
        if batches.iter().any(|batch| batch.busy[host][2] > 0.0) {
            let room = over(&|batch| Some(batch.busy[host][2] / batch.seconds));
            metrics.insert(format!("{} disk{ROOM}", info.name), room);
        }
    }
    Outcome {
        throughput_per_s: rate(&|counts| counts.completed),
        response_ms: Response {
            mean: mean_response(batches, confidence),
            p50: quantile(0.50),
            p95: quantile(0.95),
            p99: quantile(0.99),
        },
        utilisation,
        errors_per_s: by_name(
            Cause::ALL
                .into_iter()
                .map(|cause| (cause.name().to_owned(), rate(&|counts| counts.failed[cause as usize]))),
        ),
        stale: ratio(
            batches.iter().map(|batch| (batch.counts.stale as f64, batch.counts.completed as f64)),
            confidence,
        ),
        metrics,
    }
}

/// A sum over another, with the interval of a ratio; nothing where the second is nothing.
fn ratio(parts: impl Iterator<Item = (f64, f64)>, confidence: f64) -> Estimate {
    let parts: Vec<(f64, f64)> = parts.filter(|(_, of)| *of > 0.0).collect();
    if parts.is_empty() { Estimate::not_applicable(NO_ANSWER) } else { estimate(ratio_of_batches(&parts, confidence)) }
}

/// Components' own figures: totals of what they count, means of gauges, ratios of sums.
fn metrics(batches: &[Batch], confidence: f64) -> BTreeMap<String, Estimate> {
    let names = batches.last().map_or(&[][..], |batch| &batch.metrics);
    let of = |name: &str| {
        let readings: Vec<MetricReading> = batches
            .iter()
            .filter_map(|batch| batch.metrics.iter().find(|(it, _)| it == name).map(|(_, reading)| *reading))
            .collect();
        match readings.first() {
            Some(MetricReading::Ratio(..)) => {
                let parts = readings.iter().filter_map(|reading| match reading {
                    MetricReading::Ratio(part, of) => Some((*part, *of)),
                    _ => None,
                });
                ratio(parts, confidence)
            }
            Some(MetricReading::Count(_)) => Estimate::value(readings.iter().map(MetricReading::number).sum()),
            _ => {
                let values: Vec<f64> = readings.iter().map(MetricReading::number).collect();
                estimate(batch_means(&values, confidence))
            }
        }
    };
    by_name(names.iter().map(|(name, _)| (name.clone(), of(name))))
}
