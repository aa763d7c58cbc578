//! The model's predictions against a measurement, step by step.

use std::ops::RangeInclusive;

use hockeystick_core::doubt::{self, Doubt, Gap};
use hockeystick_core::measurement::{Metric, Results, Step};
use hockeystick_core::outcome::Outcome;
use hockeystick_core::stage::Stage;
use hockeystick_core::verdict::{self, CONFIDENCE, Comparison, Tolerances, Verdict};
use miette::Report;
use serde_json::{Value, json};

use crate::model;
use crate::table::{Table, interval, number, percent};

/// Simulations of each step's own requests: enough that their mean is six times as sure as one measurement is.
const REPLICATIONS: u64 = 40;

/// The judgement on a whole measurement.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Every step that was looked at.
    pub steps: Vec<JudgedStep>,
    /// What all steps together say.
    pub verdict: Verdict,
}

/// The judgement on one step.
#[derive(Clone, Debug)]
pub struct JudgedStep {
    /// Its index in the results.
    pub index: usize,
    /// Requests a second that were offered.
    pub offered_per_s: f64,
    /// What the model says.
    pub outcome: Outcome,
    /// Figure by figure.
    pub comparisons: Vec<Comparison>,
    /// Reasons not to believe the measurement of this step.
    pub doubts: Vec<Doubt>,
    /// Why the model disagrees, where busy time shows it.
    pub finding: Option<String>,
}

/// Steps to look at, counted from 1: those held out, unless somebody names others.
pub fn chosen(results: &Results, range: Option<&RangeInclusive<usize>>, held_out: bool) -> Vec<usize> {
    let is_chosen = |(index, step): (usize, &Step)| match range {
        Some(range) => range.contains(&(index + 1)).then_some(index),
        None => (step.held_out == held_out).then_some(index),
    };
    results.steps.iter().enumerate().filter_map(is_chosen).collect()
}

/// Judges these steps.
///
/// # Errors
/// When the stage cannot be simulated.
pub fn judge(
    results: &Results,
    stage: &Stage,
    chosen: &[usize],
    tolerances: &Tolerances,
    seed: u64,
) -> Result<Judgement, Report> {
    let mut judged = Vec::new();
    for &index in chosen {
        let step = &results.steps[index];
        let stage = model::at_step(stage, results, step);
        let outcome = model::simulate_well(&stage, seed, CONFIDENCE)?.outcome;
        let comparisons = compare(&stage, step, &outcome, tolerances, seed)?;
        let expected = expected_processors(&stage, step, &outcome);
        let mut doubts = doubt::doubts(index, step);
        let mut finding = None;
        match doubt::utilisation(step, &expected) {
            Some(gap) if comparisons.iter().any(|figure| shows(&gap, figure)) => finding = Some(gap.finding()),
            Some(gap) => doubts.push(gap.doubt(index)),
            None if disagree(&comparisons) => {
                let factor = doubt::drift(step, &expected);
                let as_it_was = model::scaled(&stage, factor);
                let outcome = model::simulate_well(&as_it_was, seed, CONFIDENCE)?.outcome;
                if !disagree(&compare(&as_it_was, step, &outcome, tolerances, seed)?) {
                    doubts.push(doubt::drifted(index, factor));
                }
            }
            None => {}
        }
        judged.push(JudgedStep { index, offered_per_s: step.offered_per_s(), outcome, comparisons, doubts, finding });
    }
    let verdict = overall(&judged);
    Ok(Judgement { steps: judged, verdict })
}

/// Every figure of a step, predicted and measured. `outcome` is what the stage does at the step's rate and mix, for
/// results without a schedule.
fn compare(
    stage: &Stage,
    step: &Step,
    outcome: &Outcome,
    tolerances: &Tolerances,
    seed: u64,
) -> Result<Vec<Comparison>, Report> {
    let prediction = model::inspect(stage, step, seed, REPLICATIONS)?;
    let of = |metric| match &prediction {
        Some(prediction) => prediction.compare(metric, step, tolerances.of(metric)),
        None => verdict::compare(metric, outcome, step, tolerances.of(metric)),
    };
    Ok(Metric::ALL.into_iter().filter_map(of).collect())
}

fn disagree(comparisons: &[Comparison]) -> bool {
    comparisons.iter().any(|figure| figure.verdict == Verdict::Disagrees)
}

/// Whether a figure says the same as the gap in busy time: that requests demand more, or less, than the model thinks.
fn shows(gap: &Gap, figure: &Comparison) -> bool {
    figure.metric == Metric::Mean && figure.verdict == Verdict::Disagrees && gap.explains(figure.error.value)
}

/// What the steps that can be believed say. That some cannot leaves open whether the model agrees; that it disagrees with
/// others they cannot undo.
fn overall(steps: &[JudgedStep]) -> Verdict {
    let believed = steps.iter().filter(|step| step.doubts.is_empty());
    let verdicts = believed.flat_map(|step| step.comparisons.iter().map(|comparison| comparison.verdict));
    match Verdict::overall(verdicts) {
        Verdict::Agrees if steps.iter().any(|step| !step.doubts.is_empty()) => Verdict::Inconclusive,
        verdict => verdict,
    }
}

/// Processors that the model expects to be busy at each station whose busy time was read.
fn expected_processors<'s>(stage: &Stage, step: &'s Step, outcome: &Outcome) -> Vec<(&'s str, f64)> {
    let expected = step.stations.keys().filter_map(|measured| {
        let (name, machine) = model::station_named(stage, measured)?;
        let share = outcome.utilisation.get(&name)?.known()?;
        Some((measured.as_str(), share * machine.capacity() / machine.speed))
    });
    expected.collect()
}

impl Judgement {
    /// The verdict table, and every doubt below it.
    pub fn text(&self) -> String {
        let mut table =
            Table::new(&["step", "metric", "predicted", "measured", "error", "90 % of the error", "within", "verdict"]);
        for step in &self.steps {
            for (row, comparison) in step.comparisons.iter().enumerate() {
                let error = comparison.error;
                table.row([
                    if row == 0 {
                        format!("{}: {}/s", step.index + 1, number(step.offered_per_s))
                    } else {
                        String::new()
                    },
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
        table.to_string() + &self.remarks().map(|remark| remark + "\n").collect::<String>()
    }

    /// Every doubt, and every reason that was found for a disagreement, as a sentence.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.steps.iter().flat_map(|step| {
            let number = step.index + 1;
            let doubts = step.doubts.iter().map(move |doubt| format!("doubt, step {number}: {}", doubt.message));
            let finding = step.finding.iter().map(move |finding| format!("found, step {number}: {finding}"));
            doubts.chain(finding).collect::<Vec<_>>()
        })
    }

    /// The last line: what it all comes to.
    pub fn conclusion(&self) -> String {
        let believed = || self.steps.iter().filter(|step| step.doubts.is_empty());
        let count = |wanted| {
            let all = believed().flat_map(|step| &step.comparisons);
            all.filter(|comparison| comparison.verdict == wanted).count()
        };
        let mut counts = format!(
            "{} figures agree, {} are inconclusive, {} disagree",
            count(Verdict::Agrees),
            count(Verdict::Inconclusive),
            count(Verdict::Disagrees)
        );
        let doubtful = self.steps.len() - believed().count();
        if doubtful > 0 {
            counts += &format!("; {doubtful} of {} steps cannot be believed and do not count", self.steps.len());
        }
        let what = match self.verdict {
            Verdict::Agrees => "The model agrees with the measurement",
            Verdict::Disagrees => "The model disagrees with the measurement",
            _ if doubtful > 0 => "The measurement cannot be believed, for the doubts above",
            _ => "The measurement is too short or too noisy to say",
        };
        format!("{what}: {counts}.")
    }

    /// All of it for a program.
    pub fn json(&self) -> Value {
        let bounds =
            |i: hockeystick_core::statistics::Interval| json!({"value": i.value, "low": i.low, "high": i.high});
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
            "verdict": self.verdict,
            "valid": self.steps.iter().all(|step| step.doubts.is_empty()),
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
        })
    }
}

impl JudgedStep {
    /// What is to be said of one of its figures.
    pub fn verdict_on(&self, comparison: &Comparison) -> &'static str {
        if self.doubts.is_empty() { comparison.verdict.name() } else { "in doubt" }
    }
}
