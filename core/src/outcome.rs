//! What a solver found: the same shape from the simulation and from theory, so that they can be laid side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{pack_enum, pack_struct};

/// A number, with its interval where it has one, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Estimate {
    /// A number.
    Known {
        /// The estimate.
        value: f64,
        /// Lower end of the confidence interval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<f64>,
        /// Upper end of the confidence interval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<f64>,
        /// For theory: `exact`, or the approximation's name and known error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<String>,
    },
    /// No number, and why.
    NotApplicable {
        /// The reason, as a sentence.
        not_applicable: String,
    },
}

impl Estimate {
    /// A bare number.
    pub const fn value(value: f64) -> Self {
        Self::Known { value, low: None, high: None, basis: None }
    }

    /// A number within an interval.
    pub const fn interval(value: f64, low: f64, high: f64) -> Self {
        Self::Known { value, low: Some(low), high: Some(high), basis: None }
    }

    /// A number from a formula.
    pub fn by(value: f64, basis: impl Into<String>) -> Self {
        Self::Known { value, low: None, high: None, basis: Some(basis.into()) }
    }

    /// No number.
    pub fn not_applicable(reason: impl Into<String>) -> Self {
        Self::NotApplicable { not_applicable: reason.into() }
    }

    /// The number, if there is one.
    pub const fn known(&self) -> Option<f64> {
        match self {
            Self::Known { value, .. } => Some(*value),
            Self::NotApplicable { .. } => None,
        }
    }

    /// Both ends of the interval, if there is one.
    pub const fn bounds(&self) -> Option<(f64, f64)> {
        match self {
            Self::Known { low: Some(low), high: Some(high), .. } => Some((*low, *high)),
            _ => None,
        }
    }
}

/// Estimates by name.
///
/// Not `collect`, which sorts first: each type that is sorted costs a page several kilobytes.
pub fn by_name(estimates: impl Iterator<Item = (String, Estimate)>) -> BTreeMap<String, Estimate> {
    let mut map = BTreeMap::new();
    for (name, estimate) in estimates {
        map.insert(name, estimate);
    }
    map
}

/// Response time of completed requests, from the user's click to the last byte, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Mean.
    pub mean: Estimate,
    /// Median.
    pub p50: Estimate,
    /// 95th percentile.
    pub p95: Estimate,
    /// 99th percentile.
    pub p99: Estimate,
}

/// What follows a station's name in that of its room, see [`Outcome::full`].
pub const ROOM: &str = "_room";

/// What a solver says of a stage at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Requests completed a second.
    pub throughput_per_s: Estimate,
    /// Response time of completed requests.
    pub response_ms: Response,
    /// Share of its capacity that each station uses, 0 to 1, by name: `box cpu`, `box disk`.
    pub utilisation: BTreeMap<String, Estimate>,
    /// Failed requests a second, by cause.
    pub errors_per_s: BTreeMap<String, Estimate>,
    /// Answers that were out of date, as a share of all answers.
    pub stale: Estimate,
    /// Figures of single components, by copy and name: `cache hit_ratio`, `queue backlog`, `replica#1 lag`. Those that
    /// count are totals of the measured time. And of disks the room in what they wrote, see [`Outcome::full`]:
    /// `journal disk_room`.
    #[serde(default)]
    pub metrics: BTreeMap<String, Estimate>,
}

impl Outcome {
    /// Each station with how full it is, 0 to 1: its utilisation, less the room that was left in its work. A disk that takes
    /// many changes with one write is busy long before it is full.
    pub fn full(&self) -> impl Iterator<Item = (&str, f64)> {
        self.utilisation.iter().filter_map(|(station, share)| {
            let room = self.metrics.get(&format!("{station}{ROOM}")).and_then(Estimate::known);
            Some((station.as_str(), share.known()? - room.unwrap_or(0.0)))
        })
    }

    /// The share of the requests that failed, 0 to 1; none when there were none.
    pub fn failed_share(&self) -> Option<f64> {
        let failed: f64 = self.errors_per_s.values().filter_map(Estimate::known).sum();
        let all = failed + self.throughput_per_s.known()?;
        (all > 0.0).then(|| failed / all)
    }

    /// Changes that somebody was told are safe, and that are gone: rows that no backup had, and what a promoted replica
    /// had not heard of.
    pub fn lost(&self) -> f64 {
        let counts = |name: &str| name.ends_with(" rows_lost") || name.ends_with(" lost_writes");
        self.metrics.iter().filter(|(name, _)| counts(name)).filter_map(|(_, count)| count.known()).sum()
    }
}

pack_enum!(Estimate { 0 => Known { value, low, high, basis }, 1 => NotApplicable { not_applicable } });
pack_struct!(Response { mean, p50, p95, p99 });
pack_struct!(Outcome { throughput_per_s, response_ms, utilisation, errors_per_s, stale, metrics });
