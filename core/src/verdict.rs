//! Whether a prediction agrees with a measurement. Whether the measurement deserves to be believed, [`doubt`](crate::doubt)
//! says.
//!
//! Agreement is an equivalence test, not a test for difference: the burden of proof is on the model. A figure *agrees*
//! when the 90 % interval of its relative error lies inside the tolerance, which is the two one-sided tests procedure at
//! 5 % (Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power Approach", J. Pharmacokinetics and
//! Biopharmaceutics 15, 1987); it *disagrees* when the interval lies outside; else the data do not say.

use serde::{Deserialize, Serialize};

use crate::measurement::{Metric, Step};
use crate::number::within;
use crate::outcome::{Estimate, Outcome};
use crate::statistics::{Interval, Spread, ratio_interval};

/// Confidence of every interval that the test uses.
pub const CONFIDENCE: f64 = 0.90;

/// What the test says of one figure, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The error is inside the tolerance, for sure enough.
    Agrees,
    /// The error is outside the tolerance, for sure enough.
    Disagrees,
    /// The interval of the error straddles the tolerance.
    Inconclusive,
    /// No tolerance is set: the error is shown and not judged.
    Reported,
}

impl Verdict {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Disagrees => "disagrees",
            Self::Inconclusive => "inconclusive",
            Self::Reported => "reported",
        }
    }

    /// The verdict on all figures: one that disagrees outweighs all, one that is inconclusive outweighs agreement. No
    /// figure at all is inconclusive.
    pub fn overall(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut overall = Self::Inconclusive;
        for verdict in verdicts {
            match verdict {
                Self::Disagrees => return Self::Disagrees,
                Self::Inconclusive => overall = Self::Reported,
                Self::Agrees if overall == Self::Inconclusive => overall = Self::Agrees,
                Self::Agrees | Self::Reported => {}
            }
        }
        if overall == Self::Reported { Self::Inconclusive } else { overall }
    }
}

/// The largest relative error that counts as agreement, by metric; none where the metric is only reported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// Of throughput.
    pub throughput: Option<f64>,
    /// Of the mean response time.
    pub mean: Option<f64>,
    /// Of the median.
    pub p50: Option<f64>,
    /// Of the 95th percentile.
    pub p95: Option<f64>,
    /// Of the 99th percentile.
    pub p99: Option<f64>,
    /// How busy the busiest station may be, 0 to 1, before those of times widen; see [`Tolerances::at`].
    pub widen_above: f64,
}

/// A tolerance widens to this many times itself and no further.
const WIDEST: f64 = 4.0;

impl Default for Tolerances {
    /// Throughput 3 %, mean 10 %, p95 15 %: published models of web applications err by 3.8 % and 10 to 12 %.
    ///
    /// p50 and p99 are only reported. The median request is often a small file, whose time is mostly the kernel's and the
    /// network's, of which a stage knows one constant; a 99th percentile is too noisy at the length of a usual step.
    fn default() -> Self {
        Self { throughput: Some(0.03), mean: Some(0.10), p50: None, p95: Some(0.15), p99: None, widen_above: 0.8 }
    }
}

impl Tolerances {
    /// The tolerance of one metric.
    pub const fn of(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Throughput => self.throughput,
            Metric::Mean => self.mean,
            Metric::P50 => self.p50,
            Metric::P95 => self.p95,
            Metric::P99 => self.p99,
        }
    }

    /// The tolerance of one metric at a step whose busiest station is so busy, 0 to 1.
    ///
    /// A response time is in proportion to 1 / (1 - U), so the same small error of a demand weighs 1 / (1 - U) times as much
    /// in it: one per cent of demand is five of the response time at 80 %, and twenty at 95 %. Above
    /// [`widen_above`](Self::widen_above) the tolerances of times therefore widen as 1 / (1 - U), up to four times
    /// themselves. That of throughput never does.
    pub fn at(&self, metric: Metric, busy: f64) -> Option<f64> {
        let tolerance = self.of(metric)?;
        let idle = (1.0 - busy).max(f64::MIN_POSITIVE);
        let wider = within((1.0 - self.widen_above) / idle, 1.0, WIDEST);
        Some(if metric == Metric::Throughput || busy <= self.widen_above { tolerance } else { tolerance * wider })
    }

    /// The tolerance of one metric, to be changed.
    pub const fn of_mut(&mut self, metric: Metric) -> &mut Option<f64> {
        match metric {
            Metric::Throughput => &mut self.throughput,
            Metric::Mean => &mut self.mean,
            Metric::P50 => &mut self.p50,
            Metric::P95 => &mut self.p95,
            Metric::P99 => &mut self.p99,
        }
    }
}

/// One figure, predicted and measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which figure.
    pub metric: Metric,
    /// What the model says, in the metric's unit.
    pub predicted: Interval,
    /// What was measured, in the metric's unit.
    pub measured: Interval,
    /// Predicted over measured, minus one: positive where the model is too pessimistic about time.
    pub error: Interval,
    /// The largest error that counts as agreement.
    pub tolerance: Option<f64>,
    /// What the test says.
    pub verdict: Verdict,
}

impl Comparison {
    pub(crate) fn new(
        metric: Metric,
        predicted: Interval,
        measured: Interval,
        error: Interval,
        tolerance: Option<f64>,
    ) -> Self {
        let verdict = tolerance.map_or(Verdict::Reported, |tolerance| judge(error, tolerance));
        Self { metric, predicted, measured, error, tolerance, verdict }
    }
}

/// The figure of an outcome that a metric names.
pub const fn predicted(outcome: &Outcome, metric: Metric) -> &Estimate {
    match metric {
        Metric::Throughput => &outcome.throughput_per_s,
        Metric::Mean => &outcome.response_ms.mean,
        Metric::P50 => &outcome.response_ms.p50,
        Metric::P95 => &outcome.response_ms.p95,
        Metric::P99 => &outcome.response_ms.p99,
    }
}

/// Compares a prediction with a measurement, both with [`CONFIDENCE`] and independent of each other; see
/// [`inspection`](crate::inspection) for a prediction of the same requests. None when there is no number to compare.
pub fn compare(metric: Metric, outcome: &Outcome, step: &Step, tolerance: Option<f64>) -> Option<Comparison> {
    let estimate = predicted(outcome, metric);
    let value = estimate.known()?;
    let (low, high) = estimate.bounds().unwrap_or((value, value));
    let predicted = Interval { value, low, high };
    let measured = step.figure(metric, CONFIDENCE);
    let error = relative_error(predicted, measured)?;
    Some(Comparison::new(metric, predicted, measured, error, tolerance))
}

/// Relative error of `predicted` against `measured`, with the interval that both of theirs leave it.
fn relative_error(predicted: Interval, measured: Interval) -> Option<Interval> {
    error_of_ratio(predicted.value, measured.value, Spread::independent(predicted.half_width(), measured.half_width()))
}

/// The ratio of a prediction to a measurement, less one. None when there is no number to compare.
pub(crate) fn error_of_ratio(predicted: f64, measured: f64, spread: Spread) -> Option<Interval> {
    if !(predicted.is_finite() && measured.is_finite() && predicted > 0.0 && measured > 0.0) {
        return None;
    }
    let ratio = ratio_interval(predicted, measured, spread);
    Some(Interval { value: ratio.value - 1.0, low: ratio.low - 1.0, high: ratio.high - 1.0 })
}

fn judge(error: Interval, tolerance: f64) -> Verdict {
    if error.low >= -tolerance && error.high <= tolerance {
        Verdict::Agrees
    } else if error.low > tolerance || error.high < -tolerance {
        Verdict::Disagrees
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(value: f64, half: f64) -> Interval {
        Interval { value, low: value - half, high: value + half }
    }

    #[test]
    fn a_narrow_interval_inside_the_tolerance_agrees() {
        let error = relative_error(interval(10.4, 0.1), interval(10.0, 0.2)).unwrap();
        assert!((error.value - 0.04).abs() < 1e-12);
        assert_eq!(judge(error, 0.10), Verdict::Agrees);
        assert_eq!(judge(error, 0.01), Verdict::Disagrees);
    }

    #[test]
    fn tolerances_of_times_widen_as_the_weight_of_an_error_does() {
        let tolerances = Tolerances::default();
        let at = |busy| tolerances.at(Metric::Mean, busy).unwrap();
        assert_eq!([at(0.0), at(0.5), at(0.8)], [0.10; 3]);
        assert!((at(0.9) - 0.20).abs() < 1e-12 && (at(0.95) - 0.40).abs() < 1e-12);
        assert_eq!([at(0.99), at(1.0), at(1.2)], [0.40; 3]);
        assert_eq!(tolerances.at(Metric::Throughput, 0.95), Some(0.03));
        assert_eq!(tolerances.at(Metric::P99, 0.95), None);
        let strict = Tolerances { widen_above: 1.0, ..tolerances };
        assert_eq!(strict.at(Metric::Mean, 0.99), Some(0.10));
    }

    #[test]
    fn a_wide_interval_is_inconclusive_whatever_its_middle() {
        let error = relative_error(interval(10.0, 0.0), interval(10.0, 4.0)).unwrap();
        assert_eq!(judge(error, 0.10), Verdict::Inconclusive);
        let unknown = Interval { value: 10.0, low: f64::NEG_INFINITY, high: f64::INFINITY };
        let error = relative_error(interval(20.0, 0.0), unknown).unwrap();
        assert_eq!(judge(error, 0.10), Verdict::Inconclusive);
    }

    #[test]
    fn nothing_is_compared_with_zero() {
        assert!(relative_error(interval(1.0, 0.0), interval(0.0, 0.0)).is_none());
        assert!(relative_error(interval(f64::NAN, 0.0), interval(1.0, 0.0)).is_none());
    }

    #[test]
    fn one_disagreement_outweighs_all() {
        use Verdict::{Agrees, Disagrees, Inconclusive, Reported};
        assert_eq!(Verdict::overall([Agrees, Inconclusive, Disagrees]), Disagrees);
        assert_eq!(Verdict::overall([Inconclusive, Agrees]), Inconclusive);
        assert_eq!(Verdict::overall([Agrees, Inconclusive]), Inconclusive);
        assert_eq!(Verdict::overall([Reported, Agrees, Reported]), Agrees);
        assert_eq!(Verdict::overall([Reported]), Inconclusive);
        assert_eq!(Verdict::overall([]), Inconclusive);
    }
}
