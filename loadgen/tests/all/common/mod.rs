//! Servers that behave, and servers that do not, on free ports of this machine; a run without a screen; a stage of a text.

pub(crate) mod bad;
pub(crate) mod binary;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hockeystick_content::{builtin, stage};
use hockeystick_core::measurement::{Results, Step};
use hockeystick_core::stage::Stage;
use hockeystick_loadgen::plan;
use hockeystick_loadgen::plan::PlannedStep;
use hockeystick_loadgen::run::{self, Interrupt, Options, Progress, View};
use hockeystick_loadgen::shard::Shard;
use hockeystick_loadgen::timetable::Timetable;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An answer of six bytes.
pub(crate) const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n";

/// A server that dies with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    /// Gives each connection to `handle`.
    pub(crate) fn start<F, T>(handle: F) -> Self
    where
        F: Fn(TcpStream) -> T + Send + Sync + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream));
            }
        });
        Self { address, _runtime: runtime }
    }

    /// Answers every request with these bytes, `keep` says whether the connection stays open.
    pub(crate) fn answering(bytes: &'static [u8], keep: bool) -> Self {
        Self::start(move |mut stream| async move {
            while request(&mut stream).await {
                if stream.write_all(bytes).await.is_err() || !keep {
                    return;
                }
            }
        })
    }

    /// Begins with some bytes, and then repeats others for as long as somebody reads.
    pub(crate) fn endless(begin: &'static [u8], more: &'static [u8]) -> Self {
        let more: Arc<[u8]> = more.repeat((16 << 10) / more.len() + 1).into();
        Self::start(move |mut stream| {
            let more = Arc::clone(&more);
            async move {
                request(&mut stream).await;
                let _ = stream.write_all(begin).await;
                while stream.write_all(&more).await.is_ok() {}
            }
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads one request's head; false when the client is gone.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

struct Quiet;

impl View for Quiet {
    fn step_begins(&self, _: usize, _: usize, _: &PlannedStep) {}
    fn progress(&self, _: &Progress) {}
    fn step_ends(&self, _: usize, _: &Step) {}
    fn step_repeats(&self, _: usize, _: &str) {}
}

/// Runs a plan's text, with a request of class `read` added, and leaves the results in `folder`.
pub(crate) fn run(url: &str, plan: &str, folder: &Path) -> Results {
    try_run(url, plan, &folder.join("results.json"), &Interrupt::default()).unwrap()
}

/// As [`run`], where so many requests a second are allowed.
pub(crate) fn run_at_most(per_s: f64, url: &str, plan: &str, folder: &Path) -> Results {
    let options = Options { rate_max_per_s: per_s, ..options(url, reading(plan), &folder.join("results.json")) };
    run::run(options, &Interrupt::default(), &Quiet).unwrap()
}

pub(crate) fn try_run(url: &str, plan: &str, out: &Path, interrupt: &Interrupt) -> Result<Results, run::RunError> {
    run::run(options(url, reading(plan), out), interrupt, &Quiet)
}

/// Runs a plan's text with the busy time of these stations read, watched by `view`; disturbed steps are repeated twice at most.
pub(crate) fn run_repeating(url: &str, plan: &str, out: &Path, meters: &[&str], view: &dyn View) -> Results {
    let meters = meters.iter().map(|meter| meter.parse().unwrap()).collect();
    run::run(Options { meters, repeats: 2, ..options(url, reading(plan), out) }, &Interrupt::default(), view).unwrap()
}

/// As [`run`], with the busy time of a station read, and disturbed steps repeated.
pub(crate) fn run_with_meter(url: &str, plan: &str, folder: &Path, meter: &str) -> Results {
    run_repeating(url, plan, &folder.join("results.json"), &[meter], &Quiet)
}

fn reading(plan: &str) -> plan::Plan {
    let text = format!("schema = 1\nwarm_up = \"0 s\"\n{plan}\n[[request]]\nclass = \"read\"\npath = \"/\"\n");
    plan::read(&text, "plan.toml").unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
}

fn options(url: &str, plan: plan::Plan, out: &Path) -> Options {
    Options {
        host: url.parse().unwrap(),
        plan,
        out: out.to_owned(),
        meters: Vec::new(),
        threads: 1,
        shard: Shard::default(),
        timetable: None,
        metrics: None,
        repeats: 0,
        rate_max_per_s: f64::INFINITY,
        earlier: None,
    }
}

/// Runs a plan's text that is interrupted after so many milliseconds.
pub(crate) fn interrupted_after(ms: u64, url: &str, plan: &str, out: &Path) -> Results {
    let interrupt = Interrupt::default();
    let later = interrupt.clone();
    let timer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(ms));
        later.raise();
    });
    let results = try_run(url, plan, out, &interrupt).unwrap();
    timer.join().unwrap();
    results
}

/// Runs a whole plan.
pub(crate) fn run_plan(url: &str, plan: plan::Plan, folder: &Path) -> Results {
    run::run(options(url, plan, &folder.join("results.json")), &Interrupt::default(), &Quiet).unwrap()
}

/// Runs a plan's text, watched by `view`.
pub(crate) fn run_seen(url: &str, plan: &str, out: &Path, view: &dyn View) -> Results {
    run::run(options(url, reading(plan), out), &Interrupt::default(), view).unwrap()
}

/// Goes on after the steps of an earlier run.
pub(crate) fn resume(url: &str, plan: plan::Plan, out: &Path, earlier: Results) -> Results {
    let options = Options { earlier: Some(earlier), ..options(url, plan, out) };
    run::run(options, &Interrupt::default(), &Quiet).unwrap()
}

/// Runs one of so many shards of a plan, whose first step begins at `start`.
pub(crate) fn shard(
    url: &str,
    plan: plan::Plan,
    out: &Path,
    (number, of): (u32, u32),
    start: jiff::Timestamp,
) -> Results {
    // As a machine does that looked at its clock before the start.
    let timetable = Some(Timetable::new(start, start).unwrap());
    let options = Options { shard: Shard::new(number, of).unwrap(), timetable, ..options(url, plan, out) };
    run::run(options, &Interrupt::default(), &Quiet).unwrap()
}

/// Runs all of so many shards at once, and leaves the results of the first in `1.json`.
pub(crate) fn together(url: &str, plan: plan::Plan, folder: &Path, of: u32) -> Vec<Results> {
    let start = jiff::Timestamp::now() + Duration::from_secs(3);
    std::thread::scope(|scope| {
        let run = |number: u32| {
            let (plan, out) = (plan.clone(), folder.join(format!("{number}.json")));
            scope.spawn(move || shard(url, plan, &out, (number, of), start))
        };
        let runs: Vec<_> = (1..=of).map(run).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// A stage of a stage file's text.
pub(crate) fn stage(text: &str) -> Stage {
    let read = stage::read(text, "stage.toml", &builtin::catalogue());
    read.unwrap_or_else(|errors| panic!("{}", errors.lines()))
}

pub(crate) async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// A results file of this program.
pub(crate) static RESULTS: LazyLock<String> = LazyLock::new(|| {
    let server = Server::answering(GOOD, true);
    let folder = tempfile::tempdir().unwrap();
    run(&server.url(), "users = 2\nsteps = [{ rate = \"40/s\", seconds = 1 }]", folder.path());
    std::fs::read_to_string(folder.path().join("results.json")).unwrap()
});
