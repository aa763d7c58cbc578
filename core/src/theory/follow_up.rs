//! What follows requests while nobody waits: work behind a queue, changes behind a journal.

use super::demand::Moments;
use super::general;
use super::markov::Mmc;
use super::mean;
use super::network::{FollowUp, Network};
use crate::workload::Class;

/// How such work fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Work {
    /// Mean time until it is done, in seconds.
    pub(super) seconds: f64,
    /// By how much more than can be done comes in a second.
    pub(super) growing_per_s: Option<f64>,
}

/// How the work of one copy fares.
///
/// It first waits for its turn at the pace at which work may begin (M/D/1), then for a slot (M/M/c), then it takes as
/// long as its calls do.
pub(super) fn of(network: &Network, follow_up: &FollowUp) -> Work {
    let (mut all, mut spent_s) = (0.0, 0.0);
    for route in &network.routes[follow_up.routes.clone()] {
        for class in Class::ALL {
            let share = network.share(route, class);
            if share <= 0.0 {
                continue;
            }
            let at = |leg: &super::network::Leg| mean::residence_s(network, leg.station, leg.moments(class).first);
            let delays_s = route.outside_s + route.inside_s.get(class);
            all += share;
            spent_s += share * (delays_s + route.legs.iter().map(at).sum::<f64>());
        }
    }
    let service_s = if all > 0.0 { spent_s / all } else { 0.0 };
    let rate_per_s = network.rate_per_s * all / follow_up.names.len() as f64;
    let most_per_s = follow_up.begin_per_s.min(follow_up.slots / service_s.max(1e-12));
    if rate_per_s >= most_per_s {
        return Work { seconds: f64::INFINITY, growing_per_s: Some(rate_per_s - most_per_s) };
    }
    let gap_s = 1.0 / follow_up.begin_per_s;
    let gap = Moments { first: gap_s, second: gap_s * gap_s, third: gap_s * gap_s * gap_s };
    let turn_s = if gap_s > 0.0 { general::mean_wait_s(rate_per_s, &gap, 1) } else { 0.0 };
    let slots = Mmc { rate_per_s, service_s, servers: follow_up.slots as u32 };
    Work { seconds: turn_s + slots.mean_wait_s() + service_s, growing_per_s: None }
}
