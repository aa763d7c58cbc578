//! The event list: when each process acts next.
//!
//! Processes (a source of arrivals, a processor, a link) have a slot each and at most one pending event, so the list is
//! a *tournament tree* over the slots: every inner node holds the earlier of its two children, the root the next event.
//! Moving a slot's event replays one path from its leaf to the root: no comparison there is a branch, and popping an
//! event and scheduling the same process again is one replay, not two. Measured faster than heaps and calendar queues
//! for up to thousands of slots; a heap's sift has a data-dependent length and its branches are coin tosses.
//!
//! An event in the tree is one number: its time in the upper bits, its slot in the lower ones. A match is then a plain
//! minimum, and a tie goes to the lower slot. The time counts from a *base* that follows the clock, for hours are as many
//! nanoseconds as the upper bits can tell: what is further away than that lies in the tree as if it never came, with its
//! time beside the tree, until the base has come nearer.

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

/// Bits of a slot's number: enough for a stage with as many copies and links as there are numbers for.
const SLOT_BITS: u32 = 20;
/// The first time since the base that the tree does not tell from never: after some five hours.
const REACH: Nanos = Nanos::MAX >> SLOT_BITS;

/// The event list. Events at the same instant come in the order of their slots.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Node 1 is the root and the children of node `i` are nodes `2i` and `2i + 1`. The slots' leaves are the nodes from
    /// `leaves` on.
    nodes: Vec<u64>,
    leaves: usize,
    /// The root.
    first: u64,
    /// Where the times in the tree count from: no pending event is earlier.
    base: Nanos,
    /// For each slot when it acts next, if the tree cannot tell.
    far: Vec<Nanos>,
}

impl Default for Calendar {
    fn default() -> Self {
        let mut calendar = Self { nodes: Vec::new(), leaves: 2, first: 0, base: 0, far: Vec::new() };
        calendar.build(&[]);
        calendar
    }
}

impl Calendar {
    /// Makes room for one more process, with no event pending.
    ///
    /// # Panics
    /// When there are more than a million.
    pub fn add(&mut self) -> Slot {
        let slot = Slot(self.far.len() as u32);
        assert!(slot.0 >> SLOT_BITS == 0, "no room for another process");
        if self.far.len() == self.leaves {
            let times = self.times();
            self.leaves *= 2;
            self.build(&times);
        }
        self.far.push(NEVER);
        slot
    }

    /// Schedules the slot's event, instead of the one that was pending.
    #[inline]
    pub fn set(&mut self, slot: Slot, at: Nanos) {
        let since = at.wrapping_sub(self.base);
        if since < REACH {
            self.replay(slot, since);
        } else {
            self.set_far(slot, at);
        }
    }

    /// Takes the slot's pending event away.
    #[inline]
    pub fn clear(&mut self, slot: Slot) {
        self.set_far(slot, NEVER);
    }

    /// When the slot acts next.
    pub fn pending(&self, slot: Slot) -> Option<Nanos> {
        let since = self.nodes[self.leaves + slot.index()] >> SLOT_BITS;
        let at = if since < REACH { self.base + since } else { self.far[slot.index()] };
        (at != NEVER).then_some(at)
    }

    /// The next event, which stays pending until its slot is set or cleared.
    #[inline]
    pub fn earliest(&mut self) -> Option<(Nanos, Slot)> {
        if self.first >> SLOT_BITS == REACH {
            self.look_further()?;
        }
        let slot = self.first & ((1 << SLOT_BITS) - 1);
        Some((self.base + (self.first >> SLOT_BITS), Slot(slot as u32)))
    }

    /// Puts an event on a leaf and plays the matches from there to the root.
    #[inline]
    fn replay(&mut self, slot: Slot, since: Nanos) {
        let mut winner = since << SLOT_BITS | slot.index() as u64;
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

    /// Schedules what the tree cannot tell from never, or what is before the base.
    #[inline(never)]
    fn set_far(&mut self, slot: Slot, at: Nanos) {
        let at = if at < END { at } else { NEVER };
        if at < self.base {
            self.rebase(at);
            self.replay(slot, 0);
            return;
        }
        self.far[slot.index()] = at;
        self.replay(slot, REACH);
    }

    /// Nothing is near: the base moves to the earliest of what is far away. None when nothing is.
    #[cold]
    fn look_further(&mut self) -> Option<()> {
        let earliest = self.times().into_iter().min().filter(|at| *at != NEVER)?;
        self.rebase(earliest);
        Some(())
    }

    #[cold]
    fn rebase(&mut self, base: Nanos) {
        let times = self.times();
        self.base = base;
        self.build(&times);
    }

    /// When each slot acts next.
    fn times(&self) -> Vec<Nanos> {
        (0..self.far.len() as u32).map(|slot| self.pending(Slot(slot)).unwrap_or(NEVER)).collect()
    }

    /// Plays every match anew, with these times of the slots.
    fn build(&mut self, times: &[Nanos]) {
        let mut nodes = vec![u64::MAX; 2 * self.leaves];
        for (slot, at) in times.iter().enumerate() {
            nodes[self.leaves + slot] = (at - self.base).min(REACH) << SLOT_BITS | slot as u64;
        }
        self.far = times.to_vec();
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
