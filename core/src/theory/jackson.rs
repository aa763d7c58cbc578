//! Open networks of queues with routing by chance: Jackson's theorem.
//!
//! Exact for Poisson arrivals from outside, exponential service and first come, first served: every station behaves as
//! an M/M/c queue of its own at the rate of all its arrivals, although those are not Poisson: Jackson, "Networks of
//! waiting lines", Operations Research 5 (1957). With processor sharing it is exact for any distribution of demand.

use super::markov::Mmc;
use crate::numeric::{is_positive, is_quantity, is_share, solve_linear};

/// A station of an open network.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Arrivals a second from outside.
    pub arrivals_per_s: f64,
    /// Mean service time of one visit in seconds.
    pub service_s: f64,
    /// Servers.
    pub servers: u32,
    /// Probability that a request goes to each station next; what is missing to one leaves the network.
    pub next: Vec<f64>,
}

/// Why an open network has no steady state, or no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// A quantity is negative or no number, or a station has no server.
    #[error("station {station} needs rates and times of at least zero, and a server")]
    Quantity {
        /// Index of the station.
        station: usize,
    },
    /// The probabilities of what comes next are not those of a choice.
    #[error("station {station} needs one probability for each station, at most one in total")]
    Routing {
        /// Index of the station.
        station: usize,
    },
    /// Nothing arrives.
    #[error("no requests come from outside")]
    Idle,
    /// Some requests would never leave.
    #[error("requests go round in some stations and never leave the network")]
    Trapped,
    /// A station is asked for more than it can do.
    #[error("station {station} is asked for {load:.3} times of what it can do")]
    Unstable {
        /// Index of the first such station.
        station: usize,
        /// Its load; one is saturation.
        load: f64,
    },
}

/// The steady state of one station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtStation {
    /// The station as a queue of its own, with all its arrivals.
    pub queue: Mmc,
    /// Mean number of visits of one request.
    pub visits: f64,
}

impl AtStation {
    /// Mean time that a request spends here in all its visits, in seconds.
    pub fn residence_s(&self) -> f64 {
        self.visits * self.queue.mean_response_s()
    }
}

/// The steady state of an open network.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Arrivals from outside a second, which are the departures.
    pub throughput_per_s: f64,
    /// Mean time from arrival to departure in seconds.
    pub mean_response_s: f64,
    /// One for each station, in their order.
    pub stations: Vec<AtStation>,
}

/// Arrivals a second at each station, from outside and from other stations: the solution of lambda = gamma + lambda P.
///
/// Costs n³/3 multiplications for n stations.
pub fn traffic(stations: &[Station]) -> Result<Vec<f64>, Invalid> {
    for (at, station) in stations.iter().enumerate() {
        if !is_quantity(station.arrivals_per_s) || !is_quantity(station.service_s) || station.servers == 0 {
            return Err(Invalid::Quantity { station: at });
        }
        let next = &station.next;
        if next.len() != stations.len() || !next.iter().all(|p| is_share(*p)) || next.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Err(Invalid::Routing { station: at });
        }
    }
    let row = |to: usize| {
        let coefficient = |(from, station): (usize, &Station)| f64::from(u8::from(from == to)) - station.next[to];
        stations.iter().enumerate().map(coefficient).collect()
    };
    let matrix = (0..stations.len()).map(row).collect();
    let outside = stations.iter().map(|station| station.arrivals_per_s).collect();
    let rates = solve_linear(matrix, outside).ok_or(Invalid::Trapped)?;
    // Of a chain that leaks, visits are not negative; rounding of one that hardly does may make them so.
    if rates.iter().any(|rate| *rate < -1e-9) {
        return Err(Invalid::Trapped);
    }
    Ok(rates.into_iter().map(|rate| rate.max(0.0)).collect())
}

/// The steady state of an open network.
pub fn solve(stations: &[Station]) -> Result<Open, Invalid> {
    let rates = traffic(stations)?;
    let throughput_per_s: f64 = stations.iter().map(|station| station.arrivals_per_s).sum();
    if !is_positive(throughput_per_s) {
        return Err(Invalid::Idle);
    }
    let mut solved = Vec::with_capacity(stations.len());
    for (at, (station, rate_per_s)) in stations.iter().zip(rates).enumerate() {
        let queue = Mmc { rate_per_s, service_s: station.service_s, servers: station.servers };
        if queue.utilisation() >= 1.0 {
            return Err(Invalid::Unstable { station: at, load: queue.utilisation() });
        }
        solved.push(AtStation { queue, visits: rate_per_s / throughput_per_s });
    }
    let mean_response_s = solved.iter().map(AtStation::residence_s).sum();
    Ok(Open { throughput_per_s, mean_response_s, stations: solved })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric;
    use proptest::prelude::*;

    fn station(arrivals_per_s: f64, service_s: f64, servers: u32, next: &[f64]) -> Station {
        Station { arrivals_per_s, service_s, servers, next: next.to_vec() }
    }

    #[test]
    fn a_feedback_loop_is_solved_by_hand() {
        // A request comes back with probability 1/4, so it visits 4/3 times.
        let open = solve(&[station(3.0, 0.2, 1, &[0.25])]).unwrap();
        assert!((open.stations[0].visits - 4.0 / 3.0).abs() < 1e-12);
        assert!((open.mean_response_s - 4.0 / 3.0 * 0.2 / 0.2).abs() < 1e-12);
    }

    #[test]
    fn two_stations_with_feedback_are_their_markov_chain() {
        let (gamma, mu, servers, back) = ([0.4, 0.3], [2.0, 1.5], [1, 2], 0.3);
        let network = [station(gamma[0], 1.0 / mu[0], 1, &[0.0, 0.8]), station(gamma[1], 1.0 / mu[1], 2, &[back, 0.0])];
        let open = solve(&network).unwrap();
        // Room for 22 at each is as good as room for all at these loads.
        let width = 23;
        let mut jumps = Vec::new();
        for state in 0..width * width {
            let (i, j) = (state / width, state % width);
            let mut jump = |i: usize, j: usize, rate: f64| {
                if i < width && j < width {
                    jumps.push((state, i * width + j, rate));
                }
            };
            jump(i + 1, j, gamma[0]);
            jump(i, j + 1, gamma[1]);
            if i > 0 {
                jump(i - 1, j + 1, 0.8 * mu[0]);
                jump(i - 1, j, 0.2 * mu[0]);
            }
            if j > 0 {
                let rate = j.min(servers[1]) as f64 * mu[1];
                jump(i + 1, j - 1, back * rate);
                jump(i, j - 1, (1.0 - back) * rate);
            }
        }
        let p = numeric::steady_state(width * width, jumps);
        let inside: f64 = p.iter().enumerate().map(|(state, p)| (state / width + state % width) as f64 * p).sum();
        let exact = inside / (gamma[0] + gamma[1]);
        assert!((open.mean_response_s / exact - 1.0).abs() < 1e-5, "{} {exact}", open.mean_response_s);
    }

    #[test]
    fn networks_without_a_steady_state_say_why() {
        assert_eq!(solve(&[station(1.0, 0.1, 1, &[1.0])]), Err(Invalid::Trapped));
        assert_eq!(solve(&[station(1.0, 0.1, 1, &[1.5])]), Err(Invalid::Routing { station: 0 }));
        assert_eq!(solve(&[station(1.0, 0.1, 1, &[])]), Err(Invalid::Routing { station: 0 }));
        assert_eq!(solve(&[station(f64::NAN, 0.1, 1, &[0.0])]), Err(Invalid::Quantity { station: 0 }));
        assert_eq!(solve(&[station(0.0, 0.1, 1, &[0.0])]), Err(Invalid::Idle));
        assert_eq!(solve(&[]), Err(Invalid::Idle));
        let overloaded = solve(&[station(1.0, 0.1, 1, &[0.0, 1.0]), station(0.0, 2.0, 1, &[0.0, 0.0])]);
        assert_eq!(overloaded, Err(Invalid::Unstable { station: 1, load: 2.0 }));
    }

    proptest! {
        #[test]
        fn what_comes_goes(
            arrivals in prop::collection::vec(0.0..5.0_f64, 4),
            weights in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, 5), 4),
        ) {
            let next = |row: &Vec<f64>| -> Vec<f64> {
                let sum: f64 = row.iter().sum::<f64>() + 0.1;
                row[..4].iter().map(|weight| weight / sum).collect()
            };
            let stations: Vec<Station> =
                arrivals.iter().zip(&weights).map(|(rate, row)| station(*rate, 0.01, 100, &next(row))).collect();
            let rates = traffic(&stations).unwrap();
            let leaving = |(rate, station): (&f64, &Station)| rate * (1.0 - station.next.iter().sum::<f64>());
            let gone: f64 = rates.iter().zip(&stations).map(leaving).sum();
            prop_assert!((gone - arrivals.iter().sum::<f64>()).abs() < 1e-8);
            prop_assert!(rates.iter().zip(&arrivals).all(|(all, outside)| *all >= outside - 1e-9));
        }
    }
}
