//! Two stages under the same traffic: by how much each figure differs, and how sure that is.
//!
//! Both run with the same seeds, so that they see the same arrivals and the same demands, request by request: *common
//! random numbers*. The luck of a run is in both and cancels in their difference, whose interval is the paired t interval
//! over independent replications (Law & Kelton, *Simulation Modeling and Analysis*, sections 10.2 and 11.2). How many
//! replications there are must be settled beforehand: who stops as soon as an interval leaves zero finds differences
//! where there are none.

use crate::outcome::Outcome;
use crate::statistics::{Interval, student_t_quantile};

/// Confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// A figure of a stage that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Requests answered a second.
    Throughput,
    /// Share of the requests that failed, 0 to 1.
    Failed,
    /// Mean response time, in milliseconds.
    Mean,
    /// Median response time, in milliseconds.
    P50,
    /// 95th percentile of the response time, in milliseconds.
    P95,
    /// 99th percentile of the response time, in milliseconds.
    P99,
    /// How full the busiest station is, 0 to 1, see [`Outcome::full`].
    Busiest,
}

impl Compared {
    /// Every figure, in the order of a table.
    pub const ALL: [Self; 7] =
        [Self::Throughput, Self::Failed, Self::Mean, Self::P50, Self::P95, Self::P99, Self::Busiest];

    /// The figure in an outcome; none where it has none, as a response time has where nothing is answered.
    pub fn of(self, outcome: &Outcome) -> Option<f64> {
        let answered = outcome.throughput_per_s.known();
        let value = match self {
            Self::Throughput => answered,
            Self::Failed => outcome.failed_share(),
            Self::Mean => outcome.response_ms.mean.known(),
            Self::P50 => outcome.response_ms.p50.known(),
            Self::P95 => outcome.response_ms.p95.known(),
            Self::P99 => outcome.response_ms.p99.known(),
            Self::Busiest => busiest(outcome).map(|(_, share)| share),
        };
        value.filter(|value| value.is_finite())
    }
}

/// The busiest station, and how full it is: the one that will limit first.
pub fn busiest(outcome: &Outcome) -> Option<(&str, f64)> {
    outcome.full().max_by(|a, b| a.1.total_cmp(&b.1))
}

/// One figure of two stages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean over the replications of the first stage.
    pub before: f64,
    /// Mean over the replications of the second stage.
    pub after: f64,
    /// The second minus the first; unbounded after one replication.
    pub by: Interval,
    /// Replications in which both stages have the figure.
    pub replications: usize,
}

/// What an interval says of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The second is higher, for sure enough.
    Rises,
    /// The second is lower, for sure enough.
    Falls,
    /// Both are the same in every replication.
    Same,
    /// The interval holds zero.
    Untold,
}

impl Difference {
    /// Whether the figure rises or falls, as far as can be told.
    pub fn direction(&self) -> Direction {
        match self.by {
            Interval { low, high, .. } if low == 0.0 && high == 0.0 => Direction::Same,
            Interval { low, .. } if low > 0.0 => Direction::Rises,
            Interval { high, .. } if high < 0.0 => Direction::Falls,
            _ => Direction::Untold,
        }
    }
}

/// Pairs of runs, and what they say.
#[derive(Clone, Debug, Default)]
pub struct Contrast {
    /// For each figure of [`Compared::ALL`], what the first and the second stage had, run by run.
    pairs: [Vec<(f64, f64)>; Compared::ALL.len()],
    runs: usize,
}

impl Contrast {
    /// Adds a pair of runs under one seed.
    pub fn add(&mut self, first: &Outcome, second: &Outcome) {
        self.runs += 1;
        for (what, pairs) in Compared::ALL.into_iter().zip(&mut self.pairs) {
            pairs.extend(what.of(first).zip(what.of(second)));
        }
    }

    /// Pairs of runs so far.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// By how much a figure differs; none while no pair of runs has it on both sides.
    pub fn difference(&self, what: Compared) -> Option<Difference> {
        let pairs = &self.pairs[what as usize];
        let count = pairs.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
        let (before, after) = (mean(|pair| pair.0), mean(|pair| pair.1));
        (!pairs.is_empty()).then(|| Difference {
            before,
            after,
            by: paired(pairs, after - before),
            replications: pairs.len(),
        })
    }
}

/// The paired t interval around the mean difference.
fn paired(pairs: &[(f64, f64)], mean: f64) -> Interval {
    let count = pairs.len() as f64;
    if pairs.len() < 2 {
        return Interval { value: mean, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let apart = |pair: &(f64, f64)| pair.1 - pair.0 - mean;
    let variance = pairs.iter().map(|pair| apart(pair) * apart(pair)).sum::<f64>() / (count - 1.0);
    Interval::around(mean, student_t_quantile(0.5 + CONFIDENCE / 2.0, count - 1.0) * (variance / count).sqrt())
}

#[cfg(test)]
mod tests {
    use crate::outcome::Estimate;
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::random::Stream;
    use crate::outcome::Response;

    fn outcome(mean_ms: f64, answered: f64, failed: f64) -> Outcome {
        let ms = |factor: f64| Estimate::value(factor * mean_ms);
        Outcome {
            throughput_per_s: Estimate::value(answered),
            response_ms: Response { mean: ms(1.0), p50: ms(0.7), p95: ms(3.0), p99: ms(4.6) },
            utilisation: BTreeMap::from([
                ("app cpu".to_owned(), Estimate::value(0.4)),
                ("db cpu".to_owned(), Estimate::value(0.7)),
            ]),
            errors_per_s: BTreeMap::from([("refused".to_owned(), Estimate::value(failed))]),
            stale: Estimate::value(0.0),
            metrics: BTreeMap::new(),
        }
    }

    /// Luck that both stages share, and a little that each has alone.
    fn pair(stream: &Stream, run: u64, by_ms: f64) -> (Outcome, Outcome) {
        let mut draw = stream.draw(run);
        let shared = 20.0 + 10.0 * draw.uniform();
        let (one, two) = (shared + draw.uniform(), shared + by_ms + draw.uniform());
        (outcome(one, 50.0, 0.0), outcome(two, 50.0, 0.0))
    }

    #[test]
    fn an_interval_covers_the_true_difference_as_often_as_it_claims() {
        let hits = (0..2000).filter(|seed| {
            let stream = Stream::new(*seed, "contrast", "luck");
            let mut contrast = Contrast::default();
            for run in 0..8 {
                let (first, second) = pair(&stream, run, -4.0);
                contrast.add(&first, &second);
            }
            contrast.difference(Compared::Mean).unwrap().by.contains(-4.0)
        });
        let covered = hits.count() as f64 / 2000.0;
        assert!((0.935..=0.965).contains(&covered), "{covered}");
    }

    #[test]
    fn luck_that_both_share_cancels() {
        let stream = Stream::new(7, "contrast", "luck");
        let mut contrast = Contrast::default();
        for run in 0..8 {
            let (first, second) = pair(&stream, run, -2.0);
            contrast.add(&first, &second);
        }
        let mean = contrast.difference(Compared::Mean).unwrap();
        assert_eq!((mean.direction(), mean.replications), (Direction::Falls, 8));
        // Each side alone scatters over ten milliseconds.
        assert!(mean.by.half_width() < 0.6, "{:?}", mean.by);
    }

    #[test]
    fn one_run_tells_nothing_and_equal_runs_tell_that_nothing_differs() {
        let mut contrast = Contrast::default();
        assert_eq!(contrast.difference(Compared::Mean), None);
        contrast.add(&outcome(20.0, 9.0, 1.0), &outcome(10.0, 9.0, 1.0));
        let mean = contrast.difference(Compared::Mean).unwrap();
        assert_eq!((mean.by.value, mean.direction()), (-10.0, Direction::Untold));
        contrast.add(&outcome(20.0, 9.0, 1.0), &outcome(10.0, 9.0, 1.0));
        assert_eq!(contrast.difference(Compared::Failed).unwrap().direction(), Direction::Same);
        assert_eq!(contrast.difference(Compared::Failed).unwrap().before, 0.1);
        assert_eq!(contrast.difference(Compared::Mean).unwrap().direction(), Direction::Falls);
    }

    #[test]
    fn a_run_without_answers_has_no_response_time_to_compare() {
        let mut contrast = Contrast::default();
        contrast.add(&outcome(f64::NAN, 0.0, 5.0), &outcome(10.0, 5.0, 0.0));
        assert_eq!(contrast.difference(Compared::P95), None);
        assert_eq!(contrast.difference(Compared::Failed).unwrap().by.value, -1.0);
        assert_eq!(contrast.runs(), 1);
        let mut busy = outcome(1.0, 1.0, 0.0);
        assert_eq!(busiest(&busy), Some(("db cpu", 0.7)));
        busy.utilisation.insert("journal disk".to_owned(), Estimate::value(0.9));
        assert_eq!(busiest(&busy), Some(("journal disk", 0.9)));
        busy.metrics.insert("journal disk_room".to_owned(), Estimate::value(0.8));
        assert_eq!(busiest(&busy), Some(("db cpu", 0.7)));
    }
}
