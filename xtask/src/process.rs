//! Running a program and listening to it; leaving none behind.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A program that has ended, with everything it said.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Both streams, in the order in which the lines arrived.
    pub(crate) lines: Vec<String>,
    /// Those of standard output alone.
    pub(crate) output: Vec<String>,
}

impl Finished {
    /// An error that carries the output, when the program failed.
    pub(crate) fn check(self, what: &str) -> Result<Self> {
        if !self.status.success() {
            let telling: Vec<&str> = self.lines.iter().map(String::as_str).filter(|line| !is_routine(line)).collect();
            bail!("{what} failed ({})\n{}", self.status, telling.join("\n"));
        }
        Ok(self)
    }
}

/// Hundreds of such lines would hide the few that say what went wrong.
fn is_routine(line: &str) -> bool {
    const ROUTINE: [&str; 7] =
        ["Blocking ", "Checking ", "Compiling ", "Downloaded ", "Downloading ", "Finished ", "PASS ["];
    let line = line.trim_start();
    ROUTINE.iter().any(|start| line.starts_with(start))
}

/// Whether a line is one of those that cargo writes for other programs, when it is asked to.
pub(crate) fn is_for_programs(line: &str) -> bool {
    line.starts_with(r#"{"reason":"#)
}

/// Runs `command` to its end and hands over each line as it is written.
pub(crate) fn run(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<Finished> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward_lines(stdout, true, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward_lines(stderr, false, sender);
    }
    let (mut lines, mut output) = (Vec::new(), Vec::new());
    // What a program started and left behind holds its streams open: they may close long after it, or never.
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let wait = if ended.is_some() { SILENCE } else { POLL };
        match receiver.recv_timeout(wait) {
            Ok((line, is_output)) => {
                on_line(&line);
                output.extend(is_output.then(|| line.clone()));
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) if ended.is_none() => {}
            Err(_) => break,
        }
        if ended.is_some_and(|(_, since)| since.elapsed() > DRAIN_MAX) {
            break;
        }
        if ended.is_none() {
            let status = child.try_wait().with_context(|| format!("cannot wait for {program}"))?;
            ended = status.map(|status| (status, Instant::now()));
        }
    }
    let status = match ended {
        Some((status, _)) => status,
        None => child.wait().with_context(|| format!("cannot wait for {program}"))?,
    };
    Ok(Finished { status, lines, output })
}

/// How often a silent program is asked whether it has ended.
const POLL: Duration = Duration::from_millis(50);
/// After a program has ended, what it said has been read once nothing has come for this long, ...
const SILENCE: Duration = Duration::from_secs(2);
/// ... or once this has passed: what it left behind may talk on.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Sends each line, and whether it is of standard output.
fn forward_lines(stream: impl Read + Send + 'static, is_output: bool, sender: Sender<(String, bool)>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send((text, is_output)).is_err() {
                return;
            }
        }
    });
}

/// Whether `program` starts and says its version.
pub(crate) fn is_there(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Takes in the orphans of every program started from here on, so that [`end_orphans`] finds them.
///
/// A test that is killed cannot clean up; on Linux its browser or server becomes our child instead of disappearing.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        eprintln!("note: left-over processes of tests cannot be tracked: {error}");
    }
}

/// Ends every process that is still below this one, and names them. Each may clean up first.
pub(crate) fn end_orphans() -> Vec<String> {
    #[cfg(target_os = "linux")]
    return linux::end_children(|_| true);
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

    /// A guard that is asked to end takes the control group of what it guarded with it; one that is killed cannot.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// Then each round ends one generation: the children of a process that ended come to us.
    const KILLING: Duration = Duration::from_secs(1);
    const ROUND: Duration = Duration::from_millis(20);

    pub(super) fn end_children(is_meant: impl Fn(Pid) -> bool) -> Vec<String> {
        let (mut names, mut asked) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while start.elapsed() < PATIENCE + KILLING {
            let children = children(&is_meant);
            if children.is_empty() {
                break;
            }
            for (pid, name) in children {
                // An error means that it has ended by itself.
                if start.elapsed() > PATIENCE {
                    let _ = kill_process(pid, Signal::KILL);
                } else if !asked.contains(&pid) {
                    let _ = kill_process(pid, Signal::TERM);
                    asked.push(pid);
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            thread::sleep(ROUND);
        }
        names
    }

    /// Living children by `/proc/<pid>/stat`: `pid (name) state parent …`.
    fn children(is_meant: impl Fn(Pid) -> bool) -> Vec<(Pid, String)> {
        let us = getpid().as_raw_nonzero().get().to_string();
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let parse = |entry: fs::DirEntry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (pid_and_name, rest) = stat.rsplit_once(") ")?;
            let (pid, name) = pid_and_name.split_once(" (")?;
            let mut fields = rest.split(' ');
            let (state, parent) = (fields.next()?, fields.next()?);
            let pid = Pid::from_raw(pid.parse().ok()?)?;
            if parent != us || !is_meant(pid) {
                return None;
            }
            if state == "Z" {
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
                return None;
            }
            Some((pid, name.to_owned()))
        };
        processes.flatten().filter_map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_heard_and_the_status_kept() {
        let mut heard = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo ' Compiling x v1'; exit 3"]);
        let finished = run(&mut command, |line| heard.push(line.to_owned())).unwrap();
        heard.sort();
        assert_eq!(heard, [" Compiling x v1", "one", "two"]);
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.output, ["one", " Compiling x v1"]);
        let error = finished.check("the script").unwrap_err().to_string();
        assert!(error.starts_with("the script failed") && error.contains("two"), "{error}");
        assert!(!error.contains("Compiling"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_has_ended_though_what_it_started_has_not() {
        let start = Instant::now();
        let finished = run(Command::new("sh").args(["-c", "sleep 30 & echo one; echo $!"]), |_| {}).unwrap();
        let took = start.elapsed();
        assert_eq!(finished.lines[0], "one");
        let _ = Command::new("kill").arg(&finished.lines[1]).status();
        assert!(took.as_secs() < 20, "{took:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_orphan_may_clean_up_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (ready, cleaned) = (folder.path().join("ready"), folder.path().join("cleaned"));
        let script = "trap 'sleep 0.3; touch cleaned; exit' TERM; touch ready; while :; do sleep 0.05; done";
        let mut child = Command::new("sh").args(["-c", script]).current_dir(folder.path()).spawn().unwrap();
        while !ready.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        // Other tests of this program have children too.
        let ended = linux::end_children(|pid| pid.as_raw_nonzero().get().unsigned_abs() == child.id());
        let _ = child.wait();
        assert_eq!(ended, ["sh"]);
        assert!(cleaned.exists());
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program"), |_| {}).unwrap_err();
        assert!(error.to_string().contains("no-such-program"));
        assert!(!is_there("no-such-program"));
    }
}
