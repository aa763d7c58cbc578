//! What a run reports of a deployment that misbehaves. Each case has its row in `docs/trust.md`, and the row is held to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::run;

/// What one short step of nine requests does, whatever the deployment does.
const PLAN: &str = "arrivals = \"constant\"\nusers = 4\nsteps = [{ rate = \"10/s\", seconds = 1 }]";
/// Patience with servers that are silent…
const SHORT: &str = "timeout = \"300 ms\"";
/// … and with those that always answer, so that a busy machine makes no timeout of it.
const LONG: &str = "timeout = \"5 s\"";
/// When a run has gone on for longer than all its timeouts together.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// All requests to a server that does this fail as this kind.
#[track_caller]
pub(crate) fn fails_as(kind: &str, does: &str, url: &str) {
    fails_with(kind, does, url, "");
}

/// The same under a plan that says more.
#[track_caller]
pub(crate) fn fails_with(kind: &str, does: &str, url: &str, more: &str) {
    let timeout = if kind == "timeout" { SHORT } else { LONG };
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let results = run(url, &format!("{timeout}\n{PLAN}\n{more}"), folder.path());
    assert!(begun.elapsed() < ENDS_WITHIN, "{:?}", begun.elapsed());
    let step = &results.steps[0];
    assert_eq!((step.completed, &step.failed), (0, &BTreeMap::from([(kind.to_owned(), 9)])), "a server that {does}");
    documented(does, &format!("`{kind}`"));
}

/// The document says of a server that does this what the run said.
#[track_caller]
pub(crate) fn documented(does: &str, reported: &str) {
    let row = format!("| {does} | {reported} |");
    println!("{row}");
    assert!(include_str!("../../../docs/trust.md").contains(&row), "docs/trust.md lacks this row:\n{row}");
}
