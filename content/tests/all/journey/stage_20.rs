//! Stage 20-many-regions.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, SECOND_NS};
use hockeystick_core::workload::PerClass;

use super::harness::{Figures, SEED, ran, stage, with};

/// The stage with a twentieth of its users, on machines a twentieth of theirs.
fn small(changes: &[(&str, &str)]) -> Stage {
    let fewer = [
        ("europeans.rate", "3700/s"),
        ("app-eu.vcpus", "3"),
        ("app-us.vcpus", "3"),
        ("database.vcpus", "5"),
        ("replica-eu.vcpus", "4"),
        ("replica-us.vcpus", "5"),
    ];
    with(&with(&stage("20-many-regions"), &fewer), changes)
}

fn befalls(stage: &Stage, region: &str, at: u64, kind: FaultKind) -> Stage {
    let index = stage.regions.iter().position(|known| known.id == region).expect("it is there");
    let fault = Fault { at: Duration::from_s(at), lasts: None, on: Target::Region(index), kind };
    Stage { faults: vec![fault], ..stage.clone() }
}

/// Share of the requests that fail, second by second.
fn failing(stage: &Stage, seconds: u64) -> Vec<f64> {
    let mut run = Simulation::new(stage, SEED).expect("it is there");
    let mut before = run.counts();
    let each = |second: u64| {
        run.run_until(second * SECOND_NS);
        let now = run.counts();
        let ended = (now.completed + now.failed_in_all()) - (before.completed + before.failed_in_all());
        let failed = now.failed_in_all() - before.failed_in_all();
        before = now;
        failed as f64 / ended.max(1) as f64
    };
    (1..=seconds).map(each).collect()
}

/// Seconds from the fault until fewer than one request in twelve fails, for ten seconds.
fn recovered_s(failing: &[f64], at: usize) -> usize {
    (at + 1..failing.len() - 10)
        .find(|from| failing[*from..*from + 10].iter().all(|share| *share < 0.085))
        .map_or(usize::MAX, |from| from - at)
}

#[test]
fn users_go_to_the_nearest_data_centre() {
    // Americans who read.
    let median_ms = |policy| {
        let mut stage = small(&[("dns.policy", policy), ("europeans.share", "0"), ("europeans.rate", "1000/s")]);
        stage.workload.mix = PerClass([0.0, 1.0, 0.0, 0.0]);
        let outcome = ran(&stage, 40.0).outcome;
        assert!(outcome.errors_per_s() < 1.0, "{}", outcome.errors_per_s());
        outcome.response_ms.p50.known().expect("it is there")
    };
    let (frankfurt, nearest) = (median_ms("failover"), median_ms("nearest"));
    assert!(nearest < 0.7 * frankfurt, "{nearest} {frankfurt}");
    println!("stage 20: an American's page takes {frankfurt:.0} ms from Frankfurt, {nearest:.0} ms from the nearest");
}

#[test]
fn a_dark_data_centre_is_left_when_what_users_remember_has_expired() {
    let dark = |ttl| failing(&befalls(&small(&[("dns.ttl", ttl)]), "frankfurt", 30, FaultKind::Down), 120);
    let (short, long) = (dark("10 s"), dark("60 s"));
    let (short_s, long_s) = (recovered_s(&short, 30), recovered_s(&long, 30));
    // Two checks, 5 s apart, of 2 s; then what is left of the time to live; then users' patience of 10 s for what was
    // under way. Changes fail until a replica takes over: one request in twenty.
    assert!((8..=40).contains(&short_s), "{short_s}: {short:?}");
    assert!((short_s + 10..=95).contains(&long_s), "{long_s}: {long:?}");
    println!(
        "stage 20, Frankfurt dark: traffic has moved after {short_s} s with a TTL of 10 s, after {long_s} s with 60 s"
    );
}

#[test]
fn a_data_centre_that_is_cut_off_is_as_good_as_dark() {
    let cut = failing(&befalls(&small(&[("dns.ttl", "10 s")]), "frankfurt", 30, FaultKind::Cut), 100);
    let seconds = recovered_s(&cut, 30);
    assert!((8..=45).contains(&seconds), "{seconds}: {cut:?}");
    println!("stage 20, Frankfurt cut off: traffic has moved after {seconds} s");
}

#[test]
fn the_one_that_is_left_must_carry_everybody() {
    let dark = |vcpus| {
        let stage = befalls(&small(&[("dns.ttl", "5 s"), ("app-us.vcpus", vcpus)]), "frankfurt", 5, FaultKind::Down);
        let mut run = Simulation::new(&stage, SEED).expect("it is there");
        run.run_until(50 * SECOND_NS);
        run.take_window();
        run.run_until(70 * SECOND_NS);
        run.take_window()
    };
    let (half, whole) = (dark("1"), dark("4"));
    assert!(half.p95_ms > 3.0 * whole.p95_ms, "{half:?} {whole:?}");
    println!(
        "stage 20, one data centre left: p95 {:.0} ms where it has room for all, {:.0} ms where it has not",
        whole.p95_ms, half.p95_ms
    );
}

#[test]
fn at_full_size_everything_has_room() {
    let stage = stage("20-many-regions");
    let outcome = ran(&stage, 4.0).outcome;
    let busy = |host: &str| outcome.utilisation[host].known().expect("it is there");
    assert!(outcome.errors_per_s() < 75.0, "{}", outcome.errors_per_s());
    let shares = ["balancer-eu#1 cpu", "app-eu#1 cpu", "app-us#1 cpu", "database cpu", "database disk"].map(busy);
    assert!(shares.iter().all(|share| *share < 0.75), "{shares:?}");
    println!(
        "stage 20 at 74,074/s: p95 {:.0} ms, {shares:.2?} busy (balancer, app in Frankfurt, in Virginia, primary, its disk), {:.0} dollars a month",
        outcome.p95_ms(),
        stage.price_per_month()
    );
}
