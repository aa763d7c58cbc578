//! Hosts that refuse, hang, reset, answer garbage or errors: each is its own kind of failure, and the run ends.

#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{GOOD, Server, pause, request, run};
use hockeystick_core::measurement::Ended;
use tokio::io::AsyncWriteExt;

/// Fails every request of one short step, and says how.
fn failures(url: &str) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 4\ntimeout = \"300 ms\"\nsteps = [{ rate = \"10/s\", seconds = 1 }]";
    let begun = Instant::now();
    let results = run(url, plan, folder.path());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(results.steps[0].completed, 0);
    results.steps[0].failed.clone()
}

fn only(kind: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(kind.to_owned(), 9)])
}

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(failures(&format!("http://{address}")), only("refused"));
}

#[test]
fn the_server_never_answers() {
    let server = Server::start(|stream| async move {
        pause(60_000).await;
        drop(stream);
    });
    assert_eq!(failures(&server.url()), only("timeout"));
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
    assert_eq!(failures(&server.url()), only("timeout"));
}

#[test]
fn the_server_hangs_up_instead_of_answering() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
    });
    assert_eq!(failures(&server.url()), only("reset"));
}

#[test]
fn the_server_resets_the_connection() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    });
    assert_eq!(failures(&server.url()), only("reset"));
}

#[test]
fn the_answer_is_no_http() {
    assert_eq!(
        failures(&Server::answering(b"\x16\x03garbage and more garbage\r\n\r\n", false).url()),
        only("protocol")
    );
}

#[test]
fn the_server_answers_errors() {
    let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(failures(&Server::answering(answer, true).url()), only("status"));
}

#[test]
fn a_redirect_is_not_followed() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(failures(&Server::answering(answer, true).url()), only("status"));
}

#[test]
fn the_body_ends_early() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot a hundred";
    assert_eq!(failures(&Server::answering(answer, false).url()), only("body"));
}

#[test]
fn the_length_is_no_number() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: NaN\r\n\r\nhello";
    assert_eq!(failures(&Server::answering(answer, false).url()), only("protocol"));
}

#[test]
fn the_header_never_ends() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more of it, on and on, line after line\r\n").await.is_ok() {}
    });
    assert_eq!(failures(&server.url()), only("protocol"));
}

#[test]
fn the_body_never_ends() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        while stream.write_all(b"10\r\n0123456789abcdef\r\n").await.is_ok() {
            pause(5).await;
        }
    });
    assert_eq!(failures(&server.url()), only("timeout"));
}

#[test]
fn the_server_speaks_no_tls() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        pause(1_000).await;
    });
    assert_eq!(failures(&server.url().replace("http:", "https:")), only("tls"));
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
}
