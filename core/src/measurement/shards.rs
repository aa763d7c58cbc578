//! A plan that several machines sent together: which share a results file holds, and what is known of each share once they
//! are merged.

use serde::{Deserialize, Serialize};

use super::{Distribution, Ended, Generator, Neighbours, Step};

/// Which share of the plan's requests one machine sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Counted from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// Stands for the machine since it was started, and tells nothing of it: shards with the same one shared their
    /// processors and their clock. Empty where the system does not say.
    pub machine: String,
    /// When the first step was to begin, as RFC 3339: all shards of a run have the same. Absent in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<String>,
}

/// A machine that sent one of the shards that were merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// As in [`Shard::machine`].
    pub machine: String,
    /// The program that measured there.
    pub generator: Generator,
    /// How its run ended.
    pub ended: Ended,
}

/// What one slice of a shard needs to be added to the others'. A percentile cannot be added, a histogram can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Sent minus due.
    pub lag: Distribution,
    /// From due to the last byte.
    pub response: Distribution,
    /// Requests that were due and not yet answered, on average.
    pub in_flight: f64,
}

/// The deployment's clock, as the `Date` of its answers shows it, minus the clock by which a generator kept its schedule:
/// between these bounds, in seconds.
///
/// An answer whose date is D was made between D and D + 1 by the deployment's clock, and between the request's sending and
/// the head's arrival by the generator's. Many answers narrow that down to about a round trip. Where no offset satisfies
/// all of them, because several servers answer or a date comes from a cache, the bounds span what they contradict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// At least.
    pub low_s: f64,
    /// At most.
    pub high_s: f64,
}

/// What one shard sent of a merged step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Requests that were due in the window.
    pub due: u64,
    /// Requests that were sent in the window.
    pub sent: u64,
    /// Requests that were answered as expected.
    pub completed: u64,
    /// Requests that found every user busy when they were due.
    pub users_exhausted: u64,
    /// Processors' worth of time that this generator used.
    pub generator_cpus: f64,
    /// Sent minus due.
    pub lag: Distribution,
    /// From due to the last byte.
    pub response: Distribution,
    /// The deployment's clock beside this generator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// What else went on on this generator's processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

/// How far apart the generators' schedules were in a merged step, between the two that were furthest apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skew {
    /// Proven, in seconds.
    pub at_least_s: f64,
    /// Possible, in seconds.
    pub at_most_s: f64,
    /// The shards that are proven to be furthest apart, counted from 1: the one that is early, then the one that is late.
    pub shards: (usize, usize),
}

impl Step {
    /// How far apart the shards were; none where fewer than two were told the deployment's time.
    pub fn skew(&self) -> Option<Skew> {
        let clocks = || self.shares.iter().enumerate().filter_map(|(shard, share)| Some((shard + 1, share.clock?)));
        // Where the deployment's clock is least ahead of the generator's, the generator is furthest ahead: early.
        let early = clocks().min_by(|a, b| a.1.high_s.total_cmp(&b.1.high_s))?;
        let late = clocks().max_by(|a, b| a.1.low_s.total_cmp(&b.1.low_s))?;
        if clocks().count() < 2 {
            return None;
        }
        let low = clocks().map(|(_, clock)| clock.low_s).fold(f64::INFINITY, f64::min);
        let high = clocks().map(|(_, clock)| clock.high_s).fold(f64::NEG_INFINITY, f64::max);
        Some(Skew {
            at_least_s: (late.1.low_s - early.1.high_s).max(0.0),
            at_most_s: high - low,
            shards: (early.0, late.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(clocks: &[Option<(f64, f64)>]) -> Step {
        let share = |clock: &Option<(f64, f64)>| Share {
            clock: clock.map(|(low_s, high_s)| Clock { low_s, high_s }),
            ..Share::default()
        };
        Step { shares: clocks.iter().map(share).collect(), ..Step::default() }
    }

    #[test]
    fn shards_are_proven_apart_only_where_their_bounds_do_not_meet() {
        let skew = step(&[Some((0.10, 0.12)), None, Some((-0.30, -0.29)), Some((0.0, 0.5))]).skew().unwrap();
        assert!((skew.at_least_s - 0.39).abs() < 1e-12 && (skew.at_most_s - 0.80).abs() < 1e-12, "{skew:?}");
        assert_eq!(skew.shards, (3, 1));
        let skew = step(&[Some((0.0, 0.9)), Some((0.1, 0.2))]).skew().unwrap();
        assert_eq!((skew.at_least_s, skew.at_most_s), (0.0, 0.9));
    }

    #[test]
    fn one_clock_says_nothing() {
        assert_eq!(step(&[Some((0.0, 0.1)), None]).skew(), None);
        assert_eq!(step(&[]).skew(), None);
    }
}
