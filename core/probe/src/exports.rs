//! What the WebAssembly module exports: no bindings, no page, one run a call.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;

/// Most events of a run of a random stage: some are as busy as they can be.
const EVENTS_MOST: u64 = 500_000;

/// A run of [`crate::case`], in slices, as the page's worker makes it: an optimising compiler may take over between two of
/// them.
pub fn ran(case: u32, seconds: u32, seed: u32) -> Option<Simulation> {
    let mut run = Simulation::new(&crate::case(case)?, u64::from(seed)).ok()?;
    let most = if case < 4 { u64::MAX } else { EVENTS_MOST };
    while !run.run_chunk(u64::from(seconds) * SECOND_NS, 10_000) && run.events() < most {}
    Some(run)
}

/// The fingerprint of a run of [`crate::case`]; zero where there is none.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn digest(case: u32, seconds: u32, seed: u32) -> u64 {
    ran(case, seconds, seed).map_or(0, |run| run.digest())
}

/// The number of events of a run.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn events(case: u32, seconds: u32, seed: u32) -> u64 {
    ran(case, seconds, seed).map_or(0, |run| run.events())
}
