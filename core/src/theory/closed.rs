//! Closed networks of one class: so many users who think, ask, and wait for the answer before they think again.
//!
//! Thinking is a station as well, a [delay](Serving::Delay). Exact for stations with a product form: first come, first
//! served with exponential service, processor sharing with any (Baskett, Chandy, Muntz & Palacios, "Open, closed, and
//! mixed networks of queues with different classes of customers", Journal of the ACM 22, 1975). Several classes are
//! [`classes`](super::classes), bounds are [`bounds`](super::bounds).

use super::{classes, convolution};
use crate::numeric::{is_positive, is_quantity};

/// How a station serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// Everybody at once: a delay, such as a user's thinking or a network's latency.
    Delay,
    /// So many at a time; the others queue, or share the servers.
    Servers(u32),
}

/// A station of a closed network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Station {
    /// How it serves.
    pub serving: Serving,
    /// Seconds of service that one passage through the network wants of one of its servers, in all its visits.
    pub demand_s: f64,
}

/// What is known of one station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtStation {
    /// Mean time that a passage spends here in all its visits, waiting and served, in seconds.
    pub residence_s: f64,
    /// Mean number here.
    pub inside: f64,
    /// Share of its servers that is busy; of a delay, the mean number in it.
    pub utilisation: f64,
}

/// What a solution rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Exact for product-form stations.
    Exact,
    /// Approximate mean-value analysis after Bard and Schweitzer, because the exact answer would cost too much. How far
    /// off it may be: [`classes::approximate`].
    Schweitzer,
}

/// A closed network's steady state.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Passages a second.
    pub throughput_per_s: f64,
    /// Mean time of a passage in seconds, without delays.
    pub response_s: f64,
    /// One for each station, in their order.
    pub stations: Vec<AtStation>,
    /// Whether it is exact.
    pub basis: Basis,
}

/// Multiplications that an exact solution may cost: some tenths of a second in a browser.
const MOST_WORK: f64 = 1e8;

/// The steady state of `population` users in a network of these stations.
///
/// By mean-value analysis where every queue has one server, else by convolution. Where either would cost
/// over a hundred million multiplications by approximate mean-value analysis, which the basis tells. None where a
/// demand is no number, a station has no server, or nothing is asked of any station.
pub fn solve(stations: &[Station], population: u32) -> Option<Closed> {
    let sound = |station: &Station| is_quantity(station.demand_s) && station.serving != Serving::Servers(0);
    let asked: f64 = stations.iter().map(|station| station.demand_s).sum();
    if !stations.iter().all(sound) || !is_positive(asked) {
        return None;
    }
    let one_each = stations.iter().all(|station| matches!(station.serving, Serving::Delay | Serving::Servers(1)));
    if one_each && f64::from(population) * stations.len() as f64 <= MOST_WORK {
        Some(mean_value(stations, population))
    } else if !one_each && convolution::work(stations, population) <= MOST_WORK {
        Some(convolution::solve(stations, population))
    } else {
        approximate(stations, population)
    }
}

fn approximate(stations: &[Station], population: u32) -> Option<Closed> {
    let servings: Vec<Serving> = stations.iter().map(|station| station.serving).collect();
    let class = classes::Class { population, demand_s: stations.iter().map(|station| station.demand_s).collect() };
    let solved = classes::approximate(&servings, &[class])?;
    Some(Closed::of(stations, solved.classes.first()?.throughput_per_s, &solved.inside, Basis::Schweitzer))
}

/// Exact mean-value analysis, for delays and stations with one server; costs population times stations.
///
/// A user who arrives sees the network as it is with one user less: Reiser & Lavenberg, "Mean-value analysis of closed
/// multichain queuing networks", Journal of the ACM 27 (1980); Lazowska, Zahorjan, Graham & Sevcik,
/// *Quantitative System Performance* (1984), algorithm 6.2.
fn mean_value(stations: &[Station], population: u32) -> Closed {
    let mut inside = vec![0.0; stations.len()];
    let mut throughput_per_s = 0.0;
    for users in 1..=population {
        // First the residences, then in their place the numbers inside.
        let mut passage_s = 0.0;
        for (station, inside) in stations.iter().zip(&mut inside) {
            let before = if station.serving == Serving::Delay { 0.0 } else { *inside };
            *inside = station.demand_s * (1.0 + before);
            passage_s += *inside;
        }
        throughput_per_s = f64::from(users) / passage_s;
        inside.iter_mut().for_each(|residence_s| *residence_s *= throughput_per_s);
    }
    Closed::of(stations, throughput_per_s, &inside, Basis::Exact)
}

impl Closed {
    /// The state in which these numbers are at the stations.
    pub(super) fn of(stations: &[Station], throughput_per_s: f64, inside: &[f64], basis: Basis) -> Self {
        let at = |(station, inside): (&Station, &f64)| {
            let servers = if let Serving::Servers(servers) = station.serving { f64::from(servers) } else { 1.0 };
            AtStation {
                // Little's law; without users, the demand.
                residence_s: if throughput_per_s > 0.0 { inside / throughput_per_s } else { station.demand_s },
                inside: *inside,
                utilisation: throughput_per_s * station.demand_s / servers,
            }
        };
        let at: Vec<AtStation> = stations.iter().zip(inside).map(at).collect();
        let queues = stations.iter().zip(&at).filter(|(station, _)| station.serving != Serving::Delay);
        let response_s = queues.map(|(_, at)| at.residence_s).sum();
        Self { throughput_per_s, response_s, stations: at, basis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric;
    use proptest::prelude::*;

    fn delay(demand_s: f64) -> Station {
        Station { serving: Serving::Delay, demand_s }
    }

    fn queue(servers: u32, demand_s: f64) -> Station {
        Station { serving: Serving::Servers(servers), demand_s }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-10 * expected.abs().max(1e-9), "{found} {expected}");
    }

    /// Two stations and a delay in a circle as a Markov chain of who is where.
    fn chain(stations: [Station; 3], population: usize) -> (f64, [f64; 3]) {
        let width = population + 1;
        let states: Vec<[usize; 3]> = (0..width * width)
            .map(|at| (at / width, at % width))
            .filter(|(i, j)| i + j <= population)
            .map(|(i, j)| [i, j, population - i - j])
            .collect();
        let index = |state: [usize; 3]| states.iter().position(|other| *other == state).unwrap();
        let mut jumps = Vec::new();
        for (from, state) in states.iter().enumerate() {
            for (k, station) in stations.iter().enumerate().filter(|(k, _)| state[*k] > 0) {
                let busy = match station.serving {
                    Serving::Delay => state[k],
                    Serving::Servers(servers) => state[k].min(servers as usize),
                };
                let mut to = *state;
                to[k] -= 1;
                to[(k + 1) % 3] += 1;
                jumps.push((from, index(to), busy as f64 / station.demand_s));
            }
        }
        let p = numeric::steady_state(states.len(), jumps);
        let mean = |k: usize| states.iter().zip(&p).map(|(state, p)| state[k] as f64 * p).sum::<f64>();
        let inside = [mean(0), mean(1), mean(2)];
        (inside[2] / stations[2].demand_s, inside)
    }

    #[test]
    fn one_and_several_servers_are_their_markov_chain() {
        for (one, other, population) in [(1, 1, 6), (1, 2, 9), (3, 2, 12), (4, 20, 10)] {
            let stations = [queue(one, 0.4), queue(other, 0.7), delay(1.5)];
            let found = solve(&stations, population).unwrap();
            let (throughput, inside) = chain(stations, population as usize);
            close(found.throughput_per_s, throughput);
            for (at, inside) in found.stations.iter().zip(inside) {
                close(at.inside, inside);
            }
        }
    }

    #[test]
    fn printed_examples_are_met() {
        // Lazowska et al. 1984, an example: CPU 0.605 s, disks 2.1 s and 1.35 s, think time 15 s, three users:
        // throughput 0.152 a second, response time 4.796 s.
        let stations = [queue(1, 0.605), queue(1, 2.1), queue(1, 1.35), delay(15.0)];
        let found = solve(&stations, 3).unwrap();
        assert!((found.throughput_per_s - 0.152).abs() < 0.0005, "{}", found.throughput_per_s);
        assert!((found.response_s - 4.796).abs() < 0.02, "{}", found.response_s);
    }

    #[test]
    fn nobody_and_nothing() {
        let nobody = solve(&[queue(2, 0.4), delay(1.0)], 0).unwrap();
        assert_eq!((nobody.throughput_per_s, nobody.response_s), (0.0, 0.4));
        assert_eq!(solve(&[queue(1, 0.0)], 5), None);
        assert_eq!(solve(&[queue(0, 1.0)], 5), None);
        assert_eq!(solve(&[queue(1, f64::NAN)], 5), None);
        assert_eq!(solve(&[], 5), None);
        close(solve(&[delay(2.0), queue(3, 0.0)], 10).unwrap().throughput_per_s, 5.0);
    }

    #[test]
    fn what_would_cost_too_much_is_approximated_and_says_so() {
        let stations = [queue(64, 0.1), queue(190, 0.2), queue(8, 0.01), delay(5.0)];
        let found = solve(&stations, 2_000_000).unwrap();
        assert_eq!(found.basis, Basis::Schweitzer);
        assert!((found.throughput_per_s / 640.0 - 1.0).abs() < 1e-3, "{}", found.throughput_per_s);
    }

    #[test]
    fn a_large_population_saturates_the_bottleneck() {
        let stations = [queue(16, 0.02), queue(4, 0.003), delay(100.0)];
        for population in [100, 20_000, 100_000] {
            let found = solve(&stations, population).unwrap();
            assert_eq!(found.basis, Basis::Exact);
            let expected = (f64::from(population) / 100.023).min(800.0);
            assert!((found.throughput_per_s / expected - 1.0).abs() < 1e-3, "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn everybody_is_somewhere_and_more_users_get_more_done(
            demands in prop::collection::vec((0.001..1.0_f64, 1..5_u32), 1..6),
            think in 0.0..10.0_f64,
            population in 1..200_u32,
        ) {
            let mut stations: Vec<Station> = demands.iter().map(|(demand, servers)| queue(*servers, *demand)).collect();
            stations.push(delay(think));
            let found = solve(&stations, population).unwrap();
            let inside: f64 = found.stations.iter().map(|at| at.inside).sum();
            prop_assert!((inside / f64::from(population) - 1.0).abs() < 1e-9);
            let by_little = found.throughput_per_s * (found.response_s + think);
            prop_assert!((by_little / f64::from(population) - 1.0).abs() < 1e-9);
            prop_assert!(found.stations.iter().take(demands.len()).all(|at| at.utilisation <= 1.0 + 1e-9));
            let more = solve(&stations, population + 1).unwrap();
            prop_assert!(more.throughput_per_s >= found.throughput_per_s * (1.0 - 1e-12));
            prop_assert!(more.response_s >= found.response_s * (1.0 - 1e-12));
        }
    }
}
