//! Processors whose jobs get in one another's way: processor sharing at the pace of the Universal Scalability Law.
//!
//! With n jobs the processors do so much useful work as the law says, and the jobs share it equally. Processor sharing
//! with a pace that hangs on the number of jobs keeps its product form (Cohen, "The multiple phase service network with
//! generalized processor sharing", Acta Informatica 12, 1979): the number of jobs is that of a birth-death chain with
//! these paces, for any demands. Exact for one station with Poisson arrivals.

use crate::engine::processor::Crosstalk;

/// Processors, and how many jobs may share them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shared {
    /// How many processors.
    pub servers: u32,
    /// Contention and coherency.
    pub crosstalk: Crosstalk,
    /// Most jobs.
    pub most: u32,
}

/// The steady state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Mean number of jobs.
    pub inside: f64,
    /// Mean number of busy processors.
    pub busy: f64,
    /// Share of the busy processors' work that is useful.
    pub efficiency: f64,
}

impl Shared {
    /// Useful work in a second with so many jobs.
    pub fn pace(&self, jobs: f64) -> f64 {
        let running = jobs.min(f64::from(self.servers));
        running * self.crosstalk.efficiency(jobs, running)
    }

    /// The most useful work in a second: with the best number of jobs.
    pub fn capacity(&self) -> f64 {
        if self.crosstalk == Crosstalk::default() {
            return f64::from(self.servers);
        }
        (1..=self.servers).map(|jobs| self.pace(f64::from(jobs))).fold(0.0, f64::max)
    }

    /// The state under this much work a second; where there is no room for more jobs the rest is lost.
    pub fn state(&self, offered: f64) -> State {
        let (mut weight, mut sum, mut inside, mut busy) = (1.0, 1.0, 0.0, 0.0);
        for jobs in 1..=self.most {
            let n = f64::from(jobs);
            let ratio = offered / self.pace(n);
            weight *= ratio;
            sum += weight;
            inside += n * weight;
            busy += n.min(f64::from(self.servers)) * weight;
            if weight < 1e-12 * sum && ratio < 1.0 && self.crosstalk.coherency == 0.0 {
                break;
            }
            if sum > 1e200 {
                (weight, sum, inside, busy) = (weight * 1e-200, sum * 1e-200, inside * 1e-200, busy * 1e-200);
            }
        }
        let (inside, busy) = (inside / sum, busy / sum);
        let efficiency = if busy > 0.0 { (offered / busy).min(1.0) } else { 1.0 };
        State { inside, busy, efficiency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::markov::Mmc;

    fn shared(contention: f64, coherency: f64) -> Shared {
        Shared { servers: 4, crosstalk: Crosstalk { contention, coherency }, most: 5_000 }
    }

    #[test]
    fn without_crosstalk_it_is_mmc() {
        let state = shared(0.0, 0.0).state(3.2);
        let expected = Mmc { rate_per_s: 3.2, service_s: 1.0, servers: 4 };
        assert!((state.inside / expected.mean_inside() - 1.0).abs() < 1e-9);
        assert!((state.busy - 3.2).abs() < 1e-9);
    }

    #[test]
    fn contention_takes_capacity_and_keeps_processors_busy_in_vain() {
        let crowded = shared(0.1, 0.0);
        assert!((crowded.capacity() - 4.0 / 1.3).abs() < 1e-12);
        let state = crowded.state(2.5);
        assert!(state.busy > 2.5 && state.busy < 4.0);
        assert!((state.efficiency - 2.5 / state.busy).abs() < 1e-12);
    }
}
