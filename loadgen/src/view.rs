//! What a terminal shows while something runs.

use std::io::{IsTerminal, stderr};

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::Step;
use indicatif::{ProgressBar, ProgressStyle};

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

/// A bar for each step on a terminal, a line for each finished step anywhere.
#[derive(Debug)]
pub struct Terminal {
    bar: ProgressBar,
    total_s: std::sync::Mutex<f64>,
    warm_up_s: f64,
}

impl Terminal {
    /// A view for a plan with this warm-up before each step.
    pub fn new(warm_up_s: f64) -> Self {
        let bar = if stderr().is_terminal() { ProgressBar::new(1000) } else { ProgressBar::hidden() };
        bar.set_style(style("{prefix} {bar:24} {msg}"));
        Self { bar, total_s: std::sync::Mutex::new(1.0), warm_up_s }
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
