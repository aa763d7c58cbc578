//! What theory says of whole stages: against sums done by hand, against the simulation, and where it has to pass.

use hockeystick_core::component::{Settings, app_server, clients, database, dns};
use hockeystick_core::hardware::Machine;
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{Fault, FaultKind, Link, NamedMachine, Placement, Stage, Target};
use hockeystick_core::theory::{response_curve, solve};
use hockeystick_core::units::{Bytes, Duration, Rate};
use hockeystick_core::workload::{Arrivals, Demand, PerClass, Workload};
use hockeystick_probe::component;
use proptest::prelude::*;

/// Users, a resolver, and one box with app and database, as in the first lesson.
fn one_box(rate_per_s: f64) -> Stage {
    let link = Link::new;
    Stage {
        title: "Everything on one box".into(),
        workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
        machines: vec![NamedMachine { id: "box".into(), size: None, machine: Machine::default() }],
        components: vec![
            component("users", None, Settings::Clients(clients::Settings::default())),
            component("dns", None, Settings::Dns(dns::Settings::default())),
            component("app", Some(0), Settings::AppServer(app_server::Settings::default())),
            component("db", Some(0), Settings::Database(database::Settings::default())),
        ],
        links: vec![
            link(0, 1, Duration::from_ms(5)),
            link(0, 2, Duration::from_ms(15)),
            link(2, 3, Duration::from_ns(25_000)),
        ],
        ..Stage::default()
    }
}

/// App servers with machines of their own, and a database with another.
fn two_tiers(rate_per_s: f64, copies: u32) -> Stage {
    let mut stage = one_box(rate_per_s);
    for (index, copies) in [(2, copies), (3, 1)] {
        stage.components[index].copies = copies;
        stage.components[index].machine = Some(Placement::Own { size: None, machine: Machine::default() });
    }
    stage.machines.clear();
    stage
}

fn app(stage: &mut Stage) -> &mut app_server::Settings {
    match &mut stage.components[2].settings {
        Settings::AppServer(settings) => settings,
        other => panic!("not an app server: {other:?}"),
    }
}

fn db(stage: &mut Stage) -> &mut database::Settings {
    match &mut stage.components[3].settings {
        Settings::Database(settings) => settings,
        other => panic!("not a database: {other:?}"),
    }
}

fn known(estimate: &Estimate) -> f64 {
    estimate.known().unwrap_or_else(|| panic!("{estimate:?}"))
}

fn basis(estimate: &Estimate) -> &str {
    match estimate {
        Estimate::Known { basis: Some(basis), .. } => basis,
        other => panic!("{other:?}"),
    }
}

fn reason(estimate: &Estimate) -> &str {
    match estimate {
        Estimate::NotApplicable { not_applicable } => not_applicable,
        other => panic!("{other:?}"),
    }
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} is not {expected}");
}

#[test]
fn the_first_lesson_s_mean_is_the_sum_done_by_hand() {
    let rate = 60.0;
    let outcome = solve(&one_box(rate));
    // Processor: 0.70 x 0.3 + 0.24 x (12 + 2 x 2) + 0.05 x (15 + 3 x 2) + 0.01 x (120 + 10 x 4) milliseconds.
    let cpu_ms = 0.7 * 0.3 + 0.24 * 16.0 + 0.05 * 21.0 + 0.01 * 160.0;
    // Disk: of three queries of a change 0.4 write, of ten of a job 0.1; a millisecond each.
    let disk_ms = 0.05 * 1.2 + 0.01 * 1.0;
    let busy = rate * cpu_ms / 1e3;
    close(known(&outcome.utilisation["box cpu"]), busy, 1e-12);
    close(known(&outcome.utilisation["box disk"]), rate * disk_ms / 1e3, 1e-12);
    // Delays: the round trip, the queries' round trips, and a visit's look-up and connection for one request in 20.
    let visits = rate / 20.0;
    let cycle = 1.0 + visits * 0.06 + visits * 300.0;
    // After expiry one look-up waits for 60 ms, and those that come meanwhile for half of that on average.
    let look_up_ms = 10.0 + 1.0 + (59.0 + visits * 0.06 * 29.0) / cycle;
    let queries = 0.24 * 2.0 + 0.05 * 3.0 + 0.01 * 10.0;
    let delays_ms = 30.0 + 0.05 * queries + (look_up_ms + 60.0) / 20.0;
    let mean_ms = delays_ms + cpu_ms / (1.0 - busy) + disk_ms;
    close(known(&outcome.response_ms.mean), mean_ms, 1e-4);
    assert_eq!(basis(&outcome.response_ms.mean), "exact to a ten-thousandth");
    assert_eq!(basis(&outcome.throughput_per_s), "exact: what comes in goes out");
    close(known(&outcome.throughput_per_s), rate, 1e-12);
}

#[test]
fn percentiles_of_the_first_lesson_agree_with_the_simulation() {
    let stage = one_box(75.0);
    let options = RunOptions { seed: 3, seconds: 20_000.0, confidence: 0.99 };
    let simulated = run(&stage, &options, &mut |_| ()).expect("a stage that keeps the rules").outcome.response_ms;
    let theory = solve(&stage).response_ms;
    for (told, measured) in [(theory.p50, simulated.p50), (theory.p95, simulated.p95), (theory.p99, simulated.p99)] {
        close(known(&told), known(&measured), 0.02);
    }
}

#[test]
fn without_disk_queue_or_chance_of_waiting_theory_calls_itself_exact() {
    let mut stage = one_box(10.0);
    db(&mut stage).writes = PerClass::all(0.0);
    let outcome = solve(&stage);
    assert_eq!(basis(&outcome.response_ms.mean), "exact");
    assert!(basis(&outcome.response_ms.p95).starts_with("approximation"));
}

#[test]
fn copies_share_the_load_evenly_and_each_has_its_name() {
    let outcome = solve(&two_tiers(120.0, 3));
    let app_ms = 0.7 * 0.3 + 0.24 * 12.0 + 0.05 * 15.0 + 0.01 * 120.0;
    for name in ["app#1 cpu", "app#2 cpu", "app#3 cpu"] {
        close(known(&outcome.utilisation[name]), 120.0 * app_ms / 3e3, 1e-12);
    }
    let db_ms = 0.24 * 4.0 + 0.05 * 6.0 + 0.01 * 40.0;
    close(known(&outcome.utilisation["db cpu"]), 0.12 * db_ms, 1e-12);
    assert_eq!(known(&outcome.utilisation["app#1 disk"]), 0.0);
    assert!(known(&outcome.response_ms.p50) < known(&outcome.response_ms.p95));
    // More copies, less waiting.
    let with_six = solve(&two_tiers(120.0, 6));
    assert!(known(&with_six.response_ms.mean) < known(&outcome.response_ms.mean));
}

#[test]
fn percentiles_of_two_tiers_agree_with_the_simulation() {
    let stage = two_tiers(180.0, 2);
    let options = RunOptions { seed: 5, seconds: 10_000.0, confidence: 0.99 };
    let simulated = run(&stage, &options, &mut |_| ()).expect("a stage that keeps the rules").outcome.response_ms;
    let theory = solve(&stage).response_ms;
    for (told, measured) in [
        (theory.mean, simulated.mean),
        (theory.p50, simulated.p50),
        (theory.p95, simulated.p95),
        (theory.p99, simulated.p99),
    ] {
        close(known(&told), known(&measured), 0.05);
    }
}

#[test]
fn overload_is_bounded_by_the_bottleneck_and_turns_the_rest_away() {
    let outcome = solve(&one_box(300.0));
    let cpu_ms = 0.7 * 0.3 + 0.24 * 16.0 + 0.05 * 21.0 + 0.01 * 160.0;
    close(known(&outcome.throughput_per_s), 1e3 / cpu_ms, 1e-6);
    close(known(&outcome.errors_per_s["refused"]), 300.0 - 1e3 / cpu_ms, 1e-6);
    close(known(&outcome.utilisation["box cpu"]), 1.0, 1e-6);
    // A full house of 160 is served at the bottleneck's pace.
    assert!(known(&outcome.response_ms.mean) > 150.0 * cpu_ms);
    assert!(reason(&outcome.response_ms.p95).starts_with("Doors are full"));
}

#[test]
fn a_queue_without_end_has_no_response_time_but_a_throughput() {
    let mut stage = one_box(300.0);
    app(&mut stage).backlog = 1_000_000;
    let outcome = solve(&stage);
    assert!(reason(&outcome.response_ms.mean).contains("box cpu is asked for 201 %"), "{:?}", outcome.response_ms.mean);
    assert!(basis(&outcome.throughput_per_s).contains("upper bound"));
    close(known(&outcome.throughput_per_s), 1e3 / 6.7, 1e-6);
}

#[test]
fn memory_that_requests_fill_is_beyond_theory() {
    let mut stage = one_box(140.0);
    app(&mut stage).memory_per_request = Bytes(60_000_000);
    let outcome = solve(&stage);
    assert!(reason(&outcome.response_ms.mean).contains("memory of box"));
    assert!(reason(&outcome.throughput_per_s).contains("memory of box"));
    // The same machine at little load has room.
    stage.workload.rate = Rate::per_second(10.0);
    assert!(solve(&stage).response_ms.mean.known().is_some());
}

#[test]
fn what_theory_does_not_know_it_does_not_tell() {
    let mut stage = one_box(20.0);
    stage.workload.arrivals = Arrivals::Constant;
    let outcome = solve(&stage);
    assert!(reason(&outcome.response_ms.mean).contains("equally spaced"));
    close(known(&outcome.throughput_per_s), 20.0, 1e-12);

    let mut stage = one_box(20.0);
    let at = Duration::from_s(5);
    stage.faults.push(Fault { at, lasts: None, on: Target::Machine(0), kind: FaultKind::Down });
    assert!(reason(&solve(&stage).throughput_per_s).contains("faults"));

    let outcome = solve(&one_box(0.0));
    assert!(reason(&outcome.response_ms.mean).contains("no requests"));
    assert_eq!(known(&outcome.utilisation["box cpu"]), 0.0);
}

#[test]
fn a_quota_s_mean_agrees_with_the_simulation() {
    // A tenth of a second's bucket of 50 ms, and requests of 5 ms: theory must see the waiting for the bucket.
    for load in [0.5, 0.8] {
        let mut stage = one_box(load * 0.5 / 0.005);
        stage.machines[0].machine = Machine { quota: Some(0.5), memory: Bytes(64_000_000_000), ..Machine::default() };
        let settings = app(&mut stage);
        settings.workers = 5000;
        settings.queries = PerClass::all(0);
        settings.demand = PerClass::all(Demand::exponential(Duration::from_ms(5)));
        let options = RunOptions { seed: 9, seconds: 10_000.0, confidence: 0.99 };
        let simulated = run(&stage, &options, &mut |_| ()).expect("a stage that keeps the rules").outcome;
        let theory = solve(&stage);
        close(known(&theory.response_ms.mean), known(&simulated.response_ms.mean), 0.05);
        assert!(basis(&theory.response_ms.mean).contains("quota of box cpu"));
        assert!(reason(&theory.response_ms.p95).contains("quota"));
        close(known(&theory.utilisation["box cpu"]), load, 1e-9);
    }
}

#[test]
fn impatient_users_are_counted_and_left_out_of_the_response() {
    let mut stage = one_box(100.0);
    if let Settings::Clients(settings) = &mut stage.components[0].settings {
        settings.timeout = Duration::from_ms(200);
    }
    let options = RunOptions { seed: 4, seconds: 10_000.0, confidence: 0.99 };
    let simulated = run(&stage, &options, &mut |_| ()).expect("a stage that keeps the rules").outcome;
    let theory = solve(&stage);
    close(known(&theory.errors_per_s["timed out"]), known(&simulated.errors_per_s["timed out"]), 0.05);
    close(known(&theory.response_ms.mean), known(&simulated.response_ms.mean), 0.02);
    close(known(&theory.response_ms.p99), known(&simulated.response_ms.p99), 0.02);
    assert!(known(&theory.response_ms.p99) < 200.0);
}

#[test]
fn the_curve_is_the_solver_s_mean_at_each_load_and_never_falls() {
    let stage = one_box(1.0);
    let rates: Vec<f64> = (1..=100).map(|i| 2.0 * f64::from(i)).collect();
    let curve = response_curve(&stage, &rates);
    let means: Vec<f64> = curve.iter().filter_map(|point| point.mean_ms).collect();
    assert_eq!(means.len(), 100);
    assert!(means.windows(2).all(|pair| pair[0] < pair[1] * (1.0 + 1e-3)), "{means:?}");
    for rate in [20.0, 100.0, 180.0] {
        let at = rates.iter().position(|other| *other == rate).unwrap();
        close(means[at], known(&solve(&one_box(rate)).response_ms.mean), 1e-3);
    }
    assert!(response_curve(&stage, &[0.0])[0].mean_ms.is_none());
}

fn figures(outcome: &Outcome) -> impl Iterator<Item = &Estimate> {
    let response = &outcome.response_ms;
    let times = [&outcome.throughput_per_s, &response.mean, &response.p50, &response.p95, &response.p99];
    times.into_iter().chain(outcome.utilisation.values()).chain(outcome.errors_per_s.values())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_stage_gets_finite_figures_or_reasons(
        rate_per_s in prop_oneof![Just(0.0), 1e-3..1e4_f64, 1e4..1e7_f64],
        vcpus in prop_oneof![1..8_u32, 64..256_u32],
        quota in proptest::option::of(0.05..4.0_f64),
        workers in prop_oneof![1..100_u32, Just(100_000)],
        backlog in prop_oneof![0..200_u32, Just(1_000_000)],
        demand_us in prop_oneof![Just(0_u64), 1..1_000_000_u64],
        cv in prop_oneof![Just(0.0), Just(1.0), 0.0..10.0_f64],
        queries in 0..20_u32,
        writes in prop_oneof![Just(0.0), 0.0..3.0_f64],
        copies in 1..4_u32,
        apart in any::<bool>(),
    ) {
        let mut stage = if apart { two_tiers(rate_per_s, copies) } else { one_box(rate_per_s) };
        let machine = Machine { vcpus, quota, memory: Bytes(90_000_000_000_000), ..Machine::default() };
        stage.machines.iter_mut().for_each(|named| named.machine = machine.clone());
        for component in &mut stage.components {
            if let Some(Placement::Own { machine: own, .. }) = &mut component.machine {
                *own = machine.clone();
            }
        }
        let settings = app(&mut stage);
        (settings.workers, settings.backlog) = (workers, backlog);
        settings.demand = PerClass::all(Demand { mean: Duration::from_ns(1000 * demand_us), cv });
        settings.queries = PerClass::all(queries);
        db(&mut stage).writes = PerClass::all(writes);
        prop_assert_eq!(stage.check(), Vec::new());
        let outcome = solve(&stage);
        for estimate in figures(&outcome) {
            prop_assert!(estimate.known().is_none_or(|value| value.is_finite() && value >= 0.0), "{:?}", outcome);
        }
        for share in outcome.utilisation.values().filter_map(Estimate::known) {
            prop_assert!(share <= 1.0 + 1e-9, "{:?}", outcome);
        }
        let response = &outcome.response_ms;
        if let (Some(p50), Some(p95), Some(p99)) = (response.p50.known(), response.p95.known(), response.p99.known()) {
            prop_assert!(p50 <= p95 && p95 <= p99, "{:?}", outcome);
        }
    }
}
