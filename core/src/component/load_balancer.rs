//! A load balancer: one address in front of many servers.

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::health::{CHECKING, Health, ask};
use super::spread::{Algorithm, Servers, Wanted};
use super::{About, Behaviour, CHECK, Kind, Metric, MetricReading, NodeGauge, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::{Call, CallId};
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Answer, Engine, Reply, Timer};
use crate::settings::Unit;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, Workload};
use crate::{choices, settings};

/// What the model of the load balancer does.
pub const ABOUT: About = About {
    name: "Load balancer",
    summary: "Takes requests at one address and spreads them over servers that are well.",
    models: &[
        "On layer 7 it ends TLS, reads each request, and can send a failed one to another server; on layer 4 it passes packets on, and a visit's connection stays with one server.",
        "It learns that a server is dead or hangs only by its health checks or, with `passive`, by requests that fail.",
        "A server that drains gets no more requests, and is put back as soon as it runs again.",
        "Where links carry only some classes, each class goes to the servers that take it.",
        "A pair shares one address: the standby takes it over when it has not heard of the other for a while.",
    ],
    also: &[],
    leaves_out: &[
        "Slow start of a server that has come back.",
        "Connections kept open to the servers.",
        "On layer 4, the servers' own work for TLS.",
        "Two halves of a pair that no longer see each other and both take the address.",
    ],
    hosted: true,
    origin: false,
    calls: &[Kind::AppServer, Kind::LoadBalancer, Kind::ObjectStore],
    glance: &[Glance::count("in_rotation", "In rotation").most(), Glance::rate("retries", "Retries")],
};

choices! {
    /// What a balancer understands of what it passes on.
    pub enum Layer {
        /// HTTP requests.
        Seven = "l7",
        /// TCP connections.
        Four = "l4",
    }
}

settings! {
    /// Settings of a load balancer.
    pub struct Settings {
        /// What it balances: HTTP requests (l7), or connections that it does not look into (l4).
        layer: Layer = Layer::Seven, 0.0..=1.0,
            "OSI layers 7 and 4: application and transport";
        /// Which server gets the next request.
        algorithm: Algorithm = Algorithm::RoundRobin, 0.0..=7.0,
            "nginx and Envoy take turns unless told otherwise, as HAProxy did before version 3.3";
        /// Processor time of one request on layer 7: read, decide, pass on both ways.
        demand: Demand = Demand::exponential(Duration::from_ns(50_000)), 0.0..=1.0,
            "Assumed: HAProxy passed 2 million requests a second on 64 cores (HAProxy blog, 2021), 32 us each; other balancers take more";
        /// Processor time of setting up TLS for a new connection on layer 7.
        tls: Demand = Demand::constant(Duration::from_ns(500_000)), 0.0..=1.0,
            "NGINX, SSL performance (2016 figures): over 2,000 handshakes a second and core with 256-bit ECC certificates";
        /// Requests that one connection carries before another is set up.
        requests_per_connection: u32 = 20, 1.0..=1_000_000.0,
            "One connection a visit; the journey's visits have twenty requests";
        /// Processor time of one request on layer 4.
        packets: Demand = Demand::exponential(Duration::from_ns(5_000)), 0.0..=1.0,
            "Eisenbud et al., Maglev (NSDI 2016): about a microsecond a packet; a request is assumed to take five";
        /// Requests that may be under way at once. One more is refused.
        connections: u32 = 20_000, 1.0..=10_000_000.0,
            "Assumed: HAProxy derives its maxconn from the open-file limit, often 20,000 and more";
        /// Servers that one request may be tried at: 1 for never again. Changes that may have been made are not repeated.
        tries: u32 = 1, 1.0..=20.0,
            "None unless set; nginx's proxy_next_upstream tries them all";
        /// How long a server may take to answer.
        timeout: Duration = Duration::from_s(60), 0.001..=3600.0,
            "nginx's proxy_read_timeout is 60 s";
        /// Time between two health checks of a server; 0 for none.
        check_interval: Duration = Duration::from_s(2), 0.0..=3600.0,
            "HAProxy's configuration manual: inter is 2 s by default";
        /// How long a server may take to answer a health check.
        check_timeout: Duration = Duration::from_s(2), 0.001..=600.0,
            "HAProxy's configuration manual: the check interval unless set";
        /// Failed checks in a row that take a server out of rotation.
        fall: u32 = 3, 1.0..=100.0,
            "HAProxy's configuration manual: fall is 3 by default";
        /// Passed checks in a row that put it back.
        rise: u32 = 2, 1.0..=100.0,
            "HAProxy's configuration manual: rise is 2 by default";
        /// Whether requests that fail count as failed checks.
        passive: bool = false, 0.0..=1.0,
            "HAProxy's `observe` is off unless set; nginx's max_fails is 1";
        /// How long a server is then left alone, where no health checks put it back.
        passive_out: Duration = Duration::from_s(10), 0.0..=3600.0,
            "nginx's fail_timeout is 10 s";
        /// Whether the copies are an active one and standbys behind one address, instead of as many addresses.
        pair: bool = false, 0.0..=1.0,
            "keepalived with VRRP (RFC 9568), or a floating address";
        /// How long a standby hears nothing from the active one until it takes over.
        failover: Duration = Duration::from_s(3), 0.1..=3600.0,
            "RFC 9568: three advertisements, one a second";
        /// Memory of the process.
        process_memory: Bytes = Bytes(100_000_000), 0.0..=1e15,
            "Assumed: a proxy with its buffers";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(5), 0.0..=86_400.0,
            "Assumed: a supervisor starts it, it reads its configuration";
    }
}

const CHECKS: u8 = 0;
const HEARTBEAT: u8 = 1;

/// How long after the round trip an answer tells that the request had reached the server, and not been refused.
const REFUSAL_NS: Nanos = 1_000_000;

/// A load balancer at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    place: Place,
    host: u32,
    servers: Servers,
    demand: Sampler,
    tls: Sampler,
    packets: Sampler,
    /// Share of the requests that are the first of their connection.
    first: f64,
    demands: Stream,
    handshakes: Stream,
    checks: Slot,
    heartbeat: Slot,
    /// When the holder of the address was last heard of.
    heard_at: Nanos,
    busy: u32,
    memory_bytes: f64,
    /// Whether its process runs, and holds memory.
    running: bool,
    retried: u64,
    failed_checks: u64,
    nowhere: u64,
    takeovers: u64,
}

/// What theory is told of the load balancer.
pub(super) fn flow(settings: &Settings, _: Class, _: &Context<'_>) -> Flow {
    let mut flow = Flow { door: Some((settings.connections, 0)), ..Flow::default() };
    match settings.layer {
        Layer::Seven => {
            flow.asks.push(Ask::Compute { demand: settings.demand, count: 1, chance: 1.0 });
            flow.asks.push(Ask::Compute { demand: settings.tls, count: 1, chance: first(settings) });
        }
        Layer::Four => flow.asks.push(Ask::Compute { demand: settings.packets, count: 1, chance: 1.0 }),
    }
    flow.asks.push(Ask::Call { kinds: ABOUT.calls, count: 1, chance: 1.0 });
    if settings.algorithm != Algorithm::Random {
        flow.caveats.push("servers are chosen evenly at random, where most algorithms do better".to_owned());
    }
    flow
}

/// Share of the requests that are the first of their connection, and pay for its handshake.
fn first(settings: &Settings) -> f64 {
    1.0 / f64::from(settings.requests_per_connection.max(1))
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        Self {
            settings: *settings,
            host: place.host.unwrap_or_default(),
            servers: Servers::new(&place, engine),
            demand: Sampler::new(&settings.demand),
            tls: Sampler::new(&settings.tls),
            packets: Sampler::new(&settings.packets),
            first: first(settings),
            demands: engine.stream(&place.name, "demand"),
            handshakes: engine.stream(&place.name, "handshake"),
            checks: engine.add_timer(Timer { node: place.node, which: CHECKS }),
            heartbeat: engine.add_timer(Timer { node: place.node, which: HEARTBEAT }),
            heard_at: 0,
            busy: 0,
            memory_bytes: 0.0,
            running: false,
            retried: 0,
            failed_checks: 0,
            nowhere: 0,
            takeovers: 0,
            place,
        }
    }

    fn hold(&mut self, engine: &mut Engine, bytes: f64) {
        self.memory_bytes += bytes;
        engine.hold(self.host, bytes);
    }

    fn demand_ns(&self, engine: &Engine, request: u64) -> f64 {
        let mut draw = self.demands.draw(request);
        if self.settings.layer == Layer::Four {
            return engine.demand_ns(&self.packets, &mut draw);
        }
        let request_ns = engine.demand_ns(&self.demand, &mut draw);
        if self.tls.is_nothing() {
            return request_ns;
        }
        let mut draw = self.handshakes.draw(request);
        if draw.chance(self.first) { request_ns + engine.demand_ns(&self.tls, &mut draw) } else { request_ns }
    }

    /// Passes a request on to a server, or says that there is none.
    fn pass_on(&mut self, engine: &mut Engine, id: CallId, failed: u32, but: Option<usize>) {
        let Some(&Call { request, class, verb, .. }) = engine.get(id) else { return };
        let Settings { algorithm, layer, timeout, .. } = self.settings;
        let bound = layer == Layer::Four || algorithm == Algorithm::Sticky;
        let by_user = bound || algorithm == Algorithm::IpHash;
        let visit = if by_user { engine.visit(request) } else { None };
        let wanted = Wanted { class, request, failed, but, visit };
        let Some(index) = self.servers.choose(engine, algorithm, bound, &wanted) else {
            self.nowhere += 1;
            self.finish(engine, id, Err(Cause::Down));
            return;
        };
        let server = &mut self.servers.list[index];
        server.in_flight += 1;
        server.given += 1;
        if let Some(child) = engine.call(server.edge, id, timeout.ns()) {
            child.verb = verb;
        }
        if let Some(call) = engine.get_mut(id) {
            // The upper half counts the attempts that failed.
            call.count = (failed << 16) | index as u32;
        }
    }

    fn finish(&mut self, engine: &mut Engine, id: CallId, answer: Answer) {
        self.busy = self.busy.saturating_sub(1);
        engine.answer(id, answer);
    }

    /// Whether a request that failed may be made again elsewhere: it did not get there, or does no harm twice.
    fn may_repeat(engine: &Engine, class: Class, cause: Cause, reply: &Reply) -> bool {
        let took_ns = engine.now().saturating_sub(reply.begun);
        let refused = took_ns <= 2 * engine.latency_ns(reply.edge) + REFUSAL_NS;
        match cause {
            Cause::Refused => true,
            Cause::Down | Cause::OutOfMemory => refused || matches!(class, Class::Static | Class::Read),
            Cause::TimedOut => matches!(class, Class::Static | Class::Read),
            _ => false,
        }
    }

    fn check_all(&mut self, engine: &mut Engine) {
        for index in 0..self.servers.list.len() {
            self.servers.in_rotation(engine, index);
            if self.servers.list[index].away {
                continue;
            }
            let edge = self.servers.list[index].edge;
            ask(engine, self.place.node, edge, index as u32, self.settings.check_timeout);
        }
        self.await_checks(engine);
    }

    fn await_checks(&mut self, engine: &mut Engine) {
        match self.settings.check_interval.ns() {
            0 => engine.clear_timer(self.checks),
            interval => engine.set_timer(self.checks, engine.now().saturating_add(interval)),
        }
    }

    /// A request has failed at a server, or was answered.
    fn note_request(&mut self, now: Nanos, index: usize, answer: Answer) {
        let Settings { passive, fall, passive_out, check_interval, .. } = self.settings;
        let ill = matches!(answer, Err(Cause::Down | Cause::TimedOut | Cause::Refused | Cause::OutOfMemory));
        let server = &mut self.servers.list[index];
        if !passive || server.health.out {
            return;
        }
        if !ill {
            server.failed = 0;
            return;
        }
        server.failed += 1;
        if server.failed >= fall {
            server.failed = 0;
            server.health = Health { out: true, ..Health::default() };
            server.back_at = if check_interval.ns() == 0 { now + passive_out.ns() } else { Nanos::MAX };
        }
    }

    /// Of a pair: whoever holds the address is heard of; when not for too long, it is taken over.
    fn beat(&mut self, engine: &mut Engine) {
        let now = engine.now();
        let holder = self.place.peers.iter().copied().find(|peer| !engine.presence(*peer).reserve);
        if holder.is_none_or(|holder| engine.presence(holder).up) {
            self.heard_at = now;
        } else if now - self.heard_at >= self.settings.failover.ns() {
            if let Some(holder) = holder {
                engine.presence_mut(holder).reserve = true;
            }
            engine.presence_mut(self.place.node).reserve = false;
            self.takeovers += 1;
            self.heard_at = now;
        }
        self.await_beat(engine);
    }

    fn await_beat(&mut self, engine: &mut Engine) {
        if self.settings.pair && self.place.copies > 1 {
            let third = (self.settings.failover.ns() / 3).max(1);
            engine.set_timer(self.heartbeat, engine.now().saturating_add(third));
        } else {
            engine.clear_timer(self.heartbeat);
        }
    }

    /// The first of a pair begins with the address.
    fn take_place(&self, engine: &mut Engine) {
        let standby = self.settings.pair && self.place.copy > 0;
        engine.presence_mut(self.place.node).reserve = standby;
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.running = true;
        self.hold(engine, self.settings.process_memory.0 as f64);
        if engine.now() == 0 {
            self.take_place(engine);
        }
        self.heard_at = engine.now();
        self.await_beat(engine);
        self.await_checks(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.busy = 0;
        self.servers.forget();
        engine.clear_timer(self.checks);
        engine.clear_timer(self.heartbeat);
        self.running = false;
        self.hold(engine, -self.memory_bytes);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(&Call { request, verb, .. }) = engine.get(id) else { return };
        if verb == CHECK {
            let well = (0..self.servers.list.len()).any(|index| self.servers.in_rotation(engine, index));
            engine.answer(id, if well { Ok(()) } else { Err(Cause::Down) });
            return;
        }
        if self.busy >= self.settings.connections {
            engine.answer(id, Err(Cause::Refused));
            return;
        }
        self.busy += 1;
        let demand_ns = self.demand_ns(engine, request);
        engine.serve(id, self.host, demand_ns);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        self.pass_on(engine, id, 0, None);
    }

    fn answered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) {
        let Some(&Call { count, step, class, .. }) = engine.get(id) else { return };
        let index = (count & 0xffff) as usize;
        if step == CHECKING {
            engine.finish(id);
            let Settings { fall, rise, .. } = self.settings;
            self.failed_checks += u64::from(reply.answer.is_err());
            self.servers.list[index].health.note(reply.answer.is_ok(), fall, rise);
            return;
        }
        let now = engine.now();
        let server = &mut self.servers.list[index];
        server.in_flight = server.in_flight.saturating_sub(1);
        if self.settings.algorithm == Algorithm::PeakEwma {
            self.servers.answered(now, index, now.saturating_sub(reply.begun));
        }
        self.note_request(now, index, reply.answer);
        let failed = (count >> 16) + 1;
        match reply.answer {
            Err(cause)
                if self.settings.layer == Layer::Seven
                    && failed < self.settings.tries
                    && Self::may_repeat(engine, class, cause, reply) =>
            {
                self.retried += 1;
                self.pass_on(engine, id, failed, Some(index));
            }
            answer => {
                if let Some(call) = engine.get_mut(id) {
                    call.note = reply.note;
                }
                self.finish(engine, id, answer);
            }
        }
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        match which {
            CHECKS => self.check_all(engine),
            _ => self.beat(engine),
        }
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::LoadBalancer(settings) = settings else { return };
        let before = std::mem::replace(&mut self.settings, *settings);
        self.demand = Sampler::new(&settings.demand);
        self.tls = Sampler::new(&settings.tls);
        self.packets = Sampler::new(&settings.packets);
        self.first = first(settings);
        if before.pair != settings.pair {
            self.take_place(engine);
        }
        if before.check_interval != settings.check_interval {
            // Whoever was found ill is tried again: nobody else would put it back.
            for server in self.servers.list.iter_mut().filter(|_| settings.check_interval.ns() == 0) {
                server.health = Health::default();
            }
        }
        if self.running {
            self.hold(engine, settings.process_memory.0 as f64 - before.process_memory.0 as f64);
            self.await_beat(engine);
            if before.check_interval != settings.check_interval {
                self.await_checks(engine);
            }
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let called = |server: &&super::spread::Server| {
            let presence = engine.presence(server.node);
            !server.health.out && !server.away && !presence.draining && !presence.reserve
        };
        let in_rotation = self.servers.list.iter().filter(called).count() as f64;
        add("in_rotation", Unit::Count, MetricReading::Gauge(in_rotation));
        add("retries", Unit::Count, MetricReading::Count(self.retried as f64));
        add("failed_checks", Unit::Count, MetricReading::Count(self.failed_checks as f64));
        add("no_server", Unit::Count, MetricReading::Count(self.nowhere as f64));
        add("visits_moved", Unit::Count, MetricReading::Count(self.servers.moved as f64));
        add("imbalance", Unit::Number, MetricReading::Gauge(self.servers.imbalance()));
        if self.settings.pair {
            let active = !engine.presence(self.place.node).reserve;
            add("active", Unit::Switch, MetricReading::Gauge(f64::from(u8::from(active))));
            add("takeovers", Unit::Count, MetricReading::Count(self.takeovers as f64));
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
