//! Work that begins anew at intervals, such as backups: how much of it there is, beside requests that slow it down.

use super::Walk;
use crate::component::flow::Round;
use crate::theory::cores::Beside;
use crate::theory::network::{Network, Own};

/// More intervals than a round could last are not told apart.
const INTERVALS_MOST: u32 = 1000;

impl Walk<'_> {
    /// Adds the rounds to the stations where they work. Requests must be known already.
    pub(super) fn rounds(&mut self) {
        for round in std::mem::take(&mut self.rounds) {
            let Some((host, _)) = self.host(round.component) else { continue };
            let (cpu, disk) = (host.cpu, host.disk);
            self.network.has_rounds = true;
            let every_s = every_s(&self.network, cpu, &round);
            for (station, busy_s) in [(disk, round.disk_s), (cpu, round.cpu_s)] {
                let (load, piece_s) = (busy_s / every_s, busy_s * round.piece);
                if load > 0.0 {
                    let own = Own { copies: 1, load, piece_s, grouped: false };
                    self.network.stations[station].own.push(own);
                }
            }
        }
    }
}

/// Mean time from one round's beginning to the next's. It begins at a multiple of the interval, once the one before is
/// done; so long rounds take the next multiple, or the one after.
///
/// At the processors a round is one long job among short ones. Its time there is a first passage: on average its work
/// over the pace p that requests leave it, with variance work · λE[S²] / p³ (the central limit theorem for renewal
/// processes; requests' demands as exponential), and taken as normal.
fn every_s(network: &Network, cpu: usize, round: &Round) -> f64 {
    let station = &network.stations[cpu];
    let offered = network.offered(cpu) * station.like(0).skew;
    let pace = Beside::new(station.servers, offered).pace;
    let mean_s = round.disk_s + round.elsewhere_s + round.cpu_s / pace;
    let variance = round.cpu_s * offered * 2.0 * network.mean_demand_s(cpu) / (pace * pace * pace);
    let spread_s = libm::sqrt(2.0 * variance).max(1e-9);
    let longer_than = |s: f64| 0.5 * libm::erfc((s - mean_s) / spread_s);
    let mut intervals = 1.0;
    for begun in 1..INTERVALS_MOST {
        let goes_on = longer_than(f64::from(begun) * round.interval_s);
        intervals += goes_on;
        if goes_on < 1e-9 {
            break;
        }
    }
    round.interval_s * intervals
}
