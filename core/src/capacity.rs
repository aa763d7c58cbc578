//! How many requests a second a stage carries before it misses an objective, what runs out first there, and what more
//! of that would bring. By simulation, so that it holds for every board.

use crate::as_measured::simulate;
use crate::component::Kind;
use crate::contrast::{Compared, busiest};
use crate::objective::Objective;
use crate::outcome::Outcome;
use crate::stage::{Placement, Problem, Stage, limits};
use crate::theory::MeanCurve;
use crate::units::Rate;
use crate::verdict::CONFIDENCE;

/// Requests of each simulation. Near its limit a response time climbs so steeply that a noisy one hardly moves the rate.
const REQUESTS: f64 = 150_000.0;
/// The rate is found to this share of itself.
const PRECISION: f64 = 0.004;
/// The least load that is looked at, as a share of what is thought to be too much.
const LEAST: f64 = 0.01;
/// A stage that answers less of what comes, or fails more, does not carry it, whatever the objective says.
const ANSWERED_MIN: f64 = 0.97;
const FAILED_MAX: f64 = 0.01;
/// A station below this is not what runs out.
pub const BUSY_MIN: f64 = 0.7;

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The highest rate at which the objective holds.
    Carries(Box<Carried>),
    /// It holds at no rate: what its figure is at hardly any load; none where nothing is answered.
    Never(Option<f64>),
    /// It holds at every rate that can be simulated.
    Always,
}

/// The highest rate at which an objective holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// Requests a second.
    pub rate_per_s: f64,
    /// What the stage does at that rate.
    pub outcome: Outcome,
}

impl Answer {
    /// The rate, where there is one.
    pub const fn rate_per_s(&self) -> Option<f64> {
        match self {
            Self::Carries(carried) => Some(carried.rate_per_s),
            Self::Never(_) | Self::Always => None,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CapacityError {
    /// Who waits for an answer before the next request has no rate of his own.
    #[error("the users of a closed workload make its rate themselves, so there is no rate to look for")]
    Closed,
    /// The stage breaks rules.
    #[error("the stage cannot be simulated")]
    Stage(Vec<Problem>),
}

/// Looks for the highest rate at which `objective` holds and the stage answers what comes, whatever its own rate is:
/// faults and the swing of a day are left out. `near` is a guess that saves simulations.
///
/// # Errors
/// For a closed workload, and every rule that the stage breaks.
pub fn carried(stage: &Stage, objective: &Objective, seed: u64, near: Option<f64>) -> Result<Answer, CapacityError> {
    if stage.workload.closed.is_some() {
        return Err(CapacityError::Closed);
    }
    let mut search = Search { stage: steady(stage), objective, seed, best: None };
    let (low, high) = match search.bracket(near)? {
        Bracket::Between(low, high) => (low, high),
        Bracket::Never(figure) => return Ok(Answer::Never(figure)),
        Bracket::Always => return Ok(Answer::Always),
    };
    let (mut low, mut high) = (low, high);
    while high - low > PRECISION * high {
        let middle = f64::midpoint(low, high);
        if search.holds(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The bracket's lower end was simulated and held, so there is a best one.
    Ok(search.best.map_or(Answer::Never(None), Answer::Carries))
}

/// The stage on an ordinary, endless afternoon.
fn steady(stage: &Stage) -> Stage {
    let mut stage = stage.clone();
    stage.faults.clear();
    stage.workload.day = None;
    stage.workload.schedule = None;
    stage
}

enum Bracket {
    Between(f64, f64),
    Never(Option<f64>),
    Always,
}

struct Search<'o> {
    stage: Stage,
    objective: &'o Objective,
    seed: u64,
    /// The highest rate so far at which all was well.
    best: Option<Box<Carried>>,
}

impl Search<'_> {
    fn outcome(&mut self, rate_per_s: f64) -> Result<Outcome, CapacityError> {
        self.stage.workload.rate = Rate::per_second(rate_per_s);
        let run = simulate(&self.stage, self.seed, REQUESTS, CONFIDENCE).map_err(CapacityError::Stage)?;
        Ok(run.outcome)
    }

    fn holds(&mut self, rate_per_s: f64) -> Result<bool, CapacityError> {
        let outcome = self.outcome(rate_per_s)?;
        let answered = outcome.throughput_per_s.known().unwrap_or(0.0);
        let failed = Compared::Failed.of(&outcome).unwrap_or(1.0);
        let within = self.objective.figure(&outcome).is_some_and(|figure| figure < self.objective.limit());
        let holds = within && answered >= ANSWERED_MIN * rate_per_s && failed <= FAILED_MAX;
        if holds && self.best.as_ref().is_none_or(|best| rate_per_s > best.rate_per_s) {
            self.best = Some(Box::new(Carried { rate_per_s, outcome }));
        }
        Ok(holds)
    }

    /// A rate at which all is well, and a higher one at which it is not.
    fn bracket(&mut self, near: Option<f64>) -> Result<Bracket, CapacityError> {
        if let Some(near) = near {
            let (low, high) = (0.93 * near, 1.07 * near);
            if self.holds(low)? && !self.holds(high)? {
                return Ok(Bracket::Between(low, high));
            }
        }
        let full = MeanCurve::of(&self.stage, None, None).capacity_per_s;
        let mut high = full.unwrap_or_else(|| self.stage.workload.rate.per_s().max(1.0)).min(limits::RATE_PER_S);
        let mut low = LEAST * high;
        if !self.holds(low)? {
            let outcome = self.outcome(low)?;
            return Ok(Bracket::Never(self.objective.figure(&outcome)));
        }
        while self.holds(high)? {
            if high >= limits::RATE_PER_S {
                return Ok(Bracket::Always);
            }
            (low, high) = (high, (2.0 * high).min(limits::RATE_PER_S));
        }
        Ok(Bracket::Between(low, high))
    }
}

/// What runs out first, as far as a processor or a disk does.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// The station: `box cpu`.
    pub station: String,
    /// How busy it is, 0 to 1.
    pub busy: f64,
}

impl Carried {
    /// The busiest station at this rate; none where the stage has none of ours.
    pub fn first(&self) -> Option<First> {
        busiest(&self.outcome).map(|(station, busy)| First { station: station.to_owned(), busy })
    }
}

/// A stage with more of what runs out.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// What there is more of: `twice the processors of box`.
    pub words: String,
    /// The stage with it.
    pub stage: Stage,
}

/// Ways to have twice as much of a station: as many copies again where copies share the work, and a machine of twice the
/// size. Empty for a name that is no station of the stage.
pub fn remedies(stage: &Stage, station: &str) -> Vec<Remedy> {
    let Some((host, part)) = station.rsplit_once(' ') else { return Vec::new() };
    let host = host.split('#').next().unwrap_or(host);
    let component =
        stage.component(host).filter(|at| matches!(stage.components[*at].machine, Some(Placement::Own { .. })));
    let copies = component.and_then(|at| more_copies(stage, at));
    copies.into_iter().chain(larger(stage, host, part)).collect()
}

/// Twice as many copies, of a kind whose copies share the work; those of a database each hold all of it.
fn more_copies(stage: &Stage, component: usize) -> Option<Remedy> {
    let it = &stage.components[component];
    let shares = matches!(it.settings.kind(), Kind::AppServer | Kind::Cache | Kind::Replica);
    let mut twice = stage.clone();
    let copies = 2 * it.copies;
    let words = format!("{copies} copies of {} instead of {}", it.id, it.copies);
    let done = shares && twice.set_copies(component, copies) && twice.check().is_empty();
    done.then_some(Remedy { words, stage: twice })
}

/// A machine with twice the processors, or a disk that does twice as much at once.
fn larger(stage: &Stage, host: &str, part: &str) -> Option<Remedy> {
    let mut twice = stage.clone();
    let shared = twice.machines.iter().position(|named| named.id == host);
    let component = twice.component(host);
    let machine = match (shared, component) {
        (Some(at), _) => &mut twice.machines[at].machine,
        (None, Some(at)) => match &mut twice.components[at].machine {
            Some(Placement::Own { machine, .. }) => machine,
            _ => return None,
        },
        (None, None) => return None,
    };
    let what = match part {
        "cpu" => {
            machine.vcpus *= 2;
            machine.quota = machine.quota.map(|quota| 2.0 * quota);
            "processors"
        }
        "disk" => {
            machine.disk_channels *= 2;
            "disk operations at once"
        }
        _ => return None,
    };
    let words = format!("twice the {what} of {host}");
    twice.check().is_empty().then_some(Remedy { words, stage: twice })
}
