//! Hosts that refuse, hang, drip, reset or close connections as they like: each is its own kind of failure, and the run
//! ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::common::bad::{documented, fails_as};
use crate::common::{GOOD, Server, pause, request, run};
use hockeystick_core::measurement::Ended;
use tokio::io::AsyncWriteExt;

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    fails_as("refused", "is not there: nobody listens at the port", &format!("http://{address}"));
}

#[test]
fn the_name_has_no_address() {
    // RFC 6761, section 6.4: no resolver has an address for such a name, nor asks another for one.
    fails_as("dns", "has a name without an address", "http://nobody.invalid");
}

#[test]
fn the_server_never_answers() {
    let server = Server::start(|stream| async move {
        pause(60_000).await;
        drop(stream);
    });
    fails_as("timeout", "takes the connection and never answers", &server.url());
}

#[test]
fn the_server_drips_its_answer() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        for byte in GOOD {
            pause(50).await;
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    });
    fails_as("timeout", "drips its answer, a byte at a time", &server.url());
}

#[test]
fn the_server_hangs_up_instead_of_answering() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
    });
    fails_as("reset", "closes the connection instead of answering", &server.url());
}

#[test]
fn the_server_resets_the_connection() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    });
    fails_as("reset", "resets the connection (RST) instead of answering", &server.url());
}

#[test]
fn the_server_resets_within_the_head() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(&GOOD[..20]).await;
        pause(20).await;
        stream.set_zero_linger().unwrap();
    });
    fails_as("reset", "resets the connection within the answer's head", &server.url());
}

#[test]
fn the_server_resets_within_the_body() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nsome of it").await;
        pause(20).await;
        stream.set_zero_linger().unwrap();
    });
    fails_as("reset", "resets the connection within the body", &server.url());
}

/// Connections that are closed while nobody uses them cost a user nothing but a new one.
#[test]
fn a_connection_that_was_closed_while_idle_fails_no_request() {
    let connections = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&connections);
    let server = Server::start(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            request(&mut stream).await;
            let _ = stream.write_all(GOOD).await;
            // Dropped: closed after the answer, without having said so.
        }
    });
    let folder = tempfile::tempdir().unwrap();
    // A third of a second lies between two requests: long enough to learn that the connection is gone.
    let plan = "arrivals = \"constant\"\nusers = 1\nsteps = [{ rate = \"3/s\", seconds = 3 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert!(step.completed >= 8 && step.failures() == 0, "{} completed, {:?}", step.completed, step.failed);
    assert!(connections.load(Ordering::Relaxed) >= step.completed);
    documented("closes idle connections, without a word", "no failure: a new connection is opened");
}

/// A request that was on its way when its connection was closed may have been carried out: it is never sent twice.
#[test]
fn connections_that_are_closed_at_random_fail_the_requests_that_were_on_them() {
    const SEED: u64 = 5;
    let (seen, dropped) = (Arc::new(AtomicU64::new(SEED)), Arc::new(AtomicU64::new(0)));
    let server = {
        let dropped = Arc::clone(&dropped);
        Server::start(move |mut stream| {
            let (seen, dropped) = (Arc::clone(&seen), Arc::clone(&dropped));
            async move {
                while request(&mut stream).await {
                    // A Weyl sequence: every fourth request, in no order that a client could know.
                    let number = seen.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    if number >> 62 == 0 {
                        dropped.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    if stream.write_all(GOOD).await.is_err() {
                        return;
                    }
                }
            }
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 4\nsteps = [{ rate = \"100/s\", seconds = 1 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert_eq!(step.completed + step.failures(), step.due, "seed {SEED}");
    let reset = step.failed.get("reset").copied().unwrap_or_default();
    assert_eq!(step.failures(), reset, "seed {SEED}: {:?}", step.failed);
    // Four more requests opened the connections before the step.
    let dropped = dropped.load(Ordering::Relaxed);
    assert!((dropped - 4..=dropped).contains(&reset) && reset > 10, "seed {SEED}: {reset} of {dropped}");
    documented(
        "closes kept connections at random, under way or not",
        "`reset` for just the requests that were on them",
    );
}

#[test]
fn sustained_errors_stop_the_run() {
    let server = Server::answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", true);
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let results = run(&server.url(), "steps = [{ rate = \"50/s\", seconds = 600 }]", folder.path());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let Ended::Stopped(reason) = &results.ended else { panic!("{:?}", results.ended) };
    assert!(reason.contains("failed") && reason.contains("status"), "{reason}");
    documented("goes on failing", "the run stops after three seconds and says which kind");
}

#[test]
fn a_server_that_does_not_keep_up_stops_the_run() {
    let server = Server::start(|mut stream| async move {
        while request(&mut stream).await {
            pause(200).await;
            if stream.write_all(GOOD).await.is_err() {
                return;
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let plan = "users = 2\nsteps = [{ rate = \"50/s\", seconds = 600 }]\n[stop]\nresponse = \"1 s\"";
    let results = run(&server.url(), plan, folder.path());
    assert!(matches!(results.ended, Ended::Stopped(_)), "{:?}", results.ended);
    documented("is slow, and does not keep up", "the run stops: the server does not keep up");
}
