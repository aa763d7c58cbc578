//! An object store: files in somebody else's data centres, over HTTP, billed by the byte.

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::{About, Behaviour, Metric, MetricReading, NodeGauge, PUT, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::settings;
use crate::settings::Unit;
use crate::units::{Bytes, Duration, Nanos, Rate, SECOND_NS};
use crate::workload::{Class, Demand, PerClass, Workload};

/// What the model of the object store does.
pub const ABOUT: About = About {
    name: "Object store",
    summary: "Keeps files of any number, each under a name; slow to begin, hard to fill.",
    models: &[
        "An answer begins after a time that does not depend on the load.",
        "Each prefix of names takes so many requests a second; what comes above that is refused.",
        "Bytes served and kept, and requests, are counted for the bill.",
    ],
    also: &[],
    leaves_out: &[
        "Time to send the bytes of a large file, beyond the link's bandwidth.",
        "Prefixes that split by themselves under load.",
    ],
    hosted: false,
    origin: false,
    calls: &[],
    glance: &[Glance::bytes("stored", "Stored"), Glance::rate("reads", "Reads")],
};

settings! {
    /// Settings of an object store.
    pub struct Settings {
        /// Time until the first byte of a file comes.
        read: Demand = Demand { mean: Duration::from_ms(100), cv: 0.5 }, 0.0..=60.0,
            "Amazon S3 user guide, performance: small objects begin to come after roughly 100 to 200 ms; the lower end";
        /// Time until a file is safely kept.
        write: Demand = Demand { mean: Duration::from_ms(200), cv: 0.5 }, 0.0..=60.0,
            "Assumed: twice a read, for the copies in other buildings";
        /// Reads that one prefix of names takes in a second.
        reads_most: Rate = Rate::per_second(5500.0), 0.0..=1e9,
            "Amazon S3 user guide, performance: at least 5,500 GET requests a second for each prefix";
        /// Writes that one prefix takes in a second.
        writes_most: Rate = Rate::per_second(3500.0), 0.0..=1e9,
            "Amazon S3 user guide, performance: at least 3,500 PUT requests a second for each prefix";
        /// Prefixes that the names are spread over.
        prefixes: u32 = 1, 1.0..=1_000_000.0,
            "One bucket, one folder";
        /// Bytes that it holds when the run begins.
        stored: Bytes = Bytes(1_000_000_000_000), 0.0..=1e18,
            "Assumed: a terabyte of photos";
    }
}

/// An allowance of requests a second: a bucket that holds one second's.
#[derive(Clone, Copy, Debug, Default)]
struct Allowance {
    left: f64,
    at: Nanos,
}

impl Allowance {
    fn take(&mut self, now: Nanos, per_s: f64) -> bool {
        let grown = (now - self.at) as f64 / SECOND_NS as f64 * per_s;
        (self.left, self.at) = ((self.left + grown).min(per_s), now);
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// An object store at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    samplers: [Sampler; 2],
    latencies: Stream,
    allowances: [Allowance; 2],
    request_bytes: PerClass<Bytes>,
    response_bytes: PerClass<Bytes>,
    busy: u32,
    /// Reads and writes.
    requests: [u64; 2],
    refused: u64,
    served_bytes: f64,
    stored_bytes: f64,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        Self {
            samplers: [Sampler::new(&settings.read), Sampler::new(&settings.write)],
            latencies: engine.stream(&place.name, "latency"),
            allowances: [
                Allowance { left: settings.reads_most.per_s(), at: 0 },
                Allowance { left: settings.writes_most.per_s(), at: 0 },
            ],
            request_bytes: workload.request_size,
            response_bytes: workload.response_size,
            busy: 0,
            requests: [0; 2],
            refused: 0,
            served_bytes: 0.0,
            stored_bytes: settings.stored.0 as f64,
            settings: *settings,
        }
    }
}

/// What theory is told of the object store.
pub(super) fn flow(settings: &Settings, _: Class, context: &Context<'_>) -> Flow {
    if context.total_per_s() > settings.reads_most.per_s() * f64::from(settings.prefixes) {
        return Flow::beyond("An object store refuses reads above what its prefixes take in a second.");
    }
    // Whoever asks on behalf of users reads.
    Flow { asks: vec![Ask::Delay { time: settings.read.mean, chance: 1.0 }], ..Flow::default() }
}

impl Behaviour for State {
    fn stop(&mut self, _: &mut Engine) {
        self.busy = 0;
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        let write = usize::from(call.verb == PUT);
        let most = [self.settings.reads_most, self.settings.writes_most][write];
        let most_per_s = most.per_s() * f64::from(self.settings.prefixes);
        if !self.allowances[write].take(engine.now(), most_per_s) {
            self.refused += 1;
            engine.answer(id, Err(Cause::Refused));
            return;
        }
        self.busy += 1;
        engine.serves(id);
        let sampler = self.samplers[write];
        let latency_ns = engine.demand_ns(&sampler, &mut self.latencies.draw(call.request));
        engine.pause(id, latency_ns as Nanos);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        let write = usize::from(call.verb == PUT);
        self.busy = self.busy.saturating_sub(1);
        self.requests[write] += 1;
        if write == 1 {
            self.stored_bytes += self.request_bytes.get(call.class).0 as f64;
        }
        self.served_bytes += self.response_bytes.get(call.class).0 as f64;
        engine.answer(id, Ok(()));
    }

    fn configure(&mut self, _: &mut Engine, settings: &super::Settings, workload: &Workload) {
        (self.request_bytes, self.response_bytes) = (workload.request_size, workload.response_size);
        let super::Settings::ObjectStore(settings) = settings else { return };
        self.stored_bytes += settings.stored.0 as f64 - self.settings.stored.0 as f64;
        self.samplers = [Sampler::new(&settings.read), Sampler::new(&settings.write)];
        self.settings = *settings;
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        add("reads", Unit::Count, MetricReading::Count(self.requests[0] as f64));
        add("writes", Unit::Count, MetricReading::Count(self.requests[1] as f64));
        add("refused", Unit::Count, MetricReading::Count(self.refused as f64));
        add("served", Unit::Bytes, MetricReading::Count(self.served_bytes));
        add("stored", Unit::Bytes, MetricReading::Gauge(self.stored_bytes));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge { in_service: self.busy, up: true, ..NodeGauge::default() }
    }
}
