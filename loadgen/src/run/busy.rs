//! How much processor time a station of the deployment has used: read before and after a step's window.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use hockeystick_core::measurement::{BusyTime, STATION_ONLY};

use super::neighbours;

/// Where processor time is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The station's name in the stage: `box cpu`.
    pub name: String,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A control group's folder: version 2's `cpu.stat` or version 1's `cpuacct.usage`.
    Cgroup(PathBuf),
    /// A process with all its threads.
    Process(u32),
}

/// Why processor time cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the processor time of `{name}` from {path}: {reason}; {help}")]
pub struct MeterError {
    name: String,
    path: PathBuf,
    reason: String,
    help: &'static str,
}

impl FromStr for Meter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is not [NAME=]cgroup:PATH or [NAME=]pid:N");
        let (name, source) = match text.split_once('=') {
            Some((name, source)) if !name.trim().is_empty() => (name.trim(), source),
            Some(_) => return Err(expected()),
            None => (STATION_ONLY, text),
        };
        let source = match source.split_once(':').ok_or_else(expected)? {
            ("cgroup", path) if !path.is_empty() => Source::Cgroup(path.into()),
            ("pid", number) => Source::Process(number.parse().map_err(|_| expected())?),
            _ => return Err(expected()),
        };
        Ok(Self { name: name.to_owned(), source })
    }
}

/// One reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(super) used_s: f64,
    pub(super) at: Instant,
}

impl Meter {
    /// Reads the time used so far.
    pub(crate) fn read(&self) -> Result<Reading, MeterError> {
        let used_s = match &self.source {
            Source::Cgroup(folder) => self.read_cgroup(folder)?,
            Source::Process(pid) => self.read_process(*pid)?,
        };
        Ok(Reading { used_s, at: Instant::now() })
    }

    /// Processors that the station may run on; none where the system does not tell.
    pub(super) fn processors(&self) -> Option<BTreeSet<usize>> {
        let pid = match &self.source {
            Source::Process(pid) => *pid,
            Source::Cgroup(folder) => {
                fs::read_to_string(folder.join("cgroup.procs")).ok()?.lines().next()?.trim().parse().ok()?
            }
        };
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        neighbours::read_list(text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?)
    }

    fn read_cgroup(&self, folder: &Path) -> Result<f64, MeterError> {
        let version_1 = folder.join("cpuacct.usage");
        if let Ok(text) = fs::read_to_string(&version_1) {
            let nanoseconds: f64 = text.trim().parse().map_err(|_| self.error(&version_1, "not a number".into()))?;
            return Ok(nanoseconds / 1e9);
        }
        let version_2 = folder.join("cpu.stat");
        let text = fs::read_to_string(&version_2).map_err(|error| self.error(&version_2, error.to_string()))?;
        let usage = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
        let microseconds: Option<f64> = usage.and_then(|text| text.trim().parse().ok());
        microseconds.map(|us| us / 1e6).ok_or_else(|| self.error(&version_2, "no usage_usec in it".into()))
    }

    /// Fields 14 and 15 of /proc/PID/stat, in clock ticks; see proc_pid_stat(5).
    fn read_process(&self, pid: u32) -> Result<f64, MeterError> {
        let path = PathBuf::from(format!("/proc/{pid}/stat"));
        let text = fs::read_to_string(&path).map_err(|error| self.error(&path, error.to_string()))?;
        // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
        let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        let used = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        used.map(|ticks| ticks / per_second).ok_or_else(|| self.error(&path, "unexpected contents".into()))
    }

    fn error(&self, path: &Path, reason: String) -> MeterError {
        let help = match self.source {
            Source::Cgroup(_) => "give the folder of a control group that holds cpu.stat or cpuacct.usage",
            Source::Process(_) => "give the number of a running process",
        };
        MeterError { name: self.name.clone(), path: path.to_owned(), reason, help }
    }
}

impl Reading {
    /// What was used since an earlier reading.
    pub(crate) fn since(&self, earlier: &Self) -> BusyTime {
        BusyTime { busy_s: (self.used_s - earlier.used_s).max(0.0), elapsed_s: (self.at - earlier.at).as_secs_f64() }
    }
}

/// Processor time of this process so far, in seconds.
pub(crate) fn own_processor_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_are_written_with_or_without_a_name() {
        let meter: Meter = "box cpu=cgroup:/sys/fs/cgroup/tick".parse().unwrap();
        assert_eq!(meter.name, "box cpu");
        assert_eq!("pid:12".parse::<Meter>().unwrap().name, STATION_ONLY);
        for wrong in ["", "pid:", "pid:x", "=pid:1", "cgroup:", "top:3", "box cpu"] {
            assert!(wrong.parse::<Meter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_process_that_works_uses_time() {
        let meter: Meter = format!("pid:{}", std::process::id()).parse().unwrap();
        let before = meter.read().unwrap();
        let begun = Instant::now();
        while begun.elapsed().as_millis() < 200 {
            std::hint::black_box(begun);
        }
        let busy = meter.read().unwrap().since(&before);
        assert!(busy.busy_s > 0.0 && busy.elapsed_s >= 0.2, "{busy:?}");
    }

    #[test]
    fn both_versions_of_control_groups_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let meter: Meter = format!("cgroup:{}", folder.path().display()).parse().unwrap();
        assert!(meter.read().unwrap_err().to_string().contains("cpu.stat"));
        fs::write(folder.path().join("cpu.stat"), "usage_usec 2500000\nuser_usec 1\n").unwrap();
        assert_eq!(meter.read().unwrap().used_s, 2.5);
        fs::write(folder.path().join("cpuacct.usage"), "1500000000\n").unwrap();
        assert_eq!(meter.read().unwrap().used_s, 1.5);
    }
}
