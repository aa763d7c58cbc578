//! How many requests are behind a door at once.
//!
//! The stations behind it form a product-form network: processor sharing with any demand, and delays (Baskett, Chandy,
//! Muntz & Palacios, "Open, closed, and mixed networks of queues", Journal of the ACM 22, 1975). With a bound on the
//! number inside, and arrivals beyond it lost, the form stays and is only cut off there (Lam, "Queuing networks with
//! population size constraints", IBM Journal of Research and Development 21, 1977). So each station has a weight for
//! each number, the weights of independent stations are convolved, and the probabilities are the weights up to the bound
//! over their sum. This works at any load, also past saturation.

use super::crosstalk::Shared;
use super::network::{Discipline, Network};
use crate::workload::Class;

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
    /// The population behind a door; none when it could grow past counting.
    pub fn of(network: &Network, door: usize) -> Option<Self> {
        let settings = &network.doors[door];
        let bound = settings.workers.saturating_add(settings.backlog);
        let room = bound.min(MOST) as usize;
        let loads: Vec<Load> = loads(network, door).collect::<Option<_>>()?;
        // A factor for each request inside keeps the weights of saturated stations from growing; it is taken out again
        // at the end.
        let steepest = loads.iter().map(Load::ratio).fold(1.0, f64::max);
        let mut all = delay_weights(delayed(network, door) / steepest, room);
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
    /// Units of service that other doors' requests leave there.
    capacity: f64,
    /// The station where its jobs get in one another's way, with the share of it that others leave.
    crowd: Option<(Shared, f64)>,
}

impl Load {
    /// By how much the weights grow with each further request, once every server is busy.
    fn ratio(&self) -> f64 {
        self.offered / self.capacity
    }
}

/// The loads behind a door; none for a station that others' requests saturate.
fn loads(network: &Network, door: usize) -> impl Iterator<Item = Option<Load>> {
    let settings = &network.doors[door];
    let load = move |(station, work): (usize, f64)| {
        let at = &network.stations[station];
        let others = network.rate_per_s * network.mean_demand_s(station) - work;
        let capacity = at.capacity() - others / at.copies();
        let instances = if settings.own.contains(&station) { 1 } else { at.names.len() as u32 };
        let offered = work / f64::from(settings.copies) / f64::from(instances);
        let crowd = at.crowds().then(|| (at.shared(network.most_at(station)), capacity / at.capacity()));
        (capacity > 1e-9).then_some(Load { instances, offered, capacity, crowd })
    };
    (0..network.stations.len())
        .map(move |station| (station, brought(network, door, station)))
        .filter(|(_, work)| *work > 0.0)
        .map(load)
}

/// Work that all of a door's requests bring to a station, in seconds a second.
fn brought(network: &Network, door: usize, station: usize) -> f64 {
    let routes = network.routes.iter().filter(|route| route.door == Some(door));
    let legs = routes.flat_map(|route| route.legs.iter().map(move |leg| (route, leg)));
    let at = legs.filter(|(_, leg)| leg.station == station);
    let mean = |route, leg: &super::network::Leg| {
        Class::ALL.into_iter().map(|class| network.share(route, class) * leg.moments(class).first).sum::<f64>()
    };
    network.rate_per_s * at.map(|(route, leg)| mean(route, leg)).sum::<f64>()
}

/// Mean number of requests of one copy of a door that are on their way between its stations.
fn delayed(network: &Network, door: usize) -> f64 {
    let routes = network.routes.iter().filter(|route| route.door == Some(door));
    let delay = |class| move |route| network.share(route, class) * route.inside_s.get(class);
    let mean_s: f64 = routes.map(|route| Class::ALL.into_iter().map(|class| delay(class)(route)).sum::<f64>()).sum();
    network.rate_per_s * mean_s / f64::from(network.doors[door].copies)
}

/// Weights of each number at a station, each divided by `steepest` to its power. The work of a single request fills no
/// more than one unit of service.
fn station_weights(load: &Load, steepest: f64, room: usize) -> Vec<f64> {
    let pace = |n: f64| match load.crowd {
        Some((shared, left)) => shared.pace(n) * left,
        None => load.capacity.min(n),
    };
    weights(room, |n| load.offered / pace(n) / steepest)
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
    use crate::engine::processor::Crosstalk;
    use crate::theory::demand::Part;
    use crate::theory::markov::Mmck;
    use crate::theory::network::{Door, Leg, Route, Station};
    use crate::units::Duration;
    use crate::workload::{Demand, PerClass};

    /// Sharing stations in a row behind one door, each with its servers and its mean demand in milliseconds.
    fn row(rate_per_s: f64, stations: &[(u32, u64)], room: u32) -> Network {
        let leg = |(station, (_, ms)): (usize, &(u32, u64))| {
            let demand = Demand::exponential(Duration::from_ms(*ms));
            Leg { station, demand: PerClass(std::array::from_fn(|_| vec![Part::new(1, 1.0, &demand, 1.0)])) }
        };
        let station = |(servers, _): &(u32, u64)| Station {
            names: vec!["station".into()],
            discipline: Discipline::ProcessorSharing,
            servers: *servers,
            quota: None,
            crosstalk: Crosstalk::default(),
        };
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
            doors: vec![Door { name: "door".into(), copies: 1, workers: room, backlog: 0, own: Vec::new() }],
            routes: vec![route],
            branches: Vec::new(),
            patience_s: f64::INFINITY,
            memory: Vec::new(),
            beyond: Vec::new(),
            caveats: Vec::new(),
            pools: Vec::new(),
            follow_ups: Vec::new(),
            metrics: Vec::new(),
            closed: None,
        }
    }

    #[test]
    fn one_station_behind_a_door_is_a_queue_with_so_much_room() {
        for (rate_per_s, servers, room) in [(80.0, 1, 20), (95.0, 1, 100), (300.0, 1, 160), (350.0, 4, 50), (0.0, 2, 5)]
        {
            let found = Population::of(&row(rate_per_s, &[(servers, 10)], room), 0).unwrap();
            let expected = Mmck { rate_per_s, service_s: 0.01, servers, room };
            assert!((found.refused - expected.lost()).abs() < 1e-12, "{rate_per_s} {servers} {room}");
            assert!((found.mean() - expected.mean_inside()).abs() < 1e-9 * (1.0 + found.mean()));
        }
    }

    #[test]
    fn two_saturated_stations_admit_what_the_slower_can_do() {
        let found = Population::of(&row(1000.0, &[(1, 10), (1, 4)], 2000), 0).unwrap();
        assert!((1000.0 * (1.0 - found.refused) - 100.0).abs() < 1e-6, "{}", found.refused);
        assert!(found.mean() > 1990.0);
    }

    #[test]
    fn a_queue_past_counting_is_none() {
        assert_eq!(Population::of(&row(200.0, &[(1, 10)], 1_000_000), 0), None);
        assert!(Population::of(&row(50.0, &[(1, 10)], 1_000_000), 0).is_some());
    }
}
