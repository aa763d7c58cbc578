//! What was measured, a row for each step: the same in every format of the report, and after a merge.

use hockeystick_core::measurement::{Results, Step};

use crate::table::{Table, number};

/// The columns of the table.
pub const COLUMNS: [&str; 12] = [
    "step",
    "offered /s",
    "answered /s",
    "mean ms",
    "p50",
    "p95",
    "p99",
    "max",
    "errors",
    "no user free",
    "lag p99 ms",
    "busy",
];

/// A row for each step.
pub fn rows(results: &Results) -> Vec<[String; COLUMNS.len()]> {
    let numbered = (1..).zip(results.planned()).zip(&results.steps);
    numbered.map(|((here, planned), step)| row(&name(here, planned, step), step)).collect()
}

/// All rows as a text.
pub fn table(results: &Results) -> Table {
    let mut table = Table::new(&COLUMNS);
    rows(results).into_iter().for_each(|row| table.row(row));
    table
}

/// A step's number in the file, and what else it is called by.
fn name(here: usize, planned: usize, step: &Step) -> String {
    let of_plan = if here == planned { String::new() } else { format!(" (the plan's {planned})") };
    format!("{here}{of_plan}{}", if step.held_out { " (held out)" } else { "" })
}

fn row(name: &str, step: &Step) -> [String; COLUMNS.len()] {
    let ms = |us: u64| number(us as f64 / 1e3);
    [
        name.to_owned(),
        number(step.offered_per_s()),
        number(step.throughput_per_s()),
        number(step.response.mean_us / 1e3),
        ms(step.response.p50_us),
        ms(step.response.p95_us),
        ms(step.response.p99_us),
        ms(step.response.max_us),
        errors(step),
        step.users_exhausted.to_string(),
        ms(step.lag.p99_us),
        busy(step),
    ]
}

fn errors(step: &Step) -> String {
    let errors: Vec<String> = step.failed.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if errors.is_empty() { "none".to_owned() } else { errors.join(", ") }
}

fn busy(step: &Step) -> String {
    let busy: Vec<String> =
        step.stations.iter().map(|(name, busy)| format!("{name} {}", number(busy.processors()))).collect();
    busy.join(", ")
}
