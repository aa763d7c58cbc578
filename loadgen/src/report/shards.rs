//! What tells the generators of a merged measurement apart: who sent how much, how late, at what cost, by which clock.

use hockeystick_core::doubt::doubts;
use hockeystick_core::measurement::{Results, Share, Step};

use crate::table::{Table, number};

/// The columns of the table.
pub const COLUMNS: [&str; 8] =
    ["step", "shard", "sent", "no user free", "lag p50 ms", "lag p99 ms", "processors used", "clock ms"];

/// A row for each shard of each step; none of results that were not merged.
pub fn rows(results: &Results) -> Vec<[String; COLUMNS.len()]> {
    let row = |index: usize, shard: usize, share: &Share| {
        let ms = |us: u64| number(us as f64 / 1e3);
        [
            (index + 1).to_string(),
            format!("{} of {}", shard + 1, results.merged.len()),
            share.sent.to_string(),
            share.users_exhausted.to_string(),
            ms(share.lag.p50_us),
            ms(share.lag.p99_us),
            number(share.generator_cpus),
            clock(&results.steps[index], share),
        ]
    };
    let steps = results.steps.iter().enumerate();
    steps
        .flat_map(|(index, step)| step.shares.iter().enumerate().map(move |(shard, share)| (index, shard, share)))
        .map(|(index, shard, share)| row(index, shard, share))
        .collect()
}

/// All rows as a text.
pub fn table(results: &Results) -> Table {
    let mut table = Table::new(&COLUMNS);
    rows(results).into_iter().for_each(|row| table.row(row));
    table
}

/// How far ahead of the first shard's schedule this one's was: between these.
fn clock(step: &Step, share: &Share) -> String {
    let first = step.shares.iter().find_map(|share| share.clock);
    let Some((first, clock)) = first.zip(share.clock) else { return "unknown".to_owned() };
    if first == clock {
        return "0 (by definition)".to_owned();
    }
    format!("{:+.0} to {:+.0}", 1e3 * (first.low_s - clock.high_s), 1e3 * (first.high_s - clock.low_s))
}

/// What is to be said of the generators' clocks, and every reason not to believe a step.
pub fn remarks(results: &Results) -> Vec<String> {
    let mut remarks = vec![clocks(results)];
    for (index, step) in results.steps.iter().enumerate() {
        let doubts = doubts(index, step).into_iter();
        remarks.extend(doubts.map(|doubt| format!("doubt, step {}: {}", index + 1, doubt.message)));
    }
    remarks
}

/// How far apart their clocks were.
pub(super) fn clocks(results: &Results) -> String {
    let skews: Vec<_> = results.steps.iter().filter_map(Step::skew).collect();
    let machine = &results.merged[0].machine;
    let one_clock = skews.iter().all(|skew| skew.at_least_s == 0.0);
    if one_clock && !machine.is_empty() && results.merged.iter().all(|shard| shard.machine == *machine) {
        return "All generators ran on one machine, by one clock.".to_owned();
    }
    let worst = |of: fn(&hockeystick_core::measurement::Skew) -> f64| 1e3 * skews.iter().map(of).fold(0.0, f64::max);
    if skews.is_empty() {
        return "Whether the generators' clocks agreed is not known: the answers had no date to compare them by. Look at \
                their NTP."
            .to_owned();
    }
    format!(
        "By the dates of the answers, the generators' clocks were apart by at least {:.0} ms and at most {:.0} ms.",
        worst(|skew| skew.at_least_s),
        worst(|skew| skew.at_most_s)
    )
}
