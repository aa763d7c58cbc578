//! What busy time does not show and response times do: how demands vary, how requests share the processor, and the
//! constant time on the way.
//!
//! A handful of shapes is tried by simulation at the calibration steps, and the one whose mean, median and 95th
//! percentile are nearest wins. An error counts by how sure the measurement is, so that a noisy percentile has little to
//! say. The steps that are held out are never looked at.

use std::collections::BTreeMap;

use hockeystick_core::as_measured;
use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::measurement::{Metric, Results, Step};
use hockeystick_core::stage::{Component, Stage};
use hockeystick_core::units::Duration;
use hockeystick_core::verdict::predicted;
use hockeystick_core::workload::Class;
use miette::Report;

use super::CONFIDENCE;
use super::demand::{REQUESTS_SHORT, golden_section, whole_us};
use crate::model;

/// Coefficients of variation that are tried for demands.
const VARIATIONS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Figures that a shape is judged by. Throughput follows from the arrivals, and a 99th percentile is too noisy here.
const METRICS: [Metric; 3] = [Metric::Mean, Metric::P50, Metric::P95];
/// Relative error that no model of a real deployment is blamed for.
const ERROR_FLOOR: f64 = 0.05;
/// Another number of workers than the stage's own must fit better by this much: the 95 % quantile of chi-square with one
/// degree of freedom, as in a likelihood ratio test; and whichever step is left out, so that it never is one odd step
/// that says so. How requests share a processor shows at every load.
const WORKERS_GAIN_MIN: f64 = 3.84;
/// Simulations of a step's own requests, for each shape that is tried.
const REPLICATIONS: u64 = 8;
/// Errors beyond this many times their uncertainty count no more: one wild figure must not choose the shape.
const ERROR_MOST: f64 = 5.0;

/// How a deployment behaves beside its mean demands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Standard deviation over mean of every demand.
    pub variation: f64,
    /// Requests that the app server works on at once; none where the stage has no app server or several, which keep theirs.
    pub workers: Option<u32>,
    /// Constant time between users and deployment, one way; between the nearest of them, where there are several.
    pub latency: Duration,
    /// Root mean square of the relative errors that are left at the calibration steps.
    pub misfit: f64,
}

/// Finds the best shape, and the stage with it.
pub(super) fn fit(
    results: &Results,
    stage: &Stage,
    steps: &[usize],
    seed: u64,
    warnings: &mut Vec<String>,
) -> Result<(Stage, Shape), Report> {
    let comparable = as_measured::comparable(results);
    let mut best: Option<Candidate> = None;
    // The stage's own number of workers comes first and needs no reason.
    for workers in workers(stage) {
        let mut of_these: Option<Candidate> = None;
        for variation in VARIATIONS {
            let mut candidate = stage.clone();
            apply(&mut candidate, variation, workers);
            set_latency(&mut candidate, Duration::ZERO);
            let groups = groups(figures(results, &candidate, steps, seed)?, &comparable);
            let candidate = Candidate::new(candidate, variation, workers, &groups);
            if of_these.as_ref().is_none_or(|so_far| candidate.cost() < so_far.cost()) {
                of_these = Some(candidate);
            }
        }
        if let Some(candidate) = of_these
            && best.as_ref().is_none_or(|best| candidate.gain_at_least(best) >= WORKERS_GAIN_MIN)
        {
            best = Some(candidate);
        }
    }
    // VARIATIONS and `workers` are never empty, so there is a best one.
    let Candidate { stage, shape, .. } = best.ok_or_else(|| miette::miette!("no shape fits"))?;
    if shape.misfit > 0.15 {
        warnings.push(format!(
            "even at the calibration steps the model is off by {:.0} % on average: the measurement is noisy, or the \
             model lacks something that this deployment does",
            shape.misfit * 100.0
        ));
    }
    Ok((stage, shape))
}

/// A shape that is tried.
struct Candidate {
    stage: Stage,
    shape: Shape,
    /// How badly each step fits.
    costs: BTreeMap<usize, f64>,
}

impl Candidate {
    fn new(mut stage: Stage, variation: f64, workers: Option<u32>, groups: &[Group]) -> Self {
        let latency = whole_us(groups.first().map_or(0.0, |group| group.latency_ms) / 2e3);
        set_latency(&mut stage, latency);
        let mut costs = BTreeMap::new();
        for group in groups {
            for figure in &group.figures {
                *costs.entry(figure.step).or_default() += cost(std::slice::from_ref(figure), group.latency_ms);
            }
        }
        Self { stage, shape: Shape { variation, workers, latency, misfit: misfit(groups) }, costs }
    }

    fn cost(&self) -> f64 {
        self.costs.values().sum()
    }

    /// By how much this one fits better than another at least, whichever step is left out.
    fn gain_at_least(&self, other: &Self) -> f64 {
        let gains = || self.costs.iter().filter_map(|(step, cost)| Some(other.costs.get(step)? - cost));
        gains().sum::<f64>() - gains().fold(0.0, f64::max)
    }
}

/// Numbers of workers to try: as the stage has it, one by one, and in pairs. Response times do not say which of several
/// app servers has how many, so those keep theirs.
fn workers(stage: &Stage) -> Vec<Option<u32>> {
    let workers = |component: &Component| match &component.settings {
        Settings::AppServer(app) => Some(app.workers),
        _ => None,
    };
    let apps: Vec<u32> = stage.components.iter().filter_map(workers).collect();
    match *apps {
        [workers] => {
            std::iter::once(workers).chain([1, 2].into_iter().filter(|few| *few < workers)).map(Some).collect()
        }
        _ => vec![None],
    }
}

fn apply(stage: &mut Stage, variation: f64, workers: Option<u32>) {
    for component in &mut stage.components {
        if let Settings::AppServer(app) = &mut component.settings {
            app.workers = workers.unwrap_or(app.workers);
        }
        let Some(demand) = component.settings.demand_mut() else { continue };
        for class in Class::ALL {
            demand.get_mut(class).cv = variation;
        }
    }
}

/// One figure: the model's without latency, the measured one, and how unsure that is, relative to it.
#[derive(Clone, Copy)]
struct Figure {
    step: usize,
    model_ms: f64,
    measured_ms: f64,
    uncertainty: f64,
}

fn figures(results: &Results, stage: &Stage, steps: &[usize], seed: u64) -> Result<Vec<Figure>, Report> {
    let mut figures = Vec::new();
    for &index in steps {
        let step = &results.steps[index];
        let model = solved(results, stage, step, seed)?;
        figures.extend(METRICS.map(|metric| {
            let measured = step.figure(metric, CONFIDENCE);
            let relative = measured.half_width() / measured.value;
            // No figure is known better than what the generator itself added to it: lag distorts the mean by its mean,
            // the median by its median, the tail by its tail.
            let lag_us = match metric {
                Metric::Mean => step.lag.mean_us,
                Metric::P50 => step.lag.p50_us as f64,
                _ => step.lag.p95_us as f64,
            };
            let lag = lag_us / 1e3 / measured.value;
            Figure {
                step: index,
                model_ms: model(metric),
                measured_ms: measured.value,
                uncertainty: ERROR_FLOOR.hypot(if relative.is_finite() { relative } else { 1.0 }).hypot(lag),
            }
        }));
    }
    Ok(figures)
}

/// The model's figures at a step: for the requests that it sent where they are known, else for its rate and mix.
fn solved(results: &Results, stage: &Stage, step: &Step, seed: u64) -> Result<impl Fn(Metric) -> f64 + use<>, Report> {
    let prediction = as_measured::inspect(stage, step, seed, REPLICATIONS).map_err(model::broken)?;
    let outcome = match prediction {
        Some(_) => None,
        None => Some(
            as_measured::simulate(&as_measured::at_step(stage, results, step), seed, REQUESTS_SHORT, CONFIDENCE)
                .map_err(model::broken)?
                .outcome,
        ),
    };
    Ok(move |metric| {
        let known = prediction.as_ref().map(|prediction| prediction.figure(metric).value).filter(|ms| ms.is_finite());
        let steady = || outcome.as_ref().and_then(|outcome| predicted(outcome, metric).known());
        known.or_else(steady).unwrap_or(f64::INFINITY)
    })
}

impl Figure {
    /// Relative error, as a logarithm.
    fn error(&self, latency_ms: f64) -> f64 {
        ((self.model_ms + latency_ms) / self.measured_ms).ln().clamp(-10.0, 10.0)
    }
}

/// Figures of steps that have the constant time in common.
struct Group {
    figures: Vec<Figure>,
    latency_ms: f64,
}

/// The constant time hides in the shortest answers, and those depend on the mix. So the steps whose mix is that of the
/// steps to predict share one, and come first; every other step has its own, which says nothing but keeps it from being
/// taken for a matter of shape.
fn groups(figures: Vec<Figure>, comparable: &[usize]) -> Vec<Group> {
    let (like_held_out, others): (Vec<Figure>, Vec<Figure>) =
        figures.into_iter().partition(|figure| comparable.contains(&figure.step));
    let others = others.chunk_by(|a, b| a.step == b.step).map(<[Figure]>::to_vec);
    let figures = std::iter::once(like_held_out).chain(others).filter(|figures| !figures.is_empty());
    figures.map(|figures| Group { latency_ms: best_latency_ms(&figures), figures }).collect()
}

fn cost(figures: &[Figure], latency_ms: f64) -> f64 {
    figures.iter().map(|figure| (figure.error(latency_ms).abs() / figure.uncertainty).min(ERROR_MOST).powi(2)).sum()
}

/// Root mean square of the relative errors.
fn misfit(groups: &[Group]) -> f64 {
    let squares =
        |group: &Group| group.figures.iter().map(|figure| figure.error(group.latency_ms).powi(2)).sum::<f64>();
    let count: usize = groups.iter().map(|group| group.figures.len()).sum();
    (groups.iter().map(squares).sum::<f64>() / count.max(1) as f64).sqrt()
}

/// The constant time that fits best, there and back: no more than the smallest figure that was measured.
fn best_latency_ms(figures: &[Figure]) -> f64 {
    let most = figures.iter().map(|figure| figure.measured_ms).fold(f64::INFINITY, f64::min);
    let found = golden_section(0.0, most, most * 1e-3, |latency_ms| Ok(cost(figures, latency_ms)));
    found.unwrap_or(0.0)
}

/// Sets the latency of the links that leave the users: of the shortest to this, and the others stay as much longer as they
/// are.
fn set_latency(stage: &mut Stage, shortest: Duration) {
    let from_users: Vec<bool> =
        stage.links.iter().map(|link| stage.components[link.from].settings.kind() == Kind::Clients).collect();
    let links = || stage.links.iter().zip(&from_users).filter_map(|(link, from_users)| from_users.then_some(link));
    let before = links().map(|link| link.latency.ns()).min().unwrap_or_default();
    for (link, _) in stage.links.iter_mut().zip(&from_users).filter(|(_, from_users)| **from_users) {
        link.latency = Duration::from_ns(link.latency.ns() - before + shortest.ns());
    }
}
