//! An outcome as a sentence.

use hockeystick_core::outcome::{Estimate, Outcome};

use crate::charts::number;

/// What a run measured, in words: `mean 302 ms, p95 812 ms; 5 answers a second, none failed`.
pub(super) fn sentence(outcome: &Outcome) -> String {
    let answered = outcome.throughput_per_s.known().unwrap_or(0.0);
    let time = |name: &str, estimate: &Estimate| {
        Some(format!("{name} {}", number::response(estimate.known().filter(|ms| ms.is_finite())?)))
    };
    let response = &outcome.response_ms;
    let times: Vec<String> = [time("mean", &response.mean), time("p95", &response.p95)].into_iter().flatten().collect();
    let failed: Vec<(f64, &str)> = outcome
        .errors_per_s
        .iter()
        .filter_map(|(cause, rate)| Some((rate.known().filter(|rate| *rate > 0.0)?, cause.as_str())))
        .collect();
    let failures = if failed.is_empty() {
        "none failed".to_owned()
    } else {
        let causes = failed.iter().map(|(rate, cause)| format!("{} a second {cause}", number::significant(*rate, 2)));
        causes.collect::<Vec<_>>().join(", ")
    };
    let answers = format!("{} answers a second, {failures}", number::significant(answered, 2));
    if times.is_empty() || answered <= 0.0 { answers } else { format!("{}; {answers}", times.join(", ")) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use hockeystick_core::outcome::Response;
    use std::collections::BTreeMap;

    /// An outcome with this 95th percentile, and this many answers and failures a second.
    pub(crate) fn outcome(p95_ms: f64, answered: f64, refused: f64) -> Outcome {
        let ms = |value: f64| Estimate::value(value);
        Outcome {
            throughput_per_s: Estimate::value(answered),
            response_ms: Response { mean: ms(p95_ms / 3.0), p50: ms(p95_ms / 4.0), p95: ms(p95_ms), p99: ms(p95_ms) },
            utilisation: BTreeMap::new(),
            errors_per_s: BTreeMap::from([("refused".to_owned(), Estimate::value(refused))]),
            stale: Estimate::value(0.0),
            metrics: BTreeMap::new(),
        }
    }

    #[test]
    fn a_run_without_failures_says_so() {
        assert_eq!(sentence(&outcome(300.0, 5.0, 0.0)), "mean 100 ms, p95 300 ms; 5 answers a second, none failed");
    }

    #[test]
    fn failures_are_told_by_cause() {
        assert!(sentence(&outcome(300.0, 10.0, 2.04)).ends_with("10 answers a second, 2 a second refused"));
        assert_eq!(sentence(&outcome(0.0, 0.0, 9.3)), "0 answers a second, 9.3 a second refused");
    }
}
