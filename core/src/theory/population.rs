//! How many requests are behind a door at once.
//!
//! The stations behind it form a product-form network: processor sharing with any demand, and delays (Baskett, Chandy,
//! Muntz & Palacios, "Open, closed, and mixed networks of queues", Journal of the ACM 22, 1975). With a bound on the
//! number inside, and arrivals beyond it lost, the form stays and is only cut off there (Lam, "Queuing networks with
//! population size constraints", IBM Journal of Research and Development 21, 1977). So each station has a weight for
//! each number, the weights of independent stations are convolved, and the probabilities are the weights up to the bound
//! over their sum. This works at any load, also past saturation.

use super::cores::Beside;
use super::crosstalk::Shared;
use super::network::{Discipline, Network};

/// More requests than this are not counted one by one.
const MOST: u32 = 20_000;
/// Weights below this share of the largest are left out.
const NEGLIGIBLE: f64 = 1e-15;

/// The number of requests at one copy of a door, waiting, in service and inside its stations.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// Probability of each number from zero.
    pub probability: Vec<f64>,
    /// Probability that the door has no room, which is the share of arrivals that it refuses.
    pub refused: f64,
}

impl Population {
    /// The populations behind all doors, in their order; none where one could grow past counting.
    ///
    /// A door behind another is worked out first. To the one before it, it is a delay that holds as many as it holds on
    /// average: each door is taken by itself, as the reduced-load approximation does with loss networks (Kelly,
    /// "Blocking probabilities in large circuit-switched networks", Advances in Applied Probability 18, 1986). Exact
    /// where no door is behind another.
    pub fn all(network: &Network) -> Vec<Option<Self>> {
        let mut all: Vec<Option<Option<Self>>> = vec![None; network.doors.len()];
        for _ in 0..network.doors.len() {
            for (at, door) in network.doors.iter().enumerate() {
                if all[at].is_some() || door.inner.iter().any(|(inner, _)| all[*inner].is_none()) {
                    continue;
                }
                let held = |(inner, often): &(usize, f64)| {
                    let behind = &network.doors[*inner];
                    let part = often / behind.per_request.max(f64::MIN_POSITIVE);
                    let inside = all[*inner].as_ref()?.as_ref()?.mean();
                    Some(inside * f64::from(behind.copies) * part / f64::from(door.copies))
                };
                let held: Option<f64> = door.inner.iter().map(held).sum();
                all[at] = Some(held.and_then(|held| Self::of(network, at, held)));
            }
        }
        all.into_iter().map(Option::flatten).collect()
    }

    /// The population behind a door that has other doors behind it, which hold so many of its requests on average.
    fn of(network: &Network, door: usize, held: f64) -> Option<Self> {
        let settings = &network.doors[door];
        let bound = settings.workers.saturating_add(settings.backlog);
        let room = bound.min(MOST) as usize;
        let loads = loads(network, door)?;
        // A factor for each request inside keeps the weights of saturated stations from growing; it is taken out again
        // at the end.
        let steepest = loads.iter().map(Load::ratio).fold(1.0, f64::max);
        let delayed = network.rate_per_s * settings.delay_s / f64::from(settings.copies) + held;
        let mut all = delay_weights(delayed / steepest, room);
        for load in &loads {
            let one = station_weights(load, steepest, room);
            for _ in 0..load.instances {
                all = convolve(&all, &one, room);
            }
        }
        if bound > MOST && all.len() > room {
            return None;
        }
        let mut factor = 1.0;
        for weight in all.iter_mut().rev() {
            *weight *= factor;
            factor /= steepest;
        }
        let sum: f64 = all.iter().sum();
        all.iter_mut().for_each(|weight| *weight /= sum);
        let refused = all.get(bound as usize).copied().unwrap_or(0.0);
        Some(Self { probability: all, refused })
    }

    /// Mean number.
    pub fn mean(&self) -> f64 {
        self.probability.iter().enumerate().map(|(n, p)| n as f64 * p).sum()
    }

    /// Probability of this many or more.
    pub fn at_least(&self, number: usize) -> f64 {
        self.probability.iter().skip(number).sum()
    }
}

/// What the requests of one copy of a door bring to a station.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Stations over which they spread.
    instances: u32,
    /// Work in seconds a second, at one of them.
    offered: f64,
    /// Units of service that other doors' requests leave there, and a component's own work where it waits in line.
    capacity: f64,
    /// Share of the time in which a job of a component's own shares the processors with the requests.
    beside: f64,
    /// The station where its jobs get in one another's way, with the share of it that others leave.
    crowd: Option<(Shared, f64)>,
}

impl Load {
    /// By how much the weights grow with each further request, once every server is busy.
    fn ratio(&self) -> f64 {
        self.offered / self.capacity
    }
}

/// The loads behind a door; none where others' requests saturate a station.
fn loads(network: &Network, door: usize) -> Option<Vec<Load>> {
    let settings = &network.doors[door];
    let mut loads = Vec::new();
    for (station, demand_s) in &settings.demand_s {
        let at = &network.stations[*station];
        let others = network.offered(*station) - network.rate_per_s * demand_s / at.copies();
        let own = settings.own.contains(station);
        let instances = if own { 1 } else { at.names.len() };
        let offered = network.rate_per_s * demand_s / f64::from(settings.copies) / instances as f64;
        // Those that are not alike are told apart.
        let apart = if own || at.shares.is_empty() { 1 } else { instances };
        for copy in 0..apart {
            let like = at.like(copy);
            // A job that shares takes its part while it is there; one that waits in line takes its time from all.
            let shares = at.discipline == Discipline::ProcessorSharing && !at.crowds();
            let beside = match shares && like.own > 0.0 {
                true => Beside::new(at.servers, network.offered(*station) * like.skew).present(like.own),
                false => 0.0,
            };
            let capacity = at.capacity() - others * like.skew - if shares { 0.0 } else { like.own };
            if capacity <= 1e-9 {
                return None;
            }
            let crowd = at.crowds().then(|| (at.shared(network.most_at(*station)), capacity / at.capacity()));
            let instances = (instances / apart) as u32;
            loads.push(Load { instances, offered: offered * like.skew, capacity, beside, crowd });
        }
    }
    Some(loads)
}

/// Weights of each number at a station, each divided by `steepest` to its power. The work of a single request fills no
/// more than one unit of service.
fn station_weights(load: &Load, steepest: f64, room: usize) -> Vec<f64> {
    let alone = |n: f64| match load.crowd {
        Some((shared, left)) => shared.pace(n) * left,
        None => load.capacity.min(n),
    };
    let of = |pace: &dyn Fn(f64) -> f64| weights(room, |n| load.offered / pace(n) / steepest);
    if load.beside <= 0.0 {
        return of(&alone);
    }
    // Processor sharing with a permanent job (Cohen, 1979): with n requests it has one part in n + 1 of the processors.
    // It stays long against the time in which queues settle, so what is seen is the mixture of the two steady states.
    let crowded = of(&|n| load.capacity.min(n + 1.0) * n / (n + 1.0));
    mixed(&of(&alone), &crowded, load.beside, steepest)
}

/// The mixture of two distributions that are given by weights, each divided by `steepest` to the power of its number; the
/// second has this share.
fn mixed(one: &[f64], other: &[f64], share: f64, steepest: f64) -> Vec<f64> {
    let at = |weights: &[f64], n: usize| weights.get(n).copied().unwrap_or(0.0);
    let numbers = one.len().max(other.len());
    let (mut factor, mut sums) = (1.0, (0.0, 0.0));
    for n in 0..numbers {
        sums = (sums.0 + factor * at(one, n), sums.1 + factor * at(other, n));
        factor *= steepest;
        if factor > 1e200 {
            factor *= 1e-200;
            sums = (sums.0 * 1e-200, sums.1 * 1e-200);
        }
    }
    let (first, second) = ((1.0 - share) * sums.1, share * sums.0);
    (0..numbers).map(|n| (first * at(one, n) + second * at(other, n)) / (first + second)).collect()
}

/// Weights of each number in a delay that holds `mean` on average.
fn delay_weights(mean: f64, room: usize) -> Vec<f64> {
    weights(room, |n| mean / n)
}

/// Weights from the ratio of each to the one before. Ratios never grow, so what has become negligible stays so.
pub(super) fn weights(room: usize, ratio: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut weight, mut largest): (f64, f64) = (1.0, 1.0);
    let mut all = vec![1.0];
    for n in 1..=room {
        weight *= ratio(n as f64);
        largest = largest.max(weight);
        if weight < NEGLIGIBLE * largest {
            break;
        }
        all.push(weight);
        if weight > 1e200 {
            all.iter_mut().for_each(|earlier| *earlier *= 1e-200);
            weight *= 1e-200;
            largest *= 1e-200;
        }
    }
    all.iter_mut().for_each(|weight| *weight /= largest);
    all
}

/// Weights of the sum of two independent numbers, up to `room`.
fn convolve(one: &[f64], other: &[f64], room: usize) -> Vec<f64> {
    let mut sums = vec![0.0; (one.len() + other.len() - 1).min(room + 1)];
    for (i, mine) in one.iter().enumerate() {
        for (sum, theirs) in sums.iter_mut().skip(i).zip(other) {
            *sum += mine * theirs;
        }
    }
    let largest = sums.iter().copied().fold(0.0, f64::max);
    while sums.last().is_some_and(|last| *last < NEGLIGIBLE * largest) {
        sums.pop();
    }
    sums.iter_mut().for_each(|weight| *weight /= largest);
    sums
}

/// Whether the populations of a network are exact: no station behind a door serves in order of arrival.
pub fn product_form(network: &Network) -> bool {
    let in_order = |station: usize| {
        network.stations[station].discipline == Discipline::Fcfs && network.mean_demand_s(station) > 0.0
    };
    !(0..network.stations.len()).any(in_order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::demand::Part;
    use crate::theory::markov::Mmck;
    use crate::theory::network::{Door, Leg, Own, Route, Station};
    use crate::units::Duration;
    use crate::workload::{Demand, PerClass};

    /// Sharing stations in a row behind one door, each with its servers and its mean demand in milliseconds.
    fn row(rate_per_s: f64, stations: &[(u32, u64)], room: u32) -> Network {
        let leg = |(station, (_, ms)): (usize, &(u32, u64))| {
            let demand = Demand::exponential(Duration::from_ms(*ms));
            Leg { station, demand: PerClass(std::array::from_fn(|_| vec![Part::new(1, 1.0, &demand, 1.0)])) }
        };
        let station =
            |(servers, _): &(u32, u64)| Station::new(vec!["station".into()], Discipline::ProcessorSharing, *servers);
        let route = Route {
            awaited: true,
            probability: PerClass::all(1.0),
            door: Some(0),
            outside_s: 0.0,
            inside_s: PerClass::all(0.0),
            legs: stations.iter().enumerate().map(leg).collect(),
        };
        Network {
            rate_per_s,
            poisson: true,
            mix: PerClass([0.25; 4]),
            stations: stations.iter().map(station).collect(),
            doors: vec![Door {
                name: "door".into(),
                copies: 1,
                workers: room,
                per_request: 1.0,
                demand_s: stations.iter().enumerate().map(|(at, (_, ms))| (at, *ms as f64 / 1e3)).collect(),
                ..Door::default()
            }],
            routes: vec![route],
            patience_s: f64::INFINITY,
            ..Network::default()
        }
    }

    fn behind(network: &Network) -> Option<Population> {
        Population::all(network).swap_remove(0)
    }

    #[test]
    fn a_door_behind_another_holds_what_it_has_room_for_and_the_outer_one_hardly_fills() {
        // Twice what the station can do: the inner door is full and refuses half, the outer one has it and nothing else.
        let mut network = row(200.0, &[(1, 10)], 20);
        let inner = network.doors[0].clone();
        network.doors.push(Door { workers: 1000, demand_s: Vec::new(), inner: vec![(0, 1.0)], ..inner });
        let all: Vec<Population> = Population::all(&network).into_iter().flatten().collect();
        assert!((all[0].refused - 0.5).abs() < 1e-4 && all[1].refused < 1e-12);
        assert!((all[0].mean() - all[1].mean()).abs() < 1e-9);
    }

    #[test]
    fn one_station_behind_a_door_is_a_queue_with_so_much_room() {
        for (rate_per_s, servers, room) in [(80.0, 1, 20), (95.0, 1, 100), (300.0, 1, 160), (350.0, 4, 50), (0.0, 2, 5)]
        {
            let found = behind(&row(rate_per_s, &[(servers, 10)], room)).unwrap();
            let expected = Mmck { rate_per_s, service_s: 0.01, servers, room };
            assert!((found.refused - expected.lost()).abs() < 1e-12, "{rate_per_s} {servers} {room}");
            assert!((found.mean() - expected.mean_inside()).abs() < 1e-9 * (1.0 + found.mean()));
        }
    }

    #[test]
    fn a_permanent_job_doubles_those_who_are_there() {
        // M/M/1-PS with one permanent job has (K + 1) ρ / (1 - ρ) others, K = 1.
        let mut network = row(70.0, &[(1, 10)], 2000);
        let own = Own { copies: 1, load: 0.3, piece_s: 1.0, grouped: false };
        network.stations[0].own.push(own);
        let found = behind(&network).unwrap();
        assert!((found.mean() - 2.0 * 0.7 / 0.3).abs() < 1e-6, "{}", found.mean());
        // There for half of the time, it adds half of that.
        network.stations[0].own[0].load = 0.15;
        let found = behind(&network).unwrap();
        assert!((found.mean() - 1.5 * 0.7 / 0.3).abs() < 1e-6, "{}", found.mean());
    }

    #[test]
    fn two_saturated_stations_admit_what_the_slower_can_do() {
        let found = behind(&row(1000.0, &[(1, 10), (1, 4)], 2000)).unwrap();
        assert!((1000.0 * (1.0 - found.refused) - 100.0).abs() < 1e-6, "{}", found.refused);
        assert!(found.mean() > 1990.0);
    }

    #[test]
    fn a_queue_past_counting_is_none() {
        assert_eq!(behind(&row(200.0, &[(1, 10)], 1_000_000)), None);
        assert!(behind(&row(50.0, &[(1, 10)], 1_000_000)).is_some());
    }
}
