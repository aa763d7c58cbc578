//! From a stage to its network: along the links from the users, with each component's settings.

use super::demand::Part;
use super::network::{Branch, Discipline, Door, Leg, Memory, Network, Route, Station};
use crate::component::{Kind, Settings, app_server, clients, database, dns};
use crate::engine::host::SYSTEM_MEMORY;
use crate::hardware::Machine;
use crate::stage::{Placement, Stage};
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
        };
        let mut walk = Self { stage, network, hosts: Vec::new() };
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

    /// What a component calls, of one kind: each with the link's latency and its share of the calls, which go to every
    /// copy with the same probability.
    fn called(&self, from: usize, kind: Kind) -> Vec<(usize, Duration, f64)> {
        let links = self.stage.links.iter().filter(|link| link.from == from);
        let links = links.filter(|link| self.stage.components[link.to].settings.kind() == kind);
        let copies = |to: usize| f64::from(self.stage.components[to].copies);
        let all: f64 = links.clone().map(|link| copies(link.to)).sum();
        links.map(|link| (link.to, link.latency, copies(link.to) / all)).collect()
    }

    fn users(&mut self) {
        for (index, component) in self.stage.components.iter().enumerate() {
            let Settings::Clients(settings) = &component.settings else { continue };
            self.network.patience_s = settings.timeout.as_secs_f64();
            let servers = self.called(index, Kind::AppServer);
            self.network.branches = self.first_of_visit(index, settings, &servers);
            for (server, latency, probability) in servers {
                self.app_server(server, latency, probability);
            }
        }
    }

    /// What the first request of a visit pays: the name's look-up, and round trips that open the connection.
    fn first_of_visit(
        &self,
        users: usize,
        settings: &clients::Settings,
        servers: &[(usize, Duration, f64)],
    ) -> Vec<Branch> {
        let first = 1.0 / f64::from(settings.visit.max(1));
        let mut branches = vec![Branch { probability: 1.0 - first, seconds: 0.0 }];
        let mut paid: Vec<Branch> = vec![Branch { probability: first, seconds: 0.0 }];
        if let Some((resolver, latency, _)) = self.called(users, Kind::Dns).first()
            && let Settings::Dns(resolver) = &self.stage.components[*resolver].settings
        {
            let round_trip_s = 2.0 * latency.as_secs_f64();
            paid = look_up(resolver, self.network.rate_per_s * first);
            paid.iter_mut().for_each(|branch| {
                branch.probability *= first;
                branch.seconds += round_trip_s;
            });
        }
        let round_trips = 2.0 * f64::from(settings.handshake);
        for (_, latency, share) in servers {
            let connect_s = round_trips * latency.as_secs_f64();
            branches.extend(
                paid.iter().map(|branch| Branch {
                    probability: branch.probability * share,
                    seconds: branch.seconds + connect_s,
                }),
            );
        }
        branches.retain(|branch| branch.probability > 0.0);
        branches
    }

    fn app_server(&mut self, index: usize, latency: Duration, probability: f64) {
        let component = &self.stage.components[index];
        let Settings::AppServer(settings) = &component.settings else { return };
        let Some((host, machine)) = self.host(index) else { return };
        let work = settings.demand.0.map(|demand| Part::new(1, 1.0, &demand, machine.speed));
        let leg = Leg { station: host.cpu, demand: PerClass(work.map(|part| vec![part])) };
        let alone = matches!(component.machine, Some(Placement::Own { .. }));
        let door = Door {
            name: component.id.clone(),
            copies: component.copies,
            workers: settings.workers,
            backlog: settings.backlog,
            own: if alone { vec![host.cpu, host.disk] } else { Vec::new() },
        };
        self.network.doors.push(door);
        let route = Route {
            probability,
            door: Some(self.network.doors.len() - 1),
            outside_s: 2.0 * latency.as_secs_f64(),
            inside_s: PerClass::all(0.0),
            legs: vec![leg],
        };
        let databases = self.called(index, Kind::Database);
        for (database, latency, share) in &databases {
            let mut route = Route { probability: probability * share, ..route.clone() };
            self.database(&mut route, *database, *latency, settings);
            self.network.routes.push(route);
        }
        if databases.is_empty() {
            self.network.routes.push(route);
        }
    }

    fn database(&self, route: &mut Route, index: usize, latency: Duration, app: &app_server::Settings) {
        let Settings::Database(settings) = &self.stage.components[index].settings else { return };
        let Some((host, machine)) = self.host(index) else { return };
        let per_class = |of: &dyn Fn(Class) -> Vec<Part>| PerClass(Class::ALL.map(of));
        let queries = |class| *app.queries.get(class);
        let work = per_class(&|class| vec![Part::new(queries(class), 1.0, settings.demand.get(class), machine.speed)]);
        let write = Demand::constant(machine.disk_latency);
        let writes = per_class(&|class| {
            // The whole part of the mean always, one more with the probability of the rest.
            let mean = *settings.writes.get(class);
            let whole = mean as u32;
            let always = Part::new(queries(class).saturating_mul(whole), 1.0, &write, 1.0);
            vec![always, Part::new(queries(class), mean - f64::from(whole), &write, 1.0)]
        });
        for class in Class::ALL {
            *route.inside_s.get_mut(class) += 2.0 * latency.as_secs_f64() * f64::from(queries(class));
        }
        add_leg(route, Leg { station: host.cpu, demand: work });
        add_leg(route, Leg { station: host.disk, demand: writes });
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
            for (at, component) in self.stage.components.iter().enumerate() {
                let Some(machine) = self.stage.machine_of(at) else { continue };
                if self.host_of(at) == Some(index) {
                    memory.size = machine.memory.0 as f64;
                    // Copies with machines of their own are alike, and one machine stands for all.
                    let here = if host.names.len() > 1 { 1.0 } else { f64::from(component.copies) };
                    let door = self.network.doors.iter().position(|door| door.name == component.id);
                    memory.hold(&component.settings, here, door);
                }
            }
            if memory.size > 0.0 {
                self.network.memory.push(memory);
            }
        }
    }
}

impl Memory {
    fn hold(&mut self, settings: &Settings, copies: f64, door: Option<usize>) {
        match settings {
            Settings::AppServer(app_server::Settings { memory, memory_per_request, workers, .. }) => {
                self.idle += copies * memory.0 as f64;
                self.each += memory_per_request.0 as f64;
                self.most += copies * f64::from(*workers);
                self.door = door;
            }
            Settings::Database(database::Settings { memory, memory_per_connection, connections, .. }) => {
                self.idle += copies * memory.0 as f64;
                self.each += memory_per_connection.0 as f64;
                // Queries come from workers: connections are the limit only where there is no worker.
                self.most = if self.door.is_some() { self.most } else { self.most + copies * f64::from(*connections) };
            }
            _ => {}
        }
    }
}

/// Adds what a route asks of a station to what it asks there already.
fn add_leg(route: &mut Route, leg: Leg) {
    match route.legs.iter_mut().find(|other| other.station == leg.station) {
        Some(other) => {
            for (class, parts) in leg.demand.iter() {
                other.demand.get_mut(class).extend(parts.iter().copied());
            }
        }
        None => route.legs.push(leg),
    }
}

/// How long a resolver takes, when look-ups come at random `rate_per_s`.
///
/// One cycle lasts until the first look-up after expiry, through the authoritative answer, to the end of the time to
/// live. Look-ups during the wait for the authoritative answer share what is left of it, spread evenly: here as four
/// equal pieces.
fn look_up(settings: &dns::Settings, rate_per_s: f64) -> Vec<Branch> {
    const PIECES: u32 = 4;
    let (cached_s, asked_s) = (settings.cached.as_secs_f64(), settings.authoritative.as_secs_f64());
    let waiting = rate_per_s * asked_s;
    let cycle = 1.0 + waiting + rate_per_s * settings.ttl.as_secs_f64();
    let mut branches = vec![
        Branch { probability: 1.0 - (1.0 + waiting) / cycle, seconds: cached_s },
        Branch { probability: 1.0 / cycle, seconds: asked_s.max(cached_s) },
    ];
    branches.extend((0..PIECES).map(|piece| {
        let left_s = asked_s * (f64::from(piece) + 0.5) / f64::from(PIECES);
        Branch { probability: waiting / cycle / f64::from(PIECES), seconds: left_s.max(cached_s) }
    }));
    branches
}
