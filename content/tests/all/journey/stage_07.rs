//! Stage 07-choosing-a-database.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;
use hockeystick_core::workload::PerClass;

use super::harness::{Figures, place, ran, stage, with, with_latency};

const SECONDS: f64 = 300.0;

#[test]
fn sums_over_time_want_a_store_that_is_made_for_them() {
    let mixed = stage("07-choosing-a-database");
    // Events as one more table of the relational database, which the digest jobs ask.
    let rows = [("database.rows", "24000000"), ("database.row", "125 B"), ("database.span", "0.1")];
    let mut one_shape = with(&mixed, &[&rows[..], &[("database.scans.job", "0.2")]].concat());
    let (database, events) = (one_shape.component("database").unwrap(), one_shape.component("events").unwrap());
    one_shape.links.retain(|link| link.to != events);
    one_shape.links.iter_mut().filter(|link| link.to == database).for_each(|link| link.classes = PerClass::all(true));
    one_shape.components.remove(events);
    let (one_shape, mixed) = (ran(&one_shape, SECONDS).outcome, ran(&mixed, SECONDS).outcome);
    let busy = |outcome: &Outcome| outcome.utilisation["database cpu"].known().unwrap();
    println!(
        "stage 07 at 185/s: mean {:.1} ms and a database that is {:.0} % busy with the events in it, {:.1} ms and {:.0} % with \
         the events in a time-series store",
        one_shape.mean_ms(),
        100.0 * busy(&one_shape),
        mixed.mean_ms(),
        100.0 * busy(&mixed)
    );
    assert!(busy(&one_shape) > 3.0 * busy(&mixed));
    assert!(one_shape.mean_ms() > 1.08 * mixed.mean_ms());
}

#[test]
fn a_store_without_joins_sends_the_app_back_and_a_distributed_commit_waits() {
    let stage = stage("07-choosing-a-database");
    let far = with_latency(&stage, "app", "database", Duration::from_ms(5));
    let mean = |family| ran(&with(&far, &[("database.family", family)]), SECONDS).outcome.mean_ms();
    let (relational, document, newsql) = (mean("relational"), mean("document"), mean("newsql"));
    println!(
        "stage 07, database 10 ms away: mean {relational:.1} ms relational, {document:.1} document, {newsql:.1} newsql"
    );
    // Of a read's two queries one joins: three more round trips of 10 ms in a quarter of all requests.
    assert!(document > relational + 4.0);
    assert!(newsql > relational);
}

/// Two of three nodes are gone from the second minute to the third.
fn two_of_three(stage: &Stage, choice: &str) -> Outcome {
    let mut stage =
        with(stage, &[("database.copies", "3"), ("database.on_partition", choice), ("database.family", "newsql")]);
    let database = place(&stage, "database");
    for copy in [1, 2] {
        let (at, lasts) = (Duration::from_s(120), Some(Duration::from_s(60)));
        let on = Target::Component(database, Some(copy));
        stage.faults.push(Fault { at, lasts, on, kind: FaultKind::Down });
    }
    ran(&stage, SECONDS).outcome
}

#[test]
fn without_a_majority_a_store_refuses_or_answers_with_what_it_has() {
    let stage = stage("07-choosing-a-database");
    let (consistent, available) = (two_of_three(&stage, "cp"), two_of_three(&stage, "ap"));
    println!(
        "stage 07, two of three nodes gone: {:.1} errors/s when consistent, {:.1} when available; {:.2} % stale",
        consistent.errors_per_s(),
        available.errors_per_s(),
        100.0 * available.stale.known().unwrap()
    );
    assert!(consistent.errors_per_s() > 5.0, "a majority is missing");
    assert!(consistent.stale.known().unwrap() == 0.0);
    assert!(available.errors_per_s() < 0.1 * consistent.errors_per_s());
    assert!(available.stale.known().unwrap() > 0.0, "nodes that come back do not know what they missed");
}
