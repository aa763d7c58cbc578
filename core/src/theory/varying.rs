//! Rates that come and go: bursts, a day, and copies that an autoscaler switches on and off with them.
//!
//! Where a level of the rate lasts long against the time in which queues settle, each level has its steady state, and
//! what is seen over all is their mixture: the quasi-stationary approximation (Green & Kolesar, "The pointwise
//! stationary approximation for queues with nonstationary arrivals", Management Science 37, 1991).

use std::collections::BTreeMap;

use super::inversion;
use super::network::Network;
use super::response::Responses;
use super::solve::{Solver, nothing, times::stepped};
use crate::component::{Kind, Settings, autoscaler};
use crate::outcome::{Estimate, Outcome, Response};
use crate::stage::Stage;
use crate::workload::Workload;

/// A rate, for a share of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    share: f64,
    rate_per_s: f64,
}

/// Levels into which a day is cut.
const HOURS: u32 = 12;
/// How many times longer than queues need to settle a level must last.
const LONG: f64 = 10.0;
const BASIS: &str = "approximation: quasi-stationary, each level of the rate in its steady state (Green & Kolesar)";
const SCALED: &str = "; so many copies as the autoscaler's target asks for, at once";

fn levels(workload: &Workload) -> Vec<Level> {
    let rate_per_s = workload.rate.per_s();
    let mut levels = vec![Level { share: 1.0, rate_per_s }];
    if let Some(day) = workload.day {
        let hour = |hour: u32| {
            let turn = 2.0 * std::f64::consts::PI * (f64::from(hour) + 0.5) / f64::from(HOURS);
            let height = 0.5 * (1.0 - libm::cos(turn));
            Level { share: 1.0 / f64::from(HOURS), rate_per_s: rate_per_s * (day.quiet + (1.0 - day.quiet) * height) }
        };
        levels = (0..HOURS).map(hour).collect();
    }
    if let Some(bursts) = workload.bursts {
        let (on, off) = (bursts.lasts.as_secs_f64(), bursts.every.as_secs_f64());
        let burst = on / (on + off).max(1e-9);
        let between = 1.0 / (1.0 + burst * (bursts.factor - 1.0));
        let split = |level: &Level| {
            let at =
                |share: f64, factor: f64| Level { share: level.share * share, rate_per_s: level.rate_per_s * factor };
            [at(1.0 - burst, between), at(burst, between * bursts.factor)]
        };
        levels = levels.iter().flat_map(split).collect();
    }
    levels
}

/// Seconds that the shortest level lasts.
fn shortest_s(workload: &Workload) -> f64 {
    let day = workload.day.map_or(f64::INFINITY, |day| day.length.as_secs_f64() / f64::from(HOURS));
    let bursts = workload.bursts.map_or(f64::INFINITY, |it| it.lasts.as_secs_f64().min(it.every.as_secs_f64()));
    day.min(bursts)
}

/// Whether there is more than one level, or copies come and go.
pub(super) fn applies(stage: &Stage) -> bool {
    stage.workload.day.is_some() || stage.workload.bursts.is_some() || scaled(stage).is_some()
}

/// The component whose copies an autoscaler switches by the load of their processors, with its settings.
fn scaled(stage: &Stage) -> Option<(usize, &autoscaler::Settings)> {
    stage.components.iter().enumerate().find_map(|(index, component)| match &component.settings {
        Settings::Autoscaler(settings) if settings.signal == autoscaler::Signal::Cpu => {
            let mut links = stage.links.iter().filter(|link| link.from == index);
            let servers = |link: &&crate::stage::Link| stage.components[link.to].settings.kind() == Kind::AppServer;
            links.find(servers).map(|link| (link.to, settings))
        }
        _ => None,
    })
}

/// The stage with as many copies as an autoscaler leaves on at a rate.
fn at_rate(stage: &Stage, rate_per_s: f64) -> Stage {
    let mut stage = stage.clone();
    let found = scaled(&stage).map(|(index, settings)| (index, *settings));
    if let Some((index, settings)) = found {
        let network = Network::at(&stage, rate_per_s);
        let name = format!("{} cpu", stage.copy_name(index, 0));
        let station = network.stations.iter().position(|station| station.names.first() == Some(&name));
        let load = station.map_or(0.0, |station| network.load(station));
        let most = stage.components[index].copies.min(settings.max);
        // It tolerates as much above its target as below, so that the load is the target on average.
        let wanted = load * f64::from(stage.components[index].copies) / settings.target + 0.5;
        stage.components[index].copies = (wanted as u32).max(settings.min).min(most).max(1);
    }
    stage
}

/// Solves a stage at each level of its rate, and mixes the answers.
pub(super) fn solve(stage: &Stage) -> Outcome {
    let levels = levels(&stage.workload);
    let stages: Vec<Stage> = levels.iter().map(|level| at_rate(stage, level.rate_per_s)).collect();
    let networks: Vec<Network> =
        stages.iter().zip(&levels).map(|(stage, level)| Network::at(stage, level.rate_per_s)).collect();
    let solvers: Vec<Solver<'_>> = networks.iter().map(Solver::new).collect();
    let settles_s = solvers.iter().map(Solver::settles_s).fold(0.0, f64::max);
    if LONG * settles_s > shortest_s(&stage.workload) {
        let reason = if settles_s.is_finite() {
            "The rate changes faster than queues settle, and theory knows only steady states."
        } else {
            "At its highest the rate is more than a station can do: a backlog grows and shrinks, which no steady state shows."
        };
        return nothing(&Network::of(stage), reason);
    }
    let basis = if scaled(stage).is_some() { format!("{BASIS}{SCALED}") } else { BASIS.to_owned() };
    mixed(&levels, &solvers, &basis, stage)
}

fn mixed(levels: &[Level], solvers: &[Solver<'_>], basis: &str, stage: &Stage) -> Outcome {
    let outcomes: Vec<Outcome> = solvers.iter().map(Solver::outcome).collect();
    let in_time: Vec<f64> = levels.iter().map(|level| level.share).collect();
    let all_per_s: f64 = levels.iter().map(|level| level.share * level.rate_per_s).sum();
    let of_requests: Vec<f64> =
        levels.iter().map(|level| level.share * level.rate_per_s / all_per_s.max(1e-12)).collect();
    let mix = |shares: &[f64], of: &dyn Fn(&Outcome) -> Option<Estimate>| -> Estimate {
        let mut sum = 0.0;
        for (share, outcome) in shares.iter().zip(&outcomes) {
            match of(outcome) {
                Some(Estimate::Known { value, .. }) => sum += share * value,
                Some(none) => return none,
                None => return Estimate::not_applicable("Copies come and go: theory knows only all of them together."),
            }
        }
        Estimate::by(sum, basis)
    };
    let patience_s = solvers.first().map_or(f64::INFINITY, |solver| solver.network.patience_s);
    let tails: Option<Vec<Responses>> = solvers.iter().map(Solver::responses).collect();
    let quantile = |q: f64, of: &dyn Fn(&Outcome) -> Option<Estimate>| match &tails {
        None => mix(&of_requests, of),
        Some(tails) => {
            let tail = |t: f64| of_requests.iter().zip(tails).map(|(share, at)| share * at.tail(t)).sum::<f64>();
            let late = if patience_s.is_finite() { tail(patience_s) } else { 0.0 };
            let at = |q: f64| 1e3 * inversion::quantile(late + (1.0 - q) * (1.0 - late), 1e-3, tail);
            stepped(q, at, vec![basis.to_owned()], |caveats| caveats.join("; "))
        }
    };
    let names = |of: &dyn Fn(&Outcome) -> &BTreeMap<String, Estimate>, shares: &[f64]| {
        let mut all = BTreeMap::new();
        for name in of(&Solver::new(&Network::of(stage)).outcome()).keys() {
            all.insert(name.clone(), mix(shares, &|outcome| of(outcome).get(name).cloned()));
        }
        all
    };
    Outcome {
        throughput_per_s: mix(&in_time, &|it| Some(it.throughput_per_s.clone())),
        response_ms: Response {
            mean: mix(&of_requests, &|it| Some(it.response_ms.mean.clone())),
            p50: quantile(0.50, &|it| Some(it.response_ms.p50.clone())),
            p95: quantile(0.95, &|it| Some(it.response_ms.p95.clone())),
            p99: quantile(0.99, &|it| Some(it.response_ms.p99.clone())),
        },
        utilisation: names(&|it| &it.utilisation, &in_time),
        errors_per_s: names(&|it| &it.errors_per_s, &in_time),
        stale: Estimate::not_applicable("Theory does not follow what is out of date."),
        metrics: names(&|it| &it.metrics, &of_requests),
    }
}
