//! A stage as a measurement met it: at the load of a step, and asked about the very requests of a step.

use crate::component::Kind;
use crate::hardware::Machine;
use crate::inspection::Prediction;
use crate::measurement::{Load, Results, STATION_ONLY, Step};
use crate::outcome::Outcome;
use crate::schedule::Schedule;
use crate::simulate::{self, Run, RunOptions};
use crate::stage::{Placement, Problem, Stage};
use crate::units::{Duration, Rate};
use crate::workload::{Class, PerClass};

/// The stage under the load that a step really offered: its rate, its mix, its kind of arrivals, or its users.
pub fn at_step(stage: &Stage, results: &Results, step: &Step) -> Stage {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(step.offered_per_s());
    stage.workload.mix = step.mix();
    stage.workload.arrivals = results.arrivals;
    if let Some(Load::Closed(closed)) = step.load {
        stage.workload.closed = Some(closed);
    }
    stage
}

/// The stage with all demands for processor time times `factor`.
pub fn scaled(stage: &Stage, factor: f64) -> Stage {
    let mut stage = stage.clone();
    for component in &mut stage.components {
        let Some(demand) = component.settings.demand_mut() else { continue };
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
pub fn inspect(stage: &Stage, step: &Step, seed: u64, replications: u64) -> Result<Option<Prediction>, Vec<Problem>> {
    let Some(schedule) = schedule(stage, step) else { return Ok(None) };
    Prediction::new(stage, &schedule, step, seed, replications).map(Some)
}

/// Indices of the steps with the mix that a measurement is about: response times of different mixes do not belong in one
/// curve. It is that of the last step to be predicted; where none is, that of most steps, and of those the last.
pub fn comparable(results: &Results) -> Vec<usize> {
    of_one_mix(&results.steps)
}

fn of_one_mix(steps: &[Step]) -> Vec<usize> {
    let answered = |step: &&Step| step.completed > 0;
    let mixes: Vec<PerClass<f64>> = steps.iter().filter(answered).map(Step::mix).collect();
    let held_out = steps.iter().filter(answered).rfind(|step| step.held_out).map(Step::mix);
    let commonest = || mixes.iter().max_by_key(|mix| mixes.iter().filter(|other| is_near(mix, other)).count()).copied();
    let Some(mix) = held_out.or_else(commonest) else { return Vec::new() };
    let like = steps.iter().enumerate().filter(|(_, step)| answered(step) && is_near(&step.mix(), &mix));
    like.map(|(index, _)| index).collect()
}

fn is_near(mix: &PerClass<f64>, other: &PerClass<f64>) -> bool {
    mix.iter().all(|(class, share)| (share - other.get(class)).abs() <= 0.1)
}

/// Requests that a simulation should see for intervals of about one per cent at high load.
pub const REQUESTS: f64 = 400_000.0;

/// Longest time that is simulated for them: where hardly anybody comes, nothing waits, and the time is the cost.
const SECONDS_MAX: f64 = 1e6;

/// Simulates a stage for about so many requests.
///
/// # Errors
/// Every rule that the stage breaks.
pub fn simulate(stage: &Stage, seed: u64, requests: f64, confidence: f64) -> Result<Run, Vec<Problem>> {
    let seconds = (requests / stage.workload.rate.per_s().max(1e-3)).min(SECONDS_MAX);
    simulate::run(stage, &RunOptions { seed, seconds, confidence }, &mut |_| ())
}

/// The stage's processor stations by name: those of machines that components share, and components' own.
pub fn stations(stage: &Stage) -> impl Iterator<Item = (String, &Machine)> {
    let shared = stage.machines.iter().map(|named| (format!("{} cpu", named.id), &named.machine));
    let own = stage.components.iter().filter_map(|component| match &component.machine {
        Some(Placement::Own { machine, .. }) => Some((format!("{} cpu", component.id), machine)),
        _ => None,
    });
    shared.chain(own)
}

/// The name of the stage's processor station that a measured one stands for: the same, or the only one.
pub fn station_named<'s>(stage: &'s Stage, measured: &str) -> Option<(String, &'s Machine)> {
    let mut stations = stations(stage);
    if measured == STATION_ONLY {
        let only = stations.next()?;
        return stations.next().is_none().then_some(only);
    }
    stations.find(|(name, _)| name == measured)
}

/// How many machines' worth a station uses: of a component of several copies, `app cpu`, that of all together.
pub fn share_of_all_copies(outcome: &Outcome, name: &str) -> Option<f64> {
    if let Some(share) = outcome.utilisation.get(name) {
        return share.known();
    }
    let (host, part) = name.rsplit_once(' ')?;
    let is_copy = |station: &str| {
        let copy = station.strip_prefix(host).and_then(|rest| rest.strip_prefix('#'));
        copy.and_then(|rest| rest.split_once(' ')).is_some_and(|(_, of)| of == part)
    };
    let copies = outcome.utilisation.iter().filter(|(station, _)| is_copy(station));
    let shares: Vec<f64> = copies.filter_map(|(_, share)| share.known()).collect();
    (!shares.is_empty()).then(|| shares.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{ClassResult, Distribution};

    fn step(classes: &[(Class, u64)], held_out: bool) -> Step {
        let [response, service] = [Distribution::default(), Distribution::default()];
        let result =
            |due| ClassResult { due, answered: due, failed: 0, response: response.clone(), service: service.clone() };
        let classes = classes.iter().map(|(class, due)| (*class, result(*due))).collect();
        Step { completed: 100, held_out, classes, ..Step::default() }
    }

    #[test]
    fn steps_of_one_class_belong_to_no_curve_of_a_mix_wherever_they_stand() {
        let alone = |class| step(&[(class, 100)], false);
        let mixed = |held_out| step(&[(Class::Static, 70), (Class::Read, 30)], held_out);
        let mut steps = vec![alone(Class::Read), mixed(false), mixed(true), mixed(false), alone(Class::Read)];
        assert_eq!(of_one_mix(&steps), [1, 2, 3]);
        steps[2].held_out = false;
        assert_eq!(of_one_mix(&steps), [1, 2, 3], "most steps");
        steps[4].held_out = true;
        assert_eq!(of_one_mix(&steps), [0, 4], "what is to be predicted");
        steps.truncate(2);
        assert_eq!(of_one_mix(&steps), [1], "the last of as many");
    }
}
