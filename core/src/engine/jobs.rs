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

/// Most jobs that lie sorted. A power of two.
const NEAR: usize = 16;
const NOBODY: Job = Job { finish_bits: 0, call: CallId::NONE };

/// Jobs by when they are done; of those that are done at the same time the one that came first is first.
///
/// The next few lie sorted, and only a crowd fills the heap behind them. Most processors have a handful of jobs. Then to
/// take the first one away is to shorten a list, where a heap would compare, and its comparisons are coin tosses that
/// nobody can foresee; and a new job's place is a step or two from the end.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Jobs {
    /// Jobs that come after all those that are near: when they are done, and what breaks ties.
    far: BinaryHeap<Reverse<(u64, i64, CallId)>>,
    /// How many are near. None only when there are no jobs at all.
    len: usize,
    /// The next is the last. Here and not on the heap: a list that cannot grow needs no code for it where it is hot.
    near: [Job; NEAR],
    /// How many have joined the far ones from the near side, before all others, and from the outside, behind them.
    joined: [i64; 2],
}

impl Default for Jobs {
    fn default() -> Self {
        Self { far: BinaryHeap::new(), len: 0, near: [NOBODY; NEAR], joined: [0; 2] }
    }
}

impl Jobs {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len + self.far.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one that is done first.
    #[inline]
    pub(super) fn first(&self) -> Option<&Job> {
        (self.len > 0).then(|| &self.near[(self.len - 1) % NEAR])
    }

    /// Whether there is no crowd, nor will be with one job more.
    #[inline]
    pub(super) fn are_few(&self) -> bool {
        self.len < NEAR && self.far.is_empty()
    }

    /// Adds a job while there is room near.
    #[inline]
    pub(super) fn insert(&mut self, job: Job) {
        let mut at = self.len % NEAR;
        self.len = at + 1;
        // It comes after those that are done at the same time.
        while at > 0 && self.near[at - 1].finish_bits <= job.finish_bits {
            self.near[at] = self.near[at - 1];
            at -= 1;
        }
        self.near[at] = job;
    }

    /// Adds a job, however many there are.
    pub(super) fn push(&mut self, job: Job) {
        if !self.are_few() && self.near[0].finish_bits <= job.finish_bits {
            self.joined[1] += 1;
            self.far.push(Reverse((job.finish_bits, self.joined[1], job.call)));
            return;
        }
        if self.len == NEAR {
            let Job { finish_bits, call } = self.near[0];
            self.near.copy_within(1.., 0);
            self.len -= 1;
            self.joined[0] += 1;
            self.far.push(Reverse((finish_bits, -self.joined[0], call)));
        }
        self.insert(job);
    }

    /// Takes the first one away.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.len -= usize::from(self.len > 0);
        if self.len == 0 && !self.far.is_empty() {
            self.fetch();
        }
    }

    fn near(&self) -> &[Job] {
        &self.near[..self.len]
    }

    /// Every job's call.
    pub(super) fn iter(&self) -> impl Iterator<Item = CallId> {
        let far = self.far.iter().map(|Reverse((_, _, call))| *call);
        self.near().iter().map(|job| job.call).chain(far)
    }

    /// Takes the jobs of some calls away.
    pub(super) fn remove(&mut self, goes: impl Fn(CallId) -> bool) {
        let mut stay = 0;
        for at in 0..self.len {
            if !goes(self.near[at].call) {
                self.near[stay] = self.near[at];
                stay += 1;
            }
        }
        self.len = stay;
        self.far.retain(|Reverse((_, _, call))| !goes(*call));
        if self.len == 0 {
            self.fetch();
        }
    }

    /// The first of the far ones come near. Half of the room stays free for those that are yet to come.
    #[inline(never)]
    fn fetch(&mut self) {
        let far = &mut self.far;
        let first = std::iter::from_fn(|| far.pop()).take(NEAR / 2);
        for (near, Reverse((finish_bits, _, call))) in self.near.iter_mut().zip(first) {
            *near = Job { finish_bits, call };
            self.len += 1;
        }
        self.near[..self.len].reverse();
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
