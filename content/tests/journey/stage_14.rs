//! Stage 14-message-queue.

use crate::harness::{Figures, ran, stage, with};
use crate::stage_11::{broken, without};

#[test]
fn nobody_waits_for_a_photo() {
    let after = stage("14-message-queue");
    let mut before = without(&after, &["queue", "workers"]);
    before = with(&before, &[("app.demand.job", "120 ms")]);
    let (before, run) = (ran(&before, 12.0).outcome, ran(&after, 12.0).outcome);
    println!("{before:#?} {run:#?}");
    let _ = broken;
}
