//! How sure one can be of a ratio of two figures that are both uncertain, by Fieller's theorem: E. C. Fieller, "Some
//! problems in interval estimation", Journal of the Royal Statistical Society B 16 (1954).
//!
//! The interval holds every ratio θ for which numerator - θ·denominator may be zero. The delta method takes a ratio for
//! linear instead and its interval for symmetric, which is as good while the denominator is known to some per cent. Where
//! one stall makes up most of a measured mean, it would be sure of a ratio near zero; Fieller's interval then has no upper
//! end, for the mean may as well be zero.

use super::batch::{inflation, lag_one};
use super::{Interval, student_t_quantile};

/// How far two figures may be from the truth: squares of half-widths, in the unit of the figures squared, of one
/// confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The square of the numerator's half-width.
    pub numerator: f64,
    /// The square of the denominator's half-width.
    pub denominator: f64,
    /// What is common to both: their covariance, widened as the squares are.
    pub common: f64,
}

impl Spread {
    /// Of two figures that have nothing to do with each other, by their half-widths.
    pub fn independent(numerator: f64, denominator: f64) -> Self {
        Self { numerator: numerator * numerator, denominator: denominator * denominator, common: 0.0 }
    }

    /// Of two figures that were read side by side in the parts of one run: how far each part's numerator and denominator
    /// are from those of the whole.
    ///
    /// Parts resemble their neighbours, which widens the spread as in [`quantile_interval`](super::quantile_interval); how
    /// much is read from what the `ratio` of the whole leaves unexplained. Fewer than two parts say nothing.
    pub fn of_parts(apart: &[(f64, f64)], ratio: f64, confidence: f64) -> Self {
        let count = apart.len() as f64;
        if apart.len() < 2 {
            return Self::independent(f64::INFINITY, f64::INFINITY);
        }
        let unexplained: Vec<f64> =
            apart.iter().map(|(numerator, denominator)| numerator - ratio * denominator).collect();
        let t = student_t_quantile(0.5 + 0.5 * confidence, count - 1.0);
        let factor = t * t * inflation(lag_one(&unexplained)) / (count - 1.0) / count;
        let sum = |product: fn(&(f64, f64)) -> f64| apart.iter().map(product).sum::<f64>() * factor;
        Self { numerator: sum(|it| it.0 * it.0), denominator: sum(|it| it.1 * it.1), common: sum(|it| it.0 * it.1) }
    }
}

/// The interval of `numerator / denominator`, both above zero, and of a truth that is not below zero. Its upper end is
/// infinite where the denominator may be zero.
pub fn ratio_interval(numerator: f64, denominator: f64, spread: Spread) -> Interval {
    // Where a·θ² - 2·b·θ + c is not above zero.
    let a = denominator * denominator - spread.denominator;
    let b = numerator * denominator - spread.common;
    let c = numerator * numerator - spread.numerator;
    let root = (b * b - a * c).max(0.0).sqrt();
    let low = if c > 0.0 { c / (b + root) } else { 0.0 };
    let high = if a > 0.0 { (b + root) / a } else { f64::INFINITY };
    Interval { value: numerator / denominator, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::{Exponential, Stream};

    #[test]
    fn a_denominator_that_is_well_known_gives_what_the_delta_method_gives() {
        let interval = ratio_interval(2.0, 4.0, Spread::independent(0.03, 0.04));
        let half = 0.5 * libm::hypot(0.015, 0.01);
        assert!((interval.low - (0.5 - half)).abs() < 2e-4 && (interval.high - (0.5 + half)).abs() < 2e-4);
    }

    /// The measured mean of a step in which one stall made up two thirds of all waiting: 11.9 ± 14.7 ms.
    #[test]
    fn a_denominator_that_may_be_zero_leaves_the_ratio_without_an_upper_end() {
        let interval = ratio_interval(3.1, 11.9, Spread::independent(0.1, 14.7));
        assert!(interval.high.is_infinite());
        // 3.1 / 26.6, as far as the numerator is known.
        assert!((interval.low - 3.1 / 26.6).abs() < 1e-3, "{interval:?}");
    }

    #[test]
    fn what_is_unknown_leaves_everything_possible() {
        let unknown = f64::INFINITY;
        for (numerator, denominator) in [(unknown, 0.0), (0.0, unknown), (unknown, unknown)] {
            let interval = ratio_interval(1.0, 1.0, Spread::independent(numerator, denominator));
            assert!(interval.high.is_infinite() && interval.low <= 1e-9, "{interval:?}");
        }
    }

    #[test]
    fn what_both_have_in_common_cancels() {
        let apart: Vec<(f64, f64)> = [0.5, -0.5, 0.25, -0.25].iter().map(|it| (2.0 * it, *it)).collect();
        let interval = ratio_interval(4.0, 2.0, Spread::of_parts(&apart, 2.0, 0.90));
        assert!((interval.low - 2.0).abs() < 1e-6 && (interval.high - 2.0).abs() < 1e-6, "{interval:?}");
        assert_eq!(Spread::of_parts(&apart[..1], 2.0, 0.90).numerator, f64::INFINITY);
    }

    /// Twenty parts whose denominators are exponential: the interval holds the true ratio as often as it says.
    #[test]
    fn the_interval_holds_the_ratio_as_often_as_it_says() {
        const ROUNDS: u64 = 2000;
        let (stream, exponential) = (Stream::new(6, "ratio", "values"), Exponential::new());
        let holds = |round: &u64| {
            let mut draw = stream.draw(*round);
            let mut next = || exponential.sample(&mut draw);
            let pairs: Vec<(f64, f64)> = (0..20).map(|_| (next() + 1.0, next())).collect();
            let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
            let (numerator, denominator) = (mean(|it| it.0), mean(|it| it.1));
            let apart: Vec<_> = pairs.iter().map(|it| (it.0 - numerator, it.1 - denominator)).collect();
            let spread = Spread::of_parts(&apart, numerator / denominator, 0.90);
            ratio_interval(numerator, denominator, spread).contains(2.0)
        };
        let share = (0..ROUNDS).filter(holds).count() as f64 / ROUNDS as f64;
        assert!((0.87..0.96).contains(&share), "{share}");
    }
}
