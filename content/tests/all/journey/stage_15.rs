//! Stage 15-seeing-it: how soon trouble is seen, and how much of it gets through until then.

use hockeystick_core::engine::moves::Cause;
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, SECOND_NS};

use super::harness::{Figures, SEED, ran, stage, with};

const SLUG: &str = "15-seeing-it";

/// A tenth of the stage: four of forty machines, a tenth of the users. What a rule sees does not depend on it; how
/// long a person looks does.
fn tenth(stage: &Stage) -> Stage {
    with(stage, &[("users.rate", "1389/s"), ("app.copies", "4"), ("monitor.auto_rollback", "true")])
}

fn metric(run: &Simulation, node: &str, name: &str) -> f64 {
    let index = run.nodes().position(|info| info.name == node).unwrap();
    run.metrics(index).iter().find(|metric| metric.name == name).unwrap().reading.number()
}

/// Share of the requests that the bad release failed.
fn exposed(stage: &Stage, seconds: u64) -> (f64, Simulation) {
    let mut run = Simulation::new(stage, SEED).unwrap();
    run.run_until(seconds * SECOND_NS);
    let failed = run.counts().failed[Cause::Error as usize] as f64;
    (failed / run.counts().arrived as f64, run)
}

fn canary(stage: &Stage, canary: u64) -> Stage {
    let mut changed = stage.clone();
    let FaultKind::Deploy { canary: time, .. } = &mut changed.faults[0].kind else { panic!() };
    *time = Duration::from_s(canary);
    changed
}

#[test]
fn a_canary_with_an_alert_of_its_own_keeps_a_bad_release_from_all_but_a_few() {
    // Twenty copies, so that one of them is little among all, and a roll-out of a minute.
    let twenty = [("app.copies", "20"), ("app.drain", "1 s"), ("app.restart", "2 s")];
    let stage = with(&tenth(&stage(SLUG)), &twenty);
    let (with_canary, run) = exposed(&stage, 150);
    let detect_s = metric(&run, "monitor", "time_to_detect");
    // The first copy drains, starts, and fails for a look or two and the time that the rule must be broken.
    assert!((20.0..60.0).contains(&detect_s), "{detect_s}");
    // Everybody gets it at once, and the person who is called comes after five minutes.
    let (without, _) = exposed(&with(&canary(&stage, 0), &[("monitor.auto_rollback", "false")]), 150);
    let (together, blind) = exposed(&with(&stage, &[("monitor.per_copy", "false")]), 150);
    assert!(with_canary < 0.05 * without, "{with_canary} {without}");
    assert!(metric(&blind, "monitor", "time_to_detect") > detect_s || metric(&blind, "monitor", "alerts") == 0.0);
    assert!(together > with_canary, "{together} {with_canary}");
    println!(
        "stage 15 with a release that fails one request in five: {:.2} % of 150 s fail with a canary (detected in \
         {detect_s:.0} s), {:.2} % without",
        with_canary * 100.0,
        without * 100.0
    );
}

#[test]
fn a_person_finds_the_cause_sooner_in_one_place_than_on_forty_machines() {
    let repair = |central: bool| {
        let mut stage = stage(SLUG);
        stage = with(
            &stage,
            &[
                ("users.rate", "400/s"),
                ("monitor.auto_rollback", "false"),
                ("monitor.response", "60 s"),
                ("monitor.look", "30 s"),
            ],
        );
        stage = canary(&stage, 3_600);
        if !central {
            let (monitor, logs) = (stage.component("monitor").unwrap(), stage.component("logs").unwrap());
            stage.links.retain(|link| (link.from, link.to) != (monitor, logs));
        }
        let (_, run) = exposed(&stage, 900);
        metric(&run, "monitor", "time_to_repair")
    };
    let (central, scattered) = (repair(true), repair(false));
    assert!(central + 400.0 < scattered, "{central} {scattered}");
    println!(
        "stage 15: repaired after {central:.0} s with central logs, {scattered:.0} s going from machine to machine"
    );
}

/// One copy of four answers slowly: a quarter of the requests, of which most are files and stay quick.
fn slow_copy(changes: &[(&str, &str)]) -> Simulation {
    let mut stage = with(&tenth(&stage(SLUG)), changes);
    let app = stage.component("app").unwrap();
    let kind = FaultKind::Slow { speed: 0.35 };
    let (at, lasts) = (Duration::from_s(60), Some(Duration::from_s(90)));
    stage.faults = vec![Fault { at, lasts, on: Target::Component(app, Some(0)), kind }];
    stage = with(&stage, &[("monitor.per_copy", "false"), ("monitor.calls_out", "false")]);
    let mut run = Simulation::new(&stage, SEED).unwrap();
    run.run_until(240 * SECOND_NS);
    run
}

#[test]
fn an_alert_on_the_tail_sees_what_the_mean_evens_out() {
    let tail = slow_copy(&[("monitor.rule", "p99"), ("monitor.threshold", "0.5")]);
    let mean = slow_copy(&[("monitor.rule", "mean"), ("monitor.threshold", "0.5")]);
    let seen = |run: &Simulation| ["alerts", "missed", "false_alerts"].map(|name| metric(run, "monitor", name));
    assert_eq!(seen(&tail), [1.0, 0.0, 0.0], "tail");
    assert_eq!(seen(&mean), [0.0, 1.0, 0.0], "mean");
    let detect_s = metric(&tail, "monitor", "time_to_detect");
    println!("stage 15 with one slow copy of four: an alert on p99 sees it in {detect_s:.0} s, one on the mean never");
}

fn pipeline(changes: &[(&str, &str)]) -> Outcome {
    let mut stage = tenth(&stage(SLUG));
    stage.faults.clear();
    ran(&with(&stage, changes), 60.0).outcome
}

#[test]
fn an_overloaded_log_pipeline_lags_and_loses_and_a_sample_finds_little() {
    let healthy = pipeline(&[]);
    assert_eq!(healthy.metric("logs lost"), 0.0);
    assert!(healthy.metric("logs index_lag") < 1.0);
    // A record that costs a hundred times as much: full traces instead of lines. Four processors index 800 a second.
    let overload = [("logs.demand", "5 ms"), ("logs.queue", "10000")];
    let overloaded = pipeline(&overload);
    let lost = overloaded.metric("logs lost") / 60.0;
    assert!(lost > 300.0, "{lost}");
    let lag_s = overloaded.metric("logs index_lag");
    assert!((6.0..20.0).contains(&lag_s), "{lag_s}");
    let sampled = pipeline(&[("logs.demand", "5 ms"), ("logs.queue", "10000"), ("logs.keep", "0.1")]);
    assert_eq!(sampled.metric("logs lost"), 0.0);
    assert!(sampled.metric("logs index_lag") < 1.0);
    println!(
        "stage 15: an overloaded log pipeline loses {lost:.0} records a second of 1,389 and lags {lag_s:.0} s; a sample of \
         one in ten keeps up, and hides nine errors in ten"
    );
}
