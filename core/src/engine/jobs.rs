//! The jobs of a processor, in the order in which they are done.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calls::CallId;

/// Work in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Virtual time at which it is done; the bits of a non-negative float order like the float itself.
    pub(super) finish_bits: u64,
    pub(super) call: CallId,
}

/// Most jobs that lie sorted.
const NEAR: usize = 16;

/// Jobs by when they are done; of those that are done at the same time the one that came first is first.
///
/// The next few lie sorted, and only a crowd fills the heap behind them. Most processors have a handful of jobs. Then to
/// take the first one away is to shorten a list, where a heap would compare, and its comparisons are coin tosses that
/// nobody can foresee; and a new job's place is a step or two from the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    /// The next is the last. Empty only when there are no jobs at all.
    near: Vec<Job>,
    /// Jobs that come after all those: when they are done, and what breaks ties.
    far: BinaryHeap<Reverse<(u64, i64, CallId)>>,
    /// How many have joined the far ones from the near side, before all others, and from the outside, behind them.
    joined: [i64; 2],
}

impl Jobs {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.near.is_empty()
    }

    /// The one that is done first.
    #[inline]
    pub(super) fn first(&self) -> Option<&Job> {
        self.near.last()
    }

    /// Whether there is no crowd, nor will be with one job more.
    #[inline]
    pub(super) fn are_few(&self) -> bool {
        self.near.len() < NEAR && self.far.is_empty()
    }

    /// Adds a job while there are [few](Self::are_few).
    #[inline]
    pub(super) fn insert(&mut self, job: Job) {
        let mut at = self.near.len();
        self.near.push(job);
        // It comes after those that are done at the same time.
        while at > 0 && self.near[at - 1].finish_bits <= job.finish_bits {
            self.near[at] = self.near[at - 1];
            at -= 1;
        }
        self.near[at] = job;
    }

    /// Adds a job, however many there are.
    pub(super) fn push(&mut self, job: Job) {
        if !self.are_few() && self.near.first().is_some_and(|last| last.finish_bits <= job.finish_bits) {
            self.joined[1] += 1;
            self.far.push(Reverse((job.finish_bits, self.joined[1], job.call)));
            return;
        }
        if self.near.len() == NEAR {
            let Job { finish_bits, call } = self.near.remove(0);
            self.joined[0] += 1;
            self.far.push(Reverse((finish_bits, -self.joined[0], call)));
        }
        self.insert(job);
    }

    /// Takes the first one away.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.near.pop();
        if self.near.is_empty() && !self.far.is_empty() {
            self.fetch();
        }
    }

    /// Every job's call.
    pub(super) fn iter(&self) -> impl Iterator<Item = CallId> {
        let far = self.far.iter().map(|Reverse((_, _, call))| *call);
        self.near.iter().map(|job| job.call).chain(far)
    }

    /// Takes the jobs of some calls away.
    pub(super) fn remove(&mut self, goes: impl Fn(CallId) -> bool) {
        self.near.retain(|job| !goes(job.call));
        self.far.retain(|Reverse((_, _, call))| !goes(*call));
        if self.near.is_empty() {
            self.fetch();
        }
    }

    /// The first of the far ones come near. Half of the room stays free for those that are yet to come.
    #[inline(never)]
    fn fetch(&mut self) {
        let far = &mut self.far;
        let first = std::iter::from_fn(|| far.pop()).take(NEAR / 2);
        self.near.extend(first.map(|Reverse((finish_bits, _, call))| Job { finish_bits, call }));
        self.near.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn jobs_come_in_the_order_of_their_finish_then_of_their_age(
            moves in prop::collection::vec((0_u64..40, 0_u32..5), 1..400),
        ) {
            let (mut jobs, mut model) = (Jobs::default(), Vec::new());
            for (age, (finish_bits, what)) in (0..).zip(moves) {
                match what {
                    0 if !model.is_empty() => {
                        model.remove(0);
                        jobs.pop();
                    }
                    1 if !model.is_empty() => {
                        let (_, _, call) = model.remove(finish_bits as usize % model.len());
                        jobs.remove(|other| other == call);
                    }
                    _ => {
                        let call = CallId::new(age as u32, 0);
                        jobs.push(Job { finish_bits, call });
                        model.push((finish_bits, age, call));
                        model.sort_unstable();
                    }
                }
                prop_assert_eq!(jobs.len(), model.len());
                prop_assert_eq!(jobs.first().map(|job| job.call), model.first().map(|(_, _, call)| *call));
            }
        }
    }
}
