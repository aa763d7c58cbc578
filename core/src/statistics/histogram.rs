//! Every response time of a run, in a fixed amount of memory.

use hdrhistogram::Histogram as Hdr;

/// Shortest time that is told apart from zero, in nanoseconds.
const SHORTEST_NS: u64 = 1_000;
/// Longest time that is told apart from a longer one, in nanoseconds: four hours.
const LONGEST_NS: u64 = 4 * 3_600 * 1_000_000_000;
/// Digits that stay exact.
const DIGITS: u8 = 3;

/// Counts of times, from microseconds to hours, to three significant digits.
///
/// A longer time counts as four hours. Merging is exact, so batches may be kept apart and added up later.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: Hdr<u64>,
    /// Exact, unlike the counts.
    sum_ns: u128,
}

impl Histogram {
    /// An empty one.
    pub fn new() -> Self {
        // The bounds are constants that HdrHistogram accepts, as every test of this file shows.
        let counts = Hdr::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS).expect("constant bounds");
        Self { counts, sum_ns: 0 }
    }

    /// Counts a time.
    pub fn record(&mut self, time_ns: u64) {
        self.counts.saturating_record(time_ns);
        self.sum_ns += u128::from(time_ns);
    }

    /// Counts all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so every count of the other finds its place.
        self.counts.add(&other.counts).expect("equal bounds");
        self.sum_ns += other.sum_ns;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.reset();
        self.sum_ns = 0;
    }

    /// Times counted.
    pub fn len(&self) -> u64 {
        self.counts.len()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Mean in nanoseconds, exact; none of nothing.
    pub fn mean_ns(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum_ns as f64 / self.len() as f64)
    }

    /// The time that a share `q` of all times does not exceed, in nanoseconds, to three digits; none of nothing.
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(q))
    }

    /// Share of the times that exceed `time_ns`; none of nothing.
    pub fn share_above(&self, time_ns: u64) -> Option<f64> {
        let above = self.len() - self.counts.count_between(0, time_ns.min(LONGEST_NS));
        (!self.is_empty()).then(|| above as f64 / self.len() as f64)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times_ns: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new();
        times_ns.into_iter().for_each(|time| histogram.record(time));
        histogram
    }

    #[test]
    fn quantiles_are_within_a_thousandth_from_microseconds_to_hours() {
        for unit_ns in [1_000_000, 1_000_000_000, 10_000_000_000] {
            let histogram = of((1..=1000).map(|i| i * unit_ns));
            for (q, expected) in [(0.5, 500), (0.95, 950), (0.99, 990), (1.0, 1000)] {
                let found = histogram.quantile_ns(q).unwrap() as f64;
                let expected = (expected * unit_ns) as f64;
                assert!((found / expected - 1.0).abs() <= 1e-3, "{found} {expected}");
            }
        }
    }

    #[test]
    fn merging_equals_counting_together() {
        let (low, high) = (of(0..5000), of((5000..9000).map(|i| i * 777)));
        let mut merged = low;
        merged.merge(&high);
        assert_eq!(merged, of((0..5000).chain((5000..9000).map(|i| i * 777))));
    }

    #[test]
    fn times_past_the_end_count_as_the_longest() {
        let histogram = of([u64::MAX, 1_000_000]);
        assert_eq!(histogram.len(), 2);
        assert!(histogram.quantile_ns(1.0).unwrap() >= LONGEST_NS);
        assert_eq!(histogram.share_above(2_000_000), Some(0.5));
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let mut histogram = of([5, 6]);
        histogram.clear();
        assert!(histogram.is_empty());
        assert_eq!((histogram.mean_ns(), histogram.quantile_ns(0.5), histogram.share_above(1)), (None, None, None));
    }
}
