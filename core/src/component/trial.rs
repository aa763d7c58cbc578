//! Small boards on which a component is tried.

use super::{MetricReading, Settings, app_server, clients};
use crate::hardware::Machine;
use crate::simulate::Simulation;
use crate::stage::{Component, Fault, FaultKind, Link, Placement, Stage, Target};
use crate::units::{Bytes, Duration, Rate, SECOND_NS};
use crate::workload::{Demand, PerClass, Popularity, Workload};

/// Users who wait for ever, an application server, and what else is named, each on a machine that is never busy.
pub(super) fn stage(rate_per_s: f64, mix: [f64; 4], others: Vec<(&str, Settings)>, links: &[(usize, usize)]) -> Stage {
    let machine = Machine {
        vcpus: 512,
        memory: Bytes(1_000_000_000_000),
        disk_latency: Duration::from_ns(100_000),
        ..Machine::default()
    };
    let users = clients::Settings { timeout: Duration::from_s(600), handshake: 0, ..clients::Settings::default() };
    let mut components = vec![("users", Settings::Clients(users)), ("app", Settings::AppServer(app(1)))];
    components.extend(others);
    let place = |(id, settings): (&str, Settings)| Component {
        id: id.into(),
        copies: 1,
        machine: settings.kind().about().hosted.then(|| Placement::Own { size: None, machine: machine.clone() }),
        region: None,
        at: [0.0, 0.0],
        settings,
    };
    let links = [(0, 1)].iter().chain(links);
    Stage {
        title: "A trial".into(),
        workload: Workload {
            rate: Rate::per_second(rate_per_s),
            mix: PerClass(mix),
            popularity: Popularity { zipf: 1.0, items: 2_000 },
            ..Workload::default()
        },
        components: components.into_iter().map(place).collect(),
        links: links.map(|(from, to)| Link::new(*from, *to, Duration::from_ns(100_000))).collect(),
        ..Stage::default()
    }
}

/// An application server whose requests all take so many milliseconds, with one query each.
pub(super) fn app(ms: u64) -> app_server::Settings {
    app_server::Settings {
        workers: 10_000,
        demand: PerClass::all(Demand::constant(Duration::from_ms(ms))),
        queries: PerClass::all(1),
        memory_per_request: Bytes(0),
        ..app_server::Settings::default()
    }
}

/// A fault on a component, in seconds.
pub(super) fn fault(component: usize, kind: FaultKind, at_s: u64, lasts_s: u64) -> Fault {
    let lasts = Some(Duration::from_s(lasts_s));
    Fault { at: Duration::from_s(at_s), lasts, on: Target::Component(component, None), kind }
}

/// The stage after so many seconds. Every request must be accounted for.
pub(super) fn after(stage: &Stage, seconds: u64) -> Simulation {
    let mut run = Simulation::new(stage, 1).unwrap_or_else(|problems| panic!("{problems:#?}"));
    run.run_until(seconds * SECOND_NS);
    run
}

/// A component's own figure.
pub(super) fn metric(run: &Simulation, node: usize, name: &str) -> f64 {
    let metrics = run.metrics(node);
    let found = metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no metric {name} among {metrics:?}")).reading.number()
}

/// How often something was counted, by a ratio's first number.
pub(super) fn part(run: &Simulation, node: usize, name: &str) -> f64 {
    match run.metrics(node).iter().find(|metric| metric.name == name).map(|metric| metric.reading) {
        Some(MetricReading::Ratio(part, _)) => part,
        other => panic!("{name} is no ratio: {other:?}"),
    }
}
