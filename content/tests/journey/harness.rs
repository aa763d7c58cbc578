//! Running a stage as its reader would: with some knobs turned, over the same traffic.

use hockeystick_content::{builtin, stage};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{Run, RunOptions, Simulation, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Duration, Rate};

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

/// Index of a component.
pub(crate) fn place(stage: &Stage, id: &str) -> usize {
    stage.component(id).unwrap_or_else(|| panic!("no component {id}"))
}

/// A run at time zero, to be meddled with.
pub(crate) fn begun(stage: &Stage) -> Simulation {
    Simulation::new(stage, SEED).unwrap_or_else(|problems| panic!("{problems:#?}"))
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
