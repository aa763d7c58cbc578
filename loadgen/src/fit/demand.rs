//! Demands: by the utilisation law, or by one factor that fits response times.

use hockeystick_core::as_measured;
use hockeystick_core::calibrate::{Method, Observation, fit_demands};
use hockeystick_core::contrast;
use hockeystick_core::measurement::{Metric, Results, Step};
use hockeystick_core::stage::{Placement, Stage};
use hockeystick_core::statistics::{Interval, batch_means};
use hockeystick_core::units::Duration;
use hockeystick_core::workload::{Class, PerClass};
use miette::{Report, miette};

use super::visits::Visits;
use super::{CONFIDENCE, FittedDemand, Sound};
use crate::model;

/// A stage with fitted demands.
pub(super) struct Demands {
    pub(super) stage: Stage,
    pub(super) demands: Vec<FittedDemand>,
    pub(super) methods: Vec<String>,
    pub(super) warnings: Vec<String>,
}

pub(super) fn fit(results: &Results, stage: &Stage, sound: &Sound, seed: u64) -> Result<Demands, Report> {
    let measured = sound.busy.iter().flat_map(|&index| results.steps[index].stations.keys());
    let mut names: Vec<&String> = measured.collect();
    names.sort();
    names.dedup();
    let mut fitted = Demands { stage: stage.clone(), demands: Vec::new(), methods: Vec::new(), warnings: Vec::new() };
    if !names.is_empty() {
        let count = |&index: &usize| {
            let step = &results.steps[index];
            Ok((step, Visits::count(&as_measured::at_step(stage, results, step), seed)?))
        };
        let steps = sound.busy.iter().map(count).collect::<Result<Vec<_>, Report>>()?;
        for name in names {
            by_utilisation(&steps, name, &mut fitted);
        }
        if !fitted.demands.is_empty() {
            warn_of_unmeasured(&mut fitted);
            return Ok(fitted);
        }
    }
    by_response(results, &sound.response, seed, &mut fitted)?;
    Ok(fitted)
}

/// Names every host whose demands are still the author's guess, as its busy time was not measured.
fn warn_of_unmeasured(fitted: &mut Demands) {
    for host in demanding(&fitted.stage) {
        let is_fitted = |part: &Part| {
            fitted.demands.iter().any(|demand| demand.component == fitted.stage.components[part.component].id)
        };
        if !parts(&fitted.stage, &host).iter().any(is_fitted) {
            fitted.warnings.push(format!(
                "no busy time of `{host} cpu` was measured: its demands are still the stage's own, and so is what the model \
                 says of it"
            ));
        }
    }
}

/// Every host that something demands processor time of.
fn demanding(stage: &Stage) -> Vec<String> {
    let hosts = as_measured::stations(stage).map(|(station, _)| host(&station).to_owned());
    hosts.filter(|host| total(&parts(stage, host)).0.iter().any(|demand| *demand > 0.0)).collect()
}

/// The host of a processor station.
pub(super) fn host(station: &str) -> &str {
    station.strip_suffix(" cpu").unwrap_or(station)
}

/// U = X·V·S at one station.
fn by_utilisation(steps: &[(&Step, Visits)], measured: &str, fitted: &mut Demands) {
    let Some((station, machine)) = as_measured::station_named(&fitted.stage, measured) else {
        let text = format!("the results hold busy time of `{measured}`, which is no station of the stage: left out");
        fitted.warnings.push(text);
        return;
    };
    let speed = machine.speed;
    let parts = parts(&fitted.stage, host(&station));
    if parts.is_empty() {
        fitted
            .warnings
            .push(format!("`{station}` has no demand that calibration could fit: its busy time is left out"));
        return;
    }
    let observations: Vec<Observation> = steps
        .iter()
        .filter_map(|(step, visits)| {
            let (busy, visits) = (step.stations.get(measured)?, visits.to(host(&station))?);
            let mut visits_per_s = step.throughput_by_class();
            for class in Class::ALL {
                *visits_per_s.get_mut(class) *= visits.per_request.get(class);
            }
            let processors = (busy.processors() - visits.idle_processors).max(0.0) * speed;
            Some(Observation { throughput_per_s: visits_per_s, processors, seconds: step.measured_s })
        })
        .collect();
    let fit = match fit_demands(&observations, total(&parts), CONFIDENCE) {
        Ok(fit) => fit,
        Err(error) => return fitted.warnings.push(format!("the busy time of `{station}` is left out: {error}")),
    };
    let how = match fit.method {
        Method::PerClass => "each class by itself, as the mix varied",
        Method::OneFactor => "all classes by one factor, as the mix hardly varied",
    };
    fitted.methods.push(format!(
        "{station}: U = X·D over {} steps, {how}; {:.3} processors are left unexplained",
        observations.len(),
        fit.residual_processors
    ));
    apply(&mut fitted.stage, &parts, &fit.demand_s, |class| fit.interval_s[class as usize], &mut fitted.demands);
}

/// What one component demands of a host for a visit of each class: its index, and seconds.
pub(super) struct Part {
    pub(super) component: usize,
    pub(super) demand_s: PerClass<f64>,
}

/// Everything that demands processor time of a host.
pub(super) fn parts(stage: &Stage, host: &str) -> Vec<Part> {
    let runs_there = |index: &usize| match &stage.components[*index].machine {
        Some(Placement::Shared(machine)) => stage.machines[*machine].id == host,
        Some(Placement::Own { .. }) => stage.components[*index].id == host,
        None => false,
    };
    (0..stage.components.len())
        .filter(runs_there)
        .filter_map(|component| {
            let demand = stage.components[component].settings.demand()?;
            Some(Part { component, demand_s: PerClass(demand.0.map(|demand| demand.mean.as_secs_f64())) })
        })
        .collect()
}

/// Seconds that a visit of each class demands of the host, of all parts together.
pub(super) fn total(parts: &[Part]) -> PerClass<f64> {
    let of = |class| parts.iter().map(|part| part.demand_s.get(class)).sum();
    PerClass(Class::ALL.map(of))
}

/// Gives the parts the demands that add up to what was found: each keeps its share. Where the stage had none, the
/// first part takes it all.
fn apply(
    stage: &mut Stage,
    parts: &[Part],
    found_s: &PerClass<f64>,
    interval_s: impl Fn(Class) -> Option<Interval>,
    demands: &mut Vec<FittedDemand>,
) {
    let before = total(parts);
    for (index, part) in parts.iter().enumerate() {
        let id = stage.components[part.component].id.clone();
        let Some(demand) = stage.components[part.component].settings.demand_mut() else { continue };
        for class in Class::ALL {
            let share = share(part, index, &before, class);
            let interval_s = interval_s(class).map(|found| Interval {
                value: found.value * share,
                low: found.low * share,
                high: found.high * share,
            });
            if interval_s.is_none() || share == 0.0 {
                continue;
            }
            let after = whole_us(found_s.get(class) * share);
            demands.push(FittedDemand {
                component: id.clone(),
                class,
                before: demand.get(class).mean,
                after,
                interval_s,
            });
            demand.get_mut(class).mean = after;
        }
    }
}

/// The share of a host's demand of one class that is a part's: as the stage has it, and where that has none, all of it the
/// first part's.
pub(super) fn share(part: &Part, index: usize, total_s: &PerClass<f64>, class: Class) -> f64 {
    match *total_s.get(class) {
        total_s if total_s > 0.0 => part.demand_s.get(class) / total_s,
        _ if index == 0 => 1.0,
        _ => 0.0,
    }
}

/// A duration in whole microseconds, which a file can write in a few digits.
pub(super) fn whole_us(seconds: f64) -> Duration {
    Duration::from_ns((seconds * 1e6).round() as u64 * 1_000)
}

/// Factors that the search tries: a hundredth to a hundred of the stage's own demands.
const FACTOR_LOG_MAX: f64 = 4.6;
/// Below this load the mean response time says next to nothing about demand that latency could not explain as well.
const IDENTIFIABLE_LOAD: f64 = 0.3;

/// One factor for all demands, so that the mean response times over load fit.
fn by_response(results: &Results, chosen: &[usize], seed: u64, fitted: &mut Demands) -> Result<(), Report> {
    if chosen.len() < 2 {
        return Err(miette!(
            help = "measure busy time with `loadgen run --utilisation`, or calibrate on two steps or more",
            "without busy time, one step cannot tell demand from latency"
        ));
    }
    let stage = fitted.stage.clone();
    let factor = best_factor(results, &stage, chosen, seed)?;
    // Leaving out one step at a time shows how much the factor hangs on each (jackknife).
    let mut factors = Vec::new();
    for left_out in chosen {
        let others: Vec<usize> = chosen.iter().copied().filter(|index| index != left_out).collect();
        factors.push(best_factor(results, &stage, &others, seed)?);
    }
    let spread = batch_means(&factors, CONFIDENCE).half_width() * (chosen.len() as f64 - 1.0);
    let busiest = busiest(results, &as_measured::scaled(&stage, factor), chosen, seed)?;
    if busiest < IDENTIFIABLE_LOAD {
        fitted.warnings.push(format!(
            "no station is more than {:.0} % busy at these steps: demand and latency cannot be told apart well; \
             measure busy time with `loadgen run --utilisation`, or load more",
            busiest * 100.0
        ));
    }
    fitted.methods.push(format!(
        "no busy time tells a demand: all demands times {factor:.3} (± {spread:.3}) fits the mean response times best"
    ));
    let hosts = demanding(&stage);
    if hosts.len() > 1 {
        fitted.warnings.push(format!(
            "response times alone do not tell the demands of {} apart: all have one factor, so which of them is the first \
             to go is still the stage's guess; measure busy time",
            hosts.iter().map(|host| format!("`{host} cpu`")).collect::<Vec<_>>().join(" and ")
        ));
    }
    for host in hosts {
        let parts = parts(&stage, &host);
        let found = PerClass(total(&parts).0.map(|demand| demand * factor));
        let interval = |class| {
            let value = *found.get(class);
            let sent = chosen.iter().any(|&index| results.steps[index].classes.contains_key(&class));
            sent.then(|| Interval::around(value, value * spread / factor))
        };
        apply(&mut fitted.stage, &parts, &found, interval, &mut fitted.demands);
    }
    Ok(())
}

fn best_factor(results: &Results, stage: &Stage, chosen: &[usize], seed: u64) -> Result<f64, Report> {
    let cost = |log: f64| misfit(results, &as_measured::scaled(stage, log.exp()), chosen, seed);
    golden_section(-FACTOR_LOG_MAX, FACTOR_LOG_MAX, 0.002, cost).map(f64::exp)
}

/// The place of the smallest cost between `low` and `high`, by golden-section search.
pub(super) fn golden_section(
    mut low: f64,
    mut high: f64,
    width: f64,
    cost: impl Fn(f64) -> Result<f64, Report>,
) -> Result<f64, Report> {
    const RATIO: f64 = 0.618_033_988_749_895;
    let (mut left, mut right) = (high - RATIO * (high - low), low + RATIO * (high - low));
    let (mut cost_left, mut cost_right) = (cost(left)?, cost(right)?);
    while high - low > width {
        if cost_left < cost_right {
            (high, right, cost_right) = (right, left, cost_left);
            left = high - RATIO * (high - low);
            cost_left = cost(left)?;
        } else {
            (low, left, cost_left) = (left, right, cost_right);
            right = low + RATIO * (high - low);
            cost_right = cost(right)?;
        }
    }
    Ok((low + high) / 2.0)
}

/// Requests of the short simulations of a search.
pub(super) const REQUESTS_SHORT: f64 = 30_000.0;

/// Sum of squares of the relative errors (as logarithms) of the mean response time. A stage that cannot carry a step's
/// load misfits by how far it falls short.
fn misfit(results: &Results, stage: &Stage, chosen: &[usize], seed: u64) -> Result<f64, Report> {
    let mut sum = 0.0;
    for &index in chosen {
        let step = &results.steps[index];
        let at = as_measured::at_step(stage, results, step);
        let outcome = as_measured::simulate(&at, seed, REQUESTS_SHORT, CONFIDENCE).map_err(model::broken)?.outcome;
        let predicted = outcome.response_ms.mean.known().unwrap_or(f64::INFINITY);
        let measured = step.figure(Metric::Mean, CONFIDENCE).value;
        sum += (predicted / measured).ln().abs().min(100.0).powi(2);
        sum +=
            (outcome.throughput_per_s.known().unwrap_or(0.0) / step.throughput_per_s()).max(1e-6).ln().min(0.0).powi(2);
    }
    Ok(sum)
}

fn busiest(results: &Results, stage: &Stage, chosen: &[usize], seed: u64) -> Result<f64, Report> {
    let mut busiest: f64 = 0.0;
    for &index in chosen {
        let at = as_measured::at_step(stage, results, &results.steps[index]);
        let run = as_measured::simulate(&at, seed, REQUESTS_SHORT, CONFIDENCE).map_err(model::broken)?;
        busiest = contrast::busiest(&run.outcome).map_or(busiest, |(_, full)| full.max(busiest));
    }
    Ok(busiest)
}
