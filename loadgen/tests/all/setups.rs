//! What comes before the first step: setups that fail, hang or are slow, and how fast all of it is sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{GOOD, Server, pause, request, run, run_at_most};
use hockeystick_core::measurement::{Ended, Results};
use tokio::io::AsyncWriteExt;

/// A server whose answers take so long, and how often it was asked.
fn slow(ms: u64, answer: &'static [u8]) -> (Server, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::start(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            while request(&mut stream).await {
                counter.fetch_add(1, Ordering::Relaxed);
                pause(ms).await;
                if stream.write_all(answer).await.is_err() {
                    return;
                }
            }
        }
    });
    (server, asked)
}

#[track_caller]
fn stopped(results: &Results, because: &str) {
    let Ended::Stopped(reason) = &results.ended else { panic!("{:?}", results.ended) };
    assert!(reason.contains("setup 1 (GET) failed") && reason.contains(because), "{reason}");
    assert!(results.steps.is_empty());
}

#[test]
fn a_setup_without_an_answer_in_time_ends_the_run_before_anything_is_measured() {
    for (per, answer_ms) in [("run", 60_000), ("user", 60_000), ("user", 1_500)] {
        let (server, _) = slow(answer_ms, GOOD);
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let plan = format!(
            "users = 64\ntimeout = \"1 s\"\nsteps = [{{ rate = \"20/s\", seconds = 600 }}]\n\
             [[setup]]\npath = \"/log-in\"\nper = \"{per}\""
        );
        stopped(&run(&server.url(), &plan, folder.path()), "timeout");
        assert!(begun.elapsed() < Duration::from_secs(8), "{per}: {:?}", begun.elapsed());
    }
}

#[test]
fn slow_setups_of_many_users_are_waited_for() {
    let (server, asked) = slow(300, GOOD);
    let folder = tempfile::tempdir().unwrap();
    let plan = "users = 320\ntimeout = \"400 ms\"\nconnections = \"new\"\nsteps = [{ rate = \"5/s\", seconds = 1 }]\n\
                [[setup]]\npath = \"/log-in\"";
    let results = run(&server.url(), plan, folder.path());
    assert_eq!((results.ended.clone(), results.steps[0].failures()), (Ended::Complete, 0));
    assert_eq!(asked.load(Ordering::Relaxed), 320 + results.steps[0].due);
}

#[test]
fn when_one_log_in_has_failed_no_other_is_tried() {
    let (server, asked) = slow(20, b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let folder = tempfile::tempdir().unwrap();
    let plan = "users = 200\nsteps = [{ rate = \"20/s\", seconds = 600 }]\n[[setup]]\npath = \"/log-in\"";
    stopped(&run(&server.url(), plan, folder.path()), "401");
    // As many as are sent at the same time.
    assert!(asked.load(Ordering::Relaxed) <= 8, "{asked:?}");
}

#[test]
fn setups_and_connections_keep_to_the_rate_that_is_allowed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let server = Server::start(move |mut stream| {
        let noted = Arc::clone(&noted);
        async move {
            while request(&mut stream).await {
                noted.lock().unwrap().push(Instant::now());
                if stream.write_all(GOOD).await.is_err() {
                    return;
                }
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "users = 60\nsteps = [{ rate = \"1/s\", seconds = 0.1 }]\n[[setup]]\npath = \"/log-in\"";
    let results = run_at_most(100.0, &server.url(), plan, folder.path());
    assert_eq!(results.ended, Ended::Complete);
    let seen = seen.lock().unwrap();
    // 120 turns of 10 ms; and however the machine stalls, no second sees many more than a hundred.
    assert!(seen.len() >= 120 && seen[119] - seen[0] >= Duration::from_millis(1_000), "{:?}", seen[119] - seen[0]);
}
