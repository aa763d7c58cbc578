//! A trace explains a response time: its parts add up to it.

use hockeystick_core::engine::moves::{Cause, What};
use hockeystick_core::simulate::Simulation;
use hockeystick_core::simulate::trace::{LegKind, Station, Trace, Which, trace};
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Nanos, SECOND_NS};
use hockeystick_probe::first_stage;

const SEED: u64 = 7;

fn traced(stage: &Stage, nth: u64) -> Trace {
    trace(stage, SEED, Which { users: 0, nth }, Duration::from_s(600)).unwrap().unwrap()
}

/// The time of the awaited parts, each instant counted once.
fn covered_ns(trace: &Trace) -> Nanos {
    let mut upto = trace.begun;
    let mut sum = 0;
    for leg in trace.legs.iter().filter(|leg| leg.awaited) {
        sum += leg.ends.saturating_sub(leg.begins.max(upto));
        upto = upto.max(leg.ends);
    }
    sum
}

fn with_fault(kind: FaultKind) -> Stage {
    let mut stage = first_stage(20.0);
    let on = Target::Component(stage.component("app").unwrap(), None);
    let on = if matches!(kind, FaultKind::Cut) { Target::Link(stage.links.len() - 1) } else { on };
    stage.faults.push(Fault { at: Duration::ZERO, lasts: None, on, kind });
    stage
}

#[test]
fn the_parts_of_a_sequential_request_add_up_to_its_response_time() {
    let stage = first_stage(20.0);
    for nth in 1..=200 {
        let trace = traced(&stage, nth);
        let mut at = trace.begun;
        for leg in &trace.legs {
            assert!(leg.awaited, "{leg:?}");
            assert_eq!(leg.begins, at, "request {nth} has a gap or does two things at once: {:#?}", trace.legs);
            at = leg.ends;
        }
        assert_eq!(Some(at), trace.ended, "request {nth}");
    }
}

#[test]
fn watching_one_request_does_not_change_it() {
    let stage = first_stage(30.0);
    let mut run = Simulation::new(&stage, SEED).unwrap();
    run.watch(1);
    run.run_until(20 * SECOND_NS);
    let mut moves = Vec::new();
    run.take_moves(&mut moves);
    let done = moves.iter().filter(|step| matches!(step.what, What::Done { .. }));
    let mut compared = 0;
    for done in done.step_by(17) {
        let trace = traced(&stage, u64::from(done.request) + 1);
        assert_eq!((trace.ended, trace.class), (Some(done.at), done.class), "request {}", done.request);
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_trace_tells_ways_waits_and_work_apart() {
    let stage = first_stage(55.0);
    let traces: Vec<Trace> = (1..=100).map(|nth| traced(&stage, nth)).collect();
    let some = |kind, station| {
        traces
            .iter()
            .flat_map(|trace| &trace.legs)
            .any(|leg| leg.kind == kind && leg.station == station && leg.ns() > 0)
    };
    assert!(some(LegKind::Travel, None));
    assert!(some(LegKind::Serve, Some(Station::Processor)));
    assert!(some(LegKind::Serve, Some(Station::Disk)));
    for leg in traces.iter().flat_map(|trace| &trace.legs) {
        assert_eq!(leg.kind == LegKind::Travel, leg.edge.is_some());
        assert_eq!(leg.kind == LegKind::Travel, leg.from != leg.to, "{leg:?}");
    }
}

#[test]
fn a_refusal_says_where_it_came_from_and_why() {
    let trace = traced(&with_fault(FaultKind::Down), 1);
    assert_eq!(trace.failed, Some(Cause::Down));
    assert_eq!(covered_ns(&trace), trace.response_ns().unwrap());
    let failing: Vec<&str> =
        trace.legs.iter().filter(|leg| leg.cause == Some(Cause::Down)).map(|leg| leg.to.as_str()).collect();
    assert!(failing.contains(&"app"), "{:#?}", trace.legs);
}

#[test]
fn work_goes_on_for_nobody_after_the_user_has_given_up() {
    let stage = with_fault(FaultKind::Slow { speed: 0.001 });
    let trace = traced(&stage, 100);
    assert_eq!(trace.failed, Some(Cause::TimedOut));
    assert_eq!(covered_ns(&trace), trace.response_ns().unwrap());
    assert!(trace.legs.iter().any(|leg| !leg.awaited && leg.ns() > 0), "{:#?}", trace.legs);
    assert!(trace.legs.iter().any(|leg| leg.awaited && leg.cause == Some(Cause::TimedOut)), "{:#?}", trace.legs);
}

#[test]
fn a_request_whose_message_is_lost_is_covered_too() {
    let stage = with_fault(FaultKind::Cut);
    for nth in 1..=50 {
        let trace = traced(&stage, nth);
        assert_eq!(covered_ns(&trace), trace.response_ns().unwrap(), "request {nth}: {:#?}", trace.legs);
    }
}

#[test]
fn a_request_that_was_not_sent_has_no_trace() {
    let stage = first_stage(20.0);
    let at = |users, nth| trace(&stage, SEED, Which { users, nth }, Duration::from_s(1)).unwrap();
    assert_eq!(at(0, 100_000), None);
    assert_eq!(at(0, 0), None);
    assert_eq!(at(1, 1), None, "an app sends no users' requests");
}
