//! What a figure measures, as the page hears of it.

/// What was measured in the last quarter of a second or so of the reader's time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Simulated time, in seconds.
    pub at_s: f64,
    /// Simulated seconds since the last sample.
    pub seconds: f64,
    /// Requests that arrived since the last sample.
    pub arrived: u64,
    /// Requests that were answered since the last sample.
    pub completed: u64,
    /// Requests that failed since the last sample: the cause as a reader sees it ("refused"), how many. Every cause, in
    /// the same order every time.
    pub failed: Vec<(&'static str, u64)>,
    /// Response time of the requests answered lately; none while there are too few.
    pub response: Option<Percentiles>,
    /// How much of its capacity each station used since the last sample.
    pub utilisation: Vec<Used>,
}

/// Shares of its capacity that a station used, 0 to 1. Copies that are off have no part in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Used {
    /// Which station: `box cpu`, `box disk`.
    pub name: String,
    /// How many of it there are.
    pub copies: u32,
    /// How many of those are on.
    pub up: u32,
    /// The copies' mean.
    pub mean: f64,
    /// The copy that used least.
    pub least: f64,
    /// The copy that used most.
    pub most: f64,
}

impl Used {
    /// Takes one more copy in.
    pub(crate) fn add(&mut self, share: f64, is_up: bool) {
        self.copies += 1;
        if is_up {
            self.up += 1;
            self.mean += (share - self.mean) / f64::from(self.up);
            self.least = if self.up == 1 { share } else { self.least.min(share) };
            self.most = self.most.max(share);
        }
    }
}

impl Sample {
    /// Failures of all causes since the last sample.
    pub fn failures(&self) -> u64 {
        self.failed.iter().map(|(_, count)| count).sum()
    }
}

/// Response times, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// Mean.
    pub mean_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}
