//! Stage 17-read-write-services.

use crate::harness::{Figures, ran, stage, with};
use crate::stage_11::broken;

#[test]
fn what_is_written_is_what_is_read() {
    let after = stage("17-read-write-services");
    for writes in ["ignore", "invalidate", "update"] {
        let run = ran(&with(&after, &[("cache.writes", writes)]), 8.0).outcome;
        println!("{writes}: {run:#?}");
    }
    let _ = broken;
}
