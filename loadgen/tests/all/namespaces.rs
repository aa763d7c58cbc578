//! Several generators on hosts of their own: network namespaces, each with an address, on one bridge. Needs root; without it
//! the test is skipped and says so.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Two steps, of which the first is long enough for a guard rail.
const LONG_PLAN: &str = "schema = 1\nseed = 9\nwarm_up = \"0 s\"\ntimeout = \"1 s\"\nusers = 12\n\
    steps = [{ rate = \"30/s\", seconds = 1 }, { rate = \"90/s\", seconds = 30 }]\nstop = { response = \"1 s\" }\n\
    [[request]]\nclass = \"read\"\npath = \"/\"\n";

/// Hosts on a bridge: the first is the deployment's, the others are the generators'. They go when this does.
struct Network {
    /// Begins every name, so that runs at the same time do not meet.
    tag: String,
}

impl Network {
    fn new() -> Result<Self, String> {
        static NETWORKS: AtomicUsize = AtomicUsize::new(0);
        sweep()?;
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let network = Self { tag: format!("hockey{}-{number}", std::process::id()) };
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

/// The deployment: this test's own binary, in another namespace. From its twentieth request on it refuses one host, if any.
fn serve(network: &Network, refuses: Option<usize>) -> (Process, String) {
    let test = std::env::current_exe().unwrap();
    let mut child = network
        .command(0, test.to_str().unwrap())
        .args(["--exact", "namespaces::the_deployment", "--ignored", "--nocapture"])
        .env("HOCKEYSTICK_SERVE", Network::address(0))
        .env("HOCKEYSTICK_REFUSE", refuses.map(Network::address).unwrap_or_default())
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
    let refused = std::env::var("HOCKEYSTICK_REFUSE").unwrap_or_default();
    static ANSWERS: AtomicUsize = AtomicUsize::new(0);
    let listener = TcpListener::bind((address, 0)).unwrap();
    println!("port {}", listener.local_addr().unwrap().port());
    for stream in listener.incoming().map_while(Result::ok) {
        let is_refused = stream.peer_addr().is_ok_and(|peer| peer.ip().to_string() == refused);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut stream = stream;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                if line == "\r\n" {
                    let date = httpdate::fmt_http_date(SystemTime::now());
                    let fails = is_refused && ANSWERS.fetch_add(1, Ordering::Relaxed) >= 20;
                    let status = if fails { "503 Service Unavailable" } else { "200 OK" };
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\ndate: {date}\r\n\r\nok");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
                line.clear();
            }
        });
    }
}

/// A network; none where there cannot be one, which is said.
fn network() -> Option<Network> {
    let network = Network::new();
    if let Err(reason) = &network {
        println!("skipped: no network namespaces here ({reason}); run as root to see this test");
    }
    network.ok()
}

/// Runs a plan on all generators, which keep their files in one folder; each one's exit code, and what it said.
fn run_all(network: &Network, url: &str, plan: &str, folder: &Path) -> Vec<(Option<i32>, String)> {
    fs::write(folder.join("plan.toml"), plan).unwrap();
    let start = jiff::Timestamp::now() + Duration::from_secs(5);
    let run = |number: usize| {
        let mut command = network.command(number, env!("CARGO_BIN_EXE_loadgen"));
        let arguments = ["run", "--host", url, "--allow-host", &Network::address(0), "--yes", "--plan", "plan.toml"];
        command.current_dir(folder).args(arguments);
        command.args(["--out", &format!("{number}.json"), "--shard", &format!("{number}/{SHARDS}")]);
        command.args(["--start-at", &start.to_string()]);
        Process(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let mut runs: Vec<Process> = (1..=SHARDS).map(run).collect();
    let end = |run: &mut Process| {
        let said: Vec<String> = BufReader::new(run.0.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
        (run.0.wait().unwrap().code(), said.join("\n"))
    };
    runs.iter_mut().map(end).collect()
}

fn merge(folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.current_dir(folder).args(["merge", "--out", "all.json"]);
    let output = command.args((1..=SHARDS).map(|number| format!("{number}.json"))).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn generators_on_hosts_of_their_own_measure_as_one() {
    let Some(network) = network() else { return };
    let (_server, url) = serve(&network, None);
    let folder = tempfile::tempdir().unwrap();
    for (code, said) in run_all(&network, &url, PLAN, folder.path()) {
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = merge(folder.path());
    assert_eq!(code, Some(0), "{said}");
    let merged = store::read_whole_results(&folder.path().join("all.json")).unwrap();
    assert_eq!((&merged.ended, merged.steps.len(), merged.merged.len()), (&Ended::Complete, 2, SHARDS));
    for (index, step) in merged.steps.iter().enumerate() {
        assert_eq!((step.completed, step.failures()), (step.due, 0), "{said}");
        assert!(step.shares.iter().all(|share| share.due > 0 && share.clock.is_some()), "{said}");
        // One machine, one clock, whatever the hosts are called.
        assert!(doubts(index, step).iter().all(|doubt| doubt.law != Law::Clocks), "{said}");
    }
}

#[test]
fn one_generator_that_is_stopped_stops_the_others_and_no_step_is_whole_that_it_did_not_finish() {
    let Some(network) = network() else { return };
    // Shard 2 is turned away, as by a limit on each address; the others would go on for half a minute.
    let (_server, url) = serve(&network, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let ends = run_all(&network, &url, LONG_PLAN, folder.path());
    assert_eq!(ends.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Some(4); SHARDS], "{ends:?}");
    assert!(ends[1].1.contains("stopped: ") && ends[1].1.contains("(last: status 503)"), "{}", ends[1].1);
    for other in [0, 2] {
        assert!(ends[other].1.contains("stopped with all shards: shard 2/3: "), "{}", ends[other].1);
    }
    let (code, said) = merge(folder.path());
    assert!(code == Some(3) && said.contains("shard 2 was stopped: "), "{said}");
    let merged = store::read_whole_results(&folder.path().join("all.json")).unwrap();
    assert_eq!((merged.steps.len(), merged.reached()), (1, 1), "{said}");
    assert!(matches!(&merged.ended, Ended::Stopped(reason) if reason.starts_with("shard 2: ")), "{:?}", merged.ended);
}
