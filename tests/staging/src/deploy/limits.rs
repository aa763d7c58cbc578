//! How much CPU a deployment may use: as asked for, and as it came to be.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::DeployError;
use super::cgroup::ControlGroup;

/// Linux takes periods from 1 ms to 1 s, and a quota of at least 1 ms a period
/// (Documentation/scheduler/sched-bwc.rst).
const PERIOD_MIN: Duration = Duration::from_millis(1);
const PERIOD_MAX: Duration = Duration::from_secs(1);
const QUOTA_MIN: Duration = Duration::from_millis(1);

/// How much CPU to allow.
#[derive(Debug, Clone, PartialEq)]
pub struct CpuLimit {
    /// CPUs' worth of time, such as 0.5; `None` sets no quota.
    pub quota_cpus: Option<f64>,
    /// The quota is refilled this often. Short periods resemble a slower CPU, long ones let short bursts run at full
    /// speed; container platforms use 100 ms.
    pub period: Duration,
    /// Cores to run on; empty for all. Keep the load generator off them.
    pub cores: Vec<usize>,
}

impl Default for CpuLimit {
    fn default() -> Self {
        Self { quota_cpus: None, period: Duration::from_millis(100), cores: Vec::new() }
    }
}

impl CpuLimit {
    /// CPU time a period.
    pub(super) fn quota(&self) -> Option<Duration> {
        self.quota_cpus.map(|cpus| self.period.mul_f64(cpus))
    }

    pub(super) fn check(&self) -> Result<(), DeployError> {
        if !(PERIOD_MIN..=PERIOD_MAX).contains(&self.period) {
            let value = format!("{:?}", self.period);
            return Err(DeployError::InvalidLimit { field: "period", value, valid: "1 ms to 1 s" });
        }
        if let Some(cpus) = self.quota_cpus {
            let in_range = cpus.is_finite() && cpus > 0.0 && cpus <= 1024.0;
            if !in_range || self.period.mul_f64(cpus) < QUOTA_MIN {
                let valid = "above 0, up to 1024, and at least 1 ms in each period";
                return Err(DeployError::InvalidLimit { field: "quota_cpus", value: cpus.to_string(), valid });
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if let Some(core) = self.cores.iter().find(|&&core| core >= CORES_MAX) {
            let valid = "the numbers of this machine's cores, from 0";
            return Err(DeployError::InvalidLimit { field: "cores", value: format!("{core} (of {cores})"), valid });
        }
        Ok(())
    }
}

/// What an affinity mask holds (CPU_SETSIZE of the C library). Whether the machine has the core, the kernel says.
const CORES_MAX: usize = 1024;

/// The limits that hold, in fact.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveLimits {
    /// CPUs' worth of time that Tick can use at most: the quota, or the number of its cores.
    pub cpus: f64,
    /// Whether the kernel enforces a quota.
    pub quota: Option<Quota>,
    /// The cores it runs on; empty for all.
    pub cores: Vec<usize>,
    /// Why there is no control group, where there is none.
    pub obstacle: Option<String>,
}

/// A quota that the kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// CPU time a period.
    pub time: Duration,
    /// The period.
    pub period: Duration,
}

impl EffectiveLimits {
    pub(super) fn new(asked: &CpuLimit, group: Option<&ControlGroup>, obstacle: Option<String>) -> Self {
        let quota = asked.quota().filter(|_| group.is_some()).map(|time| Quota { time, period: asked.period });
        // A core that is named twice is one.
        let cores: Vec<usize> = BTreeSet::from_iter(asked.cores.iter().copied()).into_iter().collect();
        let machine_cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if cores.is_empty() { machine_cores } else { cores.len() };
        #[expect(clippy::cast_precision_loss, reason = "a machine has far fewer than 2^52 cores")]
        let cpus = count as f64;
        let quota_cpus = quota.map_or(f64::INFINITY, |quota| quota.time.div_duration_f64(quota.period));
        Self { cpus: cpus.min(quota_cpus), quota, cores, obstacle }
    }
}

impl fmt::Display for EffectiveLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.quota {
            Some(Quota { time, period }) => {
                write!(f, "a quota of {:.2} CPU ({time:?} in every {period:?})", time.div_duration_f64(*period))?;
            }
            None => f.write_str("no CPU quota")?,
        }
        match self.cores.as_slice() {
            [] => f.write_str(", on any core")?,
            [core] => write!(f, ", on core {core}")?,
            cores => write!(f, ", on cores {cores:?}")?,
        }
        match &self.obstacle {
            Some(obstacle) => write!(f, " (no control group: {obstacle})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_limits_are_refused_with_what_would_be_valid() {
        let half = CpuLimit { quota_cpus: Some(0.5), ..CpuLimit::default() };
        assert!(half.check().is_ok());
        for quota in [0.0, -1.0, f64::NAN, f64::INFINITY, 0.001] {
            let error = CpuLimit { quota_cpus: Some(quota), ..CpuLimit::default() }.check().unwrap_err();
            assert!(error.to_string().contains("quota_cpus") && error.to_string().contains("1 ms"), "{quota}: {error}");
        }
        for period in [Duration::ZERO, Duration::from_micros(999), Duration::from_secs(2)] {
            let error = CpuLimit { period, ..half.clone() }.check().unwrap_err();
            assert!(error.to_string().contains("1 ms to 1 s"), "{error}");
        }
    }

    #[test]
    fn without_a_control_group_the_limits_say_that_no_quota_holds_and_why() {
        let asked = CpuLimit { quota_cpus: Some(0.5), cores: vec![0], ..CpuLimit::default() };
        let limits = EffectiveLimits::new(&asked, None, Some("permission denied".to_owned()));
        assert_eq!(limits.quota, None);
        assert!((limits.cpus - 1.0).abs() < f64::EPSILON);
        assert_eq!(limits.to_string(), "no CPU quota, on core 0 (no control group: permission denied)");
    }
}
