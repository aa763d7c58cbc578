//! What a terminal shows while something runs.

use std::fs::File;
use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::Step;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::json;

use crate::plan::{Load, PlannedStep};
use crate::run::{Progress, View};
use crate::table::number;

/// A bar of the simulation's progress, on a terminal; nothing elsewhere.
pub fn simulation_bar() -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
    bar.set_style(style("{spinner} simulating {bar:30} {percent} %"));
    bar
}

/// A step's load in a word or two.
pub fn load(step: &PlannedStep) -> String {
    match &step.load {
        Load::Closed(closed) => format!("{} users", closed.users),
        Load::Open(curve) if curve.is_constant() => format!("{}/s", number(curve.max_per_s())),
        Load::Open(curve) => {
            let rates = curve.points().iter().map(|(_, rate)| *rate);
            format!("{} to {}/s", number(rates.fold(f64::INFINITY, f64::min)), number(curve.max_per_s()))
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line of JSON for each event, on standard output: a step begins, a second of it has passed, it ends or begins anew.
#[derive(Debug)]
pub struct JsonLines {
    out: Mutex<File>,
    step: AtomicUsize,
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
        Ok(Self { out: Mutex::new(File::from(out)), step: AtomicUsize::new(0), second: AtomicU64::new(0) })
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
        self.line("waits", json!({ "for": number, "until": until.to_string() }));
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
}

/// A bar for each step on a terminal, a line for each finished step anywhere.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    total_s: Mutex<f64>,
    warm_up_s: f64,
}

impl Terminal {
    /// A view for a plan with this warm-up before each step.
    pub fn new(warm_up_s: f64) -> Self {
        let bar = if stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        bar.set_style(style("{prefix} {bar:24} {msg}"));
        Self { bar, total_s: Mutex::new(1.0), warm_up_s }
    }

    fn total_s(&self) -> std::sync::MutexGuard<'_, f64> {
        self.total_s.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }
}

impl View for Terminal {
    fn waits(&self, number: usize, until: Timestamp) {
        if number == 1 {
            self.line(&format!("the first step begins at {until}"));
        }
    }

    fn step_begins(&self, number: usize, of: usize, step: &PlannedStep) {
        *self.total_s() = self.warm_up_s + step.seconds;
        self.bar.set_prefix(format!("step {number}/{of} {:>9}", load(step)));
        self.bar.set_position(0);
    }

    fn progress(&self, progress: &Progress) {
        let share = (progress.elapsed_s / *self.total_s()).clamp(0.0, 1.0);
        self.bar.set_position((share * 1000.0) as u64);
        let phase = if progress.elapsed_s < self.warm_up_s { "warm-up, " } else { "" };
        let [p50, p95, p99] = progress.percentiles_ms.map(|ms| ms.map_or_else(|| "—".to_owned(), number));
        self.bar.set_message(format!(
            "{phase}{}/s, p50 {p50}, p95 {p95}, p99 {p99} ms; {} answered, {} failed, {} in flight",
            number(progress.answers_per_s),
            progress.completed,
            progress.failed,
            progress.in_flight,
        ));
    }

    fn step_ends(&self, number: usize, step: &Step) {
        let ms = |us: u64| self::number(us as f64 / 1e3);
        let mut text = format!(
            "step {number}: {:>7.1}/s offered, {:>7.1}/s answered; p50 {} ms, p95 {} ms, p99 {} ms; lag p99 {} ms",
            step.offered_per_s(),
            step.throughput_per_s(),
            ms(step.response.p50_us),
            ms(step.response.p95_us),
            ms(step.response.p99_us),
            ms(step.lag.p99_us),
        );
        for (name, busy) in &step.stations {
            text += &format!("; {name} {:.3} busy", busy.processors());
        }
        for (kind, count) in &step.failed {
            text += &format!("; {count} {kind}");
        }
        if let Some(doubt) = doubts(number, step).first() {
            text += &format!("; in doubt: {}", doubt.message);
        }
        self.line(&text);
    }

    fn step_repeats(&self, number: usize, _: &str) {
        self.line(&format!("step {number} once more, for it was disturbed"));
    }
}
