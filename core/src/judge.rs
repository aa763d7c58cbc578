//! The model's predictions against a measurement, step by step: what `loadgen check` says, and the page.

use std::ops::RangeInclusive;

use crate::as_measured::{REQUESTS, at_step, inspect, scaled, share_of_all_copies, simulate, station_named};
use crate::doubt::{self, Doubt, Gap};
use crate::measurement::{Metric, Results, Step};
use crate::outcome::Outcome;
use crate::stage::{Problem, Stage};
use crate::verdict::{self, CONFIDENCE, Comparison, Tolerances, Verdict};

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
/// Every rule that the stage breaks.
pub fn judge(
    results: &Results,
    stage: &Stage,
    chosen: &[usize],
    tolerances: &Tolerances,
    seed: u64,
) -> Result<Judgement, Vec<Problem>> {
    let steps = chosen.iter().map(|&index| judge_step(results, stage, index, tolerances, seed));
    steps.collect::<Result<_, _>>().map(Judgement::of)
}

/// Judges one step, which takes about a second: some forty simulations of its requests.
///
/// # Errors
/// Every rule that the stage breaks.
///
/// # Panics
/// Where the results have no step of this index.
pub fn judge_step(
    results: &Results,
    stage: &Stage,
    index: usize,
    tolerances: &Tolerances,
    seed: u64,
) -> Result<JudgedStep, Vec<Problem>> {
    let step = &results.steps[index];
    let stage = at_step(stage, results, step);
    let outcome = simulate(&stage, seed, REQUESTS, CONFIDENCE)?.outcome;
    let comparisons = compare(&stage, step, &outcome, tolerances, seed)?;
    let expected = expected_processors(&stage, step, &outcome);
    let mut doubts = doubt::doubts(index, step);
    let mut finding = None;
    match doubt::utilisation(step, &expected) {
        Some(gap) if comparisons.iter().any(|figure| shows(&gap, figure)) => finding = Some(gap.finding()),
        Some(gap) => doubts.push(gap.doubt(index)),
        None if disagree(&comparisons) => {
            let factor = doubt::drift(step, &expected);
            let as_it_was = scaled(&stage, factor);
            let outcome = simulate(&as_it_was, seed, REQUESTS, CONFIDENCE)?.outcome;
            if !disagree(&compare(&as_it_was, step, &outcome, tolerances, seed)?) {
                doubts.push(doubt::drifted(index, factor));
            }
        }
        None => {}
    }
    Ok(JudgedStep { index, offered_per_s: step.offered_per_s(), outcome, comparisons, doubts, finding })
}

/// Every figure of a step, predicted and measured. `outcome` is what the stage does at the step's rate and mix, for
/// results without a schedule.
fn compare(
    stage: &Stage,
    step: &Step,
    outcome: &Outcome,
    tolerances: &Tolerances,
    seed: u64,
) -> Result<Vec<Comparison>, Vec<Problem>> {
    let prediction = inspect(stage, step, seed, REPLICATIONS)?;
    let busy = busy(stage, step, outcome);
    let of = |metric| match &prediction {
        Some(prediction) => prediction.compare(metric, step, tolerances.at(metric, busy)),
        None => verdict::compare(metric, outcome, step, tolerances.at(metric, busy)),
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
        let (name, machine) = station_named(stage, measured)?;
        let share = share_of_all_copies(outcome, &name)?;
        Some((measured.as_str(), share * machine.capacity() / machine.speed))
    });
    expected.collect()
}

/// How busy both the model and the measurement say that the busiest station is, 0 to 1: the lower of the two, so that no
/// error of either widens a tolerance. Zero where no busy time was read.
fn busy(stage: &Stage, step: &Step, outcome: &Outcome) -> f64 {
    let shares = step.stations.iter().filter_map(|(measured, busy)| {
        let (name, machine) = station_named(stage, measured)?;
        let copies =
            stage.components.iter().find(|it| name.strip_suffix(" cpu") == Some(&it.id)).map_or(1, |it| it.copies);
        let whole = f64::from(copies);
        let read = busy.processors() / (machine.capacity() / machine.speed * whole);
        Some(read.min(share_of_all_copies(outcome, &name)? / whole))
    });
    shares.fold(0.0, f64::max)
}

impl Judgement {
    /// What these steps together say.
    pub fn of(steps: Vec<JudgedStep>) -> Self {
        let verdict = overall(&steps);
        Self { steps, verdict }
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
}

impl JudgedStep {
    /// What is to be said of one of its figures.
    pub fn verdict_on(&self, comparison: &Comparison) -> &'static str {
        if self.doubts.is_empty() { comparison.verdict.name() } else { "in doubt" }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::outcome::{Estimate, Response};

    #[test]
    fn a_component_with_copies_is_as_busy_as_all_of_them() {
        let none = || Estimate::not_applicable("not asked");
        let busy = [("app#1 cpu", 0.5), ("app#2 cpu", 0.3), ("app#1 disk", 0.9), ("apple#1 cpu", 0.7), ("db cpu", 0.2)];
        let outcome = Outcome {
            throughput_per_s: none(),
            response_ms: Response { mean: none(), p50: none(), p95: none(), p99: none() },
            utilisation: busy.map(|(name, share)| (name.to_owned(), Estimate::value(share))).into(),
            errors_per_s: BTreeMap::new(),
            stale: none(),
            metrics: BTreeMap::new(),
        };
        assert_eq!(share_of_all_copies(&outcome, "app cpu"), Some(0.8));
        assert_eq!(share_of_all_copies(&outcome, "app#2 cpu"), Some(0.3));
        assert_eq!(share_of_all_copies(&outcome, "db cpu"), Some(0.2));
        assert_eq!(share_of_all_copies(&outcome, "web cpu"), None);
    }
}
