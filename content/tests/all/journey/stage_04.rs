//! Stage 04-connection-pool: connections that run out, leak, or are too many.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{FaultKind, Target};
use hockeystick_core::units::{Duration, SECOND_NS};

use super::harness::{Figures, SEED, ran, stage, with};

const SLUG: &str = "04-connection-pool";

fn with_pool(size: &str, changes: &[(&str, &str)]) -> Outcome {
    let stage = with(&with(&stage(SLUG), &[("app.pool", size)]), changes);
    ran(&stage, 600.0).outcome
}

#[test]
fn a_pool_hurts_when_it_is_too_small_and_when_it_is_too_large() {
    let (one, ten) = (with_pool("1", &[]), with_pool("10", &[]));
    let (p95_one, p95_ten) = (one.p95_ms(), ten.p95_ms());
    let errors_one = one.errors_per_s() / 27.8;
    assert!(errors_one > 0.02, "pages wait behind a report: {errors_one}");
    assert!(ten.errors_per_s() / 27.8 < 0.005, "{}", ten.errors_per_s());
    // A busy hour: more reports than the processor can make. Every connection makes another of them at the same time.
    let busy = [("users.rate", "60/s")];
    let (ten_busy, all_busy) = (with_pool("10", &busy), with_pool("100", &busy));
    let (few, many) = (ten_busy.throughput_per_s(), all_busy.throughput_per_s());
    assert!(few > 1.2 * many, "{few} {many}");
    println!(
        "stage 04 at 27.8/s: {:.0} % errors and p95 {p95_one:.0} ms with one connection, p95 {p95_ten:.0} ms with ten; at \
         60/s ten carry {few:.0}/s, a hundred {many:.0}/s",
        errors_one * 100.0
    );
}

#[test]
fn a_pool_larger_than_the_databases_limit_is_refused_connections() {
    let busy = [("users.rate", "60/s"), ("database.connections", "20")];
    let refused = |size| with_pool(size, &busy).errors_per_s["refused"].known().unwrap_or(0.0);
    assert_eq!(refused("10"), 0.0);
    assert!(refused("100") > 1.0, "{}", refused("100"));
}

#[test]
fn connections_that_leak_stop_the_site_until_the_process_starts_anew() {
    let stage = stage(SLUG);
    let app = stage.component("app").unwrap();
    let mut run = Simulation::new(&stage, SEED).unwrap();
    // One use in five hundred: at 20 uses a second ten connections last some four minutes.
    run.inject(Target::Component(app, None), FaultKind::ConnectionLeak { share: 0.002 }, None);
    run.run_until(60 * SECOND_NS);
    run.take_window();
    run.run_until(1_200 * SECOND_NS);
    run.take_window();
    run.run_until(1_500 * SECOND_NS);
    let dry = run.take_window();
    let share = dry.failed.iter().sum::<u64>() as f64 / dry.arrived as f64;
    // Static files need no connection; everything else does.
    assert!((share - 0.30).abs() < 0.03, "{share}");
    run.mend();
    run.inject(Target::Component(app, None), FaultKind::Down, Some(Duration::from_s(10)));
    run.run_until(1_530 * SECOND_NS);
    run.take_window();
    run.run_until(1_700 * SECOND_NS);
    let mended = run.take_window();
    assert!((mended.failed.iter().sum::<u64>() as f64) < 0.005 * mended.arrived as f64, "{mended:?}");
    println!("stage 04 with a leak: {:.0} % errors once the pool is dry, none after a restart", share * 100.0);
}
