//! A prediction for the very requests that were measured, and its error.
//!
//! Simulation and measurement see the same arrivals, so that the luck of the draw is in both and cancels in their
//! difference; its interval comes from how that difference varies between the parts of the window. See
//! [`schedule`](crate::schedule) for the source. The intervals are several times narrower than those of two independent
//! experiments of the same length.

use crate::measurement::{Metric, Step};
use crate::schedule::Schedule;
use crate::simulate::replay;
use crate::stage::{Problem, Stage};
use crate::statistics::{Interval, Spread, Tail, quantile_beside, student_t_quantile};
use crate::units::Nanos;
use crate::verdict::{CONFIDENCE, Comparison, error_of_ratio};

/// The figures of one window, or of a part of one, in the order of [`Metric::ALL`]: a second, and milliseconds.
type Figures = [f64; Metric::ALL.len()];

/// What the model says of a step, for the arrivals of that step.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Means over the replications.
    whole: Figures,
    /// Half-widths of their intervals: what more replications would narrow.
    half: Figures,
    /// The same in each slice of the window; none in a slice without answers.
    slices: Vec<Option<Figures>>,
}

impl Prediction {
    /// Simulates a step's schedule `replications` times, each with demands of its own; at least twice.
    ///
    /// # Errors
    /// Every rule that the stage breaks.
    pub fn new(
        stage: &Stage,
        schedule: &Schedule,
        step: &Step,
        seed: u64,
        replications: u64,
    ) -> Result<Self, Vec<Problem>> {
        let count = replications.max(2);
        let window = Window::of(step);
        let mut wholes = Vec::new();
        let mut slices = vec![Mean::default(); step.slices.len()];
        for replication in 0..count {
            let responses = replay(stage, schedule, seed.wrapping_add(replication))?;
            let parts = window.parts(schedule, &responses);
            wholes.push(window.whole(schedule, &responses, &parts));
            for (mean, part) in slices.iter_mut().zip(parts) {
                if let Some(figures) = figures(part, 0.0) {
                    mean.add(&figures);
                }
            }
        }
        let mut all = Mean::default();
        wholes.iter().for_each(|figures| all.add(figures));
        let whole = all.value().unwrap_or([f64::NAN; Metric::ALL.len()]);
        let t = student_t_quantile(0.5 + CONFIDENCE / 2.0, (count - 1) as f64);
        let half = std::array::from_fn(|metric| {
            let squares: f64 =
                wholes.iter().map(|one| (one[metric] - whole[metric]) * (one[metric] - whole[metric])).sum();
            t * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Ok(Self { whole, half, slices: slices.iter().map(Mean::value).collect() })
    }

    /// A figure, with the interval that the number of replications leaves it.
    pub fn figure(&self, metric: Metric) -> Interval {
        Interval::around(self.whole[metric as usize], self.half[metric as usize])
    }

    /// Compares a figure with what was measured. None when there is no number to compare.
    pub fn compare(&self, metric: Metric, step: &Step, tolerance: Option<f64>) -> Option<Comparison> {
        let (predicted, measured) = (self.figure(metric), step.figure(metric, CONFIDENCE));
        let error = match metric {
            Metric::Throughput => {
                let spread = Spread::independent(predicted.half_width(), measured.half_width());
                error_of_ratio(predicted.value, measured.value, spread)
            }
            Metric::Mean => {
                let mut spread = self.spread(step, predicted.value, measured.value);
                spread.numerator += predicted.half_width() * predicted.half_width();
                error_of_ratio(predicted.value, measured.value, spread)
            }
            Metric::P50 | Metric::P95 | Metric::P99 => self.error_of_percentile(step, predicted, measured.value),
        };
        Some(Comparison::new(metric, predicted, measured, error?, tolerance))
    }

    /// How sure the slices make one of both means, whose luck they share.
    fn spread(&self, step: &Step, predicted: f64, measured: f64) -> Spread {
        let counted = || step.slices.iter().zip(&self.slices).filter(|(slice, _)| slice.counts());
        let answers = counted().map(|(slice, _)| slice.completed as f64).sum::<f64>() / counted().count() as f64;
        let apart = counted().filter_map(|(slice, figures)| {
            // A mean is the sum of its parts, each by the number of its answers.
            let weight = slice.completed as f64 / answers;
            let figure = figures.as_ref()?[Metric::Mean as usize];
            Some(((figure - predicted) * weight, (slice.mean_us / 1e3 - measured) * weight))
        });
        Spread::of_parts(&apart.collect::<Vec<_>>(), predicted / measured, CONFIDENCE)
    }

    /// Relative error of a percentile, from how many requests exceed it in each slice, predicted and measured.
    fn error_of_percentile(&self, step: &Step, predicted: Interval, measured: f64) -> Option<Interval> {
        let counted = step.slices.iter().zip(&self.slices).filter(|(slice, _)| slice.counts());
        let tails = counted.filter_map(|(slice, figures)| {
            let (tail, figures) = (slice.tail(), figures.as_ref()?);
            let quantiles = [Metric::P50, Metric::P95, Metric::P99].map(|metric| figures[metric as usize]);
            Some((tail, Tail { quantiles, ..tail }))
        });
        let (parts, expected): (Vec<Tail>, Vec<Tail>) = tails.unzip();
        let value = error_of_ratio(predicted.value, measured, Spread::independent(0.0, 0.0))?.value;
        let known = quantile_beside(measured, &parts, (predicted.value, &expected), CONFIDENCE);
        // What both readings leave open, as parts of the ratio of both.
        let ratio = 1.0 + value;
        let more = predicted.half_width() / predicted.value * ratio;
        let low = ratio - libm::hypot(ratio - predicted.value / known.high, more);
        let high = ratio + libm::hypot(predicted.value / known.low.max(0.0) - ratio, more);
        Some(Interval { value, low: low.max(0.0) - 1.0, high: high - 1.0 })
    }
}

/// Quantiles of the response times that the model gives a step's very requests, in milliseconds, over all replications at
/// once: at each of these shares, 0 to 1. None where it answers nothing.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn quantiles(
    stage: &Stage,
    schedule: &Schedule,
    step: &Step,
    seed: u64,
    replications: u64,
    shares: &[f64],
) -> Result<Option<Vec<f64>>, Vec<Problem>> {
    let window = Window::of(step);
    let mut times_ms = Vec::new();
    for replication in 0..replications.max(1) {
        let responses = replay(stage, schedule, seed.wrapping_add(replication))?;
        let parts = window.parts(schedule, &responses);
        let counted = parts.iter().zip(&window.slices).filter(|(_, counts)| **counts);
        times_ms.extend(counted.flat_map(|(part, _)| part));
    }
    times_ms.sort_by(f64::total_cmp);
    Ok((!times_ms.is_empty()).then(|| shares.iter().map(|share| quantile(&times_ms, *share)).collect()))
}

/// The smallest time that this share of all does not exceed, as in the histograms of a measurement. Of sorted times, one
/// at least.
fn quantile(times_ms: &[f64], share: f64) -> f64 {
    let last = times_ms.len() - 1;
    times_ms[((share * times_ms.len() as f64).ceil() as usize).saturating_sub(1).min(last)]
}

/// The measured part of a step's schedule.
struct Window {
    from: Nanos,
    to: Nanos,
    /// Whether each slice counts.
    slices: Vec<bool>,
}

impl Window {
    fn of(step: &Step) -> Self {
        let ns = |seconds: f64| (seconds * 1e9 + 0.5) as Nanos;
        let from = ns(step.warm_up_s);
        Self {
            from,
            to: from + ns(step.measured_s),
            slices: step.slices.iter().map(|slice| !slice.disturbed).collect(),
        }
    }

    fn holds(&self, at: Nanos) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// Response times of the answered requests that came in each slice, in milliseconds.
    fn parts(&self, schedule: &Schedule, responses: &[Option<Nanos>]) -> Vec<Vec<f64>> {
        let mut parts = vec![Vec::new(); self.slices.len()];
        for (arrival, response) in schedule.arrivals().iter().zip(responses) {
            if let Some(ns) = response
                && self.holds(arrival.at)
            {
                let slice =
                    u128::from(arrival.at - self.from) * self.slices.len() as u128 / u128::from(self.to - self.from);
                // None where the window was not cut up.
                if let Some(part) = parts.get_mut(slice as usize) {
                    part.push(*ns as f64 / 1e6);
                }
            }
        }
        parts
    }

    fn whole(&self, schedule: &Schedule, responses: &[Option<Nanos>], parts: &[Vec<f64>]) -> Figures {
        let ended = |(arrival, response): (&crate::schedule::Arrival, &Option<Nanos>)| {
            response.is_some_and(|ns| self.holds(arrival.at + ns))
        };
        let answered = schedule.arrivals().iter().zip(responses).filter(|pair| ended(*pair)).count();
        let per_s = answered as f64 / ((self.to - self.from) as f64 / 1e9);
        let counted = parts.iter().zip(&self.slices).filter(|(_, counts)| **counts).flat_map(|(part, _)| part);
        figures(counted.copied().collect(), per_s).unwrap_or([per_s, f64::NAN, f64::NAN, f64::NAN, f64::NAN])
    }
}

/// None without answers.
fn figures(mut times_ms: Vec<f64>, per_s: f64) -> Option<Figures> {
    times_ms.sort_by(f64::total_cmp);
    if times_ms.is_empty() {
        return None;
    }
    let mean = times_ms.iter().sum::<f64>() / times_ms.len() as f64;
    let [p50, p95, p99] = [0.50, 0.95, 0.99].map(|share| quantile(&times_ms, share));
    Some([per_s, mean, p50, p95, p99])
}

/// The mean of figures.
#[derive(Clone, Debug, Default)]
struct Mean {
    sum: Figures,
    count: f64,
}

impl Mean {
    fn add(&mut self, figures: &Figures) {
        self.sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        self.count += 1.0;
    }

    fn value(&self) -> Option<Figures> {
        (self.count > 0.0).then(|| self.sum.map(|sum| sum / self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Arrival;
    use crate::workload::Class;

    #[test]
    fn a_window_that_is_not_cut_up_has_no_parts() {
        let window = Window { from: 0, to: 10, slices: Vec::new() };
        let schedule = Schedule::new([Arrival { at: 5, class: Class::Read }]);
        assert!(window.parts(&schedule, &[Some(1)]).is_empty());
    }
}
