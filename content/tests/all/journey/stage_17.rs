//! Stage 17-read-write-services.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::{FaultKind, Stage};
use hockeystick_core::units::{Duration, SECOND_NS};
use hockeystick_core::workload::Class;

use super::harness::{Figures, begun_until, broken, figure, ran, stage, with, with_latency, without};

/// Share of the reads that show an item as it was before its last change.
fn old_reads(stage: &Stage) -> f64 {
    let run = begun_until(stage, 6);
    let counts = run.counts();
    let reads = stage.workload.mix.get(Class::Read);
    counts.stale as f64 / (counts.completed as f64 * reads)
}

#[test]
fn a_replica_that_is_read_directly_shows_what_was_and_the_read_service_does_not() {
    let rates = |behind| {
        let service = with_latency(&stage("17-read-write-services"), "database", "replica", behind);
        // The code before: it asks the nearest replica, and takes what it says.
        let direct = with(&without(&service, &["cache"]), &[("replica.read_your_writes", "stale")]);
        let cached = with(&service, &[("replica.read_your_writes", "stale")]);
        [&direct, &cached, &service].map(old_reads)
    };
    let (near, behind) = (rates(Duration::from_ns(250_000)), rates(Duration::from_ms(500)));
    let kept = |rates: [f64; 3]| rates.map(|old| 100.0 * (1.0 - old));
    println!(
        "stage 17, reads that show the last change, with replicas that are up to date and half a second behind: {:.2} and {:.2} % read directly, {:.3} and {:.3} % with the cache first, {:.4} and {:.4} % through the read service",
        kept(near)[0],
        kept(behind)[0],
        kept(near)[1],
        kept(behind)[1],
        kept(near)[2],
        kept(behind)[2],
    );
    assert!(behind[0] > 0.05 && behind[0] > 3.0 * near[0], "the lag is what the users see: {near:?} {behind:?}");
    assert!(behind[1] < 0.2 * behind[0], "what was changed is in the cache: {behind:?}");
    assert!(behind[2] < 0.001, "and what is not, the primary knows: {behind:?}");
}

#[test]
fn what_is_written_is_what_is_read() {
    let after = stage("17-read-write-services");
    let [before, thrown, run] =
        ["ignore", "invalidate", "update"].map(|writes| ran(&with(&after, &[("cache.writes", writes)]), 8.0).outcome);
    let stale = |outcome: &Outcome| 100.0 * outcome.stale.known().unwrap();
    let hits = |outcome: &Outcome| 100.0 * outcome.metric("cache hit_ratio");
    println!(
        "stage 17 at 27,778/s: {:.1} % of all answers are old when only time renews the cache, {:.3} % when changes throw entries out, {:.4} % when they are written to the cache at once; hits {:.0}, {:.0}, {:.0} %; p95 {:.0} ms",
        stale(&before),
        stale(&thrown),
        stale(&run),
        hits(&before),
        hits(&thrown),
        hits(&run),
        run.p95_ms(),
    );
    assert!(stale(&before) > 3.0 && stale(&run) < 0.05 * stale(&before));
    assert!(run.metric("cache hit_ratio") > thrown.metric("cache hit_ratio"));
    assert!(run.errors_per_s() < 1.0);
}

#[test]
fn a_cache_that_misses_a_write_shows_the_old_list_until_it_expires() {
    let stage = broken(&stage("17-read-write-services"), "writer -> cache", FaultKind::Cut, 3, 2);
    let knobs = [("writer.timeout", "200 ms"), ("cache.ttl", "3 s")];
    let mut run = begun_until(&with(&stage, &knobs), 3);
    let mut window = |seconds: u64| {
        let before = run.counts();
        let until = run.now() + seconds * SECOND_NS;
        run.run_until(until);
        let now = run.counts();
        (now.stale - before.stale) as f64 / (now.completed - before.completed) as f64
    };
    let (during, after) = (window(2), window(1));
    window(3);
    let later = window(1);
    println!(
        "stage 17: {:.2} % old while no change reaches the cache, {:.2} % after, {:.3} % once what was old has expired",
        100.0 * during,
        100.0 * after,
        100.0 * later
    );
    assert!(during > 0.01 && after > 0.005 && later < 0.1 * during);
    assert!(figure(&run, "cache", "hit_ratio") > 0.3);
}
