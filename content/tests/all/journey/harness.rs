//! Running a stage as its reader would: with some knobs turned, over the same traffic.

use hockeystick_content::{builtin, stage};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{Run, RunOptions, Simulation, run};
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Rate, SECOND_NS};

/// The seed of every run: the same traffic before and after a fix.
pub(crate) const SEED: u64 = 1;

/// The built-in stage of this name.
pub(crate) fn stage(slug: &str) -> Stage {
    match builtin::stage(slug) {
        Some(Ok(stage)) => stage,
        Some(Err(errors)) => panic!("{errors}"),
        None => panic!("no stage {slug}"),
    }
}

/// The stage with these numbers changed, as `loadgen predict --set` takes them: `("app.copies", "3")`.
pub(crate) fn with(stage: &Stage, changes: &[(&str, &str)]) -> Stage {
    let mut changed = stage.clone();
    for (path, value) in changes {
        stage::set(&mut changed, path, value).unwrap_or_else(|error| panic!("{path} = {value}: {error}"));
    }
    changed
}

/// The stage at another rate, in requests a second.
pub(crate) fn at_rate(stage: &Stage, per_s: f64) -> Stage {
    let mut changed = stage.clone();
    changed.workload.rate = Rate::per_second(per_s);
    changed
}

/// The stage with another latency on the link between these two.
pub(crate) fn with_latency(stage: &Stage, from: &str, to: &str, latency: Duration) -> Stage {
    let mut changed = stage.clone();
    let ends = (stage.component(from), stage.component(to));
    let link = changed.links.iter_mut().find(|link| (Some(link.from), Some(link.to)) == ends);
    link.unwrap_or_else(|| panic!("no link from {from} to {to}")).latency = latency;
    changed
}

/// The stage without these components, and without the links that they had.
pub(crate) fn without(stage: &Stage, ids: &[&str]) -> Stage {
    let mut left = stage.clone();
    let stays = |index: usize| !ids.contains(&stage.components[index].id.as_str());
    left.components.retain(|component| !ids.contains(&component.id.as_str()));
    left.links.retain(|link| stays(link.from) && stays(link.to));
    for link in &mut left.links {
        let moved = |index: usize| (0..index).filter(|before| stays(*before)).count();
        (link.from, link.to) = (moved(link.from), moved(link.to));
    }
    left
}

/// The stage with a fault on a component, or on the link between two.
pub(crate) fn broken(stage: &Stage, on: &str, kind: FaultKind, at_s: u64, lasts_s: u64) -> Stage {
    let mut broken = stage.clone();
    let index = |id: &str| stage.component(id).unwrap_or_else(|| panic!("no component {id}"));
    let target = match on.split_once(" -> ") {
        None => Target::Component(index(on), None),
        Some((from, to)) => {
            let ends = (index(from), index(to));
            let link = stage.links.iter().position(|link| (link.from, link.to) == ends);
            Target::Link(link.unwrap_or_else(|| panic!("no link {on}")))
        }
    };
    let (at, lasts) = (Duration::from_s(at_s), Some(Duration::from_s(lasts_s)));
    broken.faults.push(Fault { at, lasts, on: target, kind });
    broken
}

/// Index of a component.
pub(crate) fn place(stage: &Stage, id: &str) -> usize {
    stage.component(id).unwrap_or_else(|| panic!("no component {id}"))
}

/// A run at time zero, to be meddled with.
pub(crate) fn begun(stage: &Stage) -> Simulation {
    Simulation::new(stage, SEED).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A run that is this many seconds old.
pub(crate) fn begun_until(stage: &Stage, seconds: u64) -> Simulation {
    let mut run = begun(stage);
    run.run_until(seconds * SECOND_NS);
    run
}

/// A component's own figure, as it stands.
pub(crate) fn figure(run: &Simulation, id: &str, name: &str) -> f64 {
    let node = run.nodes().position(|node| node.name == id).unwrap_or_else(|| panic!("no node {id}"));
    let metrics = run.metrics(node);
    let found = metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no metric {name} among {metrics:?}")).reading.number()
}

/// Processor-seconds that a machine has used.
pub(crate) fn busy_s(run: &mut Simulation, host: &str) -> f64 {
    let index = run.hosts().iter().position(|info| info.name == host).unwrap_or_else(|| panic!("no host {host}"));
    run.host_gauge(index).busy_s
}

/// What becomes of a stage in so many seconds.
pub(crate) fn ran(stage: &Stage, seconds: f64) -> Run {
    let options = RunOptions { seed: SEED, seconds, ..RunOptions::default() };
    run(stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The figures that most stages are about.
pub(crate) trait Figures {
    /// 95th percentile of the response time, in milliseconds; infinite when nothing was answered.
    fn p95_ms(&self) -> f64;
    /// Mean response time in milliseconds.
    fn mean_ms(&self) -> f64;
    /// Requests answered a second.
    fn throughput_per_s(&self) -> f64;
    /// Requests failed a second, for whatever cause.
    fn errors_per_s(&self) -> f64;
    /// A component's own figure, such as `cache hit_ratio`.
    fn metric(&self, name: &str) -> f64;
}

impl Figures for Outcome {
    fn p95_ms(&self) -> f64 {
        self.response_ms.p95.known().unwrap_or(f64::INFINITY)
    }

    fn mean_ms(&self) -> f64 {
        self.response_ms.mean.known().unwrap_or(f64::INFINITY)
    }

    fn throughput_per_s(&self) -> f64 {
        self.throughput_per_s.known().unwrap_or(0.0)
    }

    fn errors_per_s(&self) -> f64 {
        self.errors_per_s.values().filter_map(hockeystick_core::outcome::Estimate::known).sum()
    }

    fn metric(&self, name: &str) -> f64 {
        let known: Vec<&String> = self.metrics.keys().collect();
        let estimate = self.metrics.get(name).unwrap_or_else(|| panic!("no metric {name} among {known:?}"));
        estimate.known().unwrap_or(f64::NAN)
    }
}
