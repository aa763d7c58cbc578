//! An application server: workers that run the app's code and wait for its queries.
//!
//! What a request does is in `program`, who works on it in `workers`, how it goes through its program in `steps`, what is
//! kept of it meanwhile in `jobs`, what theory is told of all this in `theory`.

mod jobs;
mod steps;
mod theory;
mod workers;

use std::collections::VecDeque;

use super::app_log::Log;
use super::glance::Glance;
use super::outbound::Service;
use super::pool::Pool;
use super::program::{Program, Release, What};
use super::sessions::{Keeping, Sessions};
use super::{About, Behaviour, Kind, Metric, MetricReading, NodeGauge, Place};
use crate::choices;
use crate::engine::alarm::Alarm;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::processor::Crosstalk;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Order, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Demand, PerClass, Workload};
use jobs::{Job, Jobs};

pub(super) use theory::{fetch_s, flow};

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
    also: &[
        "A query holds a connection of the pool until it is answered; without a free one the request waits, and fails after a while.",
        "Calls that fail or take too long are made again as often as `tries` allows; a circuit breaker stops calls to a service that keeps failing.",
        "Reads go to read replicas where there are any, changes to the primary; a cache, a session store, a queue, a journal or another service is used where one is linked.",
        "Sessions that are kept in the process are lost when it dies, and unknown to its copies: their users are logged out.",
        "Each request writes a record to the log on the machine's disk; `log_full` says what becomes of it when there is no room. Records go to a log pipeline as well where one is linked, in batches, and nobody waits for that.",
    ],
    leaves_out: &[
        "Garbage collection pauses.",
        "A full backlog that says nothing, as Linux's does unless told otherwise, so that clients try again after a second: here it refuses.",
    ],
    hosted: true,
    origin: false,
    calls: &[
        Kind::Database,
        Kind::Replica,
        Kind::Shards,
        Kind::Cache,
        Kind::SessionStore,
        Kind::Queue,
        Kind::Journal,
        Kind::ObjectStore,
        Kind::LoadBalancer,
        Kind::AppServer,
        Kind::LogPipeline,
    ],
    glance: &[Glance::count("connections_held", "Pool"), Glance::count("waiting_for_connection", "Want one")],
};

choices! {
    /// What a request does when its log record finds no room on the disk.
    pub enum LogFull {
        /// The record is lost.
        Drop = "drop",
        /// The request waits, with its worker, until there is room.
        Wait = "wait",
        /// The request fails.
        Fail = "fail",
    }
}

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
        /// Calls that a request makes to each other service that is linked.
        calls: PerClass<u32> = PerClass([0, 1, 1, 1]), 0.0..=1_000.0,
            "Assumed: one call to each";
        /// Whether those calls are made at the same time instead of one after another.
        parallel: bool = false, 0.0..=1.0,
            "Assumed: the plain way to write it is one after another", needs calls;
        /// Connections of the pool that queries share; 0 for as many as are asked for.
        pool: u32 = 0, 0.0..=100_000.0,
            "No pool unless set; HikariCP's default is 10 connections";
        /// How long a request waits for a connection before it fails.
        pool_wait: Duration = Duration::from_s(5), 0.0..=600.0,
            "Ruby on Rails' checkout_timeout is 5 s; HikariCP's connectionTimeout 30 s", needs pool;
        /// How long an answer of a database or service may take.
        timeout: Duration = Duration::from_s(30), 0.001..=600.0,
            "A common default of client libraries; many have none at all";
        /// Times that a failed call to a service is made in all: 1 for never again.
        tries: u32 = 1, 1.0..=20.0,
            "None unless set: a retry is safe only when the other side allows it";
        /// Wait before a failed call is made again.
        backoff: Duration = Duration::from_ms(100), 0.0..=600.0,
            "gRPC's examples of a retry policy begin with 100 ms", needs tries;
        /// Factor on that wait from one time to the next: 1 for a fixed wait, 2 for exponential backoff.
        backoff_growth: f64 = 2.0, 1.0..=10.0,
            "gRPC's retry policy: backoffMultiplier 2", needs tries;
        /// Whether the wait is drawn at random, from nothing to its length.
        jitter: bool = true, 0.0..=1.0,
            "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015): full jitter", needs tries;
        /// Failures in a row after which a service is not called for a while; 0 for no circuit breaker.
        breaker: u32 = 0, 0.0..=10_000.0,
            "None unless set; Polly's and resilience4j's examples use 5 to 100";
        /// How long a service is then left alone.
        breaker_open: Duration = Duration::from_s(10), 0.001..=600.0,
            "Assumed: resilience4j waits 60 s, Hystrix waited 5 s", needs breaker;
        /// Calls to one service that may be under way at once, so that a slow one cannot take every worker; 0 for any number.
        bulkhead: u32 = 0, 0.0..=100_000.0,
            "None unless set; Nygard, Release It! (2018), chapter 5";
        /// Where sessions are: shared by all copies (in a linked session store, or in the browser), or in each process.
        sessions: Keeping = Keeping::Shared, 0.0..=1.0,
            "The Twelve-Factor App, VI: processes are stateless; in memory is what many frameworks do unless told otherwise";
        /// Memory of the process when idle.
        process_memory: Bytes = Bytes(250_000_000), 0.0..=1e15,
            "Assumed: an interpreter with a framework and its libraries loaded";
        /// Memory that each request in service holds.
        memory_per_request: Bytes = Bytes(4_000_000), 0.0..=1e12,
            "Assumed: a thread's stack in use, and the objects of one page";
        /// Serial share of the work: what only one request may do at a time, of all the machine does.
        contention: f64 = 0.0, 0.0..=1.0,
            "None unless measured: the sigma of the Universal Scalability Law (Gunther, 2007)";
        /// Cost of keeping each pair of requests in agreement, as a share of the work.
        coherency: f64 = 0.0, 0.0..=1.0,
            "None unless measured: the kappa of the Universal Scalability Law (Gunther, 2007)";
        /// Mean time between crashes of the process; 0 for never.
        crash_every: Duration = Duration::ZERO, 0.0..=31_536_000.0,
            "None unless set";
        /// Whether a supervisor starts a dead process again.
        supervised: bool = true, 0.0..=1.0,
            "systemd's Restart=on-failure, or a container runtime";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(10), 0.0..=86_400.0,
            "Assumed: load the framework, open connections, warm up";
        /// How long it takes without a supervisor: until somebody notices and starts it.
        repair: Duration = Duration::from_s(8 * 3600), 0.0..=864_000.0,
            "Assumed: it dies at night and is found in the morning", needs supervised;
        /// How long it finishes what it has before a deploy stops it; 0 for a stop at once.
        drain: Duration = Duration::ZERO, 0.0..=3600.0,
            "Kubernetes' terminationGracePeriodSeconds is 30 s; none unless set";
        /// Bytes that each request adds to the log on the machine's disk.
        log: Bytes = Bytes(0), 0.0..=1e9,
            "None unless set; a line of an access log has some 200 bytes";
        /// Most bytes of log that are kept, by rotation; 0 for all of them.
        log_keep: Bytes = Bytes(0), 0.0..=1e15,
            "None unless set; logrotate's common setting keeps some weeks", needs log;
        /// What a request does when the disk has no room for its log record.
        log_full: LogFull = LogFull::Drop, 0.0..=2.0,
            "Log4j's FileAppender ignores exceptions by default and loses the record; a container's output in Docker's default, blocking mode waits", needs log;
    }
}

const CRASH: u8 = 0;
const POOL_WAIT: u8 = 1;
const SHIP: u8 = 2;

/// An application server at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    host: u32,
    programs: [Program; 4],
    demand: [Sampler; 4],
    demands: Stream,
    routes: Stream,
    waits: Stream,
    mistakes: Stream,
    crashes: Stream,
    crash: Alarm,
    deaths: u64,
    /// Calls that hold a worker.
    busy: u32,
    waiting: VecDeque<CallId>,
    pool: Pool,
    /// By the index of the component that a step calls.
    services: Vec<Service>,
    jobs: Jobs,
    memory_bytes: f64,
    /// Whether its process runs, and holds memory.
    running: bool,
    log: Log,
    leak_share: f64,
    release: Release,
    sessions: Sessions,
    no_connection: u64,
    rejected: u64,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let stream = |purpose| engine.stream(&place.name, purpose);
        let (demands, routes, waits) = (stream("demand"), stream("route"), stream("backoff"));
        let (mistakes, crashes) = (stream("mistake"), stream("crash"));
        let timer = |which| Alarm::new(Timer { node: place.node, which });
        let programs = Program::of_classes(&place, settings);
        let services = place.edges.iter().map(|way| usize::from(way.component) + 1).max().unwrap_or(0);
        let log = Log::new(&place, SHIP, engine);
        Self {
            node: place.node,
            host: place.host.unwrap_or_default(),
            programs,
            demand: settings.demand.0.map(|demand| Sampler::new(&demand)),
            demands,
            routes,
            waits,
            mistakes,
            crashes,
            crash: timer(CRASH),
            deaths: 0,
            busy: 0,
            waiting: VecDeque::new(),
            pool: Pool::new(settings.pool, settings.pool_wait, timer(POOL_WAIT)),
            services: vec![Service::default(); services],
            jobs: Jobs::default(),
            memory_bytes: 0.0,
            running: false,
            log,
            leak_share: 0.0,
            release: Release::GOOD,
            sessions: Sessions::default(),
            no_connection: 0,
            rejected: 0,
            settings: *settings,
        }
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    fn await_crash(&mut self, engine: &mut Engine) {
        let mean_ns = self.settings.crash_every.ns() as f64;
        if mean_ns > 0.0 {
            let ns = mean_ns * engine.exponential(&mut self.crashes.draw(self.deaths));
            self.crash.set(engine, engine.now().saturating_add(ns as Nanos));
        } else {
            self.crash.clear(engine);
        }
    }

    fn crosstalk(&self) -> Crosstalk {
        Crosstalk { contention: self.settings.contention, coherency: self.settings.coherency }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.running = true;
        self.hold(engine, self.settings.process_memory.0 as f64);
        if self.crosstalk() != Crosstalk::default() {
            engine.set_crosstalk(self.host, self.crosstalk());
        }
        self.await_crash(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.busy = 0;
        self.deaths += 1;
        self.waiting.clear();
        self.pool.clear(engine);
        self.services.iter_mut().for_each(|service| *service = Service::default());
        self.jobs = Jobs::default();
        self.sessions.clear();
        self.log.stop(engine);
        self.crash.clear(engine);
        self.running = false;
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

    fn answered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) {
        if self.log.delivered(engine, id, reply) {
            return;
        }
        let Some(call) = engine.get(id).copied() else { return };
        let Job { doing: Some(step), tries, .. } = *self.jobs.of(&call) else { return };
        if step.what == What::Service {
            let Settings { breaker: most, breaker_open, .. } = self.settings;
            let breaker = &mut self.service(&call, step).breaker;
            breaker.note(engine.now(), reply.answer.is_ok(), tries, most, breaker_open);
        }
        let job = self.jobs.of(&call);
        job.pending = job.pending.saturating_sub(1);
        if let Err(cause) = reply.answer {
            job.cause = Some(cause);
        }
        if job.pending > 0 {
            return;
        }
        let cause = job.cause.take();
        self.let_go(engine, &call, step);
        if cause.is_none() {
            self.learn(engine, id, &call, step);
        }
        match (cause, step.what) {
            (None, What::Query) if reply.note == super::ELSEWHERE => {
                self.jobs.of(&call).elsewhere = true;
                self.go_on(engine, id, &call);
            }
            (None, What::LookUp { skip }) if reply.note == super::HIT => self.step_done(engine, id, skip),
            // A cache that does not answer is a cache that has nothing.
            (None, _) | (Some(_), What::LookUp { .. } | What::Put) => self.step_done(engine, id, 0),
            (Some(cause), _) => self.step_failed(engine, id, &call, cause, cause != Cause::LoggedOut),
        }
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        match self.jobs.of(&call).ending.take() {
            Some(answer) => self.finish(engine, id, answer),
            None => self.go_on(engine, id, &call),
        }
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        if which == CRASH {
            engine.order(Order::Restart { node: self.node });
            return;
        }
        if which == SHIP {
            self.log.ship(engine);
            return;
        }
        while let Some(id) = self.pool.give_up(engine) {
            self.no_connection += 1;
            self.finish(engine, id, Err(Cause::NoConnection));
        }
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::AppServer(settings) = settings else { return };
        let each_bytes = settings.memory_per_request.0 as f64 - self.settings.memory_per_request.0 as f64;
        let idle_bytes = settings.process_memory.0 as f64 - self.settings.process_memory.0 as f64;
        self.demand = settings.demand.0.map(|demand| Sampler::new(&demand));
        self.programs.iter_mut().for_each(|program| program.configure(settings));
        let (crosstalk, crash_every) = (self.crosstalk(), self.settings.crash_every);
        self.settings = *settings;
        self.pool.resize(settings.pool, settings.pool_wait);
        if crosstalk != self.crosstalk() {
            engine.set_crosstalk(self.host, self.crosstalk());
        }
        if self.running {
            self.hold(engine, idle_bytes + each_bytes * f64::from(self.busy));
            if crash_every != self.settings.crash_every {
                self.await_crash(engine);
            }
        }
        self.connect_waiting(engine);
        self.take_waiting(engine);
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        match *kind {
            FaultKind::ConnectionLeak { share } => self.leak_share = if on { share } else { 0.0 },
            FaultKind::Deploy { errors, speed, .. } => {
                self.release = if on { Release { errors, speed } } else { Release::GOOD };
            }
            _ => {}
        }
        self.connect_waiting(engine);
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, reading| metrics.push(Metric { name, unit: Unit::Count, reading });
        if self.settings.pool > 0 {
            let (held, leaked, waiting) = self.pool.gauge();
            add("connections_held", MetricReading::Gauge(f64::from(held)));
            add("connections_leaked", MetricReading::Gauge(f64::from(leaked)));
            add("waiting_for_connection", MetricReading::Gauge(f64::from(waiting)));
            add("no_connection", MetricReading::Count(self.no_connection as f64));
        }
        if self.settings.breaker > 0 || self.settings.bulkhead > 0 {
            add("rejected", MetricReading::Count(self.rejected as f64));
        }
        if self.settings.sessions == Keeping::Memory {
            let reading = MetricReading::Count(self.sessions.lost() as f64);
            metrics.push(Metric { name: "sessions_lost", unit: Unit::Count, reading });
        }
        if self.settings.log.0 > 0 {
            let reading = MetricReading::Gauge(self.log.bytes());
            metrics.push(Metric { name: "log", unit: Unit::Bytes, reading });
        }
        if let Some(undelivered) = self.log.undelivered() {
            let reading = MetricReading::Count(undelivered as f64);
            metrics.push(Metric { name: "log_undelivered", unit: Unit::Count, reading });
        }
    }

    fn clean_up(&mut self, engine: &mut Engine) {
        self.log.clean_up(engine);
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
        if self.settings.supervised { self.settings.restart.ns() } else { self.settings.repair.ns() }
    }

    fn drain_ns(&self) -> Nanos {
        self.settings.drain.ns()
    }
}
