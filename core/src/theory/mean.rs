//! The mean response time: constant delays, and the mean time at each station.

use super::cores;
use super::demand::Moments;
use super::general;
use super::network::{Discipline, Leg, Like, Network, Pool, Route, Station, Use};
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
    for route in network.awaited() {
        for class in Class::ALL {
            seconds += network.share(route, class) * route.inside_s.get(class);
        }
    }
    let mut slight = false;
    for (at, station) in network.stations.iter().enumerate() {
        let demand_s = network.felt_demand_s(at);
        if demand_s <= 0.0 {
            continue;
        }
        let all_s = network.mean_demand_s(at);
        let name = station.names.first().map_or("", String::as_str);
        match station.discipline {
            Discipline::ProcessorSharing => {
                seconds += demand_s * stretch(network, at);
                if station.crowds() && network.offered(at) > 0.01 {
                    caveats.push(format!("other stations apart, contention at {name} as a chain of its own"));
                }
                if station.limited() {
                    seconds += held_back_s(network, at, station) * demand_s / all_s;
                    caveats.push(format!("the quota of {name} as a bucket that random work empties, {}", quota::ERROR));
                }
            }
            Discipline::Fcfs => {
                let wait_s = wait_s(network, at, station) * demand_s / all_s;
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
    for pool in &network.pools {
        let (share, wait_s) = pool_wait(network, pool);
        seconds += share * wait_s;
        if share * wait_s > NEGLIGIBLE * seconds {
            let wait_ms = fixed(1e3 * wait_s, 3);
            caveats.push(format!("queries of {} come at random to its pool and wait {wait_ms} ms for a connection (M/G/c, while workers last)", pool.name));
        } else {
            slight |= wait_s > 0.0;
        }
    }
    if network.fans_out() {
        caveats.push(
            "the slowest of calls made at once as of exponential times: too long where they vary less".to_owned(),
        );
    }
    Mean { seconds, caveats, slight }
}

/// By how much longer than its demand a request takes at a shared station, on average over its likes.
pub fn stretch(network: &Network, at: usize) -> f64 {
    let station = &network.stations[at];
    let of = |like: &Like| {
        let offered = network.offered(at) * like.skew;
        let alone = match station.crowds() {
            true if offered > 0.0 => station.shared(network.most_at(at)).state(offered).inside / offered,
            true => 1.0,
            false => cores::stretch(station.servers, offered),
        };
        // While a job of the component's own is there it takes its part.
        let beside = beside(network, at, like);
        beside.map_or(alone, |(present, stretch)| alone + present * (stretch - alone))
    };
    station.likes().iter().map(|like| like.share * of(like)).sum()
}

/// For what share of the time a job of a component's own is at a shared station, and by how much longer than its demand a
/// request then takes; none where there is no such job.
fn beside(network: &Network, at: usize, like: &Like) -> Option<(f64, f64)> {
    let station = &network.stations[at];
    let shares = station.discipline == Discipline::ProcessorSharing && !station.crowds();
    let beside =
        (like.own > 0.0 && shares).then(|| cores::Beside::new(station.servers, network.offered(at) * like.skew))?;
    Some((beside.present(like.own), beside.stretch))
}

/// The same for all of a station's likes together: the second figure is how much slower the station is then than else.
pub fn slowed(network: &Network, at: usize) -> Option<(f64, f64)> {
    let station = &network.stations[at];
    let (mut present, mut slower) = (0.0, 0.0);
    for like in station.likes() {
        if let Some((share, stretch)) = beside(network, at, &like) {
            present += like.share * share;
            slower += like.share * share * stretch / cores::stretch(station.servers, network.offered(at) * like.skew);
        }
    }
    (present > 0.0).then(|| (present, slower / present))
}

/// Mean time at a station for so many seconds of service there, in visits of the usual length.
pub fn residence_s(network: &Network, at: usize, demand_s: f64) -> f64 {
    let station = &network.stations[at];
    match station.discipline {
        _ if demand_s <= 0.0 => 0.0,
        Discipline::ProcessorSharing => demand_s * stretch(network, at),
        Discipline::Fcfs => demand_s * (1.0 + wait_s(network, at, station) / network.mean_demand_s(at)),
    }
}

/// Mean time that a use takes.
pub fn use_s(network: &Network, one: &Use) -> f64 {
    let at = |(station, demand_s): &(usize, f64)| residence_s(network, *station, *demand_s);
    one.delay_s + one.demand_s.iter().map(at).sum::<f64>()
}

/// How often a request asks a pool for a connection, and how long it waits for one each time.
///
/// A connection is held for as long as the query takes. Queries of all classes wait in one line for it, M/G/c: each
/// class's time at the database is taken as exponential.
pub fn pool_wait(network: &Network, pool: &Pool) -> (f64, f64) {
    let mut asked = 0.0;
    let mut held = Moments::ZERO;
    for one in &pool.uses {
        let mean_s = use_s(network, one);
        asked += one.per_request;
        if one.per_request > 0.0 {
            held = Moments::exponential(mean_s).mixed(one.per_request / asked, held);
        }
    }
    let rate_per_s = network.rate_per_s * asked / f64::from(pool.copies);
    if rate_per_s <= 0.0 || held.first <= 0.0 {
        return (asked, 0.0);
    }
    (asked, general::mean_wait_s(rate_per_s, &held, pool.size))
}

/// Mean time that a station's quota adds to a request, in all its visits.
fn held_back_s(network: &Network, at: usize, station: &Station) -> f64 {
    let Some((quota, period)) = station.quota else { return 0.0 };
    let (share, demand) = network.demand(at);
    let rate_per_s = network.rate_per_s * share / station.copies();
    share * quota::mean_delay_s(rate_per_s, &demand, f64::from(station.servers), quota, period.as_secs_f64())
}

/// Mean time that a request waits in line at a station, in all its visits. Pieces of a component's own work come
/// between at random.
fn wait_s(network: &Network, at: usize, station: &Station) -> f64 {
    let visits = network.mean_visits(at);
    let of = |like: &Like| {
        let mut rate_per_s = network.rate_per_s * visits / station.copies() * like.skew;
        let mut service = network.visit(at);
        if like.own > 0.0 {
            for own in &station.own {
                let own_per_s = own.busy(like.skew) / own.piece_s;
                rate_per_s += own_per_s;
                service = Moments::constant(own.piece_s).mixed(own_per_s / rate_per_s, service);
            }
        }
        general::mean_wait_s(rate_per_s, &service, station.servers)
    };
    visits * station.likes().iter().map(|like| like.share * of(like)).sum::<f64>()
}

/// Mean of the constant delays outside of any door, in seconds.
pub fn outside_s(network: &Network) -> f64 {
    let before: f64 = network.branches.iter().map(|branch| branch.probability * branch.seconds).sum();
    before + network.awaited().map(|route| network.share_of(route) * route.outside_s).sum::<f64>()
}

/// What makes the distribution of the response less than exact; empty when it is exact.
pub fn distribution_caveats(network: &Network) -> Vec<String> {
    let asking = |(route, class): &(&Route, Class)| network.share(route, *class) > 0.0;
    let paths = network.awaited().flat_map(|route| Class::ALL.map(|class| (route, class)));
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
        // What core/tests/all/agreement.rs finds, from 30 to 90 % load.
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
