//! Stage 14-message-queue.

use std::collections::BTreeMap;

use hockeystick_core::engine::moves::{Cause, What};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{FaultKind, Stage};
use hockeystick_core::units::SECOND_NS;
use hockeystick_core::workload::Class;

use super::harness::{Figures, SEED, begun_until, broken, figure, ran, stage, with, without};

/// Mean response time of jobs in milliseconds, from every fifth request of ten seconds.
fn job_ms(stage: &Stage) -> f64 {
    let mut run = Simulation::new(stage, SEED).unwrap_or_else(|problems| panic!("{problems:#?}"));
    run.watch(5);
    run.run_until(10 * SECOND_NS);
    let mut moves = Vec::new();
    run.take_moves(&mut moves);
    let mut begun = BTreeMap::new();
    let (mut jobs, mut sum_ms) = (0.0, 0.0);
    for step in moves.iter().filter(|step| step.class == Class::Job) {
        let first = *begun.entry(step.request).or_insert(step.at);
        if matches!(step.what, What::Done { .. }) {
            jobs += 1.0;
            sum_ms += (step.at - first) as f64 / 1e6;
        }
    }
    assert!(jobs > 100.0);
    sum_ms / jobs
}

#[test]
fn nobody_waits_for_a_photo() {
    let after = stage("14-message-queue");
    let before = with(&without(&after, &["queue", "workers"]), &[("app.demand.job", "120 ms")]);
    let [waited, queued] = [&before, &after].map(job_ms);
    let (before, run) = (ran(&before, 10.0).outcome, ran(&after, 10.0).outcome);
    let busy = |outcome: &Outcome, host: &str| 100.0 * outcome.utilisation[host].known().unwrap();
    println!(
        "stage 14 at 9,259/s: who brings a photo waits {waited:.0} ms while it is made, {queued:.0} ms when a queue takes it; it is done after {:.2} s; p95 {:.0} and {:.0} ms, app {:.0} and {:.0} % busy, workers {:.0} %",
        run.metric("queue done_after"),
        before.p95_ms(),
        run.p95_ms(),
        busy(&before, "app#1 cpu"),
        busy(&run, "app#1 cpu"),
        busy(&run, "workers#1 cpu"),
    );
    assert!(waited > 3.0 * queued && before.p95_ms() > run.p95_ms());
    assert!(run.metric("queue done_after") < 2.0);
    assert!(run.errors_per_s() < 1.0);
    assert_eq!(run.metric("queue dead_letters"), 0.0);
}

#[test]
fn a_consumer_that_is_too_slow_builds_a_backlog_that_is_drained_later() {
    let mut run =
        begun_until(&broken(&stage("14-message-queue"), "workers", FaultKind::Slow { speed: 0.3 }, 2, 10), 12);
    let backlog = figure(&run, "queue", "backlog");
    run.run_until(40 * SECOND_NS);
    let left = figure(&run, "queue", "backlog");
    println!(
        "stage 14: workers at a third of their speed for 10 s leave {backlog:.0} messages, 28 s later {left:.0}; users see no error"
    );
    assert!(backlog > 300.0 && left < 0.3 * backlog);
    assert_eq!(run.counts().failed[Cause::Refused as usize], 0);
}

#[test]
fn a_worker_that_crashes_and_a_message_that_is_poison_lose_nothing_else() {
    let stage = broken(&stage("14-message-queue"), "workers", FaultKind::Down, 3, 2);
    let knobs = [("queue.poison", "0.02"), ("queue.retry_after", "500 ms")];
    // The workers are back ten seconds after they died, by their restart, and then have much to do.
    let run = begun_until(&with(&stage, &knobs), 60);
    let of = |name| figure(&run, "queue", name);
    println!(
        "stage 14: {:.0} accepted, {:.0} done, {:.0} redelivered, {:.0} dead letters, {:.0} waiting",
        of("accepted"),
        of("done"),
        of("redelivered"),
        of("dead_letters"),
        of("backlog"),
    );
    assert!(of("redelivered") > 20.0 && of("dead_letters") > 5.0);
    let out = of("accepted") - of("done") - of("dead_letters") - of("backlog");
    assert!((0.0..=32.0).contains(&out), "{out} with workers");
}

#[test]
fn a_queue_that_is_full_refuses() {
    let stage = with(&stage("14-message-queue"), &[("queue.bound", "200")]);
    let run = begun_until(&broken(&stage, "queue", FaultKind::Stuck, 2, 8), 10);
    let refused = run.counts().failed[Cause::Refused as usize];
    println!("stage 14: deliveries stop, and a queue with room for 200 refuses {refused} photos in 8 s");
    assert!(refused > 300);
}
