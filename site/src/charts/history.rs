//! What a run's lines over time are drawn from: the latest samples, gathered into bins.

use std::collections::VecDeque;

/// Most samples kept: ten minutes of a reader's time at four a second.
const MOST_SAMPLES: usize = 2400;
/// Bins that one chart shows.
const BINS: f64 = 60.0;
/// Lengths of time that a chart shows, in seconds.
const WINDOWS: [f64; 12] = [2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0];
/// What a reader sees at once, in seconds of the reader's own time.
const READER_S: f64 = 60.0;

/// How the samples within one bin make one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// Counts: their sum by the time they were counted in.
    PerSecond,
    /// A level: its mean, weighted by time.
    Level,
    /// A figure that already looks back over a while: the latest.
    Latest,
}

#[derive(Clone, Debug)]
struct Entry {
    at_s: f64,
    seconds: f64,
    values: Box<[f64]>,
}

/// Samples of several series, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    entries: VecDeque<Entry>,
}

/// A stretch of simulated time, cut into bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    pub(super) bin_s: f64,
}

impl Window {
    /// About a minute of the reader's time that ends at `now_s`; a run's first minute starts at its beginning.
    pub(super) fn ending(now_s: f64, speed: f64) -> Self {
        let wanted = READER_S * speed;
        let length = WINDOWS
            .into_iter()
            .find(|length| *length >= wanted * 0.99)
            .unwrap_or((wanted / 21_600.0).ceil() * 21_600.0);
        let bin_s = (length / BINS).max(0.05);
        // The window moves a bin at a time: the same samples fall into the same bin from one drawing to the next.
        let to_s = ((now_s / bin_s).ceil() * bin_s).max(length);
        Self { from_s: to_s - length, to_s, bin_s }
    }

    /// Its length in seconds.
    pub(super) fn length_s(&self) -> f64 {
        self.to_s - self.from_s
    }

    /// The ends of its bins.
    pub(super) fn ends(self) -> impl Iterator<Item = f64> {
        let count = (self.length_s() / self.bin_s).round() as u32;
        (1..=count).map(move |n| self.from_s + f64::from(n) * self.bin_s)
    }
}

impl History {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Adds what was sampled in the `seconds` before `at_s`; not-a-number stands for no value. Time that runs backwards
    /// is a new run.
    pub(super) fn push(&mut self, at_s: f64, seconds: f64, values: Vec<f64>) {
        if self.now_s().is_some_and(|last| at_s < last) {
            self.clear();
        }
        if self.entries.len() == MOST_SAMPLES {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at_s, seconds, values: values.into() });
    }

    /// When the last sample was taken.
    pub(super) fn now_s(&self) -> Option<f64> {
        self.entries.back().map(|entry| entry.at_s)
    }

    /// One series within a window: the end of each bin that has a value, and the value. The last bin is left out of
    /// rates while it is under way, since a few requests more or less would make it jump.
    pub(super) fn binned(&self, series: usize, fold: Fold, window: &Window) -> Vec<(f64, f64)> {
        let mut bins: Vec<(f64, f64)> = Vec::with_capacity(BINS as usize + 1);
        let mut current: Option<(i64, f64, f64)> = None;
        let mut close = |bin: Option<(i64, f64, f64)>, whole: bool| {
            if let Some((index, sum, weight)) = bin
                && weight > 0.0
                && (whole || fold == Fold::Latest || weight >= 0.9 * window.bin_s)
            {
                bins.push((window.from_s + (index as f64 + 1.0) * window.bin_s, sum / weight));
            }
        };
        for entry in &self.entries {
            let value = entry.values.get(series).copied().unwrap_or(f64::NAN);
            if value.is_nan() || entry.at_s <= window.from_s || entry.at_s > window.to_s + 1e-9 {
                continue;
            }
            // A sample belongs to the bin in which it ended, also when it spans several.
            let index = ((entry.at_s - window.from_s) / window.bin_s - 1e-9).floor() as i64;
            let (add, weight) = match fold {
                Fold::PerSecond => (value, entry.seconds),
                Fold::Level => (value * entry.seconds, entry.seconds),
                Fold::Latest => (value, 1.0),
            };
            match &mut current {
                Some((last, sum, total)) if *last == index => match fold {
                    Fold::Latest => (*sum, *total) = (add, weight),
                    _ => (*sum, *total) = (*sum + add, *total + weight),
                },
                _ => close(current.replace((index, add, weight)), true),
            }
        }
        close(current, false);
        bins
    }
}

/// Cuts a line where values are missing for longer than `gap` along x.
pub(super) fn segments(points: &[(f64, f64)], gap: f64) -> Vec<&[(f64, f64)]> {
    points.chunk_by(|a, b| b.0 - a.0 <= gap).collect()
}

/// The stretches of a line above zero, each with the zero before it and the zero after it.
pub(super) fn risen(points: &[(f64, f64)]) -> Vec<&[(f64, f64)]> {
    let is_up = |index: usize| points.get(index).is_some_and(|(_, value)| *value > 0.0);
    let mut stretches = Vec::new();
    let mut index = 0;
    while index < points.len() {
        if is_up(index) {
            let end = (index..points.len()).find(|next| !is_up(*next)).unwrap_or(points.len());
            stretches.push(&points[index.saturating_sub(1)..(end + 1).min(points.len())]);
            index = end;
        } else {
            index += 1;
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Window {
        Window { from_s: 0.0, to_s: 60.0, bin_s: 1.0 }
    }

    #[test]
    fn counts_become_rates_over_each_bin() {
        let mut history = History::default();
        for quarter in 1..=8 {
            history.push(f64::from(quarter) * 0.25, 0.25, vec![f64::from(quarter)]);
        }
        // 1 + 2 + 3 + 4 in the first second, 5 + 6 + 7 + 8 in the next.
        assert_eq!(history.binned(0, Fold::PerSecond, &window()), [(1.0, 10.0), (2.0, 26.0)]);
    }

    #[test]
    fn a_rate_waits_for_its_bin_to_fill() {
        let mut history = History::default();
        history.push(1.0, 1.0, vec![10.0]);
        history.push(1.25, 0.25, vec![9.0]);
        assert_eq!(history.binned(0, Fold::PerSecond, &window()), [(1.0, 10.0)]);
        assert_eq!(history.binned(0, Fold::Latest, &window()), [(1.0, 10.0), (2.0, 9.0)]);
    }

    #[test]
    fn levels_are_weighted_by_time() {
        let mut history = History::default();
        history.push(0.25, 0.25, vec![1.0]);
        history.push(1.0, 0.75, vec![0.0]);
        assert_eq!(history.binned(0, Fold::Level, &window()), [(1.0, 0.25)]);
    }

    #[test]
    fn missing_values_leave_a_gap() {
        let mut history = History::default();
        for second in 1..=6 {
            let value = if second == 3 || second == 4 { f64::NAN } else { 1.0 };
            history.push(f64::from(second), 1.0, vec![value]);
        }
        let points = history.binned(0, Fold::Latest, &window());
        assert_eq!(points.len(), 4);
        assert_eq!(segments(&points, 1.5).len(), 2);
    }

    #[test]
    fn a_line_along_the_bottom_is_left_out_but_for_its_slopes() {
        let line: Vec<(f64, f64)> =
            [0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 1.0].iter().enumerate().map(|(x, y)| (x as f64, *y)).collect();
        let stretches = risen(&line);
        assert_eq!(stretches, [&line[1..4], &line[5..7]]);
        assert!(risen(&line[..2]).is_empty());
    }

    #[test]
    fn time_that_runs_backwards_is_a_new_run() {
        let mut history = History::default();
        history.push(50.0, 1.0, vec![1.0]);
        history.push(0.5, 0.5, vec![2.0]);
        assert_eq!(history.now_s(), Some(0.5));
        assert_eq!(history.binned(0, Fold::Latest, &window()).len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        for n in 0..10_000 {
            history.push(f64::from(n), 1.0, vec![0.0]);
        }
        assert_eq!(history.entries.len(), MOST_SAMPLES);
    }

    #[test]
    fn the_window_is_about_a_minute_of_the_readers_time() {
        assert_eq!(Window::ending(0.0, 1.0), window());
        let later = Window::ending(100.3, 1.0);
        assert_eq!((later.from_s, later.to_s), (41.0, 101.0));
        assert_eq!(Window::ending(0.0, 100.0).length_s(), 7200.0);
        assert_eq!(Window::ending(0.0, 0.05).length_s(), 5.0);
        assert!(Window::ending(0.0, 1000.0).length_s() >= 60_000.0);
    }
}
