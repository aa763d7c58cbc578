//! A read replica: a copy of a database that answers reads, and takes over when the primary is gone.

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::replication::{Promotion, TICK_NS};
use super::storage::{Limits, Plan, Storage};
use super::{About, Behaviour, ELSEWHERE, Kind, Metric, MetricReading, NodeGauge, Place};
use crate::choices;
use crate::engine::calendar::Slot;
use crate::engine::calls::{Call, CallId};
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, PerClass, Workload};

/// What the model does.
pub const ABOUT: About = About {
    name: "Read replica",
    summary: "A copy of a database that answers reads, a little behind, and takes over when the primary is gone.",
    models: &[
        "Every commit of the primary is sent over the link; one worker applies one change after another, so that the lag is a queue.",
        "A read of an item whose last change has not been applied is out of date: it is answered so, waits, or is sent on to the primary.",
        "When the primary's `synchronous` asks for it, a change is written to the disk here and acknowledged before the commit goes on.",
        "When no primary can be seen for a while, the replica that has received most takes over. What only the old primary had is lost and counted; it comes back as a replica.",
        "When two have taken changes because they could not see one another, the one that was promoted later stays; the other's changes since then are lost.",
        "What was on its way when the primary died is lost with it.",
        "A replica can keep a share of the items only; reads of the others are sent on.",
    ],
    also: &[],
    leaves_out: &[
        "Rows that are not in memory.",
        "Bytes of the change log on the link.",
        "Users: whoever reads an item is taken for who changed it.",
        "The copy of the whole database that a replica begins with, and needs again when it has fallen too far behind.",
    ],
    hosted: true,
    origin: false,
    calls: &[Kind::Database],
    glance: &[
        Glance::seconds("lag", "Lag").most(),
        Glance::share("stale_reads", "stale").beside(),
        Glance::count("lost_writes", "lost").at_head(),
    ],
};

choices! {
    /// What a replica does with a read that it would answer out of date.
    pub enum Behind {
        /// Answers it so.
        Stale = "stale",
        /// Lets it wait until the change is here.
        Wait = "wait",
        /// Sends it on to the primary.
        Primary = "primary",
    }
}

settings! {
    /// Settings of a read replica.
    pub struct Settings {
        /// Processor time of one query.
        demand: PerClass<Demand> = PerClass([
                Demand::NONE,
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(4)),
            ]), 0.0..=600.0,
            "As the database's own";
        /// Synchronous disk writes of one query, once it has been promoted.
        writes: PerClass<f64> = PerClass([0.0, 0.0, 0.4, 0.1]), 0.0..=1000.0,
            "As the database's own";
        /// Processor time of applying one change.
        apply: Demand = Demand::exponential(Duration::from_ms(1)), 0.0..=60.0,
            "Assumed: half of a query, for nothing is parsed or planned; PostgreSQL replays with one process";
        /// What it does with a read of something that changed and is not here yet.
        read_your_writes: Behind = Behind::Stale, 0.0..=2.0,
            "MySQL's and PostgreSQL's replicas answer with what they have";
        /// Longest wait of such a read, if it waits; then it is answered as it is.
        wait: Duration = Duration::from_s(1), 0.0..=600.0,
            "Assumed: MySQL's WAIT_FOR_EXECUTED_GTID_SET takes a timeout, without a default";
        /// Share of the items that are kept here: filtered replication.
        keeps: f64 = 1.0, 0.0..=1.0,
            "Everything unless set; MySQL's manual: replicate-do-table";
        /// Whether it takes over when no primary can be seen.
        promotes: bool = true, 0.0..=1.0,
            "Patroni or a cloud's failover does it; PostgreSQL alone does not";
        /// How long no primary must be seen before anything is done.
        detection: Duration = Duration::from_s(10), 0.0..=3600.0,
            "Assumed; Patroni's ttl, after which a lost primary is replaced, is 30 s by default";
        /// How long a promotion takes.
        promotion: Duration = Duration::from_s(20), 0.0..=3600.0,
            "AWS's documentation of Amazon RDS: failover of a Multi-AZ cluster is typically under 35 s";
        /// Connections that are served at once. One more is refused.
        connections: u32 = 100, 1.0..=1_000_000.0,
            "PostgreSQL's documentation: max_connections is 100 by default";
        /// Memory of the server when idle.
        process_memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "As the database's own";
        /// Memory that each connection in use holds.
        memory_per_connection: Bytes = Bytes(5_000_000), 0.0..=1e12,
            "As the database's own";
        /// How long a killed server takes until it answers again.
        restart: Duration = Duration::from_s(15), 0.0..=86_400.0,
            "As the database's own";
    }
}

/// A read that waits for a change.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    call: CallId,
    node: u16,
    number: u64,
    until: Nanos,
}

/// A read replica at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    storage: Storage,
    demand: [Sampler; 4],
    demands: Stream,
    look: Slot,
    waiting: Vec<Waiting>,
    reads: u64,
    stale: u64,
    waited: u64,
    sent_on: u64,
}

/// What theory is told of it.
pub(super) fn flow(settings: &Settings, class: Class, _: &Context<'_>) -> Flow {
    let asks = vec![Ask::Compute { demand: *settings.demand.get(class), count: 1, chance: 1.0 }];
    let mut caveats = Vec::new();
    if settings.read_your_writes != Behind::Stale {
        caveats.push("reads of what has just changed, a few in a hundred, as if they were answered at once".to_owned());
    }
    if settings.keeps < 1.0 {
        caveats.push("reads of what is not kept here as if it were".to_owned());
    }
    Flow { asks, caveats, ..Flow::default() }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        connections: settings.connections,
        memory_bytes: settings.process_memory.0 as f64,
        connection_bytes: settings.memory_per_connection.0 as f64,
        group_commit: false,
        synchronous: 0,
        patience: Duration::ZERO,
    }
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let look = engine.add_timer(Timer { node: place.node, which: 0 });
        let mut storage = Storage::new(limits(settings), &place, &settings.apply, engine);
        storage.replication.keeps = settings.keeps;
        Self {
            storage,
            demand: settings.demand.0.map(|demand| Sampler::new(&demand)),
            demands: engine.stream(&place.name, "demand"),
            look,
            waiting: Vec::new(),
            reads: 0,
            stale: 0,
            waited: 0,
            sent_on: 0,
            settings: *settings,
        }
    }

    fn plan(&self, engine: &Engine, call: &Call, primary: bool) -> Plan {
        let number = Storage::draw_number(engine, call);
        let demand_ns = engine.demand_ns(&self.demand[call.class as usize], &mut self.demands.draw(number));
        let mean = *self.settings.writes.get(call.class);
        let writes = if primary { self.storage.writes(call, mean, number) } else { 0 };
        Plan { demand_ns, writes, change: writes > 0, ..Plan::default() }
    }

    /// Keeps count of the rows that the primary has.
    fn mirror(&mut self, engine: &mut Engine) {
        if let Some(primary) = self.storage.replication.followed(engine) {
            self.storage.mirror(engine, primary, self.settings.keeps);
        }
    }

    /// Whether the item is among those that are kept here: a fixed choice for each item, the same on every replica.
    fn keeps(&self, engine: &Engine, request: u64) -> bool {
        if self.settings.keeps >= 1.0 {
            return true;
        }
        let spread = (engine.item(request, 0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24);
        spread < self.settings.keeps
    }

    /// Reads whose change has come are answered, and those that have waited long enough.
    fn release(&mut self, engine: &mut Engine) {
        let mut index = 0;
        while let Some(waiting) = self.waiting.get(index).copied() {
            let sees = self.storage.replication.sees(engine, waiting.node, waiting.number);
            if !sees && engine.now() < waiting.until {
                index += 1;
                continue;
            }
            self.waiting.remove(index);
            self.serve(engine, waiting.call, !sees);
        }
    }

    fn serve(&mut self, engine: &mut Engine, id: CallId, stale: bool) {
        if !self.storage.admits(engine, id) {
            return;
        }
        let Some(call) = engine.get(id) else { return };
        let primary = engine.presence(self.storage.node).primary;
        self.stale += u64::from(stale);
        let plan = Plan { stale, ..self.plan(engine, call, primary) };
        self.storage.take(engine, id, plan);
    }

    /// Sends a query on to the primary.
    fn send_on(&mut self, engine: &mut Engine, id: CallId) {
        self.sent_on += 1;
        if let Some(call) = engine.get_mut(id) {
            call.note = ELSEWHERE;
        }
        engine.answer(id, Ok(()));
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.storage.start(engine);
        self.storage.replication.start(engine, false);
        self.mirror(engine);
        engine.set_timer(self.look, engine.now().saturating_add(TICK_NS));
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.storage.stop(engine);
        self.waiting.clear();
        engine.clear_timer(self.look);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(&Call { request, class, .. }) = engine.get(id) else { return };
        if engine.presence(self.storage.node).primary {
            self.serve(engine, id, false);
            return;
        }
        if class != Class::Read {
            // A replica takes no changes, and whoever asks has not noticed that it is one.
            engine.answer(id, Err(Cause::Error));
            return;
        }
        self.reads += 1;
        if !self.keeps(engine, request) {
            self.send_on(engine, id);
            return;
        }
        match (self.storage.replication.unseen(engine, request), self.settings.read_your_writes) {
            (None, _) => self.serve(engine, id, false),
            (Some(_), Behind::Stale) => self.serve(engine, id, true),
            (Some(_), Behind::Primary) => self.send_on(engine, id),
            (Some((node, number)), Behind::Wait) => {
                self.waited += 1;
                let until = engine.now().saturating_add(self.settings.wait.ns());
                self.waiting.push(Waiting { call: id, node, number, until });
                engine.waits(id);
            }
        }
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        self.storage.served(engine, id);
        self.release(engine);
    }

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        let after = Duration::from_ns(self.settings.detection.ns().saturating_add(self.settings.promotion.ns()));
        self.storage.replication.look(engine, Promotion { on: self.settings.promotes, after });
        self.mirror(engine);
        self.storage.finish_ready(engine);
        self.release(engine);
        engine.set_timer(self.look, engine.now().saturating_add(TICK_NS));
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Replica(settings) = settings else { return };
        self.demand = settings.demand.0.map(|demand| Sampler::new(&demand));
        self.storage.configure(engine, limits(settings));
        self.storage.replication.set_apply(&settings.apply);
        self.storage.replication.keeps = settings.keeps;
        self.settings = *settings;
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.storage.replication.stick(engine, on);
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let replication = &self.storage.replication;
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let count = |number: u64| MetricReading::Count(number as f64);
        add("lag", Unit::Seconds, MetricReading::Gauge(replication.lag_s(engine)));
        let (seconds, changes) = replication.visible_after();
        add("visible_after", Unit::Seconds, MetricReading::Ratio(seconds, changes));
        add("backlog", Unit::Count, MetricReading::Gauge(replication.backlog() as f64));
        add("stale_reads", Unit::Number, MetricReading::Ratio(self.stale as f64, self.reads as f64));
        add("reads_sent_on", Unit::Count, count(self.sent_on));
        add("reads_that_waited", Unit::Count, count(self.waited));
        add("lost_writes", Unit::Count, count(replication.lost));
        add("conflicts", Unit::Count, count(replication.conflicts));
        let primary = engine.presence(self.storage.node).primary;
        add("primary", Unit::Switch, MetricReading::Gauge(f64::from(u8::from(primary))));
    }

    fn gauge(&self) -> NodeGauge {
        let (in_service, in_service_most) = self.storage.connections();
        let waiting = self.waiting.len() as u32;
        NodeGauge { waiting, waiting_most: 0, in_service, in_service_most, up: true }
    }

    fn memory_bytes(&self) -> f64 {
        self.storage.memory_bytes()
    }

    fn restart_ns(&self) -> Nanos {
        self.settings.restart.ns()
    }
}
