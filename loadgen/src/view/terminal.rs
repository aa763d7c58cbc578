//! A run on a terminal: a board that is drawn anew as it goes, and a line for each finished step. Elsewhere the lines alone.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::Step;
use jiff::Timestamp;

use super::board::{Board, Level, Room};
use super::curve::Point;
use super::load;
use super::paint::Paint;
use super::screen::Screen;
use crate::plan::{Load, Plan, PlannedStep};
use crate::run::{Progress, View};
use crate::shard::Shard;
use crate::table::number;
use crate::timetable::{self, Timetable};

/// Rows of the chart that stays when the run is over.
const LAST_ROWS: usize = 6;

/// A board on a terminal, and a line for each finished step anywhere.
#[derive(Debug)]
pub struct Terminal {
    /// None where there is no terminal to draw on.
    screen: Option<Mutex<Screen>>,
    paint: Paint,
    board: Mutex<Board>,
    /// The step whose wait was told.
    waited: Mutex<usize>,
}

impl Terminal {
    /// A view of this plan, or of a share of it.
    pub fn new(plan: &Plan, shard: Shard, timetable: Option<&Timetable>) -> Self {
        let draws = stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let warm_up_s = plan.warm_up.as_secs_f64();
        let level = |step: &PlannedStep| Level {
            load: load(step),
            rate_max_per_s: matches!(step.load, Load::Open(_)).then(|| step.rate_max_per_s()),
            seconds: warm_up_s + step.seconds,
        };
        let board = Board {
            levels: plan.steps.iter().map(level).collect(),
            warm_up_s,
            pause_s: timetable.map_or(0.0, |_| timetable::pause(plan).as_secs_f64()),
            users: shard.users(plan.users),
            step: 0,
            progress: None,
            waits_s: None,
            done: Vec::new(),
        };
        let paint = Paint { colours: console::colors_enabled_stderr() };
        let screen = draws.then(|| Mutex::new(Screen::new()));
        Self { screen, paint, board: Mutex::new(board), waited: Mutex::new(0) }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    fn draw(&self, board: &Board) {
        if let Some(screen) = &self.screen {
            let mut screen = lock(screen);
            let (height, width) = screen.size();
            screen.draw(board.lines(Room { width, height }, self.paint));
        }
    }

    fn line(&self, text: &str) {
        match &self.screen {
            Some(screen) => lock(screen).line(text),
            None => eprintln!("{text}"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl View for Terminal {
    fn waits(&self, number: usize, until: Timestamp) {
        let mut waited = lock(&self.waited);
        if std::mem::replace(&mut *waited, number) == 0 {
            self.line(&format!("the first step begins at {until}"));
        }
        let mut board = self.board();
        board.progress = None;
        board.waits_s = Some(until.duration_since(Timestamp::now()).as_secs_f64());
        self.draw(&board);
    }

    fn step_begins(&self, number: usize, _: usize, _: &PlannedStep) {
        let mut board = self.board();
        (board.step, board.progress, board.waits_s) = (number - 1, None, None);
        self.draw(&board);
    }

    fn progress(&self, progress: &Progress) {
        let mut board = self.board();
        (board.progress, board.waits_s) = (Some(progress.clone()), None);
        self.draw(&board);
    }

    fn step_ends(&self, number: usize, step: &Step) {
        self.line(&summary(number, step));
        let fails = step.failures() as f64 > 0.01 * step.due as f64;
        let mut board = self.board();
        // Of a share, the bar stands at the load of all: that is what the deployment saw.
        let planned = board.levels.get(number - 1).and_then(|level| level.rate_max_per_s);
        let load_per_s = planned.unwrap_or_else(|| step.offered_per_s());
        let point = Point { load_per_s, p95_ms: step.response.p95_us as f64 / 1e3, fails, live: false };
        board.progress = None;
        board.done.retain(|(index, _)| *index != number - 1);
        board.done.push((number - 1, point));
        self.draw(&board);
    }

    fn step_repeats(&self, number: usize, _: &str) {
        self.line(&format!("step {number} once more, for it was disturbed"));
    }

    fn step_missed(&self, number: usize, reason: &str) {
        self.line(&format!("step {number} is missed: {reason}"));
    }

    fn ends(&self) {
        let Some(screen) = &self.screen else { return };
        let (mut screen, mut board) = (lock(screen), self.board());
        board.progress = None;
        let (_, width) = screen.size();
        let chart = board.chart(width.saturating_sub(1), LAST_ROWS, self.paint);
        screen.draw(chart);
    }
}

fn summary(number: usize, step: &Step) -> String {
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
    text
}
