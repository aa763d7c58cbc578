//! Once a run is warm, its events allocate nothing.

use std::alloc::System;

use hockeystick_core::component::{Kind, Settings, app_server, cache, clients, database, load_balancer, replica};
use hockeystick_core::hardware::Machine;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Component, Link, Placement, Stage};
use hockeystick_core::units::{Bytes, Duration, SECOND_NS};
use hockeystick_core::workload::PerClass;
use hockeystick_probe::{component, first_stage, workload_a, workload_b};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Users, a balancer, six application servers, a cache, a queue with its workers, a database and two replicas.
fn tiers() -> Stage {
    let machine = Machine { vcpus: 4, memory: Bytes(64_000_000_000), ..Machine::default() };
    let own = Some(Placement::Own { size: None, machine });
    let on_own = |id, settings, copies| Component { machine: own.clone(), copies, ..component(id, None, settings) };
    let mut stage = first_stage(600.0);
    stage.machines.clear();
    stage.workload.popularity.items = 20_000;
    let app = app_server::Settings { queries: PerClass([0, 2, 3, 1]), pool: 20, ..app_server::Settings::default() };
    let cache = cache::Settings { entries: 2_000, ..cache::Settings::default() };
    stage.components = vec![
        component("users", None, Settings::Clients(clients::Settings::default())),
        on_own("balancer", Settings::LoadBalancer(load_balancer::Settings::default()), 1),
        on_own("app", Settings::AppServer(app), 6),
        on_own("cache", Settings::Cache(cache), 1),
        on_own("database", Settings::Database(database::Settings::default()), 1),
        on_own("replica", Settings::Replica(replica::Settings::default()), 2),
        on_own("queue", Kind::Queue.default_settings(), 1),
        on_own("worker", Settings::AppServer(app), 2),
    ];
    let ms = Duration::from_ms;
    stage.links = [(0, 1, 15), (1, 2, 0), (2, 3, 1), (2, 4, 1), (2, 5, 1), (2, 6, 1), (5, 4, 1), (6, 7, 1), (7, 4, 1)]
        .into_iter()
        .map(|(from, to, latency)| Link::new(from, to, ms(latency)))
        .collect();
    stage
}

/// Allocations of the second half of a run, and its events.
fn allocations(stage: &Stage, seconds: u64) -> (usize, u64) {
    let mut run = Simulation::new(stage, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
    run.run_until(seconds * SECOND_NS);
    let before = run.events();
    let region = Region::new(ALLOCATOR);
    run.run_until(2 * seconds * SECOND_NS);
    let change = region.change();
    (change.allocations + change.reallocations, run.events() - before)
}

// One test: the allocator counts for all threads.
#[test]
fn a_warm_run_allocates_nothing() {
    let mut faults = Vec::new();
    let stages = [
        ("workload A", workload_a(), 200),
        ("workload B", workload_b(), 60),
        ("first stage", first_stage(30.0), 2_000),
        ("tiers", tiers(), 400),
    ];
    for (name, stage, seconds) in stages {
        let (allocations, events) = allocations(&stage, seconds);
        println!("{name}: {allocations} allocations in {events} events");
        // A queue that grows longer than ever before takes more room: once or twice in millions of events.
        if events < 100_000 || allocations as u64 > events / 1_000_000 + 4 {
            faults.push(format!("{name}, seed 1: {allocations} allocations in {events} events"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
