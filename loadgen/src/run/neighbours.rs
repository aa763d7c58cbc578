//! What else runs on the processors of the generator and of the deployment: other programs, and other machines.
//!
//! Their share of /proc/stat is what is left of it without the generator's own time and the stations'. What delays a
//! deployment in this way is in no model of it, and shows in its response times only as something inexplicable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use hockeystick_core::measurement::{BusyTime, Neighbours};

use super::busy::Meter;

/// What others may use of a slice without disturbing it: a fixed time, for /proc/stat counts in ticks of 10 ms, and a
/// share of the processors.
const USED_MAX_S: f64 = 0.04;
const USED_SHARE_MAX: f64 = 0.03;
/// The same of time that was stolen.
const STOLEN_MAX_S: f64 = 0.02;
const STOLEN_SHARE_MAX: f64 = 0.005;
/// A backlog outlasts what caused it: at 80 % of a quota it takes five times as long to go.
const RECOVERY_S: f64 = 1.0;

/// Which slices of a window others disturbed, themselves or by what they left behind. `parts` are slices of `slice_s`
/// seconds each.
pub(super) fn disturbed<const N: usize>(parts: &[Option<Neighbours>], slice_s: f64) -> [bool; N] {
    let disturbs = |seen: &Neighbours| {
        let processors_s = f64::from(seen.processors) * slice_s;
        seen.used * slice_s > USED_MAX_S + USED_SHARE_MAX * processors_s
            || seen.stolen * slice_s > STOLEN_MAX_S + STOLEN_SHARE_MAX * processors_s
    };
    let mut disturbed = [false; N];
    let after = (RECOVERY_S / slice_s).ceil() as usize;
    for (slice, _) in parts.iter().enumerate().filter(|(_, part)| part.as_ref().is_some_and(disturbs)) {
        disturbed.iter_mut().skip(slice).take(1 + after).for_each(|slice| *slice = true);
    }
    disturbed
}

/// The processors that are watched.
#[derive(Clone, Debug)]
pub(super) struct Watched(BTreeSet<usize>);

/// One reading of all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    busy_s: f64,
    stolen_s: f64,
    at: Instant,
}

impl Watched {
    /// Those of the generator and of the stations whose busy time is read. None where it cannot be told who used them:
    /// a deployment on this machine without a meter may run anywhere, unless the generator keeps to itself.
    pub(super) fn new(meters: &[Meter], on_this_machine: bool) -> Option<Self> {
        let times = times()?;
        let generator = own_processors(&times);
        if on_this_machine && meters.is_empty() && generator.len() == times.len() {
            return None;
        }
        let stations = meters.iter().map(Meter::processors).collect::<Option<Vec<_>>>()?;
        Some(Self(stations.into_iter().flatten().chain(generator).collect()))
    }

    pub(super) fn read(&self) -> Option<Reading> {
        let times = times()?;
        let watched = || times.iter().filter(|(processor, _)| self.0.contains(processor)).map(|(_, time)| time);
        Some(Reading {
            busy_s: watched().map(|time| time.busy_s).sum(),
            stolen_s: watched().map(|time| time.stolen_s).sum(),
            at: Instant::now(),
        })
    }

    /// What is left between two readings, without what the generator used and the stations did.
    pub(super) fn between(
        &self,
        from: &Reading,
        to: &Reading,
        own_s: f64,
        stations: &BTreeMap<String, BusyTime>,
    ) -> Neighbours {
        // A generator that was away for a whole slice reads both of its ends at once.
        let elapsed_s = (to.at - from.at).as_secs_f64().max(1e-3);
        let accounted_s = own_s + stations.values().map(|busy| busy.busy_s).sum::<f64>();
        let used_s = to.busy_s - from.busy_s - accounted_s;
        Neighbours {
            processors: u32::try_from(self.0.len()).unwrap_or(u32::MAX),
            used: used_s.max(0.0) / elapsed_s,
            stolen: (to.stolen_s - from.stolen_s).max(0.0) / elapsed_s,
        }
    }
}

/// Time since the machine started.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time {
    busy_s: f64,
    stolen_s: f64,
}

/// Each processor's time; none where the system does not tell.
fn times() -> Option<BTreeMap<usize, Time>> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let times = read_times(&text, rustix::param::clock_ticks_per_second() as f64);
    (!times.is_empty()).then_some(times)
}

/// Lines such as `cpu1 user nice system idle iowait irq softirq steal …`, in clock ticks: proc_stat(5). The line `cpu`
/// without a number is their sum; time in guests is in `user` already.
fn read_times(text: &str, ticks_per_s: f64) -> BTreeMap<usize, Time> {
    let line = |line: &str| {
        let mut words = line.strip_prefix("cpu")?.split_whitespace();
        let processor = words.next()?.parse().ok()?;
        let ticks: Vec<f64> = words.map_while(|word| word.parse().ok()).collect();
        let sum = |fields: &[usize]| fields.iter().filter_map(|field| ticks.get(*field)).sum::<f64>() / ticks_per_s;
        Some((processor, Time { busy_s: sum(&[0, 1, 2, 5, 6]), stolen_s: sum(&[7]) }))
    };
    // A line that begins with `cpu` but not with a number after it is the sum.
    text.lines().filter(|text| !text.starts_with("cpu ")).filter_map(line).collect()
}

/// Processors that this process may use.
fn own_processors(all: &BTreeMap<usize, Time>) -> BTreeSet<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok();
    let allows = |processor: &usize| {
        *processor < rustix::thread::CpuSet::MAX_CPU && allowed.is_none_or(|allowed| allowed.is_set(*processor))
    };
    all.keys().copied().filter(allows).collect()
}

/// Reads a list such as `0-3,8`, as in `Cpus_allowed_list` of /proc/PID/status.
pub(super) fn read_list(text: &str) -> Option<BTreeSet<usize>> {
    let mut processors = BTreeSet::new();
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if to >= rustix::thread::CpuSet::MAX_CPU {
            return None;
        }
        processors.extend(from..=to);
    }
    Some(processors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_without_idle_time_and_with_steal_apart() {
        let text = "cpu  30 0 30 900 0 0 0 10\ncpu0 10 5 20 600 7 1 2 8 3 0\ncpu1 20 0 10 300\nintr 5\n";
        let times = read_times(text, 100.0);
        assert_eq!(times.len(), 2);
        assert_eq!(times[&0], Time { busy_s: 0.38, stolen_s: 0.08 });
        assert_eq!(times[&1], Time { busy_s: 0.30, stolen_s: 0.0 });
    }

    #[test]
    fn what_generator_and_stations_used_is_no_neighbours_time() {
        let watched = Watched(BTreeSet::from([0, 1]));
        let from = Reading { busy_s: 10.0, stolen_s: 1.0, at: Instant::now() };
        let to = Reading { busy_s: 12.5, stolen_s: 1.2, at: from.at + std::time::Duration::from_secs(2) };
        let stations = BTreeMap::from([("box cpu".to_owned(), BusyTime { busy_s: 1.0, elapsed_s: 2.0 })]);
        let found = watched.between(&from, &to, 0.9, &stations);
        assert_eq!(found.processors, 2);
        assert!((found.used - 0.3).abs() < 1e-9 && (found.stolen - 0.1).abs() < 1e-9, "{found:?}");
        assert_eq!(watched.between(&from, &to, 5.0, &stations).used, 0.0);
    }

    #[test]
    fn a_slice_is_disturbed_by_what_others_use_in_it_and_just_before() {
        let quiet = Neighbours { processors: 2, used: 0.03, stolen: 0.002 };
        let mut parts = [Some(quiet); 20];
        assert_eq!(disturbed::<20>(&parts, 3.0), [false; 20]);
        parts[4] = Some(Neighbours { used: 0.2, ..quiet });
        parts[12] = Some(Neighbours { stolen: 0.05, ..quiet });
        let found = disturbed::<20>(&parts, 3.0);
        let which: Vec<usize> = (0..20).filter(|slice| found[*slice]).collect();
        assert_eq!(which, [4, 5, 12, 13]);
        // In short slices a tick or two says nothing, and a backlog outlasts several.
        assert_eq!(disturbed::<20>(&[Some(Neighbours { used: 0.08, ..quiet })], 0.25), [false; 20]);
        assert_eq!(
            disturbed::<20>(&[Some(Neighbours { used: 0.5, ..quiet })], 0.25).iter().filter(|it| **it).count(),
            5
        );
        assert_eq!(disturbed::<20>(&[None; 20], 1.0), [false; 20]);
    }

    #[test]
    fn lists_of_processors_are_read() {
        assert_eq!(read_list("1\n"), Some(BTreeSet::from([1])));
        assert_eq!(read_list("0-2,5"), Some(BTreeSet::from([0, 1, 2, 5])));
        for wrong in ["", "a", "0-", "0-99999999999"] {
            assert_eq!(read_list(wrong), None, "{wrong}");
        }
    }
}
