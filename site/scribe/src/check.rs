//! A stage against a measurement: what was measured, what the model says of it, whether they agree, and what to do.

use hockeystick_content::show::{grouped, rate};
use hockeystick_core::as_measured::{at_step, comparable};
use hockeystick_core::figure::{Control, Figure, Measured, Panel};
use hockeystick_core::judge::{JudgedStep, Judgement, chosen, judge_step};
use hockeystick_core::measurement::{Metric, Results, Step};
use hockeystick_core::stage::{Problem, Stage};
use hockeystick_core::statistics::Interval;
use hockeystick_core::verdict::{CONFIDENCE, Comparison, Tolerances, Verdict};
use hockeystick_protocol::sentences;
use maud::{Markup, html};

use crate::shown;

/// Seed of the simulations: that of `loadgen check`, so that both say the same.
const SEED: u64 = 1;

/// A measurement and a stage, and the judgement so far.
#[derive(Debug, Default)]
pub(crate) struct Check {
    results: Option<(String, Results)>,
    stage: Option<(String, Stage)>,
    steps: Vec<usize>,
    judged: Vec<JudgedStep>,
}

impl Check {
    pub(crate) fn take_results(&mut self, name: &str, results: Results) {
        let held_out = chosen(&results, None, true);
        // Without any, the fit can still be looked at.
        self.steps = if held_out.is_empty() { comparable(&results) } else { held_out };
        self.results = Some((name.to_owned(), results));
        self.judged.clear();
    }

    pub(crate) fn take_stage(&mut self, name: &str, stage: Stage) {
        self.stage = Some((name.to_owned(), stage));
        self.judged.clear();
    }

    /// What was measured.
    pub(crate) fn measured(&self) -> String {
        let Some((name, results)) = &self.results else { return String::new() };
        let answered: u64 = results.steps.iter().map(|step| step.completed).sum();
        let failed: u64 = results.steps.iter().map(Step::failures).sum();
        let failures =
            if failed == 0 { "none failed".to_owned() } else { format!("{} failed", grouped(failed as f64)) };
        let markup = html! {
            p.check-measured {
                b { (name) } ": " (results.host) ", measured " (moment(&results.started)) " in "
                (results.steps.len()) " steps up to " (rate(highest(results))) "; "
                (grouped(answered as f64)) " requests answered, " (failures) "."
            }
            @for remark in results.remarks() { p.check-note { (remark) "." } }
        };
        markup.into_string()
    }

    /// A figure of the stage under the load of the highest step, with every measured point.
    pub(crate) fn figure(&self) -> Option<[String; 2]> {
        let ((_, results), (_, stage)) = (self.results.as_ref()?, self.stage.as_ref()?);
        let shown = comparable(results);
        let highest = highest_of(results, &shown)?;
        let stage = at_step(stage, results, &results.steps[highest]);
        let max = results.steps[highest].offered_per_s() * 1.25;
        let mut figure = Figure { panels: vec![Panel::HockeyStick], ..Figure::bare("measured", stage) };
        if let Some(path) = figure.load_path() {
            let label = "Load".to_owned();
            figure.controls.push(Control { path, label, min: max / 50.0, max, logarithmic: false });
        }
        let points: Vec<Measured> = shown.into_iter().map(|index| point(results, index)).collect();
        Some([hockeystick_core::pack::to_text(&figure), hockeystick_core::pack::to_text(&points)])
    }

    /// The verdict after the next step; none when all steps have been judged.
    pub(crate) fn judge(&mut self) -> Result<Option<String>, String> {
        let (Some((_, results)), Some((name, stage))) = (&self.results, &self.stage) else { return Ok(None) };
        let Some(index) = self.steps.get(self.judged.len()) else {
            let nothing =
                self.steps.is_empty().then(|| "No step was answered, so there is nothing to check.".to_owned());
            return nothing.map_or(Ok(None), Err);
        };
        let judged = judge_step(results, stage, *index, &Tolerances::default(), SEED)
            .map_err(|problems| cannot_run(name, &problems))?;
        self.judged.push(judged);
        let held_out = self.steps.iter().all(|index| results.steps[*index].held_out);
        let judgement = Judgement::of(self.judged.clone());
        let left = self.steps.len() - self.judged.len();
        let markup = html! {
            @if left == 0 { (verdict(&judgement, held_out)) }
            @else { p.check-progress { "Step " (self.judged.len()) " of " (self.steps.len()) " judged …" } }
            (table(&judgement))
            (remarks(&judgement))
        };
        Ok(Some(markup.into_string()))
    }
}

fn cannot_run(name: &str, problems: &[Problem]) -> String {
    format!("The stage `{name}` cannot be simulated. {}", sentences(problems))
}

/// `2026-11-25 22:14 UTC` of an RFC 3339 moment; as it is where it is none.
fn moment(started: &str) -> String {
    match (started.get(..10), started.get(11..16), started.ends_with('Z')) {
        (Some(day), Some(time), true) => format!("{day} {time} UTC"),
        _ => started.to_owned(),
    }
}

fn highest(results: &Results) -> f64 {
    results.steps.iter().map(Step::offered_per_s).fold(0.0, f64::max)
}

/// The step with the highest load among some.
fn highest_of(results: &Results, steps: &[usize]) -> Option<usize> {
    let load = |index: &&usize| results.steps[**index].offered_per_s();
    steps.iter().max_by(|a, b| load(a).total_cmp(&load(b))).copied()
}

fn point(results: &Results, index: usize) -> Measured {
    let step = &results.steps[index];
    let bounds = |interval: Interval| interval.is_bounded().then_some((interval.low.max(0.0), interval.high));
    let (mean, p95) = (step.figure(Metric::Mean, CONFIDENCE), step.figure(Metric::P95, CONFIDENCE));
    Measured {
        load_per_s: step.offered_per_s(),
        mean_ms: mean.value,
        mean_bounds_ms: bounds(mean),
        p95_ms: p95.value,
        p95_bounds_ms: bounds(p95),
        held_out: step.held_out,
    }
}

/// What it all comes to, what that means, and what to do next.
fn verdict(judgement: &Judgement, held_out: bool) -> Markup {
    let doubtful = judgement.steps.iter().any(|step| !step.doubts.is_empty());
    let found = judgement.steps.iter().any(|step| step.finding.is_some());
    let (word, means, next) = match judgement.verdict {
        Verdict::Agrees => (
            "agrees",
            "At loads that it was not calibrated with, the model is right within the tolerances, and the measurement is \
             long enough to be sure of it.",
            "Trust the model at loads up to these: turn the load in the figure above, and see what comes next. Measure \
             again when the deployment changes.",
        ),
        Verdict::Disagrees if found => (
            "disagrees",
            "A request takes another amount of processor time than the model thinks, and the response times show it.",
            "Find out what changed since the calibration: a release, the data, the machine. Then calibrate anew with \
             loadgen calibrate.",
        ),
        Verdict::Disagrees => (
            "disagrees",
            "At least one figure is off by more than its tolerance, and chance does not explain it.",
            "Look at the step with the largest error. Something slows requests there that the board does not show: a \
             lock, a pool, a second queue, a cache that runs full. Add it to the stage, or calibrate anew if the \
             deployment has changed.",
        ),
        _ if doubtful => (
            "inconclusive",
            "Some steps cannot be believed, so they count neither for the model nor against it.",
            "Read the doubts below, remove their cause, and measure those steps again.",
        ),
        _ => (
            "inconclusive",
            "The measurement is too short or too noisy: the interval of an error reaches from inside its tolerance to \
             outside.",
            "Measure longer. Four times the seconds in a step of the plan make its intervals half as wide.",
        ),
    };
    html! {
        div.check-verdict data-verdict=(word) {
            p.check-word { (judgement.conclusion()) }
            p { (means) }
            @if !held_out {
                p { b { "None of these steps was held out: " } "this tells how well the model fits what it may have been \
                     calibrated with, not how well it predicts. Mark steps with held_out = true in the plan." }
            }
            p { b { "What to do: " } (next) }
        }
    }
}

fn table(judgement: &Judgement) -> Markup {
    html! {
        div.check-scroll role="region" aria-label="Predicted and measured, step by step" tabindex="0" {
            table.check-table {
                thead { tr {
                    th scope="col" { "Step" } th scope="col" { "Figure" } th scope="col" { "Verdict" }
                    th scope="col" { "Error" } th scope="col" { "Allowed" } th scope="col" { "Predicted" }
                    th scope="col" { "Measured" }
                } }
                @for step in &judgement.steps {
                    tbody {
                        @for (row, comparison) in step.comparisons.iter().enumerate() {
                            (line(step, row, comparison))
                        }
                    }
                }
            }
        }
        p.check-note {
            "Below a figure stands its 90 % interval. A figure agrees when the interval of its error lies inside what is \
             allowed, disagrees when it lies outside, and is inconclusive when it straddles the edge. The very requests \
             that were measured are simulated, so the luck of their arrivals is in both."
        }
    }
}

fn line(step: &JudgedStep, row: usize, comparison: &Comparison) -> Markup {
    let Comparison { metric, predicted, measured, error, tolerance, .. } = comparison;
    let unit = metric.unit();
    let word = step.verdict_on(comparison);
    html! {
        tr {
            @if row == 0 {
                th scope="rowgroup" rowspan=(step.comparisons.len()) {
                    (step.index + 1) br; small { (rate(step.offered_per_s)) }
                }
            }
            th scope="row" { (metric.name()) }
            // The verdict first: on a phone the rest is beyond the edge.
            td.check-first { span.check-mark data-verdict=(word) { (word) } }
            td {
                (shown::percent(error.value)) br;
                small { (shown::percent(error.low)) " to " (shown::percent(error.high)) }
            }
            td { @match tolerance { Some(share) => { "±" (format!("{:.0}", share * 100.0)) " %" } None => "any" } }
            td { (shown::figure(predicted.value, unit)) br; small { (shown::bounds(*predicted, unit)) } }
            td { (shown::figure(measured.value, unit)) br; small { (shown::bounds(*measured, unit)) } }
        }
    }
}

fn remarks(judgement: &Judgement) -> Markup {
    let remarks: Vec<String> = judgement.remarks().collect();
    html! {
        @if !remarks.is_empty() {
            ul.check-remarks { @for remark in remarks { li { (capital(&remark)) "." } } }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
