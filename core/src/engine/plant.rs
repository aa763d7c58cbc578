//! What the simulation does to machines, links and nodes: it builds them, changes them and breaks them.

use super::calendar::Slot;
use super::calls::CallId;
use super::host::Host;
use super::line::{Line, Trouble};
use super::moves::Move;
use super::{Edge, Engine, Notice, Owner, Presence, Timer};
use crate::hardware::Machine;
use crate::units::{Bytes, Nanos};
use crate::workload::{PerClass, Workload};

impl Engine {
    pub(crate) fn add_host(&mut self, name: String, machine: Machine) -> u32 {
        let index = self.hosts.len() as u32;
        let processor_slot = self.add_slot(Owner::Processor(index));
        self.hosts.push(Host::new(name, machine, processor_slot));
        index
    }

    pub(crate) fn add_node(&mut self, host: Option<u32>, region: u16) {
        self.nodes.push(Presence {
            up: true,
            lost: false,
            draining: false,
            primary: false,
            host,
            reserve: false,
            backlog: 0,
            region,
        });
    }

    pub(crate) fn add_edge(&mut self, edge: Edge, latency_ns: Nanos, byte_ns: f64) {
        self.edges.push(edge);
        for _ in 0..2 {
            self.lines.push((Line::new(latency_ns, byte_ns), None));
        }
    }

    pub(crate) fn add_timer(&mut self, timer: Timer) -> Slot {
        self.add_slot(Owner::Timer(timer))
    }

    /// Changes an edge: its latency one way, and the time that a byte takes.
    pub(crate) fn set_edge(&mut self, edge: u16, latency_ns: Nanos, byte_ns: f64) {
        for (line, _) in &mut self.lines[usize::from(edge) * 2..][..2] {
            line.set(latency_ns, byte_ns);
        }
    }

    /// Changes what a fault does to an edge, both ways.
    pub(crate) fn trouble(&mut self, edge: u16, change: impl Fn(&mut Trouble)) {
        for (line, _) in &mut self.lines[usize::from(edge) * 2..][..2] {
            line.change_trouble(&change);
        }
    }

    /// Takes over how large requests and responses are, and which items they are about.
    pub(crate) fn set_workload(&mut self, workload: &Workload) {
        let bytes = |payload: &PerClass<Bytes>| payload.0.map(|bytes| bytes.0 as f64);
        self.payload = [bytes(&workload.request_size), bytes(&workload.response_size)];
        self.items.follow(&workload.popularity);
    }

    /// Takes over how far regions are from one another.
    pub(crate) fn set_distances(&mut self, distances: Vec<Vec<Nanos>>) {
        self.distances = distances;
    }

    /// Cuts a region off from all others, or ends one reason for that.
    pub(crate) fn cut_off(&mut self, region: usize, on: bool) {
        if self.regions_cut.len() <= region {
            self.regions_cut.resize(region + 1, 0);
        }
        let cuts = &mut self.regions_cut[region];
        *cuts = if on { *cuts + 1 } else { cuts.saturating_sub(1) };
    }

    /// Turns this share of all requests to the most popular item.
    pub(crate) fn heat(&mut self, share: f64) {
        self.items.heat(share);
    }

    pub(super) fn press(&mut self, host: u32) {
        let now = self.now;
        let pressed = &mut self.hosts[host as usize];
        if pressed.settle(now) {
            if pressed.out_of_memory() {
                self.messages.push_notice(Notice::OutOfMemory(host));
            }
            self.schedule_processor(host);
        } else if pressed.out_of_memory() {
            self.messages.push_notice(Notice::OutOfMemory(host));
        }
    }

    /// The calls in a node's hands, taken off every station.
    pub(crate) fn seize(&mut self, node: u16) -> Vec<CallId> {
        let calls = self.calls.at_node(node);
        let Some(host) = self.nodes[usize::from(node)].host else { return calls };
        // A machine's stations have calls of all that runs there.
        let its_own = |id: CallId| self.calls.get(id).is_some_and(|call| call.node == node);
        let there = &mut self.hosts[host as usize];
        let ran = there.processor.remove(self.now, its_own);
        let wrote = there.disk.remove(self.now, its_own);
        if ran {
            self.schedule_processor(host);
        }
        if wrote {
            self.schedule_disk(host);
        }
        calls
    }

    pub(crate) fn replace_machine(&mut self, host: u32, machine: &Machine) {
        let now = self.now;
        self.hosts[host as usize].replace(now, machine);
        self.press(host);
        self.schedule_processor(host);
        self.schedule_disk(host);
    }

    /// Lets a machine run at this share of its speed.
    pub(crate) fn slow_down(&mut self, host: u32, speed: f64) {
        self.hosts[host as usize].fault_speed = speed;
        self.press(host);
    }

    /// How much the software on a machine gets in its own way; see [`super::processor::Crosstalk`].
    pub(crate) fn set_crosstalk(&mut self, host: u32, crosstalk: super::processor::Crosstalk) {
        let now = self.now;
        self.hosts[host as usize].processor.set_crosstalk(now, crosstalk);
        self.schedule_processor(host);
    }

    pub(crate) fn leak(&mut self, host: u32, bytes: f64) {
        let host_now = &mut self.hosts[host as usize];
        host_now.leaked_bytes = (host_now.leaked_bytes + bytes).max(0.0);
        self.press(host);
    }

    pub(crate) fn host_mut(&mut self, host: u32) -> &mut Host {
        &mut self.hosts[host as usize]
    }

    pub(crate) fn watch(&mut self, one_in: u64) {
        (self.watch_one_in, self.watch_only) = (one_in, None);
    }

    pub(crate) fn moves(&mut self) -> &mut Vec<Move> {
        &mut self.moves
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}
