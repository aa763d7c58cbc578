//! Lines of JSON, for programs.

use std::fs::File;
use std::io::Write;

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::Step;
use serde_json::json;

use super::apart::{Event, Show};
use super::load;
use crate::run::Progress;

/// A line of JSON for each event, on standard output: a step begins, a second of it has passed, it ends or begins anew,
/// and how the run ended.
#[derive(Debug)]
pub struct JsonLines {
    out: File,
    step: usize,
    /// The step whose wait was told.
    waited: usize,
    /// The last whole second of the step that was told.
    second: u64,
}

impl JsonLines {
    /// Lines that go there.
    pub const fn new(out: File) -> Self {
        Self { out, step: 0, waited: 0, second: 0 }
    }

    fn line(&mut self, event: &str, mut fields: serde_json::Value) {
        fields["event"] = event.into();
        fields["step"] = self.step.into();
        // Nobody may read any more: that is no reason to end a measurement.
        let _ = self.out.write_all(format!("{fields}\n").as_bytes());
    }

    fn goes(&mut self, progress: &Progress) {
        let second = progress.elapsed_s as u64;
        if std::mem::replace(&mut self.second, second) == second {
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

    fn ended(&mut self, number: usize, step: &Step) {
        let doubts: Vec<String> = doubts(number, step).into_iter().map(|doubt| doubt.message).collect();
        let fields = json!({
            "due": step.due, "completed": step.completed, "failed": step.failed,
            "users_exhausted": step.users_exhausted, "offered_per_s": step.offered_per_s(),
            "throughput_per_s": step.throughput_per_s(), "p50_us": step.response.p50_us,
            "p95_us": step.response.p95_us, "p99_us": step.response.p99_us, "lag_p99_us": step.lag.p99_us,
            "schedule": step.schedule.is_some(), "doubts": doubts,
        });
        self.line("step-ends", fields);
    }
}

impl Show for JsonLines {
    fn show(&mut self, event: Event) {
        match event {
            Event::Waits(number, until) => {
                if std::mem::replace(&mut self.waited, number) != number {
                    self.line("waits", json!({ "for": number, "until": until.to_string() }));
                }
            }
            Event::Begins(number, of, step) => {
                (self.step, self.second) = (number, 0);
                self.line("step-begins", json!({ "of": of, "load": load(&step), "seconds": step.seconds }));
            }
            Event::Goes(progress) => self.goes(&progress),
            Event::Ended(number, step) => self.ended(number, &step),
            Event::Again(_, reason) => {
                self.second = 0;
                self.line("step-repeats", json!({ "reason": reason }));
            }
            Event::Missed(number, reason) => {
                self.line("step-missed", json!({ "missed": number, "reason": reason }));
            }
            Event::Unwritten(reason) => self.line("cannot-write", json!({ "reason": reason })),
            Event::Over(ended) => self.line("ends", json!({ "ended": ended })),
        }
    }
}
