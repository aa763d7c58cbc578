//! Reading stage files: good ones, wrong ones, hostile ones.

use std::fmt::Write;
use std::time::Duration;

use hockeystick_content::stage::{self, SetError};
use hockeystick_content::{TEXT_BYTES_MAX, catalogue};
use hockeystick_core::component::Settings;
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::stage::{FaultKind, Placement, Stage, Target};
use hockeystick_core::units::Bytes;
use hockeystick_core::workload::Class;
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

const GOOD: &str = include_str!("../fixtures/good.toml");

fn sizes() -> Catalogue {
    catalogue::read(include_str!("../fixtures/hardware.toml"), "hardware.toml").unwrap()
}

fn read(text: &str) -> Result<Stage, stage::StageErrors> {
    stage::read(text, "stage.toml", &sizes())
}

/// The good file with one text replaced.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "the fixture has no `{old}`");
    GOOD.replacen(old, new, 1)
}

/// What is said of the good file with each of these mistakes made in it.
fn reported(mistakes: &[(&str, &str)]) -> String {
    let mut report = String::new();
    for (old, new) in mistakes {
        let errors = read(&with(old, new)).unwrap_err();
        writeln!(report, "{} -> {}\n{}\n", old.escape_debug(), new.escape_debug(), errors.lines()).unwrap();
    }
    report
}

#[test]
fn a_good_file_is_read_as_it_says() {
    let stage = read(GOOD).unwrap();
    assert_eq!(stage.title, "Everything on one box");
    assert!((stage.workload.rate.per_s() - 9.259).abs() < 0.001);
    let machine = &stage.machines[0].machine;
    assert_eq!((machine.quota, machine.memory, machine.vcpus), (Some(0.5), Bytes(1_000_000_000), 1));
    let app = &stage.components[2];
    assert_eq!(app.machine, Some(Placement::Shared(0)));
    let Settings::AppServer(settings) = &app.settings else { panic!("{app:?}") };
    assert_eq!(settings.workers, 16);
    assert_eq!(settings.demand.get(Class::Read).cv, 0.5);
    assert_eq!(stage.links.len(), 3);
    assert_eq!(stage.faults[1].on, Target::Component(2, Some(0)));
    assert_eq!(stage.faults[1].kind, FaultKind::Slow { speed: 0.2 });
    assert_eq!(stage.challenge.unwrap().hints.len(), 2);
}

#[test]
fn a_component_without_a_place_stands_to_the_right_of_its_caller() {
    let stage = read(GOOD).unwrap();
    assert!(stage.components[3].at[0] > stage.components[2].at[0], "{:?}", stage.components[3].at);
}

#[test]
fn each_copy_on_a_size_has_a_machine_of_its_own() {
    let stage = read(&with("machine = \"box\"\nat", "machine = \"small\"\ncopies = 3\nat")).unwrap();
    assert!(matches!(&stage.components[2].machine, Some(Placement::Own { size: Some(size), .. }) if size == "small"));
    assert_eq!(stage.components[2].copies, 3);
}

#[test]
fn typical_mistakes_are_explained() {
    let mistakes = [
        ("workers = 16", "wrokers = 16"),
        ("workers = 16", "workers = -1"),
        ("workers = 16", "workers = \"many\""),
        ("timeout = \"10 s\"", "timeout = 5"),
        ("read = { mean = \"12 ms\", cv = 0.5 }", "reed = \"12 ms\""),
        ("write = \"15 ms\"", "write = \"15 parsecs\""),
        ("kind = \"app-server\"", "kind = \"appserver\""),
        ("machine = \"box\"\nat", "machine = \"bix\"\nat"),
        ("size = \"nano\"", "size = \"gigantic\""),
        ("[\"users\", \"app\", \"database\"]", "[\"users\", \"ap\", \"database\"]"),
        ("on = \"app#1\"", "on = \"app#0\""),
        ("speed = 0.2", ""),
        ("users  = 1_000", ""),
        ("users  = 1_000", "users = 1_000\nrate = \"9/s\""),
        ("schema = 1", "schema = 2"),
        ("kind = \"dns\"", "kind = \"dns\"\nmachine = \"box\""),
        ("quota = 0.5", "quota = \"half\"\nmemry = \"1 GB\""),
        ("[[link]]\npath", "[link]\npath"),
    ];
    let report = reported(&mistakes);
    insta::assert_snapshot!(report);
}

#[test]
fn a_rule_that_the_stage_breaks_is_shown_at_the_field_that_breaks_it() {
    let mistakes = [
        ("users  = 1_000", "users = 18446744073709551615"),
        ("users  = 1_000", "rate = \"1e9/s\""),
        ("users  = 1_000", "rate = \"999999999999/s\""),
        ("static = 0.70", "static = 0.80"),
        ("static = 0.70", "static = nan"),
        ("static = 0.70", "static = -1"),
        ("quota = 0.5", "quota = nan"),
        ("quota = 0.5", "vcpus = 0"),
        ("id = \"database\"", "id = \"app\""),
        ("id = \"resolver\"", "id = \"no name\""),
        ("path = [\"users\", \"resolver\"]", "path = [\"users\", \"app\"]"),
        ("path = [\"users\", \"resolver\"]", "path = [\"resolver\", \"users\"]"),
        ("cv = 0.5", "cv = 1e9"),
        ("workers = 16", "workers = 0"),
        ("workers = 16", "copies = 3000"),
        ("speed = 0.2", "speed = 0"),
        ("at = [80, 235]", "at = [nan, 1e30]"),
        ("errors = 0.001", "errors = 7"),
    ];
    let report = reported(&mistakes);
    insta::assert_snapshot!(report);
}

#[test]
fn a_challenge_asks_for_old_and_lost_and_says_what_breaks() {
    let asks = |more: &str| with("budget = 60", &format!("budget = 60\n{more}"));
    let fault = "[[challenge.fault]]\nat = \"30 s\"\non = \"box\"\nkind = \"down\"\n";
    let text = asks("stale = 0.01\nlost = 20\nfor = \"90 s\"") + "\n" + fault;
    let stage = read(&text).unwrap();
    let challenge = stage.challenge.as_ref().unwrap();
    assert_eq!((challenge.stale, challenge.lost, challenge.seconds()), (Some(0.01), Some(20.0), 90.0));
    // What breaks in a trial is not on the timeline of the board itself.
    let trial = challenge.trial(&stage, stage.clone()).unwrap();
    assert_eq!(trial.faults.len(), stage.faults.len() + 1);
    assert_eq!(trial.faults[stage.faults.len()].on, Target::Machine(0));
    let without = Stage { machines: Vec::new(), ..stage.clone() };
    assert!(challenge.trial(&stage, without).is_none(), "there is no box that could break");

    for (wrong, expected) in [
        (asks("stale = 2"), "challenge.stale: 2 is out of range; from 0 to 1"),
        (asks("lost = -1"), "challenge.lost: -1 is out of range; from 0 to 1000000000000"),
        (asks("lost = \"none\""), "challenge.lost"),
        (asks("fault = 3"), "write each as [[challenge.fault]]"),
        (text.replace("on = \"box\"\nkind = \"down\"", "on = \"bax\"\nkind = \"down\""), "challenge.fault[0].on"),
        (text.replace("on = \"box\"\nkind = \"down\"", "on = \"box\"\nkind = \"cut\""), "challenge.fault[0].on"),
    ] {
        let errors = read(&wrong).unwrap_err().lines();
        assert!(errors.contains(expected), "{errors}");
    }
}

#[test]
fn an_error_shows_the_line_it_is_about() {
    let text = with("workers = 16", "wrokers = 16").replace("kind = \"down\"", "kind = \"gone\"");
    let errors = read(&text).unwrap_err();
    let mut shown = String::new();
    let theme = miette::GraphicalTheme::unicode_nocolor();
    miette::GraphicalReportHandler::new_themed(theme).with_width(100).render_report(&mut shown, &errors).unwrap();
    insta::assert_snapshot!(shown);
}

#[test]
fn every_problem_is_reported_in_one_go() {
    let text = with("workers = 16", "wrokers = 16").replace("\"20 ms\"", "20").replace("on = \"box\"", "on = \"bax\"");
    let errors = read(&text).unwrap_err();
    let paths: Vec<&str> = errors.problems().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["component[2].wrokers", "link[1].latency", "fault[0].on"]);
    let first = &errors.problems()[0];
    assert_eq!((first.file.as_str(), first.line, first.column), ("stage.toml", 30, 1));
}

#[test]
fn numbers_that_are_no_quantity_are_refused() {
    for number in ["nan", "inf", "-inf", "-1", "1e400", "99999999999999999999", "0x", "-0.5"] {
        for (old, name) in [("workers = 16", "workers"), ("quota = 0.5", "quota"), ("schema = 1", "schema")] {
            let _ = read(&with(old, &format!("{name} = {number}")));
        }
        assert!(read(&with("workers = 16", &format!("workers = {number}"))).is_err(), "{number}");
    }
}

/// The processor time of this thread: what else the machine does makes none of it longer.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn hostile_files_are_refused_quickly() {
    let deep = |open: &str, close: &str| format!("title = {}1{}", open.repeat(100_000), close.repeat(100_000));
    let many = |what: &str| what.repeat(TEXT_BYTES_MAX / what.len());
    let hostile = [
        "x".repeat(TEXT_BYTES_MAX + 1),
        deep("[", "]"),
        deep("{a=", "}"),
        many("[[component]]\n"),
        many("[[component]]\nid = \"a\"\nkind = \"dns\"\n"),
        many("[[link]]\npath = [\"a\", \"b\"]\n"),
        format!("{GOOD}\n[[link]]\npath = [{}]", many("\"app\",").split_at(900_000).0),
        format!("[{}]", "a.".repeat(400_000)),
        format!("title = \"{}\"", "a".repeat(900_000)),
        with("workers = 16", &format!("{} = 16", "w".repeat(900_000))),
        with("\"app#1\"", &format!("\"app#{}\"", "9".repeat(900_000))),
        (0..60_000).map(|n| format!("k{n} = 1\n")).collect(),
        "\u{feff}\0\u{1}".to_owned(),
        String::new(),
    ];
    for text in hostile {
        let started = processor_time();
        let errors = read(&text).unwrap_err();
        assert!(!errors.problems().is_empty() && errors.problems().len() <= 50);
        assert!(errors.lines().len() < 100_000);
        let took = processor_time() - started;
        assert!(took < Duration::from_secs(10), "{took:?}: {text:.40}");
    }
}

#[test]
fn an_override_takes_a_text_with_a_unit() {
    let mut stage = read(GOOD).unwrap();
    stage::set(&mut stage, "users.rate", "2/s").unwrap();
    stage::set(&mut stage, "app.demand.read", "300 ms").unwrap();
    stage::set(&mut stage, "app.workers", "4").unwrap();
    stage::set(&mut stage, "box.memory", "2 GB").unwrap();
    assert_eq!(stage.workload.rate.per_s(), 2.0);
    assert_eq!(stage.knob("app.demand.read").unwrap().value, 0.3);
    assert_eq!(stage.knob("app.workers").unwrap().value, 4.0);
    assert_eq!(stage.knob("box.memory").unwrap().value, 2e9);
}

#[test]
fn an_override_that_cannot_be_says_what_could() {
    let mut stage = read(GOOD).unwrap();
    let before = stage.clone();
    let wrong = [
        ("app.wrokers", "4"),
        ("ap.workers", "4"),
        ("app.workers", "4.5"),
        ("app.workers", "-4"),
        ("app.workers", "nan"),
        ("app.demand.read", "300"),
        ("users.rate", "99999999999/s"),
    ];
    let mut report = String::new();
    for (path, text) in wrong {
        let error: SetError = stage::set(&mut stage, path, text).unwrap_err();
        writeln!(report, "{error}").unwrap();
    }
    assert_eq!(stage, before);
    insta::assert_snapshot!(report);
}

#[test]
fn a_catalogue_with_nonsense_is_refused_with_its_places() {
    let text = include_str!("../fixtures/hardware.toml")
        .replacen("vcpus = 1", "vcpus = 0", 1)
        .replace("id = \"small\"", "id = \"nano\"")
        .replacen("price_per_hour = 0.03", "price_per_hour = nan\ncolour = 1", 1);
    insta::assert_snapshot!(catalogue::read(&text, "hardware.toml").unwrap_err().lines());
}

/// Texts that a mutation puts in.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[[".to_owned()),
        Just("= { ".to_owned()),
        Just("\"".to_owned()),
        Just("nan".to_owned()),
        Just("-1".to_owned()),
        Just("1e308".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("\"\"".to_owned()),
        Just("\n[machine.app]\n".to_owned()),
        Just("\u{1F3D2}".to_owned()),
        "[ -~]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused_but_never_panics(
        damages in prop::collection::vec((0.0..1.0_f64, 0_usize..20, fragment()), 1..5),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (place, length, fragment) in damages {
            let start = (place * text.len() as f64) as usize;
            let end = (start + length).min(text.len());
            text.splice(start..end, fragment.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = read(&text) {
            prop_assert!(!errors.problems().is_empty());
            let shown = format!("{:?}", miette::Report::new(errors));
            prop_assert!(shown.contains("stage.toml"));
        }
    }

    #[test]
    fn a_truncated_file_is_read_or_refused_but_never_panics(share in 0.0..1.0_f64) {
        let length = (share * GOOD.len() as f64) as usize;
        let _ = read(&GOOD[..length]).map_err(|errors| errors.lines());
    }

    #[test]
    fn any_text_is_read_or_refused_but_never_panics(text in "\\PC{0,200}") {
        let _ = read(&text).map_err(|errors| errors.lines());
    }
}

#[test]
fn the_users_of_a_stage_send_its_load_together() {
    for slug in hockeystick_content::builtin::slugs() {
        let stage = hockeystick_content::builtin::stage(slug).and_then(Result::ok).unwrap();
        let users = stage.components.iter().filter(|it| matches!(it.settings, Settings::Clients(_)));
        let sum: f64 = users.map(|users| stage.users_rate(users)).sum();
        assert!((sum / stage.workload.rate.per_s() - 1.0).abs() < 1e-9, "{slug}: {sum}");
    }
}
