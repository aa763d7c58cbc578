//! Stage 01-single-server: the hockey stick on one box, and what bends it.

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::stage::FaultKind;
use hockeystick_core::units::SECOND_NS;

use super::harness::{Figures, at_rate, begun_until, broken, ran, stage, with};

const SLUG: &str = "01-single-server";

#[test]
fn response_time_bends_upwards_before_the_box_is_full() {
    let run = |per_s: f64| ran(&at_rate(&stage(SLUG), per_s), 600.0).outcome;
    let [calm, busy, full, over] = [9.3, 75.0, 135.0, 180.0].map(run);
    println!(
        "stage 01: mean {:.0} ms at 9/s, {:.0} ms at 75/s, {:.0} ms at 135/s; of 180/s it carries {:.0}",
        calm.mean_ms(),
        busy.mean_ms(),
        full.mean_ms(),
        over.throughput_per_s()
    );
    // One request takes 6.7 ms of the only processor: 149 a second are all that it can do.
    assert!((over.throughput_per_s() - 149.0).abs() < 5.0, "{}", over.throughput_per_s());
    // The first half of the load costs a few milliseconds, the next four tenths many times as much.
    let (first, second) = (busy.mean_ms() - calm.mean_ms(), full.mean_ms() - busy.mean_ms());
    assert!(first < 15.0 && second > 4.0 * first, "{first} {second}");
}

#[test]
fn half_the_work_of_a_read_mends_it() {
    let busy = at_rate(&stage(SLUG), 140.0);
    let (before, after) = (
        ran(&busy, 600.0).outcome,
        ran(&with(&busy, &[("app.demand.read", "6 ms"), ("app.queries.read", "1")]), 600.0).outcome,
    );
    println!(
        "stage 01 at 140/s: p95 {:.0} ms, {:.0} ms when a read takes half the work",
        before.p95_ms(),
        after.p95_ms()
    );
    assert!(after.p95_ms() < 0.6 * before.p95_ms());
}

#[test]
fn while_the_box_is_off_nobody_is_answered() {
    let off = broken(&at_rate(&stage(SLUG), 50.0), "app", FaultKind::Down, 20, 20);
    let (before, during, after) = (begun_until(&off, 20), begun_until(&off, 40), begun_until(&off, 60));
    let failed = during.counts().failed[Cause::Down as usize] - before.counts().failed[Cause::Down as usize];
    assert!((900..1_200).contains(&failed), "{failed} of a thousand");
    let later = after.counts().completed - during.counts().completed;
    println!("stage 01, box off for 20 s at 50/s: {failed} requests fail, and {later} are answered in the next 20 s");
    assert!(later > 400 && after.now() == 60 * SECOND_NS);
}
