//! Stage 18-delayed-writes.

use hockeystick_core::stage::FaultKind;
use hockeystick_core::units::SECOND_NS;

use super::harness::{Figures, begun_until, broken, busy_s, figure, ran, stage, with, without};

#[test]
fn a_spike_is_accepted_now_and_applied_later() {
    let after = stage("18-delayed-writes");
    let before = without(&after, &["journal"]);
    let calm = [&before, &after].map(|stage| ran(stage, 12.0).outcome);
    let spike = |stage| {
        let mut run = begun_until(&broken(stage, "users", FaultKind::Spike { factor: 10.0 }, 4, 6), 4);
        let (counts, busy) = (run.counts(), busy_s(&mut run, "database"));
        run.run_until(10 * SECOND_NS);
        let now = run.counts();
        let answered = (now.completed - counts.completed) as f64 / (now.arrived - counts.arrived) as f64;
        let busy = (busy_s(&mut run, "database") - busy) / 6.0 / 16.0;
        (answered, busy, run)
    };
    let (direct, _, _) = spike(&before);
    let (later, busy, mut run) = spike(&after);
    let (backlog, applied) = (figure(&run, "journal", "backlog"), figure(&run, "journal", "applied"));
    run.run_until(14 * SECOND_NS);
    let rate = (figure(&run, "journal", "applied") - applied) / 4.0;
    println!(
        "stage 18: ten times 1,950/s for 6 s: {:.0} % answered when changes go to the primary, {:.0} % when a journal takes them; backlog {backlog:.0}, applied at {rate:.0}/s, primary {:.0} % busy; calm p95 {:.0} and {:.0} ms",
        100.0 * direct,
        100.0 * later,
        100.0 * busy,
        calm[0].p95_ms(),
        calm[1].p95_ms(),
    );
    assert!(direct < 0.5 && later > 0.98);
    assert!((2_450.0..=2_501.0).contains(&rate));
    assert!(backlog > 80_000.0 && busy < 0.75);
    assert!(calm.iter().all(|outcome| outcome.errors_per_s() < 1.0));
}

#[test]
fn a_daemon_that_stops_hides_changes_until_it_runs_again() {
    let stage = broken(&stage("18-delayed-writes"), "journal", FaultKind::Stuck, 3, 3);
    let mut run = begun_until(&stage, 3);
    let before = run.counts().stale;
    run.run_until(6 * SECOND_NS);
    let (stale, backlog) = (run.counts().stale - before, figure(&run, "journal", "backlog"));
    run.run_until(20 * SECOND_NS);
    let left = figure(&run, "journal", "backlog");
    println!(
        "stage 18: a daemon that stops for 3 s leaves {backlog:.0} changes and shows {stale} old rows; 14 s later {left:.0}"
    );
    assert!((5_000.0..6_200.0).contains(&backlog) && stale > 30 && left < 500.0);
    assert_eq!(run.counts().failed_in_all(), 0);
}

#[test]
fn what_contradicts_is_undone() {
    let run = begun_until(&with(&stage("18-delayed-writes"), &[("journal.rejected", "0.02")]), 8);
    let of = |name| figure(&run, "journal", name);
    println!("stage 18: of {:.0} applied changes {:.0} were undone by their inverse", of("applied"), of("compensated"));
    assert!((of("compensated") / of("applied") - 0.02).abs() < 0.005);
}
