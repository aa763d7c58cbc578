//! The engine against the solver where that approximates: retries, doors in series, a hot shard, a replica that follows.

use crate::table::{add, exponential, rows, sharing, users};
use hockeystick_core::component::{Settings, database, replica, shards};
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::solve;
use hockeystick_core::units::Duration;
use hockeystick_core::workload::PerClass;

const SEED: u64 = 1;

fn simulated(stage: &Stage, seconds: f64) -> Outcome {
    let options = RunOptions { seed: SEED, seconds, ..RunOptions::default() };
    run(stage, &options, &mut |_| ()).unwrap_or_else(|problems| panic!("{problems:?}")).outcome
}

/// Theory's figure is within this share of the simulation's.
fn near(name: &str, simulated: &Estimate, theory: &Estimate, share: f64) {
    let (found, told) = (simulated.known().unwrap(), theory.known().unwrap_or_else(|| panic!("{name}: {theory:?}")));
    println!("{name:40} {found:12.4} {told:12.4} {:+6.1} %", 100.0 * (told / found - 1.0));
    assert!((told / found - 1.0).abs() < share, "{name}, seed {SEED}: {found} by simulation, {told} by theory");
}

/// A queue with little room, whose users send again what was refused.
fn again(rate_per_s: f64, tries: u32) -> Stage {
    let mut stage = users(rate_per_s);
    let Settings::Clients(clients) = &mut stage.components[0].settings else { unreachable!("users come first") };
    (clients.tries, clients.backoff, clients.backoff_growth) = (tries, Duration::from_ms(500), 2.0);
    let mut app = sharing(exponential(10.0));
    (app.workers, app.backlog) = (4, 6);
    add(&mut stage, "app", Some(4), Settings::AppServer(app), &["users"]);
    stage
}

#[test]
fn retries_amplify_as_the_fixed_point_says() {
    for (rate_per_s, tries) in [(360.0, 3), (440.0, 3), (300.0, 5)] {
        let stage = again(rate_per_s, tries);
        let (s, t) = (simulated(&stage, 20_000.0), solve(&stage));
        let name = format!("{rate_per_s}/s, {tries} tries");
        near(&format!("{name}, throughput"), &s.throughput_per_s, &t.throughput_per_s, 0.01);
        near(&format!("{name}, mean"), &s.response_ms.mean, &t.response_ms.mean, 0.10);
        near(&format!("{name}, busy"), &s.utilisation["app cpu"], &t.utilisation["app cpu"], 0.01);
    }
    // Of 440 a second on servers for 400 most are answered, if they come again.
    let (once, thrice) = (solve(&again(440.0, 1)), solve(&again(440.0, 3)));
    assert!(thrice.throughput_per_s.known().unwrap() > once.throughput_per_s.known().unwrap());
}

#[test]
fn doors_in_series_refuse_as_if_each_were_alone() {
    for rate_per_s in [90.0, 130.0] {
        let mut stage = users(rate_per_s);
        let mut web = sharing(exponential(4.0));
        (web.calls, web.workers, web.backlog) = (PerClass::all(1), 200, 50);
        add(&mut stage, "web", Some(2), Settings::AppServer(web), &["users"]);
        let mut orders = sharing(exponential(10.0));
        (orders.workers, orders.backlog) = (10, 10);
        add(&mut stage, "orders", Some(1), Settings::AppServer(orders), &["web"]);
        let (s, t) = (simulated(&stage, 20_000.0), solve(&stage));
        near(&format!("{rate_per_s}/s, throughput"), &s.throughput_per_s, &t.throughput_per_s, 0.01);
        near(&format!("{rate_per_s}/s, mean"), &s.response_ms.mean, &t.response_ms.mean, 0.05);
        near(&format!("{rate_per_s}/s, orders busy"), &s.utilisation["orders cpu"], &t.utilisation["orders cpu"], 0.01);
    }
}

#[test]
fn each_shard_is_as_busy_as_its_keys_are_popular() {
    for key in [shards::Key::Account, shards::Key::Range, shards::Key::Category, shards::Key::Time] {
        let mut stage = users(400.0);
        stage.workload.mix = PerClass([0.0, 0.5, 0.5, 0.0]);
        let mut app = sharing(exponential(0.1));
        app.queries = PerClass([0, 1, 1, 0]);
        add(&mut stage, "app", Some(8), Settings::AppServer(app), &["users"]);
        let router = shards::Settings { key, ..shards::Settings::default() };
        add(&mut stage, "shards", None, Settings::Shards(router), &["app"]);
        let store = database::Settings { searches: PerClass::all(0.0), ..rows(exponential(2.0)) };
        add(&mut stage, "database", Some(2), Settings::Database(store), &["shards"]);
        stage.components.last_mut().unwrap().copies = 4;
        let (s, t) = (simulated(&stage, 2_000.0), solve(&stage));
        for copy in 1..=4 {
            let name = format!("database#{copy} cpu");
            near(&format!("{key:?}, {name}"), &s.utilisation[&name], &t.utilisation[&name], 0.03);
        }
        near(&format!("{key:?}, mean"), &s.response_ms.mean, &t.response_ms.mean, 0.03);
    }
}

#[test]
fn a_replica_is_as_far_behind_as_its_queue_is_long() {
    for rate_per_s in [300.0, 700.0] {
        let mut stage = users(rate_per_s);
        stage.workload.mix = PerClass([0.0, 0.0, 1.0, 0.0]);
        let mut app = sharing(exponential(0.1));
        app.queries = PerClass([0, 0, 1, 0]);
        add(&mut stage, "app", Some(8), Settings::AppServer(app), &["users"]);
        let mut store = rows(exponential(1.0));
        (store.writes, store.growth) = (PerClass::all(1.0), 0.0);
        add(&mut stage, "database", Some(4), Settings::Database(store), &["app"]);
        let follower = replica::Settings { apply: exponential(1.0), ..replica::Settings::default() };
        add(&mut stage, "replica", Some(4), Settings::Replica(follower), &["database"]);
        // A disk that takes eight writes at once evens nothing out.
        stage.set_knob("database.disk_channels", 8.0);
        let (s, t) = (simulated(&stage, 5_000.0), solve(&stage));
        let name = "replica visible_after";
        near(&format!("{rate_per_s}/s, {name}"), &s.metrics[name], &t.metrics[name], 0.05);
    }
}
