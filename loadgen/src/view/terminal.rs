//! A run on a terminal: a board that is drawn anew as it goes, and a line for each finished step. Elsewhere the lines alone.

use std::io::{IsTerminal, stderr};

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::{self, Step};
use jiff::Timestamp;

use super::apart::{Event, Show};
use super::board::{Board, Level, Room};
use super::curve::Point;
use super::load;
use super::paint::Paint;
use super::screen::Screen;
use crate::plan::{Load, Plan, PlannedStep};
use crate::shard::Shard;
use crate::table::number;
use crate::timetable::{self, Timetable};

/// Rows of the chart that stays when the run is over.
const LAST_ROWS: usize = 6;

/// A board on a terminal, and a line for each finished step anywhere.
#[derive(Debug)]
pub struct Terminal {
    /// None where there is no terminal to draw on.
    screen: Option<Screen>,
    paint: Paint,
    board: Board,
    /// That the first step is waited for was told.
    waited: bool,
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
        Self { screen: draws.then(Screen::new), paint, board, waited: false }
    }

    fn draw(&mut self) {
        if let Some(screen) = &mut self.screen {
            let (height, width) = screen.size();
            screen.draw(self.board.lines(Room { width, height }, self.paint));
        }
    }

    fn line(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => screen.line(text),
            None => tell!("{text}"),
        }
    }

    fn waits(&mut self, until: Timestamp) {
        if !std::mem::replace(&mut self.waited, true) {
            self.line(&format!("the first step begins at {until}"));
        }
        self.board.progress = None;
        self.board.waits_s = Some(until.duration_since(Timestamp::now()).as_secs_f64());
        self.draw();
    }

    fn ended(&mut self, number: usize, step: &Step) {
        self.line(&summary(number, step));
        let fails = step.failures() as f64 > 0.01 * step.due as f64;
        let board = &mut self.board;
        // Of a share, the bar stands at the load of all: that is what the deployment saw.
        let planned = board.levels.get(number - 1).and_then(|level| level.rate_max_per_s);
        let load_per_s = planned.unwrap_or_else(|| step.offered_per_s());
        let point = Point { load_per_s, p95_ms: step.response.p95_us as f64 / 1e3, fails, live: false };
        board.progress = None;
        board.done.retain(|(index, _)| *index != number - 1);
        board.done.push((number - 1, point));
        self.draw();
    }

    /// Leaves the chart alone.
    fn over(&mut self) {
        let Some(screen) = &mut self.screen else { return };
        self.board.progress = None;
        let (_, width) = screen.size();
        screen.draw(self.board.chart(width.saturating_sub(1), LAST_ROWS, self.paint));
    }
}

impl Show for Terminal {
    fn show(&mut self, event: Event) {
        match event {
            Event::Waits(_, until) => self.waits(until),
            Event::Begins(number, ..) => {
                (self.board.step, self.board.progress, self.board.waits_s) = (number - 1, None, None);
                self.draw();
            }
            Event::Goes(progress) => {
                (self.board.progress, self.board.waits_s) = (Some(*progress), None);
                self.draw();
            }
            Event::Ended(number, step) => self.ended(number, &step),
            Event::Again(number, _) => self.line(&format!("step {number} once more, for it was disturbed")),
            Event::Missed(number, reason) => self.line(&format!("step {number} is missed: {reason}")),
            Event::Unwritten(reason) => self.line(&reason),
            Event::Over(_) => self.over(),
        }
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
    if step.schedule.is_none() && !matches!(step.load, Some(measurement::Load::Closed(_))) {
        text += "; its schedule is too long to be kept";
    }
    let doubts: Vec<String> = doubts(number, step).into_iter().map(|doubt| doubt.message).collect();
    if !doubts.is_empty() {
        text += &format!("; in doubt: {}", doubts.join("; "));
    }
    text
}
