//! Availability of what fails and is repaired, and what is lost when it fails.
//!
//! Exact for failures that are independent of one another, whatever their distributions: alternating renewal processes
//! (Trivedi, *Probability and Statistics with Reliability, Queuing, and Computer Science Applications*, 2nd edition
//! 2002). Real failures have common causes; with those, redundancy is worth less than these
//! figures.

use crate::numeric::{is_positive, is_quantity, is_share};

/// Seconds of a year of 365.25 days.
pub const YEAR_S: f64 = 31_557_600.0;

/// Share of time in which something works that fails after `mtbf_s` of work on average, and is repaired in `mttr_s`:
/// MTBF / (MTBF + MTTR). None where it never works, or a time is no number.
pub fn of_repaired(mtbf_s: f64, mttr_s: f64) -> Option<f64> {
    (is_positive(mtbf_s) && is_quantity(mttr_s)).then(|| mtbf_s / (mtbf_s + mttr_s))
}

/// Seconds a year in which something is down, from its availability.
pub fn downtime_s_per_year(availability: f64) -> Option<f64> {
    is_share(availability).then_some((1.0 - availability) * YEAR_S)
}

/// Availability of what needs all of its parts: the product. One without parts.
pub fn series(parts: &[f64]) -> Option<f64> {
    parts.iter().all(|part| is_share(*part)).then(|| parts.iter().product())
}

/// Availability of what needs any one of its parts: 1 - the product of their unavailabilities. Zero without parts.
pub fn parallel(parts: &[f64]) -> Option<f64> {
    parts.iter().all(|part| is_share(*part)).then(|| 1.0 - parts.iter().map(|part| 1.0 - part).product::<f64>())
}

/// Availability of what needs at least `enough` of its parts, each with its own availability: the Poisson-binomial
/// tail, by adding one part after the other. Costs the square of their number. None where one is no probability, or
/// `enough` exceeds their number. Of equal parts: [`fanout::enough_in_time`](super::fanout::enough_in_time).
pub fn enough_of(parts: &[f64], enough: usize) -> Option<f64> {
    if enough > parts.len() || !parts.iter().all(|part| is_share(*part)) {
        return None;
    }
    // Probability that so many of the parts so far are up.
    let mut up = vec![0.0; parts.len() + 1];
    up[0] = 1.0;
    for (before, part) in parts.iter().enumerate() {
        for count in (0..=before).rev() {
            up[count + 1] += up[count] * part;
            up[count] *= 1.0 - part;
        }
    }
    Some(up[enough..].iter().sum::<f64>().min(1.0))
}

/// Backups at regular intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backups {
    /// From the start of one to the start of the next, in seconds.
    pub interval_s: f64,
    /// From the start of one until it is complete and safe elsewhere, in seconds. It holds what there was at its start.
    pub duration_s: f64,
    /// Probability that one cannot be restored, each independently.
    pub broken: f64,
}

impl Backups {
    /// Backups that can be made: the interval is above zero, and one can be restored now and then.
    fn is_sound(&self) -> bool {
        is_positive(self.interval_s) && is_quantity(self.duration_s) && is_share(self.broken) && self.broken < 1.0
    }

    /// Mean age in seconds of the newest backup that can be restored, at a failure at a random time: what is lost.
    ///
    /// Half an interval, the duration, and one interval for every broken one: interval / 2 + duration + interval p / (1
    /// - p).
    pub fn mean_loss_s(&self) -> Option<f64> {
        let Self { interval_s, duration_s, broken } = *self;
        self.is_sound().then(|| interval_s * (0.5 + broken / (1.0 - broken)) + duration_s)
    }

    /// The most that is lost if no backup is broken: a failure just before the next one is complete.
    pub fn most_loss_s(&self) -> Option<f64> {
        self.is_sound().then_some(self.interval_s + self.duration_s)
    }

    /// Probability that more than `s` seconds are lost.
    pub fn loss_tail(&self, s: f64) -> Option<f64> {
        if !self.is_sound() || s.is_nan() {
            return None;
        }
        let intervals = (s - self.duration_s) / self.interval_s;
        if intervals <= 0.0 {
            return Some(1.0);
        }
        // After n broken ones the loss is uniform over the interval after the n-th.
        let whole = libm::floor(intervals);
        let (past, part) = (libm::pow(self.broken, whole), intervals - whole);
        Some(past * (1.0 - part * (1.0 - self.broken)))
    }
}

/// Mean number of writes that are lost when a primary fails and a replica, which is so far behind on average, takes
/// over: rate × lag. Exact by Little's law if failures do not prefer times of high lag.
pub fn lost_at_failover(writes_per_s: f64, mean_lag_s: f64) -> Option<f64> {
    (is_quantity(writes_per_s) && is_quantity(mean_lag_s)).then_some(writes_per_s * mean_lag_s)
}

/// Mean number of requests a year that fail while a standby takes over: each failure of a primary costs the time to
/// notice and to promote. None where the primary never works, or a quantity is no number.
pub fn failed_by_failovers_per_year(requests_per_s: f64, mtbf_s: f64, takeover_s: f64) -> Option<f64> {
    let down = 1.0 - of_repaired(mtbf_s, takeover_s)?;
    is_quantity(requests_per_s).then_some(requests_per_s * YEAR_S * down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;
    use crate::theory::fanout;
    use proptest::prelude::*;

    #[test]
    fn nines_are_the_downtime_everybody_knows() {
        assert!((downtime_s_per_year(0.999).unwrap() / 3600.0 - 8.766).abs() < 1e-3);
        assert!((downtime_s_per_year(0.99999).unwrap() / 60.0 - 5.26).abs() < 1e-2);
        assert_eq!(of_repaired(99.0, 1.0), Some(0.99));
        assert_eq!(of_repaired(0.0, 1.0), None);
    }

    #[test]
    fn chains_and_redundancy_by_hand() {
        assert!((series(&[0.99, 0.98]).unwrap() - 0.9702).abs() < 1e-12);
        assert!((parallel(&[0.99, 0.98]).unwrap() - 0.9998).abs() < 1e-12);
        // Two of three at 0.9: 3 × 0.81 × 0.1 + 0.729.
        assert!((enough_of(&[0.9; 3], 2).unwrap() - 0.972).abs() < 1e-12);
        assert_eq!(enough_of(&[0.9], 2), None);
        assert_eq!(series(&[1.2]), None);
    }

    #[test]
    fn what_backups_lose_is_as_drawn() {
        const SEED: u64 = 3;
        let backups = Backups { interval_s: 86_400.0, duration_s: 1800.0, broken: 0.2 };
        let stream = Stream::new(SEED, "availability", "test");
        let draws = 200_000_u64;
        let (mut sum, mut late) = (0.0, 0);
        for number in 0..draws {
            let mut draw = stream.draw(number);
            let mut loss = backups.duration_s + backups.interval_s * draw.uniform();
            while draw.chance(backups.broken) {
                loss += backups.interval_s;
            }
            sum += loss;
            late += u32::from(loss > 130_000.0);
        }
        let mean = backups.mean_loss_s().unwrap();
        assert!((sum / draws as f64 / mean - 1.0).abs() < 0.01, "seed {SEED}: {} {mean}", sum / draws as f64);
        let tail = backups.loss_tail(130_000.0).unwrap();
        assert!((f64::from(late) / draws as f64 - tail).abs() < 0.003, "seed {SEED}: {late} {tail}");
    }

    #[test]
    fn daily_backups_lose_half_a_day() {
        let backups = Backups { interval_s: 86_400.0, duration_s: 600.0, broken: 0.0 };
        assert_eq!(backups.mean_loss_s(), Some(43_800.0));
        assert_eq!(backups.most_loss_s(), Some(87_000.0));
        assert_eq!(backups.loss_tail(87_000.0), Some(0.0));
        assert_eq!(Backups { broken: 1.0, ..backups }.mean_loss_s(), None);
        assert_eq!(lost_at_failover(200.0, 0.05), Some(10.0));
        assert_eq!(lost_at_failover(-1.0, 0.05), None);
        let failed = failed_by_failovers_per_year(10.0, YEAR_S - 30.0, 30.0).unwrap();
        assert!((failed - 300.0).abs() < 1e-6, "{failed}");
    }

    proptest! {
        #[test]
        fn more_needed_is_less_available(parts in prop::collection::vec(0.0..1.0_f64, 1..12)) {
            let of: Vec<f64> = (0..=parts.len()).map(|enough| enough_of(&parts, enough).unwrap()).collect();
            prop_assert!((of[0] - 1.0).abs() < 1e-12);
            prop_assert!(of.windows(2).all(|pair| pair[0] >= pair[1] - 1e-12));
            prop_assert!((of[1] - parallel(&parts).unwrap()).abs() < 1e-12);
            prop_assert!((of[parts.len()] - series(&parts).unwrap()).abs() < 1e-12);
        }

        #[test]
        fn equal_parts_are_binomial(part in 0.0..1.0_f64, parts in 1..30_u32, enough in 0..30_u32) {
            let enough = enough % (parts + 1);
            let found = enough_of(&vec![part; parts as usize], enough as usize).unwrap();
            prop_assert!((found - fanout::enough_in_time(part, enough, parts).unwrap()).abs() < 1e-10);
        }
    }
}
