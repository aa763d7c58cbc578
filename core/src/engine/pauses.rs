//! Calls that let time pass.
//!
//! Most pauses of a stage are of a few lengths: the way to an edge cache, a packet of a handshake. Those of one length
//! end in the order in which they began, so that a queue for each length takes the place of a large heap, whose
//! comparisons nobody can foresee. Pauses of other lengths wait in a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::calls::CallId;
use crate::units::Nanos;

/// When a pause ends, and whose it is. Those that end at the same time end in the order of their calls.
type End = (Nanos, CallId);

/// Lengths that have a queue at the same time.
const LENGTHS: usize = 8;
const NONE: End = (Nanos::MAX, CallId::NONE);

/// The pauses under way.
#[derive(Clone, Debug)]
pub(super) struct Pauses {
    /// What length each queue is for. An empty queue may be given to another.
    lengths: [Nanos; LENGTHS],
    queues: [VecDeque<End>; LENGTHS],
    others: BinaryHeap<Reverse<End>>,
    /// The first of each queue, and of the others; and which of them is the first of all.
    firsts: [End; LENGTHS + 1],
    next: usize,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            lengths: [0; LENGTHS],
            queues: Default::default(),
            others: BinaryHeap::new(),
            firsts: [NONE; LENGTHS + 1],
            next: 0,
        }
    }
}

impl Pauses {
    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum::<usize>() + self.others.len()
    }

    /// A call pauses for this long, from now on.
    pub(super) fn push(&mut self, now: Nanos, length: Nanos, call: CallId) {
        let end = (now.saturating_add(length), call);
        let queue = self.queue_for(length);
        // Whoever begins to pause at the instant of another may have to end before it.
        let queue = queue.filter(|queue| self.queues[*queue].back().is_none_or(|last| *last < end));
        match queue {
            Some(queue) => self.queues[queue].push_back(end),
            None => self.others.push(Reverse(end)),
        }
        let place = queue.unwrap_or(LENGTHS);
        self.firsts[place] = self.firsts[place].min(end);
        if end < self.firsts[self.next] {
            self.next = place;
        }
    }

    fn queue_for(&mut self, length: Nanos) -> Option<usize> {
        let same = self.lengths.iter().position(|other| *other == length);
        same.or_else(|| {
            let free = self.firsts[..LENGTHS].iter().position(|first| *first == NONE)?;
            self.lengths[free] = length;
            Some(free)
        })
    }

    /// When the next one ends; [`Nanos::MAX`] when none does.
    pub(super) fn next(&self) -> Nanos {
        self.firsts[self.next].0
    }

    /// Ends the next one.
    pub(super) fn pop(&mut self) -> Option<CallId> {
        let (_, call) = self.firsts[self.next];
        let after = match self.queues.get_mut(self.next) {
            Some(queue) => {
                queue.pop_front();
                queue.front().copied()
            }
            None => {
                self.others.pop();
                self.others.peek().map(|Reverse(end)| *end)
            }
        };
        self.firsts[self.next] = after.unwrap_or(NONE);
        self.next = (0..=LENGTHS).min_by_key(|place| self.firsts[*place]).unwrap_or(LENGTHS);
        (call != CallId::NONE).then_some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_end_in_the_order_of_their_ends(moves in prop::collection::vec((0_u64..3, 0_u64..20, 0_u32..3), 1..400)) {
            let (mut pauses, mut model, mut now) = (Pauses::default(), Vec::<End>::new(), 0);
            for (call, (passed, length, what)) in (0..).zip(moves) {
                if what == 0 && !model.is_empty() {
                    let (end, call) = model.remove(0);
                    prop_assert_eq!(pauses.next(), end);
                    prop_assert_eq!(pauses.pop(), Some(call));
                    now = end;
                } else {
                    now = model.first().map_or(now + passed, |(end, _)| (now + passed).min(*end));
                    // Few lengths are common, and numbers of calls come in no order.
                    let length = if length < 15 { length % 3 } else { length };
                    let call = CallId::new((call * 7) % 64, call);
                    pauses.push(now, length, call);
                    model.push((now + length, call));
                    model.sort_unstable();
                }
                prop_assert_eq!(pauses.len(), model.len());
            }
        }
    }
}
