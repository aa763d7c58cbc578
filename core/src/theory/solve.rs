//! The solver: what theory says of a stage at its load, and on what grounds; of its response times in `times`.

pub(super) mod times;

use std::collections::BTreeMap;

use super::backlog;
use super::follow_up;
use super::mean;
use super::network::{FollowUp, Memory, Network, Use};
use super::population::{self, Population};
use super::response::Responses;
use super::retry;
use super::{users, varying};
use crate::engine::moves::Cause;
use crate::number::fixed;
use crate::outcome::{Estimate, Outcome, Response, by_name};
use crate::stage::Stage;

/// Rounds in which attempts settle. Near a tipping point they need many.
const ROUNDS: u32 = 300;
/// A probability that no result shows.
const NEGLIGIBLE: f64 = 1e-6;
/// Share of time in which memory may be full before theory gives up: swapping makes all work slower.
const SWAPPING: f64 = 1e-3;
const EXACT: &str = "exact";

/// Solves a stage.
///
/// Every figure says in its `basis` whether it is exact for this stage or an approximation, and of what. Where theory
/// does not apply there is a reason instead of a figure.
pub fn solve(stage: &Stage) -> Outcome {
    let network = Network::of(stage);
    if !stage.faults.is_empty() {
        return nothing(&network, "Theory describes a steady state, and this stage has faults on its timeline.");
    }
    if let Some(reason) = network.beyond.first() {
        return nothing(&network, reason);
    }
    if network.routes.is_empty() {
        return nothing(&network, "No way leads from the users to a server.");
    }
    if let Some(scaled) = backlog::scaled(stage) {
        if network.closed.is_some() || varying::applies(stage) {
            return nothing(
                &network,
                "Copies follow a backlog while the rate changes as well: no steady state shows that.",
            );
        }
        return backlog::solve(stage, &scaled);
    }
    match network.closed {
        Some((users, think_s)) => users::solve(stage, users, think_s),
        None if varying::applies(stage) => varying::solve(stage),
        None => steady(network),
    }
}

/// Solves a network whose rate does not change.
pub(super) fn steady(mut network: Network) -> Outcome {
    let requests_per_s = network.rate_per_s;
    amplify(&mut network);
    Solver { requests_per_s, ..Solver::new(&network) }.outcome()
}

/// Sets the rate to that of all attempts, where full doors refuse some and users send them again: the least load that
/// keeps itself, lambda (1 - p^(n+1)) / (1 - p) with p the share that is refused at that load (see
/// [`retry`](super::retry)). From the requests alone upwards it is reached from below, for p rises with the load.
pub(super) fn amplify(network: &mut Network) {
    let requests_per_s = network.rate_per_s;
    for _ in 0..if network.again.retries > 0 { ROUNDS } else { 0 } {
        let Regime::Refusing(refused) = Solver::new(network).regime else { return };
        let attempts = retry::attempts(refused, network.again.retries).unwrap_or(1.0);
        let before_per_s = network.rate_per_s;
        network.rate_per_s = requests_per_s * attempts;
        if (network.rate_per_s / before_per_s - 1.0).abs() < 1e-7 {
            return;
        }
    }
}

/// An outcome without a figure.
pub(super) fn nothing(network: &Network, reason: &str) -> Outcome {
    let none = || Estimate::not_applicable(reason);
    let names = network.stations.iter().flat_map(|station| station.names.iter().cloned());
    Outcome {
        throughput_per_s: none(),
        response_ms: Response { mean: none(), p50: none(), p95: none(), p99: none() },
        utilisation: by_name(names.map(|name| (name, none()))),
        errors_per_s: by_name(Cause::ALL.into_iter().map(|cause| (cause.name().to_owned(), none()))),
        stale: none(),
        metrics: BTreeMap::new(),
    }
}

/// How a network fares at its load.
#[derive(Clone, Debug, PartialEq)]
enum Regime {
    /// Every station keeps up, and hardly anybody is refused.
    Steady,
    /// Full doors turn some requests away: this share of them.
    Refusing(f64),
    /// A queue grows until users give up.
    Growing,
    /// More connections of this component's pool are wanted than there are.
    Dry(String),
    /// Requests fill this machine's memory for more than a moment.
    Swapping(String),
}

/// What is known of a network at its load.
pub(super) struct Solver<'a> {
    pub(super) network: &'a Network,
    /// Requests of which the network's rate is all attempts.
    requests_per_s: f64,
    pub(super) loads: Vec<f64>,
    /// One for each door; none where the number inside is past counting.
    populations: Vec<Option<Population>>,
    regime: Regime,
}

impl<'a> Solver<'a> {
    pub(super) fn new(network: &'a Network) -> Self {
        let loads: Vec<f64> = (0..network.stations.len()).map(|station| network.load(station)).collect();
        let populations = Population::all(network);
        let requests_per_s = network.rate_per_s;
        let mut solver = Self { network, requests_per_s, loads, populations, regime: Regime::Steady };
        solver.regime = solver.find_regime();
        solver
    }

    fn find_regime(&self) -> Regime {
        if let Some(memory) = self.network.memory.iter().find(|memory| self.memory_full(memory) > SWAPPING) {
            return Regime::Swapping(memory.host.clone());
        }
        let keeps_up = self.busiest().is_none_or(|(_, load)| load < 1.0);
        if keeps_up
            && let Some(dry) = self.network.pools.iter().find(|it| mean::pool_wait(self.network, it).1.is_infinite())
        {
            return Regime::Dry(dry.name.clone());
        }
        match self.refused() {
            Some(refused) if keeps_up && refused < NEGLIGIBLE => Regime::Steady,
            None if keeps_up => Regime::Steady,
            Some(refused) => Regime::Refusing(refused),
            None => Regime::Growing,
        }
    }

    /// The station with the highest load, and that load.
    fn busiest(&self) -> Option<(&str, f64)> {
        let named = self.network.stations.iter().filter_map(|station| station.names.first());
        named.map(String::as_str).zip(self.loads.iter().copied()).max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Share of all requests that a full door refuses, as if doors were full independently of one another.
    fn refused(&self) -> Option<f64> {
        let doors = self.network.doors.iter().zip(&self.populations);
        let passed =
            doors.map(|(door, population)| Some(1.0 - (door.per_request * population.as_ref()?.refused).min(1.0)));
        passed.product::<Option<f64>>().map(|passed| 1.0 - passed)
    }

    /// Share of time in which a machine's memory is full.
    fn memory_full(&self, memory: &Memory) -> f64 {
        let left = memory.size - memory.idle;
        if left < 0.0 {
            return 1.0;
        }
        if memory.most * memory.each <= left {
            return 0.0;
        }
        let fit = (left / memory.each) as usize;
        let population = memory.door.and_then(|door| self.populations.get(door)?.as_ref());
        population.map_or(1.0, |population| population.at_least(fit + 1))
    }

    /// Seconds in which the slowest queue forgets how it began: that of M/M/1, S / (1 - sqrt(rho))². Infinite when not
    /// every station keeps up.
    ///
    /// Cohen, *The Single Server Queue* (2nd edition, 1982).
    pub(super) fn settles_s(&self) -> f64 {
        if self.regime != Regime::Steady {
            return f64::INFINITY;
        }
        let of = |(at, load): (usize, &f64)| {
            let left = 1.0 - load.sqrt();
            self.network.visit(at).first / (left * left)
        };
        self.loads.iter().enumerate().map(of).fold(0.0, f64::max)
    }

    pub(super) fn outcome(&self) -> Outcome {
        let responses = self.responses();
        let late = responses.as_ref().map_or(0.0, |responses| responses.tail(self.network.patience_s));
        let names = self.network.stations.iter().enumerate().flat_map(|(at, station)| {
            let named = |(copy, name): (usize, &String)| (name.clone(), self.utilisation(at, copy, late));
            station.names.iter().enumerate().map(named).collect::<Vec<_>>()
        });
        Outcome {
            throughput_per_s: self.throughput(late),
            response_ms: self.response(responses.as_ref(), late),
            utilisation: by_name(names),
            errors_per_s: self.errors(responses.as_ref(), late),
            stale: Estimate::not_applicable("Theory does not follow what is out of date."),
            metrics: by_name(self.metrics()),
        }
    }

    /// Figures of single components.
    fn metrics(&self) -> impl Iterator<Item = (String, Estimate)> {
        let told = self.network.metrics.iter().cloned();
        let measured = self.network.follow_ups.iter().flat_map(|it| {
            let estimate = self.follow_up(it);
            it.names.iter().map(move |name| (name.clone(), estimate.clone()))
        });
        told.chain(measured)
    }

    /// How long it takes until what follows a request is done.
    fn follow_up(&self, follow_up: &FollowUp) -> Estimate {
        if self.regime != Regime::Steady {
            return Estimate::not_applicable(self.growing());
        }
        let adrift = |one: &Use| one.demand_s.iter().any(|(at, _)| self.network.stations[*at].comes_and_goes);
        if follow_up.uses.iter().any(adrift) {
            return Estimate::not_applicable(ADRIFT);
        }
        let work = follow_up::of(self.network, follow_up);
        let name = &follow_up.component;
        match work.growing_per_s {
            Some(more) => {
                let more = fixed(more, 1);
                Estimate::not_applicable(format!("The backlog of {name} grows by {more} a second (fluid limit)."))
            }
            None => Estimate::by(
                work.seconds,
                "approximation: M/M/c of those who work on it, after their pace; arrivals as random, up to 15 % too long where a busy disk has evened them out",
            ),
        }
    }

    fn utilisation(&self, station: usize, copy: usize, late: f64) -> Estimate {
        let at = &self.network.stations[station];
        let like = at.like(copy);
        let load = self.network.load_of(station, &like);
        match &self.regime {
            _ if at.comes_and_goes => Estimate::not_applicable(ADRIFT),
            Regime::Steady if at.crowds() => {
                let offered = self.network.offered(station) * like.skew;
                let busy = at.shared(self.network.most_at(station)).state(offered).busy;
                let skewed = if at.shares.is_empty() { "" } else { "; by the placement of the most popular keys" };
                Estimate::by(busy / f64::from(at.servers), format!("{CROWDED}{skewed}"))
            }
            Regime::Steady => {
                let mut caveats = self.network.caveats.clone();
                caveats.extend((self.network.down > 0.0).then(|| CRASHES.to_owned()));
                caveats.extend((late > NEGLIGIBLE).then(|| ABANDONED.to_owned()));
                match caveats.is_empty() {
                    true => Estimate::by(load, "exact: the utilisation law"),
                    false => Estimate::by(load, format!("approximation: the utilisation law; {}", caveats.join("; "))),
                }
            }
            Regime::Refusing(refused) => {
                let basis = format!("approximation: the utilisation law without the refused; {}", self.crowding());
                Estimate::by((load * (1.0 - refused)).min(1.0), basis)
            }
            Regime::Growing => {
                let most = self.busiest().map_or(1.0, |(_, load)| load);
                Estimate::by(load / most, "approximation: the bottleneck is always busy, the others in proportion")
            }
            Regime::Swapping(host) => Estimate::not_applicable(swapping(host)),
            Regime::Dry(name) => Estimate::not_applicable(dry(name)),
        }
    }

    /// Of the requests that are refused the share that is so for good.
    fn lost(&self, refused: f64) -> f64 {
        retry::failing_for_good(refused, self.network.again.retries).unwrap_or(refused)
    }

    /// What a figure of requests that are refused rests on.
    fn refusals(&self) -> String {
        let again =
            if self.network.again.retries > 0 { "; attempts as random, which keeps the mean within 10 %" } else { "" };
        format!("{}{again}", self.crowding())
    }

    fn throughput(&self, late: f64) -> Estimate {
        let rate = self.network.rate_per_s;
        match &self.regime {
            Regime::Steady if self.network.down > 0.0 => Estimate::by(
                rate * (1.0 - late),
                format!(
                    "approximation: all requests but those that find a server down, 1 - MTBF / (MTBF + MTTR) of them; {CRASHES}"
                ),
            ),
            Regime::Steady if late > NEGLIGIBLE => {
                Estimate::by(rate * (1.0 - late), "approximation: all requests but those that time out")
            }
            Regime::Steady => Estimate::by(rate, "exact: what comes in goes out"),
            Regime::Refusing(refused) => {
                let basis = format!(
                    "approximation: all requests but the refused; an upper bound where users give up; {}",
                    self.refusals()
                );
                Estimate::by(self.requests_per_s * (1.0 - self.lost(*refused)), basis)
            }
            Regime::Growing => {
                let (name, load) = self.busiest().unwrap_or(("", 1.0));
                Estimate::by(rate / load, format!("an upper bound: {name} is the bottleneck, and can do no more"))
            }
            Regime::Swapping(host) => Estimate::not_applicable(swapping(host)),
            Regime::Dry(name) => Estimate::not_applicable(dry(name)),
        }
    }

    fn errors(&self, responses: Option<&Responses>, late: f64) -> BTreeMap<String, Estimate> {
        let rate = self.network.rate_per_s;
        let of = |cause: Cause| match (cause, &self.regime) {
            (_, Regime::Swapping(host)) => Estimate::not_applicable(swapping(host)),
            (_, Regime::Dry(name)) => Estimate::not_applicable(dry(name)),
            (Cause::Down, _) if self.network.down > 0.0 => {
                let down = self.network.down;
                Estimate::by(rate * down / (1.0 - down), format!("approximation: 1 - MTBF / (MTBF + MTTR); {CRASHES}"))
            }
            (Cause::Down | Cause::OutOfMemory, _) => Estimate::by(0.0, "exact: nothing breaks"),
            (Cause::Refused, Regime::Steady) if !self.network.poisson => Estimate::not_applicable(METRONOME),
            (Cause::Refused, Regime::Steady) => {
                Estimate::by(rate * self.refused().unwrap_or(0.0), format!("approximation: {}", self.crowding()))
            }
            (Cause::Refused, Regime::Refusing(refused)) => {
                Estimate::by(self.requests_per_s * self.lost(*refused), format!("approximation: {}", self.refusals()))
            }
            (Cause::TimedOut, Regime::Steady) if responses.is_some() => {
                let late = if late < NEGLIGIBLE { 0.0 } else { late };
                Estimate::by(rate * late, "approximation: the share of responses that outlast the users' patience")
            }
            _ => Estimate::not_applicable(self.no_distribution()),
        };
        by_name(Cause::ALL.into_iter().map(|cause| (cause.name().to_owned(), of(cause))))
    }

    /// What the number behind a door rests on.
    fn crowding(&self) -> &'static str {
        if population::product_form(self.network) {
            "requests in the backlog as if they were served, exact for equal exponential demands, else within some 10 %"
        } else {
            "requests in the backlog as if they were served, and the disk's times as exponential, within some 10 %"
        }
    }

    fn growing(&self) -> String {
        let (name, load) = self.busiest().unwrap_or(("a station", 1.0));
        let percent = fixed(100.0 * load, 0);
        if load < 1.0 {
            return format!("{name} is asked for {percent} % of what it can do: so slow that many users give up.");
        }
        format!("{name} is asked for {percent} % of what it can do: its queue grows until users give up.")
    }
}

const CROWDED: &str =
    "exact for one station alone: jobs as a birth-death chain at the paces of the Universal Scalability Law";
/// What is left out where processes crash.
const CRASHES: &str = "what a crash interrupts, a request or so, as if it were done";
/// What is not taken off where users give up.
const ABANDONED: &str = "what users give up on as if all its work were done";
const ADRIFT: &str =
    "Its copies come and go: the fewest cannot keep up, and more of them empty the backlog until they are sent away.";
const METRONOME: &str = "Arrivals are equally spaced, and theory's queues need random ones.";

fn dry(name: &str) -> String {
    format!("Queries want more connections than the pool of {name} has: requests wait until they fail.")
}

fn swapping(host: &str) -> String {
    format!("Requests fill the memory of {host}: work slows down as it swaps, which fills memory further.")
}
