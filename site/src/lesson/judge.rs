//! Whether a board does what a challenge asks: every seed must agree.

use hockeystick_core::challenge::Term;
use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::{Challenge, Stage};

use crate::charts::number;

/// Runs of one verdict, each with a seed of its own.
pub(super) const SEEDS: u64 = 5;

/// One thing that was asked, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) term: Term,
    /// None while it is not known.
    pub(super) met: Option<bool>,
    /// What is there, in words; empty while it is not known.
    pub(super) found: String,
}

/// Judges a board by its runs so far.
pub(super) fn judge(challenge: &Challenge, outcomes: &[Outcome], board: &Stage) -> Vec<Line> {
    let line = |term: Term| Some(look(term, challenge.limit(term)?, outcomes, board));
    Term::ALL.into_iter().filter_map(line).collect()
}

fn look(term: Term, limit: f64, outcomes: &[Outcome], board: &Stage) -> Line {
    if term == Term::Budget {
        // Known without a run.
        let price = board.price_per_month();
        return Line { term, met: Some(term.is_met(price, limit)), found: number::dollars(price) };
    }
    let found = |outcome: &Outcome| term.of(board, outcome);
    let show = match term {
        Term::Rate => number::rate,
        Term::P95 => number::response,
        Term::Lost => |count: f64| number::significant(count, 3),
        _ => number::percent,
    };
    // One failed run settles the matter; success needs them all.
    let fails = outcomes.iter().any(|outcome| !found(outcome).is_some_and(|it| term.is_met(it, limit)));
    let met = if fails { Some(false) } else { (outcomes.len() as u64 >= SEEDS).then_some(true) };
    let mut found = range(outcomes.iter().map(found), show);
    if term == Term::Rate && !found.is_empty() {
        found.insert_str(0, "answered ");
    }
    Line { term, met, found }
}

/// `271 ms to 305 ms in 5 runs`, or one figure when all are the same.
fn range(values: impl Iterator<Item = Option<f64>>, show: impl Fn(f64) -> String) -> String {
    let values: Vec<f64> = values.flatten().collect();
    let low = values.iter().copied().reduce(f64::min).map(&show);
    let high = values.iter().copied().reduce(f64::max).map(&show);
    match (low, high) {
        (Some(low), Some(high)) if low != high => format!("{low} to {high} in {} runs", values.len()),
        (Some(low), _) => low,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::tests::outcome;
    use super::*;
    use hockeystick_core::hardware::Machine;
    use hockeystick_core::outcome::Estimate;
    use hockeystick_core::stage::{HOURS_A_MONTH, NamedMachine};
    use hockeystick_core::units::{Duration, Rate};
    use hockeystick_core::workload::Day;

    fn challenge() -> Challenge {
        Challenge {
            goal: String::new(),
            rate: Rate::per_second(180.0),
            p95: Duration::from_ms(300),
            errors: 0.001,
            stale: None,
            lost: None,
            budget: Some(6.01),
            lasts: None,
            faults: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A board of this price a month.
    fn board(price: f64) -> Stage {
        let machine = Machine { price_per_hour: price / HOURS_A_MONTH, ..Machine::default() };
        let machines = vec![NamedMachine { id: "box".to_owned(), size: None, machine }];
        Stage { machines, ..Stage::default() }
    }

    fn met(outcomes: &[Outcome], price: f64) -> Vec<Option<bool>> {
        judge(&challenge(), outcomes, &board(price)).into_iter().map(|line| line.met).collect()
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
    fn what_is_old_and_what_is_lost_is_asked_for() {
        let challenge = Challenge { stale: Some(0.001), lost: Some(10.0), budget: None, ..challenge() };
        let run = |stale: f64, lost: f64| {
            let mut outcome = outcome(100.0, 180.0, 0.0);
            outcome.stale = Estimate::value(stale);
            outcome.metrics.insert("backup rows_lost".to_owned(), Estimate::value(lost));
            outcome
        };
        let lines = judge(&challenge, &[run(0.0005, 10.0), run(0.002, 0.0)], &board(6.0));
        let told: Vec<(Term, Option<bool>, &str)> =
            lines.iter().skip(3).map(|line| (line.term, line.met, line.found.as_str())).collect();
        assert_eq!(
            told,
            [(Term::Stale, Some(false), "0.05 % to 0.2 % in 2 runs"), (Term::Lost, None, "0 to 10 in 2 runs")]
        );
    }

    #[test]
    fn a_day_is_judged_by_its_busiest_moment() {
        // 60 % of the peak on average is all that such a day asks for.
        let mut board = board(6.0);
        board.workload.day = Some(Day { length: Duration::from_s(60), quiet: 0.2 });
        let lines = judge(&challenge(), &[outcome(100.0, 108.0, 0.0)], &board);
        assert_eq!((lines[0].met, lines[0].found.as_str()), (None, "answered 180/s"));
    }

    #[test]
    fn the_range_over_the_seeds_is_told() {
        let lines = judge(&challenge(), &[outcome(271.0, 1.0, 0.0), outcome(305.0, 1.0, 0.0)], &board(6.01));
        let found: Vec<&str> = lines.iter().map(|line| line.found.as_str()).collect();
        assert_eq!(found, ["answered 1/s", "271 ms to 305 ms in 2 runs", "0 %", "$6.01"]);
    }
}
