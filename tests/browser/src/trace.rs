//! What the threads of a page did, by Chromium's own tracing.
//!
//! A frame costs what the main thread does from the start of its animation callbacks to the start of the next ones:
//! script, style, layout, paint, and the messages of the workers in between. Times are of the processor, as far as
//! Chromium tells them, so that a neighbour on the machine does not count; a task's length is by the clock.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;

use crate::browser::Browser;

/// What is traced: tasks, frames and the calls into scripts.
pub(crate) const CATEGORIES: &str = "devtools.timeline,disabled-by-default-devtools.timeline";

const TASK: &str = "RunTask";
const FRAME: &str = "FireAnimationFrame";
/// What Chromium calls a thread that runs a page, and one that runs a worker.
const MAIN: &str = "CrRendererMain";
const WORKER: &str = "DedicatedWorker thread";
/// Calls into a page's scripts, but for what the driver evaluates there.
const CALLS: [&str; 3] = [FRAME, "FunctionCall", "TimerFire"];
/// Most kinds of work that are named of a task.
const NAMES_MOST: usize = 4;

/// An event in Chromium's own form, times in microseconds.
#[derive(Clone, Debug, Deserialize)]
struct Event {
    name: String,
    #[serde(default)]
    ph: String,
    pid: u64,
    tid: u64,
    #[serde(default)]
    ts: f64,
    #[serde(default)]
    dur: f64,
    tdur: Option<f64>,
    #[serde(default)]
    args: Value,
}

/// What each thread is called, by process and number. Chromium does not tell all of them with each look.
pub(crate) type ThreadNames = BTreeMap<(u64, u64), String>;

impl Event {
    fn words(&self) -> String {
        let data = |field: &str| self.args["data"][field].as_str().unwrap_or_default();
        format!("{} {} {}", self.name, data("functionName"), data("url"))
    }
}

/// Something that a page's main thread did without a pause.
#[derive(Clone, Debug)]
pub struct Task {
    /// Start and length, by the clock.
    pub from_ms: f64,
    /// See `from_ms`.
    pub wall_ms: f64,
    /// Time of the processor.
    pub cpu_ms: f64,
    /// What most of it was: `FunctionCall 61 ms, Layout 8 ms`.
    pub what: String,
}

/// What happened between two looks at it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Of the page's main thread, in order.
    pub tasks: Vec<Task>,
    /// Which of the tasks begin a frame.
    frames: Vec<usize>,
    /// Calls into scripts, of the page and of its workers: `FunctionCall tick app.js`.
    pub calls: Vec<String>,
}

impl Trace {
    /// What the main thread did for each frame, in milliseconds of the processor, least first. The last frame is left out:
    /// its end was not seen.
    pub fn frame_costs_ms(&self) -> Vec<f64> {
        let mut costs: Vec<f64> = self.frames().map(|tasks| tasks.iter().map(|task| task.cpu_ms).sum()).collect();
        costs.sort_by(f64::total_cmp);
        costs
    }

    /// What the longest task was of each of the dearest frames, dearest first.
    pub fn dearest_frames(&self, count: usize) -> Vec<&Task> {
        let by_cost = |a: &&Task, b: &&Task| a.cpu_ms.total_cmp(&b.cpu_ms);
        let mut tasks: Vec<&Task> = self.frames().filter_map(|tasks| tasks.iter().max_by(by_cost)).collect();
        tasks.sort_by(|a, b| b.cpu_ms.total_cmp(&a.cpu_ms));
        tasks.truncate(count);
        tasks
    }

    /// The tasks of each frame. The first of them calls back whoever asked for the frame.
    fn frames(&self) -> impl Iterator<Item = &[Task]> {
        self.frames.windows(2).map(|span| &self.tasks[span[0]..span[1]])
    }

    /// Frames a second, over the time that was traced.
    pub fn frames_per_s(&self) -> f64 {
        match self.frames[..] {
            [first, .., last] => {
                (self.frames.len() - 1) as f64 / (self.tasks[last].from_ms - self.tasks[first].from_ms) * 1e3
            }
            _ => 0.0,
        }
    }

    /// Tasks of the main thread that took longer than this.
    pub fn longer_than_ms(&self, most_ms: f64) -> Vec<&Task> {
        self.tasks.iter().filter(|task| task.wall_ms > most_ms).collect()
    }

    fn of(events: &[Event], names: &ThreadNames) -> Self {
        let threads = |called: &str| -> Vec<(u64, u64)> {
            names.iter().filter(|(_, name)| name.as_str() == called).map(|(thread, _)| *thread).collect()
        };
        let (pages, workers) = (threads(MAIN), threads(WORKER));
        let on = |of: &[(u64, u64)], event: &Event| of.contains(&(event.pid, event.tid));
        let calls = events.iter().filter(|it| it.ph == "X" && CALLS.contains(&it.name.as_str()));
        let calls = calls.filter(|it| on(&pages, it) || on(&workers, it)).map(Event::words).collect();
        // One page has most to do; a renderer that waits for the next page has next to nothing.
        let busiest = pages.into_iter().max_by_key(|page| events.iter().filter(|it| on(&[*page], it)).count());
        let Some(page) = busiest else { return Self { calls, ..Self::default() } };
        let mut own: Vec<&Event> = events.iter().filter(|it| it.ph == "X" && on(&[page], it)).collect();
        own.sort_by(|a, b| a.ts.total_cmp(&b.ts));
        let tasks = own.iter().enumerate().filter(|(_, it)| it.name == TASK).map(|(at, it)| Task {
            from_ms: it.ts / 1e3,
            wall_ms: it.dur / 1e3,
            cpu_ms: it.tdur.unwrap_or(it.dur) / 1e3,
            what: parts(it, &own[at + 1..]),
        });
        let tasks: Vec<Task> = tasks.collect();
        let callbacks = own.iter().filter(|it| it.name == FRAME);
        let task_of = |it: &&Event| tasks.partition_point(|task| task.from_ms <= it.ts / 1e3).checked_sub(1);
        let mut frames: Vec<usize> = callbacks.filter_map(task_of).collect();
        frames.dedup();
        Self { tasks, frames, calls }
    }
}

/// What a task consists of, longest first; `later` are the events after it in order.
fn parts(task: &Event, later: &[&Event]) -> String {
    let mut by_name: BTreeMap<&str, f64> = BTreeMap::new();
    for event in later.iter().take_while(|it| it.ts < task.ts + task.dur).filter(|it| it.name != TASK) {
        *by_name.entry(&event.name).or_default() += event.dur / 1e3;
    }
    let mut parts: Vec<_> = by_name.into_iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts.truncate(NAMES_MOST);
    parts.iter().map(|(name, ms)| format!("{name} {ms:.1} ms")).collect::<Vec<_>>().join(", ")
}

impl Browser {
    /// What the page and its workers did since the last call. For a browser that was [started to trace](Self::traced).
    ///
    /// # Errors
    /// When Chromium refuses.
    pub async fn trace(&self) -> Result<Trace> {
        let mut events = Vec::new();
        // ChromeDriver ends the tracing to hand it over, and begins again. Chromium refuses that while it is still at the
        // end, without a word; asked a second time, it goes on.
        for _ in 0..2 {
            for message in self.protocol_log().await? {
                if message["method"] == "Tracing.dataCollected" {
                    let event = serde_json::from_value(message["params"].clone());
                    events.push(event.context("an event of Chromium's tracing has another form")?);
                }
            }
        }
        let mut names = self.thread_names.lock().map_err(|_| anyhow!("a look at the trace before failed"))?;
        for event in events.iter().filter(|it: &&Event| it.name == "thread_name") {
            let name = event.args["name"].as_str().unwrap_or_default();
            names.insert((event.pid, event.tid), name.to_owned());
        }
        Ok(Trace::of(&events, &names))
    }
}
