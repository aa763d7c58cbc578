//! From snapshots to the numbers that the figure shows: smoothed, and steady enough to be read.

mod busiest;

use std::collections::VecDeque;

use hockeystick_core::component::{NodeGauge, Settings};
use hockeystick_core::engine::moves::Cause;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::simulate::{HostGauge, Window};
use hockeystick_core::stage::{Component, Stage};
use hockeystick_core::statistics::sorted;
use hockeystick_core::units::Nanos;

use super::handle::{Percentiles, Sample, Used};
use super::view::{Busiest, CardNow, MachineNow, Strip};
use hockeystick_protocol::Plan;

/// Time constant of a bar and of the mark of the busiest, in the reader's seconds: a number and a colour in two places.
const BAR_S: f64 = 1.2;
/// Time constant of the numbers beside a card's slots.
const LOAD_S: f64 = 0.3;
/// Time constant of what decides which station is busiest.
const STEADY_S: f64 = 2.5;
/// Rates are shown over at least this long, or so many requests, but never over longer than the last.
const RATE_S: (f64, f64) = (2.5, 20.0);
const RATE_REQUESTS: u64 = 60;
/// Response times are shown of the requests answered in the last so many seconds, and of at least so many.
const RESPONSE_S: f64 = 8.0;
const SILENCE_S: f64 = 10.0;
const RESPONSES: (usize, usize) = (20, 4_000);

/// What one snapshot says of nodes and hosts.
#[derive(Clone, Debug, Default)]
struct Gauges {
    at: Nanos,
    nodes: Vec<NodeGauge>,
    hosts: Vec<HostGauge>,
}

/// A share in use, 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// As the reader sees it.
    now: f64,
    /// Over a longer time: what stations are compared by.
    steady: f64,
}

impl Level {
    fn follow(&mut self, now: f64, steady: f64, shares: [f64; 2]) {
        self.now += (now - self.now) * shares[0];
        self.steady += (steady - self.steady) * shares[1];
    }
}

/// How busy a host is.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    cpu: Level,
    /// Compared without what was free in writes that take many changes at once: it can be always busy and far from full.
    disk: Level,
}

/// Collects snapshots of one run.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    plan: Plan,
    coming: VecDeque<(f64, Gauges)>,
    shown: Gauges,
    busy: Vec<Busy>,
    /// Snapshots that the smoothed figures have followed.
    followed: u32,
    /// Calls in service and waiting at each node, smoothed.
    load: Vec<(f64, f64)>,
    sampled: Gauges,
    windows: VecDeque<(f64, Window)>,
    responses: VecDeque<(f64, f64)>,
    busiest: Option<Busiest>,
    /// The cards' own figures, and where each component's begin.
    figures: Vec<f32>,
    offsets: Vec<usize>,
    /// By component: shares of its workers or connections, and of its pool, that are held.
    held: Vec<[Level; 2]>,
    /// By component: connections in the pools of all its copies.
    pools: Vec<f64>,
}

impl Meter {
    pub(crate) fn new(plan: Plan, stage: &Stage) -> Self {
        let busy = vec![Busy::default(); plan.hosts.len()];
        let load = vec![(0.0, 0.0); plan.nodes.len()];
        let mut offsets = Vec::with_capacity(stage.components.len());
        let mut end = 0;
        for component in &stage.components {
            offsets.push(end);
            end += component.settings.kind().about().glance.len();
        }
        let held = vec![[Level::default(); 2]; stage.components.len()];
        let mut meter = Self { plan, busy, load, offsets, held, ..Self::default() };
        meter.turned(stage);
        meter
    }

    /// Knobs were turned.
    pub(crate) fn turned(&mut self, stage: &Stage) {
        self.pools = stage.components.iter().map(pool).collect();
    }

    /// Takes a snapshot in, to be shown at `shown_s`. The sample of its window, when it has one.
    pub(crate) fn take(&mut self, frame: &Frame, shown_s: f64, responses_ms: &[f64]) -> Option<Sample> {
        if !frame.figures.is_empty() {
            self.figures.clone_from(&frame.figures);
        }
        let gauges = Gauges { at: frame.now, nodes: frame.nodes.clone(), hosts: frame.hosts.clone() };
        self.responses.extend(responses_ms.iter().map(|ms| (shown_s, *ms)));
        while self.responses.len() > RESPONSES.1
            || (self.responses.len() > RESPONSES.0
                && self.responses.front().is_some_and(|(at, _)| *at < shown_s - RESPONSE_S))
        {
            self.responses.pop_front();
        }
        let sample = (frame.window.seconds > 0.0).then(|| self.sample(&gauges, &frame.window, shown_s));
        if self.shown.nodes.is_empty() {
            self.shown = gauges.clone();
        }
        self.coming.push_back((shown_s, gauges));
        if self.coming.len() > 120 {
            self.coming.pop_front();
        }
        sample
    }

    fn sample(&mut self, gauges: &Gauges, window: &Window, shown_s: f64) -> Sample {
        self.windows.push_back((shown_s, *window));
        while self.windows.front().is_some_and(|(at, _)| *at < shown_s - RATE_S.1) {
            self.windows.pop_front();
        }
        let before = std::mem::replace(&mut self.sampled, gauges.clone());
        Sample {
            at_s: gauges.at as f64 / 1e9,
            seconds: window.seconds,
            arrived: window.arrived,
            completed: window.completed,
            failed: Cause::ALL.iter().map(|cause| (cause.name(), window.failed[*cause as usize])).collect(),
            response: self.percentiles(),
            utilisation: self.utilisation(&before, gauges),
        }
    }

    /// How busy the machines were between two snapshots: copies together, without those that are off.
    fn utilisation(&self, before: &Gauges, after: &Gauges) -> Vec<Used> {
        let mut all: Vec<Used> = Vec::new();
        for (host, (name, _)) in self.plan.hosts.iter().enumerate() {
            let mut nodes = self.plan.nodes.iter().zip(&after.nodes);
            let is_up = nodes.any(|((_, on), gauge)| *on == Some(host as u32) && gauge.up);
            // A copy is named after what it is one of: app#1, app#2.
            let name = name.split_once('#').map_or(name.as_str(), |(of, _)| of);
            let (cpu, disk, _) = used(before, after, host);
            for (what, share) in [("cpu", cpu), ("disk", disk)] {
                let name = format!("{name} {what}");
                let place = all.iter().position(|used| used.name == name).unwrap_or_else(|| {
                    all.push(Used { name, ..Used::default() });
                    all.len() - 1
                });
                all[place].add(share, is_up);
            }
        }
        all
    }

    fn percentiles(&self) -> Option<Percentiles> {
        // Nobody was answered for a while: what was measured before says nothing about now.
        let newest_s = self.windows.back().map_or(0.0, |(at, _)| *at);
        if self.responses.len() < 5 || self.responses.back().is_none_or(|(at, _)| *at < newest_s - SILENCE_S) {
            return None;
        }
        let sorted = sorted(self.responses.iter().map(|(_, ms)| *ms));
        // The smallest response time that at least this share of the requests did not exceed.
        let at = |share: f64| {
            sorted[((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1).min(sorted.len() - 1)]
        };
        let mean_ms = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some(Percentiles { mean_ms, p50_ms: at(0.50), p95_ms: at(0.95), p99_ms: at(0.99) })
    }

    /// Brings the bars to what is shown at `shown_s`; `late_s` is how late they are shown. Step by step, numbers are not
    /// smoothed: each step is to be seen.
    pub(crate) fn advance(&mut self, shown_s: f64, late_s: f64, steps: bool) {
        while self.coming.front().is_some_and(|(at, _)| at + late_s <= shown_s) {
            let Some((_, gauges)) = self.coming.pop_front() else { break };
            let before = std::mem::replace(&mut self.shown, gauges);
            let passed_s = 0.033;
            self.followed += 1;
            // At first the mean of what there is: figures that began at zero would be too small for seconds.
            let share = |time_s: f64| (passed_s / time_s).max(1.0 / f64::from(self.followed));
            for (gauge, load) in self.shown.nodes.iter().zip(&mut self.load) {
                let follow = |value: &mut f64, now: u32| {
                    *value += (f64::from(now) - *value) * if steps { 1.0 } else { share(LOAD_S) }
                };
                follow(&mut load.0, gauge.in_service);
                follow(&mut load.1, gauge.waiting);
            }
            let shares = [share(BAR_S), share(STEADY_S)];
            for (host, busy) in self.busy.iter_mut().enumerate() {
                if self.shown.at <= before.at {
                    continue;
                }
                let (cpu, disk, filled) = used(&before, &self.shown, host);
                busy.cpu.follow(cpu, cpu, shares);
                busy.disk.follow(disk, filled, shares);
            }
            self.follow_held([if steps { 1.0 } else { shares[0] }, shares[1]]);
        }
    }

    /// How much of what each component hands out is held.
    fn follow_held(&mut self, shares: [f64; 2]) {
        for component in 0..self.held.len() {
            let nodes = self.plan.nodes.iter().zip(&self.shown.nodes).filter(|((of, _), _)| *of as usize == component);
            let sum = nodes.fold((0.0, 0.0), |sum, (_, gauge)| {
                (sum.0 + f64::from(gauge.in_service), sum.1 + f64::from(gauge.in_service_most))
            });
            let pool = (
                f64::from(self.figure(component, 0).unwrap_or(0.0)),
                self.pools.get(component).copied().unwrap_or(0.0),
            );
            for (held, (now, most)) in self.held[component].iter_mut().zip([sum, pool]) {
                let now = if most > 0.0 { (now / most).min(1.0) } else { 0.0 };
                held.follow(now, now, shares);
            }
        }
    }

    /// A figure of a component's own kind.
    fn figure(&self, component: usize, place: usize) -> Option<f32> {
        let from = *self.offsets.get(component)?;
        let to = self.offsets.get(component + 1).copied().unwrap_or(self.figures.len());
        (from + place < to).then(|| self.figures.get(from + place).copied())?.filter(|figure| !figure.is_nan())
    }

    pub(crate) fn card(&self, component: usize) -> CardNow {
        let mut now = CardNow::default();
        let mut up = 0;
        let nodes = self.plan.nodes.iter().zip(&self.shown.nodes).zip(&self.load);
        let mut count = 0;
        let mut load = (0.0, 0.0);
        for (((_, host), gauge), node) in nodes.filter(|(((of, _), _), _)| *of as usize == component) {
            load = (load.0 + node.0, load.1 + node.1);
            now.serving_most = now.serving_most.saturating_add(gauge.in_service_most);
            now.waiting_most = now.waiting_most.saturating_add(gauge.waiting_most);
            if let Some((busy, gauge)) =
                host.and_then(|host| Some((self.busy.get(host as usize)?, self.shown.hosts.get(host as usize)?)))
            {
                now.disk = now.disk.max(busy.disk.now);
                now.memory = now.memory.max(gauge.memory_used / gauge.memory.max(1.0));
            }
            up += u32::from(gauge.up);
            count += 1;
        }
        (now.serving, now.waiting) = (load.0.round() as u32, load.1.round() as u32);
        now.cpu = self.own_machines(component)[0].now;
        now.pool = self.held.get(component).map_or(0.0, |held| held[1].now);
        now.down = count > 0 && up == 0;
        (now.up, now.copies) = (up, count);
        now.figures = std::array::from_fn(|place| self.figure(component, place));
        now
    }

    /// Calls that hold a worker or a connection of a node, as shown.
    pub(crate) fn in_service(&self, node: usize) -> usize {
        self.load.get(node).map_or(0, |load| load.0.round() as usize)
    }

    pub(crate) fn machine(&self, machine: usize) -> MachineNow {
        let host = self.plan.hosts.iter().position(|(_, of)| *of == Some(machine as u32));
        let Some((host, gauge)) = host.and_then(|host| Some((host, self.shown.hosts.get(host)?))) else {
            return MachineNow::default();
        };
        let mut nodes =
            self.plan.nodes.iter().zip(&self.shown.nodes).filter(|((_, on), _)| *on == Some(host as u32)).peekable();
        MachineNow {
            cpu: self.busy[host].cpu.now,
            disk: self.busy[host].disk.now,
            memory_used: gauge.memory_used,
            memory: gauge.memory,
            swap: gauge.swap,
            down: nodes.peek().is_some() && nodes.all(|(_, gauge)| !gauge.up),
        }
    }

    pub(crate) fn strip(&self, at_s: f64) -> Strip {
        let newest_s = self.windows.back().map_or(0.0, |(at, _)| *at);
        let mut sum = Window::default();
        for (at, window) in self.windows.iter().rev() {
            if newest_s - at > RATE_S.0 && sum.arrived >= RATE_REQUESTS {
                break;
            }
            sum.seconds += window.seconds;
            sum.arrived += window.arrived;
            sum.completed += window.completed;
            sum.failed.iter_mut().zip(window.failed).for_each(|(sum, more)| *sum += more);
        }
        let per_s = |count: u64| if sum.seconds > 0.0 { count as f64 / sum.seconds } else { 0.0 };
        let failed: u64 = sum.failed.iter().sum();
        Strip {
            arrived_per_s: per_s(sum.arrived),
            completed_per_s: per_s(sum.completed),
            response: self.percentiles(),
            failed_share: failed as f64 / (failed + sum.completed).max(1) as f64,
            failed_per_s: sum.failed.map(per_s),
            at_s,
            known: sum.seconds > 0.0,
        }
    }
}

/// A share as a whole number of hundredths, as it is read and as its colour goes by.
pub(crate) fn percent(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u32
}

/// Connections in the pools of all copies of a component.
pub(crate) fn pool(component: &Component) -> f64 {
    match &component.settings {
        Settings::AppServer(app) => f64::from(app.pool) * f64::from(component.copies),
        _ => 0.0,
    }
}

/// Shares of a host's processors and disk that were used between two snapshots, and of the disk without what was free.
fn used(before: &Gauges, after: &Gauges, host: usize) -> (f64, f64, f64) {
    let Some(now) = after.hosts.get(host) else { return (0.0, 0.0, 0.0) };
    let old = before.hosts.get(host).copied().unwrap_or_default();
    let seconds = (after.at.saturating_sub(before.at)) as f64 / 1e9;
    if seconds <= 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let share = |used: f64, most: f64| (used / (seconds * most.max(1e-9))).clamp(0.0, 1.0);
    let cpu = share(now.busy_s - old.busy_s, now.processors);
    let disk = |busy_s| share(busy_s, f64::from(now.disk_channels.max(1)));
    let (busy_s, room_s) = (now.disk_busy_s - old.disk_busy_s, now.disk_room_s - old.disk_room_s);
    (cpu, disk(busy_s), disk(busy_s - room_s))
}

#[cfg(test)]
mod tests;
