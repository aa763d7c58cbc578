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

    /// Looks at a second of a step's window; the threshold that was passed for too long, if there is one. A second without
    /// requests says nothing.
    pub(super) fn second(&mut self, second: &Second) -> Option<String> {
        for (threshold, passed_s) in self.thresholds.iter().zip(&mut self.passed_s) {
            let Some(figure) = second.figure(threshold) else { continue };
            *passed_s = if figure < threshold.limit { 0 } else { *passed_s + 1 };
            if *passed_s >= threshold.seconds {
                return Some(format!("`{threshold}`: {} for {passed_s} s", written(threshold, figure)));
            }
        }
        None
    }

    /// Looks at a whole step.
    pub(super) fn step(&mut self, step: &Step) -> Option<String> {
        self.passed_s.fill(0);
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
