//! The way from a measurement to a verdict, on a deployment that behaves exactly as a stage says: calibration finds the
//! stage's demands again, and the check agrees; a deployment that behaves otherwise is told apart.

use std::collections::BTreeMap;

use hockeystick_core::as_measured::{self, simulate};
use hockeystick_core::component::Settings;
use hockeystick_core::hardware::Machine;
use hockeystick_core::judge::{Judgement, chosen, judge};
use hockeystick_core::measurement::{
    BusyTime, ClassResult, Distribution, Ended, Generator, Load, Results, SCHEMA, Slice, Step,
};
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Duration, Rate};
use hockeystick_core::verdict::{Tolerances, Verdict};
use hockeystick_core::workload::{Arrivals, Class, Closed, Demand, PerClass};
use hockeystick_loadgen::model::Loaded;
use hockeystick_loadgen::{fit, judge as shown};

const STAGE: &str = r#"
schema = 1
title = "One box"
rate = "10/s"
[machine.box]
vcpus = 1
memory = "1 GB"
[[component]]
id = "users"
kind = "clients"
handshake = 0
[[component]]
id = "app"
kind = "app-server"
machine = "box"
process_memory = "30 MB"
memory_per_request = "1 kB"
demand = { static = "1 ms", read = "4 ms", write = "5 ms", job = "20 ms" }
[[link]]
path = ["users", "app"]
latency = "1 ms"
"#;

const MIX: PerClass<f64> = PerClass([0.70, 0.24, 0.05, 0.01]);

pub(crate) fn loaded(text: &str) -> Loaded {
    Loaded { stage: crate::common::stage(text), text: text.to_owned() }
}

fn only(class: Class) -> PerClass<f64> {
    let mut mix = PerClass::all(0.0);
    *mix.get_mut(class) = 1.0;
    mix
}

/// What a long and quiet measurement of a deployment like `stage` would hold.
fn step(stage: &Stage, mix: PerClass<f64>, busy: f64, held_out: bool, with_busy_time: bool) -> Step {
    let Settings::AppServer(app) = &stage.components[stage.component("app").unwrap()].settings else { panic!() };
    let demand_s: f64 = mix.iter().map(|(class, share)| share * app.demand.get(class).mean.as_secs_f64()).sum();
    let rate_per_s = busy / demand_s;
    let mut at = stage.clone();
    at.workload.rate = Rate::per_second(rate_per_s);
    at.workload.mix = mix;
    seen(&at, held_out, with_busy_time)
}

/// The same of a stage under the load of its own workload.
pub(crate) fn seen(stage: &Stage, held_out: bool, with_busy_time: bool) -> Step {
    const SECONDS: f64 = 1000.0;
    let outcome = simulate(stage, 77, 100_000.0, 0.9).unwrap().outcome;
    let Outcome { response_ms, throughput_per_s, .. } = &outcome;
    let mix = stage.workload.mix;
    let rate_per_s = match stage.workload.closed {
        None => stage.workload.rate.per_s(),
        Some(_) => throughput_per_s.known().unwrap(),
    };
    let us = |estimate: &Estimate| estimate.known().unwrap() * 1e3;
    let [mean, p50, p95, p99] = [&response_ms.mean, &response_ms.p50, &response_ms.p95, &response_ms.p99].map(us);
    let distribution = |count| Distribution {
        count,
        mean_us: mean,
        sd_us: mean,
        min_us: 1,
        p50_us: p50 as u64,
        p95_us: p95 as u64,
        p99_us: p99 as u64,
        max_us: p99 as u64,
        hdr: String::new(),
    };
    let due = (rate_per_s * SECONDS) as u64;
    let classes = mix.iter().filter(|(_, share)| **share > 0.0).map(|(class, share)| {
        let count = (share * due as f64) as u64;
        let result = ClassResult {
            due: count,
            answered: count,
            failed: 0,
            response: distribution(count),
            service: distribution(count),
        };
        (class, result)
    });
    // The slices scatter by two per cent around the whole.
    let slice = |index: usize| {
        let scatter = if index.is_multiple_of(2) { 0.98 } else { 1.02 };
        let [p50_us, p95_us, p99_us] = [p50, p95, p99].map(|value| (value * scatter) as u64);
        Slice { completed: due / 20, mean_us: mean * scatter, p50_us, p95_us, p99_us, disturbed: false }
    };
    let busy_time = |(station, machine): (String, &Machine)| {
        let share = as_measured::share_of_all_copies(&outcome, &station).unwrap();
        let busy_s = share * machine.capacity() / machine.speed * SECONDS;
        (station, BusyTime { busy_s, elapsed_s: SECONDS })
    };
    let classes: BTreeMap<_, _> = classes.collect();
    Step {
        rate_per_s,
        load: stage.workload.closed.map(Load::Closed),
        warm_up_s: 1.0,
        measured_s: SECONDS,
        window_from: None,
        held_out,
        due,
        sent: due,
        completed: due,
        failed: BTreeMap::new(),
        users_exhausted: 0,
        in_flight: rate_per_s * mean / 1e6,
        generator_cpus: 0.1,
        lag: Distribution::default(),
        response: distribution(due),
        service: distribution(due),
        classes,
        slices: (0..20).map(slice).collect(),
        schedule: None,
        stations: as_measured::stations(stage).filter(|_| with_busy_time).map(busy_time).collect(),
        neighbours: None,
        ..Step::default()
    }
}

pub(crate) fn results(steps: Vec<Step>) -> Results {
    Results {
        schema: SCHEMA,
        generator: Generator { name: "loadgen 0.1.0".to_owned(), processors: 1, users: 64 },
        started: "2026-01-01T00:00:00Z".to_owned(),
        host: "http://127.0.0.1:1".to_owned(),
        seed: 1,
        arrivals: Arrivals::Poisson,
        plan: None,
        shard: None,
        merged: Vec::new(),
        missed: Vec::new(),
        ended: Ended::Complete,
        steps,
    }
}

/// Low and middle steps to learn from, higher ones to predict.
fn measured(stage: &Stage, with_busy_time: bool) -> Results {
    let low = [0.2, 0.35, 0.5].map(|busy| step(stage, MIX, busy, false, with_busy_time));
    let high = [0.65, 0.8].map(|busy| step(stage, MIX, busy, true, with_busy_time));
    let alone = Class::ALL.map(|class| step(stage, only(class), 0.25, false, with_busy_time));
    results(alone.into_iter().chain(low).chain(high).collect())
}

fn judged(results: &Results, stage: &Stage) -> Judgement {
    let indices = chosen(results, None, true);
    judge(results, stage, &indices, &Tolerances::default(), 5).unwrap()
}

/// The author's guess: every demand wrong by another factor.
fn guess() -> Loaded {
    loaded(&STAGE.replace(
        "1 ms\", read = \"4 ms\", write = \"5 ms\", job = \"20 ms\"",
        "3 ms\", read = \"2 ms\", write = \"9 ms\", job = \"5 ms\"",
    ))
}

#[test]
fn calibration_finds_the_demands_and_the_check_agrees() {
    let truth = loaded(STAGE);
    let results = measured(&truth.stage, true);
    let indices = chosen(&results, None, false);
    let fitted = fit::fit(&results, &guess(), &indices, 1).unwrap();
    let Settings::AppServer(app) = &fitted.stage.components[1].settings else { panic!() };
    for (class, truth_ms) in Class::ALL.into_iter().zip([1.0, 4.0, 5.0, 20.0]) {
        let found_ms = app.demand.get(class).mean.as_ms_f64();
        assert!((found_ms / truth_ms - 1.0).abs() < 0.03, "{class:?}: {found_ms} ms");
    }
    assert_eq!(fitted.shape.variation, 1.0);
    assert!((fitted.shape.latency.as_ms_f64() - 1.0).abs() < 0.2, "{}", fitted.shape.latency);
    // What is written is what was fitted.
    assert_eq!(loaded(&fitted.text).stage, fitted.stage);
    let judgement = judged(&results, &fitted.stage);
    assert_eq!(judgement.verdict, Verdict::Agrees, "{}", shown::text(&judgement));
    assert!(judgement.steps.iter().all(|step| step.doubts.is_empty()), "{}", shown::text(&judgement));
}

#[test]
fn without_busy_time_one_factor_fits_the_response_times() {
    let truth = loaded(STAGE);
    let results = measured(&truth.stage, false);
    let half = loaded(&STAGE.replace(
        "1 ms\", read = \"4 ms\", write = \"5 ms\", job = \"20 ms\"",
        "0.5 ms\", read = \"2 ms\", write = \"2.5 ms\", job = \"10 ms\"",
    ));
    let chosen = [4, 5, 6];
    let fitted = fit::fit(&results, &half, &chosen, 1).unwrap();
    let Settings::AppServer(app) = &fitted.stage.components[1].settings else { panic!() };
    let found_ms = app.demand.get(Class::Read).mean.as_ms_f64();
    assert!((found_ms / 4.0 - 1.0).abs() < 0.15, "{found_ms} ms");
    assert_eq!(fitted.demands.len(), 4);
}

#[test]
fn a_step_of_a_closed_loop_is_predicted_by_its_users_and_not_by_its_rate() {
    let truth = loaded(STAGE);
    let mut asked = truth.stage.clone();
    let think = Demand::exponential(Duration::from_ms(100));
    (asked.workload.mix, asked.workload.closed) = (MIX, Some(Closed { users: 45, think }));
    // About as many as come: where a simulation of so many requests ends.
    asked.workload.rate = Rate::per_second(400.0);
    let mut results = results(vec![seen(&asked, true, true)]);
    let judgement = judged(&results, &truth.stage);
    assert_eq!(judgement.verdict, Verdict::Agrees, "{}", shown::text(&judgement));
    let judgement = judged(&results, &guess().stage);
    assert_eq!(judgement.verdict, Verdict::Disagrees, "{}", shown::text(&judgement));
    // Who takes the same requests for an open loop's expects longer queues than users leave who wait for their answers.
    results.steps[0].load = None;
    let judgement = judged(&results, &truth.stage);
    assert_eq!(judgement.verdict, Verdict::Disagrees, "{}", shown::text(&judgement));
    assert!(
        judgement.steps[0].comparisons.iter().all(|figure| figure.error.value > -0.01),
        "{}",
        shown::text(&judgement)
    );
}

#[test]
fn a_model_that_is_wrong_disagrees() {
    let truth = loaded(STAGE);
    let results = measured(&truth.stage, true);
    let judgement = judged(&results, &guess().stage);
    assert_eq!(judgement.verdict, Verdict::Disagrees, "{}", shown::text(&judgement));
    // The busy time says the same, so it is a finding and no doubt about the measurement.
    assert!(
        judgement.steps.iter().all(|step| step.doubts.is_empty() && step.finding.is_some()),
        "{}",
        shown::text(&judgement)
    );
}

/// Lets the generator be late at a step, by a share of the response time.
fn delay(step: &mut Step, share: f64) {
    step.lag = Distribution { mean_us: share * step.response.mean_us, ..step.lag.clone() };
}

#[test]
fn a_step_at_which_the_generator_was_late_tells_demands_and_no_shape() {
    let truth = loaded(STAGE);
    let mut results = measured(&truth.stage, true);
    let indices = chosen(&results, None, false);
    delay(&mut results.steps[5], 0.2);
    let fitted = fit::fit(&results, &guess(), &indices, 1).unwrap();
    assert!(fitted.warnings.iter().any(|text| text.starts_with("step 6: only its busy time")), "{:?}", fitted.warnings);
    let Settings::AppServer(app) = &fitted.stage.components[1].settings else { panic!() };
    assert!((app.demand.get(Class::Read).mean.as_ms_f64() / 4.0 - 1.0).abs() < 0.03);
}

#[test]
fn one_wild_step_does_not_change_how_requests_share_the_processor() {
    let truth = loaded(STAGE);
    let mut results = measured(&truth.stage, true);
    let indices = chosen(&results, None, false);
    // As if small requests had waited behind large ones: a median six times as long.
    let wild = &mut results.steps[6];
    wild.response.p50_us = (wild.response.p50_us * 6).min(wild.response.p95_us);
    let fitted = fit::fit(&results, &truth, &indices, 1).unwrap();
    let Settings::AppServer(app) = &truth.stage.components[1].settings else { panic!() };
    assert_eq!(fitted.shape.workers, Some(app.workers));
}

#[test]
fn a_measurement_that_was_disturbed_throughout_is_refused_and_every_step_named() {
    let truth = loaded(STAGE);
    let mut results = measured(&truth.stage, true);
    let indices = chosen(&results, None, false);
    results.steps.iter_mut().for_each(|step| delay(step, 0.2));
    let error = fit::fit(&results, &truth, &indices, 1).unwrap_err();
    let refused = error.downcast_ref::<fit::Doubtful>().unwrap();
    // All for one reason, which is told once.
    let numbers = indices.iter().map(|index| (index + 1).to_string()).collect::<Vec<_>>().join(", ");
    let [reason] = refused.reasons.as_slice() else { panic!("{refused}") };
    assert!(reason.starts_with(&format!("steps {numbers}: ")) && reason.contains("late"), "{refused}");
}

#[test]
fn a_step_in_doubt_can_neither_agree_nor_disagree() {
    let truth = loaded(STAGE);
    let mut results = measured(&truth.stage, true);
    for step in results.steps.iter_mut().filter(|step| step.held_out) {
        delay(step, 0.2);
    }
    for stage in [&truth.stage, &guess().stage] {
        let judgement = judged(&results, stage);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", shown::text(&judgement));
        assert!(shown::text(&judgement).contains("in doubt") && judgement.conclusion().contains("cannot be believed"));
        // A program that counts verdicts must not count these.
        let told = shown::json(&judgement).to_string();
        assert!(!told.contains("\"agrees\"") && !told.contains("\"disagrees\""), "{told}");
    }
    // One step in doubt leaves open whether the model agrees, and undoes no disagreement elsewhere.
    let last = results.steps.len() - 1;
    results.steps[last].lag = Distribution::default();
    assert_eq!(judged(&results, &truth.stage).verdict, Verdict::Inconclusive);
    assert_eq!(judged(&results, &guess().stage).verdict, Verdict::Disagrees);
}

/// The app's box, and a database on a machine of its own.
fn two_hosts() -> Loaded {
    loaded(&format!(
        "{STAGE}\n[machine.store]\nvcpus = 1\nmemory = \"1 GB\"\n[[component]]\nid = \"db\"\nkind = \"database\"\n\
         machine = \"store\"\ndemand = {{ read = \"0.5 ms\", write = \"1 ms\" }}\n[[link]]\npath = [\"app\", \"db\"]\n\
         latency = \"0.1 ms\"\n"
    ))
}

#[test]
fn a_host_whose_busy_time_nobody_measured_keeps_its_guess_and_says_so() {
    let results = measured(&loaded(STAGE).stage, true);
    let fitted = fit::fit(&results, &two_hosts(), &chosen(&results, None, false), 1).unwrap();
    assert!(
        fitted.warnings.iter().any(|text| text.starts_with("no busy time of `store cpu`")),
        "{:?}",
        fitted.warnings
    );
    // The fitted file carries the warning to whoever asks it for a capacity.
    assert!(fitted.text.contains("#   warning: no busy time of `store cpu`"), "{}", fitted.text);
}

#[test]
fn response_times_alone_do_not_tell_two_hosts_apart() {
    let results = measured(&loaded(STAGE).stage, false);
    let fitted = fit::fit(&results, &two_hosts(), &[4, 5, 6], 1).unwrap();
    let expected = "response times alone do not tell the demands of `box cpu` and `store cpu` apart";
    assert!(fitted.warnings.iter().any(|text| text.starts_with(expected)), "{:?}", fitted.warnings);
}
