//! Ends of connections and of pipes that go away: whoever hangs up ends a request, or sees no more, and never ends the
//! run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bad_tls::{Tls, signed_with};
use crate::common::bad::documented;
use crate::common::binary::command;
use crate::common::{GOOD, Server, pause, request};
use hockeystick_core::measurement::{Ended, Results};
use hockeystick_loadgen::store;
use tokio::io::AsyncWriteExt;

/// A third of a second lies between two requests of one user: long enough to learn that the connection is gone.
const IDLE: &str = "users = 1\nsteps = [{ rate = \"3/s\", seconds = 3 }]";

/// Requests that come while their connections are closed: some of them are on their way then.
const BUSY: &str = "users = 16\nsteps = [{ rate = \"200/s\", seconds = 2 }]\n[stop]\nerrors = 1.0";

/// What a run leaves that came to its end by itself.
fn complete(mut command: Command, folder: &Path) -> Results {
    let status = command.status().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let results = store::read_results(&folder.join("results.json")).unwrap();
    assert_eq!(results.ended, Ended::Complete);
    results
}

/// Connections that are closed like this fail no request while they are idle, else none but their own.
#[track_caller]
fn fails_none(ends: fn(Tls) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>, does: &str) {
    let (server, folder, ca) = signed_with(move |mut stream| async move {
        if request(&mut stream).await && stream.write_all(GOOD).await.is_ok() && stream.flush().await.is_ok() {
            // A reset takes with it what was not read yet, so a busy machine gets some time to read.
            pause(150).await;
            ends(stream).await;
        }
    });
    let url = server.url().replace("http:", "https:");
    let results = complete(command(folder.path(), &url, &format!("{ca}\n{IDLE}"), ""), folder.path());
    let step = &results.steps[0];
    assert!(step.completed >= 8 && step.failures() == 0, "{} completed, {:?}", step.completed, step.failed);
    let step = complete(command(folder.path(), &url, &format!("{ca}\n{BUSY}"), ""), folder.path()).steps.remove(0);
    assert_eq!(step.completed + step.failures(), step.due);
    assert!(step.failed.keys().all(|kind| kind == "reset"), "{:?}", step.failed);
    documented(does, "no failure: a new connection is opened");
}

#[test]
fn idle_connections_under_tls_that_are_reset() {
    fails_none(
        |stream| {
            Box::pin(async move {
                stream.get_ref().0.set_zero_linger().unwrap();
            })
        },
        "resets idle connections (RST), under TLS",
    );
}

#[test]
fn idle_connections_under_tls_that_are_closed_without_a_word() {
    fails_none(
        |stream| {
            Box::pin(async move {
                drop(stream.into_inner());
            })
        },
        "closes idle connections under TLS, without close_notify",
    );
}

#[test]
fn idle_connections_under_tls_that_are_closed_in_good_order() {
    fails_none(
        |mut stream| {
            Box::pin(async move {
                let _ = stream.shutdown().await;
            })
        },
        "closes idle connections under TLS, with close_notify",
    );
}

#[test]
fn a_body_that_nobody_reads_fails_its_request_alone() {
    let server = Server::start(|mut stream| async move {
        if request(&mut stream).await {
            let _ = stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n").await;
            pause(20).await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("large"), vec![b'x'; 3_000_000]).unwrap();
    let plan = "users = 16\nsteps = [{ rate = \"40/s\", seconds = 3 }]\n[stop]\nerrors = 1.0";
    let mut run = command(folder.path(), &server.url(), plan, "file = \"large\"");
    assert_eq!(run.status().unwrap().code(), Some(3));
    let step = store::read_results(&folder.path().join("results.json")).unwrap().steps.remove(0);
    assert_eq!((step.completed, step.failures()), (0, 119), "{:?}", step.failed);
    assert!(step.failed.keys().all(|kind| kind == "status" || kind == "reset"), "{:?}", step.failed);
    documented(
        "answers 413 before it has read a large body, and closes",
        "`status`, or `reset` where the answer was lost",
    );
}

#[test]
fn a_server_under_tls_that_dies_and_comes_back_fails_what_was_on_its_way() {
    let (server, folder, ca) = signed_with(|mut stream| async move {
        let mut served = 0;
        while request(&mut stream).await && served < 10 {
            served += 1;
            if stream.write_all(GOOD).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
        // As the kernel does it for a process that is killed with unread requests.
        let _ = stream.get_ref().0.set_zero_linger();
    });
    let url = server.url().replace("http:", "https:");
    let plan = format!("{ca}\nusers = 8\nsteps = [{{ rate = \"200/s\", seconds = 1 }}]\n[stop]\nerrors = 1.0");
    let step = complete(command(folder.path(), &url, &plan, ""), folder.path()).steps.remove(0);
    assert_eq!(step.completed + step.failures(), step.due, "{:?}", step.failed);
    assert!(step.failures() > 0 && step.failed.keys().all(|kind| kind == "reset"), "{:?}", step.failed);
}

#[test]
fn a_scraper_that_asks_thrice_and_hangs_up_ends_nothing() {
    use std::io::{BufRead, BufReader, Write};

    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let mut run = command(folder.path(), &server.url(), "users = 2\nsteps = [{ rate = \"20/s\", seconds = 2 }]", "");
    let mut run = run.args(["--metrics-addr", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address =
        said.find_map(|line| Some(line.strip_prefix("metrics at http://")?.strip_suffix("/metrics")?.to_owned()));
    let address = address.unwrap();
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3).as_bytes()).unwrap();
    }
    said.for_each(drop);
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

/// Where a stream of the run goes.
fn nowhere(full: bool) -> Stdio {
    if full {
        return fs::File::options().write(true).open("/dev/full").unwrap().into();
    }
    // A pipe whose reader has gone.
    std::io::pipe().unwrap().1.into()
}

#[test]
fn a_run_goes_on_when_nobody_reads_what_it_says_or_the_log_is_full() {
    let server = Server::answering(GOOD, true);
    let plan = "users = 2\nsteps = [{ rate = \"20/s\", seconds = 1 }, { rate = \"20/s\", seconds = 1 }]";
    for full in [false, true] {
        for json in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let mut run = command(folder.path(), &server.url(), plan, "");
            run.args(json.then_some("--json")).stdout(nowhere(full)).stderr(nowhere(full));
            assert_eq!(complete(run, folder.path()).steps.len(), 2, "full: {full}, json: {json}");
        }
    }
}

/// clap prints before the command is known.
#[test]
fn commands_whose_readers_have_gone_end_quietly() {
    for words in
        [&["--help"][..], &["run", "--help"], &["run", "--nonsense"], &["check", "nothing.json", "--stage", "x"]]
    {
        for full in [false, true] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
            let output = command.args(words).stdout(nowhere(full)).stderr(nowhere(full)).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 2)), "{words:?}: {}", output.status);
        }
    }
    let mut predict = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let predict =
        predict.args(["predict", "01-single-server", "--seconds", "5"]).stdout(nowhere(false)).stderr(Stdio::piped());
    let output = predict.spawn().unwrap().wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
