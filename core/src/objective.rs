//! What is asked of a deployment: `p95 < 200 ms`, `errors < 1 %`, `stale < 1 %`.
//!
//! An [`Objective`] is asked of a model as well as of a measurement, so it knows the figures that both have, and old answers,
//! which only a model can tell. The thresholds of loadgen's plans are written alike ([`split`], [`read_share`]) and are
//! something else: any percentile of any class of request, over the last seconds of a run, which no model tells.

use std::fmt;
use std::str::FromStr;

use crate::contrast::Compared;
use crate::measurement::{Metric, Step};
use crate::number::short;
use crate::outcome::Outcome;
use crate::units::Duration;
use crate::verdict::{CONFIDENCE, predicted};

/// A figure, and what it must stay below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// A response time.
    Time {
        /// Which: the mean or a percentile.
        metric: Metric,
        /// What it must stay below.
        below: Duration,
    },
    /// Failed requests.
    Errors {
        /// The share of all requests that they must stay below, 0 to 1.
        below: f64,
    },
    /// Answers that are out of date. A measurement does not know which ones were.
    Stale {
        /// The share of all answers that they must stay below, 0 to 1.
        below: f64,
    },
}

/// A text that is no objective.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no objective: expected one such as \"p95 < 200ms\" (mean, p50, p95, p99), \"errors < 1%\" or \"stale < 1%\""
)]
pub struct ObjectiveError(String);

impl FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        read(text).ok_or_else(|| ObjectiveError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Objective> {
    let (name, limit) = split(text)?;
    if matches!(name, "errors" | "stale") {
        let below = read_share(limit).filter(|below| *below > 0.0)?;
        return Some(if name == "errors" { Objective::Errors { below } } else { Objective::Stale { below } });
    }
    let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name && *metric != Metric::Throughput)?;
    let below: Duration = limit.parse().ok()?;
    (below > Duration::ZERO).then_some(Objective::Time { metric, below })
}

/// What is limited and the limit, from `FIGURE < LIMIT`, or with `<=`: of figures that are measured, the same.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let (figure, limit) = text.split_once('<')?;
    Some((figure.trim(), limit.strip_prefix('=').unwrap_or(limit).trim()))
}

/// A share, 0 to 1, from `1 %` or `0.01`.
pub fn read_share(text: &str) -> Option<f64> {
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.trim().parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { metric, below } => write!(f, "{} under {below}", metric.name()),
            Self::Errors { below } => write!(f, "errors under {} %", short(below * 100.0, 3)),
            Self::Stale { below } => write!(f, "old answers under {} %", short(below * 100.0, 3)),
        }
    }
}

impl Objective {
    /// The figure that it is about: milliseconds, or the failed share. None where there is none.
    pub fn figure(&self, outcome: &Outcome) -> Option<f64> {
        match self {
            Self::Time { metric, .. } => predicted(outcome, *metric).known(),
            Self::Errors { .. } => Compared::Failed.of(outcome),
            Self::Stale { .. } => outcome.stale.known(),
        }
    }

    /// What the figure must stay below: milliseconds, or a share.
    pub fn limit(&self) -> f64 {
        match self {
            Self::Time { below, .. } => below.as_ms_f64(),
            Self::Errors { below } | Self::Stale { below } => *below,
        }
    }

    /// The same with its limit times `factor`.
    #[must_use]
    pub fn eased(&self, factor: f64) -> Self {
        match self {
            Self::Time { metric, below } => {
                Self::Time { metric: *metric, below: Duration::from_secs_f64(below.as_secs_f64() * factor) }
            }
            Self::Errors { below } => Self::Errors { below: below * factor },
            Self::Stale { below } => Self::Stale { below: below * factor },
        }
    }

    /// The figure as it was measured; none where a measurement has none.
    pub fn measured(&self, step: &Step) -> Option<f64> {
        match self {
            Self::Time { metric, .. } => (step.completed > 0).then(|| step.figure(*metric, CONFIDENCE).value),
            Self::Errors { .. } => (step.due > 0).then(|| step.failures() as f64 / step.due as f64),
            Self::Stale { .. } => None,
        }
    }

    /// A figure of it, as a text.
    pub fn show(&self, figure: f64) -> String {
        match self {
            Self::Time { metric, .. } => {
                format!("{} {} ms", metric.name(), short(figure, if figure < 10.0 { 2 } else { 0 }))
            }
            Self::Errors { .. } => format!("errors {} %", short(figure * 100.0, 2)),
            Self::Stale { .. } => format!("old answers {} %", short(figure * 100.0, 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_written_as_one_says_them() {
        let p95 = Objective::Time { metric: Metric::P95, below: Duration::from_ms(200) };
        assert_eq!("p95 < 200ms".parse(), Ok(p95));
        assert_eq!("p95<=0.2 s".parse(), Ok(p95));
        assert_eq!("errors < 1%".parse(), Ok(Objective::Errors { below: 0.01 }));
        assert_eq!("errors<0.5 %".parse(), Ok(Objective::Errors { below: 0.005 }));
        assert_eq!("stale < 2 %".parse(), Ok(Objective::Stale { below: 0.02 }));
        assert_eq!((p95.to_string(), p95.limit()), ("p95 under 200 ms".to_owned(), 200.0));
        for wrong in [
            "",
            "p95",
            "p95 200ms",
            "p95 < 200",
            "p12 < 1 s",
            "throughput < 1 s",
            "errors < 0",
            "stale < 0",
            "mean < 0 s",
        ] {
            assert!(wrong.parse::<Objective>().is_err(), "{wrong}");
        }
    }
}
