//! Nodes that die, come back, are switched on and off, and get a new release.

use super::Simulation;
use super::timeline::Action;
use crate::engine::Order;
use crate::engine::moves::Cause;
use crate::stage::FaultKind;
use crate::units::Nanos;

/// No process starts sooner: what dies as soon as it runs must not do so any number of times at one instant.
const RESTART_LEAST_NS: Nanos = 1_000_000;

impl Simulation {
    /// Lets everybody see whether a node runs.
    pub(super) fn announce(&mut self, node: usize) {
        let up = self.nodes[node].up();
        let trouble = !up && !self.nodes[node].switched_off && !self.nodes[node].planned;
        match (std::mem::replace(&mut self.nodes[node].in_trouble, trouble), trouble) {
            (false, true) => self.engine.trouble_begins(),
            (true, false) => self.engine.trouble_ends(),
            _ => {}
        }
        let lost = self.nodes[node].machine_off > 0;
        let presence = self.engine.presence_mut(node as u16);
        presence.up = up;
        presence.lost = lost;
        if !up {
            self.end_draining(node);
        }
    }

    /// A release does not let a node finish what it has any longer. An autoscaler that does goes on.
    fn end_draining(&mut self, node: usize) {
        if std::mem::take(&mut self.nodes[node].drains) {
            self.engine.presence_mut(node as u16).draining = false;
        }
    }

    /// A node loses its process, and with `machine` the machine under it, or gets it back.
    pub(super) fn turn_down(&mut self, node: usize, machine: bool, on: bool) {
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
                self.come_back(node);
            }
        }
        self.announce(node);
    }

    /// A node dies. Its callers hear `cause`, or nothing when the whole machine is gone.
    pub(super) fn kill(&mut self, node: usize, cause: Option<Cause>) {
        let calls = self.engine.seize(node as u16);
        self.nodes[node].deaths += 1;
        self.nodes[node].died = self.engine.now();
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
    pub(super) fn restart(&mut self, node: usize) {
        self.restart_after(node, 0);
    }

    fn restart_after(&mut self, node: usize, boot_ns: Nanos) {
        let restart_ns = self.nodes[node].behaviour.restart_ns();
        self.start_in(node, boot_ns.saturating_add(restart_ns).max(RESTART_LEAST_NS));
    }

    /// What kept a process from running is over. That took as long as the fault was said to last, its start included; but
    /// nobody is back sooner than a restart takes.
    fn come_back(&mut self, node: usize) {
        let gone_ns = self.engine.now() - self.nodes[node].died;
        match self.nodes[node].behaviour.restart_ns().saturating_sub(gone_ns) {
            0 => self.revive(node),
            left_ns => self.start_in(node, left_ns),
        }
    }

    fn start_in(&mut self, node: usize, ns: Nanos) {
        self.nodes[node].deaths += 1;
        self.nodes[node].restarting = true;
        let back = self.engine.now().saturating_add(ns);
        self.schedule(back, Action::Restarted { node, deaths: self.nodes[node].deaths });
        self.announce(node);
    }

    pub(super) fn restarted(&mut self, node: usize, deaths: u32) {
        if self.nodes[node].deaths == deaths {
            self.nodes[node].restarting = false;
            self.revive(node);
        }
    }

    fn revive(&mut self, node: usize) {
        if self.nodes[node].up() {
            self.nodes[node].planned = false;
            self.nodes[node].behaviour.start(&mut self.engine);
        }
        self.announce(node);
    }

    /// What a component wants done to a node.
    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::SwitchOn { node, after } => {
                let node = usize::from(node);
                if std::mem::take(&mut self.nodes[node].switched_off) {
                    let since = self.nodes[node].off_since.take();
                    self.nodes[node].off_ns += since.map_or(0, |since| self.engine.now() - since);
                    self.nodes[node].planned = true;
                    self.restart_after(node, after);
                }
            }
            Order::SwitchOff { node } => {
                let node = usize::from(node);
                if self.nodes[node].up() {
                    self.kill(node, Some(Cause::Down));
                }
                self.nodes[node].switched_off = true;
                self.nodes[node].off_since.get_or_insert(self.engine.now());
                // A boot that was under way is over.
                self.nodes[node].deaths += 1;
                self.nodes[node].restarting = false;
                self.engine.presence_mut(node as u16).draining = false;
                self.announce(node);
            }
            Order::Restart { node } => {
                let node = usize::from(node);
                if self.nodes[node].up() {
                    self.kill(node, Some(Cause::Down));
                    self.restart(node);
                }
            }
            Order::Repair { node } => {
                let node = usize::from(node);
                // A boot and the restart of a release take the time that they take.
                if !self.nodes[node].planned && std::mem::take(&mut self.nodes[node].restarting) {
                    self.nodes[node].deaths += 1;
                    self.revive(node);
                }
            }
            Order::CleanUp { node } => {
                let node = usize::from(node);
                if let Some(host) = self.nodes[node].info.host {
                    self.engine.host_mut(host as u32).junk_bytes = 0.0;
                    self.nodes[node].behaviour.clean_up(&mut self.engine);
                }
            }
            Order::Rebuild { node } => {
                let host = self.nodes[usize::from(node)].info.host;
                for node in 0..self.nodes.len() {
                    let there = host.is_some() && self.nodes[node].info.host == host;
                    if there && std::mem::take(&mut self.nodes[node].machine_off) > 0 {
                        self.restart(node);
                    }
                }
            }
            Order::RollBack { node } => {
                let component = self.nodes[usize::from(node)].info.component;
                let here = |target: &crate::stage::Target| matches!(target, crate::stage::Target::Component(index, _) if *index == component);
                self.end_faults(|fault| matches!(fault.kind, FaultKind::Deploy { .. }) && here(&fault.on));
            }
        }
    }

    /// A release comes to the nth node of its component: first it finishes what it has.
    pub(super) fn drain(&mut self, fault: usize, nth: usize, on: bool) {
        // Another roll-out has overtaken this one; and only who has a release can be rid of it.
        if self.timeline.active[fault] != on || (!on && nth >= self.timeline.released[fault]) {
            return;
        }
        let (nodes, _) = self.befallen(&self.timeline.faults[fault].on);
        let Some(node) = nodes.get(nth).copied() else { return };
        let drain_ns = self.nodes[node].behaviour.drain_ns();
        let presence = self.engine.presence_mut(node as u16);
        if drain_ns > 0 && presence.up && !presence.draining {
            presence.draining = true;
            self.nodes[node].drains = true;
        }
        self.schedule(self.engine.now().saturating_add(drain_ns), Action::Replace { fault, nth, on });
    }

    /// The nth node has drained: its process ends, and starts with the other release.
    pub(super) fn replace(&mut self, fault: usize, nth: usize, on: bool) {
        let kind = self.timeline.faults[fault].kind;
        let (nodes, _) = self.befallen(&self.timeline.faults[fault].on);
        let Some(node) = nodes.get(nth).copied() else { return };
        if self.timeline.active[fault] != on {
            // Taken back while it drained: it goes on as it was.
            self.end_draining(node);
            return;
        }
        self.timeline.released[fault] = if on { nth + 1 } else { self.timeline.released[fault] };
        self.nodes[node].behaviour.fault(&mut self.engine, &kind, on);
        let mut next = self.engine.now();
        // What runs on hardware that is not ours has no process to start anew: its release is a change of contents.
        if self.nodes[node].up() && self.nodes[node].info.host.is_some() {
            self.nodes[node].planned = true;
            self.kill(node, Some(Cause::Down));
            self.restart(node);
            next = next.saturating_add(self.nodes[node].behaviour.restart_ns());
        }
        if let (FaultKind::Deploy { canary, .. }, true, 0) = (kind, on, nth) {
            next = next.saturating_add(canary.ns());
        }
        self.schedule(next, Action::Drain { fault, nth: nth + 1, on });
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
            _ if leaked > 0.0 => self.engine.leak(host, f64::NEG_INFINITY),
            // The machine is too small for its operating system: nothing can be done about that.
            _ => {}
        }
    }
}
