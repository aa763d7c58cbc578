//! Busy time from elsewhere: calibration finds the same demands from what Prometheus tells as from what was read, and says
//! what is wrong where Prometheus does not tell.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use crate::common::Server;
use hockeystick_core::measurement::{BusyTime, Results, STATION_ONLY};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn demo(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../content/measurements/demo").join(file)
}

/// The demo's results without busy time, each step a minute after the other; and the busy processors that were in there.
fn stripped(folder: &Path) -> (PathBuf, Vec<f64>) {
    let mut results: Results = serde_json::from_slice(&std::fs::read(demo("RESULTS.json")).unwrap()).unwrap();
    let busy = results.steps.iter().map(|step| step.stations["box cpu"].processors()).collect();
    for (minute, step) in results.steps.iter_mut().enumerate() {
        step.stations.clear();
        step.window_from = Some(format!("2026-01-01T00:{minute:02}:00.000Z"));
    }
    let path = folder.join("results.json");
    std::fs::write(&path, serde_json::to_vec(&results).unwrap()).unwrap();
    (path, busy)
}

/// Answers as Prometheus does, and keeps what it was asked.
fn prometheus(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> (Server, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
    let server = Server::start(move |mut stream| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        async move {
            let mut buffer = vec![0; 16_384];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let index = {
                    let mut log = log.lock().unwrap();
                    log.push(request.lines().next().unwrap_or_default().to_owned());
                    log.len() - 1
                };
                let body = answer(index);
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if stream.write_all((head + &body).as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    });
    (server, asked)
}

fn calibrate(results: &Path, folder: &Path, more: &[&str]) -> (Output, PathBuf) {
    let out = folder.join("fitted.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .arg("calibrate")
        .arg(results)
        .arg("--stage")
        .arg(demo("FITTED.toml"))
        .arg("--out")
        .arg(&out)
        .args(more)
        .output()
        .unwrap();
    (output, out)
}

fn errors(output: &Output) -> String {
    // The reporter folds long lines.
    String::from_utf8_lossy(&output.stderr).replace("│", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

const QUERY: &str = "box cpu=sum(rate(process_cpu_seconds_total{job=\"tick\"}[$window]))";

#[test]
fn prometheus_tells_the_same_as_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let (results, busy) = stripped(folder.path());
    let typed: Vec<String> = busy.iter().map(f64::to_string).collect();
    let (server, asked) = prometheus(move |index| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[0,"{}"]}}]}}}}"#,
            busy[index]
        )
    });
    let url = format!("http://{}/prefix", server.address);
    let (output, out) = calibrate(&results, folder.path(), &["--prometheus", &url, "--query", QUERY]);
    assert!(output.status.success(), "{}", errors(&output));
    let by_prometheus = std::fs::read_to_string(&out).unwrap();
    // The end of the first window, three seconds long, and its length in the query.
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 10);
    assert!(asked[0].starts_with("GET /prefix/api/v1/query?query=sum%28rate%28"), "{}", asked[0]);
    assert!(asked[0].contains("%5B3000ms%5D") && asked[0].contains("&time=1767225603.000 "), "{}", asked[0]);

    let (output, out) = calibrate(&results, folder.path(), &["--busy", &format!("box cpu={}", typed.join(","))]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(std::fs::read_to_string(out).unwrap(), by_prometheus);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("each class by itself"), "{text}");
}

#[test]
fn what_prometheus_does_not_tell_is_an_error_that_names_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let (results, _) = stripped(folder.path());
    let (server, _) = prometheus(|_| r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned());
    let url = format!("http://{}", server.address);
    let (output, out) = calibrate(&results, folder.path(), &["--prometheus", &url, "--query", QUERY]);
    assert_eq!(output.status.code(), Some(2));
    let text = errors(&output);
    assert!(text.contains("does not tell `box cpu` in the 3 s of step 1: the query finds nothing there"), "{text}");
    assert!(text.contains("two scrapes") && !out.exists(), "{text}");
    drop(server);
    let (output, _) = calibrate(&results, folder.path(), &["--prometheus", &url, "--query", QUERY]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        errors(&output).contains("does not answer: ") && !errors(&output).contains("scrapes"),
        "{}",
        errors(&output)
    );
}

#[test]
fn results_that_do_not_say_when_cannot_be_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--prometheus", "http://127.0.0.1:9", "--query", QUERY];
    let (output, _) = calibrate(&demo("RESULTS.json"), folder.path(), &more);
    assert!(errors(&output).contains("do not say when step 1 was measured"), "{}", errors(&output));
    let (output, _) = calibrate(&demo("RESULTS.json"), folder.path(), &["--busy", "box cpu=0.5,0.6"]);
    assert!(errors(&output).contains("has 2 numbers, the results have 10 steps"), "{}", errors(&output));
}

#[test]
fn a_station_that_was_mistyped_is_an_error_that_names_the_stage_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let (results, busy) = stripped(folder.path());
    let typed: Vec<String> = busy.iter().map(f64::to_string).collect();
    let (output, out) = calibrate(&results, folder.path(), &["--busy", &format!("box cup={}", typed.join(","))]);
    assert_eq!(output.status.code(), Some(2));
    let errors = errors(&output);
    assert!(errors.contains("`box cup` is no station of the stage") && errors.contains("`box cpu`"), "{errors}");
    assert!(!out.exists());
}

#[test]
fn busy_time_that_is_given_takes_the_place_of_what_was_read_under_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let (results, busy) = stripped(folder.path());
    let typed: Vec<String> = busy.iter().map(f64::to_string).collect();
    let given = format!("box cpu={}", typed.join(","));
    let (output, out) = calibrate(&results, folder.path(), &["--busy", &given]);
    assert!(output.status.success(), "{}", errors(&output));
    let alone = std::fs::read_to_string(&out).unwrap();
    // `--utilisation pid:N` names no station: of a stage with one, it is that one.
    let mut read: Results = serde_json::from_slice(&std::fs::read(&results).unwrap()).unwrap();
    for (step, busy) in read.steps.iter_mut().zip(&busy) {
        let elapsed_s = step.measured_s;
        step.stations.insert(STATION_ONLY.to_owned(), BusyTime { busy_s: 0.3 * busy * elapsed_s, elapsed_s });
    }
    std::fs::write(&results, serde_json::to_vec(&read).unwrap()).unwrap();
    let (output, out) = calibrate(&results, folder.path(), &["--busy", &given]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(std::fs::read_to_string(out).unwrap(), alone);
}
