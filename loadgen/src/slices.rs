//! The parts of a step's window, and what those of them that nothing disturbed tell of the whole. A run and a merge of
//! several do it alike.

use hockeystick_core::measurement::{Distribution, Slice};

use crate::histogram::Times;

/// The times of one part.
#[derive(Clone, Debug, Default)]
pub struct SliceTimes {
    /// Sent minus due.
    pub lag: Times,
    /// From due to the last byte.
    pub response: Times,
}

/// The whole window's.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Sent minus due.
    pub lag: Distribution,
    /// From due to the last byte.
    pub response: Distribution,
    /// Part by part.
    pub slices: Vec<Slice>,
}

/// Adds the parts that nothing disturbed.
pub fn whole(parts: &[SliceTimes], disturbed: &[bool]) -> Whole {
    let (mut lag, mut response) = (Times::default(), Times::default());
    // With no quiet slice, disturbed figures are better than none: the step is in doubt anyway.
    let all = !disturbed.contains(&false);
    for (slice, _) in parts.iter().zip(disturbed).filter(|(_, disturbed)| all || !**disturbed) {
        lag.add(&slice.lag);
        response.add(&slice.response);
    }
    let slices = parts.iter().zip(disturbed);
    let slices = slices.map(|(times, disturbed)| Slice { disturbed: *disturbed, ..times.response.slice() });
    Whole { lag: lag.distribution(), response: response.distribution(), slices: slices.collect() }
}

/// The mean of samples that were taken in the parts that nothing disturbed.
pub fn whole_mean(parts: &[Mean], disturbed: &[bool]) -> f64 {
    let quiet = parts.iter().zip(disturbed).filter(|(_, disturbed)| !**disturbed);
    quiet.fold(Mean::default(), |all, (slice, _)| all.and(slice)).value()
}

/// A mean of samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    /// Adds a sample.
    pub fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn and(self, other: &Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count }
    }

    /// The mean; 0 of nothing.
    pub fn value(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}
