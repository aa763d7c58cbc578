//! The simulating solver: a stage, request by request.
//!
//! [`Simulation`] is a run that one can watch and meddle with; [`run`] measures a stage and returns its
//! [`Outcome`](crate::outcome::Outcome). Same stage, seed and meddling: the same bits, natively and in WebAssembly.

mod faults;
pub mod frame;
mod glances;
mod lifecycle;
mod recording;
mod replay;
mod run;
mod timeline;
pub mod trace;
mod window;

use crate::component::{Behaviour, Metric, NodeGauge, Place, Settings, Way};
use crate::engine::calls::CallId;
use crate::engine::moves::{Cause, Move};
use crate::engine::run::Driver;
use crate::engine::tally::Counts;
use crate::engine::{Acting, Edge, Engine, Event, Notice, Presence, Timer};
use crate::stage::{Component, Link, Placement, Problem, Stage};
use crate::units::Nanos;
use timeline::Timeline;

pub use glances::Glances;
pub use recording::{Deed, Recording};
pub use replay::replay;
pub use run::{Run, RunOptions, measure, run};
pub use window::Window;

/// A copy of a component in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its name: the component's, with `#2` behind it where there are several.
    pub name: String,
    /// Index of its component in the stage.
    pub component: usize,
    /// Which copy it is, counted from 0.
    pub copy: u32,
    /// Index of the machine that it runs on, in [`Simulation::host_gauge`]'s count.
    pub host: Option<usize>,
}

/// A machine in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInfo {
    /// Its name: the stage's for a shared machine, else that of the copy that runs on it.
    pub name: String,
    /// Index of the stage's machine, where it is one of those.
    pub machine: Option<usize>,
}

/// How busy a machine is. Times are integrals since the start: two gauges and their distance give a utilisation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostGauge {
    /// Processor time used, in processor-seconds.
    pub busy_s: f64,
    /// Processors that its quota grants: what `busy_s` grows by in a second when it is full.
    pub processors: f64,
    /// Time in which the quota held work back, in seconds.
    pub throttled_s: f64,
    /// Jobs that share the processors.
    pub running: u32,
    /// Disk time used, in seconds.
    pub disk_busy_s: f64,
    /// Of that, what was left free in writes that take many changes at once: a disk that is always busy with half-full
    /// writes can take twice as much.
    pub disk_room_s: f64,
    /// Operations that the disk serves at once.
    pub disk_channels: u32,
    /// Operations at the disk.
    pub disk_jobs: u32,
    /// Memory in use, in bytes, swapped out or not.
    pub memory_used: f64,
    /// Memory of the machine, in bytes.
    pub memory: f64,
    /// Swap of the machine, in bytes.
    pub swap: f64,
}

#[derive(Debug)]
struct Node {
    info: NodeInfo,
    behaviour: Box<dyn Behaviour>,
    /// Reasons for which it does not run: faults on it, faults on its machine, a restart under way.
    crashes: u32,
    machine_off: u32,
    /// It was switched off on purpose: by an autoscaler.
    switched_off: bool,
    restarting: bool,
    /// When it was switched off, and for how long it was before that.
    off_since: Option<Nanos>,
    off_ns: Nanos,
    /// Its death was meant: a release, a boot. Nobody need be told.
    planned: bool,
    /// A release lets it finish what it has.
    drains: bool,
    /// It is dead, and nobody meant it.
    in_trouble: bool,
    /// When it died last.
    died: Nanos,
    /// Counts the deaths, so that a restart that was overtaken by another death is forgotten.
    deaths: u32,
    /// Memory that a fault makes it leak, and holds until it dies.
    leaked_bytes: f64,
}

impl Node {
    fn up(&self) -> bool {
        self.crashes == 0 && self.machine_off == 0 && !self.switched_off && !self.restarting
    }
}

/// A run of a stage.
#[derive(Debug)]
pub struct Simulation {
    engine: Engine,
    nodes: Vec<Node>,
    hosts: Vec<HostInfo>,
    stage: Stage,
    timeline: Timeline,
    window: window::Start,
}

impl Simulation {
    /// A run at time zero.
    ///
    /// # Errors
    /// Every rule that the stage breaks.
    pub fn new(stage: &Stage, seed: u64) -> Result<Self, Vec<Problem>> {
        let problems = stage.check();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut engine = Engine::new(seed);
        engine.set_workload(&stage.workload);
        engine.set_distances(distances(stage));
        let slot = engine.add_timer(Timer { node: Timer::TIMELINE, which: 0 });
        let (infos, hosts) = place(stage, &mut engine);
        connect(stage, &infos, &mut engine);
        let places = places(stage, &infos, &engine);
        let nodes = infos.into_iter().zip(places).map(|(info, place)| {
            let settings = &stage.components[info.component].settings;
            let behaviour = settings.build(place, &stage.workload, &mut engine);
            Node {
                info,
                behaviour,
                crashes: 0,
                machine_off: 0,
                switched_off: false,
                restarting: false,
                off_since: None,
                off_ns: 0,
                planned: false,
                drains: false,
                in_trouble: false,
                died: 0,
                deaths: 0,
                leaked_bytes: 0.0,
            }
        });
        let nodes = nodes.collect();
        let window = window::Start::default();
        let mut simulation = Self { engine, nodes, hosts, stage: stage.clone(), timeline: Timeline::new(slot), window };
        for node in &mut simulation.nodes {
            node.behaviour.start(&mut simulation.engine);
        }
        simulation.schedule_stage_faults();
        Ok(simulation)
    }

    /// The clock.
    pub fn now(&self) -> Nanos {
        self.engine.now()
    }

    /// Lets every event up to and at `until` happen; the clock then stands at `until`.
    pub fn run_until(&mut self, until: Nanos) {
        self.drive(until, u64::MAX, usize::MAX);
    }

    /// Like [`run_until`](Self::run_until), but stops after `most_events`. True when it got to `until`.
    pub fn run_chunk(&mut self, until: Nanos, most_events: u64) -> bool {
        self.drive(until, self.engine.events().saturating_add(most_events), usize::MAX)
    }

    /// Goes on to the next [`Move`] of a watched request, at most `horizon` further. Whether there was one.
    pub fn step(&mut self, horizon: Nanos) -> bool {
        let until = self.engine.now().saturating_add(horizon);
        let moves = self.engine.moves().len();
        !self.drive(until, u64::MAX, moves)
    }

    /// Lets events happen up to and at `until`; stops before, and returns false, once there were `last_event` events in
    /// all or there are more than `most_moves` moves. The one loop in which everything happens, so that the compiler can
    /// make one piece of it.
    fn drive(&mut self, until: Nanos, last_event: u64, most_moves: usize) -> bool {
        while self.next(until) {
            if self.engine.events() >= last_event || self.engine.moves().len() > most_moves {
                return false;
            }
        }
        true
    }

    /// Takes over changed settings, machines, latencies and workload without losing the run. False, and nothing is
    /// changed, when something was added, removed or connected otherwise, or a rule is broken: that is another run.
    pub fn update(&mut self, stage: &Stage) -> bool {
        if !self.stage.has_shape_of(stage) || !stage.check().is_empty() {
            return false;
        }
        for node in &mut self.nodes {
            let component = node.info.component;
            let settings = &stage.components[component].settings;
            if *settings != self.stage.components[component].settings || stage.workload != self.stage.workload {
                node.behaviour.configure(&mut self.engine, settings, &stage.workload);
            }
        }
        for node in &mut self.nodes {
            let (all, before) = shares(stage, node.info.component);
            node.behaviour.take_share(&mut self.engine, all, before);
        }
        for node in &self.nodes {
            let (Some(host), Some(machine)) = (node.info.host, stage.machine_of(node.info.component)) else { continue };
            if self.engine.hosts()[host].machine != *machine {
                self.engine.replace_machine(host as u32, machine);
            }
        }
        for edge in 0..self.engine.edges().len() {
            let link = &stage.links[usize::from(self.engine.edges()[edge].link)];
            self.engine.set_edge(edge as u16, stage.latency(link).ns(), byte_ns(link));
        }
        self.engine.set_workload(&stage.workload);
        self.engine.set_distances(distances(stage));
        self.stage = stage.clone();
        true
    }

    /// The stage as it stands, updates included.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Requests so far.
    pub fn counts(&self) -> Counts {
        self.engine.tally.counts
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.engine.events()
    }

    /// Calls that have not ended: requests, what was called for them, and what components do of their own.
    pub fn open_calls(&self) -> usize {
        self.engine.open_calls()
    }

    /// Memory of a machine in use, in bytes.
    pub fn used_bytes(&self, host: usize) -> f64 {
        self.engine.hosts()[host].used_bytes()
    }

    /// Memory of a machine that somebody owns up to, in bytes: its processes, and the faults that leak. With what the
    /// system needs it is what is in use.
    pub fn held_bytes(&self, host: usize) -> f64 {
        let here = self.nodes.iter().filter(|node| node.info.host == Some(host));
        let held: f64 = here.map(|node| node.behaviour.memory_bytes() + node.leaked_bytes).sum();
        held + self.engine.hosts()[host].leaked_bytes
    }

    /// Whether something takes its time: work on a processor or a disk, a pause.
    pub fn works(&self) -> bool {
        let busy = |host: &crate::engine::host::Host| host.processor.jobs() > 0 || host.disk.jobs() > 0;
        self.engine.pauses() > 0 || self.engine.hosts().iter().any(busy)
    }

    /// A fingerprint of every event so far: two runs with the same one went the same way.
    pub fn digest(&self) -> u64 {
        self.engine.digest()
    }

    /// The copies of components.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeInfo> {
        self.nodes.iter().map(|node| &node.info)
    }

    /// The machines.
    pub fn hosts(&self) -> &[HostInfo] {
        &self.hosts
    }

    /// The links between copies.
    pub fn edges(&self) -> &[Edge] {
        self.engine.edges()
    }

    /// How full a copy is.
    pub fn node_gauge(&self, node: usize) -> NodeGauge {
        let node = &self.nodes[node];
        NodeGauge { up: node.up(), ..node.behaviour.gauge() }
    }

    /// A copy's figures of its own kind.
    pub fn metrics(&self, node: usize) -> Vec<Metric> {
        let mut metrics = Vec::new();
        self.nodes[node].behaviour.metrics(&self.engine, &mut metrics);
        metrics
    }

    /// Seconds so far for which a copy was switched off on purpose, and its machine cost nothing.
    pub fn off_s(&self, node: usize) -> f64 {
        let node = &self.nodes[node];
        let present = node.off_since.map_or(0, |since| self.engine.now() - since);
        (node.off_ns + present) as f64 / 1e9
    }

    /// Bytes that have travelled an edge so far, there and back.
    pub fn sent_bytes(&self, edge: usize) -> [f64; 2] {
        self.engine.sent_bytes(edge as u16)
    }

    /// How busy a machine is.
    pub fn host_gauge(&self, host: usize) -> HostGauge {
        let (now, host) = (self.engine.now(), &self.engine.hosts()[host]);
        let machine = &host.machine;
        let cpus = f64::from(machine.vcpus);
        HostGauge {
            busy_s: host.processor.busy_ns(now) / 1e9,
            processors: machine.quota.map_or(cpus, |quota| quota.min(cpus)),
            throttled_s: host.processor.throttled_ns(now) / 1e9,
            running: host.processor.jobs() as u32,
            disk_busy_s: host.disk.busy_ns(now) / 1e9,
            disk_room_s: host.disk_room_ns / 1e9,
            disk_channels: machine.disk_channels,
            disk_jobs: host.disk.jobs() as u32,
            memory_used: host.used_bytes(),
            memory: machine.memory.0 as f64,
            swap: machine.swap.0 as f64,
        }
    }

    /// Logs the moves of every n-th request from now on; of none when `one_in` is 0.
    pub fn watch(&mut self, one_in: u64) {
        self.engine.watch(one_in);
    }

    /// Moves what was logged to the end of `moves`.
    pub fn take_moves(&mut self, moves: &mut Vec<Move>) {
        moves.append(self.engine.moves());
    }

    #[inline]
    fn arrived(&mut self, node: u16, call: CallId) {
        let Presence { up, lost, .. } = *self.engine.presence(node);
        if lost {
            // A machine that is off says nothing, not even no.
            self.engine.abandon(call, Cause::Down);
        } else if !up {
            self.engine.answer(call, Err(Cause::Down));
        } else {
            self.nodes[usize::from(node)].behaviour.arrived(&mut self.engine, call);
        }
    }
}

impl Driver for Simulation {
    #[inline]
    fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    #[inline(always)]
    fn act(&mut self, event: Event) {
        match event {
            Event::Arrived(Acting { node, call }) => self.arrived(node, call),
            Event::Answered(Acting { node, call }, ref reply) => {
                self.nodes[usize::from(node)].behaviour.answered(&mut self.engine, call, reply);
            }
            Event::Expired(Acting { node, call }) => {
                self.nodes[usize::from(node)].behaviour.expired(&mut self.engine, call);
            }
            Event::Served(Acting { node, call }) => {
                self.nodes[usize::from(node)].behaviour.served(&mut self.engine, call);
            }
            Event::Timer(Timer { node: Timer::TIMELINE, .. }) => self.act_out_timeline(),
            Event::Timer(Timer { node, which }) => {
                self.nodes[usize::from(node)].behaviour.timer(&mut self.engine, which);
            }
            Event::Notice => match self.engine.take_notice() {
                Some(Notice::OutOfMemory(host)) => self.out_of_memory(host),
                Some(Notice::Order(order)) => self.obey(order),
                None => {}
            },
        }
    }
}

/// Makes the machines, and says which copy runs where.
fn place(stage: &Stage, engine: &mut Engine) -> (Vec<NodeInfo>, Vec<HostInfo>) {
    let mut hosts: Vec<HostInfo> = Vec::new();
    for (index, named) in stage.machines.iter().enumerate() {
        engine.add_host(named.id.clone(), named.machine.clone());
        hosts.push(HostInfo { name: named.id.clone(), machine: Some(index) });
    }
    let mut nodes = Vec::new();
    for (index, component) in stage.components.iter().enumerate() {
        for copy in 0..component.copies {
            let name = stage.copy_name(index, copy);
            let host = match &component.machine {
                None => None,
                Some(Placement::Shared(machine)) => Some(*machine),
                Some(Placement::Own { machine, .. }) => {
                    engine.add_host(name.clone(), machine.clone());
                    hosts.push(HostInfo { name: name.clone(), machine: None });
                    Some(hosts.len() - 1)
                }
            };
            let everywhere = component.settings.kind().is_everywhere();
            let region = component.region.map_or(if everywhere { Presence::EVERYWHERE } else { 0 }, |it| it as u16);
            engine.add_node(host.map(|host| host as u32), region);
            nodes.push(NodeInfo { name, component: index, copy, host });
        }
    }
    (nodes, hosts)
}

/// A link between components becomes an edge between each pair of their copies.
fn connect(stage: &Stage, nodes: &[NodeInfo], engine: &mut Engine) {
    for (index, link) in stage.links.iter().enumerate() {
        let copies = |component: usize| {
            nodes.iter().enumerate().filter(move |(_, node)| node.component == component).map(|(node, _)| node as u16)
        };
        for from in copies(link.from) {
            for to in copies(link.to) {
                engine.add_edge(Edge { link: index as u16, from, to }, stage.latency(link).ns(), byte_ns(link));
            }
        }
    }
}

/// How far regions are from one another, one way.
fn distances(stage: &Stage) -> Vec<Vec<Nanos>> {
    stage.regions.iter().map(|region| region.latency.iter().map(|latency| latency.ns()).collect()).collect()
}

/// Time that a byte takes on a link, in nanoseconds; zero where its bandwidth is no concern.
fn byte_ns(link: &Link) -> f64 {
    link.bandwidth.map_or(0.0, |bandwidth| 1e9 / bandwidth.bytes_per_s().max(1.0))
}

/// The sum of all users' shares, and of those whose component comes before this one.
fn shares(stage: &Stage, component: usize) -> (f64, f64) {
    let share = |component: &Component| match &component.settings {
        Settings::Clients(clients) => clients.share,
        _ => 0.0,
    };
    (stage.components.iter().map(share).sum(), stage.components[..component].iter().map(share).sum())
}

/// Where each node stands.
fn places(stage: &Stage, nodes: &[NodeInfo], engine: &Engine) -> Vec<Place> {
    let kind = |node: u16| stage.components[nodes[usize::from(node)].component].settings.kind();
    let mut places: Vec<Place> = Vec::with_capacity(nodes.len());
    for (index, info) in nodes.iter().enumerate() {
        let component = &stage.components[info.component];
        let before = stage.components[..info.component].iter();
        let (weight, weight_before) = shares(stage, info.component);
        places.push(Place {
            name: info.name.clone(),
            node: index as u16,
            copy: info.copy,
            copies: component.copies,
            ordinal: before.filter(|other| other.settings.kind() == component.settings.kind()).count() as u16,
            weight,
            weight_before,
            host: info.host.map(|host| host as u32),
            peers: (0..nodes.len() as u16)
                .filter(|other| nodes[usize::from(*other)].component == info.component)
                .collect(),
            edges: Vec::new(),
            callers: Vec::new(),
        });
    }
    for (index, edge) in engine.edges().iter().enumerate() {
        let component = nodes[usize::from(edge.to)].component as u16;
        let classes = stage.links[usize::from(edge.link)].classes;
        let way = Way { edge: index as u16, node: edge.to, component, kind: kind(edge.to), classes };
        places[usize::from(edge.from)].edges.push(way);
        places[usize::from(edge.to)].callers.push((edge.from, kind(edge.from)));
    }
    places
}
