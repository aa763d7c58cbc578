//! Runs against servers on this machine: what is measured, and that nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::{GOOD, Server, interrupted_after, pause, request, run, run_repeating, try_run};
use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::{Ended, Step};
use hockeystick_core::workload::Class;
use hockeystick_loadgen::plan::PlannedStep;
use hockeystick_loadgen::run::{Interrupt, Progress, View};
use hockeystick_loadgen::store;
use tokio::io::AsyncWriteExt;

#[test]
fn every_due_request_is_sent_once_and_counted_once() {
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let server = Server::start(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            while request(&mut stream).await {
                counter.fetch_add(1, Ordering::Relaxed);
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 8\nsteps = [{ rate = \"200/s\", seconds = 1 }, { rate = \"300/s\", seconds = 1 }]";
    let results = run(&server.url(), plan, folder.path());
    assert_eq!(results.ended, Ended::Complete);
    assert_eq!(results.steps.iter().map(|step| step.due).collect::<Vec<_>>(), [199, 299]);
    for step in &results.steps {
        assert_eq!((step.completed, step.failures()), (step.due, 0));
        assert_eq!(step.classes[&Class::Read].due, step.due);
        assert_eq!(step.slices.iter().map(|slice| slice.completed).sum::<u64>(), step.due);
        assert!(step.response.mean_us >= step.service.mean_us);
    }
    // Eight users opened a connection with a request each before the first step.
    assert_eq!(seen.load(Ordering::Relaxed), 199 + 299 + 8);
    assert!(store::read_results(&folder.path().join("results.json")).unwrap() == results);
}

#[test]
fn a_stall_of_the_server_shows_in_full() {
    // The server answers nothing from 0.5 to 1.5 s after its first request: a closed loop would see one slow answer.
    let begun = Arc::new(std::sync::OnceLock::new());
    let server = Server::start(move |mut stream| {
        let begun = Arc::clone(&begun);
        async move {
            while request(&mut stream).await {
                let stall = *begun.get_or_init(Instant::now) + Duration::from_millis(500);
                let now = Instant::now();
                if now > stall && now < stall + Duration::from_secs(1) {
                    tokio::time::sleep_until((stall + Duration::from_secs(1)).into()).await;
                }
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 10\nsteps = [{ rate = \"100/s\", seconds = 3 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    // One hundred of three hundred requests were due in the stall and waited half a second on average, though only ten
    // users could be in flight.
    assert!(step.response.max_us > 900_000, "{}", step.response.max_us);
    let mean_us = step.response.mean_us;
    assert!((100_000.0..300_000.0).contains(&mean_us), "{mean_us}");
    assert!(step.users_exhausted > 50, "{}", step.users_exhausted);
    assert!(step.service.mean_us < mean_us / 2.0);
    assert_eq!(step.completed, step.due);
    let little = step.throughput_per_s() * mean_us / 1e6;
    assert!((step.in_flight - little).abs() < 0.25 * little, "N {} X·R {little}", step.in_flight);
}

/// A request may wait for a user, and then for its answer: both are waited for at the end of a step.
#[test]
fn no_request_is_lost_that_waits_for_a_user_and_then_for_a_slow_answer() {
    let seen = Arc::new(AtomicU64::new(0));
    let server = Server::start(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            while request(&mut stream).await {
                // One that opens the connection and five of the step are quick, its last two slow.
                if seen.fetch_add(1, Ordering::Relaxed) >= 6 {
                    pause(1_400).await;
                }
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 1\ntimeout = \"1.9 s\"\nsteps = [{ rate = \"8/s\", seconds = 1 }]\n\
                [stop]\nresponse = \"1.9 s\"\nerrors = 1.0";
    let results = run(&server.url(), plan, folder.path());
    let step = &results.steps[0];
    assert_eq!((results.ended.clone(), step.due), (Ended::Complete, 7));
    assert_eq!((step.completed, step.failures()), (7, 0), "{:?}", step.failed);
    // Longer than either of the two.
    assert!(step.response.max_us > 2_600_000, "{}", step.response.max_us);
}

/// The disk is full when the first step ends, and has room again soon.
#[test]
fn results_that_cannot_be_written_are_tried_again() {
    struct Full(std::path::PathBuf, AtomicBool);

    impl View for Full {
        fn step_begins(&self, number: usize, _: usize, _: &PlannedStep) {
            if number == 1 {
                std::fs::remove_dir_all(&self.0).unwrap();
            }
        }
        fn progress(&self, _: &Progress) {}
        fn step_ends(&self, number: usize, _: &Step) {
            // What was measured is seen before it is written.
            assert_eq!(self.0.exists(), number > 1);
        }
        fn step_repeats(&self, _: usize, _: &str) {}
        fn cannot_write(&self, reason: &str) {
            assert!(reason.contains("make room"), "{reason}");
            self.1.store(true, Ordering::Relaxed);
            std::fs::create_dir(&self.0).unwrap();
        }
    }

    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let full = Full(folder.path().join("disk"), AtomicBool::new(false));
    std::fs::create_dir(&full.0).unwrap();
    let out = full.0.join("results.json");
    let plan = "users = 2\nsteps = [{ rate = \"20/s\", seconds = 1 }, { rate = \"20/s\", seconds = 1 }]";
    let results = crate::common::run_seen(&server.url(), plan, &out, &full);
    assert!(full.1.load(Ordering::Relaxed));
    assert_eq!((results.ended.clone(), results.steps.len()), (Ended::Complete, 2));
    assert!(store::read_results(&out).unwrap() == results);
}

#[test]
fn an_interrupted_run_keeps_its_finished_steps() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    let plan = "steps = [{ rate = \"50/s\", seconds = 1 }, { rate = \"50/s\", seconds = 600 }]";
    let begun = Instant::now();
    let results = interrupted_after(1_700, &server.url(), plan, &out);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!((results.ended.clone(), results.steps.len()), (Ended::Interrupted, 1));
    assert!(store::read_results(&out).unwrap() == results);
}

#[test]
fn a_step_is_on_the_disk_before_the_next_begins() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    let second_step = Arc::new(AtomicBool::new(false));
    let server = {
        let (out, second_step) = (out.clone(), Arc::clone(&second_step));
        let seen = Arc::new(AtomicU64::new(0));
        Server::start(move |mut stream| {
            let (out, seen, second_step) = (out.clone(), Arc::clone(&seen), Arc::clone(&second_step));
            async move {
                while request(&mut stream).await {
                    // One user, so one request to connect and 99 of the first step come before.
                    if seen.fetch_add(1, Ordering::Relaxed) == 100 {
                        let file = store::read_results(&out).unwrap();
                        second_step.store(file.steps.len() == 1 && file.ended == Ended::Running, Ordering::Relaxed);
                    }
                    if stream.write_all(GOOD).await.is_err() {
                        return;
                    }
                }
            }
        })
    };
    let plan = "arrivals = \"constant\"\nusers = 1\nsteps = [{ rate = \"100/s\", seconds = 1 }, { rate = \"100/s\", seconds = 1 }]";
    try_run(&server.url(), plan, &out, &Interrupt::default()).unwrap();
    assert!(second_step.load(Ordering::Relaxed));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_sent() {
    let seen = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&seen);
    let server = Server::start(move |_| {
        noted.store(true, Ordering::Relaxed);
        pause(1)
    });
    let out = std::path::Path::new("/dev/null/results.json");
    let error =
        try_run(&server.url(), "steps = [{ rate = \"50/s\", seconds = 1 }]", out, &Interrupt::default()).unwrap_err();
    assert!(error.to_string().contains("cannot write /dev/null/results.json"), "{error}");
    assert!(!seen.load(Ordering::Relaxed));
}

#[test]
fn a_step_that_was_disturbed_is_repeated_and_the_file_says_why() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    // A blocked runtime is a late generator: every look at the first measurement keeps its only thread for a while.
    let late = LateOnce::default();
    let plan = "arrivals = \"constant\"\nusers = 64\nsteps = [{ rate = \"200/s\", seconds = 1 }]";
    let results = run_repeating(&server.url(), plan, &out, &[], &late);
    assert_eq!((results.ended.clone(), results.steps.len()), (Ended::Complete, 1));
    let discarded = &results.steps[0].discarded;
    assert!(!discarded.is_empty() && discarded[0].contains("late"), "{discarded:?}");
    assert_eq!(late.ended.load(Ordering::Relaxed) as usize, discarded.len() + 1);
    assert!(store::read_results(&out).unwrap() == results);
}

/// Lateness spoils no busy time, and a mix of its own is in no curve: what such a step is for was not disturbed.
#[test]
fn a_late_step_that_is_there_for_demands_alone_is_not_repeated() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    let meter = format!("box cpu=pid:{}", std::process::id());
    let measured = |mix: &str| {
        let plan = format!("arrivals = \"constant\"\nusers = 64\nsteps = [{{ rate = \"200/s\", seconds = 1{mix} }}]");
        run_repeating(&server.url(), &plan, &out, &[&meter], &LateOnce::default()).steps.remove(0)
    };
    assert!(!measured("").discarded.is_empty());
    let alone = measured(", mix = { read = 1 }");
    // Other programs do spoil its busy time, and tests run beside one another.
    assert!(alone.discarded.iter().all(|reason| reason.contains("other programs")), "{:?}", alone.discarded);
    assert!(!alone.discarded.is_empty() || !doubts(0, &alone).is_empty());
}

/// Keeps the generator's thread while the first measurement runs.
#[derive(Default)]
struct LateOnce {
    ended: AtomicU64,
}

impl View for LateOnce {
    fn step_begins(&self, _: usize, _: usize, _: &PlannedStep) {}
    fn progress(&self, _: &Progress) {
        if self.ended.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    fn step_ends(&self, _: usize, _: &Step) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
    fn step_repeats(&self, _: usize, _: &str) {}
}
