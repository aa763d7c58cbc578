//! Bounds of a closed network's throughput and response time that need no more than a pocket calculator.
//!
//! They hold for any [`closed`](super::closed) network with a product form, and say at a glance what a bottleneck
//! costs.

use super::closed::{Serving, Station};
use crate::numeric::{is_positive, is_quantity};

/// Between what a closed network's figures lie, whatever the details.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Passages a second, least and most.
    pub throughput_per_s: (f64, f64),
    /// Mean time of a passage in seconds without delays, least and most.
    pub response_s: (f64, f64),
}

impl Bounds {
    /// Bounds of the response time from those of the throughput, by Little's law: R = N / X - Z.
    fn of(users: f64, think_s: f64, throughput_per_s: (f64, f64)) -> Self {
        let response = |throughput: f64| (users / throughput - think_s).max(0.0);
        Self { throughput_per_s, response_s: (response(throughput_per_s.1), response(throughput_per_s.0)) }
    }
}

/// A network's demands, added up.
struct Demands {
    users: f64,
    think_s: f64,
    /// Of all queues.
    sum_s: f64,
    /// Of the bottleneck, for one of its servers.
    largest_s: f64,
    queues: f64,
}

impl Demands {
    fn of(stations: &[Station], population: u32) -> Option<Self> {
        let mut demands = Self { users: f64::from(population), think_s: 0.0, sum_s: 0.0, largest_s: 0.0, queues: 0.0 };
        for Station { serving, demand_s } in stations {
            match serving {
                Serving::Servers(0) => return None,
                _ if !is_quantity(*demand_s) => return None,
                Serving::Delay => demands.think_s += demand_s,
                Serving::Servers(servers) => {
                    demands.sum_s += demand_s;
                    demands.largest_s = demands.largest_s.max(demand_s / f64::from(*servers));
                    demands.queues += if *demand_s > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
        (population > 0 && is_positive(demands.sum_s)).then_some(demands)
    }
}

/// Asymptotic bounds: at best nobody ever waits, or the bottleneck is always busy; at worst everybody waits for all
/// others at every station.
///
/// Exact bounds, for any distributions and scheduling: Denning & Buzen, "The operational analysis of queueing network
/// models", ACM Computing Surveys 10 (1978); Lazowska et al., *Quantitative System Performance* (1984), table 5.1. None
/// without users or work.
pub fn asymptotic(stations: &[Station], population: u32) -> Option<Bounds> {
    let Demands { users, think_s, sum_s, largest_s, .. } = Demands::of(stations, population)?;
    let most = (1.0 / largest_s).min(users / (sum_s + think_s));
    Some(Bounds::of(users, think_s, (users / (users * sum_s + think_s), most)))
}

/// Balanced job bounds: tighter, by comparison with networks of equal stations.
///
/// Exact bounds for product-form networks with one server a station: Zahorjan, Sevcik, Eager & Galler, "Balanced job
/// bound analysis of queueing networks", Communications of the ACM 25 (1982); Lazowska et al., table 5.2. None without
/// users or work, or where a station has several servers.
pub fn balanced(stations: &[Station], population: u32) -> Option<Bounds> {
    let Demands { users, think_s, sum_s, largest_s, queues } = Demands::of(stations, population)?;
    if stations.iter().any(|station| matches!(station.serving, Serving::Servers(servers) if servers > 1)) {
        return None;
    }
    let crowd = |each_s: f64, thinking: f64| users / (sum_s + think_s + (users - 1.0) * each_s / (1.0 + thinking));
    let least = crowd(largest_s, think_s / (users * sum_s));
    let most = crowd(sum_s / queues, think_s / sum_s).min(1.0 / largest_s);
    Some(Bounds::of(users, think_s, (least, most)))
}

/// The population at which the asymptotic bounds cross: with more users, some must wait. `N* = (D + Z) / Dmax`, Denning
/// & Buzen 1978. None without work.
pub fn saturation_point(stations: &[Station]) -> Option<f64> {
    let Demands { think_s, sum_s, largest_s, .. } = Demands::of(stations, 1)?;
    Some((sum_s + think_s) / largest_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::closed;
    use proptest::prelude::*;

    fn network(demands: &[(f64, u32)], think_s: f64) -> Vec<Station> {
        let queue =
            |(demand_s, servers): &(f64, u32)| Station { serving: Serving::Servers(*servers), demand_s: *demand_s };
        let mut stations: Vec<Station> = demands.iter().map(queue).collect();
        stations.push(Station { serving: Serving::Delay, demand_s: think_s });
        stations
    }

    fn holds(bounds: &Bounds, stations: &[Station], population: u32) -> bool {
        let exact = closed::solve(stations, population).unwrap();
        let slack = 1e-9;
        let within =
            |x: f64, (low, high): (f64, f64)| low * (1.0 - slack) - slack <= x && x <= high * (1.0 + slack) + slack;
        within(exact.throughput_per_s, bounds.throughput_per_s) && within(exact.response_s, bounds.response_s)
    }

    #[test]
    fn printed_bounds_are_met() {
        // Lazowska et al. 1984, an example: demands 5, 4 and 3 s, think time 15 s: N* = 27 / 5, at most 0.2 a second.
        let stations = network(&[(5.0, 1), (4.0, 1), (3.0, 1)], 15.0);
        assert_eq!(saturation_point(&stations), Some(5.4));
        assert_eq!(asymptotic(&stations, 20).unwrap().throughput_per_s.1, 0.2);
        assert_eq!(asymptotic(&stations, 20).unwrap().response_s.0, 85.0);
    }

    #[test]
    fn no_bounds_without_users_or_work() {
        assert_eq!(asymptotic(&network(&[(1.0, 1)], 1.0), 0), None);
        assert_eq!(asymptotic(&network(&[], 1.0), 3), None);
        assert_eq!(balanced(&network(&[(1.0, 2)], 1.0), 3), None);
        assert_eq!(saturation_point(&network(&[(1.0, 0)], 1.0)), None);
    }

    proptest! {
        #[test]
        fn exact_solutions_lie_within_bounds(
            demands in prop::collection::vec((0.001..1.0_f64, 1..5_u32), 1..6),
            think in 0.0..10.0_f64,
            population in 1..150_u32,
        ) {
            let stations = network(&demands, think);
            prop_assert!(holds(&asymptotic(&stations, population).unwrap(), &stations, population));
            let single: Vec<(f64, u32)> = demands.iter().map(|(demand, _)| (*demand, 1)).collect();
            let stations = network(&single, think);
            let (loose, tight) = (asymptotic(&stations, population).unwrap(), balanced(&stations, population).unwrap());
            prop_assert!(holds(&tight, &stations, population), "{tight:?}");
            prop_assert!(tight.throughput_per_s.0 >= loose.throughput_per_s.0 * (1.0 - 1e-9));
            prop_assert!(tight.throughput_per_s.1 <= loose.throughput_per_s.1 * (1.0 + 1e-9));
        }
    }
}
