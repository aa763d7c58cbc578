//! An application server: workers that run the app's code and wait for its queries.

use std::collections::VecDeque;

use super::{About, Behaviour, Kind, NodeGauge, Place};
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Answer, Engine};
use crate::settings;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Demand, PerClass, Workload};

/// What the model of the application server does.
pub const ABOUT: About = About {
    name: "Application server",
    summary: "Runs the app's code: takes a request, works, asks the database, answers.",
    models: &[
        "A worker takes one request and keeps it until the answer is sent, also while it waits for the database.",
        "When every worker is taken, connections wait in the accept backlog; when that is full too, they are refused.",
        "Work shares the machine's processors equally with everything else that runs there (processor sharing).",
        "Every request in service holds memory. Past the machine's memory work slows down; past its swap the process is killed.",
    ],
    leaves_out: &["Garbage collection pauses.", "Locks inside the app."],
    hosted: true,
    calls: &[Kind::Database],
};

settings! {
    /// Settings of an application server.
    pub struct Settings {
        /// Requests that are worked on at once.
        workers: u32 = 32, 1.0..=100_000.0,
            "Threads of one process; Apache Tomcat's default is 200, Puma's 5 for each process";
        /// Connections that may wait for a worker. One more is refused.
        backlog: u32 = 128, 0.0..=1_000_000.0,
            "listen(2): SOMAXCONN was 128 until Linux 5.4, and many servers still ask for 128";
        /// Processor time of the app's own code.
        demand: PerClass<Demand> = PerClass([
                Demand::exponential(Duration::from_ns(300_000)),
                Demand::exponential(Duration::from_ms(12)),
                Demand::exponential(Duration::from_ms(15)),
                Demand::exponential(Duration::from_ms(120)),
            ]), 0.0..=600.0,
            "Assumed: an interpreted language with an object mapper; calibrate your own with loadgen";
        /// Queries that a request sends, one after another.
        queries: PerClass<u32> = PerClass([0, 2, 3, 10]), 0.0..=10_000.0,
            "Assumed: a session and a list to read; a session, a check and a change to write";
        /// Memory of the process when idle.
        memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "Assumed: an interpreter with a framework and its libraries loaded";
        /// Memory that each request in service holds.
        memory_per_request: Bytes = Bytes(4_000_000), 0.0..=1e12,
            "Assumed: a thread's stack in use, and the objects of one page";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(10), 0.0..=86_400.0,
            "Assumed: load the framework, open connections, warm up";
    }
}

/// An application server at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    host: u32,
    databases: Vec<u16>,
    demand: [Sampler; 4],
    demands: Stream,
    routes: Stream,
    /// Calls that hold a worker.
    busy: u32,
    waiting: VecDeque<CallId>,
    memory_bytes: f64,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        Self {
            demand: settings.demand.0.map(|demand| Sampler::new(&demand)),
            settings: settings.clone(),
            host: place.host.unwrap_or_default(),
            databases: place.edges_to(Kind::Database),
            demands: engine.stream(&place.name, "demand"),
            routes: engine.stream(&place.name, "route"),
            busy: 0,
            waiting: VecDeque::new(),
            memory_bytes: 0.0,
        }
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    /// A worker takes the call.
    fn take(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        self.busy += 1;
        engine.serves(id);
        // The whole demand is drawn at once and worked off in equal slices, before, between and after the queries.
        let slices = f64::from(self.queries(&call) + 1);
        let sampler = self.demand[call.class as usize];
        let slice_ns = engine.demand_ns(&sampler, &mut self.demands.draw(call.request)) / slices;
        if let Some(call) = engine.get_mut(id) {
            call.note = slice_ns.to_bits();
        }
        engine.compute(id, self.host, slice_ns);
        self.hold(engine, self.settings.memory_per_request.0 as f64);
    }

    fn queries(&self, call: &crate::engine::calls::Call) -> u32 {
        if self.databases.is_empty() { 0 } else { *self.settings.queries.get(call.class) }
    }

    /// The worker is done with the call and takes the next.
    fn finish(&mut self, engine: &mut Engine, id: CallId, answer: Answer) {
        engine.answer(id, answer);
        self.busy -= 1;
        self.hold(engine, -(self.settings.memory_per_request.0 as f64));
        self.take_waiting(engine);
    }

    fn take_waiting(&mut self, engine: &mut Engine) {
        while self.busy < self.settings.workers
            && let Some(next) = self.waiting.pop_front()
        {
            self.take(engine, next);
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.hold(engine, self.settings.memory.0 as f64);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.busy = 0;
        self.waiting.clear();
        self.hold(engine, -self.memory_bytes);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        if self.busy < self.settings.workers {
            self.take(engine, id);
        } else if self.waiting.len() < self.settings.backlog as usize {
            self.waiting.push_back(id);
            engine.waits(id);
        } else {
            engine.answer(id, Err(Cause::Refused));
        }
    }

    fn answered(&mut self, engine: &mut Engine, id: CallId, answer: Answer) {
        let Some(call) = engine.get(id) else { return };
        let slice_ns = f64::from_bits(call.note);
        match answer {
            Ok(()) => {
                engine.serves(id);
                engine.compute(id, self.host, slice_ns);
            }
            Err(_) => self.finish(engine, id, answer),
        }
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get_mut(id) else { return };
        call.step += 1;
        let call = *call;
        if u32::from(call.step) > self.queries(&call) {
            self.finish(engine, id, Ok(()));
            return;
        }
        let choice = self.routes.draw(call.request).below(self.databases.len() as u32);
        engine.call(self.databases[choice as usize], id);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::AppServer(settings) = settings else { return };
        let running = self.memory_bytes > 0.0;
        let each_bytes = settings.memory_per_request.0 as f64 - self.settings.memory_per_request.0 as f64;
        let idle_bytes = settings.memory.0 as f64 - self.settings.memory.0 as f64;
        self.demand = settings.demand.0.map(|demand| Sampler::new(&demand));
        self.settings = settings.clone();
        if running {
            self.hold(engine, idle_bytes + each_bytes * f64::from(self.busy));
        }
        self.take_waiting(engine);
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: self.waiting.len() as u32,
            waiting_most: self.settings.backlog,
            in_service: self.busy,
            in_service_most: self.settings.workers,
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
