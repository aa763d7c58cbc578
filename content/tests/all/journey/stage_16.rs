//! Stage 16-splitting-services: one slow service, and who falls with it.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{Simulation, Window};
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, SECOND_NS};
use hockeystick_core::workload::Class;

use super::harness::{Figures, SEED, ran, stage, with};

const SLUG: &str = "16-splitting-services";

/// A quarter of the stage, so that it runs quickly: a quarter of the users and of the machines.
fn quarter() -> Stage {
    let stage = stage(SLUG);
    with(
        &stage,
        &[
            ("users.rate", "4630/s"),
            ("web.copies", "3"),
            ("lists.copies", "2"),
            ("accounts.copies", "2"),
            ("photos.copies", "2"),
        ],
    )
}

/// The stage without what keeps a slow service from the rest.
fn trusting(stage: &Stage) -> Stage {
    with(stage, &[("web.timeout", "30 s"), ("web.breaker", "0"), ("web.bulkhead", "0")])
}

/// Half a minute in which the photos are slow, after a while in which they are not.
fn slow_photos(stage: &Stage, speed: f64, lasts: u64) -> Simulation {
    let mut stage = stage.clone();
    let photos = stage.component("photos").unwrap();
    let (at, lasts) = (Duration::from_s(10), Some(Duration::from_s(lasts)));
    stage.faults = vec![Fault { at, lasts, on: Target::Component(photos, None), kind: FaultKind::Slow { speed } }];
    let mut run = Simulation::new(&stage, SEED).unwrap();
    run.run_until(10 * SECOND_NS);
    run.take_window();
    run
}

fn from_to(run: &mut Simulation, from: u64, to: u64) -> Window {
    run.run_until(from * SECOND_NS);
    run.take_window();
    run.run_until(to * SECOND_NS);
    run.take_window()
}

/// Static files answered, as a share of those that came: they need no service.
fn files(window: &Window) -> f64 {
    window.by_class[Class::Static as usize] as f64 / (0.7 * window.arrived as f64)
}

#[test]
fn a_slow_service_takes_all_with_it_unless_calls_are_bounded() {
    let trusting = files(&from_to(&mut slow_photos(&trusting(&quarter()), 0.02, 40), 30, 50));
    let timeout = with(&quarter(), &[("web.breaker", "0"), ("web.bulkhead", "0")]);
    let timeout = files(&from_to(&mut slow_photos(&timeout, 0.02, 40), 30, 50));
    let guarded = files(&from_to(&mut slow_photos(&quarter(), 0.02, 40), 30, 50));
    assert!(trusting < 0.6, "{trusting}");
    assert!(timeout > 0.95 && guarded > 0.99, "{timeout} {guarded}");
    println!(
        "stage 16 with a slow service: {:.0} % of the files that need none are answered with a timeout of 30 s, {:.0} % with \
         one of 250 ms, {:.0} % with a breaker and a bulkhead as well",
        trusting * 100.0,
        timeout * 100.0,
        guarded * 100.0
    );
}

fn calls(count: u32, parallel: bool) -> Outcome {
    let mut stage = quarter();
    let photos = stage.component("photos").unwrap();
    // One copy of eight is slow; the others have room to spare.
    stage = with(&stage, &[("users.rate", "600/s"), ("photos.copies", "8"), ("web.timeout", "10 s")]);
    let count = count.to_string();
    let switch = if parallel { "true" } else { "false" };
    stage = with(&stage, &[("web.calls.read", count.as_str()), ("web.parallel", switch)]);
    stage.workload.mix.0 = [0.0, 1.0, 0.0, 0.0];
    stage.faults = vec![Fault {
        at: Duration::ZERO,
        lasts: None,
        on: Target::Component(photos, Some(0)),
        kind: FaultKind::Slow { speed: 0.1 },
    }];
    ran(&stage, 60.0).outcome
}

#[test]
fn a_page_that_makes_many_calls_meets_the_slow_copy_often() {
    // One call of eight goes to the slow copy: of five at once one does with 1 - (7/8)^5, almost half.
    let (one, five) = (calls(1, true), calls(5, true));
    let p50 = |outcome: &Outcome| outcome.response_ms.p50.known().unwrap();
    assert!(p50(&five) - p50(&one) > 5.0, "{} {}", p50(&one), p50(&five));
    assert!(five.mean_ms() > 1.3 * one.mean_ms(), "{} {}", five.mean_ms(), one.mean_ms());
    let in_turn = calls(5, false);
    assert!(in_turn.mean_ms() > 1.2 * five.mean_ms(), "{} {}", in_turn.mean_ms(), five.mean_ms());
    println!(
        "stage 16 with one slow copy of eight: a page with one call takes {:.0} ms, with five at once {:.0} ms, with five in \
         turn {:.0} ms",
        one.mean_ms(),
        five.mean_ms(),
        in_turn.mean_ms()
    );
}

#[test]
fn theory_counts_a_call_to_each_service() {
    let stage = quarter();
    let (simulated, theory) = (ran(&stage, 20.0).outcome.mean_ms(), hockeystick_core::theory::solve(&stage).mean_ms());
    assert!((theory / simulated - 1.0).abs() < 0.05, "{theory} ms by theory, {simulated} ms simulated");
}

#[test]
fn a_contract_broken_by_a_deploy_fails_its_callers() {
    let mut stage = quarter();
    let photos = stage.component("photos").unwrap();
    let kind = FaultKind::Deploy { errors: 0.3, speed: 1.0, canary: Duration::ZERO };
    stage.faults = vec![Fault { at: Duration::from_s(5), lasts: None, on: Target::Component(photos, None), kind }];
    let stage = with(&stage, &[("web.breaker", "0"), ("photos.restart", "1 s")]);
    let mut run = Simulation::new(&stage, SEED).unwrap();
    let window = from_to(&mut run, 20, 40);
    let share = window.failed.iter().sum::<u64>() as f64 / window.arrived as f64;
    assert!((share - 0.09).abs() < 0.01, "three of ten pages, which are three of ten requests: {share}");
}

/// Share of the requests that are answered from 7 to 22 s after the end of a short fault.
fn after_a_storm(changes: &[(&str, &str)]) -> f64 {
    // Off the peak: the services are 40 % busy.
    let open = [
        ("users.rate", "2800/s"),
        ("web.breaker", "0"),
        ("web.bulkhead", "0"),
        ("web.workers", "20000"),
        ("photos.workers", "20000"),
    ];
    let stage = with(&with(&quarter(), &open), changes);
    let mut run = slow_photos(
        &with(&stage, &[("web.memory_per_request", "100 kB"), ("photos.memory_per_request", "100 kB")]),
        0.3,
        3,
    );
    let window = from_to(&mut run, 20, 35);
    window.completed as f64 / window.arrived as f64
}

#[test]
fn retries_keep_a_service_down_after_what_brought_it_down_is_gone() {
    let never = after_a_storm(&[]);
    let fixed = after_a_storm(&[
        ("web.tries", "4"),
        ("web.backoff", "10 ms"),
        ("web.backoff_growth", "1"),
        ("web.jitter", "false"),
    ]);
    let backoff = after_a_storm(&[("web.tries", "4"), ("web.backoff", "1 s"), ("web.backoff_growth", "2")]);
    let guarded = after_a_storm(&[
        ("web.tries", "4"),
        ("web.backoff", "10 ms"),
        ("web.backoff_growth", "1"),
        ("web.jitter", "false"),
        ("web.breaker", "20"),
    ]);
    assert!(never > 0.98, "{never}");
    assert!(fixed < 0.85, "{fixed}");
    assert!(backoff > 0.95 && guarded > 0.95, "{backoff} {guarded}");
    println!(
        "stage 16 ten seconds after a short fault: {:.0} % answered without retries, {:.0} % with three retries at once, {:.0} % \
         with backoff and jitter, {:.0} % with a breaker",
        never * 100.0,
        fixed * 100.0,
        backoff * 100.0,
        guarded * 100.0
    );
}
