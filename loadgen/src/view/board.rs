//! What is seen of a run at one moment, as lines of text: no terminal is asked here, so that tests can look.

use super::curve::{self, Point};
use super::paint::{Paint, Tone, fit};
use crate::run::Progress;
use crate::table::number;

/// A step of the plan.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// Its load in words.
    pub(super) load: String,
    /// Its highest rate; of a closed loop it is not known beforehand.
    pub(super) rate_max_per_s: Option<f64>,
    /// Seconds, warm-up included.
    pub(super) seconds: f64,
}

/// A run, as far as it is.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) levels: Vec<Level>,
    pub(super) warm_up_s: f64,
    /// Seconds between two steps, where they keep to a timetable.
    pub(super) pause_s: f64,
    pub(super) users: u32,
    /// The step that runs, counted from 0.
    pub(super) step: usize,
    pub(super) progress: Option<Progress>,
    /// Seconds until the step begins, while it waits.
    pub(super) waits_s: Option<f64>,
    /// Steps that are done, by their place in the plan: one that is repeated has one bar.
    pub(super) done: Vec<(usize, Point)>,
}

/// Room on a terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Width of what names a line.
const NAME: usize = 10;
/// Lines of a board without its chart, and of a chart without its bars.
const LINES: usize = 4;
const CHART_LINES: usize = 3;

impl Board {
    /// All of it.
    pub(super) fn lines(&self, room: Room, paint: Paint) -> Vec<String> {
        // A terminal wraps a line that ends in its last column.
        let width = room.width.saturating_sub(1);
        let mut lines = vec![self.head(width, paint)];
        if let Some(progress) = &self.progress {
            lines.push(self.rates(progress, width, paint));
            lines.push(times(progress, width, paint));
            lines.push(errors(progress, width, paint));
        }
        // One line stays for what comes after.
        let rows = room.height.saturating_sub(LINES + CHART_LINES + 2).min(6);
        lines.extend(self.chart(width, rows, paint));
        lines.truncate(room.height.saturating_sub(1));
        lines
    }

    /// The chart alone.
    pub(super) fn chart(&self, width: usize, rows: usize, paint: Paint) -> Vec<String> {
        let mut points: Vec<Point> = self.done.iter().map(|(_, point)| *point).collect();
        points.extend(self.live());
        let load_max = self.levels.iter().filter_map(|level| level.rate_max_per_s).fold(0.0, f64::max);
        curve::draw(&points, load_max, width, rows, paint)
    }

    /// The bar of the step that runs.
    fn live(&self) -> Option<Point> {
        let progress = self.progress.as_ref().filter(|progress| progress.elapsed_s >= self.warm_up_s)?;
        let load_per_s = self.level().and_then(|level| level.rate_max_per_s).unwrap_or(progress.offered_per_s);
        let fails = progress.errors.is_some_and(|share| share > 0.01);
        Some(Point { load_per_s, p95_ms: progress.percentiles_ms[1]?, fails, live: true })
    }

    fn level(&self) -> Option<&Level> {
        self.levels.get(self.step)
    }

    /// Which step, how far, and how long it still takes.
    fn head(&self, width: usize, paint: Paint) -> String {
        let Some(level) = self.level() else { return String::new() };
        let elapsed_s = self.progress.as_ref().map_or(0.0, |progress| progress.elapsed_s);
        let later = self.levels.iter().skip(self.step + 1).map(|level| level.seconds + self.pause_s);
        let left_s = (level.seconds - elapsed_s).max(0.0) + self.waits_s.unwrap_or(0.0) + later.sum::<f64>();
        let name = paint.tone(Tone::Strong, &format!("step {} of {}", self.step + 1, self.levels.len()));
        let load = paint.tone(Tone::Strong, &level.load);
        let left = format!("{} left", clock(left_s));
        let phase = match self.waits_s {
            Some(waits_s) => paint.tone(Tone::Live, &format!("begins in {}", clock(waits_s))),
            None if elapsed_s < self.warm_up_s => paint.tone(Tone::Live, "warm-up"),
            None if elapsed_s > level.seconds => paint.tone(Tone::Live, "waits for the last answers"),
            None => String::new(),
        };
        let share = (elapsed_s / level.seconds).clamp(0.0, 1.0);
        let bar = if width >= 60 { bar(share, 24, paint) } else { format!("{:.0} %", 100.0 * share) };
        let parts = [name, load, bar, left, phase];
        fit(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>(), "  ", width)
    }

    fn rates(&self, progress: &Progress, width: usize, paint: Paint) -> String {
        let busy = progress.in_flight.min(u64::from(self.users));
        let waiting = progress.in_flight - busy;
        let mut users = format!("{busy} of {} users busy", self.users);
        if waiting > 0 {
            users = paint.tone(Tone::Bad, &format!("{users}, {waiting} wait"));
        }
        let parts = [
            format!("{} /s offered", strong(progress.offered_per_s, paint)),
            format!("{} /s answered", strong(progress.answers_per_s, paint)),
            users,
        ];
        line("rate", &parts, width, paint)
    }
}

/// A line with its name before it.
fn line(name: &str, parts: &[String], width: usize, paint: Paint) -> String {
    let mut parts = parts.to_vec();
    if let Some(first) = parts.first_mut() {
        *first = format!("{}{first}", paint.tone(Tone::Faint, &format!("{name:NAME$}")));
    }
    fit(&parts, "   ", width)
}

fn strong(value: f64, paint: Paint) -> String {
    paint.tone(Tone::Strong, &number(value))
}

fn times(progress: &Progress, width: usize, paint: Paint) -> String {
    let ms = |ms: Option<f64>| ms.map_or_else(|| "—".to_owned(), |ms| format!("{} ms", strong(ms, paint)));
    let [p50, p95, p99] = progress.percentiles_ms;
    let parts = [
        format!("p50 {}", ms(p50)),
        format!("p95 {}", ms(p95)),
        format!("p99 {}", ms(p99)),
        format!("{} {}", paint.tone(Tone::Faint, "lag p99"), ms(progress.lag_ms[1])),
    ];
    line("response", &parts, width, paint)
}

fn errors(progress: &Progress, width: usize, paint: Paint) -> String {
    if progress.failures.is_empty() {
        return line("errors", &[format!("none of {}", progress.completed)], width, paint);
    }
    let now = progress.errors.unwrap_or(0.0);
    let mut parts = vec![paint.tone(Tone::Bad, &format!("{} % now", number(100.0 * now)))];
    let mut kinds = progress.failures.clone();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    parts.extend(kinds.iter().map(|(kind, count)| format!("{count} {}", kind.name())));
    line("errors", &parts, width, paint)
}

/// A bar of progress, in eighths of a cell.
fn bar(share: f64, cells: usize, paint: Paint) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * (8 * cells) as f64).round() as usize;
    let full = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    let rest = cells - full.chars().count();
    format!("{}{} {:>3.0} %", paint.tone(Tone::Live, &full), paint.tone(Tone::Faint, &"·".repeat(rest)), 100.0 * share)
}

/// Seconds as `1:05` or `1:02:05`.
fn clock(seconds: f64) -> String {
    let s = seconds.clamp(0.0, 1e9).ceil() as u64;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Failure;
    use console::measure_text_width;

    fn board() -> Board {
        let level = |rate: f64| Level { load: format!("{rate}/s"), rate_max_per_s: Some(rate), seconds: 12.0 };
        let done = |load_per_s: f64, p95_ms: f64| Point { load_per_s, p95_ms, fails: false, live: false };
        Board {
            levels: [50.0, 100.0, 150.0, 200.0].map(level).to_vec(),
            warm_up_s: 2.0,
            pause_s: 0.0,
            users: 64,
            step: 2,
            progress: Some(Progress {
                elapsed_s: 6.0,
                completed: 580,
                failed: 12,
                failures: vec![(Failure::Timeout, 2), (Failure::Status, 10)],
                exhausted: 3,
                in_flight: 70,
                offered_per_s: 151.0,
                answers_per_s: 148.0,
                percentiles_ms: [Some(8.0), Some(31.0), None],
                lag_ms: [Some(0.004), Some(0.03)],
                errors: Some(0.02),
            }),
            waits_s: None,
            done: vec![(0, done(50.0, 10.0)), (1, done(100.0, 12.0))],
        }
    }

    fn text(board: &Board, width: usize, height: usize) -> Vec<String> {
        board.lines(Room { width, height }, Paint { colours: false })
    }

    #[test]
    fn everything_that_matters_is_there_at_eighty_columns() {
        let lines = text(&board(), 80, 24).join("\n");
        for part in [
            "step 3 of 4  150/s  ████████████············  50 %  0:18 left",
            "rate      151 /s offered   148 /s answered   64 of 64 users busy, 6 wait",
            "response  p50 8.00 ms   p95 31.0 ms   p99 —   lag p99 0.030 ms",
            "errors    2.00 % now   10 status   2 timeout",
            "31.0 │",
            "200/s",
        ] {
            assert!(lines.contains(part), "{part}\n{lines}");
        }
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_terminal() {
        for width in 1..200 {
            for height in [1, 5, 10, 24, 60] {
                let lines = board().lines(Room { width, height }, Paint { colours: true });
                assert!(lines.iter().all(|line| measure_text_width(line) < width.max(2)), "{width}: {lines:?}");
                assert!(lines.len() < height, "{height}: {lines:?}");
            }
        }
    }

    #[test]
    fn a_step_that_waits_says_how_long() {
        let board = Board { progress: None, waits_s: Some(75.0), pause_s: 7.0, step: 3, ..board() };
        let lines = text(&board, 100, 24);
        assert!(lines[0].contains("begins in 1:15") && lines[0].contains("1:27 left"), "{lines:?}");
    }

    #[test]
    fn time_is_written_as_a_clock_shows_it() {
        assert_eq!([clock(0.2), clock(65.0), clock(3_725.0)], ["0:01", "1:05", "1:02:05"]);
    }
}
