//! One step of several shards as one.

use std::collections::{BTreeMap, BTreeSet};

use hockeystick_core::measurement::{
    BusyTime, ClassResult, Connections, Distribution, Load, Neighbours, Shard, Share, Step,
};
use hockeystick_core::schedule::Schedule;
use hockeystick_core::workload::Class;

use super::Unmergeable;
use crate::histogram::Times;
use crate::slices::{self, SliceTimes};

/// Adds a step of all shards, which are of one run; each with the name of its file.
pub(super) fn merge_step(of: &[(&str, &Step)], shards: &[Shard]) -> Result<Step, Unmergeable> {
    let adder = Adder { of };
    let steps = || of.iter().map(|(_, step)| *step);
    let sum = |of: fn(&Step) -> u64| steps().map(of).fold(0, u64::saturating_add);
    let first = of.first().ok_or(Unmergeable::Nothing)?.1;
    // A part that was disturbed on one machine has late requests in it: it counts on all, or on none.
    let disturbed: Vec<bool> =
        (0..first.slices.len()).map(|slice| steps().any(|step| step.slices[slice].disturbed)).collect();
    let parts = (0..first.parts.len()).map(|part| {
        let lag = adder.times(&format!("parts[{part}].lag"), |step| Some(&step.parts[part].lag))?;
        let response = adder.times(&format!("parts[{part}].response"), |step| Some(&step.parts[part].response))?;
        Ok(SliceTimes { lag, response })
    });
    let whole = slices::whole(&parts.collect::<Result<Vec<_>, Unmergeable>>()?, &disturbed);
    let in_flight = (0..first.parts.len()).map(|part| {
        let mut mean = slices::Mean::default();
        mean.add(steps().map(|step| step.parts[part].in_flight).sum());
        mean
    });
    let due = sum(|step| step.due);
    let mut failed = BTreeMap::new();
    for (kind, count) in steps().flat_map(|step| &step.failed) {
        let all: &mut u64 = failed.entry(kind.clone()).or_default();
        *all = all.saturating_add(*count);
    }
    let closed = matches!(first.load, Some(Load::Closed(_)));
    Ok(Step {
        rate_per_s: if closed { due as f64 / first.measured_s } else { first.rate_per_s },
        load: first.load.clone(),
        warm_up_s: first.warm_up_s,
        measured_s: first.measured_s,
        window_from: first.window_from.clone(),
        held_out: first.held_out,
        due,
        sent: sum(|step| step.sent),
        completed: sum(|step| step.completed),
        failed,
        users_exhausted: sum(|step| step.users_exhausted),
        in_flight: slices::whole_mean(&in_flight.collect::<Vec<_>>(), &disturbed),
        generator_cpus: steps().map(|step| step.generator_cpus).sum(),
        lag: whole.lag,
        response: whole.response,
        service: adder.distribution("service", |step| Some(&step.service))?,
        classes: adder.classes()?,
        slices: whole.slices,
        connections: adder.connections()?,
        schedule: schedule(steps()),
        stations: stations(shards, steps()),
        busy_by_slice: busy_by_slice(shards, steps()),
        neighbours: neighbours(shards, steps()),
        discarded: Vec::new(),
        parts: Vec::new(),
        clock: None,
        shares: steps().map(share).collect(),
    })
}

fn share(step: &Step) -> Share {
    Share {
        due: step.due,
        sent: step.sent,
        completed: step.completed,
        users_exhausted: step.users_exhausted,
        generator_cpus: step.generator_cpus,
        lag: step.lag.clone(),
        response: step.response.clone(),
        clock: step.clock,
        neighbours: step.neighbours,
    }
}

/// Adds what several files say of one step.
struct Adder<'f> {
    of: &'f [(&'f str, &'f Step)],
}

impl Adder<'_> {
    /// Adds a distribution of each, where it has it.
    fn times(&self, path: &str, of: impl Fn(&Step) -> Option<&Distribution>) -> Result<Times, Unmergeable> {
        let mut all = Times::default();
        for (name, step) in self.of {
            let Some(distribution) = of(step) else { continue };
            let times = Times::read(distribution).map_err(|error| {
                let begun = step.window_from.clone().unwrap_or_default();
                Unmergeable::Histogram((*name).to_owned(), begun, format!("{path}.hdr"), error)
            })?;
            all.add(&times);
        }
        Ok(all)
    }

    fn distribution(
        &self,
        path: &str,
        of: impl Fn(&Step) -> Option<&Distribution>,
    ) -> Result<Distribution, Unmergeable> {
        Ok(self.times(path, of)?.distribution())
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.of.iter().map(|(_, step)| *step)
    }

    fn classes(&self) -> Result<BTreeMap<Class, ClassResult>, Unmergeable> {
        let classes: BTreeSet<_> = self.steps().flat_map(|step| step.classes.keys().copied()).collect();
        let merged = classes.into_iter().map(|class| {
            let sum = |of: fn(&ClassResult) -> u64| {
                self.steps().filter_map(|step| step.classes.get(&class)).map(of).fold(0, u64::saturating_add)
            };
            let path = |what| format!("classes.{}.{what}", class.name());
            let result = ClassResult {
                due: sum(|result| result.due),
                answered: sum(|result| result.answered),
                failed: sum(|result| result.failed),
                response: self.distribution(&path("response"), |step| Some(&step.classes.get(&class)?.response))?,
                service: self.distribution(&path("service"), |step| Some(&step.classes.get(&class)?.service))?,
            };
            Ok((class, result))
        });
        merged.collect()
    }

    fn connections(&self) -> Result<Option<Connections>, Unmergeable> {
        if self.steps().all(|step| step.connections.is_none()) {
            return Ok(None);
        }
        Ok(Some(Connections {
            connect: self.distribution("connections.connect", |step| Some(&step.connections.as_ref()?.connect))?,
            tls: self.distribution("connections.tls", |step| Some(&step.connections.as_ref()?.tls))?,
        }))
    }
}

/// All arrivals in their order; none where a shard had too many to write them down, or all of them are.
fn schedule<'s>(steps: impl Iterator<Item = &'s Step>) -> Option<String> {
    let shares: Option<Vec<Schedule>> = steps.map(|step| Schedule::read(step.schedule.as_ref()?)).collect();
    let mut arrivals: Vec<_> = shares?.iter().flat_map(|share| share.arrivals().to_vec()).collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    (arrivals.len() <= Schedule::WRITTEN_MAX).then(|| Schedule::new(arrivals).text())
}

/// Busy time by station.
fn stations<'s>(shards: &[Shard], steps: impl Iterator<Item = &'s Step>) -> BTreeMap<String, BusyTime> {
    let together = |machines: Vec<&BusyTime>| {
        let elapsed_s = machines.iter().map(|busy| busy.elapsed_s).sum::<f64>() / machines.len() as f64;
        let processors: f64 = machines.iter().map(|busy| busy.processors()).sum();
        BusyTime { busy_s: processors * elapsed_s, elapsed_s }
    };
    by_station(shards, steps.map(|step| &step.stations), together)
}

/// Busy processors by station and slice.
fn busy_by_slice<'s>(shards: &[Shard], steps: impl Iterator<Item = &'s Step>) -> BTreeMap<String, Vec<f64>> {
    let together = |machines: Vec<&Vec<f64>>| {
        let slices = machines.iter().map(|busy| busy.len()).min().unwrap_or_default();
        (0..slices).map(|slice| machines.iter().map(|busy| busy[slice]).sum()).collect()
    };
    by_station(shards, steps.map(|step| &step.busy_by_slice), together)
}

/// What was read of each station, once for each machine. Shards on one machine read the same of it; shards on several read
/// the copies of a component, each on its own machine, which together are the station.
fn by_station<'s, T: 's>(
    shards: &[Shard],
    readings: impl Iterator<Item = &'s BTreeMap<String, T>>,
    together: impl Fn(Vec<&'s T>) -> T,
) -> BTreeMap<String, T> {
    let mut stations: BTreeMap<&str, BTreeMap<String, &T>> = BTreeMap::new();
    for (index, (shard, readings)) in shards.iter().zip(readings).enumerate() {
        let machine = if shard.machine.is_empty() { format!("shard {index}") } else { shard.machine.clone() };
        for (name, reading) in readings {
            stations.entry(name).or_default().entry(machine.clone()).or_insert(reading);
        }
    }
    let stations = stations.into_iter();
    stations.map(|(name, machines)| (name.to_owned(), together(machines.into_values().collect()))).collect()
}

/// What else went on, on all machines; none where one of them does not tell.
fn neighbours<'s>(shards: &[Shard], steps: impl Iterator<Item = &'s Step>) -> Option<Neighbours> {
    let seen: Option<Vec<Neighbours>> = steps.map(|step| step.neighbours).collect();
    let sum = |all: Neighbours, one: Neighbours| Neighbours {
        processors: all.processors.saturating_add(one.processors),
        used: all.used + one.used,
        stolen: all.stolen + one.stolen,
    };
    once(shards, seen?.into_iter()).reduce(sum)
}

/// Values that belong to machines, each machine's once: of the first shard that was sent from it.
pub(super) fn once<T>(shards: &[Shard], values: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut seen = BTreeSet::new();
    let mut is_first = move |shard: &Shard| shard.machine.is_empty() || seen.insert(shard.machine.clone());
    shards.iter().zip(values).filter(move |(shard, _)| is_first(shard)).map(|(_, value)| value)
}
