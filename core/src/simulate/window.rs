//! What happened since somebody last looked.

use super::Simulation;
use crate::engine::moves::Cause;
use crate::engine::tally::Counts;
use crate::units::Nanos;
use crate::workload::Class;

/// A stretch of a run. Response times are of the requests that were answered in it; without any they are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Its length in simulated seconds.
    pub seconds: f64,
    /// Requests sent.
    pub arrived: u64,
    /// Requests answered.
    pub completed: u64,
    /// Requests failed, by [`Cause`].
    pub failed: [u64; Cause::COUNT],
    /// Requests answered, by [`Class`].
    pub by_class: [u64; Class::ALL.len()],
    /// Mean response time, in milliseconds.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

/// Where the present window began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    at: Nanos,
    counts: Counts,
}

impl Simulation {
    /// What happened since the last call; a new window begins.
    pub fn take_window(&mut self) -> Window {
        let window = self.peek_window();
        self.window = Start { at: self.now(), counts: self.counts() };
        self.engine.tally.forget();
        window
    }

    fn peek_window(&self) -> Window {
        let tally = &self.engine.tally;
        let counts = tally.counts.since(&self.window.counts);
        let quantile_ms = |q| tally.latencies.quantile_ns(q).unwrap_or(0) as f64 / 1e6;
        Window {
            seconds: (self.now() - self.window.at) as f64 / 1e9,
            arrived: counts.arrived,
            completed: counts.completed,
            failed: counts.failed,
            by_class: tally.by_class,
            mean_ms: tally.latencies.mean_ns().unwrap_or(0.0) / 1e6,
            p50_ms: quantile_ms(0.50),
            p95_ms: quantile_ms(0.95),
            p99_ms: quantile_ms(0.99),
        }
    }
}
