//! Input that no stage can be made of: each mistake is found where it stands, or the result stays bounded.

use std::time::{Duration, Instant};

use hockeystick_content::stage::{StageErrors, fault, read};
use hockeystick_content::{TEXT_BYTES_MAX, builtin};
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::theory;

const GOOD: &str = include_str!("../fixtures/good.toml");

fn try_read(text: &str) -> Result<Stage, StageErrors> {
    read(text, "stage.toml", &builtin::catalogue())
}

/// The good file with one text replaced, or with a text at its end.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the fixture has no `{old}`");
    if old.is_empty() { format!("{GOOD}\n{new}") } else { GOOD.replacen(old, new, 1) }
}

#[test]
fn each_mistake_is_found_where_it_stands() {
    const CACHE: &str = "[[component]]\nid = \"aside\"\nkind = \"cache\"\nmachine = \"box\"\n";
    let again = |id: &str| CACHE.replace("aside", id);
    let link = |path: &str| format!("[[link]]\npath = {path}");
    let cases = [
        // What is replaced, by what; the field that is named, what is said of it, and what stands on its line.
        ("", link(r#"["database", "app"]"#), "link[2].path", "does not call", "\"database\", \"app\""),
        ("", link(r#"["app", "app"]"#), "link[2].path", "circle", "\"app\", \"app\""),
        ("", CACHE.to_owned(), "component[4]", "no way leads", "[[component]]"),
        ("", link(r#"["app", "nowhere"]"#), "link[2].path[1]", "no such component", "nowhere"),
        ("", link(r#"["app"]"#), "link[2].path", "not a path", "[\"app\"]"),
        ("", link(r#"["app", "database"]"#), "link[2].path", "linked already", "\"database\""),
        ("", again("app"), "component[4].id", "another `app`", "id = \"app\""),
        ("", again("box"), "machine.box", "another `box`", "[machine.box]"),
        ("workers = 16", "copies = 1_000_000".to_owned(), "component", "too many", "[[component]]"),
        ("workers = 16", "copies = 4294967296".to_owned(), "component[2].copies", "", "copies"),
        ("users  = 1_000", "rate = \"1e400/s\"".to_owned(), "rate", "", "rate"),
        ("users  = 1_000", format!("rate = \"{}/s\"", "9".repeat(400)), "rate", "", "rate"),
        ("users  = 1_000", "users = 9223372036854775807".to_owned(), "users", "out of range", "users"),
        ("quota = 0.5", "quota = 0".to_owned(), "machine.box.quota", "out of range", "quota"),
        ("quota = 0.5", "speed = 0".to_owned(), "machine.box.speed", "out of range", "speed"),
        ("quota = 0.5", "vcpus = 0".to_owned(), "machine.box.vcpus", "out of range", "vcpus"),
        ("quota = 0.5", "memory = \"0 B\"".to_owned(), "machine.box.memory", "out of range", "memory"),
        ("quota = 0.5", "disk_channels = 0".to_owned(), "machine.box.disk_channels", "out of range", "disk_channels"),
        ("workers = 16", "workers = 0".to_owned(), "component[2].workers", "out of range", "workers"),
        ("workers = 16", "copies = 0".to_owned(), "component[2].copies", "out of range", "copies"),
        (
            "latency = \"20 ms\"",
            "bandwidth = \"0 Mbit/s\"".to_owned(),
            "link[1].bandwidth",
            "out of range",
            "bandwidth",
        ),
        ("latency = \"20 ms\"", "latency = \"2 h\"".to_owned(), "link[1].latency", "out of range", "latency"),
        ("latency = \"20 ms\"", "for = []".to_owned(), "link[1].for", "no class", "for"),
        ("speed = 0.2", "speed = nan".to_owned(), "fault[1].speed", "out of range", "speed"),
        ("on = \"app#1\"", "on = \"app#7\"".to_owned(), "fault[1].on", "no such", "app#7"),
        ("on = \"app#1\"", "on = \"app -> users\"".to_owned(), "fault[1].on", "no such link", "app -> users"),
    ];
    for (old, new, path, message, line) in cases {
        let text = with(old, &new);
        let errors = try_read(&text).err().unwrap_or_else(|| panic!("{new} was taken"));
        let found = errors.problems().iter().find(|problem| problem.path == path && problem.message.contains(message));
        let found = found.unwrap_or_else(|| panic!("{new}: {}", errors.lines()));
        let shown = text.lines().nth(found.line - 1).unwrap();
        assert!(shown.contains(line), "{new}: line {} is `{shown}`; {}", found.line, errors.lines());
        assert!(!found.help.is_empty(), "{new}: {}", errors.lines());
    }
}

#[test]
fn a_circle_of_calls_is_found_at_one_of_its_links() {
    let service = |id: &str| format!("[[component]]\nid = \"{id}\"\nkind = \"app-server\"\nmachine = \"box\"\n");
    let circle = "[[link]]\npath = [\"app\", \"search\", \"basket\", \"app\"]\n";
    let errors = try_read(&format!("{GOOD}\n{}{}{circle}", service("search"), service("basket"))).unwrap_err();
    let found = &errors.problems()[0];
    assert_eq!((found.path.as_str(), errors.problems().len()), ("link[2].path", 1), "{}", errors.lines());
    assert!(found.message.contains("circle"), "{}", errors.lines());
}

#[test]
fn a_million_components_are_refused_at_once() {
    let one = "[[component]]\nid = \"a\"\nkind = \"dns\"\n";
    for count in [10_000, 1_000_000] {
        let begun = Instant::now();
        let errors = try_read(&format!("{GOOD}\n{}", one.repeat(count))).unwrap_err();
        assert!(errors.lines().contains("too many"), "{}", errors.lines());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?} for {count}", begun.elapsed());
    }
    const { assert!(TEXT_BYTES_MAX < 40_000_000) };
}

#[test]
fn the_highest_rate_that_is_taken_has_a_bounded_result() {
    let stage = try_read(&with("users  = 1_000", "rate = \"10000000/s\"")).unwrap();
    let outcome = run(&stage, &RunOptions { seed: 1, seconds: 0.05, confidence: 0.95 }, &mut |_| ()).unwrap().outcome;
    let theory = theory::solve(&stage);
    for outcome in [&outcome, &theory] {
        let throughput = outcome.throughput_per_s.known();
        assert!(throughput.is_none_or(|per_s| (0.0..=1e7).contains(&per_s)), "{throughput:?}");
        for (name, busy) in &outcome.utilisation {
            // Of half a processor the quota lets a short run have a whole one.
            assert!(busy.known().is_none_or(|busy| (0.0..=2.001).contains(&busy)), "{name}: {busy:?}");
        }
    }
}

#[test]
fn a_fault_in_a_line_is_the_fault_of_a_file() {
    let stage = try_read(GOOD).unwrap();
    let app = stage.component("app").unwrap();
    let long = fault(&stage, r#"{ at = "30 s", on = "app#1", kind = "down", for = "20 s" }"#, "--fault").unwrap();
    assert_eq!(fault(&stage, "down:app#1@30s+20s", "--fault").unwrap(), long);
    assert_eq!((long.on, long.kind), (Target::Component(app, Some(0)), FaultKind::Down));
    let slow = fault(&stage, "slow,speed=0.2:box@1min", "--fault").unwrap();
    assert_eq!((slow.kind, slow.lasts), (FaultKind::Slow { speed: 0.2 }, None));
    let cut = fault(&stage, "cut:app -> database@30 s+500 ms", "--fault").unwrap();
    assert!(matches!(cut.on, Target::Link(_)));
    let leak = fault(&stage, "memory-leak,per_s=10 MB:app@0s", "--fault").unwrap();
    assert!(matches!(leak.kind, FaultKind::MemoryLeak { per_s } if per_s.0 == 10_000_000));
}

#[test]
fn a_fault_in_a_line_that_is_wrong_is_explained_like_one_of_a_file() {
    let stage = try_read(GOOD).unwrap();
    let mut report = String::new();
    for text in [
        "down",
        "down:app",
        "dwon:app@30s",
        "down:ap@30s",
        "down:app#0@30s",
        "down:app#9@30s",
        "down:app@soon",
        "down:app@30s+ever",
        "slow:app@30s",
        "slow,speed=2:app@30s",
        "slow,sped=0.2:app@30s",
        "down,speed=0.2:app@30s",
        "lossy,loss=0.1:app@30s",
        "stuck:app@30s",
        "connection-leak,share=0.1:users@30s",
        "down:app -> users@30s",
        "slow,speed:app@30s",
        "down,x]\n[y=1:app@30s",
        "{ at = \"30 s\", on = \"app#1\" }",
        "{ at = 30, on = \"app#1\", kind = \"down\" }",
        "{ at = \"30 s\", on = \"app#1\", kind = \"down\", colour = 1 }",
        "{ at = ",
        "{}\n[fault]",
        "",
    ] {
        let errors = fault(&stage, text, "--fault").err().unwrap_or_else(|| panic!("{text} was taken"));
        report += &format!("{}\n{}\n\n", text.escape_debug(), errors.lines());
    }
    insta::assert_snapshot!(report);
}
