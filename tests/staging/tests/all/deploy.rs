//! Deployments as real processes: limits that hold, and nothing left behind.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Client, options, start, tick};
use hockeystick_staging::deploy::{CpuLimit, DeployError, Deployment, Options};
use reqwest::StatusCode;
use tokio::task::JoinSet;

const TICK: &str = env!("CARGO_BIN_EXE_tick");

/// Whether a process runs. One that has ended but whose new parent has not asked after it yet (`Z`) does not.
fn process_exists(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn wait_until(what: &str, timeout: Duration, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < timeout, "not within {timeout:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Keeps Tick as busy as it may be for a while; returns CPUs used, and CPUs' worth of time withheld.
async fn keep_busy(tick: &Deployment, time: Duration) -> (f64, f64) {
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let user = Client::account(tick, 1);
        clients.spawn(async move {
            loop {
                user.get("/lists/1").await;
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (start, used, throttled) = (Instant::now(), tick.cpu_usage_ns().unwrap(), tick.throttled_ns().unwrap());
    tokio::time::sleep(time).await;
    let elapsed_ns = start.elapsed().as_nanos() as f64;
    let used = (tick.cpu_usage_ns().unwrap() - used) as f64 / elapsed_ns;
    let throttled = (tick.throttled_ns().unwrap() - throttled) as f64 / elapsed_ns;
    clients.shutdown().await;
    (used, throttled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_tick_uses_its_quota_and_no_more() {
    let mut options = options();
    options.work_factor = 500;
    options.cpu = CpuLimit { quota_cpus: Some(0.1), period: Duration::from_millis(20), cores: vec![0] };
    let tick = start(&options);
    if tick.limits().quota.is_none() {
        eprintln!("skipped, as this machine lets us set no quota: {}", tick.limits());
        return;
    }
    let (used_cpus, throttled_cpus) = keep_busy(&tick, Duration::from_secs(2)).await;
    eprintln!("{}: {used_cpus:.3} CPU used, {throttled_cpus:.3} withheld", tick.limits());
    // Above: the kernel hands the quota out in slices. Below: other programs want the core, too.
    assert!((0.03..0.125).contains(&used_cpus), "{used_cpus}");
    assert!(throttled_cpus > 0.0, "{throttled_cpus}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_group_and_the_process_agree_on_the_cpu_time_used() {
    let mut options = options();
    options.work_factor = 20;
    let tick = start(&options);
    if tick.cgroup().is_none() {
        eprintln!("skipped, as this machine lets us make no control group: {}", tick.limits());
        return;
    }
    let user = Client::account(&tick, 1);
    let cpu_s = async || {
        let (_, metrics) = user.get("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total ")).unwrap();
        line.parse::<f64>().unwrap()
    };
    let (own_before, group_before) = (cpu_s().await, tick.cpu_usage_ns().unwrap());
    for _ in 0..100 {
        user.get("/lists/1").await;
    }
    let (own_after, group_after) = (cpu_s().await, tick.cpu_usage_ns().unwrap());
    let (own_s, group_s) = (own_after - own_before, (group_after - group_before) as f64 * 1e-9);
    assert!((own_s / group_s - 1.0).abs() < 0.05, "process {own_s} s, control group {group_s} s");
}

#[test]
fn a_stopped_deployment_leaves_no_process_no_control_group_and_no_file() {
    let tick = tick();
    let (pid, group, log) = (tick.pid(), tick.cgroup().map(Path::to_path_buf), tick.log());
    assert!(process_exists(pid) && log.exists() && group.as_ref().is_none_or(|group| group.exists()));
    tick.stop().unwrap();
    assert!(!process_exists(pid));
    assert!(!log.parent().unwrap().exists());
    assert!(group.is_none_or(|group| !group.exists()));
}

/// Not a test: the caller that the next one kills.
#[test]
#[ignore = "run by a_killed_caller_takes_its_deployment_along"]
fn caller_to_be_killed() {
    let tick = tick();
    let group = tick.cgroup().map_or(String::new(), |group| group.display().to_string());
    println!("\ndeployed {} {} {group}", tick.pid(), tick.log().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_caller_takes_its_deployment_along() {
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "deploy::caller_to_be_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(caller.stdout.take().unwrap());
    let line = std::io::BufRead::lines(output).map(Result::unwrap).find(|line| line.starts_with("deployed ")).unwrap();
    let mut fields = line.split(' ').skip(1);
    let pid: u32 = fields.next().unwrap().parse().unwrap();
    let scratch = PathBuf::from(fields.next().unwrap()).parent().unwrap().to_path_buf();
    let group = fields.next().filter(|path| !path.is_empty()).map(PathBuf::from);
    assert!(process_exists(pid) && scratch.exists());

    // SIGKILL: no destructor runs.
    caller.kill().unwrap();
    caller.wait().unwrap();
    wait_until("Tick ends", Duration::from_secs(15), || !process_exists(pid));
    wait_until("its files are deleted", Duration::from_secs(5), || !scratch.exists());
    wait_until("its control group is removed", Duration::from_secs(5), || {
        group.as_ref().is_none_or(|group| !group.exists())
    });
}

#[test]
fn a_killed_guard_takes_tick_along() {
    let tick = tick();
    let status = std::fs::read_to_string(format!("/proc/{}/stat", tick.pid())).unwrap();
    // Field 4 of /proc/PID/stat is the parent: the guard.
    let guard = status.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().to_owned();
    assert!(Command::new("kill").args(["-KILL", &guard]).status().unwrap().success());
    wait_until("Tick ends", Duration::from_secs(10), || !process_exists(tick.pid()));
    assert!(tick.stop().is_err());
}

#[test]
fn a_guard_that_is_told_to_stop_leaves_its_caller_s_files() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("tick.log");
    std::fs::write(&log, "last words").unwrap();
    let mut command = Command::new(TICK);
    command.args(["guard", "--scratch", scratch.path().to_str().unwrap(), "--", "sleep", "60"]);
    let mut guard = command.stdin(Stdio::piped()).spawn().unwrap();
    // Taken out because `Child::wait` would close it, and with that let go.
    let _held = guard.stdin.take();
    let id = guard.id().to_string();
    let children = || std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    wait_until("the program runs", Duration::from_secs(10), || !children().is_empty());
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    guard.wait().unwrap();
    assert!(log.exists(), "its caller is still there");
}

#[test]
fn a_guard_that_cannot_use_a_group_says_so_by_its_code() {
    let output = Command::new(TICK).args(["guard", "--cgroup", "/nowhere", "--", "sleep", "60"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(77), "{error}");
    assert!(error.starts_with("tick: cannot move the program into /nowhere"), "{error}");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_tick_stops() {
    let mut options = options();
    options.work_factor = 1_000;
    let tick = start(&options);
    let user = Client::account(&tick, 1);
    let slow = tokio::spawn(async move { user.get("/lists/1").await.0 });
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(Command::new("kill").args(["-TERM", &tick.pid().to_string()]).status().unwrap().success());
    assert_eq!(slow.await.unwrap(), StatusCode::OK);
    wait_until("Tick ends", Duration::from_secs(10), || !process_exists(tick.pid()));
}

#[test]
fn a_port_in_use_is_one_line_with_a_cure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("unused.sqlite");
    let output = Command::new(TICK)
        .args(["serve", "--listen", &address.to_string(), "--database", database.to_str().unwrap()])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(&format!("{address} is in use")) && error.contains("--listen"), "{error}");
    assert!(!database.exists(), "nothing is written when there is nowhere to serve it");
}

#[test]
fn a_seeded_database_is_warned_of_wherever_others_can_reach_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.database = Some(folder.path().join("seeded.sqlite"));
    start(&options).stop().unwrap();
    let said = |listen: &str, database: &str| {
        let mut command = Command::new(TICK);
        command
            .args(["serve", "--exit-with-parent", "--listen", listen, "--database"])
            .arg(folder.path().join(database));
        // An empty standard input: it stops as soon as it has started.
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("0.0.0.0:0", "seeded.sqlite").contains("well-known tokens"));
    assert_eq!(said("127.0.0.1:0", "seeded.sqlite"), "");
    assert_eq!(said("0.0.0.0:0", "empty.sqlite"), "");
}

#[test]
fn a_core_that_is_named_twice_is_one_core() {
    let mut options = options();
    options.cpu = CpuLimit { cores: vec![0, 0], ..CpuLimit::default() };
    let tick = start(&options);
    assert!((tick.limits().cpus - 1.0).abs() < f64::EPSILON, "{}", tick.limits());
    assert!(tick.limits().to_string().contains("on core 0"), "{}", tick.limits());
}

#[test]
fn a_plan_that_cannot_be_written_is_an_error_of_one_line() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(TICK).arg("plan").stdout(full).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("cannot write to standard output"), "{error}");
}

#[test]
fn a_deployment_that_fails_to_start_says_why() {
    let missing = Options { program: Some("/nowhere/tick".into()), ..options() };
    let error = Deployment::start(&missing).unwrap_err();
    assert!(
        matches!(error, DeployError::ProgramMissing { .. }) && error.to_string().contains("cargo build"),
        "{error}"
    );
    assert!(!error.to_string().contains("TICK_PROGRAM"), "it would change nothing: {error}");

    let no_folder = Options { database: Some("/nowhere/tick.sqlite".into()), ..options() };
    let error = Deployment::start(&no_folder).unwrap_err().to_string();
    assert!(error.contains("cannot open the database /nowhere/tick.sqlite"), "{error}");

    let bad_flag = Options { arguments: vec!["--no-such-flag".to_owned()], ..options() };
    let error = Deployment::start(&bad_flag).unwrap_err().to_string();
    assert!(error.contains("--no-such-flag"), "{error}");

    let no_core = Options { cpu: CpuLimit { cores: vec![1000], ..CpuLimit::default() }, ..options() };
    let error = Deployment::start(&no_core).unwrap_err().to_string();
    assert!(error.contains("cannot pin to cores [1000]"), "{error}");
}
