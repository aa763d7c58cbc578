//! The engine against the fluid limit: how long a backlog takes to drain. And against what is known of look-ups, and of a
//! disk that writes in groups.

use crate::table::{Case, Figure, add, exponential, hold, rows, sharing, users};
use hockeystick_core::component::{Settings, app_server, dns, journal, queue};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Link, Stage, Target};
use hockeystick_core::statistics::batch_means;
use hockeystick_core::theory::fluid::{self, Drain};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Class, Demand, PerClass};

/// Independent replications.
const RUNS: u64 = 12;
/// When arrivals multiply, for how long, and by how much.
const SPIKE: (f64, f64, f64) = (2.0, 10.0, 4.0);

/// Users who send nothing but requests of one class, at this rate.
fn only(class: Class, rate_per_s: f64) -> Stage {
    let mut stage = users(rate_per_s);
    stage.workload.mix = PerClass::all(0.0);
    *stage.workload.mix.get_mut(class) = 1.0;
    stage
}

/// Changes that an app hands to a journal, which applies so many a second.
fn journalled(rate_per_s: f64, drain_per_s: f64) -> Stage {
    let mut stage = only(Class::Write, rate_per_s);
    add(&mut stage, "app", Some(8), Settings::AppServer(sharing(exponential(0.001))), &["users"]);
    let journal = journal::Settings {
        demand: exponential(0.001),
        drain_rate: Rate::per_second(drain_per_s),
        lanes: 1_000,
        bound: 100_000_000,
        ..journal::Settings::default()
    };
    add(&mut stage, "journal", Some(8), Settings::Journal(journal), &["app"]);
    add(&mut stage, "database", Some(8), Settings::Database(rows(exponential(0.001))), &["journal"]);
    // Every change commits, which is to take no more time than the rest.
    assert!(stage.set_knob("database.disk_latency", 1e-6));
    stage
}

/// Jobs that an app puts into a queue, which so many workers take out, 10 ms each.
fn queued(rate_per_s: f64, workers: u32) -> Stage {
    let mut stage = only(Class::Job, rate_per_s);
    let app = app_server::Settings { memory_per_request: Bytes(0), ..sharing(exponential(0.001)) };
    add(&mut stage, "app", Some(8), Settings::AppServer(app), &["users"]);
    let queue = queue::Settings {
        concurrency: workers,
        bound: 100_000_000,
        durable: false,
        demand: exponential(0.001),
        visibility: Duration::from_s(3_600),
        ..queue::Settings::default()
    };
    add(&mut stage, "queue", Some(8), Settings::Queue(queue), &["app"]);
    let workers_app = app_server::Settings { workers: 100_000, ..sharing(Demand::constant(Duration::from_ms(10))) };
    add(&mut stage, "workers", Some(workers), Settings::AppServer(workers_app), &["queue"]);
    stage
}

/// Seconds from the spike's end until nothing waits any more, in one run.
fn drained_after_s(stage: &Stage, holder: &str, seed: u64) -> f64 {
    let mut stage = stage.clone();
    let (at, lasts, factor) = SPIKE;
    let kind = FaultKind::Spike { factor };
    let [at, lasts] = [at, lasts].map(Duration::from_secs_f64);
    stage.faults.push(Fault { at, lasts: Some(lasts), on: Target::Component(0, None), kind });
    let node = stage.component(holder).unwrap();
    let mut run = Simulation::new(&stage, seed).unwrap_or_else(|problems| panic!("{problems:?}"));
    let end_ns = at.ns() + lasts.ns();
    run.run_until(end_ns);
    let waits = |run: &Simulation| {
        let metrics = run.metrics(node);
        metrics.iter().find(|metric| metric.name == "backlog").unwrap().reading.number()
    };
    assert!(waits(&run) > 1_000.0, "seed {seed}: a backlog that is a fluid");
    while waits(&run) > 0.0 {
        let next = run.now() + SECOND_NS / 1_000;
        run.run_until(next);
    }
    (run.now() - end_ns) as f64 / SECOND_NS as f64
}

/// The time that a backlog takes to drain agrees with the fluid's, over independent runs.
fn drains(name: &str, stage: &Stage, holder: &str, service_per_s: f64) {
    let base_per_s = stage.workload.rate.per_s();
    let (_, lasts, factor) = SPIKE;
    let drain = Drain { service_per_s, room: f64::INFINITY };
    let fluid = fluid::spike(base_per_s, factor * base_per_s, lasts, &drain).unwrap();
    let exact = fluid.drained_at_s.unwrap() - lasts;
    let found: Vec<f64> = (1..=RUNS).map(|seed| drained_after_s(stage, holder, seed)).collect();
    let interval = batch_means(&found, 0.99);
    let (low, high) = (interval.low, interval.high);
    let half_width = 0.5 * (high - low) / exact;
    println!("{name:<38} {exact:>12.5} {:>12.5}   {low:.5} to {high:.5}  {:.2} %", interval.value, 100.0 * half_width);
    assert!((low..=high).contains(&exact), "{name}, seeds 1 to {RUNS}: {exact} s is not in {low} to {high}");
    assert!(half_width < 0.01, "{name}, seeds 1 to {RUNS}: the interval is {half_width} wide to each side");
}

#[test]
fn a_journal_s_backlog_drains_as_a_fluid() {
    drains("journal, 4,000/s drained at 6,000/s", &journalled(4_000.0, 6_000.0), "journal", 6_000.0);
}

#[test]
fn a_queue_s_backlog_drains_as_a_fluid() {
    // 64 workers of 10 ms each.
    drains("queue, 4,000/s worked off at 6,400/s", &queued(4_000.0, 64), "queue", 6_400.0);
}

#[test]
fn a_group_of_changes_waits_for_its_disk_as_in_theory() {
    // One write of 1 ms takes all that came during the one before: busy for a / (a + e^-a) of the time.
    let case = |name: &'static str, rate_per_s: f64| {
        let stage = journalled(rate_per_s, 1e6);
        let write_s = hockeystick_core::hardware::Machine::default().disk_latency.as_secs_f64();
        let during = rate_per_s * write_s;
        let busy = during / (during + libm::exp(-during));
        let exact_ms = 1e3 * write_s * (1.0 + 0.5 * busy) + 0.002;
        Case::new(name, stage, 2e6 / rate_per_s, vec![(Figure::Mean, exact_ms)])
    };
    hold(&[
        case("0.3 changes during a write", 300.0),
        case("1 change during a write", 1_000.0),
        case("3 changes during a write", 3_000.0),
    ]);
}

#[test]
fn a_name_is_looked_up_as_in_theory() {
    let case = |name: &'static str, rate_per_s: f64, ttl_s: f64| {
        let mut stage = users(rate_per_s);
        let Settings::Clients(clients) = &mut stage.components[0].settings else { unreachable!("users come first") };
        clients.visit = 1;
        let resolver = dns::Settings {
            ttl: Duration::from_secs_f64(ttl_s),
            cached: Duration::ZERO,
            authoritative: Duration::from_ms(60),
            ..dns::Settings::default()
        };
        add(&mut stage, "dns", None, Settings::Dns(resolver), &["users"]);
        add(&mut stage, "app", Some(1), Settings::AppServer(sharing(Demand::NONE)), &["users"]);
        stage.links.sort_by_key(|link: &Link| link.to);
        // A cycle: one look-up that waits for all of A, lambda A that wait for half of it, lambda TTL that find it.
        let (asked_s, during) = (0.060, rate_per_s * 0.060);
        let exact_ms = 1e3 * asked_s * (1.0 + 0.5 * during) / (1.0 + during + rate_per_s * ttl_s);
        Case::new(name, stage, 3e5 * (1.0 + ttl_s), vec![(Figure::Mean, exact_ms)])
    };
    hold(&[case("look-ups, 2/s, TTL 1 s", 2.0, 1.0), case("look-ups, 20/s, TTL 0.5 s", 20.0, 0.5)]);
}
