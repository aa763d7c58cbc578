//! A machine that changes its speed while it is measured.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::{GOOD, Server, request, run_with_meter};
use hockeystick_core::measurement::Results;
use tokio::io::AsyncWriteExt;

/// Runs a step of 200 requests against a station that is twice as busy once it has seen 120 of them. Its processor time is
/// that of a control group that this test writes itself.
fn measured() -> Results {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let server = Server::start(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            while request(&mut stream).await && stream.write_all(GOOD).await.is_ok() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let usage = folder.path().join("cpuacct.usage");
    write(&usage, 0.0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut used_s, mut before) = (0.0, Instant::now());
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(3));
                let busy = if seen.load(Ordering::Relaxed) < 120 { 0.4 } else { 0.8 };
                used_s += busy * before.elapsed().as_secs_f64();
                before = Instant::now();
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
    let results = measured();
    let step = &results.steps[0];
    let reason = &step.discarded[0];
    assert!(reason.contains("of app cpu in one third of the window"), "{reason}");
    assert_eq!(step.busy_by_slice["app cpu"].len(), 20);
    let busy = step.stations["app cpu"].processors();
    assert!((busy - 0.8).abs() < 0.1, "the second time it was slow from the first to the last: {busy}");
}
