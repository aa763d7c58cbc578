//! What goes wrong in a run: the stage's faults, and those that a reader causes by a click.

use super::Simulation;
use super::timeline::Action;
use crate::stage::{Fault, FaultKind, Target};
use crate::units::{Bytes, Duration};

/// How often a leak takes its next piece of memory or disk.
const LEAK_TICK: Duration = Duration::from_ms(50);

impl Simulation {
    /// Begins or ends a fault.
    pub(super) fn turn(&mut self, index: usize, on: bool) {
        let Fault { on: ref target, kind, .. } = self.timeline.faults[index];
        let (nodes, hosts) = self.befallen(target);
        let whole_machine = matches!(target, Target::Machine(_) | Target::Region(_));
        match kind {
            FaultKind::Down if matches!(target, Target::Link(_)) => self.cut(&self.edges_of(target), on),
            FaultKind::Down => nodes.iter().for_each(|node| self.turn_down(*node, whole_machine, on)),
            FaultKind::Cut => {
                if let Target::Region(region) = *target {
                    self.engine.cut_off(region, on);
                }
                self.cut(&self.edges_of(target), on);
            }
            FaultKind::Slow { .. } if matches!(target, Target::Link(_)) => self.slow_links(&self.edges_of(target)),
            FaultKind::Slow { .. } => self.slow_machines(&hosts),
            FaultKind::Lossy { .. } => self.lose_packets(&self.edges_of(target)),
            FaultKind::HotKey { .. } => self.heat(),
            FaultKind::MemoryLeak { .. } | FaultKind::DiskFill { .. } if on => self.leak(index),
            FaultKind::MemoryLeak { .. } => self.give_back(&nodes, &hosts, whole_machine),
            FaultKind::DiskFill { .. } => {
                hosts.iter().for_each(|host| self.engine.host_mut(*host).junk_bytes = 0.0);
            }
            FaultKind::Deploy { .. } => self.drain(index, 0, on),
            FaultKind::ConnectionLeak { .. }
            | FaultKind::ColdCache
            | FaultKind::CorruptBackup
            | FaultKind::Spike { .. }
            | FaultKind::Stuck => {}
        }
        if !matches!(kind, FaultKind::Deploy { .. }) {
            for node in nodes {
                let kind = match self.goes_on(index, node) {
                    // The same is still wrong with it, or was already.
                    Some(_) if matches!(kind, FaultKind::Stuck | FaultKind::CorruptBackup) => continue,
                    Some(other @ FaultKind::ConnectionLeak { .. }) if !on => other,
                    _ => kind,
                };
                let on =
                    on || (matches!(kind, FaultKind::ConnectionLeak { .. }) && self.goes_on(index, node).is_some());
                self.nodes[node].behaviour.fault(&mut self.engine, &kind, on);
            }
        }
    }

    /// Another active fault of the same kind as this one, on a node.
    fn goes_on(&self, index: usize, node: usize) -> Option<FaultKind> {
        let alike = std::mem::discriminant(&self.timeline.faults[index].kind);
        let others = self.timeline.faults.iter().zip(&self.timeline.active).enumerate();
        let other = |(other, (fault, active)): (usize, (&Fault, &bool))| {
            let same = other != index && *active && std::mem::discriminant(&fault.kind) == alike;
            (same && self.befallen(&fault.on).0.contains(&node)).then_some(fault.kind)
        };
        others.filter_map(other).next()
    }

    // What faults make of a machine or a link is worked out anew from those that are active: a factor that is multiplied
    // and divided out again leaves a rounding error, and a factor of nothing cannot be divided out at all.

    fn slow_machines(&mut self, hosts: &[u32]) {
        for host in hosts {
            let here =
                |fault: &&Fault| !matches!(fault.on, Target::Link(_)) && self.befallen(&fault.on).1.contains(host);
            let speeds = self.active_faults().filter(here).filter_map(|fault| match fault.kind {
                FaultKind::Slow { speed } => Some(speed),
                _ => None,
            });
            let speed = speeds.product();
            self.engine.slow_down(*host, speed);
        }
    }

    fn slow_links(&mut self, edges: &[u16]) {
        for edge in edges {
            let here = |fault: &&Fault| matches!(fault.on, Target::Link(_)) && self.edges_of(&fault.on).contains(edge);
            let factors = self.active_faults().filter(here).filter_map(|fault| match fault.kind {
                FaultKind::Slow { speed } => Some(1.0 / speed),
                _ => None,
            });
            let factor = factors.product();
            self.engine.trouble(*edge, |trouble| trouble.slow = factor);
        }
    }

    fn lose_packets(&mut self, edges: &[u16]) {
        for edge in edges {
            let here = |fault: &&Fault| self.edges_of(&fault.on).contains(edge);
            let kept = self.active_faults().filter_map(|fault| match fault.kind {
                FaultKind::Lossy { loss } if here(&fault) => Some(1.0 - loss),
                _ => None,
            });
            let loss = 1.0 - kept.product::<f64>();
            self.engine.trouble(*edge, |trouble| trouble.loss = loss);
        }
    }

    fn heat(&mut self) {
        let shares = self.active_faults().filter_map(|fault| match fault.kind {
            FaultKind::HotKey { share } => Some(share),
            _ => None,
        });
        let share: f64 = shares.sum();
        self.engine.heat(share.min(1.0));
    }

    /// The nodes and the machines that a fault befalls.
    pub(super) fn befallen(&self, target: &Target) -> (Vec<usize>, Vec<u32>) {
        let region = |node: &super::Node| self.stage.components[node.info.component].region.unwrap_or(0);
        let hit = |node: &super::Node| match target {
            Target::Component(component, copy) => {
                node.info.component == *component && copy.is_none_or(|copy| copy == node.info.copy)
            }
            Target::Machine(machine) => node.info.host == Some(*machine),
            // The users of a region are still there when its data centre is not.
            Target::Region(index) => node.info.host.is_some() && region(node) == *index,
            Target::Link(_) => false,
        };
        let nodes: Vec<usize> = (0..self.nodes.len()).filter(|node| hit(&self.nodes[*node])).collect();
        let is_hit = |host: &usize| match target {
            Target::Machine(machine) => machine == host,
            _ => nodes.iter().any(|node| self.nodes[*node].info.host == Some(*host)),
        };
        let hosts = (0..self.engine.hosts().len()).filter(is_hit).map(|host| host as u32).collect();
        (nodes, hosts)
    }

    /// The edges that a fault befalls: those of a link, those of a component, those that lead out of a region.
    fn edges_of(&self, target: &Target) -> Vec<u16> {
        let edges = self.engine.edges().iter().enumerate();
        let (nodes, _) = self.befallen(target);
        let touched = |node: u16| nodes.binary_search(&usize::from(node)).is_ok();
        let region = |node: u16| usize::from(self.engine.presence(node).region);
        let hit = |edge: &crate::engine::Edge| match target {
            Target::Link(link) => usize::from(edge.link) == *link,
            Target::Region(index) => (region(edge.from) == *index) != (region(edge.to) == *index),
            Target::Component(..) | Target::Machine(_) => touched(edge.from) || touched(edge.to),
        };
        edges.filter(|(_, edge)| hit(edge)).map(|(index, _)| index as u16).collect()
    }

    fn cut(&mut self, edges: &[u16], on: bool) {
        for edge in edges {
            self.engine.trouble(*edge, |trouble| {
                trouble.cuts = if on { trouble.cuts + 1 } else { trouble.cuts.saturating_sub(1) };
            });
        }
    }

    /// Takes the next piece of memory or disk, and comes back for more.
    pub(super) fn leak(&mut self, index: usize) {
        let Fault { on: ref target, kind, .. } = self.timeline.faults[index];
        let tick = |per_s: Bytes| per_s.0 as f64 * LEAK_TICK.as_secs_f64();
        let (nodes, hosts) = self.befallen(target);
        match kind {
            FaultKind::DiskFill { per_s } => {
                for host in hosts {
                    let host = self.engine.host_mut(host);
                    host.junk_bytes = (host.junk_bytes + tick(per_s)).min(host.machine.disk.0 as f64);
                }
            }
            FaultKind::MemoryLeak { per_s } if matches!(target, Target::Machine(_)) => {
                for host in hosts {
                    self.engine.leak(host, tick(per_s));
                }
            }
            FaultKind::MemoryLeak { per_s } => {
                for node in nodes {
                    if let (true, Some(host)) = (self.nodes[node].up(), self.nodes[node].info.host) {
                        self.nodes[node].leaked_bytes += tick(per_s);
                        self.engine.hold(host as u32, tick(per_s));
                    }
                }
            }
            _ => return,
        }
        self.schedule(self.engine.now() + LEAK_TICK.ns(), Action::Leak(index));
    }

    fn give_back(&mut self, nodes: &[usize], hosts: &[u32], machine: bool) {
        if machine {
            for host in hosts {
                self.engine.leak(*host, f64::NEG_INFINITY);
            }
        }
        nodes.iter().for_each(|node| self.forget_leak(*node));
    }

    pub(super) fn forget_leak(&mut self, node: usize) {
        let leaked = std::mem::take(&mut self.nodes[node].leaked_bytes);
        if let Some(host) = self.nodes[node].info.host {
            self.engine.hold(host as u32, -leaked);
        }
    }
}
