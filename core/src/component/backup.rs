//! A backup job: copies the rows now and then, and brings them back when the server is gone.

mod theory;

use std::collections::VecDeque;

use super::glance::Glance;
use super::{About, Behaviour, Kind, Metric, MetricReading, PUT, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::{Engine, Order, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos, SECOND_NS};
use crate::workload::{Class, Workload};

pub(super) use theory::flow;

/// What the model does.
pub const ABOUT: About = About {
    name: "Backup",
    summary: "Copies the rows now and then to another place, and brings them back when the server is gone.",
    models: &[
        "A backup reads the disk and compresses on the processors of the server that it is taken from, in pieces, no faster than its rate allows; everybody else there waits longer meanwhile.",
        "Backups lie in the object store that is linked; without one on the server itself, where they are gone with it.",
        "When the server's machine is gone, everything that was changed since the last good backup is lost. A new machine is got, the backup is loaded, and the processes start.",
        "A backup that cannot be restored looks like any other until somebody tries: the restore test tries each one, and has a bad one made again; without it the restore finds out, one backup after another.",
        "An incremental backup copies what has changed since the one before, and is worth nothing without all of them back to the last full one.",
    ],
    also: &[],
    leaves_out: &[
        "The machine that tests a restore.",
        "The log archive that could bring back what was changed after the backup.",
        "Loss of the primary while backups are taken from a replica: the replica takes over.",
    ],
    hosted: false,
    origin: true,
    calls: &[Kind::Database, Kind::Replica, Kind::ObjectStore],
    glance: &[
        Glance::seconds("recovery_point", "Newest is").most(),
        Glance::count("rows_at_risk", "Rows at risk"),
        Glance::count("rows_lost", "lost").at_head(),
    ],
};

settings! {
    /// Settings of a backup job.
    pub struct Settings {
        /// Time from the start of one backup to the start of the next; 0 for no backups.
        interval: Duration = Duration::from_s(86_400), 0.0..=31_536_000.0,
            "Assumed: every night";
        /// Whether only what has changed is copied.
        incremental: bool = false, 0.0..=1.0,
            "pg_dump and a provider's snapshots by hand are full";
        /// Incremental backups: every how many is a full one.
        full_every: u32 = 7, 1.0..=10_000.0,
            "Assumed: one full backup a week";
        /// Most bytes that are read in a second; 0 for as fast as it goes.
        rate: Bytes = Bytes(0), 0.0..=1e12,
            "None unless set; pg_basebackup has --max-rate";
        /// Bytes a second that the disk reads in sequence.
        disk_rate: Bytes = Bytes(125_000_000), 1.0..=1e12,
            "AWS EBS gp3: 125 MiB/s of throughput unless more is paid for";
        /// Processor time of compressing a megabyte.
        compression: Duration = Duration::from_ms(20), 0.0..=10.0,
            "Assumed: gzip at some 50 MB/s, pg_dump's default";
        /// Size of a backup against the rows and indexes that it is made of.
        ratio: f64 = 0.3, 0.001..=10.0,
            "Assumed: text compresses to a third, and indexes are not copied";
        /// Bytes a second between the server and the object store.
        bandwidth: Bytes = Bytes(50_000_000), 1.0..=1e12,
            "Assumed: 400 Mbit/s of a small machine's network";
        /// Whether every backup is restored somewhere to see whether it can be.
        restore_test: bool = false, 0.0..=1.0,
            "Most people find out when they need it";
        /// Backups that are kept.
        keep: u32 = 7, 1.0..=10_000.0,
            "A week of them";
        /// Whether the server is restored when its machine is gone.
        restores: bool = true, 0.0..=1.0,
            "Somebody will";
        /// How long it takes until somebody has noticed that it is gone.
        notice: Duration = Duration::from_s(300), 0.0..=864_000.0,
            "Assumed: five minutes, with a monitor; without one until morning";
        /// How long a new machine takes, with everything installed.
        provision: Duration = Duration::from_s(600), 0.0..=864_000.0,
            "Assumed: a script installs it; by hand it takes hours";
        /// Bytes a second of a backup that a database loads.
        load_rate: Bytes = Bytes(10_000_000), 1.0..=1e12,
            "Assumed: pg_restore writes rows and builds indexes anew";
    }
}

/// What is known of a backup.
#[derive(Clone, Copy, Debug, Default)]
struct Copy {
    /// When it was begun: what came later is not in it.
    at: Nanos,
    /// Changes and rows that the database had then.
    position: u64,
    rows: f64,
    bytes: f64,
}

/// A backup that is being made.
#[derive(Clone, Copy, Debug)]
struct Running {
    call: CallId,
    copy: Copy,
    full: bool,
    /// Bytes to read in all, of one piece, and read so far.
    total: f64,
    piece: f64,
    done: f64,
    corrupt: bool,
    tested: bool,
}

/// The backup job at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    /// The node that it copies, over this edge.
    source: Option<(u16, u16)>,
    store: Option<u16>,
    next: Slot,
    look: Slot,
    running: Option<Running>,
    /// The last backup that can be restored; the last that anybody has made.
    good: Option<Copy>,
    last: Option<Copy>,
    /// Whether the chain of incremental backups is whole.
    chain: bool,
    made: u32,
    /// Backups since the last good one that cannot be restored, though nobody knows.
    bad: u32,
    sizes: VecDeque<f64>,
    local_bytes: f64,
    corrupting: bool,
    stuck: bool,
    /// When the server was lost, and when it is back.
    lost: Option<(Nanos, Nanos)>,
    rows_lost: f64,
    recovered_in: f64,
    completed: u64,
    failed: u64,
}

const NEXT: u8 = 0;
const LOOK: u8 = 1;
/// Most pieces of a backup, and bytes of the smallest.
const PIECES: f64 = 500.0;
const PIECE: f64 = 4e6;
/// Most backups that are tried at a restore.
const TRIES_MOST: u32 = 100;
/// Price of a gigabyte and month: Amazon S3 Standard, us-east-1, first 50 TB.
const DOLLARS_PER_GB: f64 = 0.023;

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let next = engine.add_timer(Timer { node: place.node, which: NEXT });
        let look = engine.add_timer(Timer { node: place.node, which: LOOK });
        let replica = place.edges.iter().find(|way| way.kind == Kind::Replica);
        let source = replica.or(place.edges.iter().find(|way| way.kind == Kind::Database));
        Self {
            node: place.node,
            source: source.map(|way| (way.node, way.edge)),
            store: place.edges_to(Kind::ObjectStore).first().copied(),
            next,
            look,
            running: None,
            good: None,
            last: None,
            chain: false,
            made: 0,
            bad: 0,
            sizes: VecDeque::new(),
            local_bytes: 0.0,
            corrupting: false,
            stuck: false,
            lost: None,
            rows_lost: 0.0,
            recovered_in: 0.0,
            completed: 0,
            failed: 0,
            settings: *settings,
        }
    }

    fn await_next(&self, engine: &mut Engine, from: Nanos) {
        match self.settings.interval.ns() {
            0 => engine.clear_timer(self.next),
            interval_ns => engine.set_timer(self.next, from.saturating_add(interval_ns).max(engine.now())),
        }
    }

    /// The machine that is copied, while it can be.
    fn host(&self, engine: &Engine) -> Option<u32> {
        let (node, edge) = self.source?;
        let there = engine.presence(node);
        there.host.filter(|_| there.up && !engine.is_cut(edge))
    }

    fn begin(&mut self, engine: &mut Engine) {
        let Some((node, edge)) = self.source else { return };
        if self.running.is_some() || self.stuck || self.lost.is_some() {
            return;
        }
        if self.host(engine).is_none() {
            self.failed += 1;
            return;
        }
        let full = !self.settings.incremental
            || self.last.is_none()
            || self.made.is_multiple_of(self.settings.full_every.max(1));
        let log = engine.log_of(node);
        let mut total = log.bytes;
        if let Some(last) = self.last.filter(|_| !full) {
            let changed = log.position.saturating_sub(last.position) as f64;
            total = (log.bytes / log.rows.max(1.0) * changed).min(log.bytes);
        }
        let call = engine.begin_own(u64::from(self.made), Class::Job, self.node, None);
        let bytes = total * self.settings.ratio;
        let copy = Copy { at: engine.now(), position: log.position, rows: log.rows, bytes };
        let piece = (total / PIECES).max(PIECE).min(total);
        let (done, corrupt, tested) = (0.0, self.corrupting, false);
        self.running = Some(Running { call, copy, full, total, piece, done, corrupt, tested });
        self.made += 1;
        engine.cross(call, edge, false);
    }

    /// It comes to nothing.
    fn give_up(&mut self, engine: &mut Engine) {
        if let Some(running) = self.running.take() {
            engine.finish(running.call);
            self.failed += 1;
        }
    }

    /// The next part of a piece: read, compress, send; then the wait that the rate asks for.
    fn go_on(&mut self, engine: &mut Engine, id: CallId) {
        let (Some(mut running), Some(host)) = (self.running, self.host(engine)) else {
            self.give_up(engine);
            return;
        };
        running.corrupt |= self.corrupting;
        self.running = Some(running);
        let Some(call) = engine.get_mut(id) else { return };
        let (step, begun) = (call.step, call.begun);
        call.step = (step + 1) % 4;
        let piece = running.piece;
        match step {
            0 if running.done >= running.total => self.deliver(engine, running),
            0 => engine.use_disk(id, host, nanos(piece, self.settings.disk_rate)),
            1 => engine.compute(id, host, piece / 1e6 * self.settings.compression.ns() as f64),
            2 if self.store.is_some() => {
                let sent_ns = nanos(piece * self.settings.ratio, self.settings.bandwidth);
                engine.pause(id, sent_ns);
            }
            2 => engine.use_disk(id, host, nanos(piece * self.settings.ratio, self.settings.disk_rate)),
            _ => {
                running.done += piece;
                self.running = Some(running);
                let rate = self.settings.rate;
                let due = if rate.0 == 0 { 0 } else { begun.saturating_add(nanos(running.done, rate)) };
                engine.pause(id, due.saturating_sub(engine.now()));
            }
        }
    }

    /// All of it has been read; it is put where backups lie.
    fn deliver(&mut self, engine: &mut Engine, running: Running) {
        if running.tested {
            self.complete(engine, running);
            return;
        }
        match self.store {
            Some(edge) => {
                let timeout = self.settings.interval.ns().max(60 * SECOND_NS);
                if let Some(child) = engine.call(edge, running.call, timeout) {
                    child.verb = PUT;
                }
            }
            None => self.delivered(engine),
        }
    }

    fn delivered(&mut self, engine: &mut Engine) {
        let Some(mut running) = self.running else { return };
        if !self.keep(engine, running.copy.bytes) {
            self.give_up(engine);
            return;
        }
        if self.settings.restore_test {
            running.tested = true;
            self.running = Some(running);
            if let Some(call) = engine.get_mut(running.call) {
                call.step = 0;
            }
            engine.pause(running.call, nanos(running.copy.bytes, self.settings.load_rate));
        } else {
            self.complete(engine, running);
        }
    }

    fn complete(&mut self, engine: &mut Engine, running: Running) {
        engine.finish(running.call);
        self.running = None;
        if running.corrupt && running.tested {
            // The test has found out: another one is made at once.
            self.failed += 1;
            self.last = None;
            engine.set_timer(self.next, engine.now() + SECOND_NS);
            return;
        }
        self.completed += 1;
        self.chain = !running.corrupt && (running.full || self.chain);
        // Whether the chain is whole nobody knows without a test: the next incremental one is made all the same.
        self.last = Some(running.copy);
        if self.chain {
            self.good = Some(running.copy);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
    }

    /// Another backup lies with the others; the oldest goes.
    fn keep(&mut self, engine: &mut Engine, bytes: f64) -> bool {
        self.sizes.push_back(bytes);
        if self.sizes.len() > self.settings.keep as usize {
            self.sizes.pop_front();
        }
        let (None, Some((node, _))) = (self.store, self.source) else { return true };
        let Some(host) = engine.presence(node).host else { return true };
        let local_bytes = self.sizes.iter().sum::<f64>();
        let fits = engine.store(host, local_bytes - self.local_bytes);
        if fits {
            self.local_bytes = local_bytes;
        } else {
            self.sizes.pop_back();
        }
        fits
    }

    /// Rows that would be lost with the server: what has changed since the last good backup.
    fn rows_at_risk(&self, engine: &Engine) -> f64 {
        let log = self.source.map(|(node, _)| engine.log_of(node)).unwrap_or_default();
        match self.good {
            Some(good) => log.position.saturating_sub(good.position) as f64,
            None => log.rows,
        }
    }

    /// How long it takes from the loss of the server until its processes start, in nanoseconds.
    fn recovery_ns(&self) -> Nanos {
        let Settings { notice, provision, bandwidth, load_rate, .. } = self.settings;
        // What lies on the server is gone with it.
        let restorable = self.good.filter(|_| self.store.is_some());
        let tries = f64::from(self.bad.min(TRIES_MOST)) + f64::from(u8::from(restorable.is_some()));
        // Incremental backups are loaded one after another; together they are at least as large as the last full one.
        let bytes = if self.store.is_none() { 0.0 } else { self.sizes.iter().copied().fold(0.0, f64::max) };
        let one_ns = nanos(bytes, bandwidth) + nanos(bytes, load_rate);
        notice.ns().saturating_add(provision.ns()).saturating_add((one_ns as f64 * tries) as Nanos)
    }

    /// Looks whether the server is still there.
    fn look(&mut self, engine: &mut Engine) {
        let Some((node, _)) = self.source else { return };
        let gone = engine.presence(node).lost;
        match self.lost {
            None if gone => {
                self.give_up(engine);
                let recovery_ns = self.recovery_ns();
                self.recovered_in = recovery_ns as f64 / SECOND_NS as f64;
                self.lost = Some((engine.now(), engine.now().saturating_add(recovery_ns)));
            }
            // It was off, and has come back with its disk.
            Some(_) if !gone => self.lost = None,
            Some((_, back)) if engine.now() >= back && self.settings.restores => {
                if self.store.is_none() {
                    // What lay on the server is gone with it.
                    self.good = None;
                    self.sizes.clear();
                }
                // What another copy has taken over is not lost with this one.
                if engine.presence(node).primary {
                    self.rows_lost += self.rows_at_risk(engine);
                }
                let rows = self.good.map_or(0.0, |good| good.rows);
                let log = engine.log_of_mut(node);
                log.bytes *= rows / log.rows.max(1.0);
                log.rows = rows;
                if let Some(good) = &mut self.good {
                    // Changes are counted on from here: those since the backup are gone for good.
                    good.position = log.position;
                }
                self.lost = None;
                (self.last, self.chain, self.bad) = (None, false, 0);
                engine.order(Order::Rebuild { node });
                self.await_next(engine, engine.now());
            }
            _ => {}
        }
    }
}

/// Time that so many bytes take at a rate a second.
fn nanos(bytes: f64, rate: Bytes) -> Nanos {
    (bytes / rate.0.max(1) as f64 * SECOND_NS as f64) as Nanos
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.await_next(engine, engine.now());
        engine.set_timer(self.look, engine.now().saturating_add(SECOND_NS));
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.running = None;
        engine.clear_timer(self.next);
        engine.clear_timer(self.look);
    }

    fn arrived(&mut self, engine: &mut Engine, call: CallId) {
        engine.answer(call, Ok(()));
    }

    fn answered(&mut self, engine: &mut Engine, _: CallId, reply: &Reply) {
        match reply.answer {
            Ok(()) => self.delivered(engine),
            Err(_) => self.give_up(engine),
        }
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        self.go_on(engine, id);
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        if which == LOOK {
            self.look(engine);
            engine.set_timer(self.look, engine.now().saturating_add(SECOND_NS));
            return;
        }
        self.await_next(engine, engine.now());
        self.begin(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Backup(settings) = settings else { return };
        let changed = settings.interval != self.settings.interval;
        self.settings = *settings;
        if changed {
            let from = self.last.map_or(engine.now(), |last| last.at);
            self.await_next(engine, from);
        }
    }

    fn fault(&mut self, _: &mut Engine, kind: &FaultKind, on: bool) {
        match kind {
            FaultKind::CorruptBackup => self.corrupting = on,
            FaultKind::Stuck => self.stuck = on,
            _ => {}
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let seconds = |ns: Nanos| ns as f64 / SECOND_NS as f64;
        let at_risk = self.rows_at_risk(engine);
        let point = engine.now() - self.good.map_or(0, |good| good.at);
        let stored = self.sizes.iter().sum::<f64>();
        add("recovery_point", Unit::Seconds, MetricReading::Gauge(seconds(point)));
        add("recovery_time", Unit::Seconds, MetricReading::Gauge(seconds(self.recovery_ns())));
        add("recovered_in", Unit::Seconds, MetricReading::Gauge(self.recovered_in));
        add("rows_at_risk", Unit::Count, MetricReading::Gauge(at_risk));
        add("rows_lost", Unit::Count, MetricReading::Count(self.rows_lost));
        add("stored", Unit::Bytes, MetricReading::Gauge(stored));
        add("dollars_per_month", Unit::Number, MetricReading::Gauge(stored / 1e9 * DOLLARS_PER_GB));
        add("backups", Unit::Count, MetricReading::Count(self.completed as f64));
        add("failed_backups", Unit::Count, MetricReading::Count(self.failed as f64));
    }
}
