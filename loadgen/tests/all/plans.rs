//! What plans may say beyond steps of one rate, against servers on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::{GOOD, Server, interrupted_after, pause, request, run};
use hockeystick_core::measurement::{Ended, Load};
use hockeystick_loadgen::plan;
use hockeystick_loadgen::run::{Unresumable, resumable};
use tokio::io::AsyncWriteExt;

/// The `read` of the harness, expecting more.
fn expecting(expect: &str) -> String {
    format!(
        "arrivals = \"constant\"\nusers = 4\nsteps = [{{ rate = \"20/s\", seconds = 1, mix = {{ write = 1 }} }}]\n\
         [[request]]\nclass = \"write\"\npath = \"/\"\n{expect}"
    )
}

#[test]
fn a_closed_loop_waits_for_its_answers_and_the_file_says_so() {
    let server = Server::start(|mut stream| async move {
        while request(&mut stream).await {
            pause(50).await;
            if stream.write_all(GOOD).await.is_err() {
                return;
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "steps = [{ users = 5, think = { mean = \"50 ms\", cv = 0.0 }, seconds = 2 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert!(matches!(&step.load, Some(Load::Closed(closed)) if closed.users == 5), "{:?}", step.load);
    // A cycle of 100 ms or a little more: at most 100 requests of five users, and never a sixth in flight.
    assert!((10..=105).contains(&step.due), "{}", step.due);
    assert_eq!((step.completed, step.failures()), (step.due, 0));
    assert!(step.in_flight <= 5.0 && step.schedule.is_none());
}

#[test]
fn a_ramp_sends_what_its_curve_holds() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nsteps = [{ ramp = { from = \"0/s\", to = \"100/s\" }, seconds = 2 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert_eq!((step.due, step.completed), (99, 99));
    assert!(matches!(&step.load, Some(Load::Curve(points)) if points.len() == 2), "{:?}", step.load);
    assert!((step.rate_per_s - 50.0).abs() < 1e-9 && step.held_out);
}

#[test]
fn a_setup_that_fails_ends_the_run_before_anything_is_measured() {
    let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    let folder = tempfile::tempdir().unwrap();
    let plan = "steps = [{ rate = \"20/s\", seconds = 600 }]\n[[setup]]\npath = \"/login\"";
    let results = run(&Server::answering(answer, true).url(), plan, folder.path());
    let Ended::Stopped(reason) = &results.ended else { panic!("{:?}", results.ended) };
    assert!(reason.contains("setup 1") && reason.contains("401"), "{reason}");
    assert!(results.steps.is_empty());
}

#[test]
fn a_threshold_that_stays_missed_stops_the_run() {
    let server = Server::answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", true);
    let folder = tempfile::tempdir().unwrap();
    let plan = "thresholds = [\"read errors < 1 % for 2 s\"]\nsteps = [{ rate = \"50/s\", seconds = 600 }]\n\
                [stop]\nerrors = 1.0";
    let results = run(&server.url(), plan, folder.path());
    assert!(matches!(&results.ended, Ended::Missed(text) if text.contains("read errors < 1 %")), "{:?}", results.ended);
}

#[test]
fn a_threshold_that_a_whole_step_misses_stops_the_run_and_the_step_is_kept() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let plan =
        "thresholds = [\"p95 < 1 us\"]\nsteps = [{ rate = \"50/s\", seconds = 1 }, { rate = \"50/s\", seconds = 600 }]";
    let results = run(&server.url(), plan, folder.path());
    assert!(matches!(&results.ended, Ended::Missed(_)), "{:?}", results.ended);
    assert_eq!(results.steps.len(), 1);
}

#[test]
fn new_connections_are_opened_for_each_request_and_timed() {
    let connections = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&connections);
    let server = Server::start(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            while request(&mut stream).await {
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nconnections = \"new\"\nsteps = [{ rate = \"50/s\", seconds = 1 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, connections.load(Ordering::Relaxed)), (49, 49));
    let opened = step.connections.unwrap();
    assert_eq!((opened.connect.count, opened.tls.count), (49, 0));
}

#[test]
fn slow_seconds_of_the_warm_up_count_for_no_threshold() {
    let begun = std::sync::OnceLock::new();
    let begun = Arc::new(begun);
    let server = Server::start(move |mut stream| {
        let begun = Arc::clone(&begun);
        async move {
            while request(&mut stream).await {
                // As a cache does that fills: through the warm-up, and most of the first second after it.
                if begun.get_or_init(std::time::Instant::now).elapsed().as_millis() < 3_700 {
                    pause(200).await;
                }
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let text = "schema = 1\nwarm_up = \"3 s\"\nthresholds = [\"p50 < 100 ms for 3 s\"]\nusers = 32\n\
                steps = [{ rate = \"50/s\", seconds = 4 }]\n[[request]]\nclass = \"read\"\npath = \"/\"\n";
    let folder = tempfile::tempdir().unwrap();
    let results = crate::common::run_plan(&server.url(), plan::read(text, "plan.toml").unwrap(), folder.path());
    assert_eq!((results.ended, results.steps.len()), (Ended::Complete, 1));
}

#[test]
fn values_that_make_no_request_are_the_plans_failure() {
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 1\nsteps = [{ rate = \"10/s\", seconds = 1, mix = { write = 1 } }]\n\
                [values]\nword = [\"two\\nlines\"]\n\
                [[request]]\nclass = \"write\"\npath = \"/\"\nheaders = { x-word = \"{word}\" }";
    let step = run(&Server::answering(GOOD, true).url(), plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, step.failed["plan"]), (0, 9), "{:?}", step.failed);
}

#[test]
fn a_body_that_is_not_as_expected_is_its_own_failure() {
    let nan = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":NaN}";
    for expect in ["expect = { json = { \"/id\" = 7 } }", "expect = { contains = \"done\" }"] {
        let folder = tempfile::tempdir().unwrap();
        let step = run(&Server::answering(nan, true).url(), &expecting(expect), folder.path()).steps.remove(0);
        assert_eq!((step.completed, step.failed["content"]), (0, 19), "{expect}");
    }
}

#[test]
fn a_run_goes_on_after_its_last_finished_step_and_only_with_its_own_plan() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.json");
    let text = "steps = [{ rate = \"50/s\", seconds = 1 }, { rate = \"60/s\", seconds = 3 }]";
    let first = interrupted_after(1_700, &server.url(), text, &out);
    assert_eq!((first.ended.clone(), first.steps.len()), (Ended::Interrupted, 1));

    let host = server.url().parse().unwrap();
    let rest = "\n[[request]]\nclass = \"read\"\npath = \"/\"\n";
    let plan = plan::read(&format!("schema = 1\nwarm_up = \"0 s\"\n{text}{rest}"), "plan.toml").unwrap();
    assert_eq!(resumable(&first, &plan, &host, None), Ok(()));
    let other = plan::read(&format!("schema = 1\n{text}{rest}"), "plan.toml").unwrap();
    assert_eq!(resumable(&first, &other, &host, None), Err(Unresumable::Plan));
    let second = crate::common::resume(&server.url(), plan, &out, first.clone());
    assert_eq!((second.ended.clone(), second.steps.len()), (Ended::Complete, 2));
    assert_eq!(second.steps[0], first.steps[0]);
}
