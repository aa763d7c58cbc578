//! A machine that changes its speed while it is measured.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::common::{GOOD, Server, request, run_with_meter};
use hockeystick_core::measurement::Results;
use tokio::io::AsyncWriteExt;

/// Processor time of a request, in seconds; twice as much for those after so many.
const DEMAND_S: f64 = 0.004;
const SLOW_AFTER: u64 = 120;

/// Runs a step of 200 requests against a station that becomes slower in the middle of it. Its processor time is that of a
/// control group that this test writes itself, with every request, so that it depends on nothing else.
fn measured() -> Results {
    let folder = tempfile::tempdir().unwrap();
    let usage = folder.path().join("cpuacct.usage");
    write(&usage, 0.0);
    let (seen, meter) = (Arc::new(Mutex::new(0_u64)), usage.clone());
    let server = Server::start(move |mut stream| {
        let (seen, meter) = (Arc::clone(&seen), meter.clone());
        async move {
            while request(&mut stream).await {
                {
                    let mut seen = seen.lock().unwrap();
                    *seen += 1;
                    write(&meter, DEMAND_S * (*seen + seen.saturating_sub(SLOW_AFTER)) as f64);
                }
                if stream.write_all(GOOD).await.is_err() {
                    break;
                }
            }
        }
    });
    let plan = "arrivals = \"constant\"\nusers = 4\nsteps = [{ rate = \"100/s\", seconds = 2 }]";
    let meter = format!("app cpu=cgroup:{}", folder.path().display());
    run_with_meter(&server.url(), plan, folder.path(), &meter)
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
