//! Answers that are no HTTP, end nowhere, lie about their length or lead elsewhere: each is its own kind of failure.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::bad::{documented, fails_as, fails_with};
use crate::common::{Server, pause, request, run};
use hockeystick_core::measurement::Ended;
use tokio::io::AsyncWriteExt;

/// A server that closes after these bytes.
fn closing(bytes: &'static [u8]) -> Server {
    Server::answering(bytes, false)
}

#[test]
fn garbage() {
    let server = closing(b"\x16\x03garbage and more garbage\r\n\r\n");
    fails_as("protocol", "answers garbage instead of HTTP", &server.url());
}

#[test]
fn another_version() {
    let server = closing(b"HTTP/7.3 200 OK\r\ncontent-length: 0\r\n\r\n");
    fails_as("protocol", "answers in a version of HTTP that is none", &server.url());
}

#[test]
fn errors() {
    let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    fails_as("status", "answers 500", &Server::answering(answer, true).url());
}

#[test]
fn whoever_measured_nothing_is_told_what_to_look_at() {
    let server = closing(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let folder = tempfile::tempdir().unwrap();
    let plan = "schema = 1
warm_up = \"0 s\"
steps = [{ rate = \"10/s\", seconds = 1 }]
[[request]]
class = \"read\"
path = \"/\"
";
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", "--host", &server.url(), "--plan", "plan.toml", "--out", "results.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("step 1 measured nothing"), "{said}");
    assert!(said.contains("another status than the plan expects"), "{said}");
    assert_eq!(output.status.code(), Some(3), "{said}");
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let visits = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&visits);
    let elsewhere = Server::start(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        pause(1)
    });
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
    let server = Server::answering(answer.leak().as_bytes(), true);
    fails_as("status", "redirects to another host", &server.url());
    // A plan that takes the redirect for a success does not follow it either.
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nsteps = [{ rate = \"20/s\", seconds = 1, mix = { write = 1 } }]\n\
        [[request]]\nclass = \"write\"\nmethod = \"GET\"\npath = \"/\"\nexpect = 302";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, visits.load(Ordering::Relaxed)), (19, 0));
}

#[test]
fn a_flood_of_interim_answers() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n").await.is_ok() {
            pause(1).await;
        }
    });
    fails_as("timeout", "sends 1xx answers without end", &server.url());
}

#[test]
fn a_flood_of_interim_answers_as_fast_as_they_can_be_read() {
    let server = Server::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n");
    let folder = tempfile::tempdir().unwrap();
    // The client reads a flood for a long moment before anybody else has a turn, so no timeout comes in time.
    let plan = "timeout = \"300 ms\"\nusers = 1\nsteps = [{ rate = \"10/s\", seconds = 60 }]";
    let results = run(&server.url(), plan, folder.path());
    let Ended::Stopped(reason) = &results.ended else { panic!("{:?}", results.ended) };
    println!("{reason}");
    documented("floods with 1xx answers, faster than they can be read", "the run stops after some seconds");
}

#[test]
fn a_head_without_end() {
    let server = Server::endless(b"HTTP/1.1 200 OK\r\n", b"x-more: and more of it, on and on, line after line\r\n");
    fails_as("protocol", "sends header fields without end", &server.url());
}

#[test]
fn a_field_without_end() {
    let server = Server::endless(b"HTTP/1.1 200 OK\r\nx-more: ", b"and more of it, on and on, in one line ");
    fails_as("protocol", "sends one header field without end", &server.url());
}

#[test]
fn a_body_that_ends_early() {
    let server = closing(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot a hundred");
    fails_as("body", "says a longer length than it sends, and closes", &server.url());
}

#[test]
fn a_body_that_stops_early() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot a hundred", true);
    fails_as("timeout", "says a longer length than it sends, and waits", &server.url());
}

/// A body that is longer than was said cannot be told from a whole one, until its rest comes where an answer should.
#[test]
fn a_body_that_is_longer_than_was_said() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello, and more than that", true);
    let folder = tempfile::tempdir().unwrap();
    let plan = "arrivals = \"constant\"\nusers = 4\nsteps = [{ rate = \"20/s\", seconds = 1 }]";
    let step = run(&server.url(), plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, step.failures()), (19, 0), "{:?}", step.failed);
    documented(
        "says a shorter length than it sends",
        "nothing, unless the plan checks the body: the length is all there is; the connection is not used again",
    );
    let expect = "[[request]]\nclass = \"static\"\npath = \"/\"\nexpect = { contains = \"more\" }\nweight = 1e9";
    fails_with("content", "says a shorter length than it sends, to a plan that checks the body", &server.url(), expect);
}

#[test]
fn a_length_that_is_no_number() {
    let server = closing(b"HTTP/1.1 200 OK\r\ncontent-length: NaN\r\n\r\nhello");
    fails_as("protocol", "says a length that is no number", &server.url());
}

#[test]
fn two_lengths() {
    let server = closing(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello\n");
    fails_as("protocol", "says two lengths", &server.url());
}

#[test]
fn a_chunk_of_no_size() {
    let server = closing(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n");
    fails_as("protocol", "sends a chunk whose size is no number", &server.url());
}

#[test]
fn a_chunk_of_more_than_there_is() {
    let server = closing(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello");
    fails_as("protocol", "sends a chunk whose size no machine can hold", &server.url());
}

#[test]
fn a_chunk_with_the_wrong_end() {
    let server = closing(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n");
    fails_as("protocol", "sends a chunk that is longer than its size", &server.url());
}

#[test]
fn chunks_without_the_last() {
    let server = closing(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    fails_as("body", "sends chunks, and closes before the last", &server.url());
}

#[test]
fn an_endless_body_that_comes_slowly() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        while stream.write_all(b"10\r\n0123456789abcdef\r\n").await.is_ok() {
            pause(5).await;
        }
    });
    fails_as("timeout", "drips a body without end", &server.url());
}

/// Of a body that somebody looks at, less is read: it is kept.
#[test]
fn an_endless_body_that_comes_fast() {
    let server = Server::endless(b"HTTP/1.1 200 OK\r\n\r\n", b"on and on ");
    let expect = "[[request]]\nclass = \"static\"\npath = \"/\"\nexpect = { contains = \"done\" }\nweight = 1e9";
    fails_with("body", "sends a body without end, as fast as it can", &server.url(), expect);
}

#[test]
fn json_that_is_none() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":NaN}", true);
    let looks = "[values]\nid = [\"0\"]\n[[request]]\nclass = \"static\"\npath = \"/{id}\"\nweight = 1e9\n";
    let (check, take) = ("expect = { json = { \"/id\" = 7 } }", "extract = { id = { json = \"/id\" } }");
    fails_with("content", "answers NaN in JSON that is checked", &server.url(), &format!("{looks}{check}"));
    fails_with("content", "answers NaN in JSON that a value is taken from", &server.url(), &format!("{looks}{take}"));
}
