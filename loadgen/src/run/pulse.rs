//! The last second: what a view shows, and what thresholds are held against.

use std::collections::VecDeque;
use std::time::Instant;

use hdrhistogram::Histogram;
use hockeystick_core::workload::Class;

use crate::histogram::TIME_MAX_US;
use crate::plan::{Figure, Threshold};

/// Requests that came to their end since the last look.
#[derive(Debug)]
pub(super) struct Pulse {
    since: Instant,
    classes: [Option<Box<Beat>>; Class::ALL.len()],
    /// Sent minus due, in microseconds.
    lag: Option<Box<Histogram<u32>>>,
}

#[derive(Clone, Debug)]
struct Beat {
    /// Response times of requests that were answered as expected, in microseconds.
    times: Histogram<u32>,
    failed: u64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { since: Instant::now(), classes: Default::default(), lag: None }
    }
}

impl Pulse {
    pub(super) fn record(&mut self, class: Class, lag_ns: u64, response_ns: u64, answered: bool) {
        if self.lag.is_none() {
            self.lag = times().map(Box::new);
        }
        if let Some(lag) = &mut self.lag {
            lag.saturating_record((lag_ns / 1_000).max(1));
        }
        let beat = &mut self.classes[class as usize];
        if beat.is_none() {
            *beat = times().map(|times| Box::new(Beat { times, failed: 0 }));
        }
        let Some(beat) = beat else { return };
        if answered {
            beat.times.saturating_record((response_ns / 1_000).max(1));
        } else {
            beat.failed += 1;
        }
    }

    /// Begins anew, and gives what there was.
    pub(super) fn turn(&mut self) -> Second {
        let past = std::mem::take(self);
        let mut all: Option<Box<Beat>> = None;
        for beat in past.classes.iter().flatten() {
            match &mut all {
                // All histograms have the same bounds, so that one always fits into another.
                Some(all) => {
                    let _ = all.times.add(&beat.times);
                    all.failed += beat.failed;
                }
                None => all = Some(beat.clone()),
            }
        }
        let length_s = self.since.duration_since(past.since).as_secs_f64();
        Second { length_s, all, classes: past.classes, lag: past.lag }
    }
}

fn times() -> Option<Histogram<u32>> {
    // The bounds are constants that the library accepts, so this is always some.
    Histogram::new_with_bounds(1, TIME_MAX_US, 2).ok()
}

/// The requests that came to their end within about a second.
#[derive(Debug, Default)]
pub(super) struct Second {
    length_s: f64,
    all: Option<Box<Beat>>,
    classes: [Option<Box<Beat>>; Class::ALL.len()],
    lag: Option<Box<Histogram<u32>>>,
}

impl Second {
    /// Answers as expected, a second.
    pub(super) fn answers_per_s(&self) -> f64 {
        let count = self.all.as_ref().map_or(0, |beat| beat.times.len());
        if self.length_s > 0.0 { count as f64 / self.length_s } else { 0.0 }
    }

    /// A percentile of the response time, in milliseconds; none without an answer.
    pub(super) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let beat = self.all.as_ref().filter(|beat| !beat.times.is_empty())?;
        Some(beat.times.value_at_quantile(quantile) as f64 / 1e3)
    }

    /// A percentile of the generator's lag, in milliseconds; none without a request.
    pub(super) fn lag_ms(&self, quantile: f64) -> Option<f64> {
        Some(self.lag.as_ref()?.value_at_quantile(quantile) as f64 / 1e3)
    }

    /// Share of requests that failed; none where none ended.
    pub(super) fn errors(&self) -> Option<f64> {
        self.all.as_ref()?.figure(Figure::Errors)
    }

    /// The figure that a threshold is about; none where no request says.
    pub(super) fn figure(&self, threshold: &Threshold) -> Option<f64> {
        let beat = match threshold.class {
            None => self.all.as_ref(),
            Some(class) => self.classes[class as usize].as_ref(),
        };
        beat?.figure(threshold.figure)
    }
}

/// How many requests became due, over the last second or so.
#[derive(Debug, Default)]
pub(super) struct Offered(VecDeque<(u64, u64)>);

impl Offered {
    /// Requests a second, when `due` of them have come by `now_ns`.
    pub(super) fn per_s(&mut self, now_ns: u64, due: u64) -> f64 {
        while self.0.get(1).is_some_and(|(at_ns, _)| now_ns.saturating_sub(*at_ns) >= 1_000_000_000) {
            self.0.pop_front();
        }
        let (from_ns, before) = self.0.front().copied().unwrap_or((0, 0));
        self.0.push_back((now_ns, due));
        if now_ns > from_ns { (due - before.min(due)) as f64 * 1e9 / (now_ns - from_ns) as f64 } else { 0.0 }
    }
}

impl Beat {
    fn figure(&self, figure: Figure) -> Option<f64> {
        let answered = self.times.len();
        let count = answered + self.failed;
        match figure {
            Figure::Errors => (count > 0).then(|| self.failed as f64 / count as f64),
            Figure::Mean => (answered > 0).then(|| self.times.mean()),
            Figure::Quantile(quantile) => (answered > 0).then(|| self.times.value_at_quantile(quantile) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_what_ended_in_it_and_no_more() {
        let mut pulse = Pulse::default();
        pulse.record(Class::Read, 2_000_000, 10_000_000, true);
        pulse.record(Class::Write, 2_000_000, 30_000_000, true);
        pulse.record(Class::Write, 2_000_000, 30_000_000, false);
        let second = pulse.turn();
        let figure = |text: &str| second.figure(&text.parse().unwrap());
        assert_eq!(figure("write errors < 1 %"), Some(0.5));
        assert_eq!(figure("read errors < 1 %"), Some(0.0));
        assert_eq!(figure("job p95 < 1 s"), None);
        let p99 = figure("p99 < 1 s").unwrap();
        assert!((p99 / 30_000.0 - 1.0).abs() < 0.01, "{p99}");
        assert!((second.lag_ms(0.5).unwrap() - 2.0).abs() < 0.02);
        let next = pulse.turn();
        assert_eq!((next.quantile_ms(0.5), next.lag_ms(0.5)), (None, None));
    }

    #[test]
    fn what_is_offered_is_that_of_the_last_second() {
        let mut offered = Offered::default();
        let rates: Vec<f64> = (1..=40_u64)
            .map(|tenth| {
                offered.per_s(tenth * 100_000_000, if tenth <= 20 { 10 * tenth } else { 200 + 50 * (tenth - 20) })
            })
            .collect();
        assert_eq!((rates[4], rates[19], rates[39]), (100.0, 100.0, 500.0));
    }
}
