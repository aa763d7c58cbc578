//! Stage 03-staying-up: a process that dies, and a disk that fills.

use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Fault, FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, SECOND_NS};

use super::harness::{SEED, stage, with};

const SLUG: &str = "03-staying-up";
const DAY: u64 = 86_400 * SECOND_NS;

/// The stage without what is named.
fn without(stage: &Stage, id: &str) -> Stage {
    let mut changed = stage.clone();
    let index = changed.component(id).unwrap();
    changed.components.remove(index);
    changed.links.retain(|link| link.from != index && link.to != index);
    for link in &mut changed.links {
        link.from -= usize::from(link.from > index);
        link.to -= usize::from(link.to > index);
    }
    changed
}

fn lived(stage: &Stage, until: u64) -> Simulation {
    let mut run = Simulation::new(stage, SEED).unwrap();
    run.run_until(until);
    run
}

/// Share of the requests that were answered.
fn availability(run: &Simulation) -> f64 {
    run.counts().completed as f64 / run.counts().arrived as f64
}

fn metric(run: &Simulation, node: &str, name: &str) -> f64 {
    let index = run.nodes().position(|info| info.name == node).unwrap();
    run.metrics(index).iter().find(|metric| metric.name == name).unwrap().reading.number()
}

#[test]
fn a_supervisor_turns_hours_into_seconds_and_a_monitor_into_minutes() {
    // Twenty days, with few requests so that they pass quickly: availability does not depend on the rate.
    let quiet = with(&stage(SLUG), &[("users.rate", "0.2/s"), ("app.crash_every", "6 h")]);
    let twenty_days = 20 * DAY;
    let alone = lived(&without(&with(&quiet, &[("app.supervised", "false")]), "monitor"), twenty_days);
    let monitored = lived(&with(&quiet, &[("app.supervised", "false")]), twenty_days);
    let supervised = lived(&without(&quiet, "monitor"), twenty_days);
    let theory = |repair_s: f64| 6.0 * 3_600.0 / (6.0 * 3_600.0 + repair_s);
    let [alone, called, supervised] = [&alone, &monitored, &supervised].map(availability);
    // Some 34 crashes in twenty days for the first, 80 for the others: a sixth of the mean, and less, of scatter.
    assert!((alone - theory(8.0 * 3_600.0)).abs() < 0.10, "{alone}");
    // Two looks until the alert at most, five minutes, and a minute and a half of looking at two processes.
    assert!((called - theory(465.0)).abs() < 0.01, "{called}");
    assert!(supervised > 0.999, "{supervised}");
    let detect_s = metric(&monitored, "monitor", "time_to_detect");
    assert!((60.0..=91.0).contains(&detect_s), "{detect_s}");
    assert_eq!(metric(&monitored, "monitor", "missed"), 0.0);
    println!(
        "stage 03 with a crash every 6 h: {:.0} % available until somebody finds it, {:.1} % with an alert (detected in \
         {detect_s:.0} s), {:.2} % with a supervisor",
        alone * 100.0,
        called * 100.0,
        supervised * 100.0
    );
}

#[test]
fn a_missing_alert_is_as_good_as_no_monitor() {
    let mut quiet =
        with(&stage(SLUG), &[("users.rate", "0.2/s"), ("app.crash_every", "6 h"), ("app.supervised", "false")]);
    let monitor = quiet.component("monitor").unwrap();
    quiet.faults =
        vec![Fault { at: Duration::ZERO, lasts: None, on: Target::Component(monitor, None), kind: FaultKind::Stuck }];
    let stuck = lived(&quiet, 20 * DAY);
    assert_eq!(metric(&stuck, "monitor", "alerts"), 0.0);
    assert!(availability(&stuck) < 0.6, "{}", availability(&stuck));
}

#[test]
fn a_crash_loop_defeats_a_supervisor() {
    // A minute up, ten seconds down.
    let looping = lived(&with(&stage(SLUG), &[("app.crash_every", "60 s")]), 3 * 3_600 * SECOND_NS);
    let found = availability(&looping);
    assert!((found - 60.0 / 70.0).abs() < 0.02, "{found}");
}

#[test]
fn a_log_fills_the_disk_and_everything_stops_unless_it_is_rotated() {
    // A gigabyte that is free: at 9.26 requests a second of 4 kB it lasts seven and a half hours.
    let small = with(&stage(SLUG), &[("box.disk", "1 GB"), ("app.crash_every", "0 s"), ("app.log_keep", "0 B")]);
    let small = without(&small, "monitor");
    let mut full = Simulation::new(&small, SEED).unwrap();
    full.run_until(7 * 3_600 * SECOND_NS);
    full.take_window();
    assert!(availability(&full) > 0.999);
    full.run_until(9 * 3_600 * SECOND_NS);
    full.take_window();
    full.run_until(10 * 3_600 * SECOND_NS);
    let window = full.take_window();
    assert_eq!(window.completed, 0, "every worker waits for room: {window:?}");

    let dropping = lived(&with(&small, &[("app.log_full", "drop")]), 10 * 3_600 * SECOND_NS);
    // What is left broken is the database: changes find no room, and so do a few of the jobs.
    let failed = 1.0 - availability(&dropping);
    assert!((0.005..0.025).contains(&failed), "{failed}");

    let rotated = lived(&with(&small, &[("app.log_keep", "500 MB")]), 10 * 3_600 * SECOND_NS);
    assert!(availability(&rotated) > 0.999_9, "{}", availability(&rotated));
    assert!((metric(&rotated, "app", "log") - 500e6).abs() < 1e5);

    let alert = [("app.log_keep", "0 B"), ("monitor.rule", "disk"), ("monitor.threshold", "0.9")];
    let watched = with(&stage(SLUG), &[("box.disk", "1 GB"), ("app.crash_every", "0 s")]);
    let watched = lived(&with(&watched, &alert), 10 * 3_600 * SECOND_NS);
    assert!(availability(&watched) > 0.999, "somebody empties it in time: {}", availability(&watched));
    println!(
        "stage 03 with a full disk: 0 of {} requests an hour are answered; with rotation, or an alert at 90 %, all of them",
        window.arrived
    );
}
