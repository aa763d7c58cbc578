use super::super::trial::{after, fault, metric, stage};
use super::super::{Settings as Of, database};
use super::*;
use crate::stage::Stage;

const JOURNAL: usize = 2;
const DATABASE: usize = 3;

/// 200 changes and 50 reads a second.
fn board(settings: Settings) -> Stage {
    let database = Of::Database(database::Settings { connections: 10_000, ..database::Settings::default() });
    let others = vec![("journal", Of::Journal(settings)), ("database", database)];
    stage(250.0, [0.0, 0.2, 0.8, 0.0], others, &[(1, JOURNAL), (1, DATABASE), (JOURNAL, DATABASE)])
}

fn at(rate: f64) -> Settings {
    Settings { drain_rate: Rate::per_second(rate), ..Settings::default() }
}

#[test]
fn the_database_gets_changes_at_the_daemons_rate_and_no_faster() {
    let mut board = board(at(300.0));
    board.faults.push(fault(0, FaultKind::Spike { factor: 10.0 }, 20, 10));
    let of = |seconds, name| metric(&after(&board, seconds), JOURNAL, name);
    let spike = of(30, "applied") - of(20, "applied");
    assert!((2_950.0..=3_001.0).contains(&spike), "{spike} in ten seconds");
    let backlog = of(30, "backlog");
    // 2,000 come in a second, and 300 go.
    assert!((backlog - 17_000.0).abs() < 600.0, "{backlog}");
    let later = of(60, "backlog");
    assert!((backlog - later - 3_000.0).abs() < 400.0, "{backlog} {later}");
    let run = after(&board, 60);
    assert_eq!(run.counts().failed_in_all(), 0);
    let oldest = metric(&run, JOURNAL, "oldest");
    assert!(oldest > 20.0, "{oldest}");
}

#[test]
fn one_disk_write_takes_what_came_during_the_one_before() {
    let mut board = board(at(10_000.0));
    board.workload.rate = Rate::per_second(5_000.0);
    let Some(crate::stage::Placement::Own { machine, .. }) = &mut board.components[JOURNAL].machine else {
        panic!("a machine of its own")
    };
    machine.disk_latency = Duration::from_ms(2);
    let run = after(&board, 10);
    let each = metric(&run, JOURNAL, "changes_per_sync");
    assert!((each - 8.0).abs() < 0.5, "4,000 a second, 500 writes: {each}");
    assert!(run.counts().in_flight() < 120);
}

#[test]
fn a_disk_that_takes_many_changes_at_once_is_always_busy_and_far_from_full() {
    let mut board = board(at(10_000.0));
    board.workload.rate = Rate::per_second(5_000.0);
    let Some(crate::stage::Placement::Own { machine, .. }) = &mut board.components[JOURNAL].machine else {
        panic!("a machine of its own")
    };
    machine.disk_latency = Duration::from_ms(2);
    let host = board.components[..JOURNAL].iter().filter(|it| it.machine.is_some()).count();
    let shares = |board: &Stage| {
        let gauge = after(board, 10).host_gauge(host);
        [gauge.disk_busy_s, gauge.disk_room_s].map(|s| s / (10.0 * f64::from(gauge.disk_channels)))
    };
    let [busy, room] = shares(&board);
    // Eight come during one write, which could take a thousand.
    assert!(busy > 0.95 && busy - room < 0.01, "{busy} {room}");
    let Of::Journal(journal) = &mut board.components[JOURNAL].settings else { panic!("a journal") };
    journal.group = 1;
    assert_eq!(shares(&board)[1], 0.0);
}

#[test]
fn reads_are_out_of_date_until_a_change_is_applied() {
    let stale = |rate| after(&board(at(rate)), 60).counts().stale as f64;
    let (slow, quick) = (stale(150.0), stale(2_000.0));
    println!("stale reads of 3,000: {slow} behind, {quick} in time");
    assert!(slow > 500.0 && quick < 0.1 * slow, "{slow} {quick}");
}

#[test]
fn a_daemon_that_stops_leaves_a_backlog_and_a_journal_that_dies_loses_nothing() {
    let mut board = board(at(400.0));
    board.faults.push(fault(JOURNAL, FaultKind::Stuck, 10, 10));
    board.faults.push(fault(JOURNAL, FaultKind::Down, 30, 5));
    board.faults.push(fault(DATABASE, FaultKind::Down, 45, 5));
    let backlog = metric(&after(&board, 20), JOURNAL, "backlog");
    assert!((1_800.0..2_200.0).contains(&backlog), "{backlog}");
    let run = after(&board, 120);
    let of = |name| metric(&run, JOURNAL, name);
    assert_eq!(of("accepted"), of("applied") + of("backlog"));
    assert!(of("backlog") < 20.0 && of("repeated") > 0.0);
}

#[test]
fn what_the_database_refuses_is_undone_and_what_is_wrong_never_gets_in() {
    let run = after(&board(Settings { rejected: 0.1, invalid: 0.2, ..at(400.0) }), 100);
    let of = |name| metric(&run, JOURNAL, name);
    assert!((of("turned_away") / (of("turned_away") + of("accepted")) - 0.2).abs() < 0.02);
    assert!((of("compensated") / of("accepted") - 0.1).abs() < 0.01);
    assert_eq!(run.counts().failed_in_all(), 0);
}

#[test]
fn a_full_journal_refuses() {
    let run = after(&board(Settings { bound: 100, ..at(50.0) }), 20);
    assert_eq!(run.counts().failed[Cause::Refused as usize] as f64, metric(&run, JOURNAL, "refused"));
    assert!(metric(&run, JOURNAL, "refused") > 2_500.0);
    assert!(metric(&run, JOURNAL, "backlog") <= 100.0);
}

#[test]
fn every_change_that_is_applied_is_on_the_databases_disk() {
    let writes = |journal: Settings| {
        let board = board(Settings { ..journal });
        let run = after(&board, 60);
        // Users and what has no machine aside, the database's is the last.
        let host = run.hosts().len() - 1;
        let disk_writes = run.host_gauge(host).disk_busy_s / 100e-6;
        (disk_writes, metric(&run, JOURNAL, "applied"), metric(&run, JOURNAL, "compensated"))
    };
    let (one, applied, _) = writes(at(500.0));
    assert!((one / applied - 1.0).abs() < 0.01, "{one} writes of {applied} changes");
    // Of three queries one commits for certain, and each of the two before with the chance that any has.
    let (three, applied, _) = writes(Settings { queries: 3, ..at(500.0) });
    assert!((three / applied - 1.8).abs() < 0.05, "{three} writes of {applied} changes");
    let (with_inverse, applied, inverse) = writes(Settings { rejected: 0.2, ..at(500.0) });
    assert!((with_inverse / (applied + inverse) - 1.0).abs() < 0.01, "{with_inverse} {applied} {inverse}");
}
