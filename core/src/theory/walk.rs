//! From a stage to its network: each component's [`flow`](crate::component::flow), multiplied out along the links from
//! the users.

use super::demand::Part;
use super::network::{Branch, Discipline, Door, Leg, Memory, Network, Route, Station};
use super::paths::{Path, Paths};
use crate::component::flow::{Ask, Context, Flow};
use crate::component::{Kind, Settings, clients};
use crate::engine::host::SYSTEM_MEMORY;
use crate::hardware::Machine;
use crate::stage::{Link, Placement, Stage};
use crate::units::Duration;
use crate::workload::{Arrivals, Class, Demand, PerClass};

impl Network {
    /// The network that a stage is, faults left out.
    pub fn of(stage: &Stage) -> Self {
        Self::at(stage, stage.workload.rate.per_s())
    }

    /// The network that a stage is at another rate.
    pub fn at(stage: &Stage, rate_per_s: f64) -> Self {
        let mut walk = Walk::new(stage, rate_per_s);
        walk.flows();
        walk.doors();
        walk.users();
        walk.memory();
        walk.network
    }
}

struct Walk<'a> {
    stage: &'a Stage,
    network: Network,
    /// The processor and the disk of the stage's machines, then those of the components with machines of their own.
    hosts: Vec<Host>,
    /// What each component is asked, class by class; none where no request comes.
    flows: Vec<Option<[Flow; Class::ALL.len()]>>,
    /// The door of each component that has one.
    door_of: Vec<Option<usize>>,
}

struct Host {
    names: Vec<String>,
    cpu: usize,
    disk: usize,
}

impl<'a> Walk<'a> {
    fn new(stage: &'a Stage, rate_per_s: f64) -> Self {
        let network = Network {
            rate_per_s,
            poisson: stage.workload.arrivals == Arrivals::Poisson,
            mix: stage.workload.mix,
            stations: Vec::new(),
            doors: Vec::new(),
            routes: Vec::new(),
            branches: vec![Branch { probability: 1.0, seconds: 0.0 }],
            patience_s: f64::INFINITY,
            memory: Vec::new(),
            beyond: Vec::new(),
            caveats: Vec::new(),
        };
        let components = stage.components.len();
        let mut walk = Self {
            stage,
            network,
            hosts: Vec::new(),
            flows: (0..components).map(|_| None).collect(),
            door_of: vec![None; components],
        };
        for named in &stage.machines {
            walk.add_host(vec![named.id.clone()], &named.machine);
        }
        for (index, component) in stage.components.iter().enumerate() {
            if let Some(Placement::Own { machine, .. }) = &component.machine {
                walk.add_host((0..component.copies).map(|copy| stage.copy_name(index, copy)).collect(), machine);
            }
        }
        walk
    }

    fn add_host(&mut self, names: Vec<String>, machine: &Machine) {
        let stations = &mut self.network.stations;
        let named = |what: &str| names.iter().map(|name| format!("{name} {what}")).collect();
        stations.push(Station {
            names: named("cpu"),
            discipline: Discipline::ProcessorSharing,
            servers: machine.vcpus,
            quota: machine.quota.map(|quota| (quota, machine.period)),
        });
        let (servers, discipline) = (machine.disk_channels, Discipline::Fcfs);
        stations.push(Station { names: named("disk"), discipline, servers, quota: None });
        self.hosts.push(Host { names, cpu: stations.len() - 2, disk: stations.len() - 1 });
    }

    /// Index of the machines that a component runs on.
    fn host_of(&self, component: usize) -> Option<usize> {
        match self.stage.components[component].machine.as_ref()? {
            Placement::Shared(index) => Some(*index),
            Placement::Own { .. } => {
                let name = self.stage.copy_name(component, 0);
                self.hosts.iter().position(|host| host.names.first() == Some(&name))
            }
        }
    }

    /// The machines that a component runs on, with what they are.
    fn host(&self, component: usize) -> Option<(&Host, &'a Machine)> {
        Some((self.hosts.get(self.host_of(component)?)?, self.stage.machine_of(component)?))
    }

    /// What a component calls for a class, of some kinds: each with the link's latency and its share of the calls, which
    /// go to every copy with the same probability.
    fn called(&self, from: usize, kinds: &[Kind], class: Class) -> Vec<(usize, Duration, f64)> {
        let to = |link: &Link| &self.stage.components[link.to];
        let links = self
            .stage
            .links
            .iter()
            .filter(|link| link.from == from && link.carries(class) && kinds.contains(&to(link).settings.kind()));
        let copies = |link: &Link| f64::from(to(link).copies);
        let all: f64 = links.clone().map(copies).sum();
        links.map(|link| (link.to, self.stage.latency(link), copies(link) / all)).collect()
    }

    /// The users: each with their share of all requests.
    fn clients(&self) -> Vec<(usize, &'a clients::Settings, f64)> {
        let all = self.stage.components.iter().enumerate().filter_map(|(index, component)| match &component.settings {
            Settings::Clients(settings) => Some((index, settings)),
            _ => None,
        });
        let weight: f64 = all.clone().map(|(_, settings)| settings.share).sum();
        all.map(|(index, settings)| (index, settings, settings.share / weight.max(f64::MIN_POSITIVE))).collect()
    }

    /// Asks every component for its flow, callers before those whom they call: a cache must know how often it is asked.
    fn flows(&mut self) {
        let components = self.stage.components.len();
        let mut rates = vec![[0.0; Class::ALL.len()]; components];
        for (index, _, share) in self.clients() {
            rates[index] = Class::ALL.map(|class| self.network.rate_per_s * share * self.network.mix.get(class));
        }
        for index in self.callers_first() {
            let component = &self.stage.components[index];
            let rate_per_s = rates[index];
            if rate_per_s.iter().all(|rate| *rate <= 0.0) && component.settings.kind() != Kind::Clients {
                continue;
            }
            let context = Context { stage: self.stage, component: index, rate_per_s };
            let flows = Class::ALL.map(|class| component.settings.flow(class, &context));
            for (class, flow) in Class::ALL.into_iter().zip(&flows) {
                for (kinds, count, chance) in calls(&flow.asks) {
                    for (to, _, share) in self.called(index, kinds, class) {
                        rates[to][class as usize] += rate_per_s[class as usize] * count * chance * share;
                    }
                }
                if rate_per_s[class as usize] > 0.0 {
                    self.network.beyond.extend(flow.beyond.clone().filter(|it| !self.network.beyond.contains(it)));
                    for caveat in &flow.caveats {
                        if !self.network.caveats.contains(caveat) {
                            self.network.caveats.push(caveat.clone());
                        }
                    }
                }
            }
            self.flows[index] = Some(flows);
        }
    }

    /// Components in an order in which every caller comes before whom it calls.
    fn callers_first(&self) -> Vec<usize> {
        let components = self.stage.components.len();
        let rows = |index: usize| self.stage.components[index].settings.kind().keeps_rows();
        let calls = |link: &&Link| !(rows(link.from) && rows(link.to));
        let mut waiting = vec![0_usize; components];
        self.stage.links.iter().filter(calls).for_each(|link| waiting[link.to] += 1);
        let mut order: Vec<usize> = (0..components).filter(|index| waiting[*index] == 0).collect();
        let mut next = 0;
        while let Some(index) = order.get(next).copied() {
            next += 1;
            for link in self.stage.links.iter().filter(|link| link.from == index).filter(calls) {
                waiting[link.to] -= 1;
                if waiting[link.to] == 0 {
                    order.push(link.to);
                }
            }
        }
        // Shards and what lies behind them call one another's kinds; they come last, in the file's order.
        let rest: Vec<usize> = (0..components).filter(|index| !order.contains(index)).collect();
        order.extend(rest);
        order
    }

    fn doors(&mut self) {
        for (index, component) in self.stage.components.iter().enumerate() {
            let door = self.flows[index].as_ref().and_then(|flows| flows.iter().find_map(|flow| flow.door));
            let Some((workers, backlog)) = door else { continue };
            let alone = matches!(component.machine, Some(Placement::Own { .. }));
            let own = self.host(index).filter(|_| alone).map_or(Vec::new(), |(host, _)| vec![host.cpu, host.disk]);
            self.door_of[index] = Some(self.network.doors.len());
            let name = component.id.clone();
            self.network.doors.push(Door { name, copies: component.copies, workers, backlog, own });
        }
    }

    fn users(&mut self) {
        let clients = self.clients();
        let one_kind = clients.len() == 1;
        self.network.patience_s =
            clients.iter().map(|(_, settings, _)| settings.timeout.as_secs_f64()).fold(f64::INFINITY, f64::min);
        for (index, settings, share) in clients {
            let visit = self.first_of_visit(index, settings);
            for class in Class::ALL.into_iter().filter(|class| *self.network.mix.get(*class) > 0.0) {
                for path in self.paths(index, class, 0) {
                    // Users of one kind have the same first requests on every way, so these need not be multiplied out.
                    let branches = if one_kind { &[Branch { probability: 1.0, seconds: 0.0 }][..] } else { &visit };
                    for branch in branches {
                        let route = self.route(&path, class, share * branch.probability, branch.seconds);
                        self.network.routes.push(route);
                    }
                }
            }
            if one_kind {
                self.network.branches = visit;
            }
        }
    }

    fn route(&self, path: &Path, class: Class, share: f64, before_s: f64) -> Route {
        let mut probability = PerClass::all(0.0);
        *probability.get_mut(class) = share * path.probability;
        let mut inside_s = PerClass::all(0.0);
        *inside_s.get_mut(class) = path.inside_s;
        let mut legs: Vec<Leg> = Vec::new();
        for (station, part) in &path.parts {
            let index = legs.iter().position(|leg| leg.station == *station).unwrap_or_else(|| {
                legs.push(Leg { station: *station, demand: PerClass(std::array::from_fn(|_| Vec::new())) });
                legs.len() - 1
            });
            legs[index].demand.get_mut(class).push(*part);
        }
        Route { probability, door: path.door, outside_s: path.outside_s + before_s, inside_s, legs }
    }

    /// The ways that one call of a class may take from a component on.
    fn paths(&self, index: usize, class: Class, depth: usize) -> Vec<Path> {
        // Links go in no circle, so no way is longer than this.
        let Some(flows) = self.flows[index].as_ref().filter(|_| depth <= self.stage.components.len()) else {
            return vec![Path::default()];
        };
        let flow = &flows[class as usize];
        let mut paths = Paths::default();
        self.follow(&mut paths, &flow.asks, index, class, depth);
        paths.into_door(self.door_of[index])
    }

    fn follow(&self, paths: &mut Paths, asks: &[Ask], index: usize, class: Class, depth: usize) {
        for ask in asks {
            match ask {
                Ask::Compute { demand, count, chance } => {
                    if let Some((host, machine)) = self.host(index) {
                        paths.add(host.cpu, Part::new(*count, *chance, demand, machine.speed));
                    }
                }
                Ask::Disk { mean_count, each } => {
                    if let Some((host, machine)) = self.host(index) {
                        // The whole part of the mean always, one more with the probability of the rest.
                        let operation = Demand::constant(each.unwrap_or(machine.disk_latency));
                        let whole = *mean_count as u32;
                        paths.add(host.disk, Part::new(whole, 1.0, &operation, 1.0));
                        paths.add(host.disk, Part::new(1, mean_count - f64::from(whole), &operation, 1.0));
                    }
                }
                Ask::Delay { time, chance } => paths.delay(time.as_secs_f64(), *chance),
                Ask::Call { kinds, count, chance } => {
                    let mut onward = Vec::new();
                    for (to, latency, share) in self.called(index, kinds, class) {
                        for mut path in self.paths(to, class, depth + 1) {
                            path.probability *= share;
                            path.outside_s += 2.0 * latency.as_secs_f64();
                            onward.push(path);
                        }
                    }
                    paths.call(&onward, *count, *chance);
                }
                Ask::OneOf(ways) => {
                    let ways = ways.iter().map(|(probability, asks)| {
                        let mut branch = Paths::default();
                        self.follow(&mut branch, asks, index, class, depth);
                        (*probability, branch)
                    });
                    paths.one_of(ways.collect());
                }
            }
        }
    }

    /// What the first request of a visit pays: the name's look-up, and round trips that open the connection.
    fn first_of_visit(&self, users: usize, settings: &clients::Settings) -> Vec<Branch> {
        let first = 1.0 / f64::from(settings.visit.max(1));
        let mut branches = vec![Branch { probability: 1.0 - first, seconds: 0.0 }];
        let mut paid = vec![Branch { probability: first, seconds: 0.0 }];
        if let Some((resolver, latency, _)) = self.called(users, &[Kind::Dns], Class::Read).first() {
            let context = Context { stage: self.stage, component: *resolver, rate_per_s: self.look_ups(users, first) };
            let flow = self.stage.components[*resolver].settings.flow(Class::Read, &context);
            let mut look_up = Paths::default();
            self.follow(&mut look_up, &flow.asks, *resolver, Class::Read, 0);
            let round_trip_s = 2.0 * latency.as_secs_f64();
            paid = look_up
                .delays()
                .map(|(share, s)| Branch { probability: first * share, seconds: round_trip_s + s })
                .collect();
        }
        // The connection is opened to whichever server the request goes to; a class tells where, its shares how often.
        let round_trips = 2.0 * f64::from(settings.handshake);
        let mix = self.network.mix;
        for (class, part) in mix.iter().filter(|(_, part)| **part > 0.0) {
            for (_, latency, share) in self.called(users, clients::servers(self.stage, users, class), class) {
                let connect_s = round_trips * latency.as_secs_f64();
                branches.extend(paid.iter().map(|branch| Branch {
                    probability: branch.probability * share * part,
                    seconds: branch.seconds + connect_s,
                }));
            }
        }
        merge(&mut branches);
        branches
    }

    /// Look-ups a second by these users, as of one class.
    fn look_ups(&self, users: usize, first: f64) -> [f64; Class::ALL.len()] {
        let share = self.clients().iter().find(|(index, ..)| *index == users).map_or(0.0, |(_, _, share)| *share);
        let mut rates = [0.0; Class::ALL.len()];
        rates[Class::Read as usize] = self.network.rate_per_s * share * first;
        rates
    }

    /// What the components on each machine hold, and what a request adds.
    fn memory(&mut self) {
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

    fn hold(&self, memory: &mut Memory, component: usize, copies: f64) {
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

/// Every call among these: the kinds, how many, with which probability.
fn calls(asks: &[Ask]) -> Vec<(&'static [Kind], f64, f64)> {
    let mut all = Vec::new();
    for ask in asks {
        match ask {
            Ask::Call { kinds, count, chance } => all.push((*kinds, f64::from(*count), *chance)),
            Ask::OneOf(ways) => {
                for (probability, asks) in ways {
                    all.extend(
                        calls(asks).into_iter().map(|(kinds, count, chance)| (kinds, count, chance * probability)),
                    );
                }
            }
            _ => {}
        }
    }
    all
}

/// Puts branches of the same length together, and leaves out those that never happen.
fn merge(branches: &mut Vec<Branch>) {
    branches.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    branches.dedup_by(|later, earlier| {
        let same = later.seconds == earlier.seconds;
        if same {
            earlier.probability += later.probability;
        }
        same
    });
    branches.retain(|branch| branch.probability > 0.0);
}
