//! Answers without end, from the outside: the program's memory stays bounded, and the run comes to its end.

// The peak is read from /proc.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{GOOD, Server};

const USERS: u64 = 8;
/// What a user may hold of an answer: 4 MiB that are looked at, as long again while they grow or are copied, and the
/// buffers of its connection.
const PER_USER_MIB: u64 = 10;

/// Most memory that a run of two seconds ever had, in MiB. `line` says more of its only request.
fn peak_mib(server: &Server, line: &str) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "schema = 1\nwarm_up = \"0 s\"\ntimeout = \"1 s\"\nusers = {USERS}\nsteps = [{{ rate = \"20/s\", seconds = 2 }}]\n\
         [stop]\nerrors = 1.0\n[[request]]\nclass = \"read\"\npath = \"/\"\n{line}\n"
    );
    fs::write(&plan, text).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", "--host", &server.url(), "--plan"])
        .arg(&plan)
        .arg("--out")
        .arg(folder.path().join("results.json"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", run.id());
    let mut peak_kib = 0;
    while run.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let seen = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = seen.unwrap_or(0).max(peak_kib);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(folder.path().join("results.json").exists());
    peak_kib / 1024
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let peaceful = peak_mib(&Server::answering(GOOD, true), "");
    println!("answers of six bytes: {peaceful} MiB");
    let looks = "expect = { contains = \"done\" }";
    for (what, begin, more, line) in [
        ("a body without end, not looked at", "HTTP/1.1 200 OK\r\n\r\n", "on and on ", ""),
        ("a body without end, looked at", "HTTP/1.1 200 OK\r\n\r\n", "on and on ", looks),
        (
            "chunks without end, looked at",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "4\r\non a\r\n",
            looks,
        ),
        ("header fields without end", "HTTP/1.1 200 OK\r\n", "x-more: on and on\r\n", ""),
        ("one header field without end", "HTTP/1.1 200 OK\r\nx-more: ", "on and on ", ""),
    ] {
        let peak = peak_mib(&Server::endless(begin.as_bytes(), more.as_bytes()), line);
        println!("{what}: {peak} MiB");
        assert!(peak <= peaceful + USERS * PER_USER_MIB, "{what}: {peak} MiB, and {peaceful} with a good server");
    }
}
