//! Response time over load so far: a bar for each step at the place of its load, so that the knee appears as the steps go by.

use super::paint::{Paint, Tone, fit};
use crate::table::number;

/// One step's bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Requests a second.
    pub(super) load_per_s: f64,
    /// 95th percentile of the response time, in milliseconds.
    pub(super) p95_ms: f64,
    /// More than one request in a hundred failed.
    pub(super) fails: bool,
    /// It runs, and the figure is that of the last second.
    pub(super) live: bool,
}

/// Eighths of a cell.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Width of the numbers at the left.
const MARGIN: usize = 8;
/// Narrower than this there is no chart.
const WIDTH_MIN: usize = 30;

/// Where the knee is: the lowest load at which the 95th percentile is twice that of the lowest load, and stays so.
pub(super) fn knee(points: &[Point]) -> Option<f64> {
    let mut known: Vec<&Point> = points.iter().filter(|point| !point.live && point.p95_ms > 0.0).collect();
    known.sort_by(|a, b| a.load_per_s.total_cmp(&b.load_per_s));
    let first = known.first()?;
    let beyond = known.iter().rposition(|point| point.p95_ms < 2.0 * first.p95_ms)? + 1;
    known.get(beyond).map(|point| point.load_per_s)
}

/// The chart, in so many rows beside its axis: one line for the title, the rows, the axis, and its numbers. Nothing where it
/// has no room. `load_max` is the highest load of the plan.
pub(super) fn draw(points: &[Point], load_max: f64, width: usize, rows: usize, paint: Paint) -> Vec<String> {
    let max_ms = points.iter().map(|point| point.p95_ms).fold(0.0, f64::max);
    let load_max = points.iter().map(|point| point.load_per_s).fold(load_max, f64::max);
    if width < WIDTH_MIN || rows == 0 || max_ms <= 0.0 || load_max <= 0.0 {
        return Vec::new();
    }
    let columns = width - MARGIN - 2;
    let knee = knee(points);
    let bars = bars(points, load_max, columns);
    let mut title = vec!["p95 in ms over load so far".to_owned()];
    if knee.is_some() {
        title.push("▲ twice that of the lowest load".to_owned());
    }
    let mut lines = vec![paint.tone(Tone::Faint, &fit(&title, ", ", width))];
    for row in (0..rows).rev() {
        let label = match row {
            _ if row + 1 == rows => number(max_ms),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let mut line = paint.tone(Tone::Faint, &format!("{label:>MARGIN$} │"));
        for bar in &bars {
            line += &bar.as_ref().map_or_else(|| " ".to_owned(), |bar| cell(bar, max_ms, rows, row, knee, paint));
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.push(paint.tone(Tone::Faint, &format!("{:MARGIN$} └{}", "", "─".repeat(columns))));
    lines.push(paint.tone(Tone::Faint, &axis(knee, load_max, columns)));
    lines
}

/// The bar of each column. Where two share one, the slower is seen.
fn bars(points: &[Point], load_max: f64, columns: usize) -> Vec<Option<Point>> {
    let mut bars: Vec<Option<Point>> = vec![None; columns];
    // Two cells where that leaves room between most of them.
    let thick = if points.len() * 4 <= columns { 2 } else { 1 };
    for point in points {
        let from = place(point.load_per_s, load_max, columns).saturating_sub(thick - 1);
        for bar in bars.iter_mut().skip(from).take(thick) {
            if bar.is_none_or(|other| point.p95_ms >= other.p95_ms) {
                *bar = Some(*point);
            }
        }
    }
    bars
}

/// The column of a load: the highest is at the right end.
fn place(load_per_s: f64, load_max: f64, columns: usize) -> usize {
    ((load_per_s / load_max * columns as f64).ceil() as usize).clamp(1, columns) - 1
}

/// What a bar shows in a row, counted from the axis.
fn cell(bar: &Point, max_ms: f64, rows: usize, row: usize, knee: Option<f64>, paint: Paint) -> String {
    // A bar that is there has at least an eighth.
    let eighths = ((bar.p95_ms / max_ms * (8 * rows) as f64).round() as usize).max(1);
    let block = BLOCKS[eighths.saturating_sub(8 * row).min(8)];
    let tone = match bar {
        Point { fails: true, .. } => Tone::Bad,
        Point { live: true, .. } => Tone::Live,
        _ if knee.is_some_and(|knee| bar.load_per_s >= knee) => Tone::Slow,
        _ => Tone::Plain,
    };
    if block == ' ' { " ".to_owned() } else { paint.tone(tone, &block.to_string()) }
}

/// The numbers below the axis: its ends, and the knee where it is.
fn axis(knee: Option<f64>, load_max: f64, columns: usize) -> String {
    let (left, right) = ("0/s".to_owned(), format!("{}/s", number(load_max)));
    let mut cells: Vec<char> = vec![' '; columns];
    let mut write = |at: usize, text: &str| {
        let length = text.chars().count();
        let from = at.min(columns.saturating_sub(length));
        if from + length <= columns && cells[from.saturating_sub(1)..from + length].iter().all(|cell| *cell == ' ') {
            cells.splice(from..from + length, text.chars());
        }
    };
    if let Some(knee) = knee {
        // The arrow below the bar, and its load on the side where there is room.
        let at = place(knee, load_max, columns);
        let load = format!("{}/s", number(knee));
        let length = load.chars().count() + 2;
        if at + length <= columns {
            write(at, &format!("▲ {load}"));
        } else {
            write((at + 1).saturating_sub(length), &format!("{load} ▲"));
        }
    }
    write(0, &left);
    write(columns, &right);
    format!("{:MARGIN$}  {}", "", cells.into_iter().collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(times: &[(f64, f64)]) -> Vec<Point> {
        let point = |&(load_per_s, p95_ms): &(f64, f64)| Point { load_per_s, p95_ms, fails: false, live: false };
        times.iter().map(point).collect()
    }

    fn plain(points: &[Point], width: usize) -> Vec<String> {
        draw(points, 100.0, width, 4, Paint { colours: false })
    }

    #[test]
    fn bars_stand_at_their_loads_and_are_as_high_as_their_times() {
        let lines = plain(&points(&[(25.0, 10.0), (50.0, 10.0), (75.0, 20.0), (100.0, 80.0)]), 50);
        // Forty columns: a quarter of the load is ten of them.
        let expected = [
            "p95 in ms over load so far",
            "    80.0 │                                      ██",
            "         │                                      ██",
            "         │                                      ██",
            "       0 │        ▄▄        ▄▄        ██        ██",
            "         └────────────────────────────────────────",
            "          0/s                          ▲ 75.0/s",
        ];
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| line.chars().count() <= 50));
    }

    #[test]
    fn a_knee_stays_one() {
        assert_eq!(knee(&points(&[(10.0, 5.0), (20.0, 11.0), (30.0, 6.0), (40.0, 15.0), (50.0, 90.0)])), Some(40.0));
        // Whatever their order.
        assert_eq!(knee(&points(&[(50.0, 90.0), (10.0, 5.0)])), Some(50.0));
        assert_eq!(knee(&points(&[(10.0, 5.0), (20.0, 6.0)])), None);
        assert_eq!(knee(&[]), None);
        let live = Point { live: true, ..points(&[(20.0, 50.0)])[0] };
        assert_eq!(knee(&[points(&[(10.0, 5.0)])[0], live]), None);
    }

    #[test]
    fn no_room_or_nothing_to_show_is_no_chart() {
        assert!(plain(&[], 80).is_empty());
        assert!(plain(&points(&[(10.0, 5.0)]), 20).is_empty());
        assert!(plain(&points(&[(10.0, 0.0)]), 80).is_empty());
    }

    #[test]
    fn every_width_holds_every_chart() {
        let all: Vec<Point> =
            points(&(1..60).map(|step| (f64::from(step), f64::from(step).exp2().min(1e7))).collect::<Vec<_>>());
        for width in 0..140_usize {
            for line in draw(&all, 60.0, width, 5, Paint { colours: false }) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
