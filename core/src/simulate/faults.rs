//! What goes wrong in a run: the stage's faults, those that a reader causes by a click, and machines without memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Simulation;
use crate::engine::calendar::Slot;
use crate::engine::moves::Cause;
use crate::stage::{Fault, FaultKind, Target};
use crate::units::{Duration, Nanos};

/// How often a leak takes its next piece of memory.
const LEAK_TICK: Duration = Duration::from_ms(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// The fault with this index begins.
    Begin(usize),
    /// It ends.
    End(usize),
    /// The fault with this index takes its next piece of memory.
    Leak(usize),
    /// The node is running again, if it has not died since.
    Restarted { node: usize, deaths: u32 },
}

/// Faults, and what they have set in motion.
#[derive(Debug)]
pub(super) struct Timeline {
    slot: Slot,
    /// By time, then in the order in which they were scheduled.
    actions: BinaryHeap<Reverse<(Nanos, u64, Action)>>,
    scheduled: u64,
    faults: Vec<Fault>,
    active: Vec<bool>,
}

impl Timeline {
    pub(super) fn new(slot: Slot) -> Self {
        Self { slot, actions: BinaryHeap::new(), scheduled: 0, faults: Vec::new(), active: Vec::new() }
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
        let now = self.engine.now();
        for index in 0..self.timeline.faults.len() {
            if self.timeline.active[index] {
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
    }

    fn schedule(&mut self, at: Nanos, action: Action) {
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
                self.turn(index, true);
            }
            Action::End(index) => {
                if std::mem::take(&mut self.timeline.active[index]) {
                    self.turn(index, false);
                }
            }
            Action::Leak(index) => {
                if self.timeline.active[index] {
                    self.leak(index);
                }
            }
            Action::Restarted { node, deaths } => {
                if self.nodes[node].deaths == deaths {
                    self.nodes[node].restarting = false;
                    self.revive(node);
                }
            }
        }
    }

    /// Begins or ends a fault.
    fn turn(&mut self, index: usize, on: bool) {
        let Fault { on: ref target, kind, .. } = self.timeline.faults[index];
        let (nodes, hosts) = self.befallen(target);
        match kind {
            FaultKind::Down => {
                let machine = matches!(target, Target::Machine(_));
                for node in nodes {
                    self.turn_down(node, machine, on);
                }
            }
            FaultKind::Slow { speed } => {
                for host in hosts {
                    self.engine.slow_down(host, if on { speed } else { 1.0 / speed });
                }
            }
            FaultKind::MemoryLeak { .. } if on => self.leak(index),
            FaultKind::MemoryLeak { .. } => self.give_back(&nodes, &hosts, matches!(target, Target::Machine(_))),
        }
    }

    fn turn_down(&mut self, node: usize, machine: bool, on: bool) {
        let was_up = self.nodes[node].up();
        let reasons = if machine { &mut self.nodes[node].machine_off } else { &mut self.nodes[node].crashes };
        if on {
            *reasons += 1;
            if was_up {
                self.kill(node, if machine { None } else { Some(Cause::Down) });
            }
        } else {
            *reasons = reasons.saturating_sub(1);
            if machine && !was_up {
                // The machine has power again; its processes must start.
                self.restart(node);
            } else if !was_up && self.nodes[node].up() {
                self.revive(node);
            }
        }
    }

    /// The nodes and the machines that a fault befalls.
    fn befallen(&self, target: &Target) -> (Vec<usize>, Vec<u32>) {
        let hit = |node: &super::Node| match target {
            Target::Component(component, copy) => {
                node.info.component == *component && copy.is_none_or(|copy| copy == node.info.copy)
            }
            Target::Machine(machine) => node.info.host == Some(*machine),
        };
        let nodes: Vec<usize> = (0..self.nodes.len()).filter(|node| hit(&self.nodes[*node])).collect();
        let mut hosts: Vec<u32> = match target {
            Target::Machine(machine) if *machine < self.engine.hosts().len() => vec![*machine as u32],
            Target::Machine(_) => Vec::new(),
            Target::Component(..) => {
                nodes.iter().filter_map(|node| self.nodes[*node].info.host).map(|host| host as u32).collect()
            }
        };
        hosts.dedup();
        (nodes, hosts)
    }

    /// Takes the next piece of memory, and comes back for more.
    fn leak(&mut self, index: usize) {
        let Fault { on: ref target, kind, .. } = self.timeline.faults[index];
        let FaultKind::MemoryLeak { per_s } = kind else { return };
        let bytes = per_s.0 as f64 * LEAK_TICK.as_secs_f64();
        let (nodes, hosts) = self.befallen(target);
        if matches!(target, Target::Machine(_)) {
            for host in hosts {
                self.engine.leak(host, bytes);
            }
        } else {
            for node in nodes {
                if let (true, Some(host)) = (self.nodes[node].up(), self.nodes[node].info.host) {
                    self.nodes[node].leaked_bytes += bytes;
                    self.engine.hold(host as u32, bytes);
                }
            }
        }
        self.schedule(self.engine.now() + LEAK_TICK.ns(), Action::Leak(index));
    }

    fn give_back(&mut self, nodes: &[usize], hosts: &[u32], machine: bool) {
        if machine {
            for host in hosts {
                self.engine.leak(*host, f64::NEG_INFINITY);
            }
        } else {
            nodes.iter().for_each(|node| self.forget_leak(*node));
        }
    }

    fn forget_leak(&mut self, node: usize) {
        let leaked = std::mem::take(&mut self.nodes[node].leaked_bytes);
        if let Some(host) = self.nodes[node].info.host {
            self.engine.hold(host as u32, -leaked);
        }
    }

    /// The kernel kills whoever holds the most memory of the machine.
    pub(super) fn out_of_memory(&mut self, host: u32) {
        let state = &self.engine.hosts()[host as usize];
        let machine = &state.machine;
        if state.used_bytes() <= (machine.memory.0 + machine.swap.0) as f64 {
            return;
        }
        let leaked = state.leaked_bytes;
        let memory = |node: &super::Node| node.behaviour.memory_bytes() + node.leaked_bytes;
        let victim = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].info.host == Some(host as usize) && self.nodes[*node].up())
            .max_by(|a, b| memory(&self.nodes[*a]).total_cmp(&memory(&self.nodes[*b])));
        match victim {
            Some(node) if memory(&self.nodes[node]) > leaked => {
                self.kill(node, Some(Cause::OutOfMemory));
                self.restart(node);
            }
            _ => self.engine.leak(host, f64::NEG_INFINITY),
        }
    }

    /// A node dies. Its callers hear `cause`, or nothing when the whole machine is gone.
    fn kill(&mut self, node: usize, cause: Option<Cause>) {
        let calls = self.engine.seize(node as u16);
        self.nodes[node].deaths += 1;
        self.nodes[node].behaviour.stop(&mut self.engine);
        self.forget_leak(node);
        for call in calls {
            match cause {
                Some(cause) => self.engine.answer(call, Err(cause)),
                None => self.engine.abandon(call, Cause::Down),
            }
        }
    }

    /// A dead node comes back after its time to restart.
    fn restart(&mut self, node: usize) {
        self.nodes[node].deaths += 1;
        self.nodes[node].restarting = true;
        let back = self.engine.now().saturating_add(self.nodes[node].behaviour.restart_ns());
        self.schedule(back, Action::Restarted { node, deaths: self.nodes[node].deaths });
    }

    fn revive(&mut self, node: usize) {
        if self.nodes[node].up() {
            self.nodes[node].behaviour.start(&mut self.engine);
        }
    }
}
