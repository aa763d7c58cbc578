//! Whether a board does what a challenge asks: every seed must agree.

use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::Challenge;

use super::measured::failed_share;
use crate::charts::number;

/// Runs of one verdict, each with a seed of its own.
pub(super) const SEEDS: u64 = 5;

/// One thing that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Rate,
    P95,
    Errors,
    Budget,
}

impl Term {
    /// Every one, in the order in which a challenge lists them.
    pub(super) const ALL: [Self; 4] = [Self::Rate, Self::P95, Self::Errors, Self::Budget];

    /// Its name in the page's markup.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::P95 => "p95",
            Self::Errors => "errors",
            Self::Budget => "budget",
        }
    }
}

/// Share of the rate that must be answered. Random users send more or fewer than their mean; over some twenty thousand
/// requests the sum strays by less than one in a hundred (1/√20,000 = 0.7 %), and three times that settles it.
const CARRIED: f64 = 0.98;

/// One thing that was asked, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) term: Term,
    /// None while it is not known.
    pub(super) met: Option<bool>,
    /// What is there, in words; empty while it is not known.
    pub(super) found: String,
}

/// Judges a board by its runs so far and its price.
///
/// `peak_share` is the mean rate of a run over its highest, which is what a challenge asks for: less than one where a
/// board has a day.
pub(super) fn judge(challenge: &Challenge, outcomes: &[Outcome], price_per_month: f64, peak_share: f64) -> Vec<Line> {
    let all_run = outcomes.len() as u64 >= SEEDS;
    // One failed run settles the matter; success needs them all.
    let verdict = |met: &dyn Fn(&Outcome) -> bool| {
        if outcomes.iter().any(|outcome| !met(outcome)) { Some(false) } else { all_run.then_some(true) }
    };
    let p95 = |outcome: &Outcome| outcome.response_ms.p95.known().filter(|ms| ms.is_finite());
    let limit_ms = challenge.p95.as_ms_f64();
    let answered = |outcome: &Outcome| outcome.throughput_per_s.known().map(|per_s| per_s / peak_share);
    let least_per_s = CARRIED * (1.0 - challenge.errors) * challenge.rate.per_s();
    let mut lines = vec![
        Line {
            term: Term::Rate,
            met: verdict(&|outcome| answered(outcome).is_some_and(|per_s| per_s >= least_per_s)),
            found: range(outcomes.iter().map(answered), number::rate),
        },
        Line {
            term: Term::P95,
            met: verdict(&|outcome| p95(outcome).is_some_and(|ms| ms <= limit_ms)),
            found: range(outcomes.iter().map(p95), number::response),
        },
        Line {
            term: Term::Errors,
            met: verdict(&|outcome| failed_share(outcome).is_some_and(|share| share <= challenge.errors)),
            found: range(outcomes.iter().map(failed_share), number::percent),
        },
    ];
    if let Some(budget) = challenge.budget {
        // Prices come from hourly ones: a fraction of a cent is not worth failing for.
        let met = Some(price_per_month <= budget + 0.005);
        lines.push(Line { term: Term::Budget, met, found: number::dollars(price_per_month) });
    }
    lines
}

/// `271 ms to 305 ms`, or one figure when all are the same.
fn range(values: impl Iterator<Item = Option<f64>>, show: impl Fn(f64) -> String) -> String {
    let values: Vec<f64> = values.flatten().collect();
    let low = values.iter().copied().reduce(f64::min).map(&show);
    let high = values.iter().copied().reduce(f64::max).map(&show);
    match (low, high) {
        (Some(low), Some(high)) if low != high => format!("{low} to {high}"),
        (Some(low), _) => low,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::tests::outcome;
    use super::*;
    use hockeystick_core::units::{Duration, Rate};

    fn challenge() -> Challenge {
        Challenge {
            goal: String::new(),
            rate: Rate::per_second(180.0),
            p95: Duration::from_ms(300),
            errors: 0.001,
            budget: Some(6.01),
            lasts: None,
            hints: Vec::new(),
        }
    }

    fn met(outcomes: &[Outcome], price: f64) -> Vec<Option<bool>> {
        judge(&challenge(), outcomes, price, 1.0).into_iter().map(|line| line.met).collect()
    }

    #[test]
    fn every_seed_must_agree() {
        let good = || outcome(250.0, 180.0, 0.0);
        let mut outcomes = vec![good(), good(), good(), good()];
        assert_eq!(met(&outcomes, 6.0), [None, None, None, Some(true)]);
        outcomes.push(good());
        assert_eq!(met(&outcomes, 6.0), [Some(true); 4]);
        outcomes[2] = outcome(301.0, 180.0, 0.0);
        assert_eq!(met(&outcomes, 6.0), [Some(true), Some(false), Some(true), Some(true)]);
    }

    #[test]
    fn one_failed_run_settles_it() {
        let expected = [Some(false), None, Some(false), Some(false)];
        assert_eq!(met(&[outcome(100.0, 170.0, 10.0)], 7.0), expected);
    }

    #[test]
    fn a_board_that_answers_nobody_fails() {
        assert_eq!(met(&[outcome(f64::NAN, 0.0, 0.0)], 6.0)[..3], [Some(false); 3]);
    }

    #[test]
    fn a_day_is_judged_by_its_busiest_moment() {
        // 60 % of the peak on average is all that such a day asks for.
        let lines = judge(&challenge(), &[outcome(100.0, 108.0, 0.0)], 6.0, 0.6);
        assert_eq!((lines[0].met, lines[0].found.as_str()), (None, "180 /s"));
    }

    #[test]
    fn the_range_over_the_seeds_is_told() {
        let lines = judge(&challenge(), &[outcome(271.0, 1.0, 0.0), outcome(305.0, 1.0, 0.0)], 6.01, 1.0);
        let found: Vec<&str> = lines.iter().map(|line| line.found.as_str()).collect();
        assert_eq!(found, ["1 /s", "271 ms to 305 ms", "0 %", "$6.01"]);
    }
}
