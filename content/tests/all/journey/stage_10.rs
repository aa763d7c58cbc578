//! Stage 10-replication.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Link, Stage, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, begun, begun_until, figure, place, ran, stage, with, without};

const SECONDS: f64 = 60.0;

fn fault(stage: &mut Stage, on: Target, kind: FaultKind, at_s: u64, lasts_s: Option<u64>) {
    stage.faults.push(Fault { at: Duration::from_s(at_s), lasts: lasts_s.map(Duration::from_s), on, kind });
}

/// What both replicas have counted.
fn both(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(&format!("replica#1 {name}")) + outcome.metric(&format!("replica#2 {name}"))
}

#[test]
fn replicas_take_the_reads_and_are_a_little_behind() {
    let stage = stage("10-replication");
    let alone = without(&stage, &["replica", "backup", "offsite"]);
    let (alone, two) = (ran(&alone, SECONDS).outcome, ran(&stage, SECONDS).outcome);
    println!(
        "stage 10 at 1,852/s: p95 {:.0} ms and {:.0} errors/s with the primary alone, {:.0} ms and {:.0} with two replicas; \
         {:.2} % of all answers are out of date",
        alone.p95_ms(),
        alone.errors_per_s(),
        two.p95_ms(),
        two.errors_per_s(),
        100.0 * two.stale.known().unwrap()
    );
    assert!(alone.errors_per_s() > 50.0 || alone.p95_ms() > 5.0 * two.p95_ms());
    assert!(two.errors_per_s() < 1.0);
    assert!(two.stale.known().unwrap() > 0.0, "some lists are older than what their owner has just changed");

    let sent_on = ran(&with(&stage, &[("replica.read_your_writes", "primary")]), SECONDS).outcome;
    assert_eq!(sent_on.stale.known(), Some(0.0));
    assert!(both(&sent_on, "reads_sent_on") > 0.0);
    let waits = ran(&with(&stage, &[("replica.read_your_writes", "wait")]), SECONDS).outcome;
    assert!(waits.stale.known().unwrap() < 0.1 * two.stale.known().unwrap());
}

#[test]
fn a_lagging_replica_shows_old_data_and_a_filtered_one_asks_the_primary() {
    let stage = stage("10-replication");
    let mut stuck = stage.clone();
    let replica = stage.component("replica").unwrap();
    fault(&mut stuck, Target::Component(replica, None), FaultKind::Stuck, 20, Some(30));
    let stuck = ran(&stuck, SECONDS).outcome;
    assert!(stuck.stale.known().unwrap() > 0.01, "{:?}", stuck.stale);
    let half = ran(&with(&stage, &[("replica.keeps", "0.5"), ("database.vcpus", "8")]), SECONDS).outcome;
    assert!(both(&half, "reads_sent_on") > 10_000.0, "reads of what they do not keep");
}

#[test]
fn when_the_last_replica_is_down_reads_go_back_to_the_primary() {
    let mut stage = with(&stage("10-replication"), &[("database.vcpus", "8")]);
    let replica = stage.component("replica").unwrap();
    fault(&mut stage, Target::Component(replica, None), FaultKind::Down, 20, None);
    let outcome = ran(&stage, SECONDS).outcome;
    assert!(outcome.errors_per_s() < 5.0, "{:?}", outcome.errors_per_s);
}

/// The sum of a figure over the copies that have it, at the end of a run. Not of an outcome: a fault can end what is
/// taken for warm-up there.
fn total(simulation: &Simulation, name: &str) -> f64 {
    let nodes = 0..simulation.nodes().len();
    let metrics = nodes.flat_map(|node| simulation.metrics(node)).filter(|metric| metric.name == name);
    metrics.map(|metric| metric.reading.number()).sum()
}

/// The primary dies on a day when the links to its replicas are slow.
fn failover(changes: &[(&str, &str)]) -> Simulation {
    let spare = [("database.vcpus", "4"), ("replica.vcpus", "4")];
    let mut stage = with(&stage("10-replication"), &[&spare[..], changes].concat());
    let database = place(&stage, "database");
    let replica = place(&stage, "replica");
    let link = stage.links.iter().position(|link| (link.from, link.to) == (database, replica)).unwrap_or_default();
    fault(&mut stage, Target::Link(link), FaultKind::Slow { speed: 0.001 }, 0, None);
    fault(&mut stage, Target::Component(database, None), FaultKind::Down, 60, Some(60));
    let mut simulation = begun(&stage);
    simulation.run_until(Duration::from_s(180).ns());
    simulation
}

#[test]
fn a_dead_primary_is_replaced_and_what_it_had_not_sent_is_lost() {
    let asynchronous = failover(&[]);
    let synchronous = failover(&[("database.synchronous", "1"), ("app.workers", "64")]);
    let (lost, none) = (total(&asynchronous, "lost_writes"), total(&synchronous, "lost_writes"));
    // All changes and jobs fail for a while, six requests in a hundred; then the new primary takes them.
    let failed: u64 = asynchronous.counts().failed_in_all();
    let gone = failed as f64 / (0.06 * 1_852.0);
    println!(
        "stage 10, primary down with links that take 250 ms: {lost:.0} changes lost when asynchronous, {none:.0} when \
         synchronous; {gone:.0} s without a primary"
    );
    assert!((5.0..100.0).contains(&lost), "250 ms of 130 changes a second: {lost}");
    assert_eq!(none, 0.0);
    assert!(
        (28.0..40.0).contains(&gone),
        "detection, promotion, and a look a second: {gone} s, {:?}",
        asynchronous.counts()
    );
    assert!(asynchronous.counts().in_flight() < 500, "{:?}", asynchronous.counts());
    assert!(total(&asynchronous, "primary") == 1.0);
}

#[test]
fn a_backup_of_a_replica_copies_every_row_and_spares_the_primary() {
    let stage = stage("10-replication");
    let night = |interval: &str| ran(&with(&stage, &[("backup.interval", interval)]), 200.0).outcome;
    let (without, copied) = (night("0 s"), night("20 s"));
    let busy = |outcome: &Outcome, node: &str| outcome.utilisation[&format!("{node} cpu")].known().unwrap();
    let added = busy(&copied, "replica#1") - busy(&without, "replica#1");
    println!(
        "stage 10: a backup makes the replica it is taken from {:.0} points busier, and the primary {:.1}; p95 {:.0} ms, {:.0} before",
        100.0 * added,
        100.0 * (busy(&copied, "database") - busy(&without, "database")),
        copied.p95_ms(),
        without.p95_ms()
    );
    // Five gigabytes, a third of that when compressed.
    let stored = figure(&begun_until(&with(&stage, &[("backup.interval", "20 s")]), 400), "backup", "stored");
    assert!((1e9..2e9).contains(&stored), "{stored} bytes");
    assert!(added > 0.2, "half of the time one of its two processors compresses: {added}");
    assert!((busy(&copied, "database") - busy(&without, "database")).abs() < 0.01);
}

#[test]
fn two_primaries_conflict_where_both_change_the_same_item() {
    let mut stage = stage("10-replication");
    let (app, database) = (stage.component("app").unwrap(), stage.component("database").unwrap());
    let replica = stage.component("replica").unwrap();
    stage.links.retain(|link| link.to != replica);
    stage.components[replica] = stage.components[database].clone();
    stage.components[replica].id = "other".to_owned();
    stage.links.push(Link::new(app, replica, Duration::from_ns(250_000)));
    stage.links.push(Link::new(database, replica, Duration::from_ms(20)));
    let outcome = ran(&stage, SECONDS).outcome;
    let conflicts = outcome.metric("database conflicts") + outcome.metric("other conflicts");
    println!("stage 10 with two primaries 20 ms apart: {conflicts:.0} conflicts a minute");
    assert!(conflicts > 10.0, "{conflicts}");
}
