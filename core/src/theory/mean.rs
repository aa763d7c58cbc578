//! The mean response time: constant delays, and the mean time at each station.

use super::cores;
use super::general;
use super::network::{Discipline, Leg, Network, Route, Station};
use super::quota;
use crate::number::fixed;
use crate::statistics::sorted;
use crate::workload::Class;

/// A mean, and what makes it less than exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Mean response time in seconds.
    pub seconds: f64,
    /// What was assumed to get it; empty when it is exact.
    pub caveats: Vec<String>,
    /// Whether there were assumptions too slight to be a caveat.
    pub slight: bool,
}

/// Share of the mean that no figure shows.
const NEGLIGIBLE: f64 = 1e-4;

/// Mean response time of a network whose every station is stable.
pub fn response(network: &Network) -> Mean {
    let mut seconds = outside_s(network);
    let mut caveats = Vec::new();
    for route in &network.routes {
        for class in Class::ALL {
            seconds += network.share(route, class) * route.inside_s.get(class);
        }
    }
    let mut slight = false;
    for (at, station) in network.stations.iter().enumerate() {
        let demand_s = network.mean_demand_s(at);
        if demand_s <= 0.0 {
            continue;
        }
        let name = station.names.first().map_or("", String::as_str);
        match station.discipline {
            Discipline::ProcessorSharing => {
                let offered = network.rate_per_s * demand_s / station.copies();
                seconds += demand_s * cores::stretch(station.servers, offered);
                if station.limited() {
                    seconds += held_back_s(network, at, station);
                    caveats.push(format!("the quota of {name} as a bucket that random work empties, {}", quota::ERROR));
                }
            }
            Discipline::Fcfs => {
                let wait_s = wait_s(network, at, station);
                seconds += demand_s + wait_s;
                slight |= wait_s > 0.0;
                if wait_s > NEGLIGIBLE * seconds {
                    caveats.push(format!(
                        "arrivals at {name} as random: they wait {} ms on average",
                        fixed(1e3 * wait_s, 3)
                    ));
                }
            }
        }
    }
    Mean { seconds, caveats, slight }
}

/// Mean time that a station's quota adds to a request, in all its visits.
fn held_back_s(network: &Network, at: usize, station: &Station) -> f64 {
    let Some((quota, period)) = station.quota else { return 0.0 };
    let (share, demand) = network.demand(at);
    let rate_per_s = network.rate_per_s * share / station.copies();
    share * quota::mean_delay_s(rate_per_s, &demand, f64::from(station.servers), quota, period.as_secs_f64())
}

/// Mean time that a request waits in line at a station, in all its visits.
fn wait_s(network: &Network, at: usize, station: &Station) -> f64 {
    let visits = network.mean_visits(at);
    let rate_per_s = network.rate_per_s * visits / station.copies();
    visits * general::mean_wait_of_many_s(rate_per_s, &network.visit(at), station.servers)
}

/// Mean of the constant delays outside of any door, in seconds.
pub fn outside_s(network: &Network) -> f64 {
    let before: f64 = network.branches.iter().map(|branch| branch.probability * branch.seconds).sum();
    before + network.routes.iter().map(|route| network.share_of(route) * route.outside_s).sum::<f64>()
}

/// What makes the distribution of the response less than exact; empty when it is exact.
pub fn distribution_caveats(network: &Network) -> Vec<String> {
    let asking = |(route, class): &(&Route, Class)| network.share(route, *class) > 0.0;
    let paths = network.routes.iter().flat_map(|route| Class::ALL.map(|class| (route, class)));
    let legs: Vec<(&Leg, Class)> = paths
        .filter(asking)
        .flat_map(|(route, class)| route.legs.iter().map(move |leg| (leg, class)))
        .filter(|(leg, class)| leg.moments(*class).first > 0.0)
        .collect();
    let mut caveats = Vec::new();
    let crossed: Vec<usize> = legs.iter().map(|(leg, _)| leg.station).collect();
    if crossed.iter().any(|station| *station != crossed[0]) {
        caveats.push("times at different stations as independent".to_owned());
    }
    if crossed.iter().any(|station| network.stations[*station].servers > 1) {
        caveats.push("other requests' demands as exponential".to_owned());
    } else if !of_two_phases(&legs) {
        caveats.push("other requests' demands by their first three moments".to_owned());
    }
    if let Some(last) = caveats.last_mut() {
        // What core/tests/agreement.rs finds, from 30 to 90 % load.
        last.push_str(" (within 2 % of the simulation)");
    }
    caveats
}

/// Whether all demands are draws from no more than two exponential distributions: then their transform is fitted exactly.
fn of_two_phases(legs: &[(&Leg, Class)]) -> bool {
    let mut means: Vec<f64> = Vec::new();
    for (leg, class) in legs {
        let mut parts = leg.demand.get(*class).iter().filter(|part| part.moments().first > 0.0);
        let (Some(part), None) = (parts.next(), parts.next()) else { return false };
        let Some(phases) = part.single_phases() else { return false };
        means.extend(phases);
    }
    let mut means = sorted(means.into_iter());
    means.dedup();
    means.len() <= 2
}
