//! What the WebAssembly module exports: no bindings, no page.

use std::cell::RefCell;

use hockeystick_core::pack;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::units::SECOND_NS;

use crate::tight::Tight;

/// Most events of a run of a random stage: some are as busy as they can be.
const EVENTS_MOST: u64 = 500_000;
/// Events of a slice: an optimising compiler may take over between two of them, as in the page's worker.
const SLICE: u64 = 10_000;

/// A run of [`crate::case`], in slices, as the page's worker makes it.
pub fn ran(case: u32, seconds: u32, seed: u32) -> Option<Simulation> {
    let mut run = Simulation::new(&crate::case(case)?, u64::from(seed)).ok()?;
    let most = if case < 4 { u64::MAX } else { EVENTS_MOST };
    while !run.run_chunk(u64::from(seconds) * SECOND_NS, SLICE) && run.events() < most {}
    Some(run)
}

/// The fingerprint of a run of [`crate::case`]; zero where there is none.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn digest(case: u32, seconds: u32, seed: u32) -> u64 {
    ran(case, seconds, seed).map_or(0, |run| run.digest())
}

/// What is measured: a run of the engine, or the tight loop.
#[derive(Debug)]
enum Contestant {
    Engine(Box<Simulation>),
    Tight(Box<Tight>),
}

thread_local! {
    static PACKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static RUN: RefCell<Option<Contestant>> = const { RefCell::new(None) };
}

/// Room for so many bytes of a packed stage, to be written before [`open_packed`].
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    PACKED.with_borrow_mut(|packed| {
        packed.clear();
        packed.resize(bytes, 0);
        packed.as_mut_ptr()
    })
}

/// Begins a run of the stage in [`room`]. False when it is none.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn open_packed(seed: u32) -> bool {
    let stage = PACKED.take();
    let stage = pack::from_bytes(&stage).and_then(|stage| Simulation::new(&stage, u64::from(seed)).ok());
    put(stage.map(|run| Contestant::Engine(Box::new(run))))
}

/// Begins a run of [`crate::case`]. False where there is none.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn open(case: u32, seed: u32) -> bool {
    let run = crate::case(case).and_then(|stage| Simulation::new(&stage, u64::from(seed)).ok());
    put(run.map(|run| Contestant::Engine(Box::new(run))))
}

/// Begins a run of the tight loop: of workload A, with 0, or B.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn open_tight(case: u32, seed: u32) -> bool {
    let seed = u64::from(seed);
    put(Some(Contestant::Tight(Box::new(if case == 0 { Tight::a(seed) } else { Tight::b(seed) }))))
}

fn put(run: Option<Contestant>) -> bool {
    // The one before goes first: memory is measured too.
    RUN.set(None);
    let there = run.is_some();
    RUN.set(run);
    there
}

/// Lets the run go on until so many milliseconds have passed in it; its logical events so far.
#[expect(unsafe_code, reason = "a WebAssembly export needs its own name")]
#[unsafe(no_mangle)]
pub extern "C" fn advance(until_ms: u32) -> u64 {
    let until = u64::from(until_ms) * (SECOND_NS / 1_000);
    RUN.with_borrow_mut(|run| match run {
        Some(Contestant::Engine(run)) => {
            while !run.run_chunk(until, SLICE) {}
            run.events()
        }
        Some(Contestant::Tight(tight)) => {
            tight.run_until(until);
            tight.events()
        }
        None => 0,
    })
}
