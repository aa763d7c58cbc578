//! A relational database: processes that run queries, and a disk that must hold what was written.

use super::flow::{Ask, Context, Flow, Held};
use super::{About, Behaviour, Kind, NodeGauge, Place};
use crate::engine::Engine;
use crate::engine::calls::{Call, CallId};
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::settings;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, PerClass, Workload};

/// What the model of the database does.
pub const ABOUT: About = About {
    name: "Database",
    summary: "Keeps the rows, finds them again, and says a change is safe only when the disk holds it.",
    models: &[
        "A query shares the machine's processors equally with everything else that runs there (processor sharing).",
        "A change waits until the disk holds its log record; the disk serves one synchronous write after another.",
        "Every connection holds memory, and there is a most of them.",
        "On a full disk changes fail; what is there can still be read.",
    ],
    leaves_out: &["Locks between changes of the same row.", "Group commit.", "Rows that are not in memory."],
    hosted: true,
    origin: false,
    calls: &[Kind::Replica, Kind::Database],
};

settings! {
    /// Settings of a database.
    pub struct Settings {
        /// Processor time of one query.
        demand: PerClass<Demand> = PerClass([
                Demand::NONE,
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(2)),
                Demand::exponential(Duration::from_ms(4)),
            ]), 0.0..=600.0,
            "Assumed: rows found by an index and joined; calibrate your own with loadgen";
        /// Synchronous disk writes of one query.
        writes: PerClass<f64> = PerClass([0.0, 0.0, 0.4, 0.1]), 0.0..=1000.0,
            "Of three queries of a change one commits; a job commits once in ten queries";
        /// Connections that are served at once. One more is refused.
        connections: u32 = 100, 1.0..=1_000_000.0,
            "PostgreSQL's documentation: max_connections is 100 by default";
        /// Memory of the server when idle, its page cache of rows included.
        memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "PostgreSQL's documentation: shared_buffers is 128 MB by default; the rest is its processes";
        /// Memory that each connection in use holds.
        memory_per_connection: Bytes = Bytes(5_000_000), 0.0..=1e12,
            "Assumed: one PostgreSQL process with a warm catalogue cache and work_mem of 4 MB";
        /// How long a killed server takes until it answers again.
        restart: Duration = Duration::from_s(15), 0.0..=86_400.0,
            "Assumed: crash recovery of a small write-ahead log";
    }
}

/// A database at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    host: u32,
    demand: [Sampler; 4],
    demands: Stream,
    commits: Stream,
    /// Connections in use.
    busy: u32,
    memory_bytes: f64,
}

/// What theory is told of the database.
pub(super) fn flow(settings: &Settings, class: Class, _: &Context<'_>) -> Flow {
    let asks = vec![
        Ask::Compute { demand: *settings.demand.get(class), count: 1, chance: 1.0 },
        Ask::Disk { mean_count: *settings.writes.get(class), each: None },
    ];
    let Settings { memory, memory_per_connection, connections, .. } = *settings;
    let held = Held { idle: memory, each: memory_per_connection, most: connections };
    Flow { asks, memory: Some(held), ..Flow::default() }
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        Self {
            demand: settings.demand.0.map(|demand| Sampler::new(&demand)),
            settings: settings.clone(),
            node: place.node,
            host: place.host.unwrap_or_default(),
            demands: engine.stream(&place.name, "demand"),
            commits: engine.stream(&place.name, "commit"),
            busy: 0,
            memory_bytes: 0.0,
        }
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    /// The number of a query's draws: that of its request, and which of the request's queries it is.
    fn draw_number(engine: &Engine, call: &Call) -> u64 {
        let query = engine.get(call.parent).map_or(0, |parent| u64::from(parent.step));
        (call.number() << 16) | query
    }

    /// Disk writes of one query: the whole part of the mean always, one more with the probability of the rest.
    fn writes(&self, engine: &Engine, call: &Call) -> u64 {
        let mean = *self.settings.writes.get(call.class);
        let whole = mean as u64;
        let more = self.commits.draw(Self::draw_number(engine, call)).chance(mean - whole as f64);
        whole + u64::from(more)
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        engine.presence_mut(self.node).primary = true;
        self.hold(engine, self.settings.memory.0 as f64);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.busy = 0;
        self.hold(engine, -self.memory_bytes);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if self.busy >= self.settings.connections {
            engine.answer(id, Err(Cause::Refused));
            return;
        }
        self.busy += 1;
        engine.serves(id);
        let sampler = self.demand[call.class as usize];
        let demand_ns = engine.demand_ns(&sampler, &mut self.demands.draw(Self::draw_number(engine, &call)));
        let writes = self.writes(engine, &call);
        if let Some(call) = engine.get_mut(id) {
            call.note = writes;
        }
        engine.compute(id, self.host, demand_ns);
        self.hold(engine, self.settings.memory_per_connection.0 as f64);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get_mut(id) else { return };
        let mut answer = Ok(());
        if call.note > 0 {
            call.note -= 1;
            if !engine.hosts()[self.host as usize].disk_full() {
                engine.write(id, self.host);
                return;
            }
            answer = Err(Cause::DiskFull);
        }
        engine.answer(id, answer);
        self.busy -= 1;
        self.hold(engine, -(self.settings.memory_per_connection.0 as f64));
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Database(settings) = settings else { return };
        let running = self.memory_bytes > 0.0;
        let each_bytes = settings.memory_per_connection.0 as f64 - self.settings.memory_per_connection.0 as f64;
        let idle_bytes = settings.memory.0 as f64 - self.settings.memory.0 as f64;
        self.demand = settings.demand.0.map(|demand| Sampler::new(&demand));
        self.settings = settings.clone();
        if running {
            self.hold(engine, idle_bytes + each_bytes * f64::from(self.busy));
        }
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: 0,
            waiting_most: 0,
            in_service: self.busy,
            in_service_most: self.settings.connections,
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
