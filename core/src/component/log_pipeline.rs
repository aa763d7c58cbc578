//! A log pipeline: collects the records of every server, indexes them, and finds them again.

use std::collections::VecDeque;

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::{About, Behaviour, Metric, MetricReading, NodeGauge, PUT, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::settings;
use crate::settings::Unit;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, Workload};

/// What the model of the log pipeline does.
pub const ABOUT: About = About {
    name: "Log pipeline",
    summary: "Gathers every server's log records in one place, and finds them again.",
    models: &[
        "Servers ship their records ten times a second; a server that ships waits for nothing.",
        "Records wait in a queue in memory until an indexer has time for them; what finds the queue full is lost.",
        "Indexing costs processor time for each record. The index lag is the age of the oldest record that cannot be found yet.",
        "Of the records a share may be kept, evenly at random in effect: what is rare is then found rarely.",
        "An index takes room on the machine's disk until its records are older than `retention`; what finds the disk full is lost.",
        "A search costs processor time in proportion to what is stored, and competes with indexing.",
    ],
    also: &[],
    leaves_out: &["Copies of the index.", "Compression and merging of index segments.", "A queue on disk."],
    hosted: true,
    origin: false,
    calls: &[],
    glance: &[Glance::seconds("index_lag", "Lag").most(), Glance::rate("lines_per_s", "Lines")],
};

settings! {
    /// Settings of a log pipeline.
    pub struct Settings {
        /// Records that may wait to be indexed. More are lost.
        queue: u32 = 500_000, 1.0..=1_000_000_000.0,
            "Assumed: half a gigabyte of records of 1 kB in memory";
        /// Threads that index.
        indexers: u32 = 4, 1.0..=1_000.0,
            "Assumed: one for each processor of a middling machine; Logstash's pipeline.workers is the number of processors";
        /// Processor time to parse and index one record.
        demand: Duration = Duration::from_ns(50_000), 0.0..=1.0,
            "Assumed: 20,000 records a second and processor; Elastic's nightly benchmark http_logs indexes of that order";
        /// Share of the records that is kept; the rest is thrown away before it is indexed.
        keep: f64 = 1.0, 0.0..=1.0,
            "All of them unless set";
        /// Bytes of index for each byte of log.
        expansion: f64 = 1.1, 0.01..=100.0,
            "Assumed: the record itself and its index, compressed; measure yours";
        /// How long records are kept.
        retention: Duration = Duration::from_s(14 * 86_400), 1.0..=315_360_000.0,
            "Assumed: two weeks";
        /// Processor time of a search, apart from what is stored.
        search: Duration = Duration::from_ms(50), 0.0..=600.0,
            "Assumed: parse, plan, and gather the answers";
        /// Processor time of a search for each gigabyte that is stored.
        search_per_gb: Duration = Duration::from_ms(20), 0.0..=600.0,
            "Assumed: an inverted index with the busy part in memory; a scan would cost a second";
        /// Memory of the process when idle.
        process_memory: Bytes = Bytes(1_000_000_000), 0.0..=1e15,
            "Elasticsearch's default heap used to be 1 GB";
        /// Memory that each waiting record holds.
        memory_per_record: Bytes = Bytes(1_000), 0.0..=1e9,
            "Assumed: about the record itself";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(30), 0.0..=86_400.0,
            "Assumed: open the indices and replay what was not yet written";
    }
}

/// Parts in which what is stored grows old.
const AGES: u64 = 64;

/// What a call of the pipeline's own, or one that it holds, is doing.
const INDEXING: u16 = 1;

/// Records that wait.
#[derive(Clone, Copy, Debug)]
struct Batch {
    arrived: Nanos,
    records: u64,
    bytes: f64,
}

/// A log pipeline at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    host: u32,
    waiting: VecDeque<Batch>,
    /// Records in `waiting`, and those that are being indexed.
    queued: u64,
    /// Batches that are being indexed, each with its call.
    indexing: Vec<(CallId, Batch)>,
    /// Bytes stored, by when they were: the front part is the oldest.
    stored: VecDeque<(Nanos, f64)>,
    stored_bytes: f64,
    memory_bytes: f64,
    /// Whether its process runs, and holds memory.
    running: bool,
    /// What is left over of a record when a share is kept.
    rest: f64,
    batches: u64,
    indexed: u64,
    lost: u64,
    skipped: u64,
    lag_s: f64,
    searches: u64,
    search_s: f64,
}

/// What theory is told of the log pipeline: nobody calls it. What its records ask of it [those say](record) who write
/// them.
pub(super) fn flow(_: &Settings, _: Class, _: &Context<'_>) -> Flow {
    Flow::default()
}

/// What one record asks of the pipelines that somebody is linked to, each of which gets an equal part.
pub(super) fn record(context: &Context<'_>) -> Vec<Ask> {
    let stage = context.stage;
    let links = stage.links.iter().filter(|link| link.from == context.component);
    let pipelines = links.filter_map(|link| match &stage.components[link.to].settings {
        super::Settings::LogPipeline(settings) => Some((link.to, settings)),
        _ => None,
    });
    let all: f64 = pipelines.clone().map(|(to, _)| f64::from(stage.components[to].copies)).sum();
    let ask = |(component, settings): (usize, &Settings)| {
        let chance = settings.keep * f64::from(stage.components[component].copies) / all;
        let ask = Box::new(Ask::Compute { demand: Demand::constant(settings.demand), count: 1, chance });
        Ask::At { component, ask }
    };
    pipelines.map(ask).collect()
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, _: &mut Engine) -> Self {
        Self {
            settings: *settings,
            node: place.node,
            host: place.host.unwrap_or_default(),
            waiting: VecDeque::new(),
            queued: 0,
            indexing: Vec::new(),
            stored: VecDeque::new(),
            stored_bytes: 0.0,
            memory_bytes: 0.0,
            running: false,
            rest: 0.0,
            batches: 0,
            indexed: 0,
            lost: 0,
            skipped: 0,
            lag_s: 0.0,
            searches: 0,
            search_s: 0.0,
        }
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    fn record_bytes(&self) -> f64 {
        self.settings.memory_per_record.0 as f64
    }

    /// Takes a shipped batch into the queue, as much of it as there is room for.
    fn take(&mut self, engine: &mut Engine, records: u64, bytes: f64) {
        let wanted = records as f64 * self.settings.keep + self.rest;
        let kept = (wanted as u64).min(records);
        self.rest = wanted - kept as f64;
        self.skipped += records - kept;
        let room = u64::from(self.settings.queue).saturating_sub(self.queued);
        let taken = kept.min(room);
        self.lost += kept - taken;
        if taken == 0 {
            return;
        }
        self.queued += taken;
        self.hold(engine, taken as f64 * self.record_bytes());
        let bytes = bytes * taken as f64 / records.max(1) as f64;
        self.waiting.push_back(Batch { arrived: engine.now(), records: taken, bytes });
        self.index(engine);
    }

    /// Gives waiting batches to idle indexers.
    fn index(&mut self, engine: &mut Engine) {
        while self.indexing.len() < self.settings.indexers as usize
            && let Some(batch) = self.waiting.pop_front()
        {
            self.batches += 1;
            let own = engine.begin_own(self.batches, Class::Job, self.node, None);
            if let Some(call) = engine.get_mut(own) {
                call.step = INDEXING;
            }
            self.indexing.push((own, batch));
            engine.compute(own, self.host, self.settings.demand.ns() as f64 * batch.records as f64);
        }
    }

    fn indexed(&mut self, engine: &mut Engine, own: CallId) {
        engine.finish(own);
        let Some(place) = self.indexing.iter().position(|(id, _)| *id == own) else { return };
        let (_, batch) = self.indexing.swap_remove(place);
        self.queued -= batch.records;
        self.hold(engine, -(batch.records as f64 * self.record_bytes()));
        self.forget_old(engine);
        let bytes = batch.bytes * self.settings.expansion;
        if engine.store(self.host, bytes) {
            self.indexed += batch.records;
            self.lag_s += batch.records as f64 * (engine.now() - batch.arrived) as f64 / 1e9;
            self.stored_bytes += bytes;
            let part_ns = self.settings.retention.ns() / AGES;
            match self.stored.back_mut().filter(|(since, _)| engine.now() - since < part_ns) {
                Some((_, stored)) => *stored += bytes,
                None => self.stored.push_back((engine.now(), bytes)),
            }
        } else {
            self.lost += batch.records;
        }
        self.index(engine);
    }

    /// What is older than the retention gives its room back.
    fn forget_old(&mut self, engine: &mut Engine) {
        let retention_ns = self.settings.retention.ns();
        while let Some((since, bytes)) = self.stored.front().copied()
            && engine.now() - since > retention_ns
        {
            self.stored.pop_front();
            self.stored_bytes -= bytes;
            engine.store(self.host, -bytes);
        }
    }

    /// Age of the oldest record that cannot be found yet.
    fn lag_ns(&self, now: Nanos) -> Nanos {
        let waiting = self.waiting.front().map(|batch| batch.arrived);
        let oldest = self.indexing.iter().map(|(_, batch)| batch.arrived).chain(waiting).min();
        oldest.map_or(0, |arrived| now - arrived)
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.running = true;
        self.hold(engine, self.settings.process_memory.0 as f64);
    }

    fn stop(&mut self, engine: &mut Engine) {
        // The queue is in memory. What is indexed is on the disk, and stays.
        self.lost += self.queued;
        self.queued = 0;
        self.waiting.clear();
        self.indexing.clear();
        self.running = false;
        self.hold(engine, -self.memory_bytes);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        engine.serves(id);
        if call.verb == PUT {
            self.take(engine, call.note, f64::from(call.count));
            engine.answer(id, Ok(()));
            return;
        }
        let Settings { search, search_per_gb, .. } = self.settings;
        let demand_ns = search.ns() as f64 + search_per_gb.ns() as f64 * self.stored_bytes / 1e9;
        engine.compute(id, self.host, demand_ns);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if call.step == INDEXING {
            self.indexed(engine, id);
            return;
        }
        self.searches += 1;
        self.search_s += (engine.now() - call.begun) as f64 / 1e9;
        let lag_ns = self.lag_ns(engine.now());
        if let Some(call) = engine.get_mut(id) {
            call.note = lag_ns;
        }
        engine.answer(id, Ok(()));
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::LogPipeline(settings) = settings else { return };
        let each_bytes = settings.memory_per_record.0 as f64 - self.record_bytes();
        let idle_bytes = settings.process_memory.0 as f64 - self.settings.process_memory.0 as f64;
        self.settings = *settings;
        if self.running {
            self.hold(engine, idle_bytes + each_bytes * self.queued as f64);
            self.forget_old(engine);
            self.index(engine);
        }
    }

    fn clean_up(&mut self, engine: &mut Engine) {
        engine.store(self.host, -self.stored_bytes);
        self.stored.clear();
        self.stored_bytes = 0.0;
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let seconds = engine.now() as f64 / 1e9;
        add("lines_per_s", Unit::PerSecond, MetricReading::Ratio(self.indexed as f64, seconds));
        add("index_lag", Unit::Seconds, MetricReading::Gauge(self.lag_ns(engine.now()) as f64 / 1e9));
        add("findable_after", Unit::Seconds, MetricReading::Ratio(self.lag_s, self.indexed as f64));
        add("lost", Unit::Count, MetricReading::Count(self.lost as f64));
        add("skipped", Unit::Count, MetricReading::Count(self.skipped as f64));
        add("stored", Unit::Bytes, MetricReading::Gauge(self.stored_bytes));
        if self.searches > 0 {
            add("search_time", Unit::Seconds, MetricReading::Ratio(self.search_s, self.searches as f64));
        }
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: self.queued.min(u64::from(u32::MAX)) as u32,
            waiting_most: self.settings.queue,
            in_service: self.indexing.len() as u32,
            in_service_most: self.settings.indexers,
            up: true,
        }
    }

    fn memory_bytes(&self) -> f64 {
        self.memory_bytes
    }

    fn restart_ns(&self) -> Nanos {
        self.settings.restart.ns()
    }
}
