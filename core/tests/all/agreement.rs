//! The engine against exact theory: queues whose mean response time is known in closed form, simulated as stages.
//!
//! An app server with as many processors as workers is a first-come-first-served queue; with more workers than ever
//! come, its one processor is a processor-sharing queue.

use std::fmt;

use hockeystick_core::component::{Settings, app_server, clients};
use hockeystick_core::hardware::Machine;
use hockeystick_core::simulate::{Run, RunOptions, run};
use hockeystick_core::stage::{Link, NamedMachine, Stage};
use hockeystick_core::theory::complex::Complex;
use hockeystick_core::theory::demand::Part;
use hockeystick_core::theory::markov::{Mmc, Mmck};
use hockeystick_core::theory::{inversion, pollaczek, solve};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Demand, PerClass, Workload};
use hockeystick_probe::component;

use crate::table::on_all_cores;

const SEED: u64 = 1;
const CONFIDENCE: f64 = 0.99;
const SERVICE_S: f64 = 0.010;

/// A queue in Kendall's notation, and how many requests it takes to know its mean within 1 % at each load.
#[derive(Clone, Copy)]
struct Queue {
    name: &'static str,
    servers: u32,
    cv: f64,
    sharing: bool,
    /// Millions of requests at 30, 50, 80 and 90 % load.
    millions: [f64; 4],
}

const LOADS: [f64; 4] = [0.3, 0.5, 0.8, 0.9];

const QUEUES: [Queue; 6] = [
    Queue { name: "M/M/1", servers: 1, cv: 1.0, sharing: false, millions: [1.0, 2.0, 13.0, 36.0] },
    Queue { name: "M/M/4", servers: 4, cv: 1.0, sharing: false, millions: [0.5, 0.5, 7.0, 26.0] },
    Queue { name: "M/D/1", servers: 1, cv: 0.0, sharing: false, millions: [0.5, 0.5, 6.0, 22.0] },
    Queue { name: "M/G/1 (cv 0.5)", servers: 1, cv: 0.5, sharing: false, millions: [0.5, 1.0, 6.0, 22.0] },
    Queue { name: "M/M/1-PS", servers: 1, cv: 1.0, sharing: true, millions: [1.0, 2.0, 13.0, 36.0] },
    Queue { name: "M/G/1-PS (cv 0.5)", servers: 1, cv: 0.5, sharing: true, millions: [1.0, 2.0, 6.0, 26.0] },
];

impl Queue {
    fn rate_per_s(&self, load: f64) -> f64 {
        load * f64::from(self.servers) / SERVICE_S
    }

    fn demand(&self) -> Demand {
        Demand { mean: Duration::from_secs_f64(SERVICE_S), cv: self.cv }
    }

    fn exact_mean_s(&self, load: f64) -> f64 {
        let rate_per_s = self.rate_per_s(load);
        match self {
            Self { sharing: true, .. } => SERVICE_S / (1.0 - load),
            Self { cv: 1.0, servers, .. } => {
                Mmc { rate_per_s, service_s: SERVICE_S, servers: *servers }.mean_response_s()
            }
            _ => SERVICE_S + pollaczek::mean_wait_s(rate_per_s, &Part::new(1, 1.0, &self.demand(), 1.0).moments()),
        }
    }

    /// The 95th percentile of the response: exact, but for M/G/1-PS, where theory approximates the other requests.
    fn p95_s(&self, load: f64) -> f64 {
        let rate_per_s = self.rate_per_s(load);
        let part = Part::new(1, 1.0, &self.demand(), 1.0);
        let wait = |s: Complex| pollaczek::wait_transform(rate_per_s, SERVICE_S, s, part.transform(s));
        match self {
            Self { sharing: true, .. } => {
                1e-3 * solve(&self.stage(load)).response_ms.p95.known().expect("a percentile")
            }
            Self { cv: 1.0, servers, .. } => {
                let queue = Mmc { rate_per_s, service_s: SERVICE_S, servers: *servers };
                inversion::quantile(0.05, SERVICE_S, |t| queue.response_tail(t))
            }
            // The service is constant: it shifts the wait.
            Self { cv: 0.0, .. } => SERVICE_S + inversion::quantile(0.05, SERVICE_S, |t| inversion::tail(t, wait)),
            _ => inversion::quantile(0.05, SERVICE_S, |t| inversion::tail(t, |s| wait(s) * part.transform(s))),
        }
    }

    fn stage(&self, load: f64) -> Stage {
        let workers = if self.sharing { 100_000 } else { self.servers };
        stage(self.rate_per_s(load), self.servers, workers, 1_000_000, self.demand())
    }
}

/// Users and an app server without a millisecond between them, nor a database.
fn stage(rate_per_s: f64, processors: u32, workers: u32, backlog: u32, demand: Demand) -> Stage {
    let machine = Machine { vcpus: processors, memory: Bytes(100_000_000_000_000), ..Machine::default() };
    let app = app_server::Settings {
        workers,
        backlog,
        demand: PerClass::all(demand),
        queries: PerClass::all(0),
        memory_per_request: Bytes(0),
        ..app_server::Settings::default()
    };
    let users = clients::Settings { timeout: Duration::from_s(600), handshake: 0, ..clients::Settings::default() };
    Stage {
        title: "A single queue".into(),
        workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
        machines: vec![NamedMachine { id: "box".into(), size: None, machine }],
        components: vec![
            component("users", None, Settings::Clients(users)),
            component("app", Some(0), Settings::AppServer(app)),
        ],
        links: vec![Link::new(0, 1, Duration::ZERO)],
        ..Stage::default()
    }
}

fn simulate(stage: &Stage, requests: f64, seed: u64) -> Run {
    let seconds = requests / stage.workload.rate.per_s();
    let options = RunOptions { seed, seconds, confidence: CONFIDENCE };
    run(stage, &options, &mut |_| ()).expect("a stage that keeps the rules")
}

/// One queue at one load: what theory says, and what the simulation measured.
struct Line {
    queue: Queue,
    at: usize,
    run: Run,
}

impl Line {
    fn load(&self) -> f64 {
        LOADS[self.at]
    }

    fn exact_ms(&self) -> f64 {
        1e3 * self.queue.exact_mean_s(self.load())
    }

    fn bounds(&self) -> (f64, f64) {
        self.run.outcome.response_ms.mean.bounds().expect("an interval")
    }

    /// Half of the interval's width, as a share of the exact mean.
    fn half_width(&self) -> f64 {
        let (low, high) = self.bounds();
        0.5 * (high - low) / self.exact_ms()
    }

    /// By how much theory's 95th percentile exceeds the simulation's, as a share of it.
    fn p95_error(&self) -> f64 {
        1e3 * self.queue.p95_s(self.load()) / self.run.outcome.response_ms.p95.known().expect("a percentile") - 1.0
    }

    /// How this line disagrees, and how to run it again.
    fn fault(&self) -> Option<String> {
        let (low, high) = self.bounds();
        let wrong = match () {
            () if !(low..=high).contains(&self.exact_ms()) => "the exact mean lies outside of the interval",
            () if self.half_width() >= 0.01 => "the interval is wider than 1 % to each side",
            () if self.p95_error().abs() >= 0.02 => "the 95th percentile is off by over 2 %",
            () => return None,
        };
        let Queue { name, millions, .. } = self.queue;
        Some(format!("{name} at load {}, seed {SEED}, {} million requests: {wrong}", self.load(), millions[self.at]))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, percent, exact_ms) = (self.queue.name, 100.0 * self.load(), self.exact_ms());
        let (low, high) = self.bounds();
        let half_width = 100.0 * self.half_width();
        let p95_ms = 1e3 * self.queue.p95_s(self.load());
        let p95_error = 100.0 * self.p95_error();
        write!(f, "{name:<18} {percent:>3.0} %  {exact_ms:>9.4}  {low:>9.4} to {high:>9.4}  {half_width:>5.2} %")?;
        write!(f, "  {p95_ms:>9.3}  {p95_error:>6.2} %")
    }
}

#[test]
fn theory_lies_within_the_simulated_interval_and_the_interval_within_one_per_cent() {
    let mut jobs: Vec<(Queue, usize)> =
        QUEUES.into_iter().flat_map(|queue| (0..4).map(move |at| (queue, at))).collect();
    // The longest first, so that no core is left alone with one at the end.
    jobs.sort_by(|a, b| b.0.millions[b.1].total_cmp(&a.0.millions[a.1]));
    let runs = on_all_cores(&jobs, |(queue, at)| simulate(&queue.stage(LOADS[*at]), 1e6 * queue.millions[*at], SEED));
    let events: u64 = runs.iter().map(|run| run.events).sum();

    let mut lines: Vec<Line> = jobs.into_iter().zip(runs).map(|((queue, at), run)| Line { queue, at, run }).collect();
    let order = |line: &Line| (QUEUES.iter().position(|queue| queue.name == line.queue.name), line.at);
    lines.sort_by_key(order);
    println!("queue               load  mean (ms)     99 % interval (ms)        ±      p95 (ms)   error");
    lines.iter().for_each(|line| println!("{line}"));
    println!("{events} events");
    let faults: Vec<String> = lines.iter().filter_map(Line::fault).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_queue_with_bounded_room_refuses_the_share_that_theory_says() {
    for load in [0.8, 1.0, 1.5] {
        let queue = Mmck { rate_per_s: load / SERVICE_S, service_s: SERVICE_S, servers: 1, room: 10 };
        let stage = stage(queue.rate_per_s, 1, 1, 9, Demand::exponential(Duration::from_secs_f64(SERVICE_S)));
        let simulated = simulate(&stage, 4e6, SEED).outcome;
        let theory = solve(&stage);
        let refused = queue.rate_per_s * queue.lost();
        let told = theory.errors_per_s["refused"].known().expect("a figure");
        assert!((told / refused - 1.0).abs() < 1e-9, "load {load}: {told} {refused}");
        let (low, high) = simulated.errors_per_s["refused"].bounds().expect("an interval");
        assert!((low..=high).contains(&refused), "load {load}, seed {SEED}: {refused} not in {low} to {high}");
        let (low, high) = simulated.response_ms.mean.bounds().expect("an interval");
        let mean_ms = 1e3 * queue.mean_response_s();
        assert!((low..=high).contains(&mean_ms), "load {load}, seed {SEED}: {mean_ms} ms not in {low} to {high}");
        assert!((theory.response_ms.mean.known().expect("a mean") / mean_ms - 1.0).abs() < 1e-9);
    }
}
