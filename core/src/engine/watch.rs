//! What can be seen of a node from outside: how many of its answers failed, and how long they took; and, for judging
//! whoever watches, whether anything is wrong at all.

use super::calls::CallId;
use super::random::Stream;
use super::{Answer, Engine};
use crate::units::Nanos;

/// Buckets for each doubling of the time: each is at most an eighth wider than the time it stands for.
const PER_OCTAVE: usize = 8;
/// Times below this many powers of two of a nanosecond, about a microsecond, are all the same.
const FIRST_OCTAVE: usize = 10;
/// Up to 2^40 ns: some 18 minutes.
const OCTAVES: usize = 30;
const BUCKETS: usize = PER_OCTAVE * OCTAVES;

/// A node's answers so far, as its callers see them. Two of these and their difference are a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Calls answered, well or not, and calls whose callers gave up.
    pub answered: u64,
    /// Those of them that failed or were given up.
    pub failed: u64,
    /// Calls whose time was taken: a sample of the answered.
    pub timed: u64,
    /// Sum of those times, in nanoseconds.
    pub sum_ns: u64,
    buckets: Vec<u32>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { answered: 0, failed: 0, timed: 0, sum_ns: 0, buckets: vec![0; BUCKETS] }
    }
}

fn bucket(time_ns: Nanos) -> usize {
    let octave = (Nanos::BITS - 1 - time_ns.max(1).leading_zeros()) as usize;
    if octave < FIRST_OCTAVE {
        return 0;
    }
    let part = (time_ns >> (octave - 3)) as usize & (PER_OCTAVE - 1);
    ((octave - FIRST_OCTAVE) * PER_OCTAVE + part).min(BUCKETS - 1)
}

/// The end of a bucket, in nanoseconds.
fn bucket_end(index: usize) -> Nanos {
    let (octave, part) = (FIRST_OCTAVE + index / PER_OCTAVE, index % PER_OCTAVE);
    ((PER_OCTAVE + part + 1) as Nanos) << (octave - 3)
}

impl Seen {
    fn note(&mut self, time_ns: Option<Nanos>, ok: bool) {
        self.answered += 1;
        self.failed += u64::from(!ok);
        if let Some(time_ns) = time_ns {
            self.timed += 1;
            self.sum_ns = self.sum_ns.saturating_add(time_ns);
            self.buckets[bucket(time_ns)] += 1;
        }
    }

    /// Adds what another node's callers saw.
    pub fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.timed += other.timed;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine = mine.wrapping_add(*theirs));
    }

    /// Nothing seen, without giving memory back.
    pub fn clear(&mut self) {
        (self.answered, self.failed, self.timed, self.sum_ns) = (0, 0, 0, 0);
        self.buckets.fill(0);
    }

    /// Share of the answers since `earlier` that failed; none without an answer.
    pub fn failed_share(&self, earlier: &Self) -> Option<f64> {
        let answered = self.answered - earlier.answered;
        (answered > 0).then(|| (self.failed - earlier.failed) as f64 / answered as f64)
    }

    /// Mean time of the answers since `earlier`, in seconds; none without one.
    pub fn mean_s(&self, earlier: &Self) -> Option<f64> {
        let timed = self.timed - earlier.timed;
        (timed > 0).then(|| (self.sum_ns - earlier.sum_ns) as f64 / timed as f64 / 1e9)
    }

    /// The time that a share `q` of the answers since `earlier` did not exceed, in seconds, an eighth too long at most.
    pub fn quantile_s(&self, earlier: &Self, q: f64) -> Option<f64> {
        let mut left = (q * (self.timed - earlier.timed) as f64).max(1.0);
        for (index, (now, then)) in self.buckets.iter().zip(&earlier.buckets).enumerate() {
            left -= f64::from(now.wrapping_sub(*then));
            if left <= 0.0 {
                return Some(bucket_end(index) as f64 / 1e9);
            }
        }
        None
    }
}

/// A node that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    seen: Seen,
    /// Share of the answers whose time is taken.
    sample: f64,
    draws: Stream,
}

/// Whether anything is wrong in the run: a fault, a process that died. What goes wrong while something else is wrong
/// belongs to the same incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// How many there were so far, this one included.
    pub number: u64,
    /// When it began.
    pub since: Nanos,
    /// When it ended; none while it lasts.
    pub ended: Option<Nanos>,
    causes: u32,
}

impl Engine {
    /// Counts a node's answers from now on, and takes the time of this share of them.
    pub fn watch_node(&mut self, node: u16, sample: f64) {
        let index = usize::from(node);
        if self.watched.len() <= index {
            self.watched.resize_with(index + 1, || None);
        }
        let draws = Stream::new(self.seed, "monitor", "sample");
        match &mut self.watched[index] {
            Some(watched) => watched.sample = sample,
            place => *place = Some(Box::new(Watched { seen: Seen::default(), sample, draws })),
        }
    }

    /// What a watched node's callers have seen of it.
    pub fn seen(&self, node: u16) -> Option<&Seen> {
        self.watched.get(usize::from(node))?.as_ref().map(|watched| &watched.seen)
    }

    /// Takes note of an answer to a call of this node, where somebody watches. The way to the node does not count.
    #[inline]
    pub(super) fn see(&mut self, node: u16, id: CallId, answer: Answer) {
        if let Some(Some(_)) = self.watched.get(usize::from(node)) {
            self.see_watched(id, answer);
        }
    }

    fn see_watched(&mut self, id: CallId, answer: Answer) {
        let Some(call) = self.calls.get(id).filter(|call| call.has_caller() && call.parent != CallId::NONE) else {
            return;
        };
        let way_ns = self.latency_ns(call.link);
        let Some(Some(watched)) = self.watched.get_mut(usize::from(call.node)) else { return };
        let time_ns = (self.now - call.begun).saturating_sub(way_ns);
        let taken = watched.sample >= 1.0 || watched.draws.draw(call.request).chance(watched.sample);
        watched.seen.note(taken.then_some(time_ns), answer.is_ok());
    }

    /// The present incident, or the last.
    pub fn incident(&self) -> Incident {
        self.incident
    }

    /// Something goes wrong.
    pub(crate) fn trouble_begins(&mut self) {
        self.incident.causes += 1;
        if self.incident.causes == 1 {
            let number = self.incident.number + 1;
            self.incident = Incident { number, since: self.now, ended: None, causes: 1 };
        }
    }

    /// Something that was wrong is right again.
    pub(crate) fn trouble_ends(&mut self) {
        self.incident.causes = self.incident.causes.saturating_sub(1);
        if self.incident.causes == 0 {
            self.incident.ended = Some(self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_times_and_is_an_eighth_wide() {
        for time_ns in [1_500, 1_000_000, 12_345_678, 999_999_999, 30_000_000_000] {
            let end = bucket_end(bucket(time_ns));
            assert!(end > time_ns && end as f64 <= time_ns as f64 * 1.13, "{time_ns} {end}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket(0), 0);
    }

    #[test]
    fn a_window_has_only_what_came_in_it() {
        let mut seen = Seen::default();
        (0..100).for_each(|_| seen.note(Some(1_000_000), true));
        let earlier = seen.clone();
        (0..98).for_each(|_| seen.note(Some(2_000_000), true));
        (0..2).for_each(|_| seen.note(Some(500_000_000), false));
        assert_eq!(seen.failed_share(&earlier), Some(0.02));
        assert!((seen.mean_s(&earlier).unwrap() - 0.01196).abs() < 1e-6);
        assert!(seen.quantile_s(&earlier, 0.95).unwrap() < 0.0023);
        assert!(seen.quantile_s(&earlier, 0.99).unwrap() > 0.4);
        assert_eq!(seen.clone().failed_share(&seen), None);
    }
}
