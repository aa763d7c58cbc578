//! Tick as a real process on loopback, under a CPU quota, with the CPU time it uses in plain sight.
//!
//! `examples/deploy.rs` starts one on half a processor.
//!
//! Dropping the deployment stops the process and removes its control group, database and log. When the caller does not
//! get to drop it (Ctrl-C, `kill -9`), the guard process between the two does the same.

mod awake;
mod cgroup;
mod cpu_time;
mod error;
mod limits;
mod precedence;
mod process;
mod program;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use awake::Awake;
use cgroup::ControlGroup;
use cpu_time::CpuTime;
pub use error::DeployError;
pub use limits::{CpuLimit, EffectiveLimits};
pub use precedence::Precedence;
#[cfg(feature = "tick")]
pub(crate) use process::EXIT_GROUP_REFUSED;
use process::Guarded;

/// The line that Tick prints when it is ready.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Announcement {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process id.
    pub pid: u32,
}

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `tick` program; `None` takes what `TICK_PROGRAM` names, else the one beside the running program.
    pub program: Option<PathBuf>,
    /// CPU that Tick may use, and where.
    pub cpu: CpuLimit,
    /// `--workers`.
    pub workers: u16,
    /// `--work-factor`.
    pub work_factor: u32,
    /// `--seed-accounts`.
    pub seed_accounts: u32,
    /// `--database`; `None` makes one that is deleted in the end.
    pub database: Option<PathBuf>,
    /// Any other arguments of `tick serve`.
    pub arguments: Vec<String>,
    /// How long Tick may take to create and seed its database and to listen.
    pub start_timeout: Duration,
}

impl Default for Options {
    /// As for the demo, but dearer: see "The demo's Tick" in the crate's README for the CPU time that a request then costs.
    fn default() -> Self {
        Self {
            program: None,
            cpu: CpuLimit::default(),
            workers: 1,
            work_factor: 200,
            seed_accounts: 200,
            database: None,
            arguments: Vec::new(),
            start_timeout: Duration::from_secs(60),
        }
    }
}

/// A running Tick. Dropping it stops it and leaves nothing behind.
#[derive(Debug)]
pub struct Deployment {
    announcement: Announcement,
    limits: EffectiveLimits,
    cpu_time: CpuTime,
    // Dropped in this order: the process must end before its control group and its files can go.
    process: Guarded,
    control_group: Option<ControlGroup>,
    scratch: tempfile::TempDir,
}

impl Deployment {
    /// Starts Tick and waits until it answers.
    ///
    /// A machine that does not let us set a quota gets a deployment without one: [`Deployment::limits`] says so and why.
    ///
    /// # Errors
    ///
    /// When `options` ask for an impossible limit, the program is missing, or Tick does not come up in time.
    pub fn start(options: &Options) -> Result<Self, DeployError> {
        options.cpu.check()?;
        let group = ControlGroup::create(&options.cpu).map_err(|obstacle| obstacle.to_string());
        Self::start_in(group, options)
    }

    /// Starts Tick in a control group, or without one for a reason.
    fn start_in(mut group: Result<ControlGroup, String>, options: &Options) -> Result<Self, DeployError> {
        let program = program::find(options.program.as_deref())?;
        let scratch = tempfile::Builder::new().prefix("hockeystick-tick-").tempdir().map_err(DeployError::Scratch)?;
        let mut process = Guarded::spawn(&program, options, group.as_ref().ok(), scratch.path())?;
        let mut ready = process.wait_until_ready(options.start_timeout);
        if let Some(obstacle) = process.group_refused() {
            group = Err(obstacle);
            process = Guarded::spawn(&program, options, None, scratch.path())?;
            ready = process.wait_until_ready(options.start_timeout);
        }
        let announcement = ready?;
        let (control_group, obstacle) = match group {
            Ok(group) => (Some(group), None),
            Err(obstacle) => (None, Some(obstacle)),
        };
        let cpu_time = match &control_group {
            Some(group) => CpuTime::of_group(group, options.cpu.quota_cpus.is_some()),
            None => CpuTime::of_process(announcement.pid),
        };
        let limits = EffectiveLimits::new(&options.cpu, control_group.as_ref(), obstacle);
        Ok(Self { announcement, limits, cpu_time, process, control_group, scratch })
    }

    /// Where Tick answers, such as `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.announcement.address)
    }

    /// The address of [`Deployment::url`].
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.announcement.address
    }

    /// Tick's process id (not its guard's).
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.announcement.pid
    }

    /// Which limits hold, in fact. Its `Display` is a sentence for people.
    #[must_use]
    pub fn limits(&self) -> &EffectiveLimits {
        &self.limits
    }

    /// CPU time used since the start, over all threads, in nanoseconds. Utilisation between two instants is the
    /// difference, over the time between them, over [`EffectiveLimits::cpus`].
    ///
    /// # Errors
    ///
    /// When the kernel's counter cannot be read: most likely Tick has ended.
    pub fn cpu_usage_ns(&self) -> Result<u64, DeployError> {
        self.cpu_time.used_ns()
    }

    /// Time during which Tick wanted CPU and the quota withheld it, in nanoseconds, summed over cores. Zero without a
    /// quota.
    ///
    /// # Errors
    ///
    /// As for [`Deployment::cpu_usage_ns`].
    pub fn throttled_ns(&self) -> Result<u64, DeployError> {
        self.cpu_time.throttled_ns()
    }

    /// The folder whose `cpuacct.usage` (cgroup v1) or `cpu.stat` (v2) counts Tick's CPU time.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Path> {
        self.control_group.as_ref().map(ControlGroup::accounting_folder)
    }

    /// What to give to `loadgen --utilisation`: `cgroup:FOLDER`, or `pid:N` where there is no control group.
    #[must_use]
    pub fn utilisation_source(&self) -> String {
        match self.cgroup() {
            Some(folder) => format!("cgroup:{}", folder.display()),
            None => format!("pid:{}", self.pid()),
        }
    }

    /// Tick's standard error, while the deployment lives.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        process::log_file(self.scratch.path())
    }

    /// Stops Tick and says how that went; dropping does the same without a word.
    ///
    /// # Errors
    ///
    /// When Tick did not end in good order.
    pub fn stop(mut self) -> Result<(), DeployError> {
        self.process.stop()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Stands for a guard on a system that lets us make control groups and lets nobody into them.
    const NO_GROUP: &str = r#"#!/bin/sh
case "$*" in *--cgroup*) echo "tick: cannot move the program into it: not permitted" >&2; exit 77;; esac
echo '{"address":"127.0.0.1:9","pid":4711}'
cat >/dev/null
"#;

    #[test]
    fn a_group_that_lets_tick_not_in_is_done_without_and_the_limits_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tick");
        fs::write(&program, NO_GROUP).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let cpu = CpuLimit { quota_cpus: Some(0.5), ..CpuLimit::default() };
        let options = Options { program: Some(program), cpu, ..Options::default() };
        let group = ControlGroup::in_folder(&folder.path().join("group"));
        let tick = Deployment::start_in(Ok(group), &options).unwrap();
        assert_eq!((tick.pid(), tick.cgroup(), tick.limits().quota), (4711, None, None));
        let obstacle = tick.limits().obstacle.as_deref();
        assert_eq!(obstacle, Some("cannot move the program into it: not permitted"));
        tick.stop().unwrap();
    }
}
