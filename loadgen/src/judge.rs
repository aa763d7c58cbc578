//! The judgement on a measurement, for a terminal and for programs. The core judges.

use hockeystick_core::judge::{JudgedStep, Judgement};
use hockeystick_core::verdict::Comparison;
use serde_json::{Value, json};

use crate::table::{Table, interval, number, percent};

/// The verdict table, and every doubt below it.
pub fn text(judgement: &Judgement) -> String {
    let mut table =
        Table::new(&["step", "metric", "predicted", "measured", "error", "90 % of the error", "within", "verdict"]);
    for step in &judgement.steps {
        for (row, comparison) in step.comparisons.iter().enumerate() {
            let error = comparison.error;
            table.row([
                if row == 0 { format!("{}: {}/s", step.index + 1, number(step.offered_per_s)) } else { String::new() },
                format!("{} {}", comparison.metric.name(), comparison.metric.unit()),
                number(comparison.predicted.value),
                interval(comparison.measured),
                percent(error.value),
                format!("{} to {}", percent(error.low), percent(error.high)),
                comparison.tolerance.map_or_else(String::new, |tolerance| format!("{:.0} %", tolerance * 100.0)),
                step.verdict_on(comparison).to_owned(),
            ]);
        }
    }
    table.to_string() + &judgement.remarks().map(|remark| remark + "\n").collect::<String>()
}

/// All of it for a program.
pub fn json(judgement: &Judgement) -> Value {
    let bounds = |i: hockeystick_core::statistics::Interval| json!({"value": i.value, "low": i.low, "high": i.high});
    let comparison = |c: &Comparison| {
        json!({
            "metric": c.metric, "unit": c.metric.unit(), "predicted": bounds(c.predicted),
            "measured": bounds(c.measured), "error": bounds(c.error), "tolerance": c.tolerance, "verdict": c.verdict,
        })
    };
    let step = |step: &JudgedStep| {
        json!({
            "step": step.index + 1, "offered_per_s": step.offered_per_s,
            "doubts": step.doubts.iter().map(|d| json!({"law": d.law, "message": d.message})).collect::<Vec<_>>(),
            "finding": step.finding,
            "comparisons": step.comparisons.iter().map(comparison).collect::<Vec<_>>(),
        })
    };
    json!({
        "verdict": judgement.verdict,
        "valid": judgement.steps.iter().all(|step| step.doubts.is_empty()),
        "steps": judgement.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
