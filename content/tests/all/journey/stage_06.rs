//! Stage 06-split-database.

use hockeystick_core::stage::{Fault, FaultKind, Placement, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, at_rate, ran, stage, with_latency};

const SECONDS: f64 = 900.0;

#[test]
fn a_machine_of_its_own_keeps_the_backup_and_the_queries_from_the_app() {
    let after = stage("06-split-database");
    let database = after.component("database").unwrap();
    let mut before = after.clone();
    before.components[database].machine = Some(Placement::Shared(0));
    let before = with_latency(&before, "app", "database", Duration::from_ns(25_000));
    let both = |per_s| (ran(&at_rate(&before, per_s), SECONDS).outcome, ran(&at_rate(&after, per_s), SECONDS).outcome);
    let ((calm, _), (shared, split)) = (both(185.0), both(270.0));
    println!(
        "stage 06 with backups: p95 {:.0} ms on one box at 185/s; at 270/s {:.0} ms on one box, {:.0} ms on two",
        calm.p95_ms(),
        shared.p95_ms(),
        split.p95_ms()
    );
    assert!(split.p95_ms() < 0.6 * shared.p95_ms());
    assert!(split.errors_per_s() < 0.1);

    // The hop is new: where the network is slow, every query pays for it.
    let slow = ran(&with_latency(&at_rate(&after, 270.0), "app", "database", Duration::from_ms(20)), SECONDS).outcome;
    assert!(slow.mean_ms() > split.mean_ms() + 10.0, "two queries of 40 ms in three of ten requests");

    // Two machines can each be the one that fails: static files still come, pages do not.
    let mut down = after.clone();
    let kind = FaultKind::Down;
    down.faults.push(Fault { at: Duration::ZERO, lasts: None, on: Target::Component(database, None), kind });
    let down = ran(&down, SECONDS).outcome;
    let share = down.errors_per_s() / (down.errors_per_s() + down.throughput_per_s());
    assert!((share - 0.3).abs() < 0.02, "all that is not static: {share}");
}
