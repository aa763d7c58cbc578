//! What a request demands of a station, as theory needs it: moments and transforms of sums of parts.

use super::complex::Complex;
use super::fanout;
use crate::engine::sampler::Sampler;
use crate::workload::Demand;

const NS: f64 = 1e-9;

/// The first three moments about zero, in seconds, square seconds and cubic seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Mean.
    pub first: f64,
    /// Mean of the square.
    pub second: f64,
    /// Mean of the cube.
    pub third: f64,
}

impl Moments {
    /// Those of a variable that is always zero.
    pub const ZERO: Self = Self { first: 0.0, second: 0.0, third: 0.0 };

    /// Those of a length that never varies.
    pub fn constant(length: f64) -> Self {
        Self { first: length, second: length * length, third: length * length * length }
    }

    /// Those of an exponential variable.
    pub fn exponential(mean: f64) -> Self {
        Self { first: mean, second: 2.0 * mean * mean, third: 6.0 * mean * mean * mean }
    }

    /// Those of a sampler's draws, divided by `speed`.
    pub fn of(sampler: &Sampler, speed: f64) -> Self {
        let unit = NS / speed;
        match *sampler {
            Sampler::Constant { ns } => {
                let x = ns * unit;
                Self { first: x, second: x * x, third: x * x * x }
            }
            Sampler::Exponential { mean_ns } => Self::exponential(mean_ns * unit),
            Sampler::Erlang { phases, fewer, phase_ns } => {
                let x = phase_ns * unit;
                let erlang = |phases: f64| Self {
                    first: phases * x,
                    second: phases * (phases + 1.0) * x * x,
                    third: phases * (phases + 1.0) * (phases + 2.0) * x * x * x,
                };
                erlang(f64::from(phases)).mixed(1.0 - fewer, erlang(f64::from(phases) - 1.0))
            }
            Sampler::Hyperexponential { first, means_ns: [one, other] } => {
                Self::exponential(one * unit).mixed(first, Self::exponential(other * unit))
            }
        }
    }

    /// Those of a variable that is this one with probability `share`, else the other.
    #[must_use]
    pub fn mixed(self, share: f64, other: Self) -> Self {
        let mix = |mine: f64, others: f64| share * mine + (1.0 - share) * others;
        Self {
            first: mix(self.first, other.first),
            second: mix(self.second, other.second),
            third: mix(self.third, other.third),
        }
    }

    /// Those of the sum of independent parts.
    pub fn of_sum(parts: &[Part]) -> Self {
        parts.iter().fold(Self::ZERO, |sum, part| sum.plus(part.moments()))
    }

    /// Those of the sum of this variable and another, independent one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            first: self.first + other.first,
            second: self.second + 2.0 * self.first * other.first + other.second,
            third: self.third + 3.0 * (self.second * other.first + self.first * other.second) + other.third,
        }
    }

    /// Those of the sum of `count` independent copies.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        let (mut sum, mut doubled, mut left) = (Self::ZERO, self, count);
        while left > 0 {
            if left & 1 == 1 {
                sum = sum.plus(doubled);
            }
            doubled = doubled.plus(doubled);
            left >>= 1;
        }
        sum
    }

    /// Square of the coefficient of variation; one where there is no demand.
    pub fn square_cv(&self) -> f64 {
        if self.first > 0.0 { (self.second / (self.first * self.first) - 1.0).max(0.0) } else { 1.0 }
    }
}

/// A part of a request's demand: `count` independent draws, each of which befalls it with probability `chance`.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// How many.
    pub count: u32,
    /// Probability of each.
    pub chance: f64,
    /// Share of its time that the request itself waits for: less than one of calls that are made at the same time.
    pub felt: f64,
    sampler: Sampler,
    speed: f64,
}

impl Part {
    /// `count` draws of `demand`, worked off at `speed`.
    pub fn new(count: u32, chance: f64, demand: &Demand, speed: f64) -> Self {
        Self { count, chance, felt: 1.0, sampler: Sampler::new(demand), speed }
    }

    /// This part in each of `count` calls, each made with probability `chance`.
    #[must_use]
    pub fn repeated(self, count: u32, chance: f64) -> Self {
        Self { count: self.count.saturating_mul(count), chance: self.chance * chance, ..self }
    }

    /// This part in each of `count` calls made at once with probability `chance`: the request waits for the slowest.
    ///
    /// Of n exponential times the longest has the mean of one, times the n-th harmonic number.
    #[must_use]
    pub fn at_once(self, count: u32, chance: f64) -> Self {
        let felt = self.felt * fanout::harmonic(count) / f64::from(count.max(1));
        Self { felt, ..self.repeated(count, chance) }
    }

    /// This part where the processor does only this share of its work.
    #[must_use]
    pub fn slowed(self, efficiency: f64) -> Self {
        Self { speed: self.speed * efficiency, ..self }
    }

    /// Moments of one draw that does befall the request.
    pub fn each(&self) -> Moments {
        Moments::of(&self.sampler, self.speed)
    }

    /// Moments of the sum.
    pub fn moments(&self) -> Moments {
        self.each().mixed(self.chance, Moments::ZERO).times(self.count)
    }

    /// Laplace-Stieltjes transform of the sum: E[e^(-s X)].
    pub fn transform(&self, s: Complex) -> Complex {
        self.each_after(s, Complex::ONE)
    }

    /// Transform of one draw that does befall the request.
    pub fn each_transform(&self, s: Complex) -> Complex {
        transform(&self.sampler, s * (NS / self.speed))
    }

    /// Transform of the sum where each draw takes another, independent time as well, whose transform is `more`.
    pub fn each_after(&self, s: Complex, more: Complex) -> Complex {
        let one = self.each_transform(s) * more;
        (one * self.chance + (1.0 - self.chance)).power(self.count)
    }

    /// Means in seconds of the exponential distributions from one of which the whole part is drawn; none when it is
    /// made otherwise.
    pub fn single_phases(&self) -> Option<Vec<f64>> {
        let unit = NS / self.speed;
        match self.sampler {
            _ if self.count != 1 || self.chance < 1.0 => None,
            Sampler::Exponential { mean_ns } => Some(vec![mean_ns * unit]),
            Sampler::Hyperexponential { means_ns, .. } => Some(means_ns.map(|mean_ns| mean_ns * unit).to_vec()),
            Sampler::Constant { .. } | Sampler::Erlang { .. } => None,
        }
    }

    /// Seconds that the sum takes at least.
    pub fn least_s(&self) -> f64 {
        match self.sampler {
            Sampler::Constant { ns } if self.chance >= 1.0 => f64::from(self.count) * ns * NS / self.speed,
            _ => 0.0,
        }
    }
}

/// Laplace-Stieltjes transform of a sampler's draws, in their own unit.
fn transform(sampler: &Sampler, s: Complex) -> Complex {
    let exponential = |mean: f64| Complex::ONE / (s * mean + 1.0);
    match *sampler {
        Sampler::Constant { ns } => (-(s * ns)).exp(),
        Sampler::Exponential { mean_ns } => exponential(mean_ns),
        Sampler::Erlang { phases, fewer, phase_ns } => {
            let phase = exponential(phase_ns);
            phase.power(phases - 1) * (phase * (1.0 - fewer) + fewer)
        }
        Sampler::Hyperexponential { first, means_ns: [one, other] } => {
            exponential(one) * first + exponential(other) * (1.0 - first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Duration;

    fn demand(cv: f64) -> Demand {
        Demand { mean: Duration::from_ms(20), cv }
    }

    #[test]
    fn moments_match_mean_and_variation_of_every_fit() {
        for cv in [0.0, 0.2, 0.7, 1.0, 3.0] {
            let moments = Part::new(1, 1.0, &demand(cv), 2.0).moments();
            assert!((moments.first - 0.01).abs() < 1e-12, "{cv}");
            assert!((moments.square_cv() - cv * cv).abs() < 1e-9, "{cv}");
        }
    }

    #[test]
    fn moments_are_the_transform_s_derivatives() {
        for (cv, chance) in [(0.0, 1.0), (0.3, 1.0), (1.0, 0.4), (2.0, 0.9)] {
            let part = Part::new(3, chance, &demand(cv), 1.0);
            let h = 1e-2;
            let at = |k: f64| part.transform(Complex::real(k * h)).re;
            let first = -(at(1.0) - at(-1.0)) / (2.0 * h);
            let second = (at(1.0) - 2.0 * at(0.0) + at(-1.0)) / (h * h);
            let third = -(at(2.0) - 2.0 * at(1.0) + 2.0 * at(-1.0) - at(-2.0)) / (2.0 * h * h * h);
            let moments = part.moments();
            assert!((first / moments.first - 1.0).abs() < 1e-5, "{cv}");
            assert!((second / moments.second - 1.0).abs() < 1e-5, "{cv}");
            assert!((third / moments.third - 1.0).abs() < 1e-2, "{cv}: {third} {}", moments.third);
        }
    }

    #[test]
    fn a_sum_of_many_is_the_sum_of_all() {
        let one = Part::new(1, 0.5, &demand(1.0), 1.0).moments();
        let seven = (0..7).fold(Moments::ZERO, |sum, _| sum.plus(one));
        let at_once = one.times(7);
        assert!((at_once.third / seven.third - 1.0).abs() < 1e-12);
        assert_eq!(one.times(0), Moments::ZERO);
    }
}
