//! A stage whose users wait for each answer before they ask again: mean-value analysis of its network.
//!
//! A request's class and way are drawn anew each time, so that all users are one class with the mean demands; processor
//! sharing keeps the product form for any demand (see [`closed`](super::closed)).

use super::closed::{self, Basis, Closed, Serving};
use super::mean;
use super::network::{Discipline, Network};
use super::solve::nothing;
use crate::component::Kind;
use crate::engine::moves::Cause;
use crate::outcome::{Estimate, Outcome, Response, by_name};
use crate::stage::Stage;
use crate::workload::Class;

/// Rounds in which hit ratios, and the efficiency of crowded stations, settle.
const ROUNDS: u32 = 12;
const SCHWEITZER: &str =
    "Schweitzer's approximate mean-value analysis, worst around saturation, where response is within 25 %";
const ONLY_MEANS: &str = "Of users who wait for their answers theory knows only means.";

pub(super) fn solve(stage: &Stage, users: u32, think_s: f64) -> Outcome {
    let mut rate_per_s = f64::from(users) / think_s.max(1.0);
    let mut network = Network::at(stage, rate_per_s);
    if network.sent <= 0.0 {
        return nothing(&network, "Users find all that they ask for in their browsers.");
    }
    // Who finds what he asks for there thinks again.
    let think_s = think_s / network.sent;
    if network.stations.iter().enumerate().any(|(at, it)| it.limited() && network.mean_demand_s(at) > 0.0) {
        return nothing(&network, "A quota stops a station in bursts, and theory has no answer for users who wait.");
    }
    let mut efficiency = vec![1.0; network.stations.len()];
    let mut found = None;
    for _ in 0..ROUNDS {
        let Some(solved) = cycle(&network, users, think_s, &efficiency) else {
            return nothing(&network, "There are no users, or they ask for nothing.");
        };
        let settled = (solved.throughput_per_s / rate_per_s - 1.0).abs() < 1e-6;
        rate_per_s = solved.throughput_per_s;
        for (at, station) in network.stations.iter().enumerate().filter(|(_, station)| station.crowds()) {
            let jobs = inside(&network, &solved, at).max(1.0);
            let running = jobs.min(f64::from(station.servers));
            efficiency[at] = 0.5 * (efficiency[at] + station.crosstalk.efficiency(jobs, running));
        }
        found = Some(solved);
        if settled && !network.stations.iter().any(super::network::Station::crowds) {
            break;
        }
        network = Network::at(stage, rate_per_s / network.sent);
    }
    match found {
        Some(solved) => outcome(stage, &network, &solved, users, &efficiency),
        None => nothing(&network, "There are no users."),
    }
}

/// Where each station's likes begin among those of the closed network; the first of all is the users' thinking.
fn places(network: &Network) -> Vec<usize> {
    let copies = |station: &super::network::Station| station.names.len();
    let mut next = 1;
    let place = |station| {
        let here = next;
        next += copies(station);
        here
    };
    network.stations.iter().map(place).collect()
}

fn cycle(network: &Network, users: u32, think_s: f64, efficiency: &[f64]) -> Option<Closed> {
    let mut stations = vec![closed::Station { serving: Serving::Delay, demand_s: think_s + delays_s(network) }];
    for (at, station) in network.stations.iter().enumerate() {
        let demand_s = network.mean_demand_s(at).max(0.0) / station.copies() / efficiency[at];
        let one = closed::Station { serving: Serving::Servers(station.servers), demand_s };
        stations.extend(station.names.iter().map(|_| one));
    }
    closed::solve(&stations, users)
}

fn delays_s(network: &Network) -> f64 {
    let inside =
        |class: Class| network.awaited().map(move |route| network.share(route, class) * route.inside_s.get(class));
    mean::outside_s(network) + Class::ALL.into_iter().flat_map(inside).sum::<f64>()
}

/// Mean number at one of a station's like.
fn inside(network: &Network, solved: &Closed, at: usize) -> f64 {
    places(network).get(at).and_then(|place| solved.stations.get(*place)).map_or(0.0, |at| at.inside)
}

fn outcome(stage: &Stage, network: &Network, solved: &Closed, users: u32, efficiency: &[f64]) -> Outcome {
    let mut caveats = network.caveats.clone();
    if solved.basis == Basis::Schweitzer {
        caveats.push(SCHWEITZER.to_owned());
    }
    let asked = |at: usize| network.mean_demand_s(at) > 0.0;
    if network.stations.iter().enumerate().any(|(at, it)| it.discipline == Discipline::Fcfs && asked(at)) {
        caveats.push("the disk's times as exponential".to_owned());
    }
    if efficiency.iter().any(|it| *it < 1.0) {
        caveats.push("contention by its efficiency at the mean number of jobs".to_owned());
    }
    if network.routes.iter().any(|route| !route.awaited) {
        caveats.push("work behind requests as if users waited for it".to_owned());
    }
    if stage.components.iter().any(|component| component.settings.kind() == Kind::Autoscaler) {
        caveats.push("every copy as switched on".to_owned());
    }
    if network.fans_out() {
        caveats.push("calls made at once as if one after another".to_owned());
    }
    let response_s = solved.response_s + delays_s(network);
    let inside = solved.throughput_per_s * response_s;
    let door = network.doors.iter().find(|door| {
        let room = f64::from(door.copies) * f64::from(door.workers.saturating_add(door.backlog));
        inside > room
    });
    if let Some(door) = door {
        return nothing(network, &format!("More users ask at once than {} lets in.", door.name));
    }
    if network.doors.iter().any(|door| users > door.copies.saturating_mul(door.workers)) {
        caveats.push("requests that wait for a worker as if they were served".to_owned());
    }
    let basis = match caveats.is_empty() {
        true => "exact: mean-value analysis".to_owned(),
        false => format!("approximation: mean-value analysis; {}", caveats.join("; ")),
    };
    let known = |value: f64| Estimate::by(value, basis.clone());
    let none = || Estimate::not_applicable(ONLY_MEANS);
    let places = places(network);
    let busy = network.stations.iter().zip(places).flat_map(|(station, place)| {
        let busy = solved.stations.get(place).map_or(0.0, |at| at.utilisation);
        let estimate = known(busy);
        station.names.iter().map(move |name| (name.clone(), estimate.clone()))
    });
    Outcome {
        throughput_per_s: known(solved.throughput_per_s),
        response_ms: Response { mean: known(1e3 * response_s), p50: none(), p95: none(), p99: none() },
        utilisation: by_name(busy),
        errors_per_s: by_name(Cause::ALL.into_iter().map(|cause| (cause.name().to_owned(), none()))),
        stale: Estimate::not_applicable("Theory does not follow what is out of date."),
        metrics: by_name(network.metrics.iter().cloned()),
    }
}
