//! What Prometheus is told while a run goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::common::{GOOD, Server};

const PLAN: &str = "schema = 1\nwarm_up = \"0 s\"\nusers = 3\nsteps = [{ rate = \"100/s\", seconds = 2 }]\n\
    [[request]]\nclass = \"read\"\npath = \"/\"\n";

fn loadgen(folder: &std::path::Path, url: &str, address: &str) -> Child {
    std::fs::write(folder.join("plan.toml"), PLAN).unwrap();
    Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .current_dir(folder)
        .args(["run", "--host", url, "--plan", "plan.toml", "--out", "results.json", "--metrics-addr", address])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn scrape(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The value of the first line that begins so.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn a_run_tells_how_it_goes_as_long_as_it_lasts() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let mut run = loadgen(folder.path(), &server.url(), "127.0.0.1:0");
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address =
        said.find_map(|line| Some(line.strip_prefix("metrics at http://")?.strip_suffix("/metrics")?.to_owned()));
    let address = address.unwrap();
    let mut last = None;
    while let Some(text) = scrape(&address) {
        last = Some(text);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Whoever still hears is told the rest.
    said.for_each(drop);
    assert!(run.wait().unwrap().success());
    let text = last.unwrap();
    assert!(text.contains("content-type: application/openmetrics-text; version=1.0.0"), "{text}");
    let answered = value(&text, "loadgen_requests_total{class=\"read\",outcome=\"answered\"}");
    assert!(answered > 0.0);
    assert_eq!(value(&text, "loadgen_response_seconds_count{class=\"read\"}"), answered);
    assert_eq!(value(&text, "loadgen_lag_seconds_count"), answered);
    assert_eq!((value(&text, "loadgen_step "), value(&text, "loadgen_users ")), (1.0, 3.0));
}

#[test]
fn a_port_that_is_taken_is_an_error_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    // Nobody listens there: a request would be an error of its own.
    let folder = tempfile::tempdir().unwrap();
    let run = loadgen(folder.path(), "http://127.0.0.1:9", &taken.local_addr().unwrap().to_string());
    let output = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " ");
    assert!(output.status.code() == Some(2) && said.contains("give another --metrics-addr"), "{said}");
}
