//! Counting requests: how many came, were answered or failed, and how long the answers took.

use super::moves::Cause;
use crate::statistics::Histogram;
use crate::units::Nanos;
use crate::workload::Class;

/// Requests so far. At every instant `arrived == completed + failed + in flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sent by users.
    pub arrived: u64,
    /// Answered.
    pub completed: u64,
    /// Failed, by [`Cause`].
    pub failed: [u64; Cause::COUNT],
    /// Requests answered with what was out of date: some of the completed.
    pub stale: u64,
}

impl Counts {
    /// Failed for any cause.
    pub fn failed_in_all(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Neither answered nor failed yet.
    pub fn in_flight(&self) -> u64 {
        self.arrived - self.completed - self.failed_in_all()
    }

    /// What came since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            arrived: self.arrived - earlier.arrived,
            completed: self.completed - earlier.completed,
            failed: std::array::from_fn(|i| self.failed[i] - earlier.failed[i]),
            stale: self.stale - earlier.stale,
        }
    }
}

/// The counts, and the response times since they were last taken.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    /// Response times since the last take.
    pub(crate) latencies: Histogram,
    pub(crate) by_class: [u64; Class::ALL.len()],
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { counts: Counts::default(), latencies: Histogram::new(), by_class: [0; 4] }
    }

    pub(crate) fn complete(&mut self, class: Class, response_ns: Nanos, stale: bool) {
        self.counts.completed += 1;
        self.counts.stale += u64::from(stale);
        self.by_class[class as usize] += 1;
        self.latencies.record(response_ns);
    }

    pub(crate) fn fail(&mut self, cause: Cause) {
        self.counts.failed[cause as usize] += 1;
    }

    /// Forgets the response times, not the counts.
    pub(crate) fn forget(&mut self) {
        self.by_class = [0; 4];
        self.latencies.clear();
    }
}
