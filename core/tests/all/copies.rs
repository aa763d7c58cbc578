//! Copies of the rows: those that are kept up to date and take over, and those that are made now and then.

use hockeystick_core::component::{Settings, app_server, backup, database, object_store, replica};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{FaultKind, Link, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Demand, PerClass};
use hockeystick_probe::{component, first_stage};

use crate::table::{add, rows, sharing, users};

fn ms(ms: u64) -> Duration {
    Duration::from_ms(ms)
}

fn s(s: u64) -> Duration {
    Duration::from_s(s)
}

const DATABASE: usize = 2;
const REPLICA: usize = 3;
/// The link from the database to its replicas.
const STREAM: usize = 3;

/// Users who change things at a rate, one change a request; a database with so many replicas a millisecond away.
fn replicated(rate_per_s: f64, replicas: u32, settings: replica::Settings) -> Stage {
    let mut stage = users(rate_per_s);
    stage.workload.mix = PerClass([0.0, 0.0, 1.0, 0.0]);
    let app = app_server::Settings { queries: PerClass::all(1), ..sharing(Demand::constant(ms(1))) };
    let writes = PerClass([0.0, 0.0, 1.0, 0.0]);
    let database = database::Settings { writes, ..rows(Demand::constant(ms(1))) };
    let settings = replica::Settings { writes, apply: Demand::constant(Duration::from_ns(10_000)), ..settings };
    add(&mut stage, "app", Some(64), Settings::AppServer(app), &["users"]);
    add(&mut stage, "database", Some(64), Settings::Database(database), &["app"]);
    add(&mut stage, "replica", Some(64), Settings::Replica(settings), &["app", "database"]);
    stage.components[REPLICA].copies = replicas;
    stage.links[STREAM].latency = ms(1);
    stage
}

/// Replicas that take over after ten seconds.
fn hasty() -> replica::Settings {
    replica::Settings { detection: s(5), promotion: s(5), ..replica::Settings::default() }
}

fn run(stage: &Stage) -> Simulation {
    Simulation::new(stage, 1).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn metric(run: &Simulation, node: usize, name: &str) -> f64 {
    let metrics = run.metrics(node);
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{metrics:?}")).reading.number()
}

/// Which of two replicas are primaries.
fn primaries(run: &Simulation) -> [f64; 2] {
    [REPLICA, REPLICA + 1].map(|node| metric(run, node, "primary"))
}

#[test]
fn a_link_that_loses_packets_makes_replicas_lag() {
    let visible_s = |loss| {
        let mut run = run(&replicated(20.0, 1, replica::Settings::default()));
        run.inject(Target::Link(STREAM), FaultKind::Lossy { loss }, None);
        run.run_until(200 * SECOND_NS);
        metric(&run, REPLICA, "visible_after")
    };
    let (sound, lossy) = (visible_s(0.0), visible_s(0.1));
    // One packet in ten is sent again after 200 ms; those after it wait for it, for they are read in order.
    assert!(sound < 0.002 && (0.03..0.3).contains(&lossy), "{sound} {lossy}");
}

#[test]
fn a_link_that_loses_packets_makes_synchronous_commits_slow() {
    let mean_ms = |loss| {
        let mut stage = replicated(20.0, 1, replica::Settings::default());
        assert!(stage.set_knob("database.synchronous", 1.0));
        let mut run = run(&stage);
        run.inject(Target::Link(STREAM), FaultKind::Lossy { loss }, None);
        run.run_until(100 * SECOND_NS);
        run.take_window().mean_ms
    };
    let (sound, lossy) = (mean_ms(0.0), mean_ms(0.1));
    assert!(lossy > sound + 20.0, "{sound} {lossy}");
}

#[test]
fn replicas_that_lose_sight_of_the_primary_alone_agree_on_one_of_them() {
    let mut run = run(&replicated(50.0, 2, hasty()));
    run.run_until(20 * SECOND_NS);
    run.inject(Target::Link(STREAM), FaultKind::Cut, Some(s(60)));
    let mut led = [0.0; 2];
    for second in 21..=120 {
        run.run_until(second * SECOND_NS);
        let now = primaries(&run);
        led = [led[0] + now[0], led[1] + now[1]];
    }
    assert!(led[0] > 80.0 && led[1] == 0.0, "seconds as the primary: {led:?}");
    // While the link is cut the old primary and the new one take changes, and the old one loses its own.
    assert!(metric(&run, DATABASE, "lost_writes") > 100.0);
    assert_eq!(metric(&run, REPLICA + 1, "lost_writes"), 0.0);
    assert!(metric(&run, REPLICA + 1, "lag") < 1.0);
}

#[test]
fn who_led_and_was_replaced_comes_back_with_what_the_new_primary_has() {
    let mut stage = replicated(200.0, 2, hasty());
    // What takes two milliseconds each takes a while if there is much of it.
    assert!(stage.set_knob("replica.apply", 0.002));
    let mut run = run(&stage);
    run.run_until(20 * SECOND_NS);
    run.inject(Target::Component(DATABASE, None), FaultKind::Down, None);
    run.run_until(230 * SECOND_NS);
    assert_eq!(primaries(&run), [1.0, 0.0]);
    run.inject(Target::Component(REPLICA, Some(0)), FaultKind::Down, Some(s(30)));
    let mut most = 0.0_f64;
    for second in 231..=300 {
        run.run_until(second * SECOND_NS);
        most = most.max(metric(&run, REPLICA, "backlog"));
    }
    assert_eq!(primaries(&run), [0.0, 1.0]);
    assert!(most < 3_000.0, "what came while it was away, at most: {most}");
    assert!(metric(&run, REPLICA, "lag") < 1.0);
}

#[test]
fn a_follower_that_was_cut_off_lags_by_as_long_as_it_was() {
    let mut run = run(&replicated(50.0, 1, replica::Settings { promotes: false, ..replica::Settings::default() }));
    run.run_until(20 * SECOND_NS);
    run.inject(Target::Link(STREAM), FaultKind::Cut, Some(s(100)));
    run.run_until(120 * SECOND_NS);
    let before = metric(&run, REPLICA, "visible_after");
    run.run_until(130 * SECOND_NS);
    let after = metric(&run, REPLICA, "visible_after");
    println!("{before} s, and with what was missed {after} s");
    // A hundred seconds' worth of changes was missed, and waited for half of that on average.
    assert!(metric(&run, REPLICA, "lag") < 1.0);
    assert!((30.0..50.0).contains(&after), "{before} {after}");
}

/// The first stage with 20 changes a second on its box, backed up every minute to another place; a lost box is replaced
/// after half a minute.
fn backed_up(settings: backup::Settings) -> Stage {
    let mut stage = first_stage(20.0);
    stage.workload.mix = PerClass([0.0, 0.0, 1.0, 0.0]);
    assert!(stage.set_knob("app.queries.write", 1.0) && stage.set_knob("database.writes.write", 1.0));
    assert!(stage.set_knob("database.growth", 0.0) && stage.set_knob("app.demand.write", 0.001));
    let settings = backup::Settings { interval: s(60), notice: s(10), provision: s(20), ..settings };
    stage.components.push(component("backup", None, Settings::Backup(settings)));
    stage.components.push(component("store", None, Settings::ObjectStore(object_store::Settings::default())));
    stage.links.extend([Link::new(4, 3, Duration::ZERO), Link::new(4, 5, Duration::ZERO)]);
    stage.workload.rate = Rate::per_second(20.0);
    stage
}

const BACKUP: usize = 4;

#[test]
fn a_machine_that_comes_back_with_its_disk_has_lost_nothing() {
    let mut run = run(&backed_up(backup::Settings::default()));
    run.run_until(150 * SECOND_NS);
    run.inject(Target::Machine(0), FaultKind::Down, Some(s(5)));
    run.run_until(250 * SECOND_NS);
    assert!(run.node_gauge(3).up);
    assert_eq!(metric(&run, BACKUP, "rows_lost"), 0.0);
}

#[test]
fn what_is_lost_with_a_machine_is_lost_once() {
    let mut run = run(&backed_up(backup::Settings::default()));
    run.run_until(100 * SECOND_NS);
    let at_risk = metric(&run, BACKUP, "rows_at_risk");
    assert!((600.0..900.0).contains(&at_risk), "20 a second since the minute: {at_risk}");
    run.inject(Target::Machine(0), FaultKind::Down, None);
    run.run_until(160 * SECOND_NS);
    assert!(run.node_gauge(3).up, "it is restored");
    let first = metric(&run, BACKUP, "rows_lost");
    assert!((first - at_risk).abs() < 60.0, "{first} {at_risk}");
    let left = metric(&run, BACKUP, "rows_at_risk");
    assert!(left < 500.0, "what was changed since it was restored: {left}");
    run.inject(Target::Machine(0), FaultKind::Down, None);
    run.run_until(230 * SECOND_NS);
    let second = metric(&run, BACKUP, "rows_lost") - first;
    assert!((second - left).abs() < 60.0, "{second} {left}");
}

#[test]
fn a_lost_replica_takes_no_rows_with_it() {
    let mut stage = replicated(50.0, 1, replica::Settings { promotes: false, ..replica::Settings::default() });
    let settings = backup::Settings { interval: s(60), notice: s(10), provision: s(20), ..backup::Settings::default() };
    stage.components.push(component("backup", None, Settings::Backup(settings)));
    stage.components.push(component("store", None, Settings::ObjectStore(object_store::Settings::default())));
    stage.links.extend([Link::new(4, REPLICA, Duration::ZERO), Link::new(4, 5, Duration::ZERO)]);
    stage.machines.push(hockeystick_core::stage::NamedMachine {
        id: "box".into(),
        size: None,
        machine: hockeystick_core::hardware::Machine { memory: Bytes(1_000_000_000_000), ..Default::default() },
    });
    stage.components[REPLICA].machine = Some(hockeystick_core::stage::Placement::Shared(0));
    let mut run = run(&stage);
    run.run_until(100 * SECOND_NS);
    run.inject(Target::Machine(0), FaultKind::Down, None);
    run.run_until(200 * SECOND_NS);
    assert_eq!(metric(&run, BACKUP, "rows_lost"), 0.0);
}

#[test]
fn rows_that_do_not_fit_fill_the_disk() {
    let mut stage = first_stage(20.0);
    assert!(stage.set_knob("database.rows", 1e9) && stage.set_knob("box.disk", 1e9));
    let mut run = run(&stage);
    run.run_until(60 * SECOND_NS);
    let full = hockeystick_core::engine::moves::Cause::DiskFull as usize;
    assert!(run.counts().failed[full] > 10, "{:?}", run.counts());
}
