//! Calibration: the stage's demands, and what else can be told from measurements at low and middle load.
//!
//! 1. Demands of each visit that a request makes (`visits`), by the utilisation law, where busy time was measured
//!    ([`core::calibrate`](hockeystick_core::calibrate)); else one factor for all of them, by fitting the mean response time
//!    over load.
//! 2. What only response times show: how demands vary, whether requests are worked on one by one or together, and the
//!    constant time on the way (`shape`).
//!
//! No conclusion comes from a step that cannot be believed: see [`Sound`].
//!
//! The fitted stage is the author's file with the new values in it (`file`), under a heading that says where they come
//! from ([`provenance`]).

mod demand;
mod file;
pub mod provenance;
mod shape;
mod visits;

use hockeystick_core::doubt::{Doubt, doubts};
use hockeystick_core::measurement::Results;
use hockeystick_core::stage::Stage;
use hockeystick_core::statistics::Interval;
use hockeystick_core::units::Duration;
use hockeystick_core::workload::Class;
use miette::{Report, miette};

pub use shape::Shape;

use crate::model::Loaded;

/// Confidence of the intervals that calibration gives.
pub const CONFIDENCE: f64 = 0.90;

/// A calibrated stage.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The stage.
    pub stage: Stage,
    /// Its file: the author's, with the fitted values.
    pub text: String,
    /// Demands that were found.
    pub demands: Vec<FittedDemand>,
    /// What was found beside demands.
    pub shape: Shape,
    /// How demands were found, in a sentence for each station.
    pub methods: Vec<String>,
    /// What is not certain.
    pub warnings: Vec<String>,
}

/// One component's demand of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedDemand {
    /// The component.
    pub component: String,
    /// The class.
    pub class: Class,
    /// What the stage file said.
    pub before: Duration,
    /// What was found.
    pub after: Duration,
    /// Its interval, in seconds; none where the class was never sent.
    pub interval_s: Option<Interval>,
}

/// Fits a stage to these steps of a measurement (indices from 0).
///
/// # Errors
/// When there is nothing to fit, or the stage cannot be simulated.
pub fn fit(results: &Results, loaded: &Loaded, chosen: &[usize], seed: u64) -> Result<Fitted, Report> {
    if chosen.is_empty() {
        return Err(miette!(
            help = "give steps without held_out in the plan, or name them with --steps",
            "there is no step to calibrate on"
        ));
    }
    let sound = Sound::among(results, chosen)?;
    let demand::Demands { stage, demands, methods, warnings } = demand::fit(results, &loaded.stage, &sound, seed)?;
    let warnings_of_steps = sound.warnings.clone();
    let mut warnings: Vec<String> = warnings_of_steps.into_iter().chain(warnings).collect();
    let (stage, shape) = shape::fit(results, &stage, &sound.response, seed, &mut warnings)?;
    let heading = provenance::heading(&demands, &shape, &warnings);
    let text = file::write(provenance::without_heading(&loaded.text), &stage, &heading, &shape)?;
    Ok(Fitted { stage, text, demands, shape, methods, warnings })
}

/// Steps that something can be learnt from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Those whose busy time tells demands.
    pub busy: Vec<usize>,
    /// Those whose response times can be believed as well.
    pub response: Vec<usize>,
    /// What is wrong with the others.
    pub warnings: Vec<String>,
}

/// Too few steps can be believed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("too few steps can be believed to calibrate on:\n{}", .reasons.join("\n"))]
#[diagnostic(help("measure again on a quiet machine; `loadgen run --repeat 2` repeats a step that was disturbed"))]
pub struct Doubtful {
    /// What is wrong with the others, step by step.
    pub reasons: Vec<String>,
}

impl Sound {
    /// Sorts the steps of a measurement (indices from 0).
    ///
    /// # Errors
    /// When too few are left for anything to follow from them.
    pub fn among(results: &Results, chosen: &[usize]) -> Result<Self, Doubtful> {
        let mut sound = Self { busy: Vec::new(), response: Vec::new(), warnings: Vec::new() };
        let mut unsound: Vec<Unsound> = Vec::new();
        for &index in chosen {
            let found = doubts(index, &results.steps[index]);
            let spared = found.iter().all(|doubt| doubt.law.spares_demands());
            if spared {
                sound.busy.push(index);
            }
            let Some(first) = found.iter().find(|doubt| !doubt.law.spares_demands()).or(found.first()) else {
                sound.response.push(index);
                continue;
            };
            match unsound.iter_mut().find(|alike| (alike.spared, alike.first.law) == (spared, first.law)) {
                Some(alike) => alike.steps.push(index),
                None => unsound.push(Unsound { steps: vec![index], spared, first: first.clone() }),
            }
        }
        sound.warnings = unsound.iter().map(Unsound::sentence).collect();
        // With fewer, one odd step decides.
        if sound.response.len() < chosen.len().min(RESPONSES_MIN) {
            return Err(Doubtful { reasons: sound.warnings });
        }
        Ok(sound)
    }
}

/// Steps that break the same law.
struct Unsound {
    steps: Vec<usize>,
    /// Whether their busy time is sound.
    spared: bool,
    /// The doubt about the first of them.
    first: Doubt,
}

impl Unsound {
    fn sentence(&self) -> String {
        let Self { steps, spared, first: Doubt { message, .. } } = self;
        let numbers = steps.iter().map(|index| (index + 1).to_string()).collect::<Vec<_>>().join(", ");
        match (steps.len(), spared) {
            (1, true) => format!("step {numbers}: only its busy time is used, as {message}"),
            (1, false) => format!("step {numbers}: it is left out, as {message}"),
            (_, true) => format!("steps {numbers}: only their busy time is used, of the first as {message}"),
            (_, false) => format!("steps {numbers}: they are left out, the first as {message}"),
        }
    }
}

/// Steps with believable response times that a shape follows from.
const RESPONSES_MIN: usize = 2;
