//! Whatever is set within the rules, a run comes to its time, and holds no more memory than a page has.

use hockeystick_core::component::{Settings, app_server, cdn, clients, database, replica};
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::stage::{Link, Stage};
use hockeystick_core::units::{Bytes, Duration, SECOND_NS};
use hockeystick_core::workload::{Demand, PerClass};
use hockeystick_probe::{component, first_stage, patient};

use crate::table::{add, closed, exponential, rows, sharing, users};

/// The stage after so many seconds, to which it must come in some millions of events.
fn after(stage: &Stage, seconds: u64) -> Simulation {
    let mut run = Simulation::new(stage, 1).unwrap();
    let came = run.run_chunk(seconds * SECOND_NS, 20_000_000);
    assert!(came, "after {} events it is at {} ns", run.events(), run.now());
    run
}

#[test]
fn a_machine_smaller_than_its_operating_system_runs_nothing() {
    let mut stage = first_stage(20.0);
    assert!(stage.set_knob("box.memory", 100e6) && stage.set_knob("box.swap", 0.0));
    let run = after(&stage, 60);
    assert_eq!(run.counts().completed, 0);
    assert!(run.counts().arrived > 1_000);
}

#[test]
fn a_process_that_does_not_fit_is_started_again_and_again_but_not_all_the_time() {
    let mut stage = first_stage(20.0);
    assert!(stage.set_knob("box.memory", 300e6) && stage.set_knob("box.swap", 0.0));
    assert!(stage.set_knob("app.restart", 0.0) && stage.set_knob("database.restart", 0.0));
    after(&stage, 10);
}

#[test]
fn users_who_need_no_time_and_ask_for_nothing_do_not_stop_the_clock() {
    let mut stage = closed(users(1.0), 10, Demand::constant(Duration::ZERO));
    let settings = clients::Settings { browser_cache: 1.0, ..patient() };
    stage.components[0].settings = Settings::Clients(settings);
    add(&mut stage, "app", Some(1), Settings::AppServer(sharing(exponential(1.0))), &["users"]);
    let run = after(&stage, 10);
    assert_eq!(run.counts().arrived, 0);
}

#[test]
fn what_a_replica_sends_on_fails_where_its_caller_knows_no_primary() {
    let mut stage = users(100.0);
    stage.workload.mix = PerClass([0.0, 1.0, 0.0, 0.0]);
    let app = app_server::Settings { queries: PerClass::all(1), ..sharing(exponential(1.0)) };
    let half = replica::Settings { keeps: 0.5, ..replica::Settings::default() };
    add(&mut stage, "app", Some(4), Settings::AppServer(app), &["users"]);
    add(&mut stage, "replica", Some(4), Settings::Replica(half), &["app"]);
    add(
        &mut stage,
        "database",
        Some(4),
        Settings::Database(database::Settings { ..rows(exponential(1.0)) }),
        &["replica"],
    );
    let run = after(&stage, 60);
    let counts = run.counts();
    let failed = counts.failed[Cause::Down as usize];
    assert_eq!(failed, counts.failed_in_all());
    assert!(failed > 1_000 && counts.completed > 1_000, "{counts:?}");
}

#[test]
fn an_edge_keeps_no_more_files_than_memory_has_room_for() {
    let mut stage = users(100.0);
    let roomy = cdn::Settings { size: Bytes(105_000_000_000), ..cdn::Settings::default() };
    stage.components.push(component("cdn", None, Settings::Cdn(roomy)));
    stage.links.push(Link::new(0, 1, Duration::ZERO));
    add(&mut stage, "app", Some(4), Settings::AppServer(sharing(exponential(1.0))), &["cdn"]);
    stage.workload.popularity.items = 1_000_000_000;
    stage.workload.response_size = PerClass::all(Bytes(35_000));
    let run = after(&stage, 1);
    let kept = run.metrics(1).iter().find(|metric| metric.name == "kept").unwrap().reading.number();
    assert!((900_000.0..1_000_100.0).contains(&kept), "{kept}");
}
