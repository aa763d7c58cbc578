//! `loadgen predict` and `loadgen schema`, as they are called from a shell.

use std::path::Path;
use std::process::{Command, Output};

use hockeystick_content::builtin;
use serde_json::Value;

const STAGE: &str = "01-single-server";

fn loadgen(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen")).current_dir(folder).args(words).output().unwrap()
}

/// What it prints where it succeeds.
fn out(words: &[&str]) -> String {
    let output = loadgen(Path::new("."), words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&out(words)).unwrap()
}

/// What it says where it fails, in one line.
fn refusal(words: &[&str]) -> String {
    let output = loadgen(Path::new("."), words);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty(), "{words:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    errors.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    for words in [&["schema"][..], &["predict", STAGE, "--seconds", "5", "--json"], &["completions", "bash"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_loadgen")).args(words).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("could not be written"), "{words:?}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_can() {
    assert!(refusal(&["predict", STAGE, "--rate", "-5"]).contains("expected requests a second, such as 50"));
    for wrong in [["--users", "-5"], ["--seed", "-1"]] {
        let refused = refusal(&["predict", STAGE, wrong[0], wrong[1]]);
        assert!(refused.contains(&format!("invalid value '{}'", wrong[1])), "{refused}");
    }
    let far = refusal(&["predict", STAGE, "--trace", "99999999"]);
    assert!(far.contains("too far away") && far.contains("--seconds"), "{far}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "schema = 1\ntitle = \"x\"\n[[component]]\nid = \"a\"\nkind = \"appserver\"\n").unwrap();
    let bad = refusal(&["predict", path.to_str().unwrap()]);
    // Each problem once, each with its place and what would be valid.
    for once in ["users: missing field", "no such kind", "did you mean `app-server`?"] {
        assert_eq!(bad.matches(once).count(), 1, "{bad}");
    }
}

fn number(value: &Value) -> f64 {
    value["value"].as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_board_saved_as_json_is_predicted_as_its_stage_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let stage = builtin::stage(STAGE).unwrap().unwrap();
    let path = folder.path().join("board.json");
    let board = hockeystick_content::board::write(&stage);
    std::fs::write(&path, &board).unwrap();
    let predict = |name: &str| json(&["predict", name, "--rate", "20", "--seconds", "60", "--json"]);
    let (saved, written) = (predict(path.to_str().unwrap()), predict(STAGE));
    assert_eq!(saved["simulation"], written["simulation"]);
    assert_eq!(saved["theory"], written["theory"]);
    std::fs::write(&path, &board[..board.len() / 2]).unwrap();
    let refused = refusal(&["predict", path.to_str().unwrap()]);
    assert!(refused.contains("line") && refused.contains("save the board anew"), "{refused}");
}

#[test]
fn a_prediction_has_every_figure_of_both_solvers_and_the_price() {
    let found = json(&["predict", STAGE, "--rate", "20", "--seconds", "60", "--json"]);
    for key in ["stage", "seed", "events", "wall_s", "seconds", "confidence"] {
        assert!(!found[key].is_null(), "{key}");
    }
    for solver in ["simulation", "theory"] {
        assert!((number(&found[solver]["throughput_per_s"]) / 20.0 - 1.0).abs() < 0.1);
        for figure in ["mean", "p50", "p95", "p99"] {
            assert!(!found[solver]["response_ms"][figure].is_null(), "{solver} {figure}");
        }
        assert!(number(&found[solver]["utilisation"]["box cpu"]) > 0.0);
        assert!(found[solver]["errors_per_s"].is_object());
        assert!(!found[solver]["stale"].is_null());
    }
    assert!(!found["simulation"]["metrics"].as_object().unwrap().is_empty());
    let cost = |key: &str| found["cost"][key].as_f64().unwrap();
    assert!((cost("per_month") / cost("per_hour") - 730.0).abs() < 1e-6);
    assert!((cost("per_million_requests") / (cost("per_hour") / 3600.0 / 20.0 * 1e6) - 1.0).abs() < 0.1);
}

#[test]
fn every_built_in_stage_is_predicted() {
    for slug in builtin::slugs() {
        // The whole journey in a debug build: short runs of few users.
        let text = out(&["predict", slug, "--seconds", "2", "--rate", "100"]);
        for word in ["throughput /s", "p99 ms", "% busy", "a month"] {
            assert!(text.contains(word), "{slug}: no `{word}` in\n{text}");
        }
    }
}

#[test]
fn a_table_lists_only_the_errors_that_occurred() {
    let calm = out(&["predict", STAGE, "--rate", "5", "--seconds", "30"]);
    assert!(!calm.contains("refused /s") && !calm.contains("server down /s"), "{calm}");
    let faulty = out(&["predict", STAGE, "--rate", "5", "--seconds", "30", "--fault", "down:app@10s+10s"]);
    assert!(faulty.contains("server down /s"), "{faulty}");
    assert!(faulty.contains("1 fault is simulated"), "{faulty}");
}

#[test]
fn a_run_that_nobody_sets_sees_enough_requests_and_says_so() {
    let chosen = |rate: &str| json(&["predict", STAGE, "--rate", rate, "--json"])["seconds"].as_f64().unwrap();
    assert_eq!(chosen("4000"), 100.0);
    assert_eq!(chosen("1"), 600.0);
    let text = out(&["predict", STAGE, "--rate", "4000"]);
    assert!(text.contains("100 s simulated") && text.contains("--seconds"), "{text}");
}

#[test]
fn a_number_that_is_set_changes_the_prediction() {
    let busy = |words: &[&str]| {
        let words = [&["predict", STAGE, "--rate", "10", "--seconds", "60", "--json"], words].concat();
        number(&json(&words)["theory"]["utilisation"]["box cpu"])
    };
    let slow = busy(&["--set", "app.demand.read=40 ms", "--set", "app.workers=8"]);
    assert!(slow > 2.0 * busy(&["--set", "app.demand.read = 1 ms"]), "{slow}");
}

#[test]
fn faults_may_be_left_out() {
    let failed = |words: &[&str]| {
        let words = [&["predict", "09-load-balancer", "--rate", "50", "--seconds", "60", "--json"], words].concat();
        let found = json(&words);
        let errors = found["simulation"]["errors_per_s"].as_object().unwrap();
        errors.values().map(number).sum::<f64>()
    };
    assert_eq!(failed(&["--no-faults"]), 0.0);
    assert!(failed(&["--no-faults", "--fault", "down:app@10s+20s"]) > 1.0);
}

#[test]
fn intervals_widen_with_the_confidence() {
    let width = |confidence: &str| {
        let words = ["predict", STAGE, "--rate", "20", "--seconds", "100", "--json", "--confidence", confidence];
        let found = json(&words)["simulation"]["response_ms"]["mean"].clone();
        found["high"].as_f64().unwrap() - found["low"].as_f64().unwrap()
    };
    assert!(width("0.99") > 1.2 * width("0.9"));
    assert!(out(&["predict", STAGE, "--seconds", "5", "--confidence", "0.99"]).contains("[99 % interval]"));
}

#[test]
fn the_busiest_of_a_sweep_is_no_disk_that_writes_half_empty() {
    let words = ["predict", "18-delayed-writes", "--sweep", "1000..1900", "--steps", "2", "--seconds", "10", "--json"];
    for point in json(&words).as_array().unwrap() {
        // The journal's is all but always at work, and has room.
        assert_eq!(point["busiest"], "database disk", "{point}");
    }
}

#[test]
fn a_sweep_is_the_hockey_stick_and_the_same_every_time() {
    let words = ["predict", STAGE, "--sweep", "5..200", "--steps", "6", "--seconds", "60"];
    let found = json(&[&words[..], &["--json"]].concat());
    let points = found.as_array().unwrap();
    assert_eq!(points.len(), 6);
    assert_eq!(points[0]["rate_per_s"], 5.0);
    assert_eq!(points[5]["rate_per_s"], 200.0);
    let mean = |point: &Value| number(&point["mean_ms"]);
    assert!(mean(&points[5]) > 5.0 * mean(&points[0]), "{found}");
    assert!(number(&points[5]["utilisation"]) > 0.95);
    assert_eq!(points[5]["busiest"], "box cpu");
    assert!((number(&points[0]["theory_mean_ms"]) / mean(&points[0]) - 1.0).abs() < 0.2, "{found}");
    assert_eq!(json(&[&words[..], &["--json"]].concat()), found);
    let csv = out(&[&words[..], &["--csv"]].concat());
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 7, "{csv}");
    assert!(lines.iter().all(|line| line.split(',').count() == 10), "{csv}");
    assert!(out(&words).contains("theory mean ms"));
}

#[test]
fn a_trace_adds_up_to_the_response_time() {
    let found = json(&["predict", STAGE, "--trace", "12", "--json"]);
    let legs = found["legs"].as_array().unwrap();
    let ms = |leg: &Value| leg["ends_ms"].as_f64().unwrap() - leg["begins_ms"].as_f64().unwrap();
    let sum: f64 = legs.iter().filter(|leg| leg["awaited"] == true).map(ms).sum();
    assert!((sum - found["response_ms"].as_f64().unwrap()).abs() < 1e-6, "{found}");
    let text = out(&["predict", STAGE, "--trace", "users:12"]);
    assert!(text.contains("users → app") && text.contains("app computes"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_with_what_could() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["nowhere"], &["there is no stage `nowhere`", STAGE]),
        (&[STAGE, "--rate", "0"], &["requests a second"]),
        (&[STAGE, "--rate", "1e308"], &["at most 10000000"]),
        (&[STAGE, "--users", "18446744073709551615"], &["cannot be simulated"]),
        (&[STAGE, "--users", "many"], &["invalid"]),
        (&[STAGE, "--seconds", "0"], &["expected seconds"]),
        (&[STAGE, "--confidence", "95"], &["0.5 to 0.9999"]),
        (&[STAGE, "--set", "app.workers"], &["PATH=VALUE"]),
        (&[STAGE, "--set", "app.wrokers=3"], &["did you mean `workers`?"]),
        (&[STAGE, "--set", "app.workers=0"], &["a whole number, 1 to"]),
        (&[STAGE, "--set", "app.copies=1000000"], &["1 to 2,000"]),
        (&[STAGE, "--fault", "down:ap@3s"], &["fault.on", "did you mean `app`?"]),
        (&[STAGE, "--fault", "down"], &["is no fault", "down:app#1@30s+20s"]),
        (&[STAGE, "--fault", "{ kind = \"slow\", on = \"app\", at = \"1 s\" }"], &["fault.speed", "missing field"]),
        (&[STAGE, "--sweep", "100..10"], &["two rates"]),
        (&[STAGE, "--sweep", "10..100", "--steps", "1"], &["2..=1000"]),
        (&[STAGE, "--steps", "4"], &["--sweep"]),
        (&[STAGE, "--trace", "0"], &["the first is 1"]),
        (&[STAGE, "--trace", "nobody:1"], &["there are no such users"]),
        (&[STAGE, "--trace", "9000", "--seconds", "1"], &["was not sent within"]),
    ];
    for (words, said) in cases {
        let text = refusal(&[&["predict"], *words].concat());
        assert!(said.iter().all(|said| text.contains(said)), "{words:?}: {text}");
        assert!(!text.contains("panicked"), "{words:?}: {text}");
    }
}

#[test]
fn the_highest_rate_ends_soon_and_stays_bounded() {
    let found = json(&["predict", STAGE, "--rate", "10000000", "--json"]);
    let throughput = number(&found["simulation"]["throughput_per_s"]);
    assert!((0.0..=1e7).contains(&throughput), "{throughput}");
    assert!(found["seconds"].as_f64().unwrap() <= 0.05);
}

#[test]
fn a_stage_file_that_is_wrong_is_shown_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = builtin::text(STAGE, "stage.toml").unwrap().replacen("kind = \"app-server\"", "kind = \"appserver\"", 1);
    std::fs::write(folder.path().join("wrong.toml"), text).unwrap();
    let output = loadgen(folder.path(), &["predict", "wrong.toml"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("wrong.toml:") && errors.contains("did you mean `app-server`?"), "{errors}");
}

#[test]
fn the_schema_is_printed() {
    let schema = json(&["schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["$defs"]["component-app-server"]["properties"]["workers"]["description"].is_string());
}

/// The words of a line as a shell would split them.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('\'' | '"', None) => quote = Some(c),
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, None) => word.push(c),
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_example_of_the_help_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my-stage.toml"), builtin::text(STAGE, "stage.toml").unwrap()).unwrap();
    // As a shell joins lines.
    let help = out(&["predict", "--help"]).replace("\\\n", "");
    let examples: Vec<&str> = help.lines().filter_map(|line| line.trim().strip_prefix("loadgen ")).collect();
    assert!(examples.len() >= 8, "{help}");
    for example in examples {
        let words = split(example);
        let output = loadgen(folder.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
