//! Settings that no stage of the journey turns: theory finds what the simulation finds, or says what it leaves out.

use hockeystick_content::{builtin, stage};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::solve;

/// A stage of users and what else is said; every link takes a millisecond.
fn read(workload: &str, components: &str, paths: &[&str]) -> Stage {
    let mut text = format!("schema = 1\ntitle = \"A setting\"\n{workload}\n{components}\n");
    for path in paths {
        let ids: Vec<String> = path.split_whitespace().map(|id| format!("\"{id}\"")).collect();
        text += &format!("[[link]]\npath = [{}]\nlatency = \"1 ms\"\n", ids.join(", "));
    }
    stage::read(&text, "stage.toml", &builtin::catalogue()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn component(id: &str, kind: &str, settings: &str) -> String {
    format!("[[component]]\nid = \"{id}\"\nkind = \"{kind}\"\n{settings}\n")
}

fn workload(rate_per_s: f64, mix: &str) -> String {
    format!("rate = \"{rate_per_s}/s\"\n[workload]\nmix = {{ {mix} }}")
}

fn both(stage: &Stage, seconds: f64) -> [Outcome; 2] {
    let options = RunOptions { seed: 5, seconds, confidence: 0.95 };
    [run(stage, &options, &mut |_| ()).unwrap().outcome, solve(stage)]
}

/// How busy a station is, by simulation and by theory, as shares.
fn agree(outcomes: &[Outcome; 2], station: &str) {
    let [simulated, theory] = outcomes.each_ref().map(|outcome| outcome.utilisation[station].known().unwrap());
    let near = (theory / simulated - 1.0).abs() < 0.05 || (theory - simulated).abs() < 0.003;
    assert!(near, "{station}: {simulated} simulated, {theory} by theory");
}

/// What theory says that the mean response time rests on.
fn basis(outcomes: &[Outcome; 2]) -> String {
    serde_json::to_string(&outcomes[1].response_ms.mean).unwrap()
}

const APP: &str = "machine = \"medium\"\ndemand = \"4 ms\"\nqueries = 0";

#[test]
fn what_is_in_browsers_is_not_sent() {
    let near = component("near", "clients", "browser_cache = 0.8");
    let far = component("far", "clients", "share = 3");
    let app = component("app", "app-server", APP);
    let open = workload(100.0, "static = 0.7, read = 0.3");
    let paths = ["near app", "far app"];
    let one = both(&read(&open, &format!("{near}{app}"), &paths[..1]), 400.0);
    agree(&one, "app cpu");
    let throughput = |outcome: &Outcome| outcome.throughput_per_s.known().unwrap();
    assert!((throughput(&one[1]) - 44.0).abs() < 1e-9, "{}", throughput(&one[1]));
    // Where only some keep files, the others send theirs.
    agree(&both(&read(&open, &format!("{near}{far}{app}"), &paths), 400.0), "app cpu");
    // Those who wait for answers think again.
    let closed = format!("{open}\nclosed = {{ users = 20, think = \"200 ms\" }}");
    let closed = both(&read(&closed, &format!("{near}{app}"), &paths[..1]), 400.0);
    agree(&closed, "app cpu");
    let [simulated, theory] = closed.each_ref().map(throughput);
    assert!((theory / simulated - 1.0).abs() < 0.03, "{simulated} and {theory}");
}

#[test]
fn a_read_of_every_shard_asks_those_in_use_once() {
    let shards = |settings: &str| component("shards", "shards", &format!("scatter = {{ read = 1.0 }}\n{settings}"));
    let database = |id: &str, settings: &str| {
        component(id, "database", &format!("machine = \"medium\"\nsearches = 0.0\njoins = 0.0\n{settings}"))
    };
    let front =
        component("users", "clients", "") + &component("app", "app-server", &APP.replace("queries = 0", "queries = 1"));
    let load = workload(100.0, "read = 1.0");
    let copies = front.clone() + &shards("shards = 2") + &database("db", "copies = 8");
    let outcomes = both(&read(&load, &copies, &["users app shards db"]), 200.0);
    ["db#1 cpu", "db#2 cpu", "db#3 cpu"].iter().for_each(|station| agree(&outcomes, station));
    let apart = front + &shards("") + &["one", "two", "three"].map(|id| database(id, "")).concat();
    let outcomes = both(&read(&load, &apart, &["users app shards one", "shards two", "shards three"]), 200.0);
    ["one cpu", "two cpu", "three cpu"].iter().for_each(|station| agree(&outcomes, station));
}

#[test]
fn nobody_looks_after_a_server_without_a_supervisor() {
    let app = component(
        "app",
        "app-server",
        &format!("{APP}\nsupervised = false\ncrash_every = \"50 s\"\nrepair = \"50 s\""),
    );
    let stage = read(&workload(20.0, "read = 1.0"), &(component("users", "clients", "") + &app), &["users app"]);
    let [simulated, theory] = both(&stage, 40_000.0).map(|outcome| outcome.throughput_per_s.known().unwrap());
    assert!((theory / simulated - 1.0).abs() < 0.05, "{simulated} and {theory}");
}

#[test]
fn work_that_is_done_again_is_counted() {
    let front = component("users", "clients", "") + &component("app", "app-server", APP);
    let queue = component("queue", "queue", "machine = \"medium\"\npoison = 0.3\nretry_after = \"1 s\"");
    let workers = component("workers", "app-server", "machine = \"medium\"\ndemand = \"10 ms\"\nqueries = 0");
    let jobs = read(&workload(40.0, "job = 1.0"), &format!("{front}{queue}{workers}"), &["users app queue workers"]);
    agree(&both(&jobs, 400.0), "workers cpu");
    let journal = component("journal", "journal", "machine = \"medium\"\nrejected = 0.8");
    let database = component("db", "database", "machine = \"medium\"\nwrites = { write = 1.0 }");
    let changes =
        read(&workload(80.0, "write = 1.0"), &format!("{front}{journal}{database}"), &["users app journal db"]);
    agree(&both(&changes, 400.0), "db cpu");
}

#[test]
fn what_is_looked_up_again_takes_its_round_trips() {
    let front = component("users", "clients", "handshake = 0")
        + &component("app", "app-server", &APP.replace("queries = 0", "queries = 1"));
    let store = component(
        "db",
        "database",
        "machine = \"medium\"\nfamily = \"key-value\"\njoins = 1.0\njoin_lookups = 10\nsearches = 0.0",
    );
    let outcomes = both(&read(&workload(20.0, "read = 1.0"), &(front + &store), &["users app db"]), 1000.0);
    let [simulated, theory] = outcomes.each_ref().map(|outcome| outcome.response_ms.mean.known().unwrap());
    assert!(simulated > 20.0 && (theory / simulated - 1.0).abs() < 0.05, "{simulated} and {theory} ms");
}

#[test]
fn a_database_has_the_memory_that_its_neighbours_leave() {
    let load = format!("{}\npopularity = {{ zipf = 0.5, items = 1_000_000 }}", workload(20.0, "read = 1.0"));
    let boxed = "[machine.box]\nvcpus = 2\nmemory = \"2 GB\"\n";
    let app =
        component("app", "app-server", "machine = \"box\"\nprocess_memory = \"1 GB\"\ndemand = \"1 ms\"\nqueries = 2");
    let database = component("db", "database", "machine = \"box\"\nrows = 5_000_000\nsearches = 0.0");
    let all = format!("{boxed}{}{app}{database}", component("users", "clients", ""));
    agree(&both(&read(&load, &all, &["users app db"]), 1000.0), "box disk");
}

#[test]
fn what_theory_leaves_out_it_says() {
    let users = component("users", "clients", "");
    let wide = "machine = \"xlarge\"\ndemand = \"2 ms\"\nworkers = 200";
    let (app, service) = (format!("{wide}\nqueries = 1"), component("service", "app-server", wide));
    let front = |more: &str| users.clone() + &component("app", "app-server", &format!("{app}\n{more}"));
    let database = |settings: &str| component("db", "database", &format!("machine = \"xlarge\"\n{settings}"));
    let load = workload(500.0, "read = 0.9, write = 0.1");
    let told = |components: &str, paths: &[&str]| basis(&both(&read(&load, components, paths), 2.0));
    for (components, expected) in [
        (front("") + &database("connections = 3"), "for want of a connection"),
        (front("") + &database("rows = 2_000_000\narchive_every = \"1 s\"\narchive_keeps = 1_000"), "archiving"),
    ] {
        let told = told(&components, &["users app db"]);
        assert!(told.contains(expected) && !told.contains("exact"), "{told}");
    }
    let told = told(&(front("bulkhead = 1") + &service), &["users app service"]);
    assert!(told.contains("bulkhead"), "{told}");
    let mut narrow = read(&load, &(front("") + &database("")), &["users app db"]);
    narrow.links[1].bandwidth = Some("10 Mbit/s".parse().unwrap());
    let told = basis(&both(&narrow, 2.0));
    assert!(told.contains("large answers"), "{told}");
    // A store that refuses has no steady answer.
    let store = users + &component("store", "object-store", "");
    let refused = basis(&both(&read(&workload(8000.0, "static = 1.0"), &store, &["users store"]), 2.0));
    assert!(refused.contains("not_applicable") && refused.contains("refuses"), "{refused}");
}
