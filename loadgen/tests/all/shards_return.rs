//! Shards that are killed, come late or are stopped, as processes: what the others do, and what `merge` makes of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::common::{GOOD, Server};
use hockeystick_core::measurement::{Ended, Results};
use hockeystick_loadgen::{plan, store};
use jiff::Timestamp;

/// Five seconds from one step to the next, and four of them are a pause in which a slow machine may start a process.
const PLAN: &str = "schema = 1\nseed = 5\nwarm_up = \"0 s\"\ntimeout = \"1 s\"\nusers = 6\n\
    steps = [{ rate = \"60/s\", seconds = 1 }, { rate = \"60/s\", seconds = 1 }, { rate = \"60/s\", seconds = 1 }]\n\
    [stop]\nresponse = \"1 s\"\n[[request]]\nclass = \"read\"\npath = \"/\"\n";

/// A run of three shards whose files are in one folder.
struct Together {
    server: Server,
    folder: tempfile::TempDir,
    start: Timestamp,
}

/// A shard that runs; it ends with the test.
struct Shard {
    process: Child,
    said: BufReader<ChildStderr>,
}

impl Together {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        let server = Server::answering(GOOD, true);
        Self { server, folder, start: Timestamp::now() + Duration::from_secs(3) }
    }

    fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("{number}.json"))
    }

    fn results(&self, number: usize) -> Results {
        store::read_results(&self.file(number)).unwrap()
    }

    /// As a scheduler starts it, and starts it again.
    fn start(&self, number: usize) -> Shard {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.current_dir(&self.folder).args(["run", "--host", &self.server.url(), "--plan", "plan.toml"]);
        command.args(["--resume", "--shard", &format!("{number}/3"), "--start-at", &self.start.to_string()]);
        command.args(["--out", &format!("{number}.json")]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        Shard { process, said }
    }

    /// Waits for an instant of the plan.
    fn wait_until(&self, after_start: Duration) {
        let left = (self.start + after_start).duration_since(Timestamp::now());
        std::thread::sleep(left.try_into().unwrap_or_default());
    }

    fn merge(&self) -> (Option<i32>, String) {
        self.loadgen(&["merge", "1.json", "2.json", "3.json", "--out", "all.json"])
    }

    fn loadgen(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output =
            Command::new(env!("CARGO_BIN_EXE_loadgen")).current_dir(&self.folder).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " "))
    }
}

impl Shard {
    /// Its exit code, and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code(), said)
    }

    /// As the kernel does it where memory runs out.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The first line that it says with these words in it.
    fn says(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "no word of {words}");
        }
        line
    }

    /// The file that stops it, which it names.
    fn notice(&mut self, folder: &Path) -> PathBuf {
        folder.join(self.says("loadgen-stop-").trim().rsplit(' ').next().unwrap())
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn missed(results: &Results) -> Vec<usize> {
    results.missed.iter().map(|missed| missed.step).collect()
}

#[test]
fn shards_that_were_killed_or_are_late_take_up_by_the_timetable() {
    let run = Together::new(PLAN);
    let (first, second) = (run.start(1), run.start(2));
    run.wait_until(Duration::from_millis(500));
    let late = run.start(3);
    // As by a scheduler that takes the other for dead.
    let mut again = run.start(2);
    again.says("stands by");
    // Within the second step, whose share is lost with the process.
    run.wait_until(Duration::from_millis(5_500));
    second.kill();
    let (code, said) = first.end();
    assert!(code == Some(0), "{said}");
    let (code, said) = again.end();
    assert!(code == Some(3) && said.contains("step 2 is missed: it was cut off"), "{said}");
    let (code, said) = late.end();
    assert!(code == Some(3) && said.contains("step 1 is missed: it was started at"), "{said}");
    assert_eq!([1, 2, 3].map(|number| missed(&run.results(number))), [vec![], vec![2], vec![1]]);
    assert_eq!([1, 2, 3].map(|number| run.results(number).steps.len()), [3, 2, 2]);

    // Whatever starts it once more changes nothing.
    let before = run.results(2);
    let (code, said) = run.start(2).end();
    assert!(code == Some(3) && said.contains("nothing is left to do for shard 2/3"), "{said}");
    assert_eq!(run.results(2), before);

    let (code, said) = run.merge();
    assert!(code == Some(3) && said.contains("of the plan's steps only 3 is here"), "{said}");
    assert!(said.contains("step 1 of the plan is not: shard 3 missed it: it was started"), "{said}");
    assert!(said.contains("step 2 of the plan is not: shard 2 missed it: it was cut off"), "{said}");
    let merged = store::read_whole_results(&run.folder.path().join("all.json")).unwrap();
    assert_eq!((merged.steps.len(), missed(&merged)), (1, vec![1, 2]));
    // What is presented as a step is the whole of it: as much as one machine would have sent.
    let plan = plan::read(PLAN, "plan.toml").unwrap();
    let all = hockeystick_loadgen::schedule::arrivals(&plan, &plan.steps[2], 2);
    assert_eq!(merged.steps[0].due, all.len() as u64);
}

#[test]
fn a_results_file_is_left_to_the_run_that_writes_it() {
    let run = Together::new(PLAN);
    let mut first = run.start(1);
    first.says("the first step begins");
    let before = fs::read(run.file(1)).ok();
    let again = ["run", "--host", &run.server.url(), "--plan", "plan.toml", "--out", "1.json"];
    let (code, said) = run.loadgen(&again);
    let says = format!("another run is writing 1.json: shard 1/3, process {}", first.process.id());
    assert!(code == Some(2) && said.contains(&says) && said.contains("nothing was sent"), "{said}");
    assert_eq!(fs::read(run.file(1)).ok(), before);
}

#[test]
fn a_notice_stops_all_shards_and_keeps_them_stopped() {
    let run = Together::new(&PLAN.replace("seconds = 1 }]", "seconds = 60 }]"));
    let mut shards = [1, 2, 3].map(|number| run.start(number));
    let notices = shards.each_mut().map(|shard| shard.notice(run.folder.path()));
    assert!(notices.iter().all(|notice| notice == &notices[0]), "{notices:?}");
    // Once all have the first step.
    run.wait_until(Duration::from_millis(5_000));
    fs::write(&notices[0], "the database is on fire\n").unwrap();
    for shard in shards {
        let (code, said) = shard.end();
        assert!(code == Some(4) && said.contains("stopped with all shards: the database is on fire"), "{said}");
    }
    let (code, said) = run.start(1).end();
    assert!(code == Some(4) && said.contains("nothing is left to do"), "{said}");
    fs::remove_file(run.file(1)).unwrap();
    let (code, said) = run.start(1).end();
    assert!(code == Some(4) && said.contains("nothing was sent, for all shards of this run were stopped"), "{said}");
    assert!(!run.file(1).exists());
    assert!((2..=3).all(|number| run.results(number).ended == Ended::Followed("the database is on fire".to_owned())));
}
