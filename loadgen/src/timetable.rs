//! When each step begins, by the clock on the wall: so that several machines begin each together, without a word between
//! them.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::plan::Plan;

/// Time after the last answer that a step may wait for, for writing the results and waking the users.
const SLACK: Duration = Duration::from_secs(2);
/// Starts further away than this are a slip of the pen.
const AWAY_MAX: SignedDuration = SignedDuration::from_hours(24);

/// The steps of a plan that begins at a given instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    start: Timestamp,
}

/// Why a plan cannot begin at an instant.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Untimely {
    /// It has passed.
    #[error(
        "the start, {start}, was {ago_s:.1} s ago by this machine's clock; give a later one, the same on every machine, or \
         take up at the next step with --resume"
    )]
    Past {
        /// The start.
        start: Timestamp,
        /// Seconds since.
        ago_s: f64,
    },
    /// It is far away.
    #[error(
        "the start, {start}, is more than a day away by this machine's clock, which shows {now}; give an earlier one"
    )]
    Far {
        /// The start.
        start: Timestamp,
        /// What the clock shows.
        now: Timestamp,
    },
}

impl Timetable {
    /// A plan that begins at `start`.
    ///
    /// # Errors
    /// When that has passed by the clock, which shows `now`, or is more than a day away.
    pub fn new(start: Timestamp, now: Timestamp) -> Result<Self, Untimely> {
        let away = start.duration_since(now);
        if away.is_negative() {
            return Err(Untimely::Past { start, ago_s: -away.as_secs_f64() });
        }
        Self::under_way(start, now)
    }

    /// A plan that begins at `start`, or began then: its steps that have begun are missed.
    ///
    /// # Errors
    /// When the start is more than a day away.
    pub fn under_way(start: Timestamp, now: Timestamp) -> Result<Self, Untimely> {
        if start.duration_since(now) > AWAY_MAX { Err(Untimely::Far { start, now }) } else { Ok(Self { start }) }
    }

    /// When the first step begins.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// When a step of the plan begins: after what came before has taken its time, and its last answers theirs. It depends
    /// on the plan alone, so that all machines know it.
    pub fn begins(&self, plan: &Plan, step: usize) -> Timestamp {
        let before = plan.steps.iter().take(step);
        let before = before.map(|step| plan.warm_up + Duration::from_secs_f64(step.seconds) + pause(plan));
        // A plan of a thousand days is far within what a timestamp holds; if not, the last one there is.
        self.start.saturating_add(before.sum::<Duration>()).unwrap_or(Timestamp::MAX)
    }

    /// Seconds from the first step to the end of the plan.
    pub fn seconds(&self, plan: &Plan) -> f64 {
        self.ends(plan).duration_since(self.start).as_secs_f64()
    }

    /// When the plan is over.
    pub fn ends(&self, plan: &Plan) -> Timestamp {
        self.begins(plan, plan.steps.len())
    }
}

/// Time between the end of a step and the beginning of the next: the longest that an answer may take, and some.
pub fn pause(plan: &Plan) -> Duration {
    longest_answer(plan) + SLACK
}

/// Longest time after the end of a step that its last answer may take: the run is stopped when a request waits longer
/// for a user than a response may take on average, and is given up after its timeout.
pub fn longest_answer(plan: &Plan) -> Duration {
    plan.stop.response + plan.timeout
}

/// When an instant by the clock on the wall is by the clock that waits go by; in the past, none.
pub fn instant(of: Timestamp) -> Option<Instant> {
    let (wall, now) = (Timestamp::now(), Instant::now());
    Duration::try_from(of.duration_since(wall)).ok().map(|left| now + left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn steps_begin_at_instants_that_the_plan_alone_decides() {
        let text = "schema = 1\nwarm_up = \"1.5 s\"\ntimeout = \"3 s\"\n\
            steps = [{ rate = \"5/s\", seconds = 2.5 }, { rate = \"5/s\", seconds = 10 }]\n\
            [stop]\nresponse = \"2 s\"\n[[request]]\nclass = \"read\"\npath = \"/\"\n";
        let plan = plan::read(text, "plan.toml").unwrap();
        let table = Timetable::new(at("2026-03-01T10:00:00Z"), at("2026-03-01T09:59:00Z")).unwrap();
        assert_eq!(table.begins(&plan, 0), at("2026-03-01T10:00:00Z"));
        assert_eq!(table.begins(&plan, 1), at("2026-03-01T10:00:11Z"));
        assert_eq!(table.ends(&plan), at("2026-03-01T10:00:29.5Z"));
    }

    #[test]
    fn a_start_that_has_passed_or_is_days_away_is_refused() {
        let now = at("2026-03-01T10:00:00Z");
        let error = Timetable::new(at("2026-03-01T09:59:48Z"), now).unwrap_err();
        assert!(error.to_string().contains("12.0 s ago"), "{error}");
        let error = Timetable::new(at("2027-03-01T10:00:00Z"), now).unwrap_err();
        assert!(error.to_string().contains("more than a day away"), "{error}");
        assert!(Timetable::new(now, now).is_ok());
    }
}
