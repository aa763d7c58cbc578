//! The last second: what a view shows, and what thresholds are held against.

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
}

#[derive(Clone, Debug)]
struct Beat {
    /// Response times of requests that were answered as expected, in microseconds.
    times: Histogram<u32>,
    failed: u64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { since: Instant::now(), classes: Default::default() }
    }
}

impl Pulse {
    pub(super) fn record(&mut self, class: Class, response_ns: u64, answered: bool) {
        let beat = &mut self.classes[class as usize];
        if beat.is_none() {
            // The bounds are constants that the library accepts, so this is never an error.
            let times = Histogram::new_with_bounds(1, TIME_MAX_US, 2).ok();
            *beat = times.map(|times| Box::new(Beat { times, failed: 0 }));
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
        Second { length_s: self.since.duration_since(past.since).as_secs_f64(), all, classes: past.classes }
    }
}

/// The requests that came to their end within about a second.
#[derive(Debug, Default)]
pub(super) struct Second {
    length_s: f64,
    all: Option<Box<Beat>>,
    classes: [Option<Box<Beat>>; Class::ALL.len()],
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
        pulse.record(Class::Read, 10_000_000, true);
        pulse.record(Class::Write, 30_000_000, true);
        pulse.record(Class::Write, 30_000_000, false);
        let second = pulse.turn();
        let figure = |text: &str| second.figure(&text.parse().unwrap());
        assert_eq!(figure("write errors < 1 %"), Some(0.5));
        assert_eq!(figure("read errors < 1 %"), Some(0.0));
        assert_eq!(figure("job p95 < 1 s"), None);
        let p99 = figure("p99 < 1 s").unwrap();
        assert!((p99 / 30_000.0 - 1.0).abs() < 0.01, "{p99}");
        assert_eq!(pulse.turn().quantile_ms(0.5), None);
    }
}
