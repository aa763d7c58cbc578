//! Logs, alerts and bills, each against a figure worked out by hand.

use hockeystick_core::component::app_server::Settings as App;
use hockeystick_core::component::monitor::{Rule, Settings as Monitor};
use hockeystick_core::component::{Settings, log_pipeline};
use hockeystick_core::cost::{Load, Prices, Tariff, What, bill};
use hockeystick_core::hardware::{Catalogue, Machine, MachineSize};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Component, Fault, FaultKind, Link, Placement, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Demand, PerClass, Workload};
use hockeystick_probe::{component, patient};

use crate::app_server::light;

const APP: usize = 1;
const BESIDE: usize = 2;

fn s(s: u64) -> Duration {
    Duration::from_s(s)
}

fn machine() -> Machine {
    Machine { memory: Bytes(1_000_000_000_000), price_per_hour: 0.1, ..Machine::default() }
}

fn own(id: &str, settings: Settings) -> Component {
    Component { machine: Some(Placement::Own { size: None, machine: machine() }), ..component(id, None, settings) }
}

fn app() -> App {
    App { log: Bytes(1_000), log_keep: Bytes(1_000_000), ..light() }
}

/// Users, an app, and something that the app is linked to or that is linked to it.
fn beside(rate_per_s: f64, app: App, other: Component) -> Stage {
    let watches = matches!(other.settings, Settings::Monitor(_));
    let (from, to) = if watches { (BESIDE, APP) } else { (APP, BESIDE) };
    Stage {
        title: "Watching".into(),
        workload: Workload {
            rate: Rate::per_second(rate_per_s),
            mix: PerClass([0.0, 1.0, 0.0, 0.0]),
            ..Workload::default()
        },
        components: vec![
            component("users", None, Settings::Clients(patient())),
            own("app", Settings::AppServer(app)),
            other,
        ],
        links: vec![Link::new(0, APP, Duration::ZERO), Link::new(from, to, Duration::ZERO)],
        ..Stage::default()
    }
}

fn metric(run: &Simulation, node: usize, name: &str) -> f64 {
    let metrics = run.metrics(node);
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{metrics:?}")).reading.number()
}

fn pipeline(settings: log_pipeline::Settings) -> Component {
    own("logs", Settings::LogPipeline(settings))
}

#[test]
fn every_record_is_indexed_and_stored_while_there_is_time() {
    let settings = log_pipeline::Settings { expansion: 1.5, ..log_pipeline::Settings::default() };
    let mut run = Simulation::new(&beside(500.0, app(), pipeline(settings)), 1).unwrap();
    run.run_until(100 * SECOND_NS);
    let requests = run.counts().completed as f64;
    let stored = metric(&run, BESIDE, "stored");
    // The last batches are still on their way: a tenth of a second's worth, and what is being indexed.
    assert!((requests * 1_500.0 - stored) / stored < 0.01, "{requests} {stored}");
    assert!((metric(&run, BESIDE, "lines_per_s") / 500.0 - 1.0).abs() < 0.03);
    assert!(metric(&run, BESIDE, "index_lag") < 0.1);
    assert_eq!(metric(&run, BESIDE, "lost"), 0.0);
}

#[test]
fn an_overloaded_pipeline_lags_until_its_queue_is_full_then_loses() {
    // 1,000 records a second come, 500 are indexed: after ten seconds 5,000 wait, the oldest for ten seconds.
    let settings =
        log_pipeline::Settings { demand: Duration::from_ms(2), queue: 5_000, ..log_pipeline::Settings::default() };
    let mut run = Simulation::new(&beside(1_000.0, app(), pipeline(settings)), 1).unwrap();
    run.run_until(9 * SECOND_NS);
    let lag_s = metric(&run, BESIDE, "index_lag");
    assert!((lag_s - 4.5).abs() < 0.6, "half of what came in nine seconds waits: {lag_s}");
    assert_eq!(metric(&run, BESIDE, "lost"), 0.0);
    run.run_until(40 * SECOND_NS);
    let lost = metric(&run, BESIDE, "lost");
    run.run_until(60 * SECOND_NS);
    let lost = metric(&run, BESIDE, "lost") - lost;
    assert!((lost / 10_000.0 - 1.0).abs() < 0.05, "{lost}");
    let lag_s = metric(&run, BESIDE, "index_lag");
    assert!((lag_s - 10.0).abs() < 1.0, "{lag_s}");
    assert!(run.counts().completed > 59_000, "nobody waits for a log");
}

#[test]
fn keeping_a_share_skips_the_rest_and_a_retention_bounds_the_disk() {
    let settings =
        log_pipeline::Settings { keep: 0.1, retention: s(20), expansion: 1.0, ..log_pipeline::Settings::default() };
    let mut run = Simulation::new(&beside(1_000.0, app(), pipeline(settings)), 1).unwrap();
    run.run_until(100 * SECOND_NS);
    let requests = run.counts().completed as f64;
    let skipped = metric(&run, BESIDE, "skipped");
    assert!((skipped / requests - 0.9).abs() < 0.01, "{skipped} {requests}");
    let stored = metric(&run, BESIDE, "stored");
    assert!((stored / 2_000_000.0 - 1.0).abs() < 0.1, "twenty seconds of 100 kB a second: {stored}");
}

#[test]
fn what_a_dead_or_full_pipeline_does_not_take_is_lost_and_counted() {
    let settings = log_pipeline::Settings { expansion: 1.0, restart: s(10), ..Default::default() };
    let mut stage = beside(1_000.0, app(), pipeline(settings));
    assert!(stage.set_knob("logs.disk", 20_000_000.0));
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(40 * SECOND_NS);
    let lost = metric(&run, BESIDE, "lost");
    assert!((lost / 20_000.0 - 1.0).abs() < 0.05, "room for twenty seconds: {lost}");
    run.inject(Target::Component(BESIDE, None), FaultKind::Down, Some(s(10)));
    run.run_until(60 * SECOND_NS);
    let undelivered = metric(&run, APP, "log_undelivered");
    assert!((undelivered / 10_000.0 - 1.0).abs() < 0.05, "{undelivered}");
    assert_eq!(run.counts().in_flight(), 0);
}

fn watched(app: App, monitor: Monitor) -> Stage {
    beside(50.0, app, component("monitor", None, Settings::Monitor(monitor)))
}

#[test]
fn a_dead_process_is_noticed_and_started_by_the_person_who_is_called() {
    // It dies at 100 s. The rule is broken at the next look, holds for 60 s, the person comes after 300 s, looks for 60 s.
    let app = App { supervised: false, repair: s(8 * 3600), ..app() };
    let monitor = Monitor { rule: Rule::Down, threshold: 0.0, ..Monitor::default() };
    let mut run = Simulation::new(&watched(app, monitor), 1).unwrap();
    run.run_until(100 * SECOND_NS);
    // A crash: the process is gone, nothing keeps it from being started.
    run.inject(Target::Component(APP, None), FaultKind::MemoryLeak { per_s: Bytes(100_000_000_000_000) }, Some(s(2)));
    run.run_until(110 * SECOND_NS);
    assert!(!run.node_gauge(APP).up);
    run.run_until(500 * SECOND_NS);
    assert!(!run.node_gauge(APP).up, "the person is at work");
    run.run_until(560 * SECOND_NS);
    assert!(run.node_gauge(APP).up);
    let detect_s = metric(&run, BESIDE, "time_to_detect");
    assert!((60.0..=91.0).contains(&detect_s), "{detect_s}");
    assert_eq!((metric(&run, BESIDE, "alerts"), metric(&run, BESIDE, "missed")), (1.0, 0.0));
}

/// One request in fifty takes a second longer, for five minutes.
fn a_slow_tail(rule: Rule, threshold: f64, sample: f64) -> Simulation {
    let app = App {
        demand: PerClass([Demand::NONE, Demand { mean: Duration::from_ms(2), cv: 0.0 }, Demand::NONE, Demand::NONE]),
        ..app()
    };
    let monitor = Monitor { rule, threshold, sample, calls_out: false, ..Monitor::default() };
    let mut stage = watched(app, monitor);
    stage.workload.mix = PerClass([0.98, 0.02, 0.0, 0.0]);
    let at = Duration::from_s(100);
    let kind = FaultKind::Slow { speed: 0.002 };
    stage.faults = vec![Fault { at, lasts: Some(s(300)), on: Target::Component(APP, None), kind }];
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(900 * SECOND_NS);
    run
}

#[test]
fn an_alert_on_the_mean_misses_what_an_alert_on_the_tail_finds() {
    let tail = a_slow_tail(Rule::P99, 0.5, 1.0);
    assert_eq!((metric(&tail, BESIDE, "alerts"), metric(&tail, BESIDE, "missed")), (1.0, 0.0));
    let mean = a_slow_tail(Rule::Mean, 0.5, 1.0);
    assert_eq!((metric(&mean, BESIDE, "alerts"), metric(&mean, BESIDE, "missed")), (0.0, 1.0));
    let sampled = a_slow_tail(Rule::P99, 0.5, 0.0);
    assert_eq!(metric(&sampled, BESIDE, "alerts"), 0.0, "what is not measured is not seen");
}

#[test]
fn a_sound_release_that_sets_off_an_alert_is_a_false_alert() {
    let monitor =
        Monitor { rule: Rule::Down, threshold: 0.0, hold: Duration::ZERO, calls_out: false, ..Monitor::default() };
    let app = App { restart: s(40), ..app() };
    let mut run = Simulation::new(&watched(app, monitor), 1).unwrap();
    run.run_until(100 * SECOND_NS);
    let release = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };
    run.inject(Target::Component(APP, None), release, None);
    run.run_until(200 * SECOND_NS);
    assert_eq!((metric(&run, BESIDE, "alerts"), metric(&run, BESIDE, "false_alerts")), (1.0, 1.0));
}

#[test]
fn a_bad_release_is_rolled_back_at_once_or_after_somebody_has_looked() {
    let failed = |auto_rollback| {
        let monitor = Monitor { threshold: 0.05, hold: s(30), auto_rollback, ..Monitor::default() };
        let mut run = Simulation::new(&watched(App { restart: s(1), ..app() }, monitor), 1).unwrap();
        run.run_until(100 * SECOND_NS);
        let release = FaultKind::Deploy { errors: 0.5, speed: 1.0, canary: Duration::ZERO };
        run.inject(Target::Component(APP, None), release, None);
        run.run_until(1_000 * SECOND_NS);
        assert_eq!(run.active_faults().count(), 0);
        run.counts().failed_in_all() as f64
    };
    // 25 failures a second, for about 60 s against about 420 s.
    let (at_once, later) = (failed(true), failed(false));
    assert!((700.0..2_000.0).contains(&at_once), "{at_once}");
    assert!((9_000.0..12_500.0).contains(&later), "{later}");
}

#[test]
fn a_monitor_that_is_stuck_misses_what_happens() {
    let monitor = Monitor { rule: Rule::Down, threshold: 0.0, ..Monitor::default() };
    let mut run = Simulation::new(&watched(app(), monitor), 1).unwrap();
    run.inject(Target::Component(BESIDE, None), FaultKind::Stuck, None);
    run.run_until(100 * SECOND_NS);
    run.inject(Target::Component(APP, None), FaultKind::Down, Some(s(600)));
    run.run_until(1_000 * SECOND_NS);
    assert_eq!(metric(&run, BESIDE, "alerts"), 0.0);
    run.mend();
    run.run_until(1_300 * SECOND_NS);
    assert!(metric(&run, BESIDE, "missed") >= 1.0);
}

#[test]
fn a_full_disk_is_emptied_by_the_person_who_is_called() {
    let app = App { log_keep: Bytes(0), ..app() };
    let monitor = Monitor { rule: Rule::Disk, threshold: 0.9, ..Monitor::default() };
    let mut stage = watched(app, monitor);
    // 50 kB a second: 90 % full after 360 s.
    assert!(stage.set_knob("app.disk", 20_000_000.0));
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(420 * SECOND_NS);
    let before = metric(&run, APP, "log");
    assert!(before > 19_900_000.0, "{before}");
    run.run_until(820 * SECOND_NS);
    let after = metric(&run, APP, "log");
    assert!(after < 8_000_000.0, "{after}");
}

#[test]
fn a_person_does_not_hurry_a_machine_that_boots() {
    use hockeystick_core::component::autoscaler::Settings as Scaler;
    let app = App { demand: PerClass::all(Demand::constant(Duration::from_ms(20))), restart: s(1), ..app() };
    let monitor = Monitor {
        rule: Rule::Cpu,
        threshold: 0.5,
        hold: Duration::ZERO,
        response: s(5),
        look: Duration::ZERO,
        ..Monitor::default()
    };
    let mut stage = beside(45.0, app, component("monitor", None, Settings::Monitor(monitor)));
    stage.components[APP].copies = 2;
    let scaler = Scaler { boot: s(300), ..Scaler::default() };
    stage.components.push(component("scaler", None, Settings::Autoscaler(scaler)));
    stage.links.push(Link::new(3, APP, Duration::ZERO));
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(200 * SECOND_NS);
    let on = |run: &Simulation| run.node_gauge(APP + 1).up;
    assert!(metric(&run, 4, "switched_on") > 0.0 && metric(&run, 3, "alerts") > 0.0);
    assert!(!on(&run), "it boots");
    run.run_until(400 * SECOND_NS);
    assert!(on(&run));
}

#[test]
fn a_monitor_that_was_away_or_is_set_otherwise_takes_no_past_for_the_present() {
    let app = App { demand: PerClass::all(Demand::constant(Duration::from_ms(5))), ..app() };
    let monitor = Monitor { rule: Rule::Cpu, threshold: 0.5, hold: Duration::ZERO, ..Monitor::default() };
    let mut stage = watched(app, monitor);
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(200 * SECOND_NS);
    assert!(stage.set_knob("monitor.response", 100.0) && run.update(&stage));
    run.run_until(300 * SECOND_NS);
    run.inject(Target::Component(BESIDE, None), FaultKind::Down, Some(s(100)));
    run.run_until(500 * SECOND_NS);
    assert_eq!(metric(&run, BESIDE, "alerts"), 0.0);
}

#[test]
fn a_long_window_is_judged_as_a_whole() {
    let monitor = Monitor {
        scrape: s(1),
        window: s(3_600),
        threshold: 0.012,
        hold: Duration::ZERO,
        calls_out: false,
        ..Monitor::default()
    };
    let mut run = Simulation::new(&watched(App { restart: s(5), ..app() }, monitor), 1).unwrap();
    run.run_until(500 * SECOND_NS);
    // Five seconds are one in a hundred of all so far, and one in fifty of the last 240.
    run.inject(Target::Component(APP, None), FaultKind::Down, Some(s(5)));
    run.run_until(600 * SECOND_NS);
    assert!(run.counts().failed_in_all() > 200);
    assert_eq!(metric(&run, BESIDE, "alerts"), 0.0);
}

#[test]
fn turning_a_monitor_and_a_pipeline_keeps_the_run() {
    let mut stage = watched(App { supervised: false, ..app() }, Monitor::default());
    stage.components.push(pipeline(log_pipeline::Settings::default()));
    stage.links.push(Link::new(APP, 3, Duration::ZERO));
    stage.links.push(Link::new(BESIDE, 3, Duration::ZERO));
    let mut run = Simulation::new(&stage, 1).unwrap();
    for turn in 0..40_u64 {
        run.run_until((turn + 1) * 10 * SECOND_NS);
        stage.set_knob("monitor.rule", (turn % 7) as f64);
        stage.set_knob("monitor.scrape", 1.0 + (turn % 20) as f64);
        stage.set_knob("monitor.per_copy", (turn % 2) as f64);
        stage.set_knob("logs.queue", 10.0 + 1_000.0 * (turn % 5) as f64);
        stage.set_knob("logs.memory_per_record", 100.0 * (turn % 5) as f64);
        assert!(run.update(&stage));
        let target = if turn % 3 == 0 { 3 } else { APP };
        run.inject(Target::Component(target, None), FaultKind::Down, Some(s(3)));
        let counts = run.counts();
        assert_eq!(counts.arrived, counts.completed + counts.failed_in_all() + counts.in_flight());
    }
    stage.workload.rate = Rate::default();
    assert!(run.update(&stage));
    run.run_until(run.now() + 2_000 * SECOND_NS);
    assert_eq!(run.counts().in_flight(), 0);
    // The system's own memory and the process', and nothing that waits.
    let host = run.hosts().iter().position(|host| host.name == "logs").unwrap();
    let memory = run.host_gauge(host).memory_used;
    assert!((memory - 1_150_000_000.0).abs() < 1.0, "{memory}");
}

#[test]
fn a_bill_adds_machines_disks_and_what_is_sent() {
    let mut stage = beside(100.0, app(), pipeline(log_pipeline::Settings::default()));
    stage.workload.response_size = PerClass::all(Bytes(10_000));
    let size = MachineSize { id: "size".into(), name: "Size".into(), machine: machine(), source: String::new() };
    let larger = Machine { disk: Bytes(machine().disk.0 + 100_000_000_000), ..machine() };
    stage.components[BESIDE].machine = Some(Placement::Own { size: Some("size".into()), machine: larger });
    stage.components[APP].copies = 3;
    let catalogue = Catalogue { sizes: vec![size] };
    let bill = bill(&stage, &Load::planned(&stage), &Prices::default(), &catalogue);
    let near = |found: f64, exact: f64| assert!((found / exact - 1.0).abs() < 1e-9, "{found} against {exact}");
    near(bill.per_hour_of(What::Machines), 0.4);
    near(bill.per_hour_of(What::Disk) * 730.0, 100.0 * 0.08);
    // 100 answers of 10 kB a second are 3.6 GB an hour.
    near(bill.per_hour_of(What::Egress), 3.6 * 0.09);
    near(bill.per_million().unwrap(), bill.per_hour() / 0.36);
    near(bill.per_month(), bill.per_hour() * 730.0);
    near(stage.price_per_month(), 0.4 * 730.0);
    // The tariff says the same at any load, from what it saw at one.
    let tariff = Tariff::of(&stage, &Prices::default(), &catalogue);
    near(tariff.per_million(100.0), bill.per_million().unwrap());
    near(tariff.per_month(100.0).iter().sum(), bill.per_month());
    near(tariff.per_month(50.0)[2], 0.5 * 730.0 * 3.6 * 0.09);
}

#[test]
fn a_bill_of_a_run_is_for_what_it_sent() {
    let stage = beside(100.0, app(), pipeline(log_pipeline::Settings::default()));
    let mut run = Simulation::new(&stage, 1).unwrap();
    run.run_until(200 * SECOND_NS);
    let egress = |load: &Load| bill(&stage, load, &Prices::default(), &Catalogue::default()).per_hour_of(What::Egress);
    let (planned, found) = (egress(&Load::planned(&stage)), egress(&Load::of_run(&run)));
    assert!((found / planned - 1.0).abs() < 0.03, "{found} {planned}");
}

#[test]
fn files_from_a_cdn_are_sent_at_its_price() {
    use hockeystick_core::component::Kind;
    let mut stage = beside(100.0, app(), component("cdn", None, Kind::Cdn.default_settings()));
    stage.links = vec![Link::new(0, APP, Duration::ZERO), Link::new(0, BESIDE, Duration::ZERO)];
    stage.workload.mix = PerClass([0.7, 0.3, 0.0, 0.0]);
    stage.workload.response_size = PerClass::all(Bytes(10_000));
    let bill = bill(&stage, &Load::planned(&stage), &Prices::default(), &Catalogue::default());
    assert!((bill.per_hour_of(What::Cdn) - 3.6 * 0.7 * 0.085).abs() < 1e-9);
    assert!((bill.per_hour_of(What::Egress) - 3.6 * 0.3 * 0.09).abs() < 1e-9);
}
