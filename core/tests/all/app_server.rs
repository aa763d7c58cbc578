//! What an application server does beyond answering, each against a figure worked out by hand or by theory.

use hockeystick_core::component::app_server::{LogFull, Settings as App};
use hockeystick_core::component::{Settings, clients, database, session_store};
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::hardware::Machine;
use hockeystick_core::simulate::{Run, RunOptions, Simulation, run};
use hockeystick_core::stage::{Component, FaultKind, Link, Placement, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Arrivals, Class, Demand, PerClass, Workload};
use hockeystick_probe::{component, patient};

const APP: usize = 1;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_ms(ms)
}

pub(crate) fn s(s: u64) -> Duration {
    Duration::from_s(s)
}

fn machine(vcpus: u32) -> Machine {
    Machine { vcpus, memory: Bytes(1_000_000_000_000), ..Machine::default() }
}

/// An app whose code takes no time and no memory: what takes time is what it calls.
pub(crate) fn light() -> App {
    App {
        workers: 10_000,
        backlog: 0,
        demand: PerClass::all(Demand::NONE),
        queries: PerClass::all(0),
        calls: PerClass::all(0),
        memory_per_request: Bytes(0),
        ..App::default()
    }
}

pub(crate) fn own(id: &str, vcpus: u32, settings: Settings) -> Component {
    let machine = Some(Placement::Own { size: None, machine: machine(vcpus) });
    Component { machine, ..component(id, None, settings) }
}

/// Users, the app, and whatever comes behind it, each on a machine of its own; reads only.
fn chain(rate_per_s: f64, users: clients::Settings, app: App, behind: Vec<Component>) -> Stage {
    let mut components =
        vec![component("users", None, Settings::Clients(users)), own("app", 8, Settings::AppServer(app))];
    components.extend(behind);
    let mut links = vec![Link::new(0, APP, Duration::ZERO)];
    links.extend((2..components.len()).map(|to| Link::new(APP, to, Duration::ZERO)));
    Stage {
        title: "A chain".into(),
        workload: Workload {
            rate: Rate::per_second(rate_per_s),
            mix: PerClass([0.0, 1.0, 0.0, 0.0]),
            ..Workload::default()
        },
        components,
        links,
        ..Stage::default()
    }
}

/// A database with a processor for every query.
fn database(demand: Demand) -> Component {
    let settings = database::Settings {
        demand: PerClass::all(demand),
        writes: PerClass::all(0.0),
        connections: 100_000,
        memory_per_connection: Bytes(0),
        ..database::Settings::default()
    };
    own("database", 1_000, Settings::Database(settings))
}

/// A service with a processor for every call.
fn service(demand: Demand) -> Component {
    own("service", 1_000, Settings::AppServer(App { demand: PerClass::all(demand), ..light() }))
}

fn measured(stage: &Stage, seconds: f64) -> Run {
    run(stage, &RunOptions { seconds, confidence: 0.99, ..RunOptions::default() }, &mut |_| {}).unwrap()
}

fn metric(run: &Simulation, node: usize, name: &str) -> f64 {
    let metrics = run.metrics(node);
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{metrics:?}")).reading.number()
}

fn failed(run: &Simulation, cause: Cause) -> u64 {
    run.counts().failed[cause as usize]
}

#[test]
fn a_pool_is_a_queue_with_so_many_servers() {
    // M/M/4 with 3.2 Erlang: Erlang's C is 0.5964, so the mean wait is 0.5964 * 20 ms / (4 - 3.2).
    let app = App { queries: PerClass::all(1), pool: 4, pool_wait: s(600), timeout: s(600), ..light() };
    let stage = chain(160.0, patient(), app, vec![database(Demand::exponential(ms(20)))]);
    let run = measured(&stage, 4_000.0);
    let (low, high) = run.outcome.response_ms.mean.bounds().unwrap();
    let exact = 20.0 + 0.5964 * 20.0 / 0.8;
    assert!((low..=high).contains(&exact), "{low} to {high}, exact {exact}");
}

#[test]
fn a_session_store_is_asked_only_where_sessions_are_shared() {
    let kept = |in_memory: bool| {
        let store = own("sessions", 8, Settings::SessionStore(session_store::Settings::default()));
        let mut stage = chain(100.0, patient(), light(), vec![store]);
        assert!(stage.set_knob("app.sessions", f64::from(u8::from(in_memory))));
        let mut run = Simulation::new(&stage, 1).unwrap();
        run.run_until(10 * SECOND_NS);
        metric(&run, 2, "sessions")
    };
    assert!(kept(false) > 0.0);
    assert_eq!(kept(true), 0.0);
}

#[test]
fn a_pool_without_a_free_connection_fails_the_request_after_its_wait() {
    let app = App { queries: PerClass::all(1), pool: 2, pool_wait: ms(100), ..light() };
    let stage = chain(200.0, patient(), app, vec![database(Demand::constant(ms(20)))]);
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(100 * SECOND_NS);
    // Two connections of 20 ms each carry 100 a second.
    let (completed, refused) = (run.counts().completed, failed(&run, Cause::NoConnection));
    assert!((9_900..=10_100).contains(&completed), "{completed}");
    assert!((9_500..=10_500).contains(&refused), "{refused}");
    assert!(run.take_window().p99_ms < 121.0);
}

#[test]
fn a_leak_drains_the_pool_until_the_process_starts_anew() {
    let app = App { queries: PerClass::all(1), pool: 10, pool_wait: s(1), restart: s(1), ..light() };
    let stage = chain(100.0, patient(), app, vec![database(Demand::constant(ms(5)))]);
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.inject(Target::Component(APP, None), FaultKind::ConnectionLeak { share: 0.01 }, Some(s(60)));
    // One use in a hundred leaks: ten connections last a thousand uses, ten seconds, give or take a third.
    run.run_until(4 * SECOND_NS);
    assert!((1.0..=9.0).contains(&metric(&run, APP, "connections_leaked")));
    run.run_until(60 * SECOND_NS);
    assert_eq!(metric(&run, APP, "connections_leaked"), 10.0);
    run.take_window();
    run.run_until(70 * SECOND_NS);
    let window = run.take_window();
    assert_eq!(window.completed, 0, "the leak has stopped, what leaked is gone");
    assert!(window.failed[Cause::NoConnection as usize] > 900);
    run.inject(Target::Component(APP, None), FaultKind::Down, Some(s(1)));
    run.run_until(75 * SECOND_NS);
    run.take_window();
    run.run_until(85 * SECOND_NS);
    let window = run.take_window();
    assert!(window.completed > 900 && window.failed.iter().sum::<u64>() == 0, "{window:?}");
}

#[test]
fn a_process_that_is_killed_is_back_when_the_fault_ends_but_not_before_it_has_started() {
    let stage = chain(1.0, patient(), App { restart: s(10), ..light() }, Vec::new());
    for (fault_s, gone_s) in [(1, 10), (10, 10), (25, 25)] {
        let mut run = Simulation::new(&stage, 1).unwrap();
        run.run_until(5 * SECOND_NS);
        run.inject(Target::Component(APP, None), FaultKind::Down, Some(s(fault_s)));
        let mut is_up = |at_ns| {
            run.run_until(5 * SECOND_NS + at_ns);
            run.node_gauge(APP).up
        };
        let back_ns = gone_s * SECOND_NS;
        assert!(!is_up(SECOND_NS / 2) && !is_up(back_ns - 1) && is_up(back_ns + 1), "down for {fault_s} s");
    }
}

#[test]
fn a_query_holds_its_connection_after_its_user_gave_up() {
    let app = App { queries: PerClass::all(1), pool: 1, ..light() };
    let users = clients::Settings { timeout: s(1), ..patient() };
    let mut stage = chain(0.05, users, app, vec![database(Demand::constant(s(10)))]);
    stage.workload.arrivals = Arrivals::Constant;
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(21 * SECOND_NS + SECOND_NS / 2);
    assert_eq!(failed(&run, Cause::TimedOut), 1);
    assert_eq!(metric(&run, APP, "connections_held"), 1.0);
    run.run_until(31 * SECOND_NS);
    assert_eq!(metric(&run, APP, "connections_held"), 0.0);
}

#[test]
fn availability_is_time_between_failures_over_that_and_time_to_repair() {
    for (supervised, to_repair_s) in [(true, 10.0), (false, 100.0)] {
        let app = App { crash_every: s(100), restart: s(10), repair: s(100), supervised, ..light() };
        let stage = chain(1.0, patient(), app, Vec::new());
        let mut run = Simulation::new(&stage, 1).unwrap();
        run.run_until(200_000 * SECOND_NS);
        let counts = run.counts();
        let found = counts.completed as f64 / counts.arrived as f64;
        let exact = 100.0 / (100.0 + to_repair_s);
        assert!((found - exact).abs() < 0.02, "{found} against {exact}");
    }
}

#[test]
fn a_log_grows_with_requests_unless_it_is_rotated() {
    let log = |log_keep| {
        let app = App { log: Bytes(1_000), log_keep: Bytes(log_keep), ..light() };
        let mut run = Simulation::new(&chain(100.0, patient(), app, Vec::new()), 1).unwrap();
        run.run_until(50 * SECOND_NS);
        assert!(run.counts().in_flight() == 0);
        (metric(&run, APP, "log"), run.counts().completed as f64)
    };
    let (bytes, requests) = log(0);
    assert_eq!(bytes, requests * 1_000.0);
    assert_eq!(log(300_000).0, 300_000.0);
}

#[test]
fn a_full_disk_loses_records_fails_requests_or_stops_them() {
    let full = |log_full| {
        let app = App { workers: 50, log: Bytes(1_000), log_full, ..light() };
        let users = clients::Settings { timeout: s(10), ..patient() };
        let mut stage = chain(100.0, users, app, Vec::new());
        assert!(stage.set_knob("app.disk", 500_000.0));
        let mut run = Simulation::new(&stage, 1).unwrap();
        // Room for five hundred records: five seconds.
        run.run_until(30 * SECOND_NS);
        let done = run.counts().completed;
        run.run_until(31 * SECOND_NS);
        let gauge = run.node_gauge(APP);
        (done, failed(&run, Cause::DiskFull), failed(&run, Cause::TimedOut), gauge.in_service)
    };
    let (done, failed, _, _) = full(LogFull::Drop);
    assert!(done > 2_800 && failed == 0, "{done} {failed}");
    let (done, failed, _, _) = full(LogFull::Fail);
    assert!(done == 500 && failed > 2_300, "{done} {failed}");
    let (done, failed, timed_out, held) = full(LogFull::Wait);
    assert!(done == 500 && failed == 0 && timed_out > 30 && held == 50, "{done} {failed} {timed_out} {held}");
}

#[test]
fn a_database_on_a_full_disk_answers_reads_and_fails_changes() {
    let app = App { queries: PerClass::all(1), ..light() };
    let mut database = database(Demand::constant(ms(1)));
    let Settings::Database(settings) = &mut database.settings else { panic!() };
    settings.writes = PerClass([0.0, 0.0, 1.0, 1.0]);
    let mut stage = chain(100.0, patient(), app, vec![database]);
    stage.workload.mix = PerClass([0.0, 0.5, 0.5, 0.0]);
    let mut run = Simulation::new(&stage, 1).unwrap();
    let fill = FaultKind::DiskFill { per_s: Bytes(1_000_000_000_000) };
    run.inject(Target::Component(2, None), fill, Some(s(50)));
    run.run_until(50 * SECOND_NS);
    let (completed, full) = (run.counts().completed as f64, failed(&run, Cause::DiskFull) as f64);
    assert!((completed / full - 1.0).abs() < 0.1, "{completed} {full}");
    run.take_window();
    run.run_until(60 * SECOND_NS);
    assert_eq!(run.take_window().failed.iter().sum::<u64>(), 0);
}

#[test]
fn a_request_is_as_slow_as_the_slowest_of_the_calls_that_it_makes_at_once() {
    // The largest of n exponential times has mean H(n), here 1 + 1/2 + ... + 1/10 = 2.929.
    for (parallel, exact) in [(true, 29.29), (false, 100.0)] {
        let app = App { calls: PerClass::all(10), parallel, ..light() };
        let stage = chain(50.0, patient(), app, vec![service(Demand::exponential(ms(10)))]);
        let run = measured(&stage, 1_000.0);
        let (low, high) = run.outcome.response_ms.mean.bounds().unwrap();
        assert!((low..=high).contains(&exact), "parallel {parallel}: {low} to {high}, exact {exact}");
    }
}

#[test]
fn each_retry_has_its_own_luck() {
    // Half of the calls fail: of three tries one succeeds with 1 - 1/8.
    let app = App { calls: PerClass::all(1), tries: 3, backoff: ms(1), ..light() };
    let mut service = service(Demand::NONE);
    let Settings::AppServer(settings) = &mut service.settings else { panic!() };
    settings.restart = Duration::ZERO;
    let stage = chain(100.0, patient(), app, vec![service]);
    let mut run = Simulation::new(&stage, 1).unwrap();
    let release = FaultKind::Deploy { errors: 0.5, speed: 1.0, canary: Duration::ZERO };
    run.inject(Target::Component(2, None), release, None);
    run.run_until(200 * SECOND_NS);
    let share = run.counts().completed as f64 / run.counts().arrived as f64;
    assert!((share - 0.875).abs() < 0.01, "{share}");
}

/// An app with twenty workers; half of the requests are files, the other half call a service that has all but stopped.
fn beside_a_slow_service(app: App) -> Simulation {
    let app = App { workers: 20, backlog: 20, calls: PerClass([0, 1, 0, 0]), timeout: s(2), ..app };
    let users = clients::Settings { timeout: s(10), ..patient() };
    let mut stage = chain(100.0, users, app, vec![service(Demand::constant(ms(10)))]);
    stage.workload.mix = PerClass([0.5, 0.5, 0.0, 0.0]);
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(10 * SECOND_NS);
    run.inject(Target::Component(2, None), FaultKind::Slow { speed: 0.001 }, Some(s(60)));
    run.run_until(20 * SECOND_NS);
    run.take_window();
    run
}

#[test]
fn a_slow_service_takes_every_worker_with_it() {
    let mut run = beside_a_slow_service(light());
    run.run_until(60 * SECOND_NS);
    let window = run.take_window();
    // Twenty workers, each held for two seconds by every call.
    let files = window.by_class[Class::Static as usize];
    assert!(files < 500, "{files} of 2,000 files: they wait behind reads");
    assert!(window.failed[Cause::Refused as usize] > 2_000, "{window:?}");
}

#[test]
fn a_bulkhead_keeps_workers_for_the_rest() {
    let mut run = beside_a_slow_service(App { bulkhead: 10, ..light() });
    run.run_until(60 * SECOND_NS);
    let window = run.take_window();
    let files = window.by_class[Class::Static as usize];
    assert!(files > 1_850 && window.failed[Cause::Refused as usize] == 0, "{window:?}");
    // Ten at once, two seconds each: five a second get through to time out, the others are rejected.
    assert!((180..=210).contains(&window.failed[Cause::TimedOut as usize]), "{window:?}");
    assert!(window.failed[Cause::Rejected as usize] > 1_600, "{window:?}");
}

#[test]
fn a_breaker_lets_one_call_try_and_closes_when_it_succeeds() {
    let app = App { breaker: 5, breaker_open: s(5), ..light() };
    let mut run = beside_a_slow_service(app);
    run.run_until(60 * SECOND_NS);
    let window = run.take_window();
    // One try every five seconds and the two that it takes: 40 s have five to seven of them.
    assert!((5..=7).contains(&window.failed[Cause::TimedOut as usize]), "{window:?}");
    assert!(window.by_class[Class::Static as usize] > 1_850, "{window:?}");
    // The service is well again at 70 s; the next try, seven seconds later at most, closes the circuit.
    run.run_until(78 * SECOND_NS);
    run.take_window();
    run.run_until(98 * SECOND_NS);
    let window = run.take_window();
    assert_eq!(window.failed.iter().sum::<u64>(), 0, "{window:?}");
    assert!(window.by_class[Class::Read as usize] > 900, "{window:?}");
}

/// Ten copies; a release whose every request fails, with a minute's canary.
fn canary(drain: Duration) -> Simulation {
    let app = App { restart: s(1), drain, demand: PerClass::all(Demand::constant(ms(100))), ..light() };
    let mut stage = chain(100.0, patient(), app, Vec::new());
    stage.components[APP].copies = 10;
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(10 * SECOND_NS);
    run.take_window();
    let release = FaultKind::Deploy { errors: 1.0, speed: 1.0, canary: s(60) };
    run.inject(Target::Component(APP, None), release, Some(s(40)));
    run
}

#[test]
fn a_canary_exposes_one_copy_and_only_that_one_is_rolled_back() {
    let mut run = canary(Duration::ZERO);
    run.run_until(12 * SECOND_NS);
    run.take_window();
    run.run_until(49 * SECOND_NS);
    let window = run.take_window();
    let share = window.failed[Cause::Error as usize] as f64 / window.arrived as f64;
    assert!((share - 0.1).abs() < 0.02, "one copy of ten: {share}");
    run.run_until(53 * SECOND_NS);
    run.take_window();
    run.run_until(100 * SECOND_NS);
    let window = run.take_window();
    assert_eq!(window.failed.iter().sum::<u64>(), 0, "nine never had the release, and are not restarted: {window:?}");
}

#[test]
fn a_copy_that_does_not_drain_drops_what_it_has() {
    let lost = |drain| {
        let mut run = canary(drain);
        run.run_until(10 * SECOND_NS + 900_000_000);
        failed(&run, Cause::Down)
    };
    // Users do not look: what comes to the copy while it starts fails either way, some nine requests.
    let at_once = lost(Duration::ZERO);
    assert!(at_once >= 5, "{at_once}");
    assert_eq!(lost(s(5)), 0, "it still works while it drains");
}

#[test]
fn peak_throughput_follows_the_universal_scalability_law() {
    let (sigma, kappa) = (0.03, 0.0005);
    let mut best = (0.0, 0);
    for vcpus in [1, 4, 16, 32, 64, 192] {
        let app = App {
            workers: vcpus,
            backlog: 1_000,
            demand: PerClass::all(Demand::exponential(ms(10))),
            contention: sigma,
            coherency: kappa,
            ..light()
        };
        let mut stage = chain(6_000.0, clients::Settings { timeout: s(600), ..patient() }, app, Vec::new());
        stage.components[APP].machine = Some(Placement::Own { size: None, machine: machine(vcpus) });
        let found = measured(&stage, 20.0).outcome.throughput_per_s.known().unwrap();
        let n = f64::from(vcpus);
        let exact = 100.0 * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
        assert!((found / exact - 1.0).abs() < 0.03, "{vcpus} processors: {found} against {exact}");
        best = if found > best.0 { (found, vcpus) } else { best };
    }
    // The peak lies at sqrt((1 - sigma) / kappa) = 44 processors.
    assert_eq!(best.1, 32);
}

#[test]
fn turning_every_setting_loses_no_request() {
    let app = App { queries: PerClass::all(3), calls: PerClass::all(2), pool: 5, tries: 2, ..light() };
    let behind = vec![database(Demand::exponential(ms(20))), service(Demand::exponential(ms(50)))];
    let mut stage = chain(100.0, clients::Settings { timeout: s(5), ..patient() }, app, behind);
    let mut run = Simulation::new(&stage, 1).unwrap();
    for turn in 0..60_u64 {
        run.run_until((turn + 1) * SECOND_NS / 2);
        stage.set_knob("app.queries.read", (turn % 4) as f64);
        stage.set_knob("app.calls.read", (turn % 3) as f64);
        stage.set_knob("app.parallel", (turn % 2) as f64);
        stage.set_knob("app.pool", (turn % 5) as f64);
        stage.set_knob("app.breaker", (turn % 7) as f64);
        stage.set_knob("app.bulkhead", (turn % 6) as f64);
        assert!(run.update(&stage));
        let counts = run.counts();
        assert_eq!(counts.arrived, counts.completed + counts.failed_in_all() + counts.in_flight());
    }
    stage.workload.rate = Rate::default();
    assert!(run.update(&stage));
    run.run_until(300 * SECOND_NS);
    for node in 0..4 {
        let gauge = run.node_gauge(node);
        assert!(gauge.in_service == 0 && gauge.waiting == 0, "{node}: {gauge:?}");
    }
    assert_eq!(run.counts().in_flight(), 0);
}

#[test]
fn what_one_program_of_a_machine_gets_in_the_way_of_another_outlives_the_other() {
    let mut stage = hockeystick_probe::first_stage(150.0);
    assert!(stage.set_knob("database.contention", 0.3) && stage.set_knob("box.vcpus", 4.0));
    let mut run = Simulation::new(&stage, 1).unwrap();
    let busy_s = |run: &mut Simulation, from_s: u64| {
        run.run_until(from_s * SECOND_NS);
        let before = run.host_gauge(0).busy_s;
        run.run_until((from_s + 200) * SECOND_NS);
        run.host_gauge(0).busy_s - before
    };
    let before = busy_s(&mut run, 10);
    run.inject(Target::Component(2, None), FaultKind::Down, Some(s(5)));
    let after = busy_s(&mut run, 240);
    assert!((after / before - 1.0).abs() < 0.1, "{before} {after}");
}
