//! What databases and their replicas have in common: connections, the way of a query from processor to disk to the other
//! copies, and memory.

use super::replication::{CHANGE, Replication};
use super::slots::Slots;
use super::{COMMIT, Place};
use crate::engine::Engine;
use crate::engine::calls::{Call, CallId};
use crate::engine::ledger::Log;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Demand};

/// One write of the log that serves every commit that waits for it.
const FLUSH: u8 = 24;

/// The settings that they have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    pub(super) connections: u32,
    pub(super) memory_bytes: f64,
    pub(super) connection_bytes: f64,
    pub(super) group_commit: bool,
    /// Copies whose word a commit waits for, and for how long.
    pub(super) synchronous: u32,
    pub(super) patience: Duration,
}

/// What a query still has to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    /// Processor time.
    pub(super) demand_ns: f64,
    /// Time at the disk in one piece.
    pub(super) scan_ns: Nanos,
    /// Pages to read.
    pub(super) pages: u32,
    /// Look-ups that follow, each a round trip to the app and this much processor time.
    pub(super) lookups: u32,
    pub(super) lookup_ns: f64,
    /// Writes that the disk must hold.
    pub(super) writes: u64,
    /// Rows that it adds, and their bytes.
    pub(super) new_rows: f64,
    pub(super) new_bytes: f64,
    /// Time until a majority of the nodes agrees.
    pub(super) consensus_ns: Nanos,
    /// Its answer is out of date.
    pub(super) stale: bool,
    /// It changes something, and that is not safe yet.
    pub(super) change: bool,
    /// A look-up is on its way back to the app and here again.
    pub(super) travels: bool,
}

/// Connections, plans, and what was written.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) node: u16,
    pub(super) host: u32,
    limits: Limits,
    commits: Stream,
    /// Connections in use.
    busy: u32,
    memory_bytes: f64,
    /// Whether its process runs, and holds memory.
    running: bool,
    /// By a call's `count`.
    plans: Slots<Plan>,
    /// Commits that wait for the next write of the log, and those that are in the present one.
    joining: Vec<CallId>,
    flushing: Vec<CallId>,
    flushes: bool,
    pub(super) replication: Replication,
    /// Whether others ask what was changed here, even where nobody is told.
    pub(super) shared: bool,
    /// Bytes of rows on the disk.
    stored_bytes: f64,
}

impl Storage {
    pub(super) fn new(limits: Limits, place: &Place, apply: &Demand, engine: &Engine) -> Self {
        Self {
            node: place.node,
            host: place.host.unwrap_or_default(),
            limits,
            commits: engine.stream(&place.name, "commit"),
            busy: 0,
            memory_bytes: 0.0,
            running: false,
            plans: Slots::default(),
            joining: Vec::new(),
            flushing: Vec::new(),
            flushes: false,
            replication: Replication::new(place, apply, engine),
            shared: false,
            stored_bytes: 0.0,
        }
    }

    pub(super) fn start(&mut self, engine: &mut Engine) {
        self.running = true;
        self.hold(engine, self.limits.memory_bytes);
    }

    pub(super) fn stop(&mut self, engine: &mut Engine) {
        self.busy = 0;
        self.plans.clear();
        self.joining.clear();
        self.flushing.clear();
        self.flushes = false;
        self.replication.stop(engine);
        self.running = false;
        self.hold(engine, -self.memory_bytes);
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    pub(super) fn configure(&mut self, engine: &mut Engine, limits: Limits) {
        let each_bytes = limits.connection_bytes - self.limits.connection_bytes;
        let idle_bytes = limits.memory_bytes - self.limits.memory_bytes;
        self.limits = limits;
        if self.running {
            self.hold(engine, idle_bytes + each_bytes * f64::from(self.busy));
        }
    }

    /// The rows take so many bytes of the disk from now on, or as many as there is room for.
    pub(super) fn occupy(&mut self, engine: &mut Engine, bytes: f64) {
        if engine.store(self.host, bytes - self.stored_bytes) {
            self.stored_bytes = bytes;
        } else {
            self.stored_bytes += engine.fill_disk(self.host);
        }
    }

    /// The number of a query's draws: that of its request, and which of the request's queries it is.
    pub(super) fn draw_number(engine: &Engine, call: &Call) -> u64 {
        let query = engine.get(call.parent).map_or(0, |parent| u64::from(parent.step));
        (call.number() << 16) | query
    }

    /// Disk writes of one query: the whole part of the mean always, one more with the probability of the rest; one at least
    /// where it is to commit.
    pub(super) fn writes(&self, call: &Call, mean: f64, number: u64) -> u64 {
        let whole = mean as u64;
        let more = self.commits.draw(number).chance(mean - whole as f64);
        (whole + u64::from(more)).max(u64::from(call.verb == COMMIT))
    }

    /// Whether a connection is free; a call that finds none is refused.
    pub(super) fn admits(&self, engine: &mut Engine, id: CallId) -> bool {
        let free = self.busy < self.limits.connections;
        if !free {
            engine.answer(id, Err(Cause::Refused));
        }
        free
    }

    /// A connection takes the call.
    pub(super) fn take(&mut self, engine: &mut Engine, id: CallId, plan: Plan) {
        self.busy += 1;
        let index = self.plans.take(plan);
        if let Some(call) = engine.get_mut(id) {
            call.count = index;
        }
        engine.serve(id, self.host, plan.demand_ns);
        self.hold(engine, self.limits.connection_bytes);
    }

    /// A call is done with what it did; it goes on. False when the call is not a query.
    pub(super) fn served(&mut self, engine: &mut Engine, id: CallId) -> bool {
        let Some(call) = engine.get(id) else { return true };
        let verb = call.verb;
        if verb >= CHANGE && self.replication.served(engine, id) {
            self.finish_ready(engine);
            return true;
        }
        if verb == FLUSH {
            engine.finish(id);
            self.flushed(engine);
            return true;
        }
        if verb > FLUSH {
            return false;
        }
        self.go_on(engine, id);
        true
    }

    /// Calls that waited for the others' word go on.
    pub(super) fn finish_ready(&mut self, engine: &mut Engine) {
        while let Some(ready) = self.replication.next_ready() {
            if engine.get(ready).is_some() {
                self.finish(engine, ready, Ok(()));
            }
        }
    }

    fn go_on(&mut self, engine: &mut Engine, id: CallId) {
        let Some(&Call { count, link, .. }) = engine.get(id) else { return };
        let Some(plan) = self.plans.get_mut(count) else { return };
        if plan.scan_ns > 0 {
            let scan_ns = std::mem::take(&mut plan.scan_ns);
            engine.use_disk(id, self.host, scan_ns);
        } else if plan.pages > 0 {
            plan.pages -= 1;
            engine.write(id, self.host);
        } else if plan.lookups > 0 {
            plan.travels = !plan.travels;
            if plan.travels {
                engine.pause(id, 2 * engine.latency_ns(link));
            } else {
                plan.lookups -= 1;
                engine.compute(id, self.host, plan.lookup_ns);
            }
        } else if plan.writes > 0 {
            self.write(engine, id, count);
        } else if plan.consensus_ns > 0 {
            let consensus_ns = std::mem::take(&mut plan.consensus_ns);
            engine.pause(id, consensus_ns);
        } else if plan.change {
            self.commit(engine, id, count);
        } else {
            self.finish(engine, id, Ok(()));
        }
    }

    /// Writes the log once, alone or with others.
    fn write(&mut self, engine: &mut Engine, id: CallId, index: u32) {
        let plan = &mut self.plans[index];
        let bytes = std::mem::take(&mut plan.new_bytes);
        // The log needs room as well, even where no row is added.
        if engine.hosts()[self.host as usize].disk_full() || !engine.store(self.host, bytes) {
            self.finish(engine, id, Err(Cause::DiskFull));
            return;
        }
        self.stored_bytes += bytes;
        if !self.limits.group_commit {
            plan.writes -= 1;
            engine.write(id, self.host);
            return;
        }
        plan.writes = 0;
        self.joining.push(id);
        if !self.flushes {
            self.flush(engine);
        }
    }

    /// Begins a write of the log for all that wait for one.
    fn flush(&mut self, engine: &mut Engine) {
        std::mem::swap(&mut self.joining, &mut self.flushing);
        let first = self.flushing.first().copied();
        let request = first.and_then(|first| engine.get(first)).map_or(0, |call| call.request);
        let own = engine.begin_own(request, Class::Write, self.node, None);
        if let Some(call) = engine.get_mut(own) {
            call.verb = FLUSH;
        }
        self.flushes = true;
        // Any number of changes fits.
        engine.write_with_room(own, self.host, 1.0);
    }

    fn flushed(&mut self, engine: &mut Engine) {
        self.flushes = false;
        for index in 0..self.flushing.len() {
            self.go_on(engine, self.flushing[index]);
        }
        self.flushing.clear();
        if !self.joining.is_empty() && !self.flushes {
            self.flush(engine);
        }
    }

    /// The change is safe here; the others are told, and perhaps waited for.
    fn commit(&mut self, engine: &mut Engine, id: CallId, index: u32) {
        let plan = &mut self.plans[index];
        plan.change = false;
        let (rows, bytes) = (plan.new_rows, self.stored_bytes);
        if self.shared || self.replication.has_peers() {
            let Limits { synchronous, patience, .. } = self.limits;
            if self.replication.commit(engine, id, synchronous, patience) {
                self.grow(engine, rows, bytes);
                return;
            }
        } else {
            engine.log_of_mut(self.node).position += 1;
        }
        self.grow(engine, rows, bytes);
        self.finish(engine, id, Ok(()));
    }

    /// Has the rows of another, or a share of them: for whoever copies them from here, and for the day on which this is the
    /// primary. Their place on the disk is not counted.
    pub(super) fn mirror(&mut self, engine: &mut Engine, of: Log, share: f64) {
        let log = engine.log_of_mut(self.node);
        (log.rows, log.bytes) = (of.rows * share, of.bytes * share);
        self.stored_bytes = log.bytes;
    }

    fn grow(&self, engine: &mut Engine, rows: f64, bytes: f64) {
        let log = engine.log_of_mut(self.node);
        log.rows += rows;
        log.bytes = bytes;
    }

    fn finish(&mut self, engine: &mut Engine, id: CallId, answer: Result<(), Cause>) {
        if let Some(call) = engine.get_mut(id) {
            let index = call.count;
            call.stale |= self.plans.get(index).is_some_and(|plan| plan.stale);
            self.plans.leave(index);
        }
        engine.answer(id, answer);
        self.busy -= 1;
        self.hold(engine, -self.limits.connection_bytes);
    }

    /// Connections in use, and how many there are.
    pub(super) fn connections(&self) -> (u32, u32) {
        (self.busy, self.limits.connections)
    }

    pub(super) fn memory_bytes(&self) -> f64 {
        self.memory_bytes
    }
}
