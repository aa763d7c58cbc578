//! How sure one can be of a quantile that was read over a window, from how many values of each of its parts exceed it.
//!
//! A quantile of the whole moves as far as the share of values that exceed it makes it, so its interval follows from the
//! interval of that share (Serfling, *Approximation Theorems of Mathematical Statistics*, 1980, sections 2.3 and 2.6). One
//! pause makes all values of one part exceed it: the share is then uncertain, and the interval holds what the quantile is
//! without the pause. The spread of the parts' own quantiles knows nothing of how many values a pause has moved.

use super::batch::{inflation, lag_one};
use super::{Interval, student_t_quantile};

/// Quantiles that a [`Tail`] is known at.
const KNOWN: [f64; 3] = [0.50, 0.95, 0.99];
/// Rounds of halving the interval that holds an end: enough for a ten-thousandth.
const HALVINGS: usize = 40;
/// A quantile is looked for from this part of its reading to as many times it, and no further.
const FARTHEST: f64 = 1e4;

/// How the values of one part of a window are spread: their number and three of their quantiles. Between these, and beyond
/// them, the share that exceeds a value falls exponentially, as that of a response time mostly does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// How many values.
    pub count: f64,
    /// Median, 95th and 99th percentile.
    pub quantiles: [f64; 3],
}

impl Tail {
    /// Share of the values that exceed `value`.
    pub fn above(&self, value: f64) -> f64 {
        let (mut from, mut share_from) = (0.0, 1.0);
        let mut slope = 0.0;
        for (to, known) in self.quantiles.iter().zip(KNOWN) {
            let share_to = 1.0 - known;
            if *to > from {
                slope = libm::log(share_to / share_from) / (to - from);
            }
            if value < *to {
                break;
            }
            (from, share_from) = (*to, share_to);
        }
        share_from * libm::exp(slope * (value - from).max(0.0))
    }
}

/// The interval of a quantile that was read as `value` over all `parts`. Fewer than two say nothing.
pub fn quantile_by_parts(value: f64, parts: &[Tail], confidence: f64) -> Interval {
    Exceeding { value, parts, expected: None }.interval(confidence)
}

/// The same where a model has seen the same requests: `expected` is what it gives for the whole and for each part. The luck
/// that both share is in neither end.
pub fn quantile_beside(value: f64, parts: &[Tail], expected: (f64, &[Tail]), confidence: f64) -> Interval {
    Exceeding { value, parts, expected: Some(expected) }.interval(confidence)
}

struct Exceeding<'p> {
    value: f64,
    parts: &'p [Tail],
    expected: Option<(f64, &'p [Tail])>,
}

impl Exceeding<'_> {
    fn interval(&self, confidence: f64) -> Interval {
        let value = self.value;
        if self.parts.len() < 2 || value <= 0.0 {
            return Interval { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        let t = student_t_quantile(0.5 + 0.5 * confidence, self.parts.len() as f64 - 1.0);
        let here = overall(self.parts, value);
        let spread = self.error(value);
        // A value is possible where no more exceed it, or fail to, than chance makes. It is the chance at the reading at
        // least: of what exceeds a higher value, the parts hold too little to tell.
        let possible = |other: f64| (overall(self.parts, other) - here).abs() <= t * self.error(other).max(spread);
        let end = |factor: f64| {
            let farthest = value * factor;
            let (mut inside, mut outside) = (value, farthest);
            for _ in 0..HALVINGS {
                let middle = libm::sqrt(inside * outside);
                if possible(middle) { inside = middle } else { outside = middle }
            }
            inside
        };
        // That no value exceeds it at all may be chance.
        let high = if t * spread >= here { f64::INFINITY } else { end(FARTHEST) };
        Interval { value, low: end(1.0 / FARTHEST), high }
    }

    /// Standard error of the share that exceeds `value`, and of what the model leaves of it.
    fn error(&self, value: f64) -> f64 {
        let mut apart = apart(self.parts, value);
        if let Some((whole, expected)) = self.expected {
            let same = self::apart(expected, value * whole / self.value);
            apart.iter_mut().zip(same).for_each(|(apart, same)| *apart -= same);
        }
        let squares: f64 = apart.iter().map(|apart| apart * apart).sum();
        let parts = apart.len() as f64;
        libm::sqrt(squares * inflation(lag_one(&apart)) / (parts - 1.0) / parts)
    }
}

/// Share of all values that exceed this one.
fn overall(parts: &[Tail], value: f64) -> f64 {
    let count: f64 = parts.iter().map(|part| part.count).sum();
    parts.iter().map(|part| part.count * part.above(value)).sum::<f64>() / count
}

/// How far the number that exceeds `value` is in each part from what the whole makes it, in parts of the usual number.
fn apart(parts: &[Tail], value: f64) -> Vec<f64> {
    let (share, usual) = (overall(parts, value), parts.iter().map(|part| part.count).sum::<f64>() / parts.len() as f64);
    parts.iter().map(|part| (part.above(value) - share) * part.count / usual).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::{Exponential, Stream};

    const PARTS: usize = 20;
    const VALUES: usize = 400;

    fn tail(values: &mut [f64]) -> Tail {
        values.sort_by(f64::total_cmp);
        Tail { count: values.len() as f64, quantiles: KNOWN.map(|share| quantile(values, share)) }
    }

    fn quantile(sorted: &[f64], share: f64) -> f64 {
        sorted[(share * sorted.len() as f64).ceil() as usize - 1]
    }

    /// The reading and the parts of a window of exponential values with mean one, of which the first of these parts took
    /// this much longer.
    fn window(seed: u64, paused: usize, pause: f64) -> (f64, Vec<Tail>) {
        let (stream, exponential) = (Stream::new(seed, "tail", "values"), Exponential::new());
        let mut draw = stream.draw(0);
        let mut next = |part| exponential.sample(&mut draw) + if part < paused { pause } else { 0.0 };
        let mut parts: Vec<Vec<f64>> = (0..PARTS).map(|part| (0..VALUES).map(|_| next(part)).collect()).collect();
        let mut all = parts.concat();
        all.sort_by(f64::total_cmp);
        (quantile(&all, 0.95), parts.iter_mut().map(|part| tail(part)).collect())
    }

    #[test]
    fn shares_between_the_known_quantiles_are_those_of_an_exponential() {
        let quantiles = KNOWN.map(|share| -libm::log(1.0 - share));
        let tail = Tail { count: 1.0, quantiles };
        for value in [0.0, 0.3, 1.0, 2.5, 4.0, 6.0] {
            assert!((tail.above(value) - libm::exp(-value)).abs() < 1e-9, "{value}");
        }
        // All values alike.
        let step = Tail { count: 1.0, quantiles: [2.0; 3] };
        assert!(step.above(1.0) > 0.5 && step.above(2.1) < 0.01 + 1e-9);
    }

    #[test]
    fn the_interval_holds_the_quantile_as_often_as_it_says() {
        const ROUNDS: u64 = 500;
        let interval = |seed| {
            let (value, parts) = window(seed, 0, 0.0);
            quantile_by_parts(value, &parts, 0.90)
        };
        let intervals: Vec<Interval> = (0..ROUNDS).map(interval).collect();
        let share = intervals.iter().filter(|it| it.contains(-libm::log(0.05))).count() as f64 / ROUNDS as f64;
        assert!((0.86..=0.97).contains(&share), "{share}");
        // 1.73 · sqrt(0.05 · 0.95 / 8000) / 0.05 were the parts known to be independent.
        let width = intervals.iter().map(Interval::half_width).sum::<f64>() / ROUNDS as f64;
        assert!((0.08..=0.12).contains(&width), "{width}");
    }

    /// A pause that a tenth of the requests met: what is read is its length, and the truth remains possible.
    #[test]
    fn a_pause_leaves_the_quantile_without_it_possible() {
        for seed in 0..50 {
            let (value, parts) = window(seed, 2, 100.0);
            let interval = quantile_by_parts(value, &parts, 0.90);
            assert!(value > 100.0 && interval.contains(-libm::log(0.05)), "seed {seed}: {interval:?}");
        }
    }

    #[test]
    fn too_few_parts_say_nothing() {
        let (value, parts) = window(1, 0, 0.0);
        assert!(!quantile_by_parts(value, &parts[..1], 0.90).is_bounded());
    }

    #[test]
    fn luck_that_a_model_shares_is_in_neither_end() {
        let (value, parts) = window(3, 0, 0.0);
        let interval = quantile_beside(value, &parts, (value, &parts), 0.90);
        assert!(interval.half_width() < 1e-3 * value, "{interval:?}");
    }
}
