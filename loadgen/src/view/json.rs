//! Lines of JSON, for programs.

use std::fs::File;
use std::io::{self, Write, stderr, stdout};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::Step;
use jiff::Timestamp;
use serde_json::json;

use super::load;
use crate::plan::PlannedStep;
use crate::run::{Progress, View};

/// A line of JSON for each event, on standard output: a step begins, a second of it has passed, it ends or begins anew.
#[derive(Debug)]
pub struct JsonLines {
    out: Mutex<File>,
    step: AtomicUsize,
    /// The step whose wait was told.
    waited: AtomicUsize,
    /// The last whole second of the step that was told.
    second: AtomicU64,
}

impl JsonLines {
    /// Takes standard output for itself. goose greets each run with a line of words there; from now on such lines are on
    /// standard error.
    ///
    /// # Errors
    /// When there is no standard output.
    pub fn new() -> io::Result<Self> {
        let out = rustix::io::dup(stdout())?;
        rustix::stdio::dup2_stdout(stderr())?;
        Ok(Self {
            out: Mutex::new(File::from(out)),
            step: AtomicUsize::new(0),
            second: AtomicU64::new(0),
            waited: AtomicUsize::new(0),
        })
    }

    fn line(&self, event: &str, mut fields: serde_json::Value) {
        fields["event"] = event.into();
        fields["step"] = self.step.load(Ordering::Relaxed).into();
        // Nobody may read any more: that is no reason to end a measurement.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(format!("{fields}\n").as_bytes());
    }
}

impl View for JsonLines {
    fn waits(&self, number: usize, until: Timestamp) {
        if self.waited.swap(number, Ordering::Relaxed) != number {
            self.line("waits", json!({ "for": number, "until": until.to_string() }));
        }
    }

    fn step_begins(&self, number: usize, of: usize, step: &PlannedStep) {
        self.step.store(number, Ordering::Relaxed);
        self.second.store(0, Ordering::Relaxed);
        self.line("step-begins", json!({ "of": of, "load": load(step), "seconds": step.seconds }));
    }

    fn progress(&self, progress: &Progress) {
        let second = progress.elapsed_s as u64;
        if self.second.swap(second, Ordering::Relaxed) == second {
            return;
        }
        let [p50_ms, p95_ms, p99_ms] = progress.percentiles_ms;
        let fields = json!({
            "elapsed_s": progress.elapsed_s, "completed": progress.completed, "failed": progress.failed,
            "in_flight": progress.in_flight, "offered_per_s": progress.offered_per_s,
            "answers_per_s": progress.answers_per_s, "errors": progress.errors, "users_exhausted": progress.exhausted,
            "p50_ms": p50_ms, "p95_ms": p95_ms, "p99_ms": p99_ms, "lag_p99_ms": progress.lag_ms[1],
        });
        self.line("second", fields);
    }

    fn step_ends(&self, number: usize, step: &Step) {
        let doubts: Vec<String> = doubts(number, step).into_iter().map(|doubt| doubt.message).collect();
        let fields = json!({
            "due": step.due, "completed": step.completed, "failed": step.failed,
            "users_exhausted": step.users_exhausted, "offered_per_s": step.offered_per_s(),
            "throughput_per_s": step.throughput_per_s(), "p50_us": step.response.p50_us,
            "p95_us": step.response.p95_us, "p99_us": step.response.p99_us, "lag_p99_us": step.lag.p99_us,
            "doubts": doubts,
        });
        self.line("step-ends", fields);
    }

    fn step_repeats(&self, _: usize, reason: &str) {
        self.line("step-repeats", json!({ "reason": reason }));
        self.second.store(0, Ordering::Relaxed);
    }

    fn step_missed(&self, number: usize, reason: &str) {
        self.line("step-missed", json!({ "missed": number, "reason": reason }));
    }
}
