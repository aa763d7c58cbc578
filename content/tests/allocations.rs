//! Once the last stage of the journey is warm, its events allocate nothing.

use std::alloc::System;

use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test: the allocator counts for all threads.
#[test]
fn a_warm_run_of_ten_million_users_allocates_nothing() {
    let stage = hockeystick_content::builtin::stage("21-ten-million").expect("there is").expect("it is sound");
    let mut run = Simulation::new(&stage, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
    run.run_until(30 * SECOND_NS);
    let before = run.events();
    let region = Region::new(ALLOCATOR);
    run.run_until(50 * SECOND_NS);
    let (change, events) = (region.change(), run.events() - before);
    let allocations = change.allocations + change.reallocations;
    println!("stage 21, seed 1: {allocations} allocations in {events} events");
    // A queue or a store that grows larger than ever before takes more room: now and then in millions of events.
    assert!(events > 10_000_000 && (allocations as u64) <= events / 1_000_000 + 4, "{allocations} in {events} events");
}
