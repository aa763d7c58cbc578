//! Laws that every run keeps, on stages that nobody has thought of; see `hockeystick_probe::laws`.
//!
//! A failure prints the number of its stage: `HOCKEYSTICK_FIRST=<number> HOCKEYSTICK_COUNT=1 cargo test -p
//! hockeystick-core --test all random_stages::` plays it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hockeystick_probe::laws::{Trial, trial};

fn number_from(variable: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test may be told what to do")]
    let text = std::env::var(variable);
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Tries so many stages from the first on, on all cores; what broke, by number.
fn try_stages(first: u64, count: u64) -> Vec<String> {
    let next = AtomicU64::new(first);
    let faults = Mutex::new(Vec::new());
    let sums = Mutex::new((0, Trial::default(), 0));
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= first + count {
            return;
        }
        let fault = match catch_unwind(AssertUnwindSafe(|| trial(number))) {
            Ok(Ok(trial)) => {
                let mut sums = sums.lock().expect("no worker panics");
                sums.0 += 1;
                sums.1.events += trial.events;
                sums.1.arrived += trial.arrived;
                sums.2 += u64::from(trial.rested);
                continue;
            }
            Ok(Err(fault)) => fault,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
            }
        };
        faults.lock().expect("no worker panics").push(format!("stage {number}: {fault}"));
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let (kept, sum, rested) = sums.into_inner().expect("no worker panics");
    println!(
        "{kept} stages of {count} from {first} on: {} events, {} requests, {rested} at rest",
        sum.events, sum.arrived
    );
    let mut faults = faults.into_inner().expect("no worker panics");
    faults.sort();
    faults
}

#[test]
fn laws_hold_on_stages_that_nobody_has_thought_of() {
    let faults = try_stages(number_from("HOCKEYSTICK_FIRST", 1_000), number_from("HOCKEYSTICK_COUNT", 400));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
