//! Every built-in stage: a request's parts cover its response time, whatever it does at once and on the side.

use hockeystick_content::builtin;
use hockeystick_core::component::Kind;
use hockeystick_core::simulate::trace::{Trace, Which, trace};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::{Duration, Nanos, Rate};

/// Each instant of the awaited parts, counted once.
fn covered_ns(trace: &Trace) -> Nanos {
    let mut upto = trace.begun;
    let mut sum = 0;
    for leg in trace.legs.iter().filter(|leg| leg.awaited) {
        sum += leg.ends.saturating_sub(leg.begins.max(upto));
        upto = upto.max(leg.ends);
    }
    sum
}

/// So few users that a long run costs little; what a request does is the same.
fn quiet(slug: &str) -> Stage {
    let mut stage = builtin::stage(slug).unwrap().unwrap();
    stage.workload.rate = Rate::per_second(stage.workload.rate.per_s().min(200.0));
    stage
}

#[test]
fn the_parts_of_a_request_cover_its_response_time_on_every_stage() {
    for slug in builtin::slugs() {
        let stage = quiet(slug);
        let users: Vec<usize> = (0..stage.components.len())
            .filter(|index| stage.components[*index].settings.kind() == Kind::Clients)
            .collect();
        let mut traced = 0;
        for users in users {
            for nth in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233] {
                let which = Which { users, nth };
                let Some(trace) = trace(&stage, 1, which, Duration::from_s(60)).unwrap() else { continue };
                let Some(response_ns) = trace.response_ns() else { continue };
                assert_eq!(covered_ns(&trace), response_ns, "{slug}, {which:?}: {:#?}", trace.legs);
                let last = trace.ended.unwrap();
                assert!(trace.legs.iter().all(|leg| !leg.awaited || leg.ends <= last), "{slug}, {which:?}");
                traced += 1;
            }
        }
        assert!(traced >= 5, "{slug}: {traced} requests");
    }
}
