//! The power of the check: `loadgen check` itself, on measurements that the engine made of a deployment which is the model,
//! or in which one component demands more of its processor than the model says. A check that cannot fail proves nothing.
//!
//! The share of right verdicts is printed: `cargo nextest run -p hockeystick-loadgen --test all power:: --no-capture`. More
//! measurements of each deployment with `HOCKEYSTICK_COUNT=50`, others with `HOCKEYSTICK_FIRST=1000`.

use std::path::Path;
use std::process::Command;

use hockeystick_core::measurement::{Ended, Generator, Results, SCHEMA, Step};
use hockeystick_core::stage::Stage;
use hockeystick_core::workload::{Arrivals, Class, PerClass};
use hockeystick_loadgen::store;
use hockeystick_probe::{fuzz, measured};

/// Milliseconds that a request of each class demands of the app's processor, and of the database's.
const APP_MS: PerClass<f64> = PerClass([0.3, 1.6, 2.0, 0.0]);
const DB_MS: PerClass<f64> = PerClass([0.0, 2.0, 4.0, 0.0]);
const MIX: PerClass<f64> = PerClass([0.3, 0.5, 0.2, 0.0]);
/// How much demands vary around their means, as those of a small app do.
const VARIATION: f64 = 0.3;
/// How busy the held-out steps keep the database, by the model; and their length.
const BUSY: [f64; 2] = [0.55, 0.7];
const SECONDS: f64 = 60.0;
/// Measurements of each deployment, unless more are asked for.
const MEASUREMENTS: u64 = 4;

/// A deployment whose app, and whose database, demand so many times what the model says.
#[derive(Clone, Copy)]
struct Deployment {
    app: f64,
    db: f64,
}

const MODEL: Deployment = Deployment { app: 1.0, db: 1.0 };

impl Deployment {
    fn demands_s(self) -> [(&'static str, PerClass<f64>); 2] {
        let scaled = |ms: PerClass<f64>, factor: f64| PerClass(ms.0.map(|ms| ms * factor / 1e3));
        [("box cpu", scaled(APP_MS, self.app)), ("store cpu", scaled(DB_MS, self.db))]
    }

    /// The stage file.
    fn text(self) -> String {
        let [app, db] = self.demands_s().map(|(_, demand_s)| {
            let demand = |(class, s): (Class, &f64)| {
                format!("{} = {{ mean = \"{} ms\", cv = {VARIATION} }}", class.name(), s * 1e3)
            };
            demand_s.iter().map(demand).collect::<Vec<_>>().join(", ")
        });
        format!(
            r#"schema = 1
title = "Two hosts"
rate = "10/s"
[workload]
mix = {{ static = 0.3, read = 0.5, write = 0.2 }}
[machine.box]
vcpus = 1
memory = "1 GB"
[machine.store]
vcpus = 1
memory = "1 GB"
[[component]]
id = "users"
kind = "clients"
handshake = 0
[[component]]
id = "app"
kind = "app-server"
machine = "box"
workers = 256
queries = {{ static = 0, read = 1, write = 1, job = 0 }}
process_memory = "30 MB"
memory_per_request = "1 kB"
demand = {{ {app} }}
[[component]]
id = "db"
kind = "database"
machine = "store"
demand = {{ {db} }}
[[link]]
path = ["users", "app"]
latency = "1 ms"
[[link]]
path = ["app", "db"]
latency = "0.2 ms"
"#
        )
    }

    fn stage(self) -> Stage {
        crate::common::stage(&self.text())
    }

    /// What a run would have written.
    fn measure(self, stage: &Stage, seed: u64) -> Results {
        let demand_s: f64 = MIX.iter().map(|(class, share)| share * DB_MS.get(class) / 1e3).sum();
        let step = |(number, busy): (u64, f64)| {
            let schedule = measured::arrivals(busy / demand_s, &MIX, SECONDS, 2 * seed + number);
            Step { held_out: true, ..measured::step(stage, &schedule, &self.demands_s(), 1_000_000 + seed) }
        };
        Results {
            schema: SCHEMA,
            generator: Generator { name: "the engine".to_owned(), processors: 1, users: 1_000 },
            started: "2026-01-01T00:00:00Z".to_owned(),
            host: "http://127.0.0.1:1".to_owned(),
            seed,
            arrivals: Arrivals::Poisson,
            plan: None,
            shard: None,
            merged: Vec::new(),
            ended: Ended::Complete,
            missed: Vec::new(),
            steps: (0..).zip(BUSY).map(step).collect(),
        }
    }

    /// How many measurements of it the model passes, cannot tell from its own, and fails: exit codes 0, 3 and 1.
    fn verdicts(self, folder: &Path) -> [u64; 3] {
        let (first, count) = match std::env::var_os("HOCKEYSTICK_COUNT") {
            Some(_) => fuzz::asked(),
            None => (1, MEASUREMENTS),
        };
        std::fs::write(folder.join("model.toml"), MODEL.text()).unwrap();
        let (stage, mut counts) = (self.stage(), [0; 3]);
        for seed in first..first + count {
            store::write_results(&folder.join("results.json"), &self.measure(&stage, seed)).unwrap();
            let arguments = ["check", "results.json", "--stage", "model.toml"];
            let output =
                Command::new(env!("CARGO_BIN_EXE_loadgen")).current_dir(folder).args(arguments).output().unwrap();
            let index = match output.status.code() {
                Some(0) => 0,
                Some(3) => 1,
                Some(1) => 2,
                code => panic!("seed {seed}: {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
            };
            counts[index] += 1;
        }
        counts
    }
}

/// Prints how often the verdict is the right one, and gives the shares: right, undecided, wrong.
fn shares(what: &str, deployment: Deployment, is_model: bool) -> [f64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let [agrees, undecided, disagrees] = deployment.verdicts(folder.path());
    let all = (agrees + undecided + disagrees) as f64;
    let (right, wrong) = if is_model { (agrees, disagrees) } else { (disagrees, agrees) };
    println!("{what}: {right} of {all} right, {undecided} undecided, {wrong} wrong");
    [right, undecided, wrong].map(|count| count as f64 / all)
}

#[test]
fn a_deployment_like_the_model_agrees() {
    let [right, _, wrong] = shares("like the model", MODEL, true);
    assert!(right >= 0.8 && wrong == 0.0);
}

#[test]
fn two_per_cent_more_demand_at_one_component_still_agree() {
    for (what, deployment) in
        [("app + 2 %", Deployment { app: 1.02, ..MODEL }), ("database + 2 %", Deployment { db: 1.02, ..MODEL })]
    {
        let [right, _, wrong] = shares(what, deployment, true);
        assert!(right >= 0.8 && wrong == 0.0, "{what}");
    }
}

#[test]
fn a_quarter_more_demand_at_one_component_disagrees() {
    for (what, deployment) in
        [("app + 25 %", Deployment { app: 1.25, ..MODEL }), ("database + 25 %", Deployment { db: 1.25, ..MODEL })]
    {
        let [right, _, wrong] = shares(what, deployment, false);
        assert!(right >= 0.99 && wrong == 0.0, "{what}");
    }
}
