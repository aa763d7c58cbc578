//! From a stage to its network: each component's [`flow`](crate::component::flow), multiplied out along the links from
//! the users.
//!
//! [`links`]: whom a call may go to. [`flows`]: how often. [`routes`]: what a request asks on its way. [`resources`]:
//! doors, connections, memory. [`rounds`]: what begins anew at intervals.

mod flows;
mod links;
mod resources;
mod rounds;
mod routes;

use super::network::{Branch, Discipline, Network, Station};
use crate::component::Settings;
use crate::component::flow::{Flow, Round};
use crate::hardware::Machine;
use crate::stage::{Placement, Stage};
use crate::workload::{Arrivals, Class, PerClass};

impl Network {
    /// The network that a stage is, faults left out.
    pub fn of(stage: &Stage) -> Self {
        Self::at(stage, stage.workload.rate.per_s())
    }

    /// The network that a stage is at another rate.
    pub fn at(stage: &Stage, rate_per_s: f64) -> Self {
        Self::walked(stage, rate_per_s, true)
    }

    /// The same without figures of single components, which cost as much as all else.
    pub fn bare(stage: &Stage, rate_per_s: f64) -> Self {
        Self::walked(stage, rate_per_s, false)
    }

    fn walked(stage: &Stage, rate_per_s: f64, figures: bool) -> Self {
        let mut walk = Walk { figures, ..Walk::new(stage, rate_per_s) };
        walk.flows();
        walk.doors();
        let up = walk.users();
        walk.behind();
        walk.pools();
        walk.memory();
        walk.rounds();
        walk.leave_out_who_finds_nobody(&up);
        walk.network
            .caveats
            .extend(stage.links.iter().any(|link| link.bandwidth.is_some()).then(|| BANDWIDTH.to_owned()));
        walk.network
    }
}

const BANDWIDTH: &str = "links as fast for large answers as for small ones";

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
    /// Work that begins anew at intervals.
    rounds: Vec<Round>,
    /// Whether figures of single components are wanted.
    figures: bool,
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
        let mix = PerClass(Class::ALL.map(|class| stage.workload.mix.get(class) * links::sent(stage, class)));
        let sent: f64 = mix.0.iter().sum::<f64>() / stage.workload.mix.0.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let network = Network {
            rate_per_s: rate_per_s * sent,
            sent,
            poisson: stage.workload.arrivals == Arrivals::Poisson,
            mix: PerClass(mix.0.map(|share| share / sent.max(f64::MIN_POSITIVE))),
            branches: vec![Branch { probability: 1.0, seconds: 0.0 }],
            patience_s: f64::INFINITY,
            closed: stage.workload.closed.map(|closed| (closed.users, closed.think.mean.as_secs_f64())),
            ..Network::default()
        };
        let components = stage.components.len();
        let mut walk = Self {
            stage,
            network,
            hosts: Vec::new(),
            flows: (0..components).map(|_| None).collect(),
            rates: vec![[0.0; Class::ALL.len()]; components],
            door_of: vec![None; components],
            rounds: Vec::new(),
            figures: true,
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
        let processors = Station::new(named("cpu"), Discipline::ProcessorSharing, machine.vcpus);
        stations.push(Station { quota: machine.quota.map(|quota| (quota, machine.period)), ..processors });
        stations.push(Station::new(named("disk"), Discipline::Fcfs, machine.disk_channels));
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
}

/// Whether copies but the first do nothing.
const fn stands_by(settings: &Settings) -> bool {
    matches!(settings, Settings::LoadBalancer(settings) if settings.pair)
}
