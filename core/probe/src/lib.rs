//! Reference stages for tests and benchmarks of the engine, and the engine as a bare WebAssembly module.

pub mod exports;
pub mod fuzz;
pub mod laws;
pub mod measured;
pub mod random;
pub mod tight;
pub mod workloads;

use hockeystick_core::component::{Settings, app_server, clients, database, dns};
use hockeystick_core::hardware::Machine;
use hockeystick_core::stage::{Component, Fault, FaultKind, Link, NamedMachine, Placement, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Demand, PerClass, Workload};

pub use workloads::{workload_a, workload_b};

/// Users, one application server without a database, on one machine: a single station.
pub fn single_station(rate_per_s: f64, demand: Demand, machine: Machine) -> Stage {
    Stage {
        title: "One station".into(),
        workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
        machines: vec![NamedMachine { id: "box".into(), size: None, machine }],
        components: vec![
            component("users", None, Settings::Clients(patient())),
            component(
                "app",
                Some(0),
                Settings::AppServer(app_server::Settings {
                    workers: 100_000,
                    backlog: 0,
                    demand: PerClass::all(demand),
                    memory_per_request: Bytes(0),
                    ..app_server::Settings::default()
                }),
            ),
        ],
        links: vec![Link::new(0, 1, Duration::ZERO)],
        ..Stage::default()
    }
}

/// Users who wait for ever and open no connections.
pub fn patient() -> clients::Settings {
    clients::Settings { timeout: Duration::from_s(600), visit: 1_000_000, handshake: 0, ..clients::Settings::default() }
}

/// The first stage: everything on one box, with default settings.
pub fn first_stage(rate_per_s: f64) -> Stage {
    let link = |from, to, ms| Link::new(from, to, Duration::from_ms(ms));
    Stage {
        title: "Everything on one box".into(),
        workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
        machines: vec![NamedMachine { id: "box".into(), size: None, machine: Machine::default() }],
        components: vec![
            component("users", None, Settings::Clients(clients::Settings::default())),
            component("dns", None, Settings::Dns(dns::Settings::default())),
            component("app", Some(0), Settings::AppServer(app_server::Settings::default())),
            component("database", Some(0), Settings::Database(database::Settings::default())),
        ],
        links: vec![link(0, 1, 5), link(0, 2, 15), link(2, 3, 0)],
        ..Stage::default()
    }
}

/// A component in the middle of the board.
pub fn component(id: &str, machine: Option<usize>, settings: Settings) -> Component {
    Component {
        id: id.into(),
        copies: 1,
        machine: machine.map(Placement::Shared),
        region: None,
        at: [0.0, 0.0],
        settings,
    }
}

/// A stage by number, for callers who have only numbers.
pub fn case(number: u32) -> Option<Stage> {
    match number {
        0 => Some(workload_a()),
        1 => Some(workload_b()),
        2 => Some(first_stage(60.0)),
        3 => Some(eventful()),
        4..=9 => Some(random::everything(u64::from(number))),
        _ => Some(random::stage(u64::from(number))),
    }
}

/// The first stage at a rate that keeps its processor 80 % busy, under a quota, with every kind of fault.
pub fn eventful() -> Stage {
    let mut stage = first_stage(60.0);
    stage.set_knob("box.quota", 0.9);
    let fault =
        |at, lasts, on, kind| Fault { at: Duration::from_s(at), lasts: Some(Duration::from_s(lasts)), on, kind };
    stage.faults = vec![
        fault(20, 5, Target::Machine(0), FaultKind::Down),
        fault(60, 5, Target::Component(3, None), FaultKind::Down),
        fault(80, 10, Target::Component(2, None), FaultKind::Slow { speed: 0.3 }),
        fault(120, 30, Target::Component(2, None), FaultKind::MemoryLeak { per_s: Bytes(60_000_000) }),
    ];
    stage
}
