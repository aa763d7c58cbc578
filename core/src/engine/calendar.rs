//! The event list: when each process acts next.
//!
//! Processes (a source of arrivals, a processor, a link) have a slot each and at most one pending event, so the list is
//! a *tournament tree* over the slots: every inner node holds the earlier of its two children, the root the next event.
//! Moving a slot's event replays one path from its leaf to the root: no comparison there is a branch, and popping an
//! event and scheduling the same process again is one replay, not two. Measured faster than heaps and calendar queues
//! for up to thousands of slots; a heap's sift has a data-dependent length and its branches are coin tosses.

use crate::units::Nanos;

/// A process's place in the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// Position, counted from 0 in the order of creation.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An instant after all others. Instants are kept as signed numbers, so that one less than the first is a number too; what
/// is later than they reach, in 292 years, is never.
const NEVER: i64 = i64::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: i64,
    slot: u32,
}

/// The event list. Events at the same instant come in the order of their slots.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Node 1 is the root and the children of node `i` are nodes `2i` and `2i + 1`; `pairs[i]` holds both of them, so
    /// that a match needs one look. The slots' leaves are the nodes from `leaves` on.
    pairs: Vec<[Entry; 2]>,
    leaves: usize,
    first: Entry,
    slots: u32,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { pairs: Self::empty(2), leaves: 2, first: Self::leaf(0), slots: 0 }
    }
}

impl Calendar {
    fn leaf(node: usize) -> Entry {
        Entry { at: NEVER, slot: node as u32 }
    }

    fn empty(leaves: usize) -> Vec<[Entry; 2]> {
        (0..leaves)
            .map(|i| [Self::leaf((2 * i).saturating_sub(leaves)), Self::leaf((2 * i + 1).saturating_sub(leaves))])
            .collect()
    }

    /// Makes room for one more process, with no event pending.
    pub fn add(&mut self) -> Slot {
        let slot = Slot(self.slots);
        self.slots += 1;
        if self.slots as usize > self.leaves {
            let pending: Vec<Option<Nanos>> = (0..slot.0).map(|slot| self.pending(Slot(slot))).collect();
            self.leaves *= 2;
            self.pairs = Self::empty(self.leaves);
            // In the order of the slots, so that every match between them is played anew.
            for (slot, at) in pending.into_iter().enumerate() {
                self.set(Slot(slot as u32), at.unwrap_or(Nanos::MAX));
            }
        }
        slot
    }

    /// Schedules the slot's event, instead of the one that was pending.
    #[inline]
    pub fn set(&mut self, slot: Slot, at: Nanos) {
        let mut winner = Entry { at: i64::try_from(at).unwrap_or(NEVER), slot: slot.0 };
        let mut node = self.leaves + slot.index();
        while node > 1 {
            let pair = &mut self.pairs[node / 2];
            let side = node % 2;
            // The other side does not depend on the winner so far, so that all of them are loaded at once and one match
            // costs one comparison. A tie goes to the left: seen from the right, the left is an instant earlier.
            let other = pair[side ^ 1];
            pair[side] = winner;
            winner = if other.at - (side as i64) < winner.at { other } else { winner };
            node /= 2;
        }
        self.first = winner;
    }

    /// Takes the slot's pending event away.
    #[inline]
    pub fn clear(&mut self, slot: Slot) {
        self.set(slot, Nanos::MAX);
    }

    /// When the slot acts next.
    pub fn pending(&self, slot: Slot) -> Option<Nanos> {
        let node = self.leaves + slot.index();
        let at = self.pairs[node / 2][node % 2].at;
        (at != NEVER).then_some(at as Nanos)
    }

    /// The next event, which stays pending until its slot is set or cleared.
    #[inline]
    pub fn next(&self) -> Option<(Nanos, Slot)> {
        (self.first.at != NEVER).then_some((self.first.at as Nanos, Slot(self.first.slot)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_next_event_is_the_earliest_and_ties_go_to_the_lower_slot(
            slots in 1_usize..70,
            moves in prop::collection::vec((0_usize..70, prop::option::of(0_u64..50)), 1..300),
        ) {
            let mut calendar = Calendar::default();
            let handles: Vec<Slot> = (0..slots).map(|_| calendar.add()).collect();
            let mut model = vec![None; slots];
            for (slot, at) in moves {
                let slot = slot % slots;
                model[slot] = at;
                match at {
                    Some(at) => calendar.set(handles[slot], at),
                    None => calendar.clear(handles[slot]),
                }
                let first = model.iter().enumerate().filter_map(|(i, at)| at.map(|at| (at, i))).min();
                prop_assert_eq!(calendar.next().map(|(at, slot)| (at, slot.index())), first);
            }
        }

        #[test]
        fn a_new_slot_disturbs_no_pending_event(times in prop::collection::vec(0_u64..1000, 1..40)) {
            let mut calendar = Calendar::default();
            for at in &times {
                let slot = calendar.add();
                calendar.set(slot, *at);
            }
            prop_assert_eq!(calendar.next().map(|(at, _)| at), times.iter().min().copied());
        }
    }
}
