//! What follows requests while nobody waits: work behind a queue, changes behind a journal or on their way to a replica.

use super::demand::Moments;
use super::general;
use super::markov::Mmc;
use super::mean;
use super::network::{FollowUp, Network};

/// How such work fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Work {
    /// Mean time until it is done, in seconds.
    pub(super) seconds: f64,
    /// Mean number that wait for their turn, in each copy.
    pub(super) waiting: f64,
    /// By how much more than can be done comes in a second.
    pub(super) growing_per_s: Option<f64>,
}

/// How the work of one copy fares.
///
/// It first waits for its turn at the pace at which work may begin (M/D/1) and for those who came with it, then for a slot (M/M/c), then it takes as
/// long as its calls do.
pub(super) fn of(network: &Network, follow_up: &FollowUp) -> Work {
    let (mut all, mut spent_s) = (0.0, 0.0);
    for one in &follow_up.uses {
        all += one.per_request;
        spent_s += one.per_request * mean::use_s(network, one);
    }
    let service_s = if all > 0.0 { spent_s / all } else { 0.0 };
    let rate_per_s = network.rate_per_s * all / follow_up.names.len() as f64;
    let most_per_s = follow_up.begin_per_s.min(follow_up.slots / service_s.max(1e-12));
    if rate_per_s >= most_per_s {
        let growing_per_s = Some(rate_per_s - most_per_s);
        return Work { seconds: f64::INFINITY, waiting: f64::INFINITY, growing_per_s };
    }
    let gap_s = 1.0 / follow_up.begin_per_s;
    let turn_s = if gap_s > 0.0 { general::mean_wait_s(rate_per_s, &Moments::constant(gap_s), 1) } else { 0.0 };
    let slots = Mmc { rate_per_s, service_s, servers: follow_up.slots as u32 };
    let wait_s = turn_s + follow_up.ahead * gap_s + slots.mean_wait_s();
    Work { seconds: follow_up.latency_s + wait_s + service_s, waiting: rate_per_s * wait_s, growing_per_s: None }
}
