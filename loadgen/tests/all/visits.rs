//! Calibration of stages in which a request does not come by every station exactly once: what is found is the demand of a
//! visit, which is what a stage file holds.

use hockeystick_core::component::Settings;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Rate;
use hockeystick_core::workload::Class;
use hockeystick_loadgen::fit::{self, Fitted};
use hockeystick_loadgen::model::Loaded;

use crate::model::{loaded, results, seen};

/// A front that calls a service three times for each read, an idle balancer, and users at two distances.
const SERVICES: &str = r#"
schema = 1
title = "Two services"
rate = "10/s"
[workload]
mix = { read = 0.8, write = 0.2 }
[[component]]
id = "near"
kind = "clients"
handshake = 0
[[component]]
id = "far"
kind = "clients"
handshake = 0
[[component]]
id = "balancer"
kind = "load-balancer"
machine = "small"
[[component]]
id = "front"
kind = "app-server"
machine = "small"
workers = 64
demand = { read = "4 ms", write = "6 ms" }
calls = { read = 3, write = 1 }
[[component]]
id = "service"
kind = "app-server"
machine = "small"
copies = 2
workers = 3
demand = { read = "1 ms", write = "2 ms" }
[[link]]
path = ["near", "balancer"]
latency = "1 ms"
[[link]]
path = ["far", "balancer"]
latency = "11 ms"
[[link]]
path = ["balancer", "front", "service"]
latency = "0.1 ms"
"#;

/// Fits the stage of `guess` to what the one of `truth` would measure at these loads.
fn fitted(truth: &Loaded, guess: &Loaded, rates: &[f64]) -> Fitted {
    let steps = rates.iter().map(|rate| {
        let mut at = truth.stage.clone();
        at.workload.rate = Rate::per_second(*rate);
        seen(&at, false, true)
    });
    let results = results(steps.collect());
    let chosen: Vec<usize> = (0..rates.len()).collect();
    fit::fit(&results, guess, &chosen, 1).unwrap()
}

fn demand_ms(stage: &Stage, component: &str, class: Class) -> f64 {
    match &stage.components[stage.component(component).unwrap()].settings {
        Settings::AppServer(app) => app.demand.get(class).mean.as_ms_f64(),
        Settings::Database(database) => database.demand.get(class).mean.as_ms_f64(),
        _ => panic!("{component} demands nothing"),
    }
}

#[test]
fn a_service_that_is_called_three_times_has_the_demand_of_one_call() {
    let truth = loaded(SERVICES);
    let guess = loaded(&SERVICES.replace("\"1 ms\", write = \"2 ms\"", "\"3 ms\", write = \"6 ms\""));
    let fitted = fitted(&truth, &guess, &[60.0, 100.0, 140.0]);
    for (component, class, truth_ms) in [
        ("service", Class::Read, 1.0),
        ("service", Class::Write, 2.0),
        ("front", Class::Read, 4.0),
        ("front", Class::Write, 6.0),
    ] {
        let found_ms = demand_ms(&fitted.stage, component, class);
        assert!((found_ms / truth_ms - 1.0).abs() < 0.03, "{component} {class:?}: {found_ms} ms");
    }
    // Which of two app servers has how many workers, and which users are how far away, response times do not tell.
    assert_eq!(fitted.shape.workers, None);
    for (component, workers) in [("front", 64), ("service", 3)] {
        let index = fitted.stage.component(component).unwrap();
        let Settings::AppServer(app) = &fitted.stage.components[index].settings else { panic!() };
        assert_eq!(app.workers, workers, "{component}");
    }
    let latency_ms = |users: &str| {
        let from = fitted.stage.component(users).unwrap();
        fitted.stage.links.iter().find(|link| link.from == from).unwrap().latency.as_ms_f64()
    };
    assert!(
        (latency_ms("far") - latency_ms("near") - 10.0).abs() < 1e-6,
        "{} {}",
        latency_ms("far"),
        latency_ms("near")
    );
    assert_eq!(loaded(&fitted.text).stage, fitted.stage);
    // A balancer has work to do as well, and no demand that could be fitted.
    assert!(
        fitted.warnings.iter().any(|text| text.starts_with("`balancer cpu` has no demand")),
        "{:?}",
        fitted.warnings
    );
}

#[test]
fn a_database_behind_a_cache_has_the_demand_of_a_miss() {
    let truth = hockeystick_content::builtin::text("11-cache", "stage.toml").unwrap();
    let demand = "read = \"3.2 ms\", write = \"2 ms\", job = \"4 ms\"";
    assert!(truth.contains(demand));
    let guess = loaded(&truth.replace(demand, "read = \"6.4 ms\", write = \"4 ms\", job = \"8 ms\""));
    let fitted = fitted(&loaded(truth), &guess, &[1000.0, 2000.0, 3000.0]);
    for (class, truth_ms) in [(Class::Read, 3.2), (Class::Write, 2.0), (Class::Job, 4.0)] {
        let found_ms = demand_ms(&fitted.stage, "database", class);
        // The cache still fills while it is measured.
        assert!((found_ms / truth_ms - 1.0).abs() < 0.1, "{class:?}: {found_ms} ms");
    }
}
