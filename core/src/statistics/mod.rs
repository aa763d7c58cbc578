//! What may be said of a run: warm-up removed, and how sure one can be of what is left.
//!
//! - [`mser5`]: how much of the start of a run to leave out.
//! - [`batch_means`], [`ratio_of_batches`], [`quantile_interval`]: intervals that stay honest although neighbouring requests resemble each
//!   other.
//! - [`quantile_by_parts`]: the same for a quantile of few and long parts, one of which may hold a pause.
//! - [`ratio_interval`]: the same for a ratio of two figures that are both uncertain.
//! - [`student_t_quantile`]: what all rest on.
//! - [`f_upper_tail`]: whether a model with more unknowns explains more than chance would.
//! - [`chance_of_spread`]: whether three groups of values differ by more than chance.
//! - [`sort`], [`sorted`]: things in order.
//! - [`Histogram`]: every response time of a run in a few kilobytes.

mod batch;
mod histogram;
mod ratio;
mod sort;
mod student;
mod tail;
mod variance;
mod warm_up;

pub use batch::{batch_means, quantile_interval, ratio_of_batches};
pub use histogram::Histogram;
pub use ratio::{Spread, ratio_interval};
pub use sort::{sort, sorted};
pub use student::{f_upper_tail, student_t_quantile};
pub use tail::{Tail, quantile_beside, quantile_by_parts};
pub use variance::chance_of_spread;
pub use warm_up::mser5;

/// An estimate and the confidence interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end; minus infinity where there was too little data to say.
    pub low: f64,
    /// Upper end; infinity where there was too little data to say.
    pub high: f64,
}

impl Interval {
    /// The interval that reaches `half_width` to both sides of `value`.
    pub fn around(value: f64, half_width: f64) -> Self {
        Self { value, low: value - half_width, high: value + half_width }
    }

    /// Whether `truth` lies within.
    pub fn contains(&self, truth: f64) -> bool {
        (self.low..=self.high).contains(&truth)
    }

    /// Half of the distance between the ends.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Whether there was enough data for both ends.
    pub fn is_bounded(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}
