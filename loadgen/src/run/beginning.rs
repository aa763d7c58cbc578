//! What a run begins with: nothing, or what an earlier one of the same plan has measured.

use hockeystick_core::measurement::{Ended, Generator, Results, SCHEMA, Shard};
use jiff::Timestamp;
use reqwest::Url;

use super::Options;
use crate::plan::Plan;

/// Why a run cannot go on from a results file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresumable {
    /// It is of another plan, or of none that is known.
    #[error("it does not hold steps of this plan: the plan, or a file that it names, was changed since, or is another")]
    Plan,
    /// It is of another deployment.
    #[error("it holds steps of {0}")]
    Host(String),
    /// It is of another share.
    #[error("it holds {0}, and this is {1}")]
    Shard(String, String),
    /// It is of several runs.
    #[error("it was merged of several files")]
    Merged,
}

/// Whether a run of this share of a plan against this host can go on from these results.
///
/// # Errors
/// Why it cannot.
pub fn resumable(earlier: &Results, plan: &Plan, host: &Url, shard: Option<&Shard>) -> Result<(), Unresumable> {
    if earlier.plan.as_ref() != Some(&plan.digest) || earlier.seed != plan.seed {
        return Err(Unresumable::Plan);
    }
    if earlier.host != host.origin().ascii_serialization() {
        return Err(Unresumable::Host(earlier.host.clone()));
    }
    if !earlier.merged.is_empty() {
        return Err(Unresumable::Merged);
    }
    let (was, is) = (share(earlier.shard.as_ref()), share(shard));
    if was != is {
        return Err(Unresumable::Shard(was, is));
    }
    Ok(())
}

/// What two runs of one share have in common.
fn share(shard: Option<&Shard>) -> String {
    let Some(Shard { number, of, start_at, .. }) = shard else { return "the whole plan".to_owned() };
    let start = start_at.as_deref().unwrap_or("a time that is not known");
    format!("shard {number} of {of}, with the start at {start}")
}

/// The results before the first step of this run.
pub(super) fn results(options: &Options) -> Results {
    let share = options.shard.written(options.timetable.map(|timetable| timetable.start()));
    let Some(mut results) = options.earlier.clone() else { return fresh(options, share) };
    (results.schema, results.ended) = (SCHEMA, Ended::Running);
    if let Some((was, is)) = results.shard.as_mut().zip(share)
        && was.machine != is.machine
    {
        // Some steps were measured on one machine and some on another: what is said of either holds of neither.
        was.machine.clear();
    }
    results
}

fn fresh(options: &Options, shard: Option<Shard>) -> Results {
    let processors = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
    Results {
        schema: SCHEMA,
        generator: Generator {
            name: concat!("loadgen ", env!("CARGO_PKG_VERSION")).to_owned(),
            processors,
            users: options.shard.users(options.plan.users),
        },
        started: Timestamp::now().strftime("%FT%TZ").to_string(),
        host: options.host.origin().ascii_serialization(),
        seed: options.plan.seed,
        arrivals: options.plan.arrivals,
        plan: Some(options.plan.digest.clone()),
        shard,
        merged: Vec::new(),
        ended: Ended::Running,
        missed: Vec::new(),
        steps: Vec::new(),
    }
}
