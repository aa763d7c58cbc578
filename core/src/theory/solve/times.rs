//! What theory says of response times: their mean, and where it is known their distribution.

use super::{CRASHES, EXACT, METRONOME, NEGLIGIBLE, Regime, Solver, dry, swapping};
use crate::number::fixed;
use crate::outcome::{Estimate, Response};
use crate::theory::mean::{self, Mean};
use crate::theory::network::Station;
use crate::theory::response::Responses;
use crate::theory::retry;

/// Share of the users' patience that the mean may take before too many of them give up.
const IMPATIENT: f64 = 0.25;
/// Half a percent of the requests, a quarter to either side.
const STEP: f64 = 0.0025;

impl Solver<'_> {
    /// The distribution of response times, where it is known.
    pub(in crate::theory) fn responses(&self) -> Option<Responses> {
        let limited = self.network.stations.iter().zip(&self.loads).any(|(at, load)| at.limited() && *load > 0.0);
        let limited = limited || self.network.fans_out();
        let steady = self.regime == Regime::Steady && self.network.poisson && self.network.rate_per_s > 0.0;
        if !steady || limited {
            None
        } else if self.network.stations.iter().any(Station::crowds) {
            Responses::of(&self.network.at_mean_efficiency())
        } else {
            Responses::of(self.network)
        }
    }

    pub(super) fn response(&self, responses: Option<&Responses>, late: f64) -> Response {
        let mean = self.mean_response(responses, late);
        let quantile = |q: f64| match responses {
            _ if mean.known().is_none() => mean.clone(),
            None => Estimate::not_applicable(self.no_distribution()),
            Some(responses) => {
                let caveats = mean::distribution_caveats(self.network);
                let at = |q: f64| 1e3 * responses.quantile_s(q, self.network.patience_s);
                stepped(q, at, caveats, |caveats| self.grounds(caveats, late))
            }
        };
        let (p50, p95, p99) = (quantile(0.50), quantile(0.95), quantile(0.99));
        Response { mean, p50, p95, p99 }
    }

    /// Mean response time without regard to users who give up, in milliseconds.
    pub(in crate::theory) fn mean_ms(&self) -> Option<f64> {
        self.mean_response(None, 0.0).known()
    }

    fn mean_response(&self, responses: Option<&Responses>, late: f64) -> Estimate {
        if self.network.rate_per_s <= 0.0 {
            return Estimate::not_applicable("There are no requests.");
        }
        match &self.regime {
            _ if !self.network.poisson => Estimate::not_applicable(METRONOME),
            Regime::Swapping(host) => Estimate::not_applicable(swapping(host)),
            Regime::Dry(name) => Estimate::not_applicable(dry(name)),
            Regime::Growing => Estimate::not_applicable(self.growing()),
            Regime::Refusing(_) => self.mean_of_the_admitted(),
            Regime::Steady => {
                let Mean { seconds, caveats, slight } = mean::response(self.network);
                if responses.is_none() && seconds > IMPATIENT * self.network.patience_s {
                    return Estimate::not_applicable(self.growing());
                }
                let seconds = match responses {
                    Some(responses) if late > NEGLIGIBLE => responses.mean_s(self.network.patience_s),
                    _ => seconds,
                };
                let basis = self.grounds(caveats, late);
                let close = slight && basis == EXACT;
                Estimate::by(1e3 * seconds, if close { "exact to a ten-thousandth".to_owned() } else { basis })
            }
        }
    }

    /// Mean response of those that full doors let in, by Little's law.
    fn mean_of_the_admitted(&self) -> Estimate {
        let network = self.network;
        let Regime::Refusing(refused) = self.regime else { return Estimate::not_applicable(self.growing()) };
        let mut inside = 0.0;
        for (at, (door, population)) in network.doors.iter().zip(&self.populations).enumerate() {
            let Some(population) = population else { return Estimate::not_applicable(self.growing()) };
            // Who is behind an inner door is behind the outer one as well.
            if network.awaited().any(|route| route.door == Some(at)) {
                inside += f64::from(door.copies) * population.mean();
            }
        }
        let inside_s = inside / (network.rate_per_s * (1.0 - refused));
        if inside_s > IMPATIENT * network.patience_s {
            return Estimate::not_applicable(self.growing());
        }
        let basis = format!("approximation: Little's law for a network with a bounded population; {}", self.refusals());
        let ways_s = network.awaited().map(|route| network.share_of(route) * route.outside_s).sum::<f64>();
        let again_s = retry::waited_s(refused, &network.again, ways_s).unwrap_or(0.0);
        Estimate::by(1e3 * (mean::outside_s(network) + again_s + inside_s), basis)
    }

    /// What a figure rests on: `exact`, or an approximation with its caveats.
    fn grounds(&self, mut caveats: Vec<String>, late: f64) -> String {
        for (at, (door, population)) in self.network.doors.iter().zip(&self.populations).enumerate() {
            if !self.network.awaits(at) {
                continue;
            }
            let waits = population.as_ref().map_or(0.0, |population| population.at_least(door.workers as usize));
            if waits > 1e-4 {
                let percent = fixed(100.0 * waits, 2);
                caveats.push(format!("the {percent} % of requests that wait for a worker of {} as if they were served, so that long responses come out too long", door.name));
            }
        }
        for memory in &self.network.memory {
            let full = self.memory_full(memory);
            if full > NEGLIGIBLE {
                let percent = fixed(100.0 * full, 3);
                caveats.push(format!("swapping on {} in {percent} % of the time is left out", memory.host));
            }
        }
        caveats.extend(self.network.caveats.iter().cloned());
        if late > NEGLIGIBLE {
            caveats.push(format!("of the {} % of responses that users wait for", fixed(100.0 * (1.0 - late), 2)));
        }
        caveats.extend((self.network.down > 0.0).then(|| CRASHES.to_owned()));
        if caveats.is_empty() { EXACT.to_owned() } else { format!("approximation: {}", caveats.join("; ")) }
    }

    pub(super) fn no_distribution(&self) -> String {
        let limited = self.network.stations.iter().zip(&self.loads).find(|(at, load)| at.limited() && **load > 0.0);
        match (&self.regime, limited) {
            _ if !self.network.poisson => METRONOME.to_owned(),
            _ if self.network.rate_per_s <= 0.0 => "There are no requests.".to_owned(),
            (Regime::Steady, Some((at, _))) => {
                let name = at.names.first().map_or("", String::as_str);
                format!("A quota stops {name} in bursts, and theory knows only the mean of what that adds.")
            }
            (Regime::Steady, None) if self.network.fans_out() => {
                "Users wait for the slowest of calls made at once, and theory knows only its mean.".to_owned()
            }
            (Regime::Steady, None) => "A station is too close to saturation for a distribution.".to_owned(),
            (Regime::Refusing(_), _) => "Doors are full: theory knows only the mean of those that get in.".to_owned(),
            _ => self.growing(),
        }
    }
}

/// A percentile in milliseconds by `at`. Constant delays make steps: beside one a sample may lie on either tread, and the
/// estimate has both.
pub(in crate::theory) fn stepped(
    q: f64,
    at: impl Fn(f64) -> f64,
    mut caveats: Vec<String>,
    grounds: impl FnOnce(Vec<String>) -> String,
) -> Estimate {
    let (low, high) = (at(q - STEP), at(q + STEP));
    let steep = high > 1.1 * low;
    if steep {
        caveats.push(format!("a step: from {} to {} ms within half a percent", fixed(low, 1), fixed(high, 1)));
    }
    let basis = Some(grounds(caveats));
    let end = |ms: f64| steep.then_some(ms);
    Estimate::Known { value: at(q), low: end(low), high: end(high), basis }
}
