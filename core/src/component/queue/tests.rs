use super::super::trial::{after, app, fault, metric, stage};
use super::super::{Settings as Of, app_server, autoscaler};
use super::*;
use crate::simulate::Simulation;
use crate::stage::{Component, Fault, Link, Stage, Target};
use crate::units::Rate;

const QUEUE: usize = 2;
const WORKERS: usize = 3;

/// 50 messages a second, of 100 ms each, for a worker that takes ten at once.
fn board(settings: Settings) -> Stage {
    let settings = Settings { concurrency: 10, ..settings };
    let workers = app_server::Settings { queries: crate::workload::PerClass::all(0), ..app(100) };
    let others = vec![("queue", Of::Queue(settings)), ("workers", Of::AppServer(workers))];
    stage(50.0, [0.0, 0.0, 0.0, 1.0], others, &[(1, QUEUE), (QUEUE, WORKERS)])
}

/// Every accepted message is done, dead, lost, waiting or with a worker.
fn accounted(run: &Simulation) -> f64 {
    let of = |name| metric(run, QUEUE, name);
    let out = of("accepted") - of("done") - of("dead_letters") - of("lost") - of("backlog");
    assert!((0.0..=20.0).contains(&out), "{out} messages are out");
    out
}

#[test]
fn users_do_not_wait_for_the_work() {
    let run = after(&board(Settings::default()), 100);
    accounted(&run);
    let after_s = metric(&run, QUEUE, "done_after");
    assert!((0.1..0.13).contains(&after_s), "{after_s}");
    assert_eq!(run.counts().failed_in_all(), 0);
    assert!(run.counts().in_flight() <= 3, "answered in a millisecond or two");
    assert_eq!(metric(&run, QUEUE, "redelivered"), 0.0);
}

#[test]
fn a_backlog_grows_while_nobody_works_and_is_worked_off_after() {
    let mut board = board(Settings::default());
    board.faults.push(fault(QUEUE, FaultKind::Stuck, 20, 20));
    let backlog = |seconds| metric(&after(&board, seconds), QUEUE, "backlog");
    let (grown, left) = (backlog(40), backlog(55));
    assert!((900.0..1_100.0).contains(&grown), "{grown}");
    // A worker does 100 a second, and 50 come.
    assert!((grown - left - 750.0).abs() < 120.0, "{grown} {left}");
    assert!(backlog(80) < 10.0);
}

#[test]
fn work_of_a_worker_that_dies_is_done_by_another() {
    let mut board = board(Settings::default());
    board.components[WORKERS].copies = 2;
    for at in [10, 20, 30] {
        board.faults.push(fault(WORKERS, FaultKind::Down, at, 3));
    }
    let run = after(&board, 100);
    accounted(&run);
    assert!(metric(&run, QUEUE, "redelivered") >= 3.0);
    assert_eq!(metric(&run, QUEUE, "dead_letters"), 0.0);
    assert_eq!(metric(&run, QUEUE, "backlog"), 0.0);
}

#[test]
fn work_whose_worker_is_too_slow_to_say_so_is_done_twice() {
    let of = |visibility_ms| {
        let visibility = Duration::from_ms(visibility_ms);
        let mut board = board(Settings { visibility, idempotent: false, deliveries: 100, ..Settings::default() });
        board.faults.push(fault(WORKERS, FaultKind::Slow { speed: 0.1 }, 10, 2));
        let run = after(&board, 60);
        accounted(&run);
        let duplicates = metric(&run, QUEUE, "duplicates");
        assert_eq!(duplicates, metric(&run, QUEUE, "harmful_duplicates"));
        duplicates
    };
    let (hasty, patient) = (of(300), of(3_000));
    assert!(hasty > 5.0 && patient == 0.0, "{hasty} {patient}");
}

#[test]
fn a_queue_that_dies_delivers_again_what_was_out() {
    let mut board = board(Settings::default());
    board.faults.push(fault(QUEUE, FaultKind::Down, 10, 5));
    let run = after(&board, 60);
    accounted(&run);
    let duplicates = metric(&run, QUEUE, "duplicates");
    assert!((1.0..=10.0).contains(&duplicates), "{duplicates}: five messages are out at a time");
}

#[test]
fn poison_ends_as_a_dead_letter_after_its_deliveries() {
    let retry_after = Duration::from_ms(500);
    let run = after(&board(Settings { poison: 0.02, retry_after, ..Settings::default() }), 200);
    accounted(&run);
    let (dead, again) = (metric(&run, QUEUE, "dead_letters"), metric(&run, QUEUE, "redelivered"));
    assert!((150.0..250.0).contains(&dead), "{dead} of some 200");
    assert!((again / dead - 4.0).abs() < 0.2, "{again} {dead}");
}

#[test]
fn a_full_queue_refuses_and_a_dead_one_keeps_what_is_on_disk() {
    let mut board = board(Settings { bound: 100, ..Settings::default() });
    board.faults.push(fault(QUEUE, FaultKind::Stuck, 10, 10));
    board.faults.push(fault(QUEUE, FaultKind::Down, 30, 5));
    let run = after(&board, 60);
    accounted(&run);
    let refused = metric(&run, QUEUE, "refused");
    assert!((330.0..470.0).contains(&refused), "{refused}");
    assert_eq!(run.counts().failed[Cause::Refused as usize] as f64, refused);
    assert_eq!(metric(&run, QUEUE, "lost"), 0.0);
    let mut forgetful = self::board(Settings { durable: false, ..Settings::default() });
    forgetful.faults = vec![fault(QUEUE, FaultKind::Stuck, 10, 10), fault(QUEUE, FaultKind::Down, 15, 2)];
    let run = after(&forgetful, 60);
    accounted(&run);
    assert!(metric(&run, QUEUE, "lost") > 200.0);
}

#[test]
fn a_digest_waits_for_its_window() {
    let window = Settings {
        batched: 0.5,
        window_every: Duration::from_s(60),
        window_length: Duration::from_s(20),
        ..Settings::default()
    };
    let run = after(&board(window), 300);
    let (photos, digests) = (metric(&run, QUEUE, "done_after"), metric(&run, QUEUE, "digest_after"));
    // Two thirds come while it is closed, and wait 20 s on average; those that were held are then done in turn.
    assert!(photos < 5.0 && (10.0..25.0).contains(&digests), "{photos} {digests}");
    assert!(run.host_gauge(1).disk_busy_s > 0.0);
}

#[test]
fn machines_are_switched_on_for_a_digest_when_its_window_opens() {
    let settings = Settings {
        batched: 1.0,
        window_every: Duration::from_s(600),
        window_length: Duration::from_s(60),
        ..Settings::default()
    };
    let mut board = board(settings);
    let scaler = autoscaler::Settings {
        signal: autoscaler::Signal::Backlog,
        cooldown: Duration::from_s(5),
        ..autoscaler::Settings::default()
    };
    board.components.push(Component {
        id: "scaler".into(),
        machine: None,
        settings: Of::Autoscaler(scaler),
        ..board.components[QUEUE].clone()
    });
    board.components[WORKERS].copies = 4;
    let link = |to| Link::new(4, to, Duration::ZERO);
    board.links.extend([link(WORKERS), link(QUEUE)]);
    let mut run = Simulation::new(&board, 1).unwrap();
    let mut switched_on = |seconds| {
        run.run_until(seconds * SECOND_NS);
        assert!(!(100..=590).contains(&seconds) || metric(&run, QUEUE, "backlog") > 1_000.0);
        metric(&run, 7, "switched_on")
    };
    let [soon, before, after] = [70, 590, 620].map(&mut switched_on);
    assert!(before == soon && after > before, "{soon} {before} {after}");
}

#[test]
fn a_worker_that_comes_up_gets_what_waits() {
    let mut board = board(Settings::default());
    let Of::Queue(queue) = &mut board.components[QUEUE].settings else { panic!("a queue") };
    queue.concurrency = 1;
    board.components[WORKERS].settings =
        Of::AppServer(app_server::Settings { queries: crate::workload::PerClass::all(0), ..app(25_000) });
    board.components[WORKERS].copies = 2;
    let down = Fault { on: Target::Component(WORKERS, Some(1)), ..fault(WORKERS, FaultKind::Down, 0, 10) };
    board.faults.push(down);
    let mut run = after(&board, 2);
    board.workload.rate = Rate::default();
    assert!(run.update(&board));
    run.run_until(20 * SECOND_NS);
    assert_eq!([WORKERS, WORKERS + 1].map(|node| run.node_gauge(node).in_service), [1, 1]);
}
