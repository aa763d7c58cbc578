//! Stage 18-delayed-writes.

use crate::harness::{Figures, ran, stage, with};
use crate::stage_11::{broken, without};
use hockeystick_core::stage::FaultKind;

#[test]
fn a_spike_is_accepted_now_and_applied_later() {
    let after = stage("18-delayed-writes");
    let before = without(&after, &["journal"]);
    println!("normal before {:#?}", ran(&before, 20.0).outcome);
    println!("normal {:#?}", ran(&after, 20.0).outcome);
    for stage in [&before, &after] {
        let run = ran(&broken(stage, "users", FaultKind::Spike { factor: 10.0 }, 12, 10), 24.0).outcome;
        println!("{run:#?}");
    }
    let _ = with;
}
