//! What `check`, `report` and `predict --objective` print, on the measurements that the site offers to try: as a user
//! meets it, through the binary.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn measurement(name: &str, file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../content/measurements").join(name).join(file).display().to_string()
}

fn loadgen(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen")).args(arguments).output().unwrap()
}

/// `check` or `report` of one of the measurements, with more arguments.
fn of(command: &str, name: &str, more: &[&str]) -> (String, i32) {
    let (results, stage) = (measurement(name, "RESULTS.json"), measurement(name, "FITTED.toml"));
    let output = loadgen(&[&[command, &results, "--stage", &stage], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

#[test]
fn a_check_tells_the_rival_and_the_capacity_and_json_has_both() {
    let (text, code) = of("check", "demo", &["--objective", "p95 < 20ms", "--format", "json"]);
    assert_eq!(code, 0, "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["verdict"], "agrees");
    assert_eq!(found["scalability"]["better"], "model");
    assert_eq!(found["scalability"]["fitted_to"], serde_json::json!([5, 7, 9]));
    let capacity = &found["capacity"][0];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{capacity}"));
    let (rate, range) = (number(&capacity["rate_per_s"]), &capacity["range_per_s"]);
    assert!(number(&range[0]) < rate && rate < number(&range[1]), "{capacity}");
    assert_eq!(capacity["first"][0], "box cpu");
    assert!(number(&capacity["remedies"][0]["rate_per_s"]) > 1.8 * rate, "{capacity}");
    // The highest step met it by far, so the answer lies beyond what was measured, and says so.
    assert!(rate > 1100.0 && capacity["words"].as_str().unwrap().contains("extrapolation"), "{capacity}");
}

#[test]
fn what_the_measurement_refutes_is_called_the_models_answer_only() {
    let (text, code) = of("check", "demo-drifted", &["--objective", "p95 < 20ms"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("what the model carries, not what the deployment does"), "{text}");
    assert!(text.contains("No Universal Scalability Law was fitted"), "{text}");
}

#[test]
fn junit_has_a_case_for_each_figure_and_fails_where_the_model_does() {
    let (text, code) = of("check", "demo-drifted", &["--format", "junit"]);
    assert_eq!(code, 1);
    let cases = text.matches("<testcase ").count();
    // Five figures of three steps, and the conclusion.
    assert_eq!(cases, 16, "{text}");
    assert_eq!(text.matches("<failure ").count(), 5, "{text}");
    assert!(text.contains("<skipped message=\"in doubt: 10573 of 50849 requests"), "{text}");
    let (text, code) = of("report", "demo", &["--format", "junit"]);
    assert_eq!((code, text.matches("<failure ").count()), (0, 0), "{text}");
}

#[test]
fn markdown_is_one_table_row_a_figure() {
    let (text, code) = of("check", "demo", &["--format", "md"]);
    assert_eq!(code, 0);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), 2 + 15, "{text}");
    assert!(rows.iter().all(|row| row.matches(" |").count() == 8), "{text}");
}

#[test]
fn the_page_asks_nothing_of_any_server_and_has_every_chart() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report.html").display().to_string();
    let (_, code) = of("report", "demo", &["--objective", "mean < 5ms", "--out", &out]);
    assert_eq!(code, 0);
    let page = std::fs::read_to_string(&out).unwrap();
    assert_eq!(page.matches("<svg ").count(), 3);
    assert!(page.contains("None of these steps had one."));
    assert!(!page.contains("src=") && !page.contains("href="));
    assert!(page.contains("At mean under 5 ms this deployment carries"));
}

#[test]
fn a_prediction_knows_how_sure_it_is_only_from_a_fit() {
    let stage = measurement("demo", "FITTED.toml");
    let output = loadgen(&["predict", &stage, "--objective", "p95 < 20ms"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("by the 90 % intervals of its fitted demands)"), "{text}");
    let output = loadgen(&["predict", "01-single-server", "--objective", "p95 < 1us"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("No load is low enough for p95 under 1 us"), "{text}");
    let output = loadgen(&["predict", &stage, "--set", "app.demand.read=2 ms", "--objective", "p95 < 20ms"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("app.demand.read is no longer what the fit found"), "{text}");
    let output = loadgen(&["predict", &stage, "--objective", "p95 20ms"]);
    assert_eq!(output.status.code(), Some(2));
}
