//! Stages that several tests use.
#![allow(dead_code, reason = "each test crate uses some of them")]

use hockeystick_core::component::{Settings, app_server, clients, database, dns};
use hockeystick_core::hardware::Machine;
use hockeystick_core::stage::{Component, Link, NamedMachine, Placement, Stage};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Demand, PerClass, Workload};

/// Users, one application server without a database, on one machine: a single station.
pub(crate) fn single_station(rate_per_s: f64, demand: Demand, machine: Machine) -> Stage {
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
        links: vec![Link { from: 0, to: 1, latency: Duration::ZERO }],
        faults: Vec::new(),
        challenge: None,
    }
}

/// Users who wait for ever and open no connections.
pub(crate) fn patient() -> clients::Settings {
    clients::Settings { timeout: Duration::from_s(600), visit: 1_000_000, handshake: 0 }
}

/// The first stage: everything on one box, with default settings.
pub(crate) fn first_stage(rate_per_s: f64) -> Stage {
    let link = |from, to, ms| Link { from, to, latency: Duration::from_ms(ms) };
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
        faults: Vec::new(),
        challenge: None,
    }
}

/// A component in the middle of the board.
pub(crate) fn component(id: &str, machine: Option<usize>, settings: Settings) -> Component {
    Component { id: id.into(), copies: 1, machine: machine.map(Placement::Shared), at: [0.0, 0.0], settings }
}
