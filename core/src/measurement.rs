//! What was measured of a real deployment: the results file that `loadgen run` writes, and that calibration, the check,
//! the report and the page read.
//!
//! Times are in microseconds. *Response time* counts from the moment a request was due, *service time* from the moment
//! it was sent; their difference is the generator's *lag*. Counting from the due time keeps the wait of requests that a
//! stalled server held up (see Schroeder, Wierman & Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006,
//! and Tene's "coordinated omission").

mod check;
mod missed;
mod shards;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::{Interval, Tail, quantile_by_parts, quantile_interval};
use crate::workload::{Arrivals, Class, Closed, PerClass};

pub use check::Invalid;
pub use missed::Missed;
pub use shards::{Clock, Merged, Part, Shard, Share, Skew};

/// The version of the results file's shape. What a version has beyond the one before is absent where it does not apply: in
/// 2 loads that are no single rate, connections, the plan's digest, thresholds; in 3 shards, and what was merged of them;
/// in 4 steps that were missed, and runs that ended with others; in 5 how busy stations were from slice to slice.
pub const SCHEMA: u32 = 5;

/// The oldest version that is read.
pub const SCHEMA_OLDEST: u32 = 1;

/// The name of a station that was measured without saying which: the only processor of the stage.
pub const STATION_ONLY: &str = "cpu";

/// Most steps in a results file.
pub const STEPS_MAX: usize = 10_000;

/// Everything that one run measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The file's version; see [`SCHEMA`].
    pub schema: u32,
    /// Who measured.
    pub generator: Generator,
    /// When the run began, as RFC 3339.
    pub started: String,
    /// What was measured: scheme, host and port.
    pub host: String,
    /// Seed of the arrival times and of the choice of requests.
    pub seed: u64,
    /// How requests followed one another.
    pub arrivals: Arrivals,
    /// SHA-256 of the plan and of the files that it names, in hexadecimal: a run that is resumed must have the
    /// same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Which share of the plan's requests this is; absent where it is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The machines that sent together, in the order of their shards, where their files were merged into this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Merged>,
    /// How the run ended, or that it has not.
    pub ended: Ended,
    /// Steps of the plan that are not among these, though the run went on past them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// Finished steps, in order.
    pub steps: Vec<Step>,
}

/// The program that measured, and where it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Name and version.
    pub name: String,
    /// Processors that it could use.
    pub processors: u32,
    /// Users that it kept: the most requests in flight at once.
    pub users: u32,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It has not: the file was written after a step that was not the last.
    Running,
    /// The plan's end was reached. All steps are here, but for those that were [missed](Results::missed).
    Complete,
    /// Somebody stopped it; the finished steps are here.
    Interrupted,
    /// A guard rail stopped it, for this reason; the finished steps are here.
    Stopped(String),
    /// The deployment did not keep a threshold of the plan, this one; the finished steps are here.
    Missed(String),
    /// Of a shard: another was stopped, or somebody stopped all of them, for this reason; the finished steps are here.
    Followed(String),
}

impl Ended {
    /// How a run came to an end before its plan did, in words to follow "the run" or "shard 3"; none where it did not.
    pub fn early(&self) -> Option<String> {
        match self {
            Self::Complete => None,
            Self::Running => Some("was cut off: its machine is gone, or it still runs".to_owned()),
            Self::Interrupted => Some("was interrupted".to_owned()),
            Self::Stopped(reason) => Some(format!("was stopped: {reason}")),
            Self::Missed(threshold) => Some(format!("saw a threshold that was not kept: {threshold}")),
            Self::Followed(reason) => Some(format!("was stopped with all shards: {reason}")),
        }
    }
}

/// The load of a step that is no single rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// The rate changed: seconds of the window and requests a second, between these points on straight lines.
    Curve(Vec<(f64, f64)>),
    /// A closed loop: each user sent the next request a while after the answer to its last, so that a slow deployment was
    /// asked for less. Response times count from the end of the thinking.
    Closed(Closed),
}

/// Connections that were opened within a step's window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// Looking the name up, and the handshake of TCP.
    pub connect: Distribution,
    /// The handshake of TLS; empty without TLS.
    pub tls: Distribution,
}

/// One level of load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Requests a second that the plan asks for: of a changing rate its mean, of a closed loop what came of it.
    pub rate_per_s: f64,
    /// The load, where it was no single rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Seconds at this load before the measurement began.
    pub warm_up_s: f64,
    /// Seconds that were measured: the window.
    pub measured_s: f64,
    /// When the window began, as RFC 3339: where to look it up in a monitoring system. Absent in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_from: Option<String>,
    /// Kept back from calibration, so that predicting it means something.
    pub held_out: bool,
    /// Requests that were due in the window.
    pub due: u64,
    /// Requests that were sent in the window.
    pub sent: u64,
    /// Requests due in the window that were answered as expected.
    pub completed: u64,
    /// Requests due in the window that failed, by kind.
    pub failed: BTreeMap<String, u64>,
    /// Requests that found every user busy when they were due.
    pub users_exhausted: u64,
    /// Requests that were due and not yet answered, sampled by a clock of its own, on average over the parts that were not
    /// disturbed.
    pub in_flight: f64,
    /// Processors' worth of time that the generator itself used.
    pub generator_cpus: f64,
    /// Sent minus due, of the parts that were not disturbed.
    pub lag: Distribution,
    /// From due to the last byte, of the parts that were not disturbed.
    pub response: Distribution,
    /// From sent to the last byte.
    pub service: Distribution,
    /// The same, each class by itself; classes that the plan does not send are absent.
    pub classes: BTreeMap<Class, ClassResult>,
    /// The window in equal parts, in order: how much the figures vary from part to part.
    pub slices: Vec<Slice>,
    /// Connections that were opened; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// Every request of the step, warm-up included, counted from its start, as [`Schedule::text`] writes it. Absent where
    /// there were too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Stations whose busy time was read while the step ran, by the station's name in the stage: `box cpu`.
    pub stations: BTreeMap<String, BusyTime>,
    /// Processors that were busy at these stations, slice by slice. Absent where that was not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub busy_by_slice: BTreeMap<String, Vec<f64>>,
    /// What else went on on the processors of the generator and of the stations. Absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
    /// Why earlier measurements of this step were thrown away, in order: each as the doubts about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<String>,
    /// Of a shard: what its slices need to be added to those of other shards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Of a shard: the deployment's clock beside the generator's. Absent where the answers did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Of merged results: what each shard sent, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

/// What one class of request saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassResult {
    /// Requests due in the window.
    pub due: u64,
    /// Requests whose answer came in the window, as expected.
    pub answered: u64,
    /// Requests due in the window that failed.
    pub failed: u64,
    /// From due to the last byte.
    pub response: Distribution,
    /// From sent to the last byte.
    pub service: Distribution,
}

/// A distribution of times, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Standard deviation.
    pub sd_us: f64,
    /// Smallest.
    pub min_us: u64,
    /// Median.
    pub p50_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
    /// All of it: an HDR histogram of microseconds in three significant digits, V2 encoding, base64.
    pub hdr: String,
}

/// One part of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Requests due in this part that were answered as expected.
    pub completed: u64,
    /// Their mean response time.
    pub mean_us: f64,
    /// Their median.
    pub p50_us: u64,
    /// Their 95th percentile.
    pub p95_us: u64,
    /// Their 99th percentile.
    pub p99_us: u64,
    /// Something from outside disturbed this part, or the one before: other programs, or other machines, used the
    /// processors. Its requests are in no response time of the step, and in no comparison.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disturbed: bool,
}

/// Processor time of a station over a step's window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusyTime {
    /// Processor seconds that were used.
    pub busy_s: f64,
    /// Seconds between the two readings.
    pub elapsed_s: f64,
}

impl Slice {
    /// Whether something can be learnt from it: it has answers, and nothing disturbed it.
    pub const fn counts(&self) -> bool {
        self.completed > 0 && !self.disturbed
    }

    /// How its response times are spread, in milliseconds.
    pub fn tail(&self) -> Tail {
        let quantiles = [self.p50_us, self.p95_us, self.p99_us].map(|us| us as f64 / 1e3);
        Tail { count: self.completed as f64, quantiles }
    }
}

impl BusyTime {
    /// Processors that were busy on average.
    pub fn processors(&self) -> f64 {
        self.busy_s / self.elapsed_s
    }
}

/// A figure of a step that can be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Requests completed a second.
    Throughput,
    /// Mean response time.
    Mean,
    /// Median response time.
    P50,
    /// 95th percentile of the response time.
    P95,
    /// 99th percentile of the response time.
    P99,
}

impl Metric {
    /// Every metric, in the order of a table.
    pub const ALL: [Self; 5] = [Self::Throughput, Self::Mean, Self::P50, Self::P95, Self::P99];

    /// Its name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// Its unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Throughput => "/s",
            _ => "ms",
        }
    }
}

impl Step {
    /// Requests that failed, of all kinds.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Requests a second that the schedule really held: the plan's rate, and the luck of the draw.
    pub fn offered_per_s(&self) -> f64 {
        self.due as f64 / self.measured_s
    }

    /// Answers a second that came within the window, whenever their requests were due.
    pub fn throughput_per_s(&self) -> f64 {
        self.classes.values().map(|class| class.answered).sum::<u64>() as f64 / self.measured_s
    }

    /// Answers a second, by class.
    pub fn throughput_by_class(&self) -> PerClass<f64> {
        let mut rates = PerClass::all(0.0);
        for (class, result) in &self.classes {
            *rates.get_mut(*class) = result.answered as f64 / self.measured_s;
        }
        rates
    }

    /// Share of each class among the requests that were due.
    pub fn mix(&self) -> PerClass<f64> {
        let all: f64 = self.classes.values().map(|result| result.due as f64).sum();
        let mut mix = PerClass::all(0.0);
        for (class, result) in &self.classes {
            *mix.get_mut(*class) = result.due as f64 / all.max(1.0);
        }
        mix
    }

    /// A figure in milliseconds (or a second), with its interval from how the slices differ: of a mean as sectioning does
    /// (Asmussen & Glynn, *Stochastic Simulation*, 2007, section III.5), of a percentile by [`quantile_by_parts`]. A window of fewer than three slices with answers has no interval, which is written as an
    /// infinite one.
    pub fn figure(&self, metric: Metric, confidence: f64) -> Interval {
        let value = match metric {
            Metric::Throughput => {
                // Arrivals are known, so their luck is no uncertainty: the prediction is made for the arrivals that came.
                // What is left is a request or two that cross the window's edges.
                return Interval::around(self.throughput_per_s(), 2.0 / self.measured_s);
            }
            Metric::Mean => self.response.mean_us / 1e3,
            Metric::P50 => self.response.p50_us as f64 / 1e3,
            Metric::P95 => self.response.p95_us as f64 / 1e3,
            Metric::P99 => self.response.p99_us as f64 / 1e3,
        };
        let counted = || self.slices.iter().filter(|slice| slice.counts());
        if counted().count() < 3 {
            return Interval { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        if metric == Metric::Mean {
            let means: Vec<f64> = counted().map(|slice| slice.mean_us / 1e3).collect();
            return quantile_interval(value, &means, confidence);
        }
        quantile_by_parts(value, &counted().map(Slice::tail).collect::<Vec<_>>(), confidence)
    }
}

/// Processor time that neither the generator nor the stations used, over a step's window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// Processors that were watched: those of the generator and of the stations.
    pub processors: u32,
    /// Processors' worth of time that other programs used of them.
    pub used: f64,
    /// Processors' worth of time that a hypervisor gave to other machines: *steal*.
    pub stolen: f64,
}
