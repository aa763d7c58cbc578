//! The jobs of a processor, the first to be done on top.

use super::calls::CallId;

/// Work in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Virtual time at which it is done; the bits of a non-negative float order like the float itself.
    pub(super) finish_bits: u64,
    /// Ties go to the older, so that they are broken the same way everywhere.
    pub(super) age: u64,
    pub(super) call: CallId,
}

impl Job {
    /// Both parts of the order as one number: to compare it takes two instructions, and no branch that nobody can predict.
    #[inline]
    fn rank(&self) -> u128 {
        u128::from(self.finish_bits) << 64 | u128::from(self.age)
    }
}

/// A binary heap of jobs.
///
/// The standard library's swaps the last job to the top before it lets it sink, all the way, and rise again. Here the last
/// one stays in registers until its place is found: with the few jobs that most processors have, a pop is two thirds of
/// the instructions, and does not wait for what was stored the moment before.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
}

impl Jobs {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The one that is done first.
    #[inline]
    pub(super) fn first(&self) -> Option<&Job> {
        self.jobs.first()
    }

    #[inline]
    pub(super) fn push(&mut self, job: Job) {
        let mut at = self.jobs.len();
        self.jobs.push(job);
        while at > 0 {
            let above = (at - 1) / 2;
            if self.jobs[above].rank() < job.rank() {
                break;
            }
            self.jobs[at] = self.jobs[above];
            at = above;
        }
        self.jobs[at] = job;
    }

    /// Takes the first one away.
    #[inline]
    pub(super) fn pop(&mut self) {
        if let Some(last) = self.jobs.pop()
            && !self.jobs.is_empty()
        {
            self.sink(0, last);
        }
    }

    /// Finds the place of a job at or below a hole.
    #[inline]
    fn sink(&mut self, mut hole: usize, job: Job) {
        while let Some(left) = self.jobs.get(2 * hole + 1) {
            let mut below = 2 * hole + 1;
            let mut rank = left.rank();
            if let Some(right) = self.jobs.get(below + 1)
                && right.rank() < rank
            {
                (below, rank) = (below + 1, right.rank());
            }
            if job.rank() < rank {
                break;
            }
            self.jobs[hole] = self.jobs[below];
            hole = below;
        }
        self.jobs[hole] = job;
    }

    /// Takes a call's job away.
    pub(super) fn remove(&mut self, call: CallId) {
        self.jobs.retain(|job| job.call != call);
        // A heap again, from its lowest parents upward.
        for hole in (0..self.jobs.len() / 2).rev() {
            self.sink(hole, self.jobs[hole]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn jobs_come_in_the_order_of_their_finish_then_of_their_age(
            moves in prop::collection::vec((0_u64..20, 0_u32..4), 1..200),
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
                        jobs.remove(call);
                    }
                    _ => {
                        let call = CallId::new(age as u32, 0);
                        jobs.push(Job { finish_bits, age, call });
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
