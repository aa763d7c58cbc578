//! `[challenge]`: what a reader is asked to reach. How a run is judged by it, [`challenge`](crate::challenge) says.

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::pack_struct;
use crate::units::{Duration, Rate};

/// What the reader is asked to reach, judged by the simulation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The task, as a sentence.
    pub goal: String,
    /// Requests a second that must be carried.
    pub rate: Rate,
    /// Largest 95th percentile of the response time.
    pub p95: Duration,
    /// Largest share of requests that may fail.
    #[serde(default)]
    pub errors: f64,
    /// Largest share of answers that may be out of date; none where nobody asks.
    #[serde(default)]
    pub stale: Option<f64>,
    /// Most changes that may be lost in a run, as [`Outcome::lost`] counts them; none where nobody asks.
    #[serde(default)]
    pub lost: Option<f64>,
    /// Largest price of a month, in US dollars.
    #[serde(default)]
    pub budget: Option<f64>,
    /// How much simulated time a run is judged by; none for as long as some twenty thousand requests take.
    #[serde(default, rename = "for")]
    pub lasts: Option<Duration>,
    /// What goes wrong in each run, besides what is on the stage's own timeline.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// Hints, from vague to plain.
    #[serde(default)]
    pub hints: Vec<String>,
}

pack_struct!(Challenge { goal, rate, p95, errors, stale, lost, budget, lasts, faults, hints });
