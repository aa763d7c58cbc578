//! From a stage to its network: each component's [`flow`](crate::component::flow), multiplied out along the links from
//! the users.

use super::demand::Part;
use super::network::{Branch, Discipline, Door, FollowUp, Leg, Memory, Network, Pool, Route, Station, Use};
use super::paths::{Path, Paths};
use crate::component::flow::{Ask, Context, Flow};
use crate::component::{Kind, Settings, clients, dns};
use crate::engine::host::SYSTEM_MEMORY;
use crate::engine::processor::Crosstalk;
use crate::hardware::Machine;
use crate::stage::{Link, Placement, Stage};
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
        walk.behind();
        walk.pools();
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
    /// Calls a second that come to each component, all copies together, by class.
    rates: Vec<[f64; Class::ALL.len()]>,
    /// The door of each component that has one.
    door_of: Vec<Option<usize>>,
}

/// A link that a call may take.
#[derive(Clone, Copy, Debug)]
struct Way {
    to: usize,
    latency_s: f64,
    share: f64,
}

/// Where a call is, and whose it is.
#[derive(Clone, Copy, Debug)]
struct At {
    component: usize,
    class: Class,
    depth: usize,
    /// The region of the users.
    home: Option<usize>,
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
            pools: Vec::new(),
            follow_ups: Vec::new(),
            metrics: Vec::new(),
            closed: stage.workload.closed.map(|closed| (closed.users, closed.think.mean.as_secs_f64())),
        };
        let components = stage.components.len();
        let mut walk = Self {
            stage,
            network,
            hosts: Vec::new(),
            flows: (0..components).map(|_| None).collect(),
            rates: vec![[0.0; Class::ALL.len()]; components],
            door_of: vec![None; components],
        };
        for named in &stage.machines {
            walk.add_host(vec![named.id.clone()], &named.machine);
        }
        for (index, component) in stage.components.iter().enumerate() {
            if let Some(Placement::Own { machine, .. }) = &component.machine {
                let mut names: Vec<String> = (0..component.copies).map(|copy| stage.copy_name(index, copy)).collect();
                // Copies that stand by have machines, and nothing to do.
                let idle = if stands_by(&component.settings) { names.split_off(1) } else { Vec::new() };
                walk.add_host(names, machine);
                if !idle.is_empty() {
                    walk.add_host(idle, machine);
                }
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
            crosstalk: Crosstalk::default(),
            quota: machine.quota.map(|quota| (quota, machine.period)),
        });
        let (servers, discipline) = (machine.disk_channels, Discipline::Fcfs);
        stations.push(Station {
            names: named("disk"),
            discipline,
            servers,
            crosstalk: Crosstalk::default(),
            quota: None,
        });
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
    /// go to every copy with the same probability. `home` is where the users are whose request it is.
    fn called(&self, from: usize, kinds: &[Kind], class: Class, home: Option<usize>) -> Vec<Way> {
        let mut ways: Vec<Way> = self.links(from, kinds, class).collect();
        if let Some(entry) = self.named_entry(from, class)
            && ways.iter().any(|way| way.to == entry)
        {
            ways.retain(|way| way.to == entry);
        }
        // An edge cache without a place of its own stands where its users are, and asks the nearest origin.
        if self.stage.components[from].settings.kind() == Kind::Cdn && self.stage.components[from].region.is_none() {
            let distance = |way: &Way| {
                let to = self.stage.components[way.to].region.unwrap_or(0);
                let home = self.stage.regions.get(home.unwrap_or(0));
                home.and_then(|home| home.latency.get(to)).map_or(0.0, |latency| latency.as_secs_f64())
            };
            let nearest = ways.iter().map(&distance).fold(f64::INFINITY, f64::min);
            let first = ways.iter().find(|way| distance(way) <= nearest).map(|way| way.to);
            ways.retain(|way| Some(way.to) == first);
            ways.iter_mut().for_each(|way| way.latency_s += nearest);
        }
        let all: f64 = ways.iter().map(|way| way.share).sum();
        ways.iter_mut().for_each(|way| way.share /= all);
        ways
    }

    /// The links that a call may take, each with its number of copies.
    fn links(&self, from: usize, kinds: &[Kind], class: Class) -> impl Iterator<Item = Way> + use<> {
        let to = |link: &Link| &self.stage.components[link.to];
        let fits =
            move |link: &&Link| link.from == from && link.carries(class) && kinds.contains(&to(link).settings.kind());
        let way = move |link: &Link| Way {
            to: link.to,
            latency_s: self.stage.latency(link).as_secs_f64(),
            share: f64::from(to(link).copies),
        };
        let kept: Vec<Way> = self.stage.links.iter().filter(fits).map(way).collect();
        kept.into_iter()
    }

    /// Where a name leads these users, if it leads them to one place.
    fn named_entry(&self, users: usize, class: Class) -> Option<usize> {
        if self.stage.components[users].settings.kind() != Kind::Clients {
            return None;
        }
        let resolver = self.links(users, &[Kind::Dns], Class::Read).next()?.to;
        let Settings::Dns(settings) = &self.stage.components[resolver].settings else { return None };
        let entries: Vec<usize> =
            self.stage.links.iter().filter(|link| link.from == resolver).map(|link| link.to).collect();
        match settings.policy {
            dns::Policy::Static => None,
            dns::Policy::Failover => entries.first().copied(),
            dns::Policy::Nearest => {
                let near: Vec<Way> =
                    self.links(users, Kind::ALL, class).filter(|way| entries.contains(&way.to)).collect();
                let least = near.iter().map(|way| way.latency_s).fold(f64::INFINITY, f64::min);
                near.iter().find(|way| way.latency_s <= least).map(|way| way.to)
            }
        }
    }

    /// Where some users are: all that differ, with their shares.
    fn homes(&self) -> Vec<(Option<usize>, f64)> {
        self.clients().into_iter().map(|(index, _, share)| (self.stage.components[index].region, share)).collect()
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
        for (index, _, share) in self.clients() {
            self.rates[index] = Class::ALL.map(|class| self.network.rate_per_s * share * self.network.mix.get(class));
        }
        let homes = self.homes();
        for index in self.callers_first() {
            let component = &self.stage.components[index];
            let rate_per_s = self.rates[index];
            let idle = rate_per_s.iter().all(|rate| *rate <= 0.0);
            let context = Context { stage: self.stage, component: index, rate_per_s };
            // What acts on its own may say what theory leaves out of it, though nobody calls it.
            if idle && component.settings.kind() != Kind::Clients {
                if component.settings.kind().about().origin {
                    let flow = component.settings.flow(Class::Read, &context);
                    self.remark(index, &flow);
                }
                continue;
            }
            let flows = Class::ALL.map(|class| component.settings.flow(class, &context));
            for (class, flow) in Class::ALL.into_iter().zip(&flows) {
                let mut made = Vec::new();
                calls(&flow.asks, 1.0, &mut made);
                calls(&flow.behind, 1.0, &mut made);
                for (kinds, number, each) in made {
                    self.pass_on(index, class, kinds, number * rate_per_s[class as usize], each, &homes);
                }
                if rate_per_s[class as usize] > 0.0 {
                    self.remark(index, flow);
                }
                if let (true, Some((host, _))) = (flow.crosstalk != Crosstalk::default(), self.host(index)) {
                    let cpu = host.cpu;
                    self.network.stations[cpu].crosstalk = flow.crosstalk;
                }
            }
            self.flows[index] = Some(flows);
        }
    }

    /// Adds calls a second to those whom they go to.
    fn pass_on(
        &mut self,
        from: usize,
        class: Class,
        kinds: &'static [Kind],
        per_s: f64,
        each: bool,
        homes: &[(Option<usize>, f64)],
    ) {
        if each {
            for way in self.links(from, kinds, class) {
                self.rates[way.to][class as usize] += per_s;
            }
            return;
        }
        for (home, part) in homes {
            for way in self.called(from, kinds, class, *home) {
                self.rates[way.to][class as usize] += per_s * way.share * part;
            }
        }
    }

    /// Takes note of what a flow says besides what it asks.
    fn remark(&mut self, component: usize, flow: &Flow) {
        self.network.beyond.extend(flow.beyond.clone().filter(|it| !self.network.beyond.contains(it)));
        for caveat in &flow.caveats {
            if !self.network.caveats.contains(caveat) {
                self.network.caveats.push(caveat.clone());
            }
        }
        for (name, estimate) in &flow.metrics {
            for copy in 0..self.stage.components[component].copies {
                let name = format!("{} {name}", self.stage.copy_name(component, copy));
                self.network.metrics.retain(|(other, _)| *other != name);
                self.network.metrics.push((name, estimate.clone()));
            }
        }
    }

    /// Components in an order in which every caller comes before whom it calls.
    fn callers_first(&self) -> Vec<usize> {
        let components = self.stage.components.len();
        let rows = |index: usize| self.stage.components[index].settings.kind().keeps_rows();
        let leads = |index: usize| self.stage.components[index].settings.kind() == Kind::Shards;
        let calls = |link: &&Link| leads(link.from) || !(rows(link.from) && rows(link.to));
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
            let copies = if stands_by(&component.settings) { 1 } else { component.copies };
            self.network.doors.push(Door { name, copies, workers, backlog, own });
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
                let home = self.stage.components[index].region;
                for path in self.paths(At { component: index, class, depth: 0, home }) {
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

    /// What follows requests: routes that nobody waits for.
    fn behind(&mut self) {
        for index in 0..self.stage.components.len() {
            let Some(flows) = &self.flows[index] else { continue };
            let first = self.network.routes.len();
            let mut routes = Vec::new();
            for (class, flow) in Class::ALL.into_iter().zip(flows).filter(|(_, flow)| !flow.behind.is_empty()) {
                let (rate_per_s, of_class) = (self.rates[index][class as usize], *self.network.mix.get(class));
                if rate_per_s <= 0.0 || of_class <= 0.0 {
                    continue;
                }
                let mut paths = Paths::default();
                let at = At { component: index, class, depth: 0, home: None };
                self.follow(&mut paths, &flow.behind, at);
                for path in paths.into_door(None) {
                    let share = rate_per_s / (self.network.rate_per_s * of_class);
                    routes.push(Route { awaited: false, door: None, ..self.route(&path, class, share, 0.0) });
                }
            }
            let follow_up = flows.iter().find_map(|flow| flow.follow_up).filter(|_| !routes.is_empty());
            self.network.routes.extend(routes);
            if let Some(follow_up) = follow_up {
                let copies = self.stage.components[index].copies;
                let context = Context { stage: self.stage, component: index, rate_per_s: self.rates[index] };
                let hands = match follow_up.by {
                    [] => 1.0,
                    kinds => {
                        f64::from(Class::ALL.map(|class| context.copies(kinds, class)).into_iter().max().unwrap_or(1))
                    }
                };
                let name = |copy| format!("{} {}", self.stage.copy_name(index, copy), follow_up.metric);
                self.network.follow_ups.push(FollowUp {
                    names: (0..copies).map(name).collect(),
                    component: self.stage.components[index].id.clone(),
                    routes: first..self.network.routes.len(),
                    slots: f64::from(follow_up.slots) * hands,
                    begin_per_s: follow_up.begin_per_s,
                });
            }
        }
    }

    /// Who shares connections, and for what.
    fn pools(&mut self) {
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
                for path in paths.into_door(None) {
                    uses.push(Use {
                        per_request: per_request * path.probability,
                        delay_s: path.inside_s + path.outside_s,
                        demand_s: path.parts.iter().map(|(at, part)| (*at, part.moments().first)).collect(),
                    });
                }
            }
            self.network.pools.push(Pool { name: component.id.clone(), copies: component.copies, size, uses });
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
        Route { awaited: true, probability, door: path.door, outside_s: path.outside_s + before_s, inside_s, legs }
    }

    /// The ways that one call may take from a component on.
    fn paths(&self, at: At) -> Vec<Path> {
        // Links go in no circle, so no way is longer than this.
        let known = self.flows[at.component].as_ref().filter(|_| at.depth <= self.stage.components.len());
        let Some(flows) = known else { return vec![Path::default()] };
        let flow = &flows[at.class as usize];
        let mut paths = Paths::default();
        self.follow(&mut paths, &flow.asks, at);
        paths.into_door(self.door_of[at.component])
    }

    /// The ways from the end of one link on, there and back.
    fn onward(&self, at: At, way: &Way) -> impl Iterator<Item = Path> {
        let (share, there_and_back_s) = (way.share, 2.0 * way.latency_s);
        let paths = self.paths(At { component: way.to, depth: at.depth + 1, ..at });
        paths.into_iter().map(move |path| Path {
            probability: path.probability * share,
            outside_s: path.outside_s + there_and_back_s,
            ..path
        })
    }

    fn follow(&self, paths: &mut Paths, asks: &[Ask], at: At) {
        let index = at.component;
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
                    let ways = self.called(index, kinds, at.class, at.home);
                    let onward: Vec<Path> = ways.iter().flat_map(|way| self.onward(at, way)).collect();
                    paths.call(&onward, *count, *chance);
                }
                Ask::Each { kinds, count, chance, at_once } => {
                    for way in self.links(index, kinds, at.class) {
                        let onward: Vec<Path> = self.onward(at, &Way { share: 1.0, ..way }).collect();
                        if *at_once {
                            paths.at_once(&onward, *count, *chance);
                        } else {
                            paths.call(&onward, *count, *chance);
                        }
                    }
                }
                Ask::At { component, ask } => {
                    self.follow(paths, std::slice::from_ref(ask), At { component: *component, ..at });
                }
                Ask::OneOf(ways) => {
                    let ways = ways.iter().map(|(probability, asks)| {
                        let mut branch = Paths::default();
                        self.follow(&mut branch, asks, at);
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
        if let Some(Way { to: resolver, latency_s, .. }) = self.links(users, &[Kind::Dns], Class::Read).next() {
            let context = Context { stage: self.stage, component: resolver, rate_per_s: self.look_ups(users, first) };
            let flow = self.stage.components[resolver].settings.flow(Class::Read, &context);
            let mut look_up = Paths::default();
            let at = At { component: resolver, class: Class::Read, depth: 0, home: None };
            self.follow(&mut look_up, &flow.asks, at);
            let round_trip_s = 2.0 * latency_s;
            paid = look_up
                .delays()
                .map(|(share, s)| Branch { probability: first * share, seconds: round_trip_s + s })
                .collect();
        }
        // The connection is opened to whichever server the request goes to; a class tells where, its shares how often.
        let round_trips = 2.0 * f64::from(settings.handshake);
        let mix = self.network.mix;
        for (class, part) in mix.iter().filter(|(_, part)| **part > 0.0) {
            let home = self.stage.components[users].region;
            for Way { latency_s, share, .. } in
                self.called(users, clients::servers(self.stage, users, class), class, home)
            {
                let connect_s = round_trips * latency_s;
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

/// Every call among these: the kinds, how many on average, and whether they go to each component of the kinds.
fn calls(asks: &[Ask], times: f64, all: &mut Vec<(&'static [Kind], f64, bool)>) {
    for ask in asks {
        match ask {
            Ask::Call { kinds, count, chance } => all.push((*kinds, times * f64::from(*count) * chance, false)),
            Ask::Each { kinds, count, chance, .. } => all.push((*kinds, times * f64::from(*count) * chance, true)),
            Ask::OneOf(ways) => ways.iter().for_each(|(probability, asks)| calls(asks, times * probability, all)),
            _ => {}
        }
    }
}

/// Whether copies but the first do nothing.
const fn stands_by(settings: &Settings) -> bool {
    matches!(settings, Settings::LoadBalancer(settings) if settings.pair)
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
