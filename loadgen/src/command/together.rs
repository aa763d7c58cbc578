//! The options of a plan that several machines send together.

use std::env;
use std::str::FromStr;

use clap::Args;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use miette::{IntoDiagnostic, Report, miette};

use crate::plan::Plan;
use crate::shard::{SHARDS_MAX, Shard};
use crate::timetable::Timetable;

/// The number of a pod of an indexed Job, counted from 0: Kubernetes sets it.
const INDEX: &str = "JOB_COMPLETION_INDEX";
/// How many pods there are, which Kubernetes does not say.
const COUNT: &str = "LOADGEN_SHARDS";

#[derive(Debug, Args)]
pub(super) struct TogetherOptions {
    /// Send one share of the plan's requests, while other machines send the others: NUMBER from 1 to COUNT. Without NUMBER
    /// it is read from JOB_COMPLETION_INDEX, which Kubernetes sets; without the option, COUNT from LOADGEN_SHARDS
    #[arg(long, value_name = "[NUMBER]/COUNT")]
    shard: Option<Wanted>,
    /// When the first step begins: a time such as 2026-03-01T10:00:00Z, or +30s from now. Each later step begins when the
    /// one before is over and its slowest answer would be there, so that all shards begin it together. With --resume it may
    /// have passed
    #[arg(long, value_name = "TIME|+DURATION")]
    start_at: Option<Start>,
}

/// A shard as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Shard(Shard),
    /// That of this pod.
    Of(u32),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('/') {
            Some(of) => count(of).map(Self::Of).map_err(|reason| format!("`{text}`: {reason}")),
            None => text.parse().map(Self::Shard),
        }
    }
}

fn count(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|count| (1..=SHARDS_MAX).contains(count));
    count.ok_or_else(|| format!("`{text}` is no number of shards; 1 to {SHARDS_MAX} is valid"))
}

/// When to begin, as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    At(Timestamp),
    After(SignedDuration),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is no start; expected a time such as 2026-03-01T10:00:00Z, or +30s, +2min");
        match text.strip_prefix('+') {
            Some(after) => after.parse().map(Self::After).map_err(|_| expected()),
            None => text.parse().map(Self::At).map_err(|_| expected()),
        }
    }
}

/// Variables of the environment.
type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

impl TogetherOptions {
    /// The share to send, and when. One that `joins` may come late.
    pub(super) fn read(&self, joins: bool) -> Result<(Shard, Option<Timetable>), Report> {
        self.resolve(&|name| env::var(name).ok().filter(|value| !value.is_empty()), Timestamp::now(), joins)
    }

    fn resolve(
        &self,
        environment: Lookup<'_>,
        now: Timestamp,
        joins: bool,
    ) -> Result<(Shard, Option<Timetable>), Report> {
        let shard = self.shard(environment)?;
        let start = match self.start_at {
            Some(Start::At(start)) => Some(start),
            Some(Start::After(after)) if shard.is_whole() => {
                let start = now.checked_add(after).into_diagnostic()?;
                // Whole seconds are easily read, and told to others.
                let whole = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil);
                Some(start.round(whole).into_diagnostic()?)
            }
            Some(Start::After(_)) => {
                let help = format!("give all of them one time, such as --start-at {}", soon(now));
                return Err(miette!(help = help, "shards that count from now on begin each at another time"));
            }
            None if shard.is_whole() => None,
            None => {
                let help = format!("give all of them one time, such as --start-at {}", soon(now));
                return Err(miette!(help = help, "shards must begin together, and --start-at does not say when"));
            }
        };
        let timetable = if joins { Timetable::under_way } else { Timetable::new };
        let timetable = start.map(|start| timetable(start, now)).transpose().into_diagnostic()?;
        Ok((shard, timetable))
    }

    fn shard(&self, environment: Lookup<'_>) -> Result<Shard, Report> {
        let of = match self.shard {
            Some(Wanted::Shard(shard)) => return Ok(shard),
            Some(Wanted::Of(of)) => Some(of),
            None => {
                let count_of = |text: String| count(&text).map_err(|reason| miette!("{COUNT}: {reason}"));
                environment(COUNT).map(count_of).transpose()?
            }
        };
        match (environment(INDEX), of) {
            (None, None) => Ok(Shard::default()),
            (Some(index), None) => Err(miette!(
                help = "give --shard /COUNT with the number of the Job's completions; --shard 1/1 sends the whole plan here",
                "{INDEX} is {index}, and how many others there are is not said: each of them would send the whole plan"
            )),
            (None, Some(of)) => Err(miette!(
                help = "give --shard NUMBER/COUNT",
                "which of {of} shards to send is not said: {INDEX} is not set"
            )),
            (Some(index), Some(of)) => {
                let number = index.trim().parse::<u32>().ok().and_then(|index| index.checked_add(1));
                number.and_then(|number| Shard::new(number, of)).ok_or_else(|| {
                    miette!(
                        help = "the number of shards is that of the Job's completions",
                        "{INDEX} is {index}, which is none of {of} shards, counted from 0"
                    )
                })
            }
        }
    }
}

/// A time in about a minute that is easily read.
fn soon(now: Timestamp) -> Timestamp {
    let soon = now + SignedDuration::from_secs(60);
    soon.round(Unit::Minute).ok().filter(|rounded| *rounded >= now + SignedDuration::from_secs(30)).unwrap_or(soon)
}

/// Whether a plan can be shared by so many.
pub(super) fn permit(plan: &Plan, shard: Shard) -> Result<(), Report> {
    if plan.users < shard.of() {
        return Err(miette!(
            help = "say users = … in the plan, or use fewer shards",
            "the plan has {} users, which is fewer than one for each of {} shards",
            plan.users,
            shard.of()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        shard: Option<&str>,
        start_at: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Result<(Shard, Option<Timetable>), String> {
        resolve_late(shard, start_at, environment, false)
    }

    fn resolve_late(
        shard: Option<&str>,
        start_at: Option<&str>,
        environment: &[(&str, &str)],
        joins: bool,
    ) -> Result<(Shard, Option<Timetable>), String> {
        let options = TogetherOptions {
            shard: shard.map(|text| text.parse().unwrap()),
            start_at: start_at.map(|text| text.parse().unwrap()),
        };
        let lookup = |name: &str| environment.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        let now = "2026-03-01T10:00:11.7Z".parse().unwrap();
        options.resolve(&lookup, now, joins).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_pod_knows_its_shard_from_its_index() {
        let at = Some("2026-03-01T10:01:00Z");
        let shard = |given, environment: &[_]| resolve(given, at, environment).unwrap().0.to_string();
        assert_eq!(shard(None, &[("JOB_COMPLETION_INDEX", "2"), ("LOADGEN_SHARDS", "3")]), "3/3");
        assert_eq!(shard(Some("/4"), &[("JOB_COMPLETION_INDEX", "0"), ("LOADGEN_SHARDS", "3")]), "1/4");
        assert_eq!(shard(Some("2/2"), &[("JOB_COMPLETION_INDEX", "0")]), "2/2");
        assert_eq!(shard(None, &[]), "1/1");
    }

    #[test]
    fn what_would_send_too_much_or_at_the_wrong_time_is_refused() {
        let at = Some("2026-03-01T10:01:00Z");
        let index = ("JOB_COMPLETION_INDEX", "3");
        for (shard, start, environment, says) in [
            (None, at, &[index][..], "--shard /COUNT"),
            (None, at, &[index, ("LOADGEN_SHARDS", "3")], "none of 3 shards"),
            (None, at, &[index, ("LOADGEN_SHARDS", "many")], "LOADGEN_SHARDS"),
            (Some("/3"), at, &[], "JOB_COMPLETION_INDEX is not set"),
            (None, at, &[("LOADGEN_SHARDS", "3")], "NUMBER/COUNT"),
            (Some("1/2"), None, &[], "--start-at 2026-03-01T10:01:00Z"),
            (Some("1/2"), Some("+30s"), &[], "--start-at 2026-03-01T10:01:00Z"),
            (None, Some("2026-03-01T10:00:00Z"), &[], "11.7 s ago"),
        ] {
            let error = resolve(shard, start, environment).unwrap_err().replace("\n  │ ", "");
            assert!(error.contains(says), "{shard:?} {start:?}: {error}");
        }
        assert!("/0".parse::<Wanted>().is_err() && "soon".parse::<Start>().is_err() && "+".parse::<Start>().is_err());
    }

    #[test]
    fn one_that_joins_may_come_after_the_start() {
        let start = "2026-03-01T09:00:00Z";
        let (_, timetable) = resolve_late(Some("1/2"), Some(start), &[], true).unwrap();
        assert_eq!(timetable.unwrap().start().to_string(), start);
        assert!(resolve_late(Some("1/2"), Some("2027-03-01T09:00:00Z"), &[], true).is_err());
    }

    #[test]
    fn one_machine_may_count_from_now() {
        let (_, timetable) = resolve(None, Some("+30s"), &[]).unwrap();
        assert_eq!(timetable.unwrap().start().to_string(), "2026-03-01T10:00:42Z");
        assert_eq!(resolve(None, None, &[]).unwrap().1, None);
    }
}
