//! A journal: takes changes at whatever rate they come, and applies them to the database at a fixed one. What theory is told
//! of it is in `theory`.

mod theory;

use std::collections::VecDeque;

use super::glance::Glance;
use super::outbound::choose;
use super::{About, Behaviour, COMMIT, Kind, Metric, MetricReading, NodeGauge, PUT, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::statistics::sort;
use crate::units::{Bytes, Duration, Nanos, Rate, SECOND_NS};
use crate::workload::{Class, Demand, Workload};

pub(super) use theory::{commits, flow};

/// What the model of the journal does.
pub const ABOUT: About = About {
    name: "Journal",
    summary: "Writes changes down as they come, answers at once, and applies them to the database at a fixed rate.",
    models: &[
        "A change is checked, then appended to a file; it is accepted when the disk holds it. One disk write takes with it all changes that came during the one before (group commit).",
        "A daemon applies changes to the database in the order in which they came, never faster than its rate.",
        "Until a change is applied, a read of its item from the database is out of date.",
        "A change that the database refuses when it is applied is undone by its inverse, which is one more write.",
        "A failed write to the database is repeated until it succeeds. A full journal refuses.",
        "It survives a restart; what the daemon had in hand is applied again, which the changes' numbers make harmless.",
    ],
    also: &[],
    leaves_out: &[
        "Copies of the journal: each has changes of its own.",
        "Changes of one item that overtake one another on several connections.",
        "Changes stay in the file until they are applied, and no longer.",
    ],
    hosted: true,
    origin: false,
    calls: &[Kind::Database, Kind::Shards],
    glance: &[Glance::count("backlog", "Backlog"), Glance::seconds("oldest", "Oldest").most()],
};

settings! {
    /// Settings of a journal.
    pub struct Settings {
        /// Processor time of checking and appending one change.
        demand: Demand = Demand::exponential(Duration::from_ns(100_000)), 0.0..=1.0,
            "Assumed: a look at the change's own fields, and a copy of it";
        /// Share of the changes that the check turns away, with an answer that says so.
        invalid: f64 = 0.0, 0.0..=1.0,
            "None unless set";
        /// Size of a change in the file.
        change: Bytes = Bytes(500), 1.0..=1e9,
            "Assumed: a row's new values and their names";
        /// Most changes that one disk write takes.
        group: u32 = 1_000, 1.0..=1_000_000.0,
            "Assumed: half a megabyte, which a disk writes in about the time of one operation";
        /// Most changes that have not been applied. One more is refused.
        bound: u32 = 10_000_000, 1.0..=1e9,
            "Assumed: 5 GB of disk";
        /// Changes that the daemon applies in a second, at most.
        drain_rate: Rate = Rate::per_second(500.0), 0.001..=1e7,
            "The owner's choice: above the mean rate of changes, below what the database can take";
        /// Changes that may be on their way to the database at once.
        lanes: u32 = 16, 1.0..=100_000.0,
            "Assumed: a small pool of connections";
        /// Queries that applying one change takes; the last of them commits.
        queries: u32 = 1, 1.0..=1_000.0,
            "Assumed: one statement, for the check is done before";
        /// Share of the changes that the database refuses when they are applied.
        rejected: f64 = 0.0, 0.0..=1.0,
            "None unless set: two users who change one item in ways that contradict each other";
        /// How long the daemon waits for the database.
        timeout: Duration = Duration::from_s(30), 0.001..=600.0,
            "A common default of client libraries";
        /// Wait before a write that failed is made again.
        retry: Duration = Duration::from_s(1), 0.0..=600.0,
            "Assumed";
        /// Memory of the process.
        process_memory: Bytes = Bytes(100_000_000), 0.0..=1e15,
            "Assumed: a small process with buffers";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(5), 0.0..=86_400.0,
            "Assumed: reading the end of its file";
    }
}

const DRAIN: u8 = 0;

/// An accepted change.
#[derive(Clone, Copy, Debug)]
struct Change {
    request: u64,
    item: u64,
    accepted: Nanos,
    rejected: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    accepted: u64,
    turned_away: u64,
    refused: u64,
    applied: u64,
    delay_s: f64,
    compensated: u64,
    repeated: u64,
    syncs: u64,
}

/// A journal at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    host: u32,
    edges: Vec<u16>,
    demand: Sampler,
    demands: Stream,
    luck: Stream,
    routes: Stream,
    /// Checked calls whose changes wait for the next disk write, and those that the present one takes.
    forming: VecDeque<CallId>,
    syncing: Vec<CallId>,
    /// The present disk write.
    sync: Option<CallId>,
    changes: VecDeque<Change>,
    /// What the daemon has in hand, by the number that its calls carry.
    in_hand: Vec<Option<Change>>,
    in_hand_count: u32,
    drain: Slot,
    /// The daemon sends nothing before.
    next: Nanos,
    stuck: u32,
    busy: u32,
    up: bool,
    counts: Counts,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        engine.follow_changes();
        let stream = |purpose| engine.stream(&place.name, purpose);
        let (demands, luck, routes) = (stream("demand"), stream("luck"), stream("route"));
        Self {
            edges: place.edges_for(&[Kind::Database, Kind::Shards], Class::Write),
            node: place.node,
            host: place.host.unwrap_or_default(),
            demand: Sampler::new(&settings.demand),
            demands,
            luck,
            routes,
            forming: VecDeque::new(),
            syncing: Vec::new(),
            sync: None,
            changes: VecDeque::new(),
            in_hand: Vec::new(),
            in_hand_count: 0,
            drain: engine.add_timer(Timer { node: place.node, which: DRAIN }),
            next: 0,
            stuck: 0,
            busy: 0,
            up: false,
            counts: Counts::default(),
            settings: *settings,
        }
    }

    /// Changes that have not been applied.
    fn backlog(&self) -> usize {
        self.changes.len() + self.in_hand_count as usize
    }

    /// Lets the disk write what has come, unless it writes already.
    fn write_down(&mut self, engine: &mut Engine) {
        if self.sync.is_some() || self.forming.is_empty() {
            return;
        }
        let most = (self.settings.group as usize).min(self.forming.len());
        self.syncing.extend(self.forming.drain(..most));
        let sync = engine.begin_own(self.counts.syncs, Class::Write, self.node, self.syncing.first().copied());
        self.counts.syncs += 1;
        self.sync = Some(sync);
        let room = 1.0 - self.syncing.len() as f64 / f64::from(self.settings.group.max(1));
        engine.write_with_room(sync, self.host, room);
    }

    /// The disk holds what it was given.
    fn written(&mut self, engine: &mut Engine, sync: CallId) {
        engine.finish(sync);
        self.sync = None;
        let mut synced = std::mem::take(&mut self.syncing);
        for id in synced.drain(..) {
            self.accept(engine, id);
        }
        self.syncing = synced;
        self.write_down(engine);
        self.apply(engine);
    }

    fn accept(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        self.busy = self.busy.saturating_sub(1);
        if !engine.store(self.host, self.settings.change.0 as f64) {
            self.counts.refused += 1;
            engine.answer(id, Err(Cause::DiskFull));
            return;
        }
        let item = engine.item(call.request, 0);
        let mut luck = self.luck.draw((call.request << 1) | 1);
        let rejected = luck.chance(self.settings.rejected);
        self.changes.push_back(Change { request: call.request, item, accepted: engine.now(), rejected });
        self.counts.accepted += 1;
        engine.promised(item);
        engine.answer(id, Ok(()));
    }

    /// Sends the next changes to the database, as fast as the daemon may.
    fn apply(&mut self, engine: &mut Engine) {
        while self.up && self.stuck == 0 && !self.changes.is_empty() && self.in_hand_count < self.settings.lanes {
            if engine.now() < self.next {
                engine.set_timer(self.drain, self.next);
                return;
            }
            let gap_ns = SECOND_NS as f64 / self.settings.drain_rate.per_s().max(1e-9);
            self.next = engine.now().saturating_add(gap_ns as Nanos);
            let Some(change) = self.changes.pop_front() else { return };
            self.take_in_hand(engine, change);
        }
    }

    fn take_in_hand(&mut self, engine: &mut Engine, change: Change) {
        let place = match self.in_hand.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.in_hand.push(None);
                self.in_hand.len() - 1
            }
        };
        self.in_hand[place] = Some(change);
        self.in_hand_count += 1;
        let own = engine.begin_own(change.request, Class::Write, self.node, None);
        if let Some(own) = engine.get_mut(own) {
            (own.count, own.note) = (place as u32, u64::from(self.settings.queries));
        }
        self.query(engine, own);
    }

    /// Makes the next query of a change in hand.
    fn query(&mut self, engine: &mut Engine, own: CallId) {
        let Some(call) = engine.get_mut(own) else { return };
        call.note = call.note.saturating_sub(1);
        call.step += 1;
        let call = *call;
        let number = (call.request << 8) | u64::from(call.step);
        let Some(edge) = self.edge(engine, number) else {
            self.applied(engine, own);
            return;
        };
        let verb = if call.note == 0 { COMMIT } else { PUT };
        if let Some(child) = engine.call(edge, own, self.settings.timeout.ns()) {
            child.verb = verb;
        }
    }

    /// To the primary, wherever it is.
    fn edge(&self, engine: &Engine, number: u64) -> Option<u16> {
        let primary = |edge: &u16| engine.presence(engine.target(*edge)).primary;
        match self.edges.iter().copied().find(primary) {
            Some(edge) if self.edges.iter().filter(|edge| primary(edge)).count() == 1 => Some(edge),
            _ => choose(engine, &self.edges, &self.routes, number),
        }
    }

    fn let_go(&mut self, engine: &mut Engine, own: CallId) -> Option<Change> {
        let place = engine.get(own)?.count as usize;
        engine.finish(own);
        let change = self.in_hand.get_mut(place)?.take();
        self.in_hand_count -= u32::from(change.is_some());
        change
    }

    /// The database has a change, or has undone it.
    fn applied(&mut self, engine: &mut Engine, own: CallId) {
        let Some(change) = self.let_go(engine, own) else { return };
        self.counts.applied += 1;
        self.counts.delay_s += (engine.now() - change.accepted) as f64 / SECOND_NS as f64;
        engine.kept(change.item);
        engine.store(self.host, -(self.settings.change.0 as f64));
    }

    /// The database refuses a change: its inverse is written.
    fn undo(&mut self, engine: &mut Engine, own: CallId) -> bool {
        let Some(call) = engine.get_mut(own) else { return false };
        let (place, again) = (call.count as usize, u64::from(self.settings.queries));
        let Some(change) = self.in_hand.get_mut(place).and_then(Option::as_mut) else { return false };
        if !std::mem::take(&mut change.rejected) {
            return false;
        }
        call.note = again;
        self.counts.compensated += 1;
        true
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.up = true;
        engine.hold(self.host, self.settings.process_memory.0 as f64);
        self.apply(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.up = false;
        self.busy = 0;
        self.forming.clear();
        self.syncing.clear();
        self.sync = None;
        let mut back: Vec<Change> = self.in_hand.drain(..).flatten().collect();
        sort(&mut back, |one, other| (one.accepted, one.request) < (other.accepted, other.request));
        back.into_iter().rev().for_each(|change| self.changes.push_front(change));
        self.in_hand_count = 0;
        engine.clear_timer(self.drain);
        engine.hold(self.host, -(self.settings.process_memory.0 as f64));
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if self.backlog() + self.busy as usize >= self.settings.bound as usize {
            self.counts.refused += 1;
            engine.answer(id, Err(Cause::Refused));
            return;
        }
        self.busy += 1;
        engine.serves(id);
        let demand_ns = engine.demand_ns(&self.demand, &mut self.demands.draw(call.request));
        engine.compute(id, self.host, demand_ns);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        if self.sync == Some(id) {
            self.written(engine, id);
            return;
        }
        let Some(call) = engine.get(id).copied() else { return };
        if self.luck.draw(call.request << 1).chance(self.settings.invalid) {
            self.busy = self.busy.saturating_sub(1);
            self.counts.turned_away += 1;
            engine.answer(id, Ok(()));
            return;
        }
        self.forming.push_back(id);
        self.write_down(engine);
    }

    fn answered(&mut self, engine: &mut Engine, own: CallId, reply: &Reply) {
        let queries_left = engine.get(own).is_some_and(|call| call.note > 0);
        match reply.answer {
            Ok(()) if queries_left || self.undo(engine, own) => self.query(engine, own),
            Ok(()) => self.applied(engine, own),
            Err(_) => {
                self.counts.repeated += 1;
                if let Some(change) = self.let_go(engine, own) {
                    self.changes.push_front(change);
                }
                self.next = self.next.max(engine.now().saturating_add(self.settings.retry.ns()));
            }
        }
        self.apply(engine);
    }

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        self.apply(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Journal(settings) = settings else { return };
        let (more, larger) = (
            settings.process_memory.0 as f64 - self.settings.process_memory.0 as f64,
            settings.change.0 as f64 - self.settings.change.0 as f64,
        );
        self.settings = *settings;
        self.demand = Sampler::new(&settings.demand);
        // The file's changes are taken for as large as the new ones, so that what is given back was taken.
        engine.store(self.host, larger * self.backlog() as f64);
        // A rate that was slow must not hold up one that is not.
        self.next = self.next.min(engine.now().saturating_add(self.settings.retry.ns()));
        if self.up {
            engine.hold(self.host, more);
            self.apply(engine);
        }
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = if on { self.stuck + 1 } else { self.stuck.saturating_sub(1) };
            self.apply(engine);
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let counts = &self.counts;
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let count = |number: u64| MetricReading::Count(number as f64);
        add("backlog", Unit::Count, MetricReading::Gauge(self.backlog() as f64));
        let in_hand = self.in_hand.iter().flatten();
        let oldest = self.changes.front().into_iter().chain(in_hand).map(|change| change.accepted).min();
        let oldest_ns = oldest.map_or(0, |accepted| engine.now() - accepted);
        add("oldest", Unit::Seconds, MetricReading::Gauge(oldest_ns as f64 / SECOND_NS as f64));
        add("accepted", Unit::Count, count(counts.accepted));
        add("applied", Unit::Count, count(counts.applied));
        add("delay", Unit::Seconds, MetricReading::Ratio(counts.delay_s, counts.applied as f64));
        add("compensated", Unit::Count, count(counts.compensated));
        add("turned_away", Unit::Count, count(counts.turned_away));
        add("refused", Unit::Count, count(counts.refused));
        add("repeated", Unit::Count, count(counts.repeated));
        let accepted = counts.accepted as f64;
        add("changes_per_sync", Unit::Number, MetricReading::Ratio(accepted, counts.syncs as f64));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: self.backlog() as u32,
            waiting_most: self.settings.bound,
            in_service: self.busy,
            in_service_most: 0,
            up: true,
        }
    }

    fn memory_bytes(&self) -> f64 {
        if self.up { self.settings.process_memory.0 as f64 } else { 0.0 }
    }

    fn restart_ns(&self) -> Nanos {
        self.settings.restart.ns()
    }
}

#[cfg(test)]
mod tests;
