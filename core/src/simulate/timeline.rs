//! What is to happen when: faults that begin and end, machines that come back, releases that are rolled out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Simulation;
use crate::engine::calendar::Slot;
use crate::stage::{Fault, FaultKind, Target};
use crate::units::{Duration, Nanos};

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// The fault with this index begins.
    Begin(usize),
    /// It ends.
    End(usize),
    /// The fault with this index takes its next piece of memory or disk.
    Leak(usize),
    /// The node is running again, if it has not died since.
    Restarted { node: usize, deaths: u32 },
    /// The release of the fault with this index comes to the nth of its nodes, or goes from it: it drains first.
    Drain { fault: usize, nth: usize, on: bool },
    /// The nth node has drained: its process is replaced.
    Replace { fault: usize, nth: usize, on: bool },
}

/// Faults, and what they have set in motion.
#[derive(Debug)]
pub(super) struct Timeline {
    slot: Slot,
    /// By time, then in the order in which they were scheduled.
    actions: BinaryHeap<Reverse<(Nanos, u64, Action)>>,
    scheduled: u64,
    pub(super) faults: Vec<Fault>,
    pub(super) active: Vec<bool>,
    /// Of a release: to how many of its nodes it has come.
    pub(super) released: Vec<usize>,
}

impl Timeline {
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            slot,
            actions: BinaryHeap::new(),
            scheduled: 0,
            faults: Vec::new(),
            active: Vec::new(),
            released: Vec::new(),
        }
    }
}

impl Simulation {
    pub(super) fn schedule_stage_faults(&mut self) {
        for fault in self.stage.faults.clone() {
            self.schedule_fault(fault);
        }
    }

    /// A fault from now on, for as long as it `lasts`, or for good. A target that is not there is ignored.
    pub fn inject(&mut self, on: Target, kind: FaultKind, lasts: Option<Duration>) {
        let at = Duration::from_ns(self.engine.now());
        self.schedule_fault(Fault { at, lasts, on, kind });
        self.act_out_timeline();
    }

    /// Faults that are active now.
    pub fn active_faults(&self) -> impl Iterator<Item = &Fault> {
        let faults = self.timeline.faults.iter().zip(&self.timeline.active);
        faults.filter(|(_, active)| **active).map(|(fault, _)| fault)
    }

    /// Ends every active fault now.
    pub fn mend(&mut self) {
        self.end_faults(|_| true);
        self.act_out_timeline();
    }

    /// Ends the active faults that `which` picks.
    pub(super) fn end_faults(&mut self, which: impl Fn(&Fault) -> bool) {
        let now = self.engine.now();
        for index in 0..self.timeline.faults.len() {
            if self.timeline.active[index] && which(&self.timeline.faults[index]) {
                self.schedule(now, Action::End(index));
            }
        }
    }

    fn schedule_fault(&mut self, fault: Fault) {
        let index = self.timeline.faults.len();
        let begins = fault.at.ns();
        self.schedule(begins, Action::Begin(index));
        if let Some(lasts) = fault.lasts {
            self.schedule(begins.saturating_add(lasts.ns()), Action::End(index));
        }
        self.timeline.faults.push(fault);
        self.timeline.active.push(false);
        self.timeline.released.push(0);
    }

    pub(super) fn schedule(&mut self, at: Nanos, action: Action) {
        self.timeline.scheduled += 1;
        self.timeline.actions.push(Reverse((at, self.timeline.scheduled, action)));
        self.await_timeline();
    }

    fn await_timeline(&mut self) {
        match self.timeline.actions.peek() {
            Some(Reverse((at, ..))) => self.engine.set_timer(self.timeline.slot, (*at).max(self.engine.now())),
            None => self.engine.clear_timer(self.timeline.slot),
        }
    }

    pub(super) fn act_out_timeline(&mut self) {
        let now = self.engine.now();
        while let Some(Reverse((at, _, action))) = self.timeline.actions.peek().copied()
            && at <= now
        {
            self.timeline.actions.pop();
            self.act(action);
        }
        self.await_timeline();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Begin(index) => {
                self.timeline.active[index] = true;
                if self.timeline.faults[index].kind.is_trouble() {
                    self.engine.trouble_begins();
                }
                self.turn(index, true);
            }
            Action::End(index) => {
                if std::mem::take(&mut self.timeline.active[index]) {
                    self.turn(index, false);
                    if self.timeline.faults[index].kind.is_trouble() {
                        self.engine.trouble_ends();
                    }
                }
            }
            Action::Leak(index) => {
                if self.timeline.active[index] {
                    self.leak(index);
                }
            }
            Action::Restarted { node, deaths } => self.restarted(node, deaths),
            Action::Drain { fault, nth, on } => self.drain(fault, nth, on),
            Action::Replace { fault, nth, on } => self.replace(fault, nth, on),
        }
    }
}
