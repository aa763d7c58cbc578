//! The report as Markdown: for a pull request, a wiki, a job's summary.

use std::fmt::Write;

use hockeystick_core::measurement::Results;

use super::{shards, steps};
use crate::findings::Findings;
use crate::judge;

/// The whole report.
pub fn render(results: &Results, findings: Option<&Findings<'_>>) -> String {
    let mut text = format!("# Load test of {}\n\n{}\n", plain(&results.host), plain(&super::subtitle(results)));
    for remark in results.remarks() {
        let _ = writeln!(text, "\n{}", plain(&remark));
    }
    if let Some(findings) = findings {
        verdicts(&mut text, findings);
    }
    measured(&mut text, results);
    if !results.merged.is_empty() {
        generators(&mut text, results);
    }
    text
}

fn generators(text: &mut String, results: &Results) {
    text.push_str("\n## By generator\n\n");
    head(text, &shards::COLUMNS);
    shards::rows(results).iter().for_each(|cells| row(text, cells));
    let _ = writeln!(text, "\n{}", plain(&shards::clocks(results)));
}

/// The verdict alone, with what is said of it.
pub fn verdicts(text: &mut String, findings: &Findings<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n## Prediction against measurement\n\n**{}**\n", plain(&findings.judgement.conclusion()));
    head(text, &judge::COLUMNS);
    for step in &findings.judgement.steps {
        for comparison in &step.comparisons {
            row(text, &judge::cells(step, comparison));
        }
    }
    text.push('\n');
    for remark in findings.judgement.remarks() {
        let _ = writeln!(text, "- {}", plain(&remark));
    }
    let _ = writeln!(text, "\n{}", plain(&findings.rival_words()));
    for capacity in &findings.capacities {
        let _ = writeln!(text, "\n**Capacity.** {}", plain(&capacity.words));
    }
}

fn measured(text: &mut String, results: &Results) {
    text.push_str("\n## Measured, step by step\n\n");
    head(text, &steps::COLUMNS);
    steps::rows(results).iter().for_each(|cells| row(text, cells));
}

fn head(text: &mut String, cells: &[&str]) {
    row(text, &cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>());
    let rules: Vec<String> =
        (0..cells.len()).map(|column| if column == 0 { "---".to_owned() } else { "---:".to_owned() }).collect();
    row(text, &rules);
}

fn row(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// A results file may come from anywhere: what it says is text, no markup, and stays in its cell.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' => plain.extend(['\\', letter]),
            '<' => plain += "&lt;",
            '&' => plain += "&amp;",
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}
