//! Whether a run of a reader's board does what a challenge asks.

use crate::outcome::Outcome;
use crate::stage::{Challenge, Fault, Stage};
use crate::units::Duration;

/// Requests of one run, about, and the limits of its length in simulated seconds.
const REQUESTS: f64 = 20_000.0;
const SECONDS: (f64, f64) = (30.0, 900.0);

/// Share of the rate that need not be answered, at least. Random users send more or fewer than their mean; over some
/// twenty thousand requests the sum strays by less than one in a hundred (1/√20,000 = 0.7 %), and three times that
/// settles it.
const MISSING: f64 = 0.02;

/// One thing that a challenge asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Requests a second that are answered.
    Rate,
    /// 95th percentile of the response time, in milliseconds.
    P95,
    /// Share of the requests that fail.
    Errors,
    /// Share of the answers that are out of date.
    Stale,
    /// Changes that are lost.
    Lost,
    /// Price of a month, in US dollars.
    Budget,
}

impl Term {
    /// Every one, in the order in which a challenge lists them.
    pub const ALL: [Self; 6] = [Self::Rate, Self::P95, Self::Errors, Self::Stale, Self::Lost, Self::Budget];

    /// Its name in a page's markup.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::P95 => "p95",
            Self::Errors => "errors",
            Self::Stale => "stale",
            Self::Lost => "lost",
            Self::Budget => "budget",
        }
    }

    /// Whether what was found is within the limit.
    pub fn is_met(self, found: f64, limit: f64) -> bool {
        if self == Self::Rate { found >= limit } else { found <= limit }
    }

    /// What a board has of it after a run; none where there is no such figure, as there is no response time where
    /// nobody is answered. Of a day the rate is that of its busiest moment.
    pub fn of(self, board: &Stage, outcome: &Outcome) -> Option<f64> {
        match self {
            // A day rises and falls evenly between its quietest moment and its peak.
            Self::Rate => {
                let peak_share = board.workload.day.map_or(1.0, |day| f64::midpoint(day.quiet, 1.0));
                Some(outcome.throughput_per_s.known()? / peak_share)
            }
            Self::P95 => outcome.response_ms.p95.known().filter(|ms| ms.is_finite()),
            Self::Errors => outcome.failed_share(),
            Self::Stale => outcome.stale.known(),
            Self::Lost => Some(outcome.lost()),
            Self::Budget => Some(board.price_per_month()),
        }
    }
}

impl Challenge {
    /// How much simulated time a run takes, in seconds.
    pub fn seconds(&self) -> f64 {
        let enough = || (REQUESTS / self.rate.per_s().max(1e-3)).clamp(SECONDS.0, SECONDS.1);
        self.lasts.map_or_else(enough, Duration::as_secs_f64)
    }

    /// The limit of a term: the most that there may be, of the rate the least. None where it is not asked for.
    pub fn limit(&self, term: Term) -> Option<f64> {
        match term {
            Term::Rate => {
                let missing = MISSING.max(3.0 / (self.rate.per_s() * self.seconds()).sqrt());
                Some((1.0 - missing) * (1.0 - self.errors) * self.rate.per_s())
            }
            Term::P95 => Some(self.p95.as_ms_f64()),
            Term::Errors => Some(self.errors),
            Term::Stale => self.stale,
            Term::Lost => self.lost,
            // Prices come from hourly ones: a fraction of a cent is not worth failing for.
            Term::Budget => self.budget.map(|dollars| dollars + 0.005),
        }
    }

    /// A board as a run of this challenge has it: at its rate, with what goes wrong. `of` is the stage that the
    /// challenge was written for; none where the board lacks what something is to go wrong with.
    pub fn trial(&self, of: &Stage, mut board: Stage) -> Option<Stage> {
        board.workload.rate = self.rate;
        for fault in &self.faults {
            let on = board.counterpart(of, &fault.on)?;
            board.faults.push(Fault { on, ..*fault });
        }
        Some(board)
    }
}
