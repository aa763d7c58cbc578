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

const NEVER: Nanos = Nanos::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Nanos,
    slot: u32,
}

/// The event list. Events at the same instant come in the order of their slots.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// `tree[1]` is the root, the children of `i` are `2i` and `2i + 1`, the leaves are the upper half.
    tree: Vec<Entry>,
    slots: u32,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { tree: vec![Entry { at: NEVER, slot: 0 }; 2], slots: 0 }
    }
}

impl Calendar {
    /// Makes room for one more process, with no event pending.
    pub fn add(&mut self) -> Slot {
        let slot = self.slots;
        self.slots += 1;
        let leaves = self.tree.len() / 2;
        if self.slots as usize > leaves {
            let times: Vec<Nanos> = self.tree[leaves..].iter().map(|entry| entry.at).collect();
            let entry = |i: usize| Entry { at: times.get(i).copied().unwrap_or(NEVER), slot: i as u32 };
            self.tree = vec![Entry { at: NEVER, slot: 0 }; leaves * 2];
            self.tree.extend((0..leaves * 2).map(entry));
            for i in (1..leaves * 2).rev() {
                self.tree[i] = Self::earlier(self.tree[2 * i], self.tree[2 * i + 1]);
            }
        }
        Slot(slot)
    }

    /// Schedules the slot's event, instead of the one that was pending.
    #[inline]
    pub fn set(&mut self, slot: Slot, at: Nanos) {
        let mut i = self.tree.len() / 2 + slot.index();
        self.tree[i].at = at;
        while i > 1 {
            let winner = Self::earlier(self.tree[i & !1], self.tree[i | 1]);
            i /= 2;
            self.tree[i] = winner;
        }
    }

    /// Takes the slot's pending event away.
    #[inline]
    pub fn clear(&mut self, slot: Slot) {
        self.set(slot, NEVER);
    }

    /// When the slot acts next.
    pub fn pending(&self, slot: Slot) -> Option<Nanos> {
        let at = self.tree[self.tree.len() / 2 + slot.index()].at;
        (at != NEVER).then_some(at)
    }

    /// The next event, which stays pending until its slot is set or cleared.
    #[inline]
    pub fn next(&self) -> Option<(Nanos, Slot)> {
        let root = self.tree[1];
        (root.at != NEVER).then_some((root.at, Slot(root.slot)))
    }

    #[inline]
    fn earlier(left: Entry, right: Entry) -> Entry {
        if right.at < left.at { right } else { left }
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
