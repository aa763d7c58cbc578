//! How a run ends, as whoever started it sees it: exit codes, signals, and what is said at the end.

// Signals are sent, and dispositions read, as Linux has them.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::binary::{command, command_by, says};
use crate::common::{GOOD, Server};
use hockeystick_loadgen::command::Exit;
use rustix::process::{Pid, Signal, kill_process};

const SHORT: &str = "users = 2\nsteps = [{ rate = \"20/s\", seconds = 1 }]";
const LONG: &str = "users = 2\nsteps = [{ rate = \"20/s\", seconds = 2 }, { rate = \"20/s\", seconds = 2 }]";

fn send(signal: Signal, to: &Child) {
    kill_process(Pid::from_child(to), signal).unwrap();
}

/// Starts a run, sends it the signal in its first step, and gives its exit code.
fn ended_by(signal: Signal, mut run: Command) -> Option<i32> {
    let mut run = run.arg("--json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("second")));
    send(signal, &run);
    lines.for_each(drop);
    run.wait().unwrap().code()
}

#[test]
fn an_interrupted_run_has_a_code_of_its_own() {
    let server = Server::answering(GOOD, true);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let code = ended_by(signal, command(folder.path(), &server.url(), LONG, ""));
        assert_eq!(code, Some(Exit::Interrupted as i32), "{signal:?}");
    }
}

/// As `nohup` does it, and a script for what it starts in the background.
#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let server = Server::answering(GOOD, true);
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let folder = tempfile::tempdir().unwrap();
        let run = command_by(&format!("trap '' {name}; exec \"$@\""), folder.path(), &server.url(), LONG);
        assert_eq!(ended_by(signal, run), Some(0), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = command_by("trap '' HUP; exec \"$@\"", folder.path(), &server.url(), LONG);
    assert_eq!(ended_by(Signal::TERM, run), Some(Exit::Interrupted as i32));
}

#[test]
fn a_step_without_a_request_has_measured_nothing() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let (code, said) =
        says(command(folder.path(), &server.url(), "users = 1\nsteps = [{ rate = \"0.01/s\", seconds = 1 }]", ""));
    assert!(code == Some(3) && said.contains("step 1 measured nothing, as no request was due in it"), "{said}");
}

#[test]
fn the_last_line_of_json_says_how_the_run_ended() {
    let last = |server: &Server, plan: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut run = command(folder.path(), &server.url(), plan, "");
        let output = run.arg("--json").stdout(Stdio::piped()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str::<serde_json::Value>(text.lines().last().unwrap()).unwrap()
    };
    let ended = last(&Server::answering(GOOD, true), SHORT);
    assert_eq!((&ended["event"], &ended["ended"]), (&"ends".into(), &"complete".into()));
    let failing = Server::answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", true);
    let ended = last(&failing, "users = 2\nsteps = [{ rate = \"20/s\", seconds = 600 }]");
    assert!(ended["ended"]["stopped"].as_str().unwrap().contains("failed"), "{ended}");
}

#[test]
fn several_threads_on_one_processor_are_refused() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let mut run = command(folder.path(), &server.url(), SHORT, "");
    run.args(["--core", "0", "--threads", "2"]);
    let (code, said) = says(run);
    assert!(code == Some(2) && said.contains("--core"), "{said}");
}

#[test]
fn a_limit_that_is_no_number_is_refused() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    for option in ["--max-rate", "--max-seconds"] {
        let mut run = command(folder.path(), &server.url(), SHORT, "");
        run.args([option, "nan"]);
        let (code, said) = says(run);
        assert!(code == Some(2) && said.contains("expected a number above 0"), "{said}");
    }
}

#[test]
fn more_users_than_open_files_are_no_trouble_where_the_system_has_more() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let plan = "users = 100\nsteps = [{ users = 100, think = { mean = \"100 ms\", cv = 0 }, seconds = 1 }]";
    let run = command_by("ulimit -Sn 40; exec \"$@\"", folder.path(), &server.url(), plan);
    let (code, said) = says(run);
    assert!(code == Some(0) && !said.contains("network"), "{said}");
}

#[test]
fn what_is_complete_can_be_resumed_again_and_again() {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    let resume = || {
        let mut run = command(folder.path(), &server.url(), SHORT, "");
        run.arg("--resume");
        says(run)
    };
    assert_eq!(resume().0, Some(0));
    let before = fs::read(folder.path().join("results.json")).unwrap();
    let (code, said) = resume();
    assert!(code == Some(0) && said.contains("nothing is left to do\n"), "{said}");
    assert_eq!(fs::read(folder.path().join("results.json")).unwrap(), before);
}

/// A terminal in Ctrl-S, or a log that nobody takes: the view waits, and the other shards must not.
#[test]
fn the_others_are_told_to_stop_although_nobody_reads_what_this_one_says() {
    let failing = Server::answering(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", true);
    let folder = tempfile::tempdir().unwrap();
    let start = jiff::Timestamp::now() + Duration::from_secs(3);
    let plan = "users = 3\nsteps = [{ rate = \"3/s\", seconds = 1 }, { rate = \"60/s\", seconds = 600 }]\n\
                timeout = \"1 s\"\nstop = { errors = 0.5, response = \"1 s\" }";
    let mut run = command(folder.path(), &failing.url(), plan, "");
    run.args(["--shard", "1/3", "--start-at", &start.to_string()]);
    let (said, mut filler) = std::io::pipe().unwrap();
    let mut run = run.stderr(filler.try_clone().unwrap()).spawn().unwrap();
    let mut said = BufReader::new(said);
    let mut line = String::new();
    while !line.contains("the first step begins") {
        line.clear();
        said.read_line(&mut line).unwrap();
    }
    // More than a pipe holds, so that whoever writes to it waits from now on.
    let full = std::thread::spawn(move || std::io::Write::write_all(&mut filler, &vec![b'.'; 1 << 20]));
    let notice = || {
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with("loadgen-stop-"))
    };
    let begun = Instant::now();
    while !notice() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let told = notice();
    std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
    assert_eq!(run.wait().unwrap().code(), Some(4));
    full.join().unwrap().unwrap();
    assert!(told, "no notice while the view waits");
}
