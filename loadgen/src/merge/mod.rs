//! Makes one measurement of the shards of a plan, without loss: counts and histograms are added, and the histogram of all is
//! the one that a single machine would have recorded. What tells the generators apart stays beside it, shard by shard.

mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use hockeystick_core::measurement::{Ended, Generator, Invalid, Load, Merged, Missed, Results, SCHEMA, Shard, Step};

use self::step::{merge_step, once};
use crate::histogram::HistogramError;

/// A results file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, for messages.
    pub name: String,
    /// What it holds.
    pub results: Results,
}

/// Why files cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmergeable {
    /// There is nothing.
    #[error("no file to merge; give the files of all shards")]
    Nothing,
    /// One is no shard.
    #[error("{0} holds no shard of a plan but {1}; give files that `loadgen run --shard` wrote")]
    NoShard(String, &'static str),
    /// Two are of different numbers of shards.
    #[error("{0} is one of {1} shards and {2} one of {3}; give the files of one run")]
    Counts(String, u32, String, u32),
    /// Two are of the same shard.
    #[error("{0} and {1} are both shard {2}{3}")]
    Twice(String, String, u32, Again),
    /// Some are not there.
    #[error("of {1} shards these are missing: {0}; what they sent is in no other file, so give theirs too")]
    Missing(String, u32),
    /// Two were of different runs.
    #[error("{0} and {1} are not of one run: {2} differs")]
    Differs(String, String, String),
    /// Each step lacks somebody's share.
    #[error(
        "no step was finished by all shards, and one that lacks a share is no measurement of the plan; of step 1, {0}"
    )]
    NoneWhole(String),
    /// A histogram cannot be read.
    #[error("{0}: of the step that was measured from {1} on, `{2}` {3}")]
    Histogram(String, String, String, HistogramError),
    /// What came of it makes no sense.
    #[error("the files make no sense together: {0}")]
    Invalid(#[from] Invalid),
}

/// How two files came to be of the same shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Again {
    /// One process wrote both, perhaps at different times.
    #[error(", and of the same process; give the one with more steps")]
    Copy,
    /// Two processes were that shard at the same time.
    #[error(
        " of the run that began at {start}, and both measured step {step}: that share was sent twice, so the deployment was \
         under more load than the plan's, whichever of them is left out; run it again, with one process for each shard"
    )]
    SentTwice {
        /// `--start-at` of both.
        start: String,
        /// The first step that both measured.
        step: usize,
    },
    /// Two processes were that shard, one after the other.
    #[error(" of the run that began at {0}, one after the other; give the one with more steps")]
    InTurn(String),
    /// They are of two runs.
    #[error("; give one file of each")]
    OtherRun,
}

/// Merges the shards of a plan, in whatever order they are given. A step that some shard did not finish is left out, for the
/// deployment saw another load than the plan's, and the file says who lacks and why.
///
/// # Errors
/// When they are not the shards of one run, all of them and each once.
pub fn merge(mut files: Vec<File>) -> Result<Results, Unmergeable> {
    let shards = sort(&mut files)?;
    let first = files.first().ok_or(Unmergeable::Nothing)?;
    files.iter().try_for_each(|file| same_run(first, file))?;
    let by_number: Vec<_> = files.iter().map(by_number).collect();
    let (whole, missed) = divide(&files, &by_number);
    if let Some(missed) = missed.first().filter(|_| whole.is_empty()) {
        return Err(Unmergeable::NoneWhole(missed.reason.clone()));
    }
    let merged = |(file, shard): (&File, &Shard)| Merged {
        machine: shard.machine.clone(),
        generator: file.results.generator.clone(),
        ended: file.results.ended.clone(),
    };
    let generators = files.iter().map(|file| &file.results.generator);
    let results = Results {
        schema: SCHEMA,
        generator: Generator {
            name: first.results.generator.name.clone(),
            processors: once(&shards, generators.clone().map(|generator| generator.processors)).sum(),
            users: generators.map(|generator| generator.users).fold(0, u32::saturating_add),
        },
        started: files.iter().map(|file| file.results.started.clone()).min().unwrap_or_default(),
        host: first.results.host.clone(),
        seed: first.results.seed,
        arrivals: first.results.arrivals,
        plan: first.results.plan.clone(),
        shard: None,
        merged: files.iter().zip(&shards).map(merged).collect(),
        ended: ended(&files),
        missed,
        steps: whole
            .iter()
            .map(|number| merge_step(&shares(&files, &by_number, *number), &shards))
            .collect::<Result<_, _>>()?,
    };
    results.check()?;
    Ok(results)
}

/// Brings the files in the order of their shards; each shard must be there once.
fn sort(files: &mut [File]) -> Result<Vec<Shard>, Unmergeable> {
    let shard = |file: &File| {
        let is = if file.results.merged.is_empty() { "all of it" } else { "shards that are merged already" };
        file.results.shard.clone().ok_or(Unmergeable::NoShard(file.name.clone(), is))
    };
    let mut seen: BTreeMap<u32, &File> = BTreeMap::new();
    let mut count = None;
    for file in files.iter() {
        let Shard { number, of, .. } = shard(file)?;
        let (other, before) = count.get_or_insert((&file.name, of));
        if *before != of {
            return Err(Unmergeable::Counts((*other).clone(), *before, file.name.clone(), of));
        }
        if let Some(other) = seen.insert(number, file) {
            return Err(Unmergeable::Twice(other.name.clone(), file.name.clone(), number, again(other, file)));
        }
    }
    let of = count.map_or(0, |(_, of)| of);
    // A file from elsewhere may say that there are billions.
    let missing = (1..=of).filter(|number| !seen.contains_key(number)).take(20);
    let missing: Vec<String> = missing.map(|number| number.to_string()).collect();
    if !missing.is_empty() {
        return Err(Unmergeable::Missing(missing.join(", "), of));
    }
    files.sort_by_key(|file| file.results.shard.as_ref().map(|shard| shard.number));
    files.iter().map(shard).collect()
}

/// How two files of one shard came to be.
fn again(a: &File, b: &File) -> Again {
    let start = |file: &File| file.results.shard.as_ref().and_then(|shard| shard.start_at.clone());
    let of_one_run = a.results.plan == b.results.plan && a.results.host == b.results.host && start(a) == start(b);
    let Some(start) = start(a).filter(|_| of_one_run) else { return Again::OtherRun };
    let others = by_number(b);
    let common: Vec<_> =
        by_number(a).into_iter().filter_map(|(step, one)| Some((step, one, others.get(&step)?))).collect();
    // No two processes measure the same times.
    match common.iter().find(|(_, one, other)| one != *other) {
        Some((step, ..)) => Again::SentTwice { start, step: *step },
        None if common.is_empty() => Again::InTurn(start),
        None => Again::Copy,
    }
}

/// Whether two files are of one run, and their steps of the same instants.
fn same_run(a: &File, b: &File) -> Result<(), Unmergeable> {
    let differs =
        |what: fmt::Arguments<'_>| Err(Unmergeable::Differs(a.name.clone(), b.name.clone(), what.to_string()));
    let (first, other) = (&a.results, &b.results);
    if first.plan != other.plan || first.plan.is_none() {
        return differs(format_args!("the plan, or a file that it names,"));
    }
    if first.host != other.host {
        return differs(format_args!("the host ({} and {})", first.host, other.host));
    }
    if first.seed != other.seed || first.arrivals != other.arrivals {
        return differs(format_args!("the seed, or the kind of arrivals,"));
    }
    // Another version may draw another schedule.
    if first.generator.name != other.generator.name {
        return differs(format_args!("the program ({} and {})", first.generator.name, other.generator.name));
    }
    // Without a start, of an older version, the windows tell.
    let start = |results: &Results| results.shard.as_ref().and_then(|shard| shard.start_at.clone());
    if start(first) != start(other) {
        return differs(format_args!("--start-at"));
    }
    let others = by_number(b);
    let common = by_number(a).into_iter().filter_map(|(number, one)| Some((number, one, *others.get(&number)?)));
    for (number, one, two) in common {
        if one.window_from != two.window_from {
            let at = |step: &Step| step.window_from.clone().unwrap_or_else(|| "unknown".to_owned());
            return differs(format_args!("when step {number} was measured (from {} and from {})", at(one), at(two)));
        }
        let closed = matches!(one.load, Some(Load::Closed(_)));
        let alike = one.load == two.load
            && (closed || one.rate_per_s == two.rate_per_s)
            && (one.warm_up_s, one.measured_s, one.held_out) == (two.warm_up_s, two.measured_s, two.held_out)
            && one.slices.len() == one.parts.len()
            && (one.parts.len(), two.parts.len()) == (two.parts.len(), two.slices.len());
        if !alike {
            return differs(format_args!("the load of step {number}, or how it is divided,"));
        }
    }
    Ok(())
}

/// The steps of a shard, by their numbers in the plan.
fn by_number(file: &File) -> BTreeMap<usize, &Step> {
    file.results.planned().zip(&file.results.steps).collect()
}

/// The steps that all shards finished, and those that only some did.
fn divide(files: &[File], by_number: &[BTreeMap<usize, &Step>]) -> (Vec<usize>, Vec<Missed>) {
    let reached = files.iter().map(|file| file.results.reached()).max().unwrap_or(0).max(1);
    let (mut whole, mut missed) = (Vec::new(), Vec::new());
    for number in 1..=reached {
        let lacks = |(file, steps): (&File, &BTreeMap<usize, &Step>)| {
            (!steps.contains_key(&number)).then(|| why(&file.results, number))
        };
        let lacking: Vec<String> = (1..)
            .zip(files.iter().zip(by_number))
            .filter_map(|(shard, file)| Some(format!("shard {shard} {}", lacks(file)?)))
            .collect();
        match lacking.as_slice() {
            [] => whole.push(number),
            _ => missed.push(Missed { step: number, reason: some_of(&lacking) }),
        }
    }
    (whole, missed)
}

/// Why a shard has not finished a step.
fn why(results: &Results, number: usize) -> String {
    match results.missed.iter().find(|missed| missed.step == number) {
        Some(missed) => format!("missed it: {}", missed.reason),
        None => results.ended.early().unwrap_or_else(|| "did not reach it".to_owned()),
    }
}

/// The first few, and how many more: of a thousand shards, all may lack.
fn some_of(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if all.len() > SHOWN { format!("{shown}; and {} more", all.len() - SHOWN) } else { shown }
}

/// What each shard has of a step that all have.
fn shares<'f>(files: &'f [File], by_number: &[BTreeMap<usize, &'f Step>], number: usize) -> Vec<(&'f str, &'f Step)> {
    let shares = files.iter().zip(by_number);
    shares.filter_map(|(file, steps)| Some((file.name.as_str(), *steps.get(&number)?))).collect()
}

/// How all of them ended: as the one that fared worst.
fn ended(files: &[File]) -> Ended {
    let rank = |ended: &Ended| match ended {
        Ended::Complete => 0,
        Ended::Running | Ended::Interrupted => 1,
        Ended::Followed(_) => 2,
        Ended::Missed(_) => 3,
        Ended::Stopped(_) => 4,
    };
    // Of equals the first.
    let worst = files.iter().enumerate().rev().max_by_key(|(_, file)| rank(&file.results.ended));
    match worst.map(|(index, file)| (index + 1, &file.results.ended)) {
        Some((number, Ended::Missed(threshold))) => Ended::Missed(format!("{threshold} (shard {number})")),
        Some((number, Ended::Stopped(reason))) => Ended::Stopped(format!("shard {number}: {reason}")),
        Some((_, Ended::Followed(reason))) => Ended::Followed(reason.clone()),
        // What says that it runs was not told how it ended: its machine is gone.
        Some((_, Ended::Running | Ended::Interrupted)) => Ended::Interrupted,
        Some((_, Ended::Complete)) | None => Ended::Complete,
    }
}
