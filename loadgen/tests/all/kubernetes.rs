//! The manifest of the Job: what it says must be what `loadgen run` takes.

use std::fs;
use std::path::Path;
use std::process::Command;

use hockeystick_loadgen::command::Exit;
use serde_json::Value;

/// The manifest's objects, by kind.
fn object(kind: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kubernetes/job.yaml");
    let text = fs::read_to_string(path).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    objects.into_iter().find(|object| object["kind"] == kind).unwrap()
}

#[test]
fn a_pod_that_is_started_again_takes_up_and_one_that_was_stopped_stops_the_job() {
    let job = &object("Job")["spec"];
    // What Kubernetes asks of a policy by exit codes.
    assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
    assert!(job["backoffLimitPerIndex"].as_u64().is_some() && job["backoffLimit"].is_null());
    let container = &job["template"]["spec"]["containers"][0];
    assert!(container["args"].as_array().unwrap().contains(&"--resume".into()));
    let rules = job["podFailurePolicy"]["rules"].as_array().unwrap();
    let action = |code: Exit| {
        let code = Value::from(code as u8);
        let rule =
            rules.iter().find(|rule| rule["onExitCodes"]["values"].as_array().is_some_and(|all| all.contains(&code)));
        let rule = rule.unwrap();
        assert_eq!(
            (&rule["onExitCodes"]["containerName"], &rule["onExitCodes"]["operator"]),
            (&container["name"], &"In".into())
        );
        rule["action"].clone()
    };
    assert_eq!([Exit::Disagrees, Exit::Usage, Exit::Stopped].map(action), ["FailJob"; 3]);
    assert_eq!(action(Exit::Inconclusive), "FailIndex");
    let codes = rules.iter().filter_map(|rule| rule["onExitCodes"]["values"].as_array()).flatten();
    assert!(!codes.into_iter().any(|code| code == &Value::from(Exit::Interrupted as u8)), "it may come back");
    // Rules count in their order: a pod that is moved ends as one that was interrupted.
    assert_eq!(
        (&rules[0]["action"], &rules[0]["onPodConditions"][0]["type"]),
        (&"Ignore".into(), &"DisruptionTarget".into())
    );
}

#[test]
fn the_job_runs_all_shards() {
    let job = &object("Job")["spec"];
    assert_eq!(job["completionMode"], "Indexed");
    assert_eq!(job["completions"], job["parallelism"]);
    assert!(job["activeDeadlineSeconds"].as_u64().is_some());
    let containers = job["template"]["spec"]["containers"].as_array().unwrap();
    let count = &containers[0]["env"].as_array().unwrap()[0];
    assert_eq!((&count["name"], &count["value"]), (&"LOADGEN_SHARDS".into(), &job["completions"].to_string().into()));
    for container in containers {
        assert_eq!(container["resources"]["requests"], container["resources"]["limits"]);
    }
}

#[test]
fn loadgen_accepts_the_arguments_of_every_pod() {
    let (map, job) = (object("ConfigMap"), &object("Job")["spec"]);
    let container = &job["template"]["spec"]["containers"][0];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.toml"), map["data"]["plan.toml"].as_str().unwrap()).unwrap();
    let volume = |text: &str| text.replace("/plan/", "").replace("/results/", "");
    for index in 0..job["completions"].as_u64().unwrap() {
        let run = |start_at: &str| {
            let arguments = container["args"].as_array().unwrap().iter();
            let filled = |text: &str| {
                volume(text).replace("$(START_AT)", start_at).replace("$(JOB_COMPLETION_INDEX)", &index.to_string())
            };
            let arguments = arguments.map(|argument| filled(argument.as_str().unwrap()));
            let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
                .current_dir(&folder)
                .args(arguments)
                .env("JOB_COMPLETION_INDEX", index.to_string())
                .env("LOADGEN_SHARDS", container["env"][0]["value"].as_str().unwrap())
                .output()
                .unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " "))
        };
        // All is well but the time, which is looked at last: nothing is sent.
        let (code, said) = run("2999-01-01T00:00:00Z");
        assert!(code == Some(2) && said.contains("more than a day away"), "{said}");
        // As it stands in the file, for whoever forgets to replace it.
        let (code, said) = run(map["data"]["start-at"].as_str().unwrap());
        assert!(code == Some(2) && said.contains("is no start"), "{said}");
    }
}

#[test]
fn the_plan_keeps_to_the_limits_of_the_arguments() {
    let map = object("ConfigMap");
    let plan = hockeystick_loadgen::plan::read(map["data"]["plan.toml"].as_str().unwrap(), "plan.toml").unwrap();
    let job = &object("Job")["spec"];
    // A pod waits for the start some minutes, and pauses between the steps.
    let pauses_s = plan.steps.len() as f64 * hockeystick_loadgen::timetable::pause(&plan).as_secs_f64();
    assert!(plan.seconds() + pauses_s + 900.0 < job["activeDeadlineSeconds"].as_f64().unwrap());
    assert!(u64::from(plan.users) >= job["completions"].as_u64().unwrap());
}
