//! Stage 11-cache.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::FaultKind;
use hockeystick_core::units::SECOND_NS;

use super::harness::{Figures, begun_until, broken, busy_s, figure, ran, stage, with, without};

/// Reads a second that find nothing in the cache, until so many seconds.
fn misses_per_s(run: &mut Simulation, until_s: u64) -> f64 {
    let misses = |run: &Simulation| figure(run, "cache", "look_ups") * (1.0 - figure(run, "cache", "hit_ratio"));
    let (before, since) = (misses(run), run.now());
    run.run_until(until_s * SECOND_NS);
    (misses(run) - before) / ((run.now() - since) as f64 / SECOND_NS as f64)
}

#[test]
fn a_cache_takes_the_reads_off_the_database() {
    let after = stage("11-cache");
    let (before, run) = (ran(&without(&after, &["cache"]), 40.0).outcome, ran(&after, 40.0).outcome);
    let busy = |outcome: &hockeystick_core::outcome::Outcome| outcome.utilisation["database cpu"].known().unwrap();
    let hits = run.metric("cache hit_ratio");
    println!(
        "stage 11 at 3,704/s: p95 {:.0} ms without a cache, {:.0} ms with one that has {:.0} % of the reads; database {:.0} % busy, then {:.0} %",
        before.p95_ms(),
        run.p95_ms(),
        100.0 * hits,
        100.0 * busy(&before),
        100.0 * busy(&run),
    );
    assert!(hits > 0.50 && hits < 0.85);
    assert!(busy(&before) > 0.93 && busy(&run) < 0.75);
    assert!(before.p95_ms() > 2.0 * run.p95_ms());
    assert!(run.errors_per_s() < 1.0);
    assert!(run.metric("cache stale") < 0.01);
}

#[test]
fn a_cache_that_dies_leaves_the_herd_to_the_database_and_comes_back_empty() {
    let mut run = begun_until(&broken(&stage("11-cache"), "cache", FaultKind::Down, 30, 5), 25);
    let window = |run: &mut Simulation, seconds: u64| {
        let busy = busy_s(run, "database");
        let until = run.now() / SECOND_NS + seconds;
        let missed = misses_per_s(run, until);
        let busy = (busy_s(run, "database") - busy) / seconds as f64 / 8.0;
        (missed, busy)
    };
    let (warm, _, cold) = (window(&mut run, 5), run.run_until(30 * SECOND_NS), window(&mut run, 5));
    let back = window(&mut run, 1);
    println!(
        "stage 11: misses {:.0}/s warm, {:.0}/s just after the cache has come back empty; database {:.0} % busy warm, {:.0} % without, {:.0} % after",
        warm.0,
        back.0,
        100.0 * warm.1,
        100.0 * cold.1,
        100.0 * back.1,
    );
    assert!(cold.1 > 0.93 && warm.1 < 0.75);
    assert!(back.0 > 1.5 * warm.0);
}

#[test]
fn a_hot_list_that_expires_is_fetched_by_many_unless_one_fetches_for_all() {
    let fetches = |protection: &str| {
        let knobs = [("cache.writes", "ignore"), ("cache.ttl", "1 s"), ("cache.protection", protection)];
        let mut stage = with(&stage("11-cache"), &knobs);
        stage.workload.popularity.items = 1;
        misses_per_s(&mut begun_until(&stage, 5), 15)
    };
    let [none, lock, early] = ["none", "lock", "early"].map(fetches);
    println!(
        "stage 11: all ask for one list that lives a second: {none:.1} fetches/s, {lock:.1} with a lock, {early:.1} early"
    );
    assert!((0.8..1.2).contains(&lock) && none > 5.0 * lock && early < 0.7 * none);
}

#[test]
fn what_the_cache_is_not_told_it_shows_as_it_was() {
    let stale =
        |writes| ran(&with(&stage("11-cache"), &[("cache.writes", writes)]), 30.0).outcome.metric("cache stale");
    let (told, untold) = (stale("invalidate"), stale("ignore"));
    println!(
        "stage 11: {:.2} % of the hits are old when changes throw entries out, {:.0} % when only time does",
        100.0 * told,
        100.0 * untold
    );
    assert!(told < 0.01 && untold > 0.2);
}
