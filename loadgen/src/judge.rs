//! The judgement on a measurement, for a terminal and for programs. The core judges.

use hockeystick_core::judge::{JudgedStep, Judgement};
use hockeystick_core::rival::{Rivalry, Round};
use hockeystick_core::statistics::Interval;
use hockeystick_core::theory::scalability::Usl;
use hockeystick_core::verdict::Comparison;
use serde_json::{Value, json};

use crate::findings::Findings;
use crate::table::{Table, interval, number, percent};

/// The verdict table, and every doubt below it.
pub fn text(judgement: &Judgement) -> String {
    table(judgement).to_string() + &judgement.remarks().map(|remark| remark + "\n").collect::<String>()
}

/// What the columns of a verdict table hold.
pub const COLUMNS: [&str; 8] =
    ["step", "metric", "predicted", "measured", "error", "90 % of the error", "within", "verdict"];

/// One figure of a step as a row of a verdict table.
pub fn cells(step: &JudgedStep, comparison: &Comparison) -> [String; 8] {
    let error = comparison.error;
    [
        format!("{}: {}/s", step.index + 1, number(step.offered_per_s)),
        format!("{} {}", comparison.metric.name(), comparison.metric.unit()),
        number(comparison.predicted.value),
        interval(comparison.measured),
        percent(error.value),
        format!("{} to {}", percent(error.low), percent(error.high)),
        comparison.tolerance.map_or_else(String::new, |tolerance| format!("{:.0} %", tolerance * 100.0)),
        step.verdict_on(comparison).to_owned(),
    ]
}

fn table(judgement: &Judgement) -> Table {
    let mut table = Table::new(&COLUMNS);
    for step in &judgement.steps {
        for (row, comparison) in step.comparisons.iter().enumerate() {
            let mut cells = cells(step, comparison);
            // The step is named once.
            if row > 0 {
                cells[0].clear();
            }
            table.row(cells);
        }
    }
    table
}

/// The verdict table and every sentence about it.
pub fn text_of(findings: &Findings<'_>) -> String {
    let sentences = findings.sentences().join("\n");
    format!("{}{sentences}", table(&findings.judgement))
}

/// All of it for a program.
pub fn json_of(findings: &Findings<'_>) -> Value {
    let mut value = json(&findings.judgement);
    value["conclusion"] = findings.judgement.conclusion().into();
    value["scalability"] = match &findings.rivalry {
        Ok(rivalry) => rival(rivalry),
        Err(silence) => json!({ "silent": silence.to_string() }),
    };
    value["capacity"] = json!(findings.capacities);
    value
}

fn rival(rivalry: &Rivalry) -> Value {
    let Usl { gamma, alpha, beta } = rivalry.law();
    let Usl { gamma: gamma_error, alpha: alpha_error, beta: beta_error } = rivalry.fit.standard_errors;
    // JSON knows no infinity: what the law says cannot be carried has no error.
    let [model, law] = rivalry.errors().map(|error| error.is_finite().then_some(error));
    let round = |round: &Round| {
        json!({
            "step": round.index + 1, "offered_per_s": round.offered_per_s,
            "measured_ms": bounds(round.measured), "model_ms": round.model, "law_ms": round.law,
        })
    };
    json!({
        "gamma_per_s": gamma, "alpha": alpha, "beta": beta,
        "standard_errors": {"gamma_per_s": gamma_error, "alpha": alpha_error, "beta": beta_error},
        "fitted_to": rivalry.fitted_to.iter().map(|index| index + 1).collect::<Vec<_>>(),
        "error": {"model": model, "law": law}, "better": rivalry.better(), "words": rivalry.words(),
        "steps": rivalry.steps.iter().map(round).collect::<Vec<_>>(),
    })
}

fn bounds(i: Interval) -> Value {
    json!({"value": i.value, "low": i.low, "high": i.high})
}

/// The judgement for a program.
pub fn json(judgement: &Judgement) -> Value {
    let comparison = |step: &JudgedStep, c: &Comparison| {
        json!({
            "metric": c.metric, "unit": c.metric.unit(), "predicted": bounds(c.predicted),
            "measured": bounds(c.measured), "error": bounds(c.error), "tolerance": c.tolerance,
            "verdict": step.verdict_on(c),
        })
    };
    let step = |step: &JudgedStep| {
        json!({
            "step": step.index + 1, "offered_per_s": step.offered_per_s,
            "doubts": step.doubts.iter().map(|d| json!({"law": d.law, "message": d.message})).collect::<Vec<_>>(),
            "finding": step.finding,
            "comparisons": step.comparisons.iter().map(|c| comparison(step, c)).collect::<Vec<_>>(),
        })
    };
    json!({
        "verdict": judgement.verdict,
        "valid": judgement.steps.iter().all(|step| step.doubts.is_empty()),
        "steps": judgement.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
