//! `loadgen merge`: one results file of the shards of a plan.

use std::path::PathBuf;

use clap::Args;
use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::{Ended, Results};
use miette::{IntoDiagnostic, Report, miette};

use super::Exit;
use crate::merge::{self, File};
use crate::table::{Table, number};
use crate::{report, store};

const EXAMPLES: &str = "\
Examples:
  loadgen merge shard-1.json shard-2.json shard-3.json --out results.json
  loadgen merge shard-*.json --out results.json && loadgen check results.json --stage fitted.toml

Exit code 0 where all steps are there, 3 where some shard did not finish them all.";

/// Make one results file of the shards that several machines sent
///
/// Without loss: counts and histograms are added. What each generator did stays beside it: its lag, its processor time, and
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
    let most = shards.iter().map(|file| file.results.steps.len()).max().unwrap_or(0);
    let results = merge::merge(shards).into_diagnostic()?;
    store::write_results(&options.out, &results).into_diagnostic()?;
    say!("{}", steps(&results));
    say!("{}", report::shards::table(&results));
    for line in report::shards::remarks(&results) {
        say!("{line}");
    }
    let left_out = match most - results.steps.len() {
        0 => String::new(),
        left_out => format!("; {left_out} more were not finished by all and are left out"),
    };
    let out = options.out.display();
    eprintln!("{out}: {} steps of {} shards{left_out}", results.steps.len(), results.merged.len());
    for (number, shard) in (1..).zip(&results.merged) {
        match &shard.ended {
            Ended::Complete => {}
            Ended::Running => eprintln!("shard {number} was cut off: its machine is gone, or it still runs"),
            Ended::Interrupted => eprintln!("shard {number} was interrupted"),
            Ended::Stopped(reason) => eprintln!("shard {number} was stopped: {reason}"),
            Ended::Missed(threshold) => eprintln!("shard {number} saw a threshold that was not kept: {threshold}"),
        }
    }
    Ok(if results.ended == Ended::Complete { Exit::Agrees } else { Exit::Inconclusive })
}

fn steps(results: &Results) -> Table {
    let mut table = Table::new(&["step", "offered /s", "answered /s", "p50 ms", "p95", "p99", "failed", "in doubt"]);
    for (index, step) in results.steps.iter().enumerate() {
        let ms = |us: u64| number(us as f64 / 1e3);
        table.row([
            (index + 1).to_string(),
            number(step.offered_per_s()),
            number(step.throughput_per_s()),
            ms(step.response.p50_us),
            ms(step.response.p95_us),
            ms(step.response.p99_us),
            step.failures().to_string(),
            if doubts(index, step).is_empty() { "no" } else { "yes" }.to_owned(),
        ]);
    }
    table
}
