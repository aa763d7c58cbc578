//! How often a request comes by: U = X·V·S, and what a stage file holds is S, the time of one visit.
//!
//! A request of a stage may call a service three times, be answered by a cache and never reach the database, or be one of
//! three copies' share. So the visits of each class to each host are counted in a simulation, at the load of the step that
//! was measured and behind warm caches: by the busy time that a small and constant demand of that class alone makes
//! (the forced flow law; Denning & Buzen, "The Operational Analysis of Queueing Network Models", ACM Computing Surveys
//! 10(3), 1978).

use std::collections::BTreeMap;

use hockeystick_core::as_measured;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Duration;
use hockeystick_core::workload::{Class, Demand, PerClass};
use miette::Report;

use super::demand::{Part, host, parts, share, total};
use crate::model;

/// Requests that warm caches up, and those that are then counted.
const REQUESTS: [f64; 2] = [30_000.0, 60_000.0];
/// Longest time that is simulated for either: where hardly anybody comes, other things happen meanwhile.
const SECONDS_MAX: f64 = 1e6;
/// Processors that a probed class may keep busy with one visit of each request: little enough for nothing to wait.
const PROBED: f64 = 0.01;
/// Longest demand that probes.
const PROBE_MAX_S: f64 = 1e-3;

/// What the requests of one step do to each host.
#[derive(Debug, Default)]
pub(super) struct Visits {
    hosts: BTreeMap<String, OfHost>,
}

/// What they do to one host.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfHost {
    /// Visits of one request of each class, all parts of the host's demand together; where the stage gives a class no
    /// demand, those to the first part.
    pub(super) per_request: PerClass<f64>,
    /// Processors that are busy without any demand of requests: with scheduled work.
    pub(super) idle_processors: f64,
}

impl Visits {
    /// Counts them under the stage's own load, `seed` being that of the simulations.
    ///
    /// # Errors
    /// When the stage cannot be simulated.
    pub(super) fn count(stage: &Stage, seed: u64) -> Result<Self, Report> {
        let mut quiet = stage.clone();
        // How often they come by does not depend on who sends the next; without demands, a closed loop might never rest.
        quiet.workload.closed = None;
        quiet.faults.clear();
        let hosts: BTreeMap<String, Host> = as_measured::stations(stage)
            .map(|(station, machine)| (host(&station).to_owned(), machine.speed))
            .map(|(id, speed)| (id.clone(), Host { parts: parts(stage, &id), speed }))
            .collect();
        for part in hosts.values().flat_map(|host| &host.parts) {
            if let Some(demand) = quiet.components[part.component].settings.demand_mut() {
                *demand = PerClass::all(Demand::constant(Duration::ZERO));
            }
        }
        let idle = Busy::simulate(&quiet, seed)?;
        let busy_s = |busy: &Busy, id: &str| busy.by_host.get(id).copied().unwrap_or(0.0);
        let of_host =
            |id: &String| OfHost { per_request: PerClass::all(0.0), idle_processors: busy_s(&idle, id) / idle.seconds };
        let mut visits = Self { hosts: hosts.keys().map(|id| (id.clone(), of_host(id))).collect() };
        for class in Class::ALL.into_iter().filter(|class| *stage.workload.mix.get(*class) > 0.0) {
            let mut probed = quiet.clone();
            let probed_s: Vec<f64> = hosts.values().map(|host| probe(&mut probed, &host.parts, class)).collect();
            let busy = Busy::simulate(&probed, seed)?;
            let requests = *busy.requests.get(class) as f64;
            for (((id, found), host), probed_s) in visits.hosts.iter_mut().zip(hosts.values()).zip(probed_s) {
                if requests > 0.0 && probed_s > 0.0 {
                    let processor_s = busy_s(&busy, id) - found.idle_processors * busy.seconds;
                    *found.per_request.get_mut(class) = (processor_s * host.speed / requests / probed_s).max(0.0);
                }
            }
        }
        Ok(visits)
    }

    /// Those to one host.
    pub(super) fn to(&self, host: &str) -> Option<&OfHost> {
        self.hosts.get(host)
    }
}

/// What demands time of a host's processors, and how fast those are.
struct Host {
    parts: Vec<Part>,
    speed: f64,
}

/// Gives the parts of a host a small demand of one class, shared among them as the stage shares it; how long it is in all.
fn probe(stage: &mut Stage, parts: &[Part], class: Class) -> f64 {
    let all_s = (PROBED / stage.workload.rate.per_s().max(1e-9)).min(PROBE_MAX_S);
    let total_s = total(parts);
    let mut given_s = 0.0;
    for (index, part) in parts.iter().enumerate() {
        let mean = Duration::from_ns((all_s * share(part, index, &total_s, class) * 1e9).round() as u64);
        if let Some(demand) = stage.components[part.component].settings.demand_mut() {
            *demand.get_mut(class) = Demand::constant(mean);
            given_s += mean.as_secs_f64();
        }
    }
    given_s
}

/// Processor-seconds that each host was busy, and the requests that were answered meanwhile.
struct Busy {
    seconds: f64,
    requests: PerClass<u64>,
    by_host: BTreeMap<String, f64>,
}

impl Busy {
    fn simulate(stage: &Stage, seed: u64) -> Result<Self, Report> {
        let ns = |requests: f64| {
            let seconds = (requests / stage.workload.rate.per_s().max(1e-9)).min(SECONDS_MAX);
            Duration::from_secs_f64(seconds).ns()
        };
        let [warm_up, measured] = REQUESTS.map(ns);
        let mut simulation = Simulation::new(stage, seed).map_err(model::broken)?;
        simulation.run_until(warm_up);
        simulation.take_window();
        let before = busy_s(&simulation);
        simulation.run_until(warm_up + measured);
        let window = simulation.take_window();
        let mut by_host = BTreeMap::new();
        for ((host, busy_s), (_, before_s)) in busy_s(&simulation).into_iter().zip(before) {
            // Copies of a component have its name and a number.
            let name = host.split('#').next().unwrap_or_default().to_owned();
            *by_host.entry(name).or_default() += busy_s - before_s;
        }
        Ok(Self { seconds: window.seconds, requests: PerClass(window.by_class), by_host })
    }
}

/// Processor-seconds that each host of a simulation has used so far.
fn busy_s(simulation: &Simulation) -> Vec<(String, f64)> {
    let hosts = simulation.hosts().iter().enumerate();
    hosts.map(|(index, host)| (host.name.clone(), simulation.host_gauge(index).busy_s)).collect()
}
