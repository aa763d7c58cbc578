//! Which station limits: the one that the board marks.

use super::{Level, Meter, percent};
use crate::figure::view::{Busiest, Thing};

/// Another station must be busier by this much to take the mark over.
const TAKE_OVER: f64 = 0.06;
/// Workers and connections wait for what is behind them: a processor or a disk that is nearly as busy is marked instead.
const HELD_COUNTS: f64 = 0.9;
/// A copy is told apart from the others when it is busier than their mean by this much.
const APART: f64 = 0.15;
/// Below this nothing is marked, and nothing before so many snapshots.
const MARK_FROM: f64 = 0.5;
const MARK_SNAPSHOTS: u32 = 20;

impl Meter {
    /// Of the machines of its own on which a component runs, without those that are off: the mean of their processors, the
    /// busiest of them, and the busiest disk.
    pub(super) fn own_machines(&self, component: usize) -> [Level; 3] {
        let [mut mean, mut most, mut disk] = [Level::default(); 3];
        let mut count: f64 = 0.0;
        for ((of, host), gauge) in self.plan.nodes.iter().zip(&self.shown.nodes) {
            let Some(host) = host.filter(|_| *of as usize == component && gauge.up) else { continue };
            if self.plan.hosts[host as usize].1.is_some() {
                continue;
            }
            let busy = self.busy[host as usize];
            count += 1.0;
            mean = Level { now: mean.now + busy.cpu.now, steady: mean.steady + busy.cpu.steady };
            let more = |a: Level, b: Level| if b.steady >= a.steady { b } else { a };
            (most, disk) = (more(most, busy.cpu), more(disk, busy.disk));
        }
        let count = count.max(1.0);
        [Level { now: mean.now / count, steady: mean.steady / count }, most, disk]
    }

    /// The busiest station; it keeps the mark until another is clearly busier.
    pub(crate) fn busiest(&mut self) -> Option<Busiest> {
        let old = self.busiest;
        let (mut mark, mut most) = (None, 0.0);
        let mut add = |thing, what, level: Level, counts: f64| {
            let is_old = old.is_some_and(|old| old.thing == thing && old.what == what);
            let ahead = if is_old { TAKE_OVER } else { 0.0 };
            let weight = counts * level.steady + ahead;
            if weight > most && level.steady + ahead >= MARK_FROM {
                (mark, most) = (Some(Busiest { thing, what, percent: percent(level.now) }), weight);
            }
        };
        for (busy, (_, machine)) in self.busy.iter().zip(&self.plan.hosts) {
            if let Some(machine) = machine {
                let thing = Thing::Machine(*machine as usize);
                add(thing, "CPU", busy.cpu, 1.0);
                add(thing, "disk", busy.disk, 1.0);
            }
        }
        for (component, held) in self.held.iter().enumerate() {
            let thing = Thing::Component(component);
            let [mean, most, disk] = self.own_machines(component);
            // Its bar shows the mean of all copies.
            let apart = most.steady > mean.steady + APART;
            let (what, cpu) = if apart { ("copy", most) } else { ("CPU", mean) };
            add(thing, what, cpu, 1.0);
            add(thing, "disk", disk, 1.0);
            add(thing, "workers", held[0], HELD_COUNTS);
            add(thing, "pool", held[1], HELD_COUNTS);
        }
        self.busiest = mark.filter(|_| self.followed >= MARK_SNAPSHOTS);
        self.busiest
    }
}
