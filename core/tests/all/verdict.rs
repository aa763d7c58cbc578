//! How often the verdict is right: on simulated measurements of a deployment like the model, and of one in which every
//! request demands a quarter more than the model says. The steps are like those of `cargo xtask demo`, under a quota.

use hockeystick_core::component::Settings;
use hockeystick_core::hardware::Machine;
use hockeystick_core::inspection::Prediction;
use hockeystick_core::measurement::Metric;
use hockeystick_core::schedule::Schedule;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;
use hockeystick_core::verdict::{Tolerances, Verdict};
use hockeystick_core::workload::{Class, Demand, PerClass};
use hockeystick_probe::{measured, single_station};

/// The journey's mix, and milliseconds that a request of Tick demands.
const MIX: PerClass<f64> = PerClass([0.70, 0.24, 0.05, 0.01]);
const DEMAND_MS: PerClass<f64> = PerClass([0.05, 2.3, 2.4, 5.5]);
const QUOTA: f64 = 0.8;
/// Schedules, and measurements of each.
const SCHEDULES: u64 = 5;
const MEASUREMENTS: u64 = 40;
const REPLICATIONS: u64 = 20;

fn demand_s(factor: f64) -> PerClass<f64> {
    PerClass(DEMAND_MS.0.map(|ms| ms * factor / 1e3))
}

fn tick(factor: f64) -> Stage {
    let machine = Machine { quota: Some(QUOTA), ..Machine::default() };
    let mut stage = single_station(1.0, Demand::exponential(Duration::from_ms(1)), machine);
    let Settings::AppServer(app) = &mut stage.components[1].settings else { panic!("the second is the app server") };
    for (class, seconds) in demand_s(factor).iter() {
        *app.demand.get_mut(class) = Demand { mean: Duration::from_secs_f64(*seconds), cv: 0.25 };
    }
    stage
}

/// A step of the demo: how busy it would keep the model, and its length.
#[derive(Clone, Copy)]
struct Level {
    busy: f64,
    seconds: f64,
}

fn arrivals(level: Level, seed: u64) -> Schedule {
    let work_s: f64 = MIX.iter().map(|(class, share)| share * demand_s(1.0).get(class)).sum();
    measured::arrivals(level.busy * QUOTA / work_s, &MIX, level.seconds, seed)
}

/// The same, of which nothing runs for so long, half a minute after the beginning.
fn stalling(pause: Duration) -> Stage {
    let mut stage = tick(1.0);
    stage.faults.push(Fault {
        at: Duration::from_s(30),
        lasts: Some(pause),
        on: Target::Component(1, None),
        kind: FaultKind::Slow { speed: 0.001 },
    });
    stage
}

/// How many measurements of a deployment with so much dearer requests agree, say nothing, and disagree.
fn verdicts(level: Level, factor: f64) -> [u64; 3] {
    verdicts_on(level, factor, &tick(factor))
}

/// The same of any deployment, whose processor works as long as if its requests were so much dearer.
fn verdicts_on(level: Level, factor: f64, deployment: &Stage) -> [u64; 3] {
    let model = tick(1.0);
    let tolerances = Tolerances::default();
    let mut counts = [0; 3];
    for schedule in (1..=SCHEDULES).map(|seed| arrivals(level, seed)) {
        let measure = |seed| measured::step(deployment, &schedule, &[("box cpu", demand_s(factor))], seed);
        let prediction = Prediction::new(&model, &schedule, &measure(1), 1, REPLICATIONS).unwrap();
        for seed in 1000..1000 + MEASUREMENTS {
            let step = measure(seed);
            let tolerance = |m| tolerances.at(m, level.busy);
            let figures = Metric::ALL.into_iter().filter_map(|m| prediction.compare(m, &step, tolerance(m)));
            match Verdict::overall(figures.map(|figure| figure.verdict)) {
                Verdict::Agrees => counts[0] += 1,
                Verdict::Disagrees => counts[2] += 1,
                _ => counts[1] += 1,
            }
        }
    }
    counts
}

#[test]
fn a_right_model_is_never_said_to_disagree_and_mostly_to_agree() {
    let [agree, inconclusive, disagree] = verdicts(Level { busy: 0.8, seconds: 40.0 }, 1.0);
    println!("right model, 80 % busy: {agree} agree, {inconclusive} inconclusive, {disagree} disagree");
    // Twenty measurements in two hundred may be too noisy to say; by the test's own level, hardly one may be wrong.
    assert!(disagree <= 1 && agree * 10 >= (SCHEDULES * MEASUREMENTS) * 8, "seeds 1000…");
}

#[test]
fn requests_that_cost_a_quarter_more_than_the_model_says_are_noticed() {
    let [agree, inconclusive, disagree] = verdicts(Level { busy: 0.7, seconds: 28.0 }, 1.25);
    println!(
        "demands 25 % higher, at 70 % by the model: {agree} agree, {inconclusive} inconclusive, {disagree} disagree"
    );
    assert!(agree == 0 && disagree * 100 >= (SCHEDULES * MEASUREMENTS) * 99, "seeds 1000…");
}

/// A pause makes up most of the measured mean, and touches a twentieth of the requests and more, so that nothing can be said
/// of the rest; not that the model is wrong.
#[test]
fn one_pause_refutes_no_model() {
    for pause in [Duration::from_ms(400), Duration::from_ms(1_500), Duration::from_s(3)] {
        let level = Level { busy: 0.8, seconds: 40.0 };
        let [agree, inconclusive, disagree] = verdicts_on(level, 1.0, &stalling(pause));
        println!("right model, one pause of {pause}: {agree} agree, {inconclusive} inconclusive, {disagree} disagree");
        assert!(disagree <= 2 && agree * 10 <= SCHEDULES * MEASUREMENTS, "seeds 1000…");
    }
}

/// Where tolerances are twice as wide, a right model is still not refuted, and a wrong one is.
#[test]
fn near_the_limit_a_right_model_holds_and_one_that_is_a_tenth_off_does_not() {
    let level = Level { busy: 0.9, seconds: 60.0 };
    let [agree, inconclusive, disagree] = verdicts(level, 1.0);
    println!("right model, 90 % busy: {agree} agree, {inconclusive} inconclusive, {disagree} disagree");
    assert!(disagree <= 2 && agree * 2 >= SCHEDULES * MEASUREMENTS, "seeds 1000…");
    let [agree, inconclusive, disagree] = verdicts(level, 1.1);
    println!(
        "demands 10 % higher, at 90 % by the model: {agree} agree, {inconclusive} inconclusive, {disagree} disagree"
    );
    assert!(agree == 0 && disagree * 100 >= (SCHEDULES * MEASUREMENTS) * 95, "seeds 1000…");
}

#[test]
fn a_class_is_in_the_mix_as_often_as_it_should() {
    let schedule = arrivals(Level { busy: 0.5, seconds: 60.0 }, 1);
    let reads = schedule.arrivals().iter().filter(|arrival| arrival.class == Class::Read).count();
    let share = reads as f64 / schedule.arrivals().len() as f64;
    assert!((share - 0.24).abs() < 0.01, "{share}");
}
