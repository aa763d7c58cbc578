//! Closed networks of one class with several servers a station, exactly, by convolution.
//!
//! Buzen, "Computational algorithms for closed queueing networks with exponential servers", Communications of the ACM
//! 16 (1973): the throughput of N users is G(N - 1) / G(N), where G is the convolution of the stations' weights. It
//! gives what mean-value analysis with load-dependent stations gives, without that method's loss of digits near
//! saturation (Reiser, "Mean-value analysis and convolution method for queue-dependent servers in closed queueing
//! networks", Performance Evaluation 1, 1981): every term is positive.

use super::closed::{Basis, Closed, Serving, Station};
use super::population::weights;

/// Multiplications that [`solve`] costs.
pub(super) fn work(stations: &[Station], population: u32) -> f64 {
    let servers = |station: &Station| match station.serving {
        Serving::Delay => 1.0,
        Serving::Servers(servers) => f64::from(servers.min(population)),
    };
    let many = stations.iter().filter(|station| is_many(station)).count() as f64;
    f64::from(population) * stations.iter().map(servers).sum::<f64>() * (1.0 + many)
}

fn is_many(station: &Station) -> bool {
    matches!(station.serving, Serving::Servers(servers) if servers > 1) && station.demand_s > 0.0
}

/// The steady state of `population` users; demands are numbers and not all zero, and every queue has a server.
pub(super) fn solve(stations: &[Station], population: u32) -> Closed {
    let alone = |station: &Station| match station.serving {
        Serving::Delay => 0.0,
        Serving::Servers(servers) => station.demand_s / f64::from(servers),
    };
    let passage_s: f64 = stations.iter().map(|station| station.demand_s).sum();
    let bottleneck_s = stations.iter().map(alone).fold(0.0, f64::max);
    let users = population as usize;
    if bottleneck_s <= 0.0 || users == 0 {
        let throughput_per_s = f64::from(population) / passage_s;
        let inside: Vec<f64> = stations.iter().map(|station| throughput_per_s * station.demand_s).collect();
        return Closed::of(stations, throughput_per_s, &inside, Basis::Exact);
    }
    // With demands in units of the time between passages, or nearly so, every station's weights are largest near its
    // mean number, so that what underflows does not count.
    let unit_s = bottleneck_s.max(passage_s / f64::from(population));
    let scaled: Vec<Station> =
        stations.iter().map(|station| Station { demand_s: station.demand_s / unit_s, ..*station }).collect();
    let all = constants(&scaled, users, None);
    let passages = all[users - 1] / all[users];
    let inside = |(at, station): (usize, &Station)| match station.serving {
        Serving::Delay => passages * station.demand_s,
        Serving::Servers(_) if is_many(station) => mean_inside(station, &constants(&scaled, users, Some(at))),
        Serving::Servers(_) => one_server(station, &all),
    };
    let inside: Vec<f64> = scaled.iter().enumerate().map(inside).collect();
    Closed::of(stations, passages / unit_s, &inside, Basis::Exact)
}

/// Mean number at a station with one server: the sum over n of P(n or more) = D^n G(N - n) / G(N).
fn one_server(station: &Station, all: &[f64]) -> f64 {
    let Some((last, before)) = all.split_last() else { return 0.0 };
    // Horner's rule: D (G(N - 1) + D (G(N - 2) + … )).
    before.iter().fold(0.0, |sum, g| station.demand_s * (g + sum)) / last
}

/// Mean number at a station with several servers, from the constants of the network without it.
fn mean_inside(station: &Station, others: &[f64]) -> f64 {
    let Serving::Servers(servers) = station.serving else { return 0.0 };
    let users = others.len() - 1;
    let mine = weights(users, |n| station.demand_s / n.min(f64::from(servers)));
    let together = |(n, mine): (usize, &f64)| (n as f64, mine * others[users - n]);
    let (sum, weighted) =
        mine.iter().enumerate().map(together).fold((0.0, 0.0), |(sum, weighted), (n, p)| (sum + p, weighted + n * p));
    weighted / sum
}

/// G(0) to G(`users`), but for a common factor, of all stations but one.
fn constants(stations: &[Station], users: usize, without: Option<usize>) -> Vec<f64> {
    let delays = stations.iter().filter(|station| station.serving == Serving::Delay);
    let delay: f64 = delays.map(|station| station.demand_s).sum();
    let mut constants = weights(users, |n| delay / n);
    constants.resize(users + 1, 0.0);
    for (at, station) in stations.iter().enumerate() {
        let Serving::Servers(servers) = station.serving else { continue };
        if Some(at) == without || station.demand_s <= 0.0 {
            continue;
        }
        add_station(&mut constants, servers, station.demand_s);
        let largest = constants.iter().copied().fold(0.0, f64::max);
        if largest > 1e100 {
            constants.iter_mut().for_each(|g| *g /= largest);
        }
    }
    constants
}

/// Convolves the constants with the weights of a station with `servers` servers, in time users × servers.
///
/// The weights a^n / (1 · 2 … c · c …) have the generating function P(z) / (1 - (a / c) z), where P(z) is the sum over
/// n < c of a^n / n! (1 - n / c) z^n: a polynomial without negative coefficients, and a geometric series.
fn add_station(constants: &mut [f64], servers: u32, demand: f64) {
    let many = f64::from(servers);
    if servers > 1 {
        let room = (servers as usize - 1).min(constants.len() - 1);
        let mut polynomial = weights(room, |n| demand / n);
        polynomial.iter_mut().enumerate().for_each(|(n, weight)| *weight *= 1.0 - n as f64 / many);
        for n in (0..constants.len()).rev() {
            let terms = polynomial.iter().zip(constants[..=n].iter().rev());
            constants[n] = terms.map(|(weight, g)| weight * g).sum();
        }
    }
    let mut before = 0.0;
    for g in constants {
        *g += demand / many * before;
        before = *g;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::closed;
    use proptest::prelude::*;

    fn queue(servers: u32, demand_s: f64) -> Station {
        Station { serving: Serving::Servers(servers), demand_s }
    }

    #[test]
    fn a_server_for_everybody_is_a_delay() {
        let stations = [queue(1, 0.3), queue(50, 2.0)];
        let with_delay = [queue(1, 0.3), Station { serving: Serving::Delay, demand_s: 2.0 }];
        let (found, exact) = (solve(&stations, 50), solve(&with_delay, 50));
        assert!((found.throughput_per_s / exact.throughput_per_s - 1.0).abs() < 1e-12);
        assert!((found.stations[1].inside / exact.stations[1].inside - 1.0).abs() < 1e-12);
    }

    #[test]
    fn very_many_servers_and_long_delays_do_not_overflow() {
        let delay = Station { serving: Serving::Delay, demand_s: 1e4 };
        let found = solve(&[queue(2000, 10.0), queue(1, 0.004), delay], 3000);
        assert!((found.throughput_per_s - 3000.0 / 10_010.004).abs() < 1e-3, "{found:?}");
    }

    proptest! {
        #[test]
        fn with_one_server_each_it_is_mean_value_analysis(
            demands in prop::collection::vec(0.0..1.0_f64, 1..8), think in 0.0..50.0_f64, population in 1..300_u32,
        ) {
            let mut stations: Vec<Station> = demands.iter().map(|demand| queue(1, *demand)).collect();
            stations.push(Station { serving: Serving::Delay, demand_s: think + 0.01 });
            let (found, exact) = (solve(&stations, population), closed::solve(&stations, population).unwrap());
            prop_assert!((found.throughput_per_s / exact.throughput_per_s - 1.0).abs() < 1e-10);
            for (found, exact) in found.stations.iter().zip(&exact.stations) {
                prop_assert!((found.inside - exact.inside).abs() < 1e-9 * f64::from(population));
            }
        }
    }
}
