//! Stage 21-ten-million: everything at once.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, SECOND_NS};

use super::harness::{Figures, at_rate, begun, ran, stage, with};

const SLUG: &str = "21-ten-million";

/// The stage with a fortieth of its users, on machines a fortieth of theirs.
fn small(changes: &[(&str, &str)]) -> Stage {
    let fewer = [
        ("reader-eu.vcpus", "2"),
        ("reader-us.vcpus", "2"),
        ("writer.vcpus", "2"),
        ("workers.vcpus", "2"),
        ("database.vcpus", "1"),
        ("replica-eu.vcpus", "1"),
        ("replica-us.vcpus", "1"),
        ("journal.drain_rate", "155/s"),
    ];
    with(&with(&at_rate(&stage(SLUG), 2_315.0), &fewer), changes)
}

fn befalls(stage: &Stage, region: &str, at: u64, kind: FaultKind) -> Stage {
    let index = stage.regions.iter().position(|known| known.id == region).expect("it is there");
    let fault = Fault { at: Duration::from_s(at), lasts: None, on: Target::Region(index), kind };
    Stage { faults: vec![fault], ..stage.clone() }
}

#[test]
fn at_full_size_everything_has_room() {
    let stage = stage(SLUG);
    let outcome = ran(&stage, 4.0).outcome;
    let busy = |outcome: &Outcome, host: &str| outcome.utilisation[host].known().expect("it is there");
    println!(
        "stage 21 at 92,593/s: p95 {:.0} ms, {:.2} errors/s, edges have {:.0} % of the files and the caches {:.0} and {:.0} % of the rows, {:.3} % of all answers are old, {:.0} dollars a month",
        outcome.p95_ms(),
        outcome.errors_per_s(),
        100.0 * outcome.metric("cdn hit_ratio"),
        100.0 * outcome.metric("cache-eu#1 hit_ratio"),
        100.0 * outcome.metric("cache-us#1 hit_ratio"),
        100.0 * outcome.stale.known().expect("it is there"),
        stage.price_per_month(),
    );
    assert!(outcome.errors_per_s() < 92.6, "{:?}", outcome.errors_per_s);
    let fullest: Vec<(&String, f64)> = outcome
        .utilisation
        .keys()
        .map(|host| (host, busy(&outcome, host)))
        // The journal's disk is never idle: with each write it takes all changes that came during the one before.
        .filter(|(host, share)| *share > 0.75 && *host != "journal disk")
        .collect();
    assert!(fullest.is_empty(), "{fullest:?}");
    assert!(outcome.p95_ms() < 250.0);
    assert!(outcome.metric("journal backlog") < 5_000.0);
}

/// Share of the requests of each second that fail, from one second to another.
fn failing(run: &mut Simulation, from_s: u64, to_s: u64) -> f64 {
    run.run_until(from_s * SECOND_NS);
    let before = run.counts();
    run.run_until(to_s * SECOND_NS);
    let now = run.counts();
    let failed = (now.failed_in_all() - before.failed_in_all()) as f64;
    failed / ((now.completed - before.completed) as f64 + failed)
}

#[test]
fn when_frankfurt_goes_dark_virginia_answers_all_reads() {
    let mut run = begun(&befalls(&small(&[]), "frankfurt", 20, FaultKind::Down));
    let (calm, dark, later) = (failing(&mut run, 5, 20), failing(&mut run, 20, 40), failing(&mut run, 70, 90));
    println!(
        "stage 21, Frankfurt dark: {:.2} % of all requests fail before, {:.0} % in the next 20 s, {:.1} % once traffic has moved",
        100.0 * calm,
        100.0 * dark,
        100.0 * later
    );
    assert!(calm < 0.001 && dark > 0.06, "{calm} {dark}");
    // Changes and jobs have nowhere to go: six in a hundred. And files that no edge has.
    assert!(later < 0.17, "{later}");
}

#[test]
fn when_virginia_goes_dark_nothing_is_lost_but_time() {
    let mut run = begun(&befalls(&small(&[]), "virginia", 20, FaultKind::Down));
    let (dark, later) = (failing(&mut run, 20, 40), failing(&mut run, 70, 90));
    println!(
        "stage 21, Virginia dark: {:.0} % of all requests fail in the next 20 s, {:.2} % once traffic has moved",
        100.0 * dark,
        100.0 * later
    );
    assert!(dark > 0.03 && later < 0.001, "{dark} {later}");
}
