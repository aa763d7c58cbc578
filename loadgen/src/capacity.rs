//! What a deployment carries, in words: the rate, how sure it is, what runs out first, what more of that would bring.

use std::ops::Range;
use std::thread;

use hockeystick_core::capacity::{Answer, BUSY_MIN, CapacityError, Carried, carried, remedies};
use hockeystick_core::judge::{JudgedStep, Judgement};
use hockeystick_core::measurement::Results;
use hockeystick_core::objective::Objective;
use hockeystick_core::stage::Stage;
use hockeystick_core::statistics::Interval;
use hockeystick_core::verdict::Verdict;
use hockeystick_core::{as_measured, doubt};
use miette::{Report, miette};
use serde::Serialize;

use crate::fit::provenance::{Ends, Provenance};
use crate::model;

/// A load further than this beyond the highest that was measured is an extrapolation.
const EXTRAPOLATION: f64 = 1.05;

/// A change that brings less than this many times the rate is not worth its name.
const HELPS: f64 = 1.05;

/// The answer to one objective.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// What was asked.
    pub objective: String,
    /// Requests a second; none where no rate will do, or any.
    pub rate_per_s: Option<f64>,
    /// From where to where that may be; none where that is unknown.
    pub range_per_s: Option<[f64; 2]>,
    /// The busiest station at that rate, and how busy it is, 0 to 1.
    pub first: Option<(String, f64)>,
    /// More of what runs out, and the rate with it.
    pub remedies: Vec<Moved>,
    /// All of it in sentences.
    pub words: String,
}

/// A change, and what it comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// What there is more of.
    pub words: String,
    /// Requests a second; none where it is no rate.
    pub rate_per_s: Option<f64>,
    /// The busiest station then, and how busy it is.
    pub first: Option<(String, f64)>,
}

/// What an answer is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The stage, under the workload that is asked about.
    pub stage: &'a Stage,
    /// Where its demands come from, if `loadgen calibrate` found them.
    pub provenance: Option<&'a Provenance>,
    /// What was measured and judged, if anything was.
    pub measured: Option<(&'a Results, &'a Judgement)>,
    /// Seed of the simulations.
    pub seed: u64,
}

/// Answers each objective for a measurement: at the mix and the kind of arrivals of its highest comparable step.
///
/// # Errors
/// As [`answer`].
pub fn of_measurement(
    (results, judgement): (&Results, &Judgement),
    loaded: &model::Loaded,
    objectives: &[Objective],
    seed: u64,
) -> Result<Vec<Capacity>, Report> {
    let provenance = Provenance::read(&loaded.text);
    let comparable = as_measured::comparable(results).into_iter().map(|index| &results.steps[index]);
    let highest = comparable.max_by(|a, b| a.offered_per_s().total_cmp(&b.offered_per_s()));
    let stage = highest.map_or_else(|| loaded.stage.clone(), |step| as_measured::at_step(&loaded.stage, results, step));
    let asked = Asked { stage: &stage, provenance: provenance.as_ref(), measured: Some((results, judgement)), seed };
    objectives.iter().map(|objective| answer(&asked, objective)).collect()
}

/// Answers one objective.
///
/// # Errors
/// When the stage cannot be simulated, or has no rate.
pub fn answer(asked: &Asked<'_>, objective: &Objective) -> Result<Capacity, Report> {
    let found = carried(asked.stage, objective, asked.seed, None).map_err(explain)?;
    let mut capacity = Capacity {
        objective: objective.to_string(),
        rate_per_s: found.rate_per_s(),
        range_per_s: None,
        first: None,
        remedies: Vec::new(),
        words: String::new(),
    };
    match found {
        Answer::Carries(carried) => carries(asked, objective, &carried, &mut capacity)?,
        Answer::Never(figure) => {
            let least = figure
                .map_or_else(|| "nothing is answered".to_owned(), |figure| format!("it is {}", objective.show(figure)));
            capacity.words = format!("No load is low enough for {objective}: with hardly any, {least}.");
        }
        Answer::Always => capacity.words = format!("No load that can be simulated is too much for {objective}."),
    }
    Ok(capacity)
}

fn explain(error: CapacityError) -> Report {
    match error {
        CapacityError::Stage(problems) => model::broken(problems),
        CapacityError::Closed => miette!(help = "give a stage with a rate, or none of --objective", "{error}"),
    }
}

fn carries(asked: &Asked<'_>, objective: &Objective, carried: &Carried, capacity: &mut Capacity) -> Result<(), Report> {
    let rate = carried.rate_per_s;
    let first = carried.first();
    let mut sentences = Vec::new();
    let (range, because) = range(asked, objective, rate)?;
    capacity.range_per_s = range.clone().map(|range| [range.start, range.end]);
    let between = match range {
        Some(Range { start, end }) => format!(", between {} and {}", per_s(start), per_s(end)),
        None => String::new(),
    };
    sentences.push(format!("At {objective} this deployment carries {} requests/s{between}{because}.", per_s(rate)));
    match &first {
        Some(first) if first.busy >= BUSY_MIN => {
            sentences.push(format!("{} is the first to go: {:.0} % busy there.", first.station, first.busy * 100.0));
            let moved = moved(asked, objective, &first.station, rate)?;
            sentences.extend(moved.iter().map(|moved| moved.sentence(&first.station, rate)));
            capacity.remedies = moved;
        }
        Some(first) => sentences.push(format!(
            "No processor or disk is busy enough to be what runs out: {} is the busiest, {:.0} % there. Look for a limit \
             of another kind, such as workers, connections, a quota's periods, or the time that a request takes alone.",
            first.station,
            first.busy * 100.0
        )),
        None => {}
    }
    capacity.first = first.map(|first| (first.station, first.busy));
    sentences.extend(caveats(asked, objective, rate));
    capacity.words = sentences.join(" ");
    Ok(())
}

/// From where to where the rate may be, and why so; or why that is unknown. The ends are those of the fit's demands, all
/// at once at the same end, which is no narrower than any way in which they may hang together; and, where the model was
/// checked, those of its error at the nearest step.
fn range(asked: &Asked<'_>, objective: &Objective, rate: f64) -> Result<(Option<Range<f64>>, String), Report> {
    let mut others: Vec<(Stage, Objective)> = Vec::new();
    let mut sources = Vec::new();
    let mut missing = Vec::new();
    match asked.provenance.map(|provenance| provenance.ends(asked.stage)) {
        Some(Ok(Ends { low, high })) => {
            others.extend([(low, *objective), (high, *objective)]);
            sources.push("the 90 % intervals of its fitted demands");
        }
        Some(Err(why)) => missing.push(why),
        None => missing.push("the stage's demands were not fitted by `loadgen calibrate`".to_owned()),
    }
    let error = asked.measured.and_then(|(_, judgement)| error_near(judgement, objective, rate));
    match error {
        Some(error) if error.is_bounded() && error.low > -1.0 => {
            others.extend([error.low, error.high].map(|end| (asked.stage.clone(), objective.eased(1.0 + end))));
            sources.push("the model's error at the nearest step");
        }
        Some(_) => missing.push("the model's error at the nearest step is too uncertain to count with".to_owned()),
        None => {}
    }
    let missing = missing.join("; ");
    if sources.is_empty() {
        return Ok((None, format!(" (how sure that is cannot be told: {missing})")));
    }
    let found = all(&others, |(stage, objective)| carried(stage, objective, asked.seed, Some(rate)))?;
    let Some(rates) = found.iter().map(Answer::rate_per_s).collect::<Option<Vec<f64>>>() else {
        return Ok((
            None,
            " (how sure that is cannot be told: at an end of the interval there is no such rate)".to_owned(),
        ));
    };
    let ends = rates.iter().fold(rate..rate, |ends, rate| ends.start.min(*rate)..ends.end.max(*rate));
    let without = if missing.is_empty() { missing } else { format!("; {missing}") };
    Ok((Some(ends), format!(" (by {}{without})", sources.join(" and "))))
}

/// The relative error of the objective's figure at the believed step nearest to a rate.
fn error_near(judgement: &Judgement, objective: &Objective, rate: f64) -> Option<Interval> {
    let Objective::Time { metric, .. } = objective else { return None };
    let distance = |step: &&JudgedStep| (step.offered_per_s / rate).ln().abs();
    let believed = judgement.steps.iter().filter(|step| step.doubts.is_empty());
    let nearest = believed.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    nearest.comparisons.iter().find(|figure| figure.metric == *metric).map(|figure| figure.error)
}

/// What more of a station brings.
fn moved(asked: &Asked<'_>, objective: &Objective, station: &str, rate: f64) -> Result<Vec<Moved>, Report> {
    let remedies = remedies(asked.stage, station);
    let answers = all(&remedies, |remedy| carried(&remedy.stage, objective, asked.seed, Some(2.0 * rate)))?;
    let moved = remedies.into_iter().zip(answers).map(|(remedy, answer)| Moved {
        words: remedy.words,
        rate_per_s: answer.rate_per_s(),
        first: match &answer {
            Answer::Carries(carried) => carried.first().map(|first| (first.station, first.busy)),
            Answer::Never(_) | Answer::Always => None,
        },
    });
    Ok(moved.collect())
}

impl Moved {
    fn sentence(&self, before: &str, rate_before: f64) -> String {
        let what = capital(&self.words);
        let Some(rate) = self.rate_per_s else { return format!("{what}: no rate to be found.") };
        let then = match &self.first {
            Some((station, busy)) if *busy < BUSY_MIN => format!(
                "; then no processor or disk is busy enough to be the limit ({station}, {:.0} %), but workers, connections or \
                 the like",
                busy * 100.0
            ),
            Some((station, _)) if host(station) == host(before) => String::new(),
            Some((station, _)) => format!("; then {station} is the first to go"),
            None => String::new(),
        };
        if rate < HELPS * rate_before {
            return format!("{what} would hardly help ({}/s){then}.", per_s(rate));
        }
        format!("{what} would move that to {}{then}.", per_s(rate))
    }
}

/// `app#2 cpu` without the copy's number.
fn host(station: &str) -> (&str, &str) {
    let (host, part) = station.rsplit_once(' ').unwrap_or((station, ""));
    (host.split('#').next().unwrap_or(host), part)
}

/// What a reader must know before he relies on the rate.
fn caveats(asked: &Asked<'_>, objective: &Objective, rate: f64) -> Vec<String> {
    let mut caveats = Vec::new();
    if let Some(provenance) = asked.provenance {
        caveats.extend(provenance.warnings.iter().map(|warning| format!("The fit warned: {warning}.")));
    }
    let Some((results, judgement)) = asked.measured else {
        caveats.push(
            "This is the model's answer; `loadgen check` says whether the deployment behaves like it.".to_owned(),
        );
        return caveats;
    };
    match judgement.verdict {
        Verdict::Agrees => {}
        Verdict::Disagrees => caveats.push(
            "The model disagrees with the measurement, so this is what the model carries, not what the deployment does."
                .to_owned(),
        ),
        Verdict::Inconclusive | Verdict::Reported => {
            caveats.push("The measurement does not confirm the model, so rely on this no more than on the model.".to_owned());
        }
    }
    let sound: Vec<usize> = as_measured::comparable(results)
        .into_iter()
        .filter(|index| doubt::doubts(*index, &results.steps[*index]).is_empty())
        .collect();
    let highest = sound.iter().map(|index| results.steps[*index].offered_per_s()).fold(0.0, f64::max);
    if sound.is_empty() {
        caveats.push("No load that was measured can be believed, so all of this is an extrapolation.".to_owned());
    } else if rate > EXTRAPOLATION * highest {
        caveats.push(format!(
            "The highest load that was measured and can be believed is {}/s: beyond it this is an extrapolation.",
            per_s(highest)
        ));
    }
    // A step that was measured says so whatever the model thinks.
    for index in sound {
        let step = &results.steps[index];
        let Some(figure) = objective.measured(step) else { continue };
        if (figure < objective.limit()) != (step.offered_per_s() <= rate) {
            caveats.push(format!(
                "But step {} measured {} at {}/s.",
                index + 1,
                objective.show(figure),
                per_s(step.offered_per_s())
            ));
        }
    }
    caveats
}

/// Searches side by side, on as many threads as there are things to search.
fn all<T: Sync>(of: &[T], search: impl Fn(&T) -> Result<Answer, CapacityError> + Sync) -> Result<Vec<Answer>, Report> {
    let search = &search;
    thread::scope(|scope| {
        let running: Vec<_> = of.iter().map(|one| scope.spawn(move || search(one))).collect();
        let done = running.into_iter().map(|thread| match thread.join() {
            Ok(answer) => answer.map_err(explain),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

/// A rate to three or four digits, with its thousands apart.
fn per_s(rate: f64) -> String {
    if rate < 100.0 {
        return crate::table::number(rate);
    }
    // The search is no finer than this.
    let unit = 10_f64.powf(rate.log10().floor() - 3.0).max(1.0);
    let digits = format!("{:.0}", (rate / unit).round() * unit);
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_as_fine_as_the_search() {
        let rates = [4.237, 42.37, 1342.4, 13_424.0, 1_342_400.0].map(per_s);
        assert_eq!(rates.each_ref().map(String::as_str), ["4.24", "42.4", "1,342", "13,420", "1,342,000"]);
    }

    #[test]
    fn a_change_that_changes_nothing_is_called_that() {
        let moved = |rate, busy| Moved {
            words: "twice the processors of box".to_owned(),
            rate_per_s: Some(rate),
            first: Some(("box cpu".to_owned(), busy)),
        };
        assert_eq!(
            moved(2000.0, 0.95).sentence("box cpu", 1000.0),
            "Twice the processors of box would move that to 2,000."
        );
        let none = moved(1010.0, 0.48).sentence("box cpu", 1000.0);
        assert!(none.contains("would hardly help (1,010/s); then no processor or disk"), "{none}");
    }

    #[test]
    fn copies_of_one_component_are_one_host() {
        assert_eq!(host("app#2 cpu"), host("app cpu"));
        assert_ne!(host("app cpu"), host("app disk"));
    }
}
