//! The Universal Scalability Law beside the queueing model: fitted to the same steps, asked about the same others.
//!
//! The law is what capacity planners fit to a load test when they have no model: three numbers, nothing about the
//! architecture. A model that predicts no better than it is not worth its trouble. Of an open load the law knows what
//! Little's law tells it: N = X·R at each step. See [`scalability`](crate::theory::scalability) for the fit and its source.

use serde::Serialize;

use crate::as_measured::comparable;
use crate::doubt::doubts;
use crate::judge::Judgement;
use crate::measurement::{Metric, Results, Step};
use crate::number::{fixed, short};
use crate::statistics::Interval;
use crate::theory::scalability::{Fit, Usl, fit, fit_amdahl};
use crate::verdict::CONFIDENCE;

/// Fewest steps that Amdahl's law, its simpler form, is fitted to: one more than it has parameters.
pub const STEPS_MIN: usize = 3;

/// The law and the model, asked about the same steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Rivalry {
    /// The law, per second.
    pub fit: Fit,
    /// Whether coherency was left out, as so few steps do not tell three parameters.
    pub is_amdahl: bool,
    /// Indices of the steps that it was fitted to.
    pub fitted_to: Vec<usize>,
    /// Each step that both predict.
    pub steps: Vec<Round>,
}

/// The mean response time at one step, in milliseconds: predicted by both, and measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The step's index.
    pub index: usize,
    /// Requests a second that were offered.
    pub offered_per_s: f64,
    /// Measured.
    pub measured: Interval,
    /// What the model says.
    pub model: f64,
    /// What the law says; none where it says that such a rate cannot be carried.
    pub law: Option<f64>,
}

/// Which of the two is nearer to the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The queueing model.
    Model,
    /// The Universal Scalability Law.
    Law,
    /// The measurement is not sure enough to say.
    Untold,
}

/// Why the law says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// Too few steps to fit it to.
    #[error(
        "it needs {STEPS_MIN} steps that were not checked, of the same mix and beyond doubt, and there {}", 
        if *.0 == 1 { "is 1".to_owned() } else { format!("are {}", .0) }
    )]
    Steps(usize),
    /// The steps are there, but no law fits them.
    #[error("the loads of its steps lie too close together to tell its parameters")]
    Alike,
    /// Nothing to predict.
    #[error("no checked step is of the mix that it was fitted to, and beyond doubt")]
    NothingToPredict,
}

impl Rivalry {
    /// Fits the law to the steps that were not judged, and asks it about those that were. Only steps of one mix belong in
    /// one curve, and only those that can be believed.
    ///
    /// # Errors
    /// When there is nothing to fit, or nothing to predict.
    pub fn of(results: &Results, judgement: &Judgement) -> Result<Self, Silence> {
        let judged = |index: &usize| judgement.steps.iter().find(|step| step.index == *index);
        let like = comparable(results);
        let is_sound = |index: &usize| doubts(*index, &results.steps[*index]).is_empty();
        let fitted_to: Vec<usize> =
            like.iter().copied().filter(|index| judged(index).is_none() && is_sound(index)).collect();
        if fitted_to.len() < STEPS_MIN {
            return Err(Silence::Steps(fitted_to.len()));
        }
        let points: Vec<(f64, f64)> = fitted_to.iter().map(|index| point(&results.steps[*index])).collect();
        let (law, is_amdahl) = match fit(&points) {
            Some(fit) => (Some(fit), false),
            None => (fit_amdahl(&points), true),
        };
        let fit = law.ok_or(Silence::Alike)?;
        let rounds = like.iter().filter_map(|index| {
            let judged = judged(index).filter(|step| step.doubts.is_empty())?;
            let mean = judged.comparisons.iter().find(|figure| figure.metric == Metric::Mean)?;
            let step = &results.steps[*index];
            Some(Round {
                index: *index,
                offered_per_s: step.offered_per_s(),
                measured: step.figure(Metric::Mean, CONFIDENCE),
                model: mean.predicted.value,
                law: fit.law.response_s(step.offered_per_s()).map(|seconds| seconds * 1e3),
            })
        });
        let steps: Vec<Round> = rounds.collect();
        if steps.is_empty() { Err(Silence::NothingToPredict) } else { Ok(Self { fit, is_amdahl, fitted_to, steps }) }
    }

    /// The law's parameters.
    pub const fn law(&self) -> Usl {
        self.fit.law
    }

    /// Mean over the steps of the relative error, as a factor minus one: of the model, and of the law. That of the law is
    /// infinite where it says that a rate which was carried cannot be.
    pub fn errors(&self) -> [f64; 2] {
        let mean = |error: &dyn Fn(&Round) -> f64| {
            let sum: f64 = self.steps.iter().map(error).sum();
            libm::exp(sum / self.steps.len() as f64) - 1.0
        };
        [mean(&|round| round.apart(round.measured.value)[0]), mean(&|round| round.apart(round.measured.value)[1])]
    }

    /// Which predicts better. Both are compared with the same measured figures, so what counts is how far the difference
    /// of their errors can move while each figure stays within its interval; independent steps add as squares.
    pub fn better(&self) -> Better {
        let difference = |round: &Round, at: f64| round.apart(at)[0] - round.apart(at)[1];
        let (mut sum, mut squares) = (0.0, 0.0);
        for round in &self.steps {
            let Interval { value, low, high } = round.measured;
            sum += difference(round, value);
            if !round.measured.is_bounded() {
                squares = f64::INFINITY;
            }
            let ends = [low.max(value * 1e-3), high].map(|end| difference(round, end) - difference(round, value));
            squares += ends.iter().fold(0.0, |most: f64, end| most.max(end * end));
        }
        // What was carried and by the law cannot be needs no interval.
        if sum == f64::NEG_INFINITY || sum < -squares.sqrt() {
            Better::Model
        } else if sum > squares.sqrt() {
            Better::Law
        } else {
            Better::Untold
        }
    }

    /// All of it in a sentence or two.
    pub fn words(&self) -> String {
        let numbers: Vec<String> = self.fitted_to.iter().map(|index| (index + 1).to_string()).collect();
        let law = self.law();
        let form = if self.is_amdahl {
            format!("gamma {}/s, alpha {}; so few steps do not tell beta", short(law.gamma, 1), short(law.alpha, 4))
        } else {
            format!("gamma {}/s, alpha {}, beta {}", short(law.gamma, 1), short(law.alpha, 4), short(law.beta, 7))
        };
        let [model, of_law] = self.errors().map(|error| fixed(error * 100.0, 1));
        let beyond = self.steps.iter().find(|round| round.law.is_none());
        let place = "in the mean response time at the checked steps";
        let errs = match beyond {
            Some(round) => format!(
                "says that {}/s cannot be carried, which was; {place} the model is off by {model} %",
                fixed(round.offered_per_s, 0)
            ),
            None => format!("is off by {of_law} % {place}, the model is off by {model} %"),
        };
        let so = match self.better() {
            Better::Model => "the model predicts better",
            Better::Law => "the law predicts better, so what the stage holds of the architecture does not help here",
            Better::Untold => "the measurement does not tell which predicts better",
        };
        format!("The Universal Scalability Law, fitted to the steps {} ({form}), {errs}: {so}.", numbers.join(", "))
    }
}

impl Round {
    /// How far the model and the law are from a measured figure, each as the logarithm of the factor.
    fn apart(&self, measured: f64) -> [f64; 2] {
        let apart = |predicted: f64| libm::log(predicted / measured).abs();
        [apart(self.model), self.law.map_or(f64::INFINITY, apart)]
    }
}

/// N and X of a step, N by Little's law.
fn point(step: &Step) -> (f64, f64) {
    let throughput_per_s = step.throughput_per_s();
    (throughput_per_s * step.response.mean_us / 1e6, throughput_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(model: f64, law: Option<f64>, half: f64) -> Round {
        Round { index: 0, offered_per_s: 50.0, measured: Interval::around(10.0, half), model, law }
    }

    fn rivalry(steps: Vec<Round>) -> Rivalry {
        let standard_errors = Usl { gamma: 1.0, alpha: 0.01, beta: 0.0 };
        let fit = Fit { law: Usl { gamma: 100.0, alpha: 0.02, beta: 0.0 }, standard_errors, residual: 1.0 };
        Rivalry { fit, is_amdahl: true, fitted_to: vec![1, 2, 4], steps }
    }

    #[test]
    fn who_is_nearer_predicts_better_as_far_as_the_measurement_is_sure() {
        assert_eq!(rivalry(vec![round(10.2, Some(14.0), 0.3)]).better(), Better::Model);
        assert_eq!(rivalry(vec![round(14.0, Some(10.2), 0.3)]).better(), Better::Law);
        // On either side of the measurement, which may well lie nearer to the other.
        assert_eq!(rivalry(vec![round(9.0, Some(11.2), 1.0)]).better(), Better::Untold);
        assert_eq!(rivalry(vec![round(9.0, Some(11.2), f64::INFINITY)]).better(), Better::Untold);
    }

    #[test]
    fn a_law_that_thinks_impossible_what_was_carried_has_lost() {
        let rivalry = rivalry(vec![round(12.0, None, 0.3), round(12.0, Some(10.0), 0.3)]);
        assert_eq!(rivalry.better(), Better::Model);
        assert!(
            rivalry.words().contains("cannot be carried, which was; in the mean response time"),
            "{}",
            rivalry.words()
        );
        assert!(rivalry.words().contains("steps 2, 3, 5"), "{}", rivalry.words());
    }
}
