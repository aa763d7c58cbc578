//! Stage 19-sharding.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;

use super::harness::{Figures, at_rate, begun, ran, stage, with};

/// Of 46,296 requests each.
const SECONDS: f64 = 4.0;

fn broken(stage: &Stage, on: Target, kind: FaultKind) -> Stage {
    let mut stage = stage.clone();
    stage.faults.push(Fault { at: Duration::ZERO, lasts: None, on, kind });
    stage
}

#[test]
fn eight_shards_take_what_no_single_primary_can() {
    let stage = stage("19-sharding");
    // All on the largest machine there is.
    let giant = with(&stage, &[("shards.shards", "1"), ("database.vcpus", "192"), ("database.connections", "5000")]);
    let (giant, eight) = (ran(&giant, SECONDS).outcome, ran(&stage, SECONDS).outcome);
    println!(
        "stage 19 at 46,296/s: p95 {:.0} ms on one primary with 192 processors, {:.0} ms on eight shards with 16 each",
        giant.p95_ms(),
        eight.p95_ms()
    );
    assert!(giant.p95_ms() > 3.0 * eight.p95_ms());
    assert!(eight.errors_per_s() < 10.0, "{:?}", eight.errors_per_s);
    assert!(eight.metric("shards imbalance") < 1.2);
}

#[test]
fn a_bad_key_a_celebrity_and_a_dead_shard() {
    let stage = stage("19-sharding");
    let imbalance = |stage: &Stage| ran(stage, 2.0).outcome.metric("shards imbalance");
    let (account, day) = (imbalance(&stage), imbalance(&with(&stage, &[("shards.key", "day-of-week")])));
    let users = Target::Component(0, None);
    let celebrity = imbalance(&broken(&stage, users, FaultKind::HotKey { share: 0.1 }));
    let database = stage.component("database").unwrap();
    let down = ran(&broken(&stage, Target::Component(database, Some(3)), FaultKind::Down), 2.0).outcome;
    let share = down.errors_per_s() / (down.errors_per_s() + down.throughput_per_s());
    println!(
        "stage 19: the busiest of eight shards has {account:.2} times its share by account, {celebrity:.2} with a celebrity \
         of 10 %, {day:.2} by day of the week; with one shard down {:.1} % of requests fail",
        100.0 * share
    );
    assert!(day > 5.0, "{day}");
    assert!((1.5..2.2).contains(&celebrity), "a tenth of everything on one of eight: {celebrity}");
    // Three requests in ten ask at all; an eighth of them asks the dead shard, and some ask every shard.
    assert!((0.03..0.08).contains(&share), "{share}");
}

#[test]
fn asking_every_shard_waits_for_the_slowest() {
    let stage = at_rate(&stage("19-sharding"), 20_000.0);
    let scatter = |share| ran(&with(&stage, &[("shards.scatter.read", share)]), 2.0).outcome;
    let (none, half) = (scatter("0"), scatter("0.5"));
    println!(
        "stage 19 at 20,000/s: mean {:.1} ms when no read asks every shard, {:.1} ms when half of them do",
        none.mean_ms(),
        half.mean_ms()
    );
    assert!(half.mean_ms() > none.mean_ms() + 1.0);
    let busy = |outcome: &hockeystick_core::outcome::Outcome| outcome.utilisation["database#1 cpu"].known().unwrap();
    assert!(busy(&half) > 1.5 * busy(&none), "every shard works for every such query");
}

/// Rows that move when an eighth shard joins seven, and for how many seconds.
fn joins(logical: &str) -> (f64, u64) {
    let small = [("shards.rows", "1000000"), ("shards.move_rate", "50000")];
    let seven = with(
        &at_rate(&stage("19-sharding"), 200.0),
        &[&small[..], &[("shards.shards", "7"), ("shards.logical", logical)]].concat(),
    );
    let mut simulation = begun(&seven);
    simulation.run_until(Duration::from_s(1).ns());
    assert!(simulation.update(&with(&seven, &[("shards.shards", "8")])));
    let shards = simulation.nodes().position(|node| node.name == "shards").unwrap_or_default();
    let metric = |simulation: &Simulation, name| {
        let metrics = simulation.metrics(shards);
        metrics.iter().find(|metric| metric.name == name).map_or(f64::NAN, |metric| metric.reading.number())
    };
    let mut seconds = 1;
    while metric(&simulation, "moving") > 0.0 && seconds < 600 {
        seconds += 1;
        simulation.run_until(Duration::from_s(seconds).ns());
    }
    (metric(&simulation, "moved_rows"), seconds - 1)
}

#[test]
fn an_eighth_shard_moves_an_eighth_of_the_rows_or_nearly_all() {
    let ((few, short), (many, long)) = (joins("true"), joins("false"));
    println!(
        "stage 19: an eighth shard moves {:.0} % of the rows in {short} s with logical shards, {:.0} % in {long} s by modulo",
        few / 1e4,
        many / 1e4
    );
    assert!((few / 1e6 - 0.125).abs() < 0.01, "{few}");
    assert!(many / 1e6 > 0.8, "{many}");
    assert!(long > 5 * short);
}
