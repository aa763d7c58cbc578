//! Stages whose figures are known exactly, and the table that is printed of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hockeystick_core::component::{Settings, app_server, clients, database};
use hockeystick_core::hardware::Machine;
use hockeystick_core::outcome::Estimate;
use hockeystick_core::simulate::{Run, RunOptions, run};
use hockeystick_core::stage::{Component, Link, Placement, Stage};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Closed, Demand, PerClass, Workload};

const CONFIDENCE: f64 = 0.99;

/// A figure of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figure {
    /// Mean response time in milliseconds.
    Mean,
    /// Answers a second.
    Throughput,
    /// Failures a second, of a cause.
    Errors(&'static str),
    /// A component's own figure.
    Metric(&'static str),
}

impl Figure {
    fn of(self, run: &Run) -> &Estimate {
        let outcome = &run.outcome;
        match self {
            Self::Mean => &outcome.response_ms.mean,
            Self::Throughput => &outcome.throughput_per_s,
            Self::Errors(cause) => &outcome.errors_per_s[cause],
            Self::Metric(name) => &outcome.metrics[name],
        }
    }
}

/// A stage with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) stage: Stage,
    pub(crate) seconds: f64,
    pub(crate) exact: Vec<(Figure, f64)>,
    /// By how much theory may be off, as a share: nothing but for what is told to be an approximation.
    pub(crate) error: f64,
}

impl Case {
    pub(crate) fn new(name: &'static str, stage: Stage, seconds: f64, exact: Vec<(Figure, f64)>) -> Self {
        Self { name, stage, seconds, exact, error: 0.0 }
    }
}

/// Simulates every case on all cores, prints the table, and fails with the seed where theory and simulation disagree:
/// where an exact figure lies outside of the 99 % interval, or the interval is wider than 1 % to each side.
pub(crate) fn hold(cases: &[Case]) {
    // With each of the seeds 1, 2 and 3 at most one of the figures lies outside, as one in a hundred must.
    #[expect(clippy::disallowed_methods, reason = "a test may be told its seed")]
    let seed = std::env::var("HOCKEYSTICK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let runs = on_all_cores(cases, |case| {
        let options = RunOptions { seed, seconds: case.seconds, confidence: CONFIDENCE };
        run(&case.stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{}: {problems:?}", case.name))
    });
    let mut faults = Vec::new();
    println!("{:<38} {:>12} {:>12}   99 % interval         ±", "case", "exact", "simulated");
    for (case, run) in cases.iter().zip(&runs) {
        for (figure, exact) in &case.exact {
            let estimate = figure.of(run);
            let (low, high) = estimate.bounds().unwrap_or((f64::NAN, f64::NAN));
            let half_width = 0.5 * (high - low) / exact;
            let value = estimate.known().unwrap_or(f64::NAN);
            let name = format!("{}, {figure:?}", case.name);
            println!("{name:<38} {exact:>12.5} {value:>12.5}   {low:.5} to {high:.5}  {:.2} %", 100.0 * half_width);
            let slack = case.error * exact;
            if !(low - slack..=high + slack).contains(exact) {
                faults.push(format!("{name}, seed {seed}: {exact} is not in {low} to {high}"));
            }
            if half_width.is_nan() || half_width >= 0.01 {
                faults.push(format!("{name}, seed {seed}: the interval is {half_width} wide to each side"));
            }
        }
    }
    println!("{} events", runs.iter().map(|run| run.events).sum::<u64>());
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Does `work` on every job, on all cores; results in the order of the jobs.
pub(crate) fn on_all_cores<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let take_jobs = || {
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(job) = jobs.get(index)
        {
            let result = work(job);
            results.lock().expect("no worker panics").push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(take_jobs);
        }
    });
    let mut results = results.into_inner().expect("no worker panics");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Exponential, in milliseconds.
pub(crate) fn exponential(ms: f64) -> Demand {
    Demand::exponential(Duration::from_secs_f64(ms / 1e3))
}

/// Users alone, who all ask for files and never give up.
pub(crate) fn users(rate_per_s: f64) -> Stage {
    let settings = clients::Settings {
        timeout: Duration::from_s(600),
        handshake: 0,
        visit: 1_000_000,
        ..clients::Settings::default()
    };
    let workload =
        Workload { rate: Rate::per_second(rate_per_s), mix: PerClass([1.0, 0.0, 0.0, 0.0]), ..Workload::default() };
    let mut stage = Stage { title: "Known exactly".into(), workload, ..Stage::default() };
    add(&mut stage, "users", None, Settings::Clients(settings), &[]);
    stage
}

/// Closes the workload: so many users who think for so long.
pub(crate) fn closed(mut stage: Stage, users: u32, think: Demand) -> Stage {
    stage.workload.closed = Some(Closed { users, think });
    stage
}

/// Adds a component on a machine of its own with so many processors, called by these.
pub(crate) fn add(stage: &mut Stage, id: &str, vcpus: Option<u32>, settings: Settings, callers: &[&str]) {
    let memory = Bytes(100_000_000_000_000);
    let machine =
        vcpus.map(|vcpus| Placement::Own { size: None, machine: Machine { vcpus, memory, ..Machine::default() } });
    let to = stage.components.len();
    let id = id.to_owned();
    stage.components.push(Component { id, copies: 1, machine, region: None, at: [0.0; 2], settings });
    for caller in callers {
        let from = stage.component(caller).expect("a caller that is there");
        stage.links.push(Link::new(from, to, Duration::ZERO));
    }
}

/// An application that shares its processors among all requests, and asks nobody.
pub(crate) fn sharing(demand: Demand) -> app_server::Settings {
    app_server::Settings {
        workers: 100_000,
        backlog: 1_000_000,
        timeout: Duration::from_s(600),
        demand: PerClass::all(demand),
        queries: PerClass::all(0),
        calls: PerClass::all(0),
        memory_per_request: Bytes(0),
        ..app_server::Settings::default()
    }
}

/// A database that shares its processors among all queries, and writes nothing.
pub(crate) fn rows(demand: Demand) -> database::Settings {
    database::Settings {
        demand: PerClass::all(demand),
        writes: PerClass::all(0.0),
        connections: 1_000_000,
        memory_per_connection: Bytes(0),
        ..database::Settings::default()
    }
}
