//! A stage as a command names it, and solved at the load of a step.

use std::fs;
use std::io::Read;
use std::path::Path;

use hockeystick_content::{TEXT_BYTES_MAX, builtin, stage};
use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::inspection::Prediction;
use hockeystick_core::measurement::{Results, Step};
use hockeystick_core::schedule::Schedule;
use hockeystick_core::simulate::{self, Run, RunOptions};
use hockeystick_core::stage::{Problem, Stage};
use hockeystick_core::theory;
use hockeystick_core::units::{Duration, Rate};
use hockeystick_core::workload::Class;
use miette::{IntoDiagnostic, Report, WrapErr, miette};

/// A stage with the text that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The stage.
    pub stage: Stage,
    /// Its file's text.
    pub text: String,
}

/// Reads a stage by its built-in name or its path.
///
/// # Errors
/// When there is no such stage, or its file has errors: each with its line and column.
pub fn load(name: &str) -> Result<Loaded, Report> {
    if let (Some(stage), Some(text)) = (builtin::stage(name), builtin::text(name, "stage.toml")) {
        return Ok(Loaded { stage: stage?, text: text.to_owned() });
    }
    let path = Path::new(name);
    if !path.exists() {
        let known = builtin::slugs().join(", ");
        return Err(miette!(help = format!("give a stage file, or one of: {known}"), "there is no stage `{name}`"));
    }
    let mut text = String::new();
    let file = fs::File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    // One byte past the limit lets the reader say that the file is too large.
    let mut limited = file.take(TEXT_BYTES_MAX as u64 + 1);
    limited.read_to_string(&mut text).into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    Ok(Loaded { stage: stage::read(&text, name, &builtin::catalogue())?, text })
}

/// The stage under the load that a step really offered: its rate, its mix, its kind of arrivals.
pub fn at_step(stage: &Stage, results: &Results, step: &Step) -> Stage {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(step.offered_per_s());
    stage.workload.mix = step.mix();
    stage.workload.arrivals = results.arrivals;
    stage
}

/// The stage with all demands for processor time times `factor`.
pub fn scaled(stage: &Stage, factor: f64) -> Stage {
    let mut stage = stage.clone();
    for component in &mut stage.components {
        let demand = match &mut component.settings {
            Settings::AppServer(app) => &mut app.demand,
            Settings::Database(database) => &mut database.demand,
            _ => continue,
        };
        for class in Class::ALL {
            let mean = &mut demand.get_mut(class).mean;
            *mean = Duration::from_secs_f64(mean.as_secs_f64() * factor);
        }
    }
    stage
}

/// The requests that a step really sent, where the results hold them and the stage has one kind of users to send them.
pub fn schedule(stage: &Stage, step: &Step) -> Option<Schedule> {
    let users = stage.components.iter().filter(|component| component.settings.kind() == Kind::Clients);
    let schedule = step.schedule.as_deref().and_then(Schedule::read)?;
    (users.count() == 1 && !schedule.arrivals().is_empty()).then_some(schedule)
}

/// Simulates the very requests of a step; none when they are not known.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn inspect(stage: &Stage, step: &Step, seed: u64, replications: u64) -> Result<Option<Prediction>, Report> {
    let Some(schedule) = schedule(stage, step) else { return Ok(None) };
    Prediction::new(stage, &schedule, step, seed, replications).map(Some).map_err(|problems| broken(&problems))
}

/// Indices of the steps with the mix of the last one: response times of different mixes do not belong in one curve.
pub fn comparable(results: &Results) -> Vec<usize> {
    let Some(last) = results.steps.last().map(Step::mix) else { return Vec::new() };
    let near = |step: &Step| step.mix().iter().all(|(class, share)| (share - last.get(class)).abs() <= 0.1);
    let steps = results.steps.iter().enumerate();
    steps.filter(|(_, step)| step.completed > 0 && near(step)).map(|(index, _)| index).collect()
}

/// Requests that a simulation should see for intervals of about one per cent at high load.
const REQUESTS: f64 = 400_000.0;

/// Longest time that is simulated unless somebody asks for more.
const SECONDS_MOST: f64 = 600.0;

/// Simulated seconds in which a stage sees enough requests: 400,000, or as many as come in ten minutes.
pub fn seconds_for(stage: &Stage) -> f64 {
    let rate_per_s = match stage.workload.closed {
        // The users of a closed workload make its rate.
        Some(_) => theory::solve(stage).throughput_per_s.known().unwrap_or(0.0),
        None => stage.workload.rate.per_s(),
    };
    if rate_per_s > 0.0 { (REQUESTS / rate_per_s).min(SECONDS_MOST) } else { SECONDS_MOST }
}

/// Simulates a stage for about as many requests as a comparison needs.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn simulate(stage: &Stage, seed: u64, requests: f64, confidence: f64) -> Result<Run, Report> {
    let seconds = requests / stage.workload.rate.per_s().max(1e-3);
    simulate::run(stage, &RunOptions { seed, seconds, confidence }, &mut |_| ()).map_err(|problems| broken(&problems))
}

/// As [`simulate`](fn@simulate), long enough for a comparison with a measurement.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn simulate_well(stage: &Stage, seed: u64, confidence: f64) -> Result<Run, Report> {
    simulate(stage, seed, REQUESTS, confidence)
}

/// The rules that a stage breaks, as an error.
pub fn broken(problems: &[Problem]) -> Report {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("{}: {} ({})", problem.path, problem.message, problem.help)).collect();
    miette!("the stage cannot be simulated: {}", lines.join("; "))
}

/// The name of the stage's processor station that a measured one stands for: the same, or the only one.
pub fn station_named<'s>(
    stage: &'s Stage,
    measured: &str,
) -> Option<(String, &'s hockeystick_core::hardware::Machine)> {
    let mut stations = stage.machines.iter().map(|named| (format!("{} cpu", named.id), &named.machine)).chain(
        stage.components.iter().enumerate().filter_map(|(index, component)| match &component.machine {
            Some(hockeystick_core::stage::Placement::Own { .. }) => {
                stage.machine_of(index).map(|machine| (format!("{} cpu", component.id), machine))
            }
            _ => None,
        }),
    );
    if measured == crate::run::busy::NAME_DEFAULT {
        let only = stations.next()?;
        return stations.next().is_none().then_some(only);
    }
    stations.find(|(name, _)| name == measured)
}
