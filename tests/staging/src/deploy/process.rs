//! Tick behind its guard: start, wait until ready, stop.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::cgroup::ControlGroup;
use super::{Announcement, DeployError, Options};

/// Longer than the guard's own patience with Tick, so that the guard cleans up and not we.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_PAUSE: Duration = Duration::from_millis(5);
/// The part of a log that belongs in an error message.
const LOG_TAIL_LINES: usize = 5;

/// With this a guard ends that cannot put the program into its control groups. Neither Tick nor its parser of arguments
/// ends so.
pub(crate) const EXIT_GROUP_REFUSED: u8 = 77;

/// A guard with Tick behind it.
#[derive(Debug)]
pub(super) struct Guarded {
    guard: Child,
    log: File,
    stopped: bool,
}

pub(super) fn log_file(scratch: &Path) -> PathBuf {
    scratch.join("tick.log")
}

impl Guarded {
    pub(super) fn spawn(
        program: &Path,
        options: &Options,
        group: Option<&ControlGroup>,
        scratch: &Path,
    ) -> Result<Self, DeployError> {
        let log_path = log_file(scratch);
        let log_for_tick = File::options().create(true).append(true).open(&log_path).map_err(DeployError::Scratch)?;
        // Held open: it stays readable when the guard has deleted the folder.
        let log = File::open(&log_path).map_err(DeployError::Scratch)?;
        let database = options.database.clone().unwrap_or_else(|| scratch.join("tick.sqlite"));
        let mut command = Command::new(program);
        command.arg("guard").arg("--scratch").arg(scratch);
        for folder in group.map(ControlGroup::folders).unwrap_or_default() {
            command.arg("--cgroup").arg(folder);
        }
        for core in &options.cpu.cores {
            command.arg(format!("--core={core}"));
        }
        command.arg("--").arg(program).args(["serve", "--exit-with-parent", "--listen=127.0.0.1:0", "--database"]);
        command.arg(database);
        command.arg(format!("--workers={}", options.workers));
        command.arg(format!("--work-factor={}", options.work_factor));
        command.arg(format!("--seed-accounts={}", options.seed_accounts));
        command.args(&options.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log_for_tick);
        // Ctrl-C in a terminal goes to the whole process group; the guard must live on to clean up.
        command.process_group(0);
        let guard = command.spawn().map_err(|source| DeployError::Spawn { program: program.to_path_buf(), source })?;
        Ok(Self { guard, log, stopped: false })
    }

    /// Reads the announcement.
    pub(super) fn wait_until_ready(&mut self, timeout: Duration) -> Result<Announcement, DeployError> {
        let Some(stdout) = self.guard.stdout.take() else {
            return Err(DeployError::NotReady("it has no standard output".to_owned()));
        };
        let (sender, receiver) = mpsc::channel();
        // A pipe has no read timeout, so a thread waits in our place; it ends with the first line or with Tick.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            drop(sender.send(read.map(|_| line)));
        });
        let line = match receiver.recv_timeout(timeout) {
            Ok(Ok(line)) if !line.is_empty() => line,
            Ok(_) => {
                // The pipe closed: Tick has ended, and its last words are on their way to the log.
                let _ = self.wait(STOP_TIMEOUT);
                return Err(DeployError::NotReady(self.log_tail()));
            }
            Err(_) => return Err(DeployError::TimedOut(timeout)),
        };
        serde_json::from_str(&line)
            .map_err(|error| DeployError::NotReady(format!("its first line is not its address ({error}): {line}")))
    }

    /// Why the guard has ended without Tick, where the system let it make control groups but not use them.
    pub(super) fn group_refused(&mut self) -> Option<String> {
        let status = self.guard.try_wait().ok().flatten()?;
        let refused = status.code() == Some(i32::from(EXIT_GROUP_REFUSED));
        refused.then(|| self.log_tail().trim_start_matches("tick: ").to_owned())
    }

    /// Lets go of the guard, which then stops Tick and cleans up.
    pub(super) fn stop(&mut self) -> Result<(), DeployError> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        drop(self.guard.stdin.take());
        match self.wait(STOP_TIMEOUT) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(DeployError::NotStopped(format!("{status}; {}", self.log_tail()))),
            None => {
                // Tick's standard input closes with the guard, so this ends both.
                drop(self.guard.kill());
                drop(self.guard.wait());
                Err(DeployError::NotStopped(format!("it was killed after {STOP_TIMEOUT:?}")))
            }
        }
    }

    fn wait(&mut self, timeout: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.guard.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL_PAUSE),
                _ => return None,
            }
        }
    }

    fn log_tail(&self) -> String {
        let mut log = String::new();
        let read = (&self.log).rewind().and_then(|()| (&self.log).read_to_string(&mut log));
        if let Err(error) = read {
            return format!("its log cannot be read: {error}");
        }
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("; ");
        if tail.is_empty() { "it said nothing".to_owned() } else { tail }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.stop());
    }
}
