//! What is limited: doors, connections, memory.

use super::flows::calls;
use super::{At, Walk, stands_by};
use crate::component::flow::Ask;
use crate::engine::host::SYSTEM_MEMORY;
use crate::stage::Placement;
use crate::theory::network::{Door, Memory, Pool};
use crate::theory::paths::Paths;
use crate::workload::Class;

impl<'a> Walk<'a> {
    pub(super) fn doors(&mut self) {
        for (index, component) in self.stage.components.iter().enumerate() {
            let door = self.flows[index].as_ref().and_then(|flows| flows.iter().find_map(|flow| flow.door));
            let Some((workers, backlog)) = door else { continue };
            let alone = matches!(component.machine, Some(Placement::Own { .. }));
            let own = self.host(index).filter(|_| alone).map_or(Vec::new(), |(host, _)| vec![host.cpu, host.disk]);
            self.door_of[index] = Some(self.network.doors.len());
            let name = component.id.clone();
            let copies = if stands_by(&component.settings) { 1 } else { component.copies };
            self.network.doors.push(Door { name, copies, workers, backlog, own, ..Door::default() });
        }
        for index in 0..self.stage.components.len() {
            let Some(door) = self.door_of[index] else { continue };
            let mut behind = self.network.doors[door].clone();
            self.behind_door(index, &mut behind);
            self.network.doors[door] = behind;
        }
        let whole: Vec<Door> = self.network.doors.clone();
        for door in &mut self.network.doors {
            door.leave_out_inner(&whole);
        }
    }

    /// All that is behind a component's door.
    fn behind_door(&self, index: usize, door: &mut Door) {
        let Some(flows) = &self.flows[index] else { return };
        for (class, flow) in Class::ALL.into_iter().zip(flows) {
            let per_request = self.rates[index][class as usize] / self.network.rate_per_s.max(1e-12);
            if per_request <= 0.0 {
                continue;
            }
            let mut paths = Paths::default();
            self.follow(&mut paths, &flow.asks, At { component: index, class, depth: 0, home: None });
            door.per_request += per_request;
            for path in paths.into_door(None) {
                let one = path.as_use(per_request);
                door.delay_s += one.per_request * one.delay_s;
                for (station, demand_s) in &one.demand_s {
                    add(&mut door.demand_s, *station, one.per_request * demand_s);
                }
                for (inner, often) in &path.doors {
                    add(&mut door.inner, *inner, one.per_request * often);
                }
            }
        }
    }

    /// Who shares connections, and for what.
    pub(super) fn pools(&mut self) {
        for (index, component) in self.stage.components.iter().enumerate() {
            let Some(flows) = &self.flows[index] else { continue };
            let Some(size) = flows.iter().find_map(|flow| flow.pool).map(|(size, _)| size) else { continue };
            let mut uses = Vec::new();
            for (class, flow) in Class::ALL.into_iter().zip(flows) {
                let Some((_, kinds)) = flow.pool else { continue };
                let mut made = Vec::new();
                calls(&flow.asks, 1.0, &mut made);
                let queries: f64 = made.iter().filter(|(to, ..)| *to == kinds).map(|(_, number, _)| number).sum();
                let per_request = queries * self.rates[index][class as usize] / self.network.rate_per_s.max(1e-12);
                if per_request <= 0.0 {
                    continue;
                }
                let mut paths = Paths::default();
                let query = Ask::Call { kinds, count: 1, chance: 1.0 };
                self.follow(&mut paths, &[query], At { component: index, class, depth: 0, home: None });
                uses.extend(paths.into_door(None).iter().map(|path| path.as_use(per_request)));
            }
            self.network.pools.push(Pool { name: component.id.clone(), copies: component.copies, size, uses });
        }
    }

    /// What the components on each machine hold, and what a request adds.
    pub(super) fn memory(&mut self) {
        for (index, host) in self.hosts.iter().enumerate() {
            let mut memory = Memory {
                host: host.names.first().cloned().unwrap_or_default(),
                size: 0.0,
                idle: SYSTEM_MEMORY.0 as f64,
                each: 0.0,
                most: 0.0,
                door: None,
            };
            for at in 0..self.stage.components.len() {
                let Some(machine) = self.stage.machine_of(at) else { continue };
                if self.host_of(at) == Some(index) {
                    memory.size = machine.memory.0 as f64;
                    // Copies with machines of their own are alike, and one machine stands for all.
                    let copies = if host.names.len() > 1 { 1.0 } else { f64::from(self.stage.components[at].copies) };
                    self.hold(&mut memory, at, copies);
                }
            }
            if memory.size > 0.0 {
                self.network.memory.push(memory);
            }
        }
    }

    pub(super) fn hold(&self, memory: &mut Memory, component: usize, copies: f64) {
        let Some(flows) = &self.flows[component] else { return };
        let Some(held) = flows.iter().find_map(|flow| flow.memory) else { return };
        memory.idle += copies * held.idle.0 as f64;
        memory.each += held.each.0 as f64;
        match self.door_of[component] {
            Some(door) => {
                memory.most += copies * f64::from(self.network.doors[door].workers);
                memory.door = Some(door);
            }
            // Queries come from workers: connections are the limit only where there is no worker.
            None if memory.door.is_none() => memory.most += copies * f64::from(held.most),
            None => {}
        }
    }
}

impl Door {
    /// Takes off what is behind the doors right behind it, of which `all` knows the whole.
    fn leave_out_inner(&mut self, all: &[Self]) {
        for (inner, often) in &self.inner {
            let door = &all[*inner];
            let part = often / door.per_request.max(f64::MIN_POSITIVE);
            self.delay_s = (self.delay_s - part * door.delay_s).max(0.0);
            for (station, demand_s) in &door.demand_s {
                add(&mut self.demand_s, *station, -part * demand_s);
            }
        }
        self.demand_s.retain(|(_, demand_s)| *demand_s > 1e-12);
    }
}

/// Adds to the entry with this index, which is made if it is missing.
fn add(entries: &mut Vec<(usize, f64)>, index: usize, more: f64) {
    match entries.iter_mut().find(|(at, _)| *at == index) {
        Some((_, sum)) => *sum += more,
        None => entries.push((index, more)),
    }
}
