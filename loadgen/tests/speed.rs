//! A machine that changes its speed while it is measured.

#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{GOOD, Server, run_with_meter};
use hockeystick_core::measurement::Results;

/// Runs a step of two seconds against a station whose processors are busy as `busy` says, so many seconds after the start.
/// They are those of a control group that this test writes itself.
fn measured(busy: fn(f64) -> f64) -> Results {
    let (server, folder) = (Server::answering(GOOD, true), tempfile::tempdir().unwrap());
    let usage = folder.path().join("cpuacct.usage");
    write(&usage, 0.0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (begun, mut used_s, mut at_s) = (Instant::now(), 0.0, 0.0);
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(3));
                let now_s = begun.elapsed().as_secs_f64();
                used_s += busy(now_s) * (now_s - at_s);
                at_s = now_s;
                write(&usage, used_s);
            }
        });
        let plan = "arrivals = \"constant\"\nusers = 4\nsteps = [{ rate = \"100/s\", seconds = 2 }]";
        let meter = format!("app cpu=cgroup:{}", folder.path().display());
        let results = run_with_meter(&server.url(), plan, folder.path(), &meter);
        over.store(true, Ordering::Relaxed);
        results
    })
}

/// At once, as the kernel does it: nobody reads half a number.
fn write(usage: &Path, used_s: f64) {
    let next = usage.with_extension("next");
    std::fs::write(&next, format!("{:.0}\n", used_s * 1e9)).unwrap();
    std::fs::rename(next, usage).unwrap();
}

#[test]
fn a_step_in_which_the_machine_became_slower_is_measured_again() {
    let results = measured(|at_s| if at_s < 1.2 { 0.4 } else { 0.8 });
    let step = &results.steps[0];
    let reason = &step.discarded[0];
    assert!(reason.contains("of app cpu in one third of the window"), "{reason}");
    assert_eq!(step.busy_by_slice["app cpu"].len(), 20);
    let busy = step.stations["app cpu"].processors();
    assert!((busy - 0.8).abs() < 0.1, "the second time it was slow from the first to the last: {busy}");
}
