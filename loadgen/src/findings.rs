//! Everything that a measurement says of a model: what `check` and `report` show, each in its formats.

use hockeystick_core::judge::{Judgement, judge};
use hockeystick_core::measurement::Results;
use hockeystick_core::objective::Objective;
use hockeystick_core::rival::{Rivalry, Silence};
use hockeystick_core::verdict::Tolerances;
use miette::Report;

use crate::capacity::{self, Capacity};
use crate::model::{self, Loaded};

/// The judgement, and what follows from it.
#[derive(Clone, Debug)]
pub struct Findings<'r> {
    /// The measurement.
    pub results: &'r Results,
    /// The model.
    pub loaded: &'r Loaded,
    /// The judgement on its predictions.
    pub judgement: Judgement,
    /// The Universal Scalability Law beside it, or why not.
    pub rivalry: Result<Rivalry, Silence>,
    /// What the deployment carries, objective by objective.
    pub capacities: Vec<Capacity>,
}

/// What is asked of a measurement.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Indices of the steps to judge.
    pub steps: Vec<usize>,
    /// The largest errors that count as agreement.
    pub tolerances: Tolerances,
    /// What the deployment is to keep.
    pub objectives: Vec<Objective>,
    /// Seed of the simulations.
    pub seed: u64,
}

impl<'r> Findings<'r> {
    /// Judges a measurement.
    ///
    /// # Errors
    /// When the stage cannot be simulated.
    pub fn of(results: &'r Results, loaded: &'r Loaded, question: &Question) -> Result<Self, Report> {
        let Question { steps, tolerances, objectives, seed } = question;
        let judgement = judge(results, &loaded.stage, steps, tolerances, *seed).map_err(model::broken)?;
        let rivalry = Rivalry::of(results, &judgement);
        let capacities = capacity::of_measurement((results, &judgement), loaded, objectives, *seed)?;
        Ok(Self { results, loaded, judgement, rivalry, capacities })
    }

    /// What is said below the verdict's table, in sentences: why not to believe a step, the conclusion, the other model,
    /// and what the deployment carries.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.judgement.remarks().collect();
        sentences.extend(self.results.remarks().into_iter().map(|remark| format!("note: {remark}")));
        sentences.push(self.judgement.conclusion());
        sentences.push(self.rival_words());
        sentences.extend(self.capacities.iter().map(|capacity| capacity.words.clone()));
        sentences
    }

    /// Which predicts better, the model or the Universal Scalability Law.
    pub fn rival_words(&self) -> String {
        match &self.rivalry {
            Ok(rivalry) => rivalry.words(),
            Err(silence) => format!("No Universal Scalability Law was fitted for comparison: {silence}."),
        }
    }
}
