//! What retries add to a load, and when they keep an overload alive after its cause is gone.
//!
//! Attempts that fail are repeated at once or after a while, up to a number of times; the whole of first and repeated
//! attempts is taken as Poisson, as with backoff and jitter it nearly is. A server works on attempts that nobody waits
//! for any more. Bronson, Aghayev, Charapko & Zhu, "Metastable failures in distributed systems", HotOS 2021, is about
//! systems that stay down this way; the fixed point is that of Cohen, "Basic problems of telephone traffic theory and
//! the influence of repeated calls", Philips Telecommunication Review 18 (1957).

use super::markov::Mmc;
use super::network::Again;
use crate::numeric::{bisect, is_positive, is_quantity, is_share};

/// Mean attempts of a request whose every attempt fails with probability `failing`, if it is retried up to `retries`
/// times: (1 - p^(n+1)) / (1 - p), which is n + 1 where everything fails.
///
/// Exact for independent failures. None where `failing` is no probability.
pub fn attempts(failing: f64, retries: u32) -> Option<f64> {
    if !is_share(failing) {
        return None;
    }
    let all = f64::from(retries) + 1.0;
    // Through logarithms, for p near one: (1 - e^(n ln p)) / (1 - p).
    let passed = 1.0 - failing;
    if passed <= 0.0 || failing <= 0.0 {
        return Some(if failing <= 0.0 { 1.0 } else { all });
    }
    Some(-libm::expm1(all * libm::log1p(-passed)) / passed)
}

/// Probability that a request fails although it is retried: p^(n+1).
pub fn failing_for_good(failing: f64, retries: u32) -> Option<f64> {
    is_share(failing).then(|| libm::pow(failing, f64::from(retries) + 1.0))
}

/// Attempts a second of `rate_per_s` requests a second.
pub fn effective_rate_per_s(rate_per_s: f64, failing: f64, retries: u32) -> Option<f64> {
    let attempts = attempts(failing, retries)?;
    is_quantity(rate_per_s).then_some(rate_per_s * attempts)
}

/// Mean seconds that a request which succeeds in the end has spent on attempts that failed, each of which took
/// `attempt_s`, and on the waits after them. Exact for independent failures. None where `failing` is no probability.
pub fn waited_s(failing: f64, again: &Again, attempt_s: f64) -> Option<f64> {
    let lost = failing_for_good(failing, again.retries)?;
    let (mut sum, mut spent_s, mut wait_s, mut power) = (0.0, 0.0, again.wait_s, 1.0);
    for _ in 0..again.retries {
        power *= failing;
        spent_s += attempt_s + wait_s;
        wait_s *= again.growth;
        sum += power * (1.0 - failing) * spent_s;
    }
    Some(if lost < 1.0 { sum / (1.0 - lost) } else { 0.0 })
}

/// A load that keeps itself: with its failures it is offered exactly as often as it says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoint {
    /// Attempts a second.
    pub attempts_per_s: f64,
    /// Probability that an attempt fails.
    pub failing: f64,
    /// Whether small disturbances die out. One that is not stable is the tipping point between two that are.
    pub stable: bool,
}

/// Places at which a fixed point is looked for.
const GRID: u32 = 2000;

/// All loads that keep themselves, in rising order, if attempts at a rate fail with probability `failing(rate)`.
///
/// Two stable ones are *metastability*: the same requests are served well or badly, depending on what was before. Found
/// as changes of sign of rate × attempts(failing(x)) - x over 2000 equal steps from rate to rate × (retries + 1); two
/// that are nearer to one another than a step may be missed. Costs as many evaluations. None where the rate is no
/// number, or `failing` gives what is no probability.
pub fn fixed_points(rate_per_s: f64, retries: u32, failing: impl Fn(f64) -> f64) -> Option<Vec<FixedPoint>> {
    if !is_positive(rate_per_s) {
        return None;
    }
    let excess = |x: f64| Some(rate_per_s * attempts(failing(x), retries)? - x);
    let most = rate_per_s * (f64::from(retries) + 1.0);
    let at = |step: u32| rate_per_s + (most - rate_per_s) * f64::from(step) / f64::from(GRID);
    let mut points = Vec::new();
    let mut add = |attempts_per_s: f64, stable: bool| {
        points.push(FixedPoint { attempts_per_s, failing: failing(attempts_per_s), stable });
    };
    let mut before = excess(rate_per_s)?;
    if before <= 0.0 {
        add(rate_per_s, true);
    }
    for step in 1..=GRID {
        let here = excess(at(step))?;
        // From above to below zero the load is drawn to the point, from below to above driven away.
        if before > 0.0 && here <= 0.0 || before < 0.0 && here > 0.0 {
            let root = bisect(at(step - 1), at(step), |x| excess(x).unwrap_or(0.0));
            add(root, before > 0.0);
        } else if step == GRID && before > 0.0 {
            // Where everything fails the load is the most that there can be; rounding may hide that.
            add(most, true);
        }
        before = here;
    }
    Some(points)
}

/// A queue whose users give up after a while and try again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impatient {
    /// Mean service time in seconds.
    pub service_s: f64,
    /// Servers.
    pub servers: u32,
    /// How long users wait for an attempt, in seconds.
    pub timeout_s: f64,
    /// How often they try again.
    pub retries: u32,
}

impl Impatient {
    /// Probability that an attempt takes longer than the timeout, by M/M/c; one past saturation.
    pub fn failing(&self, attempts_per_s: f64) -> f64 {
        let queue = Mmc::stable(attempts_per_s, self.service_s, self.servers);
        queue.map_or(1.0, |queue| queue.response_tail(self.timeout_s).clamp(0.0, 1.0))
    }

    /// The loads that keep themselves at `rate_per_s` requests a second.
    pub fn fixed_points(&self, rate_per_s: f64) -> Option<Vec<FixedPoint>> {
        self.is_sound().then(|| fixed_points(rate_per_s, self.retries, |x| self.failing(x)))?
    }

    /// Requests a second from which an overload, once there, stays: every attempt fails, so that requests are
    /// multiplied by retries + 1, which is more than can be served. Exact for this model: capacity / (retries + 1).
    /// Below it the queue comes back by itself. None for what is no queue.
    pub fn metastable_from_per_s(&self) -> Option<f64> {
        self.is_sound().then(|| f64::from(self.servers) / self.service_s / (f64::from(self.retries) + 1.0))
    }

    /// Requests a second above which there is no steady state but overload: the most x / attempts(failing(x)) over all
    /// loads x below capacity. To about 1e-6 of itself. None for what is no queue.
    pub fn collapses_from_per_s(&self) -> Option<f64> {
        if !self.is_sound() {
            return None;
        }
        let capacity = f64::from(self.servers) / self.service_s;
        let requests = |x: f64| x / attempts(self.failing(x), self.retries).unwrap_or(f64::INFINITY);
        let (mut low, mut high) = (0.0, capacity);
        // The best of a grid, and of finer and finer ones about it.
        for _ in 0..8 {
            let step = (high - low) / 64.0;
            let at = |i: u32| low + step * f64::from(i);
            let best = (0..=64).map(at).fold(low, |best, x| if requests(x) > requests(best) { x } else { best });
            (low, high) = ((best - step).max(0.0), (best + step).min(capacity));
        }
        Some(requests(0.5 * (low + high)))
    }

    fn is_sound(&self) -> bool {
        is_positive(self.service_s) && self.servers > 0 && is_quantity(self.timeout_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUEUE: Impatient = Impatient { service_s: 0.01, servers: 1, timeout_s: 0.2, retries: 3 };

    #[test]
    fn attempts_by_hand() {
        assert_eq!(attempts(0.5, 2), Some(1.75));
        assert_eq!((attempts(1.0, 3), attempts(0.0, 3), attempts(0.7, 0)), (Some(4.0), Some(1.0), Some(1.0)));
        assert_eq!(attempts(1.5, 3), None);
        assert_eq!(failing_for_good(0.1, 2).map(|p| (p - 0.001).abs() < 1e-15), Some(true));
        assert_eq!(effective_rate_per_s(100.0, 0.5, 2), Some(175.0));
    }

    #[test]
    fn one_queue_has_two_lives_between_its_thresholds() {
        let (from, collapses) = (QUEUE.metastable_from_per_s().unwrap(), QUEUE.collapses_from_per_s().unwrap());
        assert_eq!(from, 25.0);
        assert!(collapses > 70.0 && collapses < 100.0, "{collapses}");
        // Below, one good life; between, a good one, a tipping point and a bad one; above, a bad one.
        let stable = |rate: f64| QUEUE.fixed_points(rate).unwrap().iter().map(|point| point.stable).collect::<Vec<_>>();
        assert_eq!(stable(20.0), [true]);
        assert_eq!(stable(60.0), [true, false, true]);
        assert_eq!(stable(1.02 * collapses), [true]);
        assert!(QUEUE.fixed_points(1.02 * collapses).unwrap()[0].failing > 0.999);
        let lives = QUEUE.fixed_points(60.0).unwrap();
        assert!(lives[0].failing < 0.001 && lives[2].failing == 1.0, "{lives:?}");
    }

    #[test]
    fn an_overload_of_the_fluid_stays_or_drains_as_the_threshold_says() {
        // A second after the other: a backlog of ten seconds of work; an attempt fails if it would wait for too long.
        for (rate, stays) in [(24.0, false), (26.0, true)] {
            let mut backlog = 1000.0_f64;
            for _ in 0..100_000 {
                let failing = if backlog / 100.0 > 0.2 { 1.0 } else { 0.0 };
                backlog = (backlog + rate * attempts(failing, 3).unwrap() - 100.0).max(0.0);
            }
            assert_eq!(backlog > 0.0, stays, "{rate}");
        }
    }

    #[test]
    fn what_is_no_queue_is_none() {
        assert_eq!(Impatient { service_s: 0.0, ..QUEUE }.metastable_from_per_s(), None);
        assert_eq!(Impatient { servers: 0, ..QUEUE }.collapses_from_per_s(), None);
        assert_eq!(QUEUE.fixed_points(f64::NAN), None);
        assert_eq!(fixed_points(1.0, 2, |_| 2.0), None);
        // Without retries there is one load, the requests themselves.
        let points = fixed_points(5.0, 0, |_| 0.3).unwrap();
        assert_eq!(points.len(), 1);
        assert_eq!(points[0].attempts_per_s, 5.0);
    }

    proptest! {
        #[test]
        fn attempts_are_the_geometric_sum(failing in 0.0..=1.0_f64, retries in 0..40_u32) {
            let (mut sum, mut power) = (0.0, 1.0);
            for _ in 0..=retries {
                sum += power;
                power *= failing;
            }
            prop_assert!((attempts(failing, retries).unwrap() / sum - 1.0).abs() < 1e-12);
        }

        #[test]
        fn fixed_points_are_fixed_and_take_turns(
            rate in 1.0..150.0_f64, timeout in 0.01..1.0_f64, retries in 0..8_u32, servers in 1..5_u32,
        ) {
            let queue = Impatient { service_s: 0.01 * f64::from(servers), servers, timeout_s: timeout, retries };
            let points = queue.fixed_points(rate).unwrap();
            prop_assert!(points.len() % 2 == 1, "{points:?}");
            for (at, point) in points.iter().enumerate() {
                prop_assert_eq!(point.stable, at % 2 == 0);
                let again = effective_rate_per_s(rate, point.failing, retries).unwrap();
                prop_assert!((again / point.attempts_per_s - 1.0).abs() < 1e-6, "{points:?}");
            }
            let (from, collapses) = (queue.metastable_from_per_s().unwrap(), queue.collapses_from_per_s().unwrap());
            prop_assert!(from * (1.0 - 1e-9) <= collapses && collapses <= 100.0 * (1.0 + 1e-9));
            // A life below saturation exists exactly below the threshold of collapse.
            let good = points[0].attempts_per_s < 100.0;
            prop_assert!(good == (rate < collapses) || (rate / collapses - 1.0).abs() < 1e-3, "{points:?} {collapses}");
        }
    }
}
