//! Several generators on hosts of their own: network namespaces, each with an address, on one bridge. Needs root; without it
//! the test is skipped and says so.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use hockeystick_core::doubt::{Law, doubts};
use hockeystick_core::measurement::Ended;
use hockeystick_loadgen::store;

const SHARDS: usize = 3;
const PLAN: &str = "schema = 1\nseed = 9\nwarm_up = \"1 s\"\ntimeout = \"1 s\"\nusers = 12\n\
    steps = [{ rate = \"90/s\", seconds = 2 }, { rate = \"150/s\", seconds = 2 }]\nstop = { response = \"1 s\" }\n\
    [[request]]\nclass = \"read\"\npath = \"/\"\n";

fn ip(arguments: &[&str]) -> Result<Output, String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(output) } else { Err(format!("ip {}: {said}", arguments.join(" "))) }
}

/// Removes what is left of tests that were killed.
fn sweep() -> Result<(), String> {
    let all = String::from_utf8_lossy(&ip(&["netns", "list"])?.stdout).into_owned();
    for name in all.lines().filter_map(|line| line.split_whitespace().next()) {
        let process = name.strip_prefix("hockey").and_then(|rest| rest.split_once('-')).map(|(process, _)| process);
        if process.is_some_and(|process| !std::path::Path::new("/proc").join(process).exists()) {
            // Another test may be at it as well.
            let _ = ip(&["netns", "delete", name]);
        }
    }
    Ok(())
}

/// Hosts on a bridge: the first is the deployment's, the others are the generators'. They go when this does.
struct Network {
    /// Begins every name, so that runs at the same time do not meet.
    tag: String,
}

impl Network {
    fn new() -> Result<Self, String> {
        sweep()?;
        let network = Self { tag: format!("hockey{}", std::process::id()) };
        network.build().map(|()| network)
    }

    fn host(&self, number: usize) -> String {
        format!("{}-{number}", self.tag)
    }

    /// In a range that is for such tests (RFC 2544), and on a bridge that nobody else is on.
    fn address(number: usize) -> String {
        format!("198.18.0.{}", number + 1)
    }

    fn build(&self) -> Result<(), String> {
        let switch = format!("{}-s", self.tag);
        ip(&["netns", "add", &switch])?;
        ip(&["-n", &switch, "link", "add", "bridge", "type", "bridge"])?;
        ip(&["-n", &switch, "link", "set", "bridge", "up"])?;
        for number in 0..=SHARDS {
            let (host, port) = (self.host(number), format!("port{number}"));
            ip(&["netns", "add", &host])?;
            ip(&["-n", &host, "link", "add", "eth", "type", "veth", "peer", "name", &port, "netns", &switch])?;
            ip(&["-n", &switch, "link", "set", &port, "master", "bridge", "up"])?;
            ip(&["-n", &host, "address", "add", &format!("{}/24", Self::address(number)), "dev", "eth"])?;
            for link in ["eth", "lo"] {
                ip(&["-n", &host, "link", "set", link, "up"])?;
            }
        }
        Ok(())
    }

    fn command(&self, host: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host(host), program]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What was never built cannot be removed, and that is fine.
        for name in (0..=SHARDS).map(|number| self.host(number)).chain([format!("{}-s", self.tag)]) {
            let _ = ip(&["netns", "delete", &name]);
        }
    }
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The deployment: this test's own binary, in another namespace.
fn serve(network: &Network) -> (Process, String) {
    let test = std::env::current_exe().unwrap();
    let mut child = network
        .command(0, test.to_str().unwrap())
        .args(["--exact", "the_deployment", "--ignored", "--nocapture"])
        .env("HOCKEYSTICK_SERVE", Network::address(0))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let process = Process(child);
    let port = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("port ")?.1.to_owned())).unwrap();
    (process, format!("http://{}:{port}", Network::address(0)))
}

#[test]
#[ignore = "is no test, but the server of one"]
fn the_deployment() {
    let Ok(address) = std::env::var("HOCKEYSTICK_SERVE") else { return };
    let listener = TcpListener::bind((address, 0)).unwrap();
    println!("port {}", listener.local_addr().unwrap().port());
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut stream = stream;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                if line == "\r\n" {
                    let date = httpdate::fmt_http_date(SystemTime::now());
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: {date}\r\n\r\nok");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
                line.clear();
            }
        });
    }
}

#[test]
fn generators_on_hosts_of_their_own_measure_as_one() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(reason) => {
            eprintln!("skipped: no network namespaces here ({reason}); run as root to see this test");
            return;
        }
    };
    let (_server, url) = serve(&network);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.toml"), PLAN).unwrap();
    let start = jiff::Timestamp::now() + Duration::from_secs(5);
    let run = |number: usize| {
        let mut command = network.command(number, env!("CARGO_BIN_EXE_loadgen"));
        let arguments = ["run", "--host", &url, "--allow-host", &Network::address(0), "--yes", "--plan", "plan.toml"];
        command.current_dir(&folder).args(arguments);
        command.args(["--out", &format!("{number}.json"), "--shard", &format!("{number}/{SHARDS}")]);
        command.args(["--start-at", &start.to_string()]);
        Process(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let mut runs: Vec<Process> = (1..=SHARDS).map(run).collect();
    for run in &mut runs {
        let said: Vec<String> = BufReader::new(run.0.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
        assert!(run.0.wait().unwrap().success(), "{}", said.join("\n"));
    }
    let files: Vec<String> = (1..=SHARDS).map(|number| format!("{number}.json")).collect();
    let merge = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .current_dir(&folder)
        .args(["merge", "--out", "all.json"])
        .args(&files)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&merge.stdout).into_owned() + &String::from_utf8_lossy(&merge.stderr);
    assert!(merge.status.success(), "{said}");
    let merged = store::read_whole_results(&folder.path().join("all.json")).unwrap();
    assert_eq!((&merged.ended, merged.steps.len(), merged.merged.len()), (&Ended::Complete, 2, SHARDS));
    for (index, step) in merged.steps.iter().enumerate() {
        assert_eq!((step.completed, step.failures()), (step.due, 0), "{said}");
        assert!(step.shares.iter().all(|share| share.due > 0 && share.clock.is_some()), "{said}");
        // One machine, one clock, whatever the hosts are called.
        assert!(doubts(index, step).iter().all(|doubt| doubt.law != Law::Clocks), "{said}");
    }
}
