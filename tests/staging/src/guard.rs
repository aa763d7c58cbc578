//! `tick guard`: stands between a deployment and its process.
//!
//! It starts a program in control groups and on cores, and when the caller lets go of it (its standard input closes, for
//! whatever reason: done, panicked, interrupted, killed) it stops the program and removes the control groups and the
//! scratch folder. The caller could do so itself only where it ends in good order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::deploy::EXIT_GROUP_REFUSED;

/// Longer than the program's own grace, so that it is killed only when it hangs.
const STOP_GRACE: Duration = Duration::from_secs(7);
/// A control group stays busy for a moment after its last process has ended.
const REMOVE_ATTEMPTS: u32 = 50;
const REMOVE_PAUSE: Duration = Duration::from_millis(20);

/// What to run, where, and what to remove afterwards.
#[derive(Debug, Args)]
pub struct GuardOptions {
    /// Control group to run the program in, and to remove afterwards; repeat for each hierarchy
    #[arg(long, value_name = "FOLDER")]
    cgroup: Vec<PathBuf>,
    /// Core to run the program on; repeat for more
    #[arg(long, value_name = "N")]
    core: Vec<usize>,
    /// Folder to delete afterwards
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Runs the program to its end, or until the caller lets go.
///
/// # Errors
///
/// When the program does not start, or cannot be put where it belongs.
pub fn run(options: &GuardOptions) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(guard(options));
    remove_control_groups(&options.cgroup);
    // A caller that is still there may want to read what the program left behind, and deletes it itself.
    let caller_is_gone = matches!(result, Ok((Ending::CallerGone, _)));
    if let (true, Some(scratch)) = (caller_is_gone, &options.scratch) {
        // The caller may have deleted it first.
        drop(std::fs::remove_dir_all(scratch));
    }
    let (_, status) = match result {
        Err(error) if error.is::<GroupRefused>() => {
            eprintln!("tick: {error}");
            return Ok(ExitCode::from(EXIT_GROUP_REFUSED));
        }
        other => other?,
    };
    let code = status?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The program runs, but not where it should; it is killed.
#[derive(Debug, thiserror::Error)]
#[error("cannot move the program into {folder}: {source}")]
struct GroupRefused {
    folder: PathBuf,
    source: std::io::Error,
}

/// Why there is nothing left to guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The program has ended by itself.
    OfProgram,
    /// The caller has let go, or is no more.
    CallerGone,
    /// Somebody sent a signal; the caller may live.
    Asked,
}

/// How it ended, and whether the program did so in good order.
async fn guard(options: &GuardOptions) -> Result<(Ending, std::io::Result<ExitStatus>)> {
    pin_this_thread(&options.core)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut child = start(options)?;
    // Taken out because `Child::wait` would close it: the program shall see it close when this process ends.
    let _lifeline = child.stdin.take();
    let caller_gone = caller_gone()?;
    let ending = tokio::select! {
        status = child.wait() => return Ok((Ending::OfProgram, status)),
        _ = caller_gone => Ending::CallerGone,
        _ = terminate.recv() => Ending::Asked,
        _ = interrupt.recv() => Ending::Asked,
        _ = hang_up.recv() => Ending::Asked,
    };
    Ok((ending, stop(&mut child).await))
}

fn start(options: &GuardOptions) -> Result<Child> {
    let (program, arguments) = options.command.split_first().context("no program was given")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().with_context(|| format!("cannot start {}", Path::new(program).display()))?;
    let pid = child.id().context("the program ended at once")?;
    for folder in &options.cgroup {
        std::fs::write(folder.join("cgroup.procs"), pid.to_string())
            .map_err(|source| GroupRefused { folder: folder.clone(), source })?;
    }
    Ok(child)
}

/// Children inherit the affinity of the thread that starts them, and so do all their threads.
#[cfg(target_os = "linux")]
fn pin_this_thread(cores: &[usize]) -> Result<()> {
    if cores.is_empty() {
        return Ok(());
    }
    let mut set = rustix::thread::CpuSet::new();
    for &core in cores {
        anyhow::ensure!(core < rustix::thread::CpuSet::MAX_CPU, "there is no core {core}");
        set.set(core);
    }
    rustix::thread::sched_setaffinity(None, &set).with_context(|| format!("cannot pin to cores {cores:?}"))
}

#[cfg(not(target_os = "linux"))]
fn pin_this_thread(_: &[usize]) -> Result<()> {
    Ok(())
}

/// Resolves when standard input closes.
fn caller_gone() -> Result<oneshot::Receiver<()>> {
    let (caller, gone) = oneshot::channel();
    std::thread::Builder::new().name("caller".to_owned()).spawn(move || {
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        drop(caller);
    })?;
    Ok(gone)
}

async fn stop(child: &mut Child) -> std::io::Result<ExitStatus> {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
        // It may have ended in the meantime; then `wait` says so.
        let _ = kill_process(pid, Signal::TERM);
    }
    match tokio::time::timeout(STOP_GRACE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

fn remove_control_groups(folders: &[PathBuf]) {
    for folder in folders {
        let removed = (0..REMOVE_ATTEMPTS).any(|_| {
            let gone = std::fs::remove_dir(folder).is_ok() || !folder.exists();
            if !gone {
                std::thread::sleep(REMOVE_PAUSE);
            }
            gone
        });
        if !removed {
            eprintln!("tick guard: cannot remove {}; it still has processes", folder.display());
        }
    }
}
