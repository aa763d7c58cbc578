//! How much a stage carries, against what theory says exactly, and what more of what runs out brings.

use hockeystick_core::capacity::{Answer, CapacityError, Carried, carried, remedies};
use hockeystick_core::component::Settings;
use hockeystick_core::hardware::Machine;
use hockeystick_core::objective::Objective;
use hockeystick_core::stage::{Placement, Stage};
use hockeystick_core::units::Duration;
use hockeystick_core::workload::{Closed, Demand};
use hockeystick_probe::single_station;

/// One processor that requests share, each of which demands a millisecond.
fn one_processor() -> Stage {
    single_station(1.0, Demand::exponential(Duration::from_ms(1)), Machine::default())
}

fn under(text: &str) -> Objective {
    text.parse().unwrap()
}

fn found(stage: &Stage, objective: &str, near: Option<f64>) -> Carried {
    match carried(stage, &under(objective), 1, near).unwrap() {
        Answer::Carries(carried) => *carried,
        other => panic!("{objective}: {other:?}"),
    }
}

#[test]
fn a_shared_processor_carries_what_its_formula_says() {
    // R = D / (1 - X D) below 10 ms, so X = (1 - 1/10) / D. A guess changes nothing, good or bad.
    for near in [None, Some(890.0), Some(100.0), Some(5000.0)] {
        let carried = found(&one_processor(), "mean < 10ms", near);
        assert!((carried.rate_per_s / 900.0 - 1.0).abs() < 0.015, "{near:?}: {}", carried.rate_per_s);
        let first = carried.first().unwrap();
        assert!(first.station.ends_with(" cpu") && (first.busy - 0.9).abs() < 0.02, "{first:?}");
    }
}

#[test]
fn what_is_asked_too_much_is_carried_at_no_rate() {
    let Answer::Never(Some(figure)) = carried(&one_processor(), &under("mean < 0.5ms"), 1, None).unwrap() else {
        panic!("a request alone takes longer");
    };
    assert!((figure / 1.0 - 1.0).abs() < 0.05, "{figure}");
}

#[test]
fn a_deployment_that_does_not_answer_what_comes_does_not_carry_it_however_easy_the_objective() {
    let carried = found(&one_processor(), "mean < 1h", None);
    assert!(carried.rate_per_s > 950.0 && carried.rate_per_s < 1040.0, "{}", carried.rate_per_s);
}

#[test]
fn who_waits_for_answers_has_no_rate_to_look_for() {
    let mut stage = one_processor();
    stage.workload.closed = Some(Closed { users: 10, think: Demand::exponential(Duration::from_ms(100)) });
    assert_eq!(carried(&stage, &under("mean < 1s"), 1, None), Err(CapacityError::Closed));
}

#[test]
fn twice_the_processors_carry_twice_as_much() {
    let stage = one_processor();
    let before = found(&stage, "mean < 10ms", None);
    let station = before.first().unwrap().station;
    let remedies = remedies(&stage, &station);
    let larger = remedies.iter().find(|remedy| remedy.words.starts_with("twice the processors")).unwrap();
    let after = found(&larger.stage, "mean < 10ms", None);
    let factor = after.rate_per_s / before.rate_per_s;
    // Two processors that share the work also wait less at the same load.
    assert!((2.0..2.2).contains(&factor), "{factor}");
}

#[test]
fn copies_are_offered_where_they_share_the_work() {
    let mut stage = one_processor();
    stage.components[1].machine = Some(Placement::Own { size: None, machine: Machine::default() });
    let name = stage.components[1].id.clone();
    let words: Vec<String> = remedies(&stage, &format!("{name} cpu")).into_iter().map(|remedy| remedy.words).collect();
    assert_eq!(words, [format!("2 copies of {name} instead of 1"), format!("twice the processors of {name}")]);
    assert!(matches!(stage.components[1].settings, Settings::AppServer(_)));
    let disk: Vec<String> = remedies(&stage, &format!("{name} disk")).into_iter().map(|remedy| remedy.words).collect();
    assert_eq!(disk[1], format!("twice the disk operations at once of {name}"));
    assert!(remedies(&stage, "nothing").is_empty() && remedies(&stage, "nobody cpu").is_empty());
}
