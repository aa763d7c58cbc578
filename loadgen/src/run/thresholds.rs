//! Whether the deployment keeps the plan's thresholds, second by second and step by step.

use hockeystick_core::measurement::{Distribution, Step};

use super::pulse::Second;
use crate::histogram;
use crate::plan::{Figure, Threshold};
use crate::table::number;

/// Watches the thresholds while a plan runs.
#[derive(Debug)]
pub(super) struct Keeper<'p> {
    thresholds: &'p [Threshold],
    /// For each, how many seconds in a row have passed its limit.
    passed_s: Vec<u32>,
}

impl<'p> Keeper<'p> {
    pub(super) fn new(thresholds: &'p [Threshold]) -> Self {
        Self { thresholds, passed_s: vec![0; thresholds.len()] }
    }

    /// A step begins: no second of another, nor of an earlier measurement of this one, comes right before it.
    pub(super) fn begin(&mut self) {
        self.passed_s.fill(0);
    }

    /// Looks at a second of a step's window; the first threshold that was passed for too long, if there is one. A
    /// second without requests says nothing.
    pub(super) fn second(&mut self, second: &Second) -> Option<String> {
        let mut missed = None;
        for (threshold, passed_s) in self.thresholds.iter().zip(&mut self.passed_s) {
            let Some(figure) = second.figure(threshold) else { continue };
            *passed_s = if figure < threshold.limit { 0 } else { *passed_s + 1 };
            if *passed_s >= threshold.seconds && missed.is_none() {
                missed = Some(format!("`{threshold}`: {} for {passed_s} s", written(threshold, figure)));
            }
        }
        missed
    }

    /// Looks at a whole step.
    pub(super) fn step(&self, step: &Step) -> Option<String> {
        let missed = |threshold: &&Threshold| of_step(threshold, step).is_some_and(|figure| figure >= threshold.limit);
        let threshold = self.thresholds.iter().find(missed)?;
        let figure = of_step(threshold, step)?;
        Some(format!("`{threshold}`: {} over the whole step", written(threshold, figure)))
    }
}

fn written(threshold: &Threshold, figure: f64) -> String {
    match threshold.figure {
        Figure::Errors => format!("{} %", number(100.0 * figure)),
        _ => format!("{} ms", number(figure / 1e3)),
    }
}

/// The threshold's figure over a step's window; none where no request says.
fn of_step(threshold: &Threshold, step: &Step) -> Option<f64> {
    let (due, failed, response) = match threshold.class {
        None => (step.due, step.failures(), &step.response),
        Some(class) => {
            let class = step.classes.get(&class)?;
            (class.due, class.failed, &class.response)
        }
    };
    match threshold.figure {
        Figure::Errors => (due > 0).then(|| failed as f64 / due as f64),
        Figure::Mean => (response.count > 0).then_some(response.mean_us),
        Figure::Quantile(quantile) => quantile_us(response, quantile),
    }
}

fn quantile_us(times: &Distribution, quantile: f64) -> Option<f64> {
    let histogram = histogram::decode(&times.hdr).ok().filter(|histogram| !histogram.is_empty())?;
    Some(histogram.value_at_quantile(quantile) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::pulse::Pulse;
    use hockeystick_core::workload::Class;

    fn slow() -> Second {
        let mut pulse = Pulse::default();
        pulse.record(Class::Read, 0, 300_000_000, true);
        pulse.turn()
    }

    #[test]
    fn seconds_count_for_every_threshold_and_for_one_step() {
        let thresholds = ["p50 < 100 ms for 1 s", "p95 < 100 ms for 2 s"].map(|text| text.parse().unwrap());
        let mut keeper = Keeper::new(&thresholds);
        // The first threshold is named, and the second has seen this second as well.
        assert!(keeper.second(&slow()).unwrap().contains("p50"));
        assert_eq!(keeper.passed_s, [1, 1]);
        keeper.begin();
        assert_eq!(keeper.passed_s, [0, 0]);
    }
}
