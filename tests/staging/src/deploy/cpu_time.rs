//! The CPU time that a deployment has used, from the kernel's own counters.

use std::fs;
use std::path::{Path, PathBuf};

use super::DeployError;
use super::cgroup::{ControlGroup, Version};

/// `USER_HZ`: the unit of /proc/PID/stat, 100 a second on every Linux of today (man 5 proc).
const NS_PER_TICK: u64 = 10_000_000;

/// Where to read it.
#[derive(Debug)]
pub(super) struct CpuTime {
    counter: Counter,
    has_quota: bool,
}

#[derive(Debug)]
enum Counter {
    /// `cpuacct.usage` in nanoseconds; `cpu.stat` counts what was withheld.
    V1 { usage: PathBuf, stat: PathBuf },
    /// `cpu.stat`, in microseconds.
    V2 { stat: PathBuf },
    /// /proc/PID/stat, in ticks of 10 ms.
    Process { stat: PathBuf },
}

impl CpuTime {
    pub(super) fn of_group(group: &ControlGroup, has_quota: bool) -> Self {
        let stat = group.quota_folder().join("cpu.stat");
        let counter = match group.version() {
            Version::V1 => Counter::V1 { usage: group.accounting_folder().join("cpuacct.usage"), stat },
            Version::V2 => Counter::V2 { stat },
        };
        Self { counter, has_quota }
    }

    pub(super) fn of_process(pid: u32) -> Self {
        Self { counter: Counter::Process { stat: PathBuf::from(format!("/proc/{pid}/stat")) }, has_quota: false }
    }

    pub(super) fn used_ns(&self) -> Result<u64, DeployError> {
        match &self.counter {
            Counter::V1 { usage, .. } => {
                let text = read(usage)?;
                text.trim().parse().map_err(|_| unexpected(usage, &text))
            }
            Counter::V2 { stat } => Ok(field(stat, "usage_usec")?.saturating_mul(1_000)),
            Counter::Process { stat } => {
                let text = read(stat)?;
                process_ticks(&text).map(|ticks| ticks * NS_PER_TICK).ok_or_else(|| unexpected(stat, &text))
            }
        }
    }

    pub(super) fn throttled_ns(&self) -> Result<u64, DeployError> {
        match &self.counter {
            // Where nothing is withheld, the field need not be there.
            _ if !self.has_quota => Ok(0),
            Counter::V1 { stat, .. } => field(stat, "throttled_time"),
            Counter::V2 { stat } => Ok(field(stat, "throttled_usec")?.saturating_mul(1_000)),
            Counter::Process { .. } => Ok(0),
        }
    }
}

fn read(path: &Path) -> Result<String, DeployError> {
    fs::read_to_string(path)
        .map_err(|error| DeployError::CpuTime { path: path.to_path_buf(), reason: error.to_string() })
}

fn unexpected(path: &Path, text: &str) -> DeployError {
    DeployError::CpuTime { path: path.to_path_buf(), reason: format!("unexpected content {text:?}") }
}

/// A line `name value` of cpu.stat.
fn field(path: &Path, name: &str) -> Result<u64, DeployError> {
    let text = read(path)?;
    let values = text.lines().filter_map(|line| line.split_once(' '));
    let value = values.into_iter().find_map(|(key, value)| (key == name).then_some(value));
    value.and_then(|value| value.trim().parse().ok()).ok_or_else(|| unexpected(path, &text))
}

/// User and system time, fields 14 and 15. Field 2 is the program's name in parentheses and may hold anything, so the
/// count starts at the last closing one.
fn process_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_time_is_read_past_a_hostile_program_name() {
        let stat = "17 (a) b) 1 2) S 1 17 17 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 12345 1000 100";
        assert_eq!(process_ticks(stat), Some(300));
        assert_eq!(process_ticks("17 (tick"), None);
    }

    #[test]
    fn cpu_stat_is_read_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let stat = folder.path().join("cpu.stat");
        fs::write(&stat, "usage_usec 1500\nuser_usec 1000\nnr_throttled 2\nthrottled_usec 40\n").unwrap();
        let time = CpuTime { counter: Counter::V2 { stat }, has_quota: true };
        assert_eq!((time.used_ns().unwrap(), time.throttled_ns().unwrap()), (1_500_000, 40_000));
    }

    #[test]
    fn without_a_quota_nothing_is_withheld_whether_or_not_the_kernel_counts_it() {
        let folder = tempfile::tempdir().unwrap();
        let stat = folder.path().join("cpu.stat");
        fs::write(&stat, "usage_usec 1500\nuser_usec 1000\n").unwrap();
        let time = |has_quota| CpuTime { counter: Counter::V2 { stat: stat.clone() }, has_quota };
        assert_eq!(time(false).throttled_ns().unwrap(), 0);
        assert!(time(true).throttled_ns().is_err());
    }

    #[test]
    fn our_own_process_has_used_some_time() {
        let time = CpuTime::of_process(std::process::id());
        let before = time.used_ns().unwrap();
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        assert!(time.used_ns().unwrap() > before);
    }
}
