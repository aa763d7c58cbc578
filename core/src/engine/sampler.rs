//! Service demands, ready to be drawn.

use super::random::{Draw, Exponential};
use crate::workload::Demand;

/// A demand's distribution with its constants worked out; see [`Demand`] for the fits and their source.
#[derive(Clone, Copy, Debug)]
pub enum Sampler {
    /// Always the same.
    Constant {
        /// Nanoseconds.
        ns: f64,
    },
    /// Exponential.
    Exponential {
        /// Nanoseconds.
        mean_ns: f64,
    },
    /// `phases - 1` exponential phases with probability `fewer`, else `phases`.
    Erlang {
        /// Most phases.
        phases: u32,
        /// Probability of one phase fewer.
        fewer: f64,
        /// Mean of a phase in nanoseconds.
        phase_ns: f64,
    },
    /// One of two exponentials.
    Hyperexponential {
        /// Probability of the first.
        first: f64,
        /// Their means in nanoseconds.
        means_ns: [f64; 2],
    },
}

impl Sampler {
    /// The sampler of a demand.
    pub fn new(demand: &Demand) -> Self {
        let (mean_ns, cv) = (demand.mean.ns() as f64, demand.cv);
        let variance = cv * cv;
        if cv < Demand::SMALLEST_CV {
            Self::Constant { ns: mean_ns }
        } else if cv == 1.0 {
            Self::Exponential { mean_ns }
        } else if cv < 1.0 {
            let phases = (1.0 / variance).ceil();
            let root = (phases * (1.0 + variance) - phases * phases * variance).max(0.0).sqrt();
            let fewer = (phases * variance - root) / (1.0 + variance);
            Self::Erlang { phases: phases as u32, fewer, phase_ns: mean_ns / (phases - fewer) }
        } else {
            let first = 0.5 * (1.0 + ((variance - 1.0) / (variance + 1.0)).sqrt());
            let means_ns = [mean_ns / (2.0 * first), mean_ns / (2.0 * (1.0 - first))];
            Self::Hyperexponential { first, means_ns }
        }
    }

    /// Whether every demand is zero, and need not be drawn.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        matches!(*self, Self::Constant { ns: mean_ns } | Self::Exponential { mean_ns } if mean_ns == 0.0)
    }

    /// One demand, in nanoseconds.
    #[inline]
    pub fn sample(&self, exponential: &Exponential, draw: &mut Draw) -> f64 {
        match *self {
            Self::Exponential { mean_ns } => mean_ns * exponential.sample(draw),
            _ => self.sample_other(exponential, draw),
        }
    }

    // Out of the way of the most common one.
    #[inline(never)]
    fn sample_other(&self, exponential: &Exponential, draw: &mut Draw) -> f64 {
        match *self {
            Self::Constant { ns } => ns,
            Self::Exponential { mean_ns } => mean_ns * exponential.sample(draw),
            Self::Erlang { phases, fewer, phase_ns } => {
                let phases = phases - u32::from(draw.chance(fewer));
                phase_ns * (0..phases).map(|_| exponential.sample(draw)).sum::<f64>()
            }
            Self::Hyperexponential { first, means_ns } => {
                let second = !draw.chance(first);
                means_ns[usize::from(second)] * exponential.sample(draw)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;
    use crate::units::Duration;

    #[test]
    fn draws_have_the_mean_and_variation_that_were_asked_for() {
        let (exponential, stream) = (Exponential::new(), Stream::new(11, "app", "demand"));
        for cv in [0.0, 0.1, 0.3, 0.5, 0.75, 1.0, 1.5, 3.0] {
            let sampler = Sampler::new(&Demand { mean: Duration::from_ms(10), cv });
            let n = 400_000;
            let draws = (0..n).map(|i| sampler.sample(&exponential, &mut stream.draw(i)) / 1e7);
            let (sum, squares) = draws.fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
            let mean = sum / n as f64;
            let deviation = (squares / n as f64 - mean * mean).max(0.0).sqrt();
            assert!((mean - 1.0).abs() < 0.02, "cv {cv}: mean {mean}");
            assert!((deviation - cv).abs() < 0.03 * cv.max(0.1), "cv {cv}: deviation {deviation}");
        }
    }
}
