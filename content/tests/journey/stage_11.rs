//! Stage 11-cache.

use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::Duration;

use crate::harness::{Figures, ran, stage, with};

/// The stage without these components, and without the links that they had.
pub(crate) fn without(stage: &Stage, ids: &[&str]) -> Stage {
    let mut left = stage.clone();
    let stays = |index: usize| !ids.contains(&stage.components[index].id.as_str());
    left.components.retain(|component| !ids.contains(&component.id.as_str()));
    left.links.retain(|link| stays(link.from) && stays(link.to));
    for link in &mut left.links {
        let moved = |index: usize| (0..index).filter(|before| stays(*before)).count();
        (link.from, link.to) = (moved(link.from), moved(link.to));
    }
    left
}

/// The stage with a fault on a component, or on the link between two.
pub(crate) fn broken(stage: &Stage, on: &str, kind: FaultKind, at_s: u64, lasts_s: u64) -> Stage {
    let mut broken = stage.clone();
    let index = |id: &str| stage.component(id).unwrap_or_else(|| panic!("no component {id}"));
    let target = match on.split_once(" -> ") {
        None => Target::Component(index(on), None),
        Some((from, to)) => {
            let ends = (index(from), index(to));
            let link = stage.links.iter().position(|link| (link.from, link.to) == ends);
            Target::Link(link.unwrap_or_else(|| panic!("no link {on}")))
        }
    };
    let (at, lasts) = (Duration::from_s(at_s), Some(Duration::from_s(lasts_s)));
    broken.faults.push(Fault { at, lasts, on: target, kind });
    broken
}

#[test]
fn a_cache_takes_the_reads_off_the_database() {
    let after = stage("11-cache");
    let before = without(&after, &["cache"]);
    let (before, run) = (ran(&before, 60.0).outcome, ran(&after, 60.0).outcome);
    let busy = |outcome: &hockeystick_core::outcome::Outcome| outcome.utilisation["database cpu"].known().unwrap();
    let hits = run.metric("cache hit_ratio");
    println!(
        "stage 11 at 3,704/s: p95 {:.0} ms without a cache, {:.0} ms with one that has {:.0} % of the reads; database {:.0} % busy, then {:.0} %",
        before.p95_ms(),
        run.p95_ms(),
        100.0 * hits,
        100.0 * busy(&before),
        100.0 * busy(&run),
    );
    assert!(hits > 0.55 && hits < 0.85);
    assert!(busy(&before) > 0.93 && busy(&run) < 0.70);
    assert!(before.p95_ms() > 2.0 * run.p95_ms());
    assert!(run.errors_per_s() < 1.0);
    assert!(run.metric("cache stale") < 0.01);
}
