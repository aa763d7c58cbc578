//! The workloads by which speed is told, and what counts as an event in them, whoever simulates them.
//!
//! A *logical event* is one step of a request: it comes from its user, it reaches a station, a station is done with it, its
//! answer gets back to who asked. How many of them an engine has to schedule is its own affair: a request takes the same
//! steps in every engine, so that events a second compare engines as requests a second would.

use hockeystick_core::component::{Settings, app_server, cache, load_balancer, replica};
use hockeystick_core::hardware::Machine;
use hockeystick_core::stage::{Component, Link, Placement, Stage};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Demand, PerClass, Workload};

use crate::{component, patient, single_station};

/// Arrivals a second of workload A, and its mean demand in milliseconds.
pub const A: (f64, f64) = (800.0, 1.0);
/// A request of workload A: sent, at the station, served, answered.
pub const A_EVENTS: u64 = 4;

/// The numbers of workload B. Every station is 70 % busy.
#[derive(Clone, Copy, Debug)]
pub struct B {
    /// Requests a second.
    pub rate_per_s: f64,
    /// Share of the requests whose answer is in the cache.
    pub hits: f64,
    /// Application servers, and the processors of each.
    pub apps: (usize, usize),
    /// Replicas of the database, and the processors of each.
    pub replicas: (usize, usize),
    /// Mean demands in milliseconds, exponential: a request at the balancer, all slices of it at its application server,
    /// an operation of the cache, a query.
    pub demand_ms: [f64; 4],
}

/// Workload B: a balancer, eight two-processor application servers, a cache that has four answers in five, and three
/// four-processor replicas for the fifth.
pub const WORKLOAD_B: B = B {
    rate_per_s: 11_200.0,
    hits: 0.8,
    apps: (8, 2),
    replicas: (3, 4),
    // The cache does 1.2 operations for each request: it is told what it did not have.
    demand_ms: [0.7 / 11.2, 1.0, 0.7 / (1.2 * 11.2), 3.75],
};

/// A request of workload B that the cache has the answer to: sent; at the balancer and through; at its application server
/// and through its first slice; at the cache, through and back; through the last slice; the answer at the balancer and at
/// the user.
pub const B_HIT_EVENTS: u64 = 11;
/// One that it has not: besides, a slice before the query; at the replica, through and back; a slice; at the cache again,
/// through and back.
pub const B_MISS_EVENTS: u64 = 19;

/// Equal parts in which a request's work at its application server is done: before, between and after its calls. With a
/// hit the calls that are saved leave theirs to the last.
pub const B_SLICES: u32 = 4;

/// Where a request of workload B goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// To its application server, for so many slices.
    App(u32),
    /// To the cache.
    Cache,
    /// To one of the replicas, evenly at random.
    Replica,
    /// Back to its user.
    Done,
}

/// Where a request goes that so many stations have served; whether it is a hit is known once the cache has.
pub const fn next_hop(served: u8, hit: bool) -> Hop {
    match served {
        3 if hit => Hop::App(B_SLICES - 1),
        4 if hit => Hop::Done,
        1 | 3 | 5 | 7 => Hop::App(1),
        2 | 6 => Hop::Cache,
        4 => Hop::Replica,
        _ => Hop::Done,
    }
}

/// Workload A: one processor, Poisson arrivals, exponential demands, 80 % busy.
pub fn workload_a() -> Stage {
    single_station(A.0, exponential_ms(A.1), Machine::default())
}

/// Workload B, of the very components that stages are made of: a cache with real keys, a balancer that checks its
/// servers' health.
pub fn workload_b() -> Stage {
    let B { rate_per_s, apps, replicas, demand_ms, .. } = WORKLOAD_B;
    let own = |processors: usize| {
        let machine = Machine { vcpus: processors as u32, memory: Bytes(64_000_000_000), ..Machine::default() };
        Some(Placement::Own { size: None, machine })
    };
    let [balancer_ms, app_ms, cache_ms, query_ms] = demand_ms;
    let balancer = load_balancer::Settings {
        demand: exponential_ms(balancer_ms),
        tls: Demand::NONE,
        connections: 1_000_000,
        ..load_balancer::Settings::default()
    };
    let app = app_server::Settings {
        workers: 100_000,
        demand: PerClass::all(exponential_ms(app_ms)),
        queries: PerClass::all(1),
        ..app_server::Settings::default()
    };
    let cache = cache::Settings {
        entries: CACHED,
        ttl: Duration::ZERO,
        demand: exponential_ms(cache_ms),
        ..cache::Settings::default()
    };
    let rows = replica::Settings {
        demand: PerClass::all(exponential_ms(query_ms)),
        connections: 1_000_000,
        memory_per_connection: Bytes(0),
        ..replica::Settings::default()
    };
    let copies =
        |component: Component, copies: usize, machine| Component { copies: copies as u32, machine, ..component };
    let mut workload =
        Workload { rate: Rate::per_second(rate_per_s), mix: PerClass([0.0, 1.0, 0.0, 0.0]), ..Workload::default() };
    workload.popularity.items = ITEMS;
    Stage {
        title: "Workload B".into(),
        workload,
        components: vec![
            component("users", None, Settings::Clients(patient())),
            copies(component("balancer", None, Settings::LoadBalancer(balancer)), 1, own(1)),
            copies(component("app", None, Settings::AppServer(app)), apps.0, own(apps.1)),
            copies(component("cache", None, Settings::Cache(cache)), 1, own(1)),
            copies(component("replica", None, Settings::Replica(rows)), replicas.0, own(replicas.1)),
        ],
        links: [(0, 1), (1, 2), (2, 3), (2, 4)].map(|(from, to)| Link::new(from, to, Duration::ZERO)).to_vec(),
        ..Stage::default()
    }
}

/// Items that requests of workload B ask for, by Zipf's law, and how many of them the cache has room for: so many that it
/// has four in five of what is asked for.
const ITEMS: u64 = 100_000;
const CACHED: u32 = 19_300;

fn exponential_ms(mean: f64) -> Demand {
    Demand::exponential(Duration::from_secs_f64(mean / 1e3))
}
