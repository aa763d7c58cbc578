//! Fan-out: a request that is done when so many of its parts are; and requests that are sent twice.
//!
//! Dean & Barroso, "The tail at scale", Communications of the ACM 56 (2013). All exact for parts whose times are
//! independent and alike. Parts that wait in the same queues or fail together are not independent; where their times
//! rise and fall together (association), what is said here of the slowest part is an upper bound.

use crate::numeric::{is_quantity, is_share, log_gamma};

/// Most parts that the sums here go through.
const MOST_PARTS: u32 = 1_000_000;

/// Probability that all of `parts` are done in time, if each is with probability `one`: P(max <= t) = F(t)^n.
///
/// None where `one` is no probability.
pub fn all_in_time(one: f64, parts: u32) -> Option<f64> {
    is_share(one).then(|| libm::pow(one, f64::from(parts)))
}

/// Probability that at least one of `parts` is slow, if each is with probability `slow`: 1 - (1 - p)^n, to full
/// accuracy for a small p. Dean & Barroso: one in a hundred slow and a hundred parts make 63 % of requests slow.
///
/// None where `slow` is no probability.
pub fn any_slow(slow: f64, parts: u32) -> Option<f64> {
    if !is_share(slow) {
        return None;
    }
    if parts == 0 || slow == 1.0 {
        return Some(if parts == 0 { 0.0 } else { 1.0 });
    }
    Some(-libm::expm1(f64::from(parts) * libm::log1p(-slow)))
}

/// Which quantile each part must keep, for all of `parts` to keep quantile `q`: q^(1/n).
///
/// None without parts, or where `q` is no probability.
pub fn quantile_of_each(q: f64, parts: u32) -> Option<f64> {
    (is_share(q) && parts > 0).then(|| libm::pow(q, 1.0 / f64::from(parts)))
}

/// The time that a share `q` of requests with `parts` parts does not exceed, from the quantile function of one part.
///
/// None without parts, or where `q` is no probability.
pub fn quantile_of_slowest(q: f64, parts: u32, of_one: impl Fn(f64) -> f64) -> Option<f64> {
    quantile_of_each(q, parts).map(of_one)
}

/// Probability that at least `enough` of `parts` are done in time, if each is with probability `one`: a binomial tail.
///
/// None where `one` is no probability, `enough` exceeds `parts`, or there are over a million parts.
pub fn enough_in_time(one: f64, enough: u32, parts: u32) -> Option<f64> {
    if !is_share(one) || enough > parts || parts > MOST_PARTS {
        return None;
    }
    if one == 0.0 || one == 1.0 {
        return Some(if enough == 0 || one == 1.0 { 1.0 } else { 0.0 });
    }
    let n = f64::from(parts);
    let (log_yes, log_no, log_all) = (libm::log(one), libm::log1p(-one), log_gamma(n + 1.0));
    let exactly = |k: u32| {
        let k = f64::from(k);
        let ways = log_all - log_gamma(k + 1.0) - log_gamma(n - k + 1.0);
        libm::exp(ways + k * log_yes + (n - k) * log_no)
    };
    // The shorter side of the mean is the one that does not cancel.
    let sum = if f64::from(enough) > n * one {
        (enough..=parts).map(exactly).sum::<f64>()
    } else {
        1.0 - (0..enough).map(exactly).sum::<f64>()
    };
    Some(sum.clamp(0.0, 1.0))
}

/// The harmonic number 1 + 1/2 + … + 1/n.
pub fn harmonic(n: u32) -> f64 {
    crate::popularity::zipf::harmonic(1.0, u64::from(n))
}

/// Mean time until `enough` of `parts` are done whose times are exponential with this mean: mean (H(n) - H(n - k)).
///
/// With all parts, the mean of the slowest, mean H(n): Rényi, "On the theory of order statistics", Acta Mathematica
/// Hungarica 4 (1953). None where the mean is no time or `enough` exceeds `parts`.
pub fn mean_until_enough_s(mean_s: f64, enough: u32, parts: u32) -> Option<f64> {
    (is_quantity(mean_s) && enough <= parts).then(|| mean_s * (harmonic(parts) - harmonic(parts - enough)))
}

/// A hedged request: if there is no answer after a while, a second one is sent and the first answer counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    /// How long the first has before the second is sent, in seconds; zero sends both at once.
    pub after_s: f64,
}

impl Hedge {
    /// Probability that a request takes longer than `t_s`, from the tail of one copy: S(t) S(t - d).
    pub fn tail(&self, t_s: f64, of_one: impl Fn(f64) -> f64) -> f64 {
        if t_s < self.after_s { of_one(t_s) } else { of_one(t_s) * of_one(t_s - self.after_s) }
    }

    /// Share of requests that are sent a second time: what hedging adds to the load. Dean & Barroso hedge after the
    /// 95th percentile, which adds 5 %.
    pub fn added_load(&self, of_one: impl Fn(f64) -> f64) -> f64 {
        of_one(self.after_s)
    }

    /// Mean time in seconds if one copy's is exponential with this mean: m - m/2 e^(-d/m).
    pub fn mean_of_exponential_s(&self, mean_s: f64) -> f64 {
        if mean_s <= 0.0 { 0.0 } else { mean_s * (1.0 - 0.5 * libm::exp(-self.after_s / mean_s)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;
    use proptest::prelude::*;

    #[test]
    fn dean_and_barroso_s_figures_are_met() {
        // One in a hundred slow: 63 % of requests to a hundred servers. One in 10,000: almost one in five of 2,000.
        assert!((any_slow(0.01, 100).unwrap() - 0.634).abs() < 5e-4);
        assert!((any_slow(0.0001, 2000).unwrap() - 0.181).abs() < 5e-4);
        assert!((all_in_time(0.99, 100).unwrap() - 0.366).abs() < 5e-4);
    }

    #[test]
    fn the_mean_of_the_slowest_of_exponentials_grows_with_the_harmonic_number() {
        assert!((mean_until_enough_s(2.0, 3, 3).unwrap() - 2.0 * (1.0 + 0.5 + 1.0 / 3.0)).abs() < 1e-12);
        assert!((mean_until_enough_s(2.0, 1, 4).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(mean_until_enough_s(2.0, 0, 4), Some(0.0));
        assert_eq!(mean_until_enough_s(2.0, 5, 4), None);
        // The mean is the integral of the probability that too few are done.
        let step = 0.001;
        let late = |i: u32| 1.0 - enough_in_time(-libm::expm1(-(f64::from(i) + 0.5) * step), 3, 5).unwrap();
        let integral: f64 = (0..20_000).map(|i| late(i) * step).sum();
        assert!((integral - mean_until_enough_s(1.0, 3, 5).unwrap()).abs() < 1e-6);
    }

    #[test]
    fn hedged_requests_are_as_drawn_ones() {
        const SEED: u64 = 11;
        let stream = Stream::new(SEED, "fanout", "test");
        let hedge = Hedge { after_s: 0.7 };
        let of_one = |t: f64| libm::exp(-t);
        let draws = 200_000;
        let (mut sum, mut late, mut sent) = (0.0, 0, 0);
        for number in 0..draws {
            let mut draw = stream.draw(number);
            let mut time = || -libm::log(1.0 - draw.uniform());
            let (first, second) = (time(), time());
            let taken = first.min(0.7 + second);
            sum += taken;
            late += u32::from(taken > 2.0);
            sent += u32::from(first > 0.7);
        }
        let share = |count: u32| f64::from(count) / draws as f64;
        assert!((sum / draws as f64 - hedge.mean_of_exponential_s(1.0)).abs() < 0.01, "seed {SEED}");
        assert!((share(late) - hedge.tail(2.0, of_one)).abs() < 0.003, "seed {SEED}");
        assert!((share(sent) - hedge.added_load(of_one)).abs() < 0.005, "seed {SEED}");
    }

    #[test]
    fn what_is_no_probability_is_none() {
        assert_eq!(all_in_time(1.1, 3), None);
        assert_eq!(any_slow(f64::NAN, 3), None);
        assert_eq!(quantile_of_each(0.5, 0), None);
        assert_eq!(enough_in_time(0.5, 4, 3), None);
        assert_eq!((any_slow(1.0, 3), any_slow(0.3, 0)), (Some(1.0), Some(0.0)));
    }

    proptest! {
        #[test]
        fn the_slowest_part_s_quantile_is_consistent(q in 0.01..0.9999_f64, parts in 1..10_000_u32) {
            let each = quantile_of_each(q, parts).unwrap();
            prop_assert!(each >= q);
            prop_assert!((all_in_time(each, parts).unwrap() / q - 1.0).abs() < 1e-9);
            let exponential = |q: f64| -libm::log1p(-q);
            let slowest = quantile_of_slowest(q, parts, exponential).unwrap();
            prop_assert!(slowest >= exponential(q) * (1.0 - 1e-12));
        }

        #[test]
        fn needing_fewer_is_likelier(one in 0.0..1.0_f64, parts in 1..300_u32, enough in 0..300_u32) {
            let enough = enough % parts;
            let of = |enough: u32| enough_in_time(one, enough, parts).unwrap();
            prop_assert!(of(enough) >= of(enough + 1) - 1e-12);
            let all = enough_in_time(one, parts, parts).unwrap();
            prop_assert!((all - all_in_time(one, parts).unwrap()).abs() < 1e-10);
            let any = enough_in_time(one, 1, parts).unwrap();
            prop_assert!((any - any_slow(one, parts).unwrap()).abs() < 1e-10);
        }
    }
}
