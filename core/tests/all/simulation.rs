//! Laws that every run keeps.

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::hardware::Machine;
use hockeystick_core::outcome::Estimate;
use hockeystick_core::schedule::{Arrival, Schedule};
use hockeystick_core::simulate::{RunOptions, Simulation, replay, run};
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Bytes, Duration, Rate, SECOND_NS};
use hockeystick_core::workload::{Class, Day, Demand};
use hockeystick_probe::{first_stage, single_station};
use proptest::prelude::*;

fn ms(ms: u64) -> Duration {
    Duration::from_ms(ms)
}

#[test]
fn a_processor_shared_by_poisson_arrivals_has_the_mean_response_of_theory() {
    // M/G/1-PS: E[T] = E[S] / (1 - rho), whatever the distribution.
    for cv in [0.0, 1.0, 2.0] {
        let stage = single_station(70.0, Demand { mean: ms(10), cv }, Machine::default());
        let options = RunOptions { seconds: 20_000.0, confidence: 0.99, ..RunOptions::default() };
        let run = run(&stage, &options, &mut |_| {}).unwrap();
        let (low, high) = run.outcome.response_ms.mean.bounds().unwrap();
        let exact = 10.0 / 0.3;
        println!("cv {cv}: {low} to {high}, exact {exact}, {} events", run.events);
        assert!((low..=high).contains(&exact), "cv {cv}: {low} to {high}, exact {exact}");
    }
}

#[test]
fn a_run_that_is_chopped_up_is_the_same_run() {
    let stage = first_stage(60.0);
    let mut whole = Simulation::new(&stage, 5).unwrap();
    whole.run_until(20 * SECOND_NS);
    let mut chopped = Simulation::new(&stage, 5).unwrap();
    for step in 1..=200 {
        while !chopped.run_chunk(step * SECOND_NS / 10, 7) {}
    }
    assert_eq!(whole.digest(), chopped.digest());
    assert_eq!(whole.counts(), chopped.counts());
}

#[test]
fn another_seed_is_another_run() {
    let digest = |seed| {
        let mut run = Simulation::new(&first_stage(60.0), seed).unwrap();
        run.run_until(SECOND_NS);
        run.digest()
    };
    assert_ne!(digest(1), digest(2));
}

#[test]
fn a_machine_that_is_off_lets_users_time_out_and_comes_back() {
    let mut run = Simulation::new(&first_stage(20.0), 3).unwrap();
    run.run_until(10 * SECOND_NS);
    run.inject(Target::Machine(0), FaultKind::Down, Some(Duration::from_s(5)));
    run.run_until(11 * SECOND_NS);
    assert!(!run.node_gauge(2).up && !run.node_gauge(3).up);
    run.run_until(60 * SECOND_NS);
    let failed = run.counts().failed;
    assert!(failed[Cause::TimedOut as usize] > 50, "{failed:?}");
    assert!(run.node_gauge(2).up && run.node_gauge(3).up);
    run.take_window();
    run.run_until(80 * SECOND_NS);
    let window = run.take_window();
    assert!(window.completed > 300 && window.failed.iter().sum::<u64>() == 0, "{window:?}");
}

#[test]
fn a_day_is_measured_from_its_quiet_beginning_to_its_end() {
    // So much that its quiet beginning looks like a warm-up, at one of the seeds at least.
    let mut stage = first_stage(120.0);
    stage.workload.day = Some(Day { length: Duration::from_s(360), quiet: 0.25 });
    for seed in 1..=3 {
        let options = RunOptions { seconds: 360.0, seed, ..RunOptions::default() };
        let run = run(&stage, &options, &mut |_| {}).unwrap();
        // It rises from a quarter to the whole and back: five eighths of the peak.
        let answered = run.outcome.throughput_per_s.known().unwrap();
        assert!((answered / 75.0 - 1.0).abs() < 0.03, "seed {seed}: {answered} a second");
    }
}

#[test]
fn what_goes_wrong_is_measured_however_soon_all_is_well_again() {
    let mut stage = first_stage(20.0);
    let outage = |at| Fault { at, lasts: Some(Duration::from_s(20)), on: Target::Machine(0), kind: FaultKind::Down };
    stage.faults.push(outage(Duration::from_s(100)));
    let options = RunOptions { seconds: 1_000.0, ..RunOptions::default() };
    let measured = |stage: &Stage| run(stage, &options, &mut |_| {}).unwrap();
    let later = measured(&stage);
    assert!(later.warm_up_s <= 100.0, "{} s are left out", later.warm_up_s);
    let failed: f64 = later.outcome.errors_per_s.values().filter_map(Estimate::known).sum();
    // 20 requests a second for 20 s and the restart, of a thousand.
    assert!(failed * later.measured_s > 350.0, "{failed}");
}

#[test]
fn a_leak_swaps_then_kills_then_recovers() {
    let mut run = Simulation::new(&first_stage(20.0), 3).unwrap();
    run.run_until(10 * SECOND_NS);
    run.take_window();
    let calm = {
        run.run_until(20 * SECOND_NS);
        run.take_window().p95_ms
    };
    run.inject(
        Target::Component(2, None),
        FaultKind::MemoryLeak { per_s: Bytes(50_000_000) },
        Some(Duration::from_s(60)),
    );
    run.run_until(34 * SECOND_NS);
    let swapping = run.take_window().p95_ms;
    assert!(swapping > 2.0 * calm, "{calm} to {swapping}");
    run.run_until(150 * SECOND_NS);
    assert!(run.counts().failed[Cause::OutOfMemory as usize] > 0);
    assert!(run.node_gauge(2).up);
    assert!(run.host_gauge(0).memory_used < 1e9);
}

#[test]
fn a_quota_stops_the_processor_until_the_next_period() {
    let quota = Machine { quota: Some(0.25), ..Machine::default() };
    // One request a second of 10 ms runs unthrottled; a quarter-speed processor would take 40 ms.
    let light = single_station(1.0, Demand::constant(ms(10)), quota.clone());
    let options = RunOptions { seconds: 2_000.0, ..RunOptions::default() };
    let p50 = run(&light, &options, &mut |_| {}).unwrap().outcome.response_ms.p50.known().unwrap();
    assert!((9.9..10.1).contains(&p50), "{p50}");
    // Overloaded, it finishes a quarter of a processor's work.
    let mut heavy = single_station(50.0, Demand::constant(ms(10)), quota);
    assert!(heavy.set_knob("app.workers", 10.0));
    let throughput = run(&heavy, &options, &mut |_| {}).unwrap().outcome.throughput_per_s.known().unwrap();
    assert!((24.0..25.5).contains(&throughput), "{throughput}");
}

#[test]
fn requests_that_were_measured_are_sent_whatever_browsers_have_kept() {
    let mut stage = single_station(1.0, Demand::constant(ms(1)), Machine::default());
    assert!(stage.set_knob("users.browser_cache", 1.0));
    let schedule = Schedule::new((0..10).map(|nth| Arrival { at: nth * SECOND_NS, class: Class::Static }));
    let responses = replay(&stage, &schedule, 1).unwrap();
    assert!(responses.iter().all(Option::is_some), "{responses:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is turned and broken: no request is lost, time does not run back, memory is given back.
    #[test]
    fn no_request_is_lost(
        seed in any::<u64>(),
        rate in 0.0..300.0_f64,
        workers in 1_u32..200,
        deeds in prop::collection::vec((0_u8..6, 1_u64..8_000, 0.01..1.0_f64), 0..12),
    ) {
        let mut stage = first_stage(rate);
        stage.set_knob("app.workers", f64::from(workers));
        let mut run = Simulation::new(&stage, seed).unwrap();
        for (deed, wait_ms, share) in deeds {
            let before = run.now();
            run.run_until(before + wait_ms * 1_000_000);
            let counts = run.counts();
            prop_assert_eq!(counts.arrived, counts.completed + counts.failed_in_all() + counts.in_flight());
            let lasts = Some(Duration::from_secs_f64(share * 5.0));
            match deed {
                0 => run.inject(Target::Machine(0), FaultKind::Down, lasts),
                1 => run.inject(Target::Component(3, None), FaultKind::Down, lasts),
                2 => run.inject(Target::Component(2, None), FaultKind::Slow { speed: share }, lasts),
                3 => run.inject(Target::Component(2, None), FaultKind::MemoryLeak { per_s: Bytes((share * 1e9) as u64) }, lasts),
                4 => run.inject(Target::Machine(0), FaultKind::MemoryLeak { per_s: Bytes((share * 1e9) as u64) }, None),
                _ => {
                    stage.set_knob("users.rate", rate * share);
                    stage.set_knob("app.workers", 1.0 + 50.0 * share);
                    stage.set_knob("box.quota", share);
                    prop_assert!(run.update(&stage));
                }
            }
        }
        // Nobody asks any more, everything is mended: in the end nothing is in flight and nothing is held.
        stage.workload.rate = Rate::default();
        prop_assert!(run.update(&stage));
        run.mend();
        run.run_until(run.now() + 3_000 * SECOND_NS);
        prop_assert_eq!(run.counts().in_flight(), 0);
        for node in 0..4 {
            let gauge = run.node_gauge(node);
            prop_assert!(gauge.up && gauge.waiting == 0 && gauge.in_service == 0, "{:?}", gauge);
        }
        let gauge = run.host_gauge(0);
        prop_assert_eq!((gauge.running, gauge.disk_jobs), (0, 0));
        prop_assert!((gauge.memory_used - 650e6).abs() < 1.0, "{}", gauge.memory_used);
    }
}
