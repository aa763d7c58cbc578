//! Changes that share a write of the log, as theory sees them: a disk that takes at once all that has come while it wrote.
//!
//! A server with batches of any size. As long as nothing comes during a write of S seconds, which has the probability
//! e^(-lambda S), it then rests for 1 / lambda on average. So it is busy for lambda S / (lambda S + e^(-lambda S)) of the
//! time. Who finds it busy, as the same share of random arrivals does, waits for the rest of that write, anything from
//! nothing to S alike, and for the next. Exact for random arrivals and writes of one length; queues in which batches have
//! a bound are those of Bailey, "On queueing processes with bulk service", Journal of the Royal Statistical Society B 16,
//! 1954.

use super::flow::{Ask, Context, Own};
use crate::units::{Duration, Nanos};

/// Steps in which the rest of a write is told apart.
const PIECES: u32 = 8;

/// The changes of one copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// How many come during one write, on average.
    during: f64,
    write: Duration,
}

impl Group {
    /// So many changes a second, of all copies of a component together.
    pub(super) fn of(changes_per_s: f64, context: &Context<'_>) -> Self {
        let write = context.stage.machine_of(context.component).map_or(Duration::ZERO, |machine| machine.disk_latency);
        let copies = context.stage.components[context.component].copies;
        Self { during: changes_per_s / f64::from(copies) * write.as_secs_f64(), write }
    }

    /// Share of the time in which the disk writes.
    fn busy(&self) -> f64 {
        busy(self.during)
    }

    /// What a change waits for, with this probability that there is one.
    pub(super) fn waits(&self, chance: f64) -> Ask {
        let busy = chance * self.busy();
        let wait = |writes: f64| {
            let time = Duration::from_ns((self.write.ns() as f64 * writes) as Nanos);
            vec![Ask::Delay { time, chance: 1.0 }]
        };
        let mut ways = vec![(1.0 - chance, Vec::new()), (chance - busy, wait(1.0))];
        ways.extend((0..PIECES).map(|piece| {
            let left = (f64::from(piece) + 0.5) / f64::from(PIECES);
            (busy / f64::from(PIECES), wait(1.0 + left))
        }));
        Ask::OneOf(ways)
    }

    /// What that is to the disk.
    pub(super) fn own(&self, context: &Context<'_>) -> Own {
        let (component, copies) = (context.component, context.stage.components[context.component].copies);
        let piece_s = self.write.as_secs_f64();
        Own { component, disk: true, copies, load: self.during, piece_s, grouped: true }
    }

    /// How many of a group come before one of it, on average: half of those that came during the write before.
    pub(super) fn ahead(&self) -> f64 {
        0.5 * self.during * self.busy()
    }
}

/// Share of the time in which a disk writes, if on average so many changes come during a write.
pub(crate) fn busy(during: f64) -> f64 {
    if during > 0.0 { during / (during + libm::exp(-during)) } else { 0.0 }
}
