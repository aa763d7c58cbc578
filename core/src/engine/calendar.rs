//! The event list: when each process acts next.
//!
//! Processes (a source of arrivals, a processor, a link) have a slot each and at most one pending event, so the list is
//! a *tournament tree* over the slots: every inner node holds the earlier of its two children, the root the next event.
//! Moving a slot's event replays one path from its leaf to the root: no comparison there is a branch, and popping an
//! event and scheduling the same process again is one replay, not two. Measured faster than heaps and calendar queues
//! for up to thousands of slots; a heap's sift has a data-dependent length and its branches are coin tosses.
//!
//! An event in the tree is one number: its time in the upper bits, its slot in the lower ones. A match is then a plain
//! minimum, and a tie goes to the lower slot. The time counts from a *base* that follows the clock, so that the bits
//! which are left are always enough: what is further away than they reach, years, waits outside the tree.

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

/// An instant after all others.
const NEVER: Nanos = Nanos::MAX;
/// What is as late as this, in 292 years, is never: from every base, never is further away than the tree reaches.
const END: Nanos = i64::MAX as Nanos;

/// The event list. Events at the same instant come in the order of their slots.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// When each slot acts next.
    times: Vec<Nanos>,
    /// Node 1 is the root and the children of node `i` are nodes `2i` and `2i + 1`. The slots' leaves are the nodes from
    /// `leaves` on.
    nodes: Vec<u64>,
    leaves: usize,
    /// The root.
    first: u64,
    /// Bits of a slot's number.
    bits: u32,
    /// Where the times in the tree count from: no pending event is earlier.
    base: Nanos,
    /// The first time since the base that the tree does not tell from never.
    reach: Nanos,
}

impl Default for Calendar {
    fn default() -> Self {
        let mut calendar =
            Self { times: Vec::new(), nodes: Vec::new(), leaves: 2, first: 0, bits: 1, base: 0, reach: 0 };
        calendar.rebuild();
        calendar
    }
}

impl Calendar {
    /// Makes room for one more process, with no event pending.
    pub fn add(&mut self) -> Slot {
        let slot = Slot(self.times.len() as u32);
        self.times.push(NEVER);
        if self.times.len() > self.leaves {
            self.leaves *= 2;
            self.bits += 1;
            self.rebuild();
        }
        slot
    }

    /// Schedules the slot's event, instead of the one that was pending.
    #[inline]
    pub fn set(&mut self, slot: Slot, at: Nanos) {
        let at = if at < END { at } else { NEVER };
        self.times[slot.index()] = at;
        if at < self.base {
            self.rebase(at);
            return;
        }
        let mut winner = self.entry(slot.index(), at);
        let mut node = self.leaves + slot.index();
        // There are as many nodes as a power of two: the compiler sees that what is masked is one of them.
        let last = self.nodes.len() - 1;
        while node > 1 {
            // The other side does not depend on the winner so far, so that all of them are loaded at once.
            let other = self.nodes[(node ^ 1) & last];
            self.nodes[node & last] = winner;
            winner = winner.min(other);
            node /= 2;
        }
        self.first = winner;
    }

    /// Takes the slot's pending event away.
    #[inline]
    pub fn clear(&mut self, slot: Slot) {
        self.set(slot, NEVER);
    }

    /// When the slot acts next.
    pub fn pending(&self, slot: Slot) -> Option<Nanos> {
        let at = self.times[slot.index()];
        (at != NEVER).then_some(at)
    }

    /// The next event, which stays pending until its slot is set or cleared.
    #[inline]
    pub fn earliest(&mut self) -> Option<(Nanos, Slot)> {
        if self.first >> self.bits == self.reach {
            self.look_further()?;
        }
        let slot = self.first & ((1 << self.bits) - 1);
        Some((self.base + (self.first >> self.bits), Slot(slot as u32)))
    }

    /// An event as the tree holds it. The time is not before the base.
    #[inline]
    fn entry(&self, slot: usize, at: Nanos) -> u64 {
        (at - self.base).min(self.reach) << self.bits | slot as u64
    }

    /// Nothing is near: the base moves to the earliest of what is far away. None when nothing is.
    #[cold]
    fn look_further(&mut self) -> Option<()> {
        let earliest = self.times.iter().copied().min().filter(|at| *at != NEVER)?;
        self.rebase(earliest);
        Some(())
    }

    #[cold]
    fn rebase(&mut self, base: Nanos) {
        self.base = base;
        self.rebuild();
    }

    /// Plays every match anew.
    fn rebuild(&mut self) {
        self.reach = Nanos::MAX >> self.bits;
        let mut nodes = vec![u64::MAX; 2 * self.leaves];
        for (slot, at) in self.times.iter().enumerate() {
            nodes[self.leaves + slot] = self.entry(slot, *at);
        }
        for node in (1..self.leaves).rev() {
            nodes[node] = nodes[2 * node].min(nodes[2 * node + 1]);
        }
        self.first = nodes[1];
        self.nodes = nodes;
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
            // Near and far: up to some 250 years.
            moves in prop::collection::vec(
                (0_usize..70, prop::option::of((0_u64..50, prop::sample::select(vec![0, 20, 52, 57])))), 1..300),
        ) {
            let mut calendar = Calendar::default();
            let handles: Vec<Slot> = (0..slots).map(|_| calendar.add()).collect();
            let mut model = vec![None; slots];
            for (slot, at) in moves {
                let slot = slot % slots;
                let at = at.map(|(at, scale)| at << scale);
                model[slot] = at;
                match at {
                    Some(at) => calendar.set(handles[slot], at),
                    None => calendar.clear(handles[slot]),
                }
                let first = model.iter().enumerate().filter_map(|(i, at)| at.map(|at| (at, i))).min();
                prop_assert_eq!(calendar.earliest().map(|(at, slot)| (at, slot.index())), first);
            }
        }

        #[test]
        fn a_new_slot_disturbs_no_pending_event(times in prop::collection::vec(0_u64..1000, 1..40)) {
            let mut calendar = Calendar::default();
            for at in &times {
                let slot = calendar.add();
                calendar.set(slot, *at);
            }
            prop_assert_eq!(calendar.earliest().map(|(at, _)| at), times.iter().min().copied());
        }
    }
}
