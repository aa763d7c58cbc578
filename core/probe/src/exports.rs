//! What the WebAssembly module exports: no bindings, no page, one run a call.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;

fn ran(case: u32, seconds: u32, seed: u32) -> Option<Simulation> {
    let mut run = Simulation::new(&crate::case(case)?, u64::from(seed)).ok()?;
    // In slices, as the page's worker does: an optimising compiler may take over between two of them.
    while !run.run_chunk(u64::from(seconds) * SECOND_NS, 10_000) {}
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
