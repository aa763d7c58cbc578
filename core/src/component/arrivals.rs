//! When the next request comes: an exponential or equal gap in operational time, stretched by how the rate goes up and
//! down.

use crate::engine::Engine;
use crate::engine::random::Stream;
use crate::units::{Nanos, SECOND_NS, whole_ns};
use crate::workload::{Arrivals, Day, Workload};

/// The arrivals of one source.
///
/// A draw belongs to the n-th gap, in *operational time*: time in which one request comes a second on average (Çinlar,
/// *Introduction to Stochastic Processes*, 1975, section 4.7). The rate, constant over short slices, turns it into
/// time; so a changed rate moves the same arrivals together or apart, and never redraws them.
#[derive(Clone, Debug)]
pub(super) struct Process {
    workload: Workload,
    /// Share of the workload's rate that is this source's, times whatever a fault makes of it.
    share: f64,
    /// Mean gap of a rate that never changes; none for one that does, and for a rate of nothing.
    mean_gap_ns: Option<f64>,
    gaps: Stream,
    levels: Stream,
    /// Whether a burst is on, until when, and how many changes there were.
    burst: bool,
    level_until: Nanos,
    changes: u64,
}

impl Process {
    pub(super) fn new(workload: &Workload, share: f64, name: &str, engine: &Engine) -> Self {
        Self {
            workload: workload.clone(),
            share,
            mean_gap_ns: mean_gap_ns(workload, share),
            gaps: engine.stream(name, "gap"),
            levels: engine.stream(name, "burst"),
            burst: true,
            level_until: 0,
            changes: 0,
        }
    }

    /// Takes over another workload or share. False when nothing that moves arrivals has changed.
    pub(super) fn change(&mut self, workload: &Workload, share: f64) -> bool {
        let moves = |of: &Workload| (of.rate, of.arrivals, of.bursts, of.day);
        let changed = moves(&self.workload) != moves(workload) || self.share != share;
        self.workload = workload.clone();
        self.share = share;
        self.mean_gap_ns = mean_gap_ns(workload, share);
        changed
    }

    /// The gap before request `number`, in seconds of operational time.
    pub(super) fn gap_s(&self, engine: &Engine, number: u64) -> f64 {
        match self.workload.arrivals {
            Arrivals::Poisson => engine.exponential(&mut self.gaps.draw(number)),
            Arrivals::Constant => 1.0,
        }
    }

    /// When so much operational time has passed, counted from now; none when it never does.
    pub(super) fn after(&mut self, engine: &Engine, operational_s: f64) -> Option<Nanos> {
        if let Some(gap_ns) = self.mean_gap_ns {
            return Some(engine.now().saturating_add(whole_ns(operational_s * gap_ns + 0.5)));
        }
        let mut at = engine.now();
        let mut left_s = operational_s;
        // A rate of nothing for a whole day never brings a request.
        for _ in 0..1_000_000 {
            let rate = self.rate_at(engine, at);
            let until = self.slice_end(at);
            let here_s = left_s * SECOND_NS as f64 / rate.max(1e-300);
            if until == Nanos::MAX || here_s <= (until - at) as f64 {
                return (rate > 0.0 && here_s < 1e18).then(|| at.saturating_add((here_s + 0.5) as Nanos));
            }
            left_s -= rate * (until - at) as f64 / SECOND_NS as f64;
            at = until;
        }
        None
    }

    /// Requests a second, bursts and the time of day left out.
    pub(super) fn mean_rate(&self) -> f64 {
        self.workload.rate.per_s() * self.share
    }

    /// Requests a second at an instant.
    fn rate_at(&mut self, engine: &Engine, at: Nanos) -> f64 {
        let mut rate = self.workload.rate.per_s() * self.share;
        if let Some(day) = self.workload.day {
            let slice_ns = slice_of(&day);
            let middle = ((at / slice_ns) % DAY_SLICES) as f64 + 0.5;
            let swing = 0.5 * (1.0 - libm::cos(2.0 * std::f64::consts::PI * middle / DAY_SLICES as f64));
            rate *= day.quiet + (1.0 - day.quiet) * swing;
        }
        if let Some(bursts) = self.workload.bursts {
            while at >= self.level_until {
                self.burst = !self.burst;
                self.changes += 1;
                let mean_s = if self.burst { bursts.lasts } else { bursts.every }.as_secs_f64();
                let length_s = mean_s * engine.exponential(&mut self.levels.draw(self.changes));
                self.level_until += ((length_s * SECOND_NS as f64) as Nanos).max(1);
            }
            let (lasts, every) = (bursts.lasts.as_secs_f64(), bursts.every.as_secs_f64());
            let mean = (lasts * bursts.factor + every) / (lasts + every).max(1e-9);
            rate *= if self.burst { bursts.factor } else { 1.0 } / mean;
        }
        rate
    }

    /// When the rate may change next. The rate at `at` must have been asked for before.
    fn slice_end(&self, at: Nanos) -> Nanos {
        let day = self.workload.day.map_or(Nanos::MAX, |day| (at / slice_of(&day) + 1) * slice_of(&day));
        let burst = if self.workload.bursts.is_some() { self.level_until } else { Nanos::MAX };
        day.min(burst)
    }
}

fn mean_gap_ns(workload: &Workload, share: f64) -> Option<f64> {
    let rate = workload.rate.per_s() * share;
    (workload.day.is_none() && workload.bursts.is_none() && rate > 1e-9).then(|| SECOND_NS as f64 / rate)
}

/// Slices of a day within which the rate is constant: five minutes of a real day.
const DAY_SLICES: u64 = 288;

fn slice_of(day: &Day) -> Nanos {
    (day.length.ns() / DAY_SLICES).max(1)
}
