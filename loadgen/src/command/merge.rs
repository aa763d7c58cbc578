//! `loadgen merge`: one results file of the shards of a plan.

use std::path::PathBuf;

use clap::Args;
use hockeystick_core::measurement::Ended;
use miette::{IntoDiagnostic, Report, miette};

use super::Exit;
use crate::merge::{self, File};
use crate::{report, store};

const EXAMPLES: &str = "\
Examples:
  loadgen merge shard-1.json shard-2.json shard-3.json --out results.json
  loadgen merge shard-*.json --out results.json

Exit code 0 where all steps are whole, 3 where some lack a shard: it says whose.";

/// Make one results file of the shards that several machines sent
///
/// Without loss: counts and histograms are added. A step that some shard did not finish is left out. What each generator did stays beside it: its lag, its processor time, and
/// how far its clock was from the others', as the deployment's answers show it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What `loadgen run --shard` wrote, one file of each shard, in any order
    #[arg(required = true, value_name = "SHARD.json")]
    shards: Vec<PathBuf>,
    /// Where the results of all go
    #[arg(long, value_name = "RESULTS.json")]
    out: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<Exit, Report> {
    // Of two names of one file.
    let file = |path: &PathBuf| std::fs::canonicalize(path).ok();
    if file(&options.out).is_some_and(|out| options.shards.iter().any(|shard| file(shard).is_some_and(|it| it == out)))
    {
        return Err(miette!(help = "give another --out", "{} would be lost", options.out.display()));
    }
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        store::read_results(path).map(|results| File { name, results }).into_diagnostic()
    };
    let shards: Vec<File> = options.shards.iter().map(read).collect::<Result<_, _>>()?;
    let results = merge::merge(shards).into_diagnostic()?;
    store::write_merged(&options.out, &results).into_diagnostic()?;
    say!("{}", report::steps::table(&results));
    say!("{}", report::shards::table(&results));
    for line in report::shards::remarks(&results) {
        say!("{line}");
    }
    tell!("{}: {} steps of {} shards", options.out.display(), results.steps.len(), results.merged.len());
    results.missed_remarks().iter().for_each(|remark| tell!("{remark}"));
    for (number, shard) in (1..).zip(&results.merged) {
        if let Some(how) = shard.ended.early() {
            tell!("shard {number} {how}");
        }
    }
    let all = results.ended == Ended::Complete && results.missed.is_empty();
    Ok(if all { Exit::Agrees } else { Exit::Inconclusive })
}
