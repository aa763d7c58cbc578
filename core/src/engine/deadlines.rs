//! When callers give up.
//!
//! Nearly every call ends long before its deadline, so a call only carries its deadline as a number, and a sweep now and
//! then looks for those that will be overdue before the next sweep; only they get a place in a heap. A deadline that is
//! nearer than the next sweep gets its place at once. Either way a deadline is kept to the nanosecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::calendar::{Calendar, Slot};
use super::calls::{CallId, Calls};
use crate::units::{Nanos, SECOND_NS};

/// Time between two sweeps. Long against a call, short against a user's patience: a sweep then looks at few calls for
/// each that was made.
const SWEEP_NS: Nanos = SECOND_NS / 2;

/// The deadlines that are near.
#[derive(Clone, Debug)]
pub(super) struct Deadlines {
    slot: Slot,
    near: BinaryHeap<Reverse<(Nanos, CallId)>>,
    /// When the next sweep is due; none while no call has a deadline.
    sweep: Option<Nanos>,
}

impl Deadlines {
    pub(super) fn new(slot: Slot) -> Self {
        Self { slot, near: BinaryHeap::new(), sweep: None }
    }

    /// Takes note of a call's deadline.
    #[inline]
    pub(super) fn add(&mut self, calendar: &mut Calendar, now: Nanos, call: CallId, deadline: Nanos) {
        if self.sweep.is_none_or(|sweep| deadline <= sweep) {
            self.add_near(calendar, now, call, deadline);
        }
    }

    #[cold]
    fn add_near(&mut self, calendar: &mut Calendar, now: Nanos, call: CallId, deadline: Nanos) {
        let sweep = *self.sweep.get_or_insert(now.saturating_add(SWEEP_NS));
        if deadline <= sweep {
            self.near.push(Reverse((deadline, call)));
        }
        self.schedule(calendar);
    }

    /// The next call whose deadline is due; none when there is none left at this instant.
    pub(super) fn fire(&mut self, calendar: &mut Calendar, now: Nanos, calls: &Calls) -> Option<CallId> {
        if self.sweep.is_some_and(|at| at <= now) {
            self.sweep = (calls.len() > 0).then_some(now.saturating_add(SWEEP_NS));
            let until = now.saturating_add(SWEEP_NS);
            let due = calls.iter().filter(|(_, call)| call.deadline > now && call.deadline <= until);
            self.near.extend(due.map(|(id, call)| Reverse((call.deadline, id))));
        }
        let due = self.near.peek().is_some_and(|Reverse((at, _))| *at <= now);
        let call = if due { self.near.pop().map(|Reverse((_, call))| call) } else { None };
        self.schedule(calendar);
        // Its deadline may have been moved since, or it has ended.
        call.filter(|id| calls.get(*id).is_some_and(|call| call.deadline <= now))
    }

    fn schedule(&self, calendar: &mut Calendar) {
        let near = self.near.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
        calendar.set(self.slot, near.min(self.sweep.unwrap_or(Nanos::MAX)));
    }
}
