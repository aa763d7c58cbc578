//! A message queue: takes work from the app, answers at once, and sees to it that a worker does it.

use super::flow::{Ask, Context, Flow, FollowUp};
use super::glance::Glance;
use super::messages::Messages;
use super::{About, Behaviour, Kind, Metric, MetricReading, NodeGauge, PUT, Place, Way};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos, SECOND_NS};
use crate::workload::{Class, Demand, Workload};

/// What the model of the message queue does.
pub const ABOUT: About = About {
    name: "Message queue",
    summary: "Takes work from the app, answers at once, and sees to it that a worker does it later.",
    models: &[
        "A message is accepted once the disk holds it, and the app goes on: the user does not wait for the work.",
        "Messages go to the workers behind the queue in the order in which they came, up to a set number at a time to each worker.",
        "A message is delivered at least once: when a worker dies, fails or takes too long, another gets it, and then the work may be done twice.",
        "A message that has failed too often becomes a dead letter.",
        "A full queue refuses.",
        "Part of the messages may wait for a window that opens on a schedule: a nightly digest.",
        "It survives a restart when its messages are on disk; whatever was out with a worker is delivered again.",
    ],
    also: &[],
    leaves_out: &[
        "Copies of the queue that take over from one another: each has messages of its own.",
        "Priorities, and topics that several read.",
    ],
    hosted: true,
    origin: false,
    calls: &[Kind::AppServer, Kind::LoadBalancer],
    glance: &[
        Glance::count("backlog", "Backlog"),
        Glance::seconds("done_after", "Done after"),
        Glance::count("lost", "lost").at_head(),
    ],
};

settings! {
    /// Settings of a message queue.
    pub struct Settings {
        /// Most messages that it holds. One more is refused.
        bound: u32 = 1_000_000, 1.0..=1e9,
            "Assumed; RabbitMQ's queues have no limit unless x-max-length is set";
        /// Whether a message is on disk before it is accepted.
        durable: bool = true, 0.0..=1.0,
            "RabbitMQ's publisher confirms of persistent messages; Amazon SQS stores every message on several servers";
        /// Processor time of taking and delivering one message.
        demand: Demand = Demand::exponential(Duration::from_ns(50_000)), 0.0..=1.0,
            "RabbitMQ's own benchmarks: some 20,000 to 50,000 messages a second of one queue";
        /// Size of a message.
        message: Bytes = Bytes(2_000), 1.0..=1e9,
            "Assumed: a few identifiers and a template; photos lie elsewhere";
        /// Messages that each worker may have at once.
        concurrency: u32 = 8, 1.0..=100_000.0,
            "Celery's worker takes as many as there are processors, times a prefetch of 4";
        /// How long a worker may take before its message goes to another.
        visibility: Duration = Duration::from_s(30), 0.01..=43_200.0,
            "Amazon SQS: the visibility timeout is 30 s by default, at most 12 hours";
        /// Wait before a message that failed is delivered again.
        retry_after: Duration = Duration::from_s(5), 0.0..=43_200.0,
            "Assumed; Sidekiq's first retry comes after some 15 s";
        /// Times that a message is delivered before it is a dead letter.
        deliveries: u32 = 5, 1.0..=1_000.0,
            "Amazon SQS: maxReceiveCount of a redrive policy is the owner's choice; 5 is common";
        /// Share of the messages that make every worker fail.
        poison: f64 = 0.0, 0.0..=1.0,
            "None unless set";
        /// Whether doing a message's work twice is the same as doing it once.
        idempotent: bool = true, 0.0..=1.0,
            "The owner's duty wherever delivery is at least once (Helland, Idempotence Is Not a Medical Condition, 2012)";
        /// Share of the messages that wait for the window.
        batched: f64 = 0.0, 0.0..=1.0,
            "None unless set";
        /// How often the window opens; 0 for always open.
        window_every: Duration = Duration::ZERO, 0.0..=864_000.0,
            "Always open unless set; a day for a nightly digest";
        /// How long it stays open.
        window_length: Duration = Duration::from_s(3600), 0.001..=864_000.0,
            "Assumed: an hour of the night";
        /// Memory of the process when it is empty.
        process_memory: Bytes = Bytes(150_000_000), 0.0..=1e15,
            "RabbitMQ's documentation: an idle node takes some 100 to 200 MB";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(10), 0.0..=86_400.0,
            "Assumed: reading its journal";
    }
}

/// How often a queue without workers looks whether there are any again.
const LOOK_AGAIN_NS: Nanos = SECOND_NS;

const AGAIN: u8 = 0;
const WINDOW: u8 = 1;

/// How far an arrived call is.
const TAKEN: u16 = 0;
const ON_DISK: u16 = 1;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    accepted: u64,
    refused: u64,
    done: u64,
    done_after_s: f64,
    digests: u64,
    digests_after_s: f64,
    redelivered: u64,
    dead: u64,
    duplicates: u64,
    lost: u64,
}

/// A worker behind the queue.
#[derive(Clone, Copy, Debug)]
struct Worker {
    edge: u16,
    /// Messages that it has.
    out: u32,
}

/// A message queue at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    host: u32,
    workers: Vec<Worker>,
    messages: Messages,
    demand: Sampler,
    demands: Stream,
    luck: Stream,
    again: Slot,
    window: Slot,
    stuck: u32,
    busy: u32,
    memory_bytes: f64,
    stored_bytes: f64,
    up: bool,
    counts: Counts,
}

/// What theory is told of the queue: only what the caller waits for.
pub(super) fn flow(settings: &Settings, _: Class, _: &Context<'_>) -> Flow {
    let mut flow = Flow::default();
    flow.asks.push(Ask::Compute { demand: settings.demand, count: 1, chance: 1.0 });
    if settings.durable {
        flow.asks.push(Ask::Disk { mean_count: 1.0, each: None });
    }
    flow.behind.push(Ask::Call { kinds: ABOUT.calls, count: 1, chance: 1.0 });
    // What makes every worker fail is delivered again until it is a dead letter.
    let again = settings.deliveries.saturating_sub(1);
    if settings.poison > 0.0 && again > 0 {
        flow.behind.push(Ask::Call { kinds: ABOUT.calls, count: again, chance: settings.poison });
        flow.caveats.push("messages that fail are delivered again at once".to_owned());
    }
    flow.follow_up = Some(FollowUp {
        metric: "done_after",
        slots: settings.concurrency,
        by: ABOUT.calls,
        begin_per_s: f64::INFINITY,
        ahead: 0.0,
    });
    if settings.batched > 0.0 {
        flow.caveats.push("messages that wait for the window are taken to be delivered at once".to_owned());
    }
    flow
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let carries = |way: &&Way| *way.classes.get(Class::Job);
        Self {
            workers: place.edges.iter().filter(carries).map(|way| Worker { edge: way.edge, out: 0 }).collect(),
            node: place.node,
            host: place.host.unwrap_or_default(),
            messages: Messages::default(),
            demand: Sampler::new(&settings.demand),
            demands: engine.stream(&place.name, "demand"),
            luck: engine.stream(&place.name, "luck"),
            again: engine.add_timer(Timer { node: place.node, which: AGAIN }),
            window: engine.add_timer(Timer { node: place.node, which: WINDOW }),
            stuck: 0,
            busy: 0,
            memory_bytes: 0.0,
            stored_bytes: 0.0,
            up: false,
            counts: Counts::default(),
            settings: *settings,
        }
    }

    /// Takes as much memory and disk as the messages need.
    fn settle(&mut self, engine: &mut Engine) {
        let Settings { process_memory, message, durable, .. } = self.settings;
        let messages = message.0 as f64 * self.messages.len() as f64;
        let bytes = if self.up { process_memory.0 as f64 + messages } else { 0.0 };
        if bytes != self.memory_bytes {
            engine.hold(self.host, bytes - self.memory_bytes);
            self.memory_bytes = bytes;
        }
        let stored = if durable { messages } else { 0.0 };
        if stored != self.stored_bytes && engine.store(self.host, stored - self.stored_bytes) {
            self.stored_bytes = stored;
        }
        // What waits for the window is nothing that more workers could do.
        let window = self.window_is_open(engine.now());
        engine.presence_mut(self.node).backlog = self.messages.workable(window) as u32;
    }

    fn window_is_open(&self, now: Nanos) -> bool {
        let every_ns = self.settings.window_every.ns();
        every_ns == 0 || now % every_ns < self.settings.window_length.ns()
    }

    /// When the window opens next, or shuts.
    fn await_window(&self, engine: &mut Engine) {
        let every_ns = self.settings.window_every.ns();
        if every_ns == 0 {
            engine.clear_timer(self.window);
            return;
        }
        let opened = engine.now() / every_ns * every_ns;
        let shuts = opened.saturating_add(self.settings.window_length.ns());
        let opens = opened.saturating_add(every_ns);
        engine.set_timer(self.window, if engine.now() < shuts { shuts.min(opens) } else { opens });
    }

    fn accept(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        self.busy = self.busy.saturating_sub(1);
        if self.is_full() {
            self.refuse(engine, id, Cause::Refused);
            return;
        }
        if self.settings.durable && !engine.store(self.host, self.settings.message.0 as f64) {
            self.refuse(engine, id, Cause::DiskFull);
            return;
        }
        if self.settings.durable {
            self.stored_bytes += self.settings.message.0 as f64;
        }
        let mut luck = self.luck.draw(call.request);
        let (poison, batched) = (luck.chance(self.settings.poison), luck.chance(self.settings.batched));
        self.messages.accept(call.request, engine.now(), poison, batched);
        self.counts.accepted += 1;
        engine.answer(id, Ok(()));
        self.deliver(engine);
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= self.settings.bound as usize
    }

    fn refuse(&mut self, engine: &mut Engine, id: CallId, cause: Cause) {
        self.counts.refused += 1;
        engine.answer(id, Err(cause));
    }

    /// Whether a worker can be sent anything.
    fn works(engine: &Engine, worker: &Worker) -> bool {
        let presence = engine.presence(engine.target(worker.edge));
        presence.up && !presence.draining && !presence.reserve && !engine.is_cut(worker.edge)
    }

    fn misses_workers(&self, engine: &Engine) -> bool {
        self.workers.iter().any(|worker| !Self::works(engine, worker))
    }

    /// The worker with the fewest messages of those that run and have room.
    fn worker(&self, engine: &Engine) -> Option<usize> {
        let takes = |worker: &Worker| worker.out < self.settings.concurrency && Self::works(engine, worker);
        let able = (0..self.workers.len()).filter(|index| takes(&self.workers[*index]));
        able.min_by_key(|index| self.workers[*index].out)
    }

    /// Hands messages to workers for as long as there are both.
    fn deliver(&mut self, engine: &mut Engine) {
        let window = self.window_is_open(engine.now());
        while self.up
            && self.stuck == 0
            && self.messages.is_ready(window)
            && let Some(index) = self.worker(engine)
        {
            let edge = self.workers[index].edge;
            let Some(at) = self.messages.take(edge, window) else { break };
            let Some(message) = self.messages.get(at).copied() else { break };
            self.counts.redelivered += u64::from(message.deliveries > 1);
            let delivery = engine.begin_own(message.request, Class::Job, self.node, None);
            if let Some(call) = engine.get_mut(delivery) {
                call.count = at;
            }
            if let Some(work) = engine.call(edge, delivery, self.settings.visibility.ns()) {
                work.verb = PUT;
            }
            self.workers[index].out += 1;
        }
        if self.up && self.stuck == 0 && self.messages.is_ready(window) && self.misses_workers(engine) {
            // Whoever comes back does not ask for work: look again when somebody may have.
            let next = engine.now().saturating_add(LOOK_AGAIN_NS);
            engine.set_timer(self.again, engine.timer(self.again).map_or(next, |set| set.min(next)));
        }
        self.settle(engine);
    }

    /// A worker has done a message's work.
    fn done(&mut self, engine: &Engine, at: u32) {
        let Some(message) = self.messages.get(at).copied() else { return };
        let after_s = (engine.now() - message.accepted) as f64 / SECOND_NS as f64;
        self.counts.done += 1;
        self.counts.duplicates += u64::from(message.uncertain);
        if message.batched {
            self.counts.digests += 1;
            self.counts.digests_after_s += after_s;
        } else {
            self.counts.done_after_s += after_s;
        }
        self.messages.remove(at);
    }

    /// A worker has not done a message's work, or not said so.
    fn failed(&mut self, engine: &Engine, at: u32, cause: Cause) {
        let Some(message) = self.messages.get_mut(at) else { return };
        message.uncertain |= cause == Cause::TimedOut;
        if message.deliveries >= self.settings.deliveries {
            self.counts.dead += 1;
            self.messages.remove(at);
            return;
        }
        match cause {
            // Its connection broke: whatever it had can go to another at once. Its visibility has run out: likewise.
            Cause::Down | Cause::OutOfMemory | Cause::TimedOut => self.messages.put_back(at),
            _ => self.messages.try_later(at, engine.now().saturating_add(self.settings.retry_after.ns())),
        }
    }

    fn line_up(&mut self, engine: &mut Engine) {
        match self.messages.line_up(engine.now()) {
            Some(next) => engine.set_timer(self.again, next),
            None => engine.clear_timer(self.again),
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.up = true;
        self.await_window(engine);
        self.line_up(engine);
        self.deliver(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.up = false;
        self.busy = 0;
        self.workers.iter_mut().for_each(|worker| worker.out = 0);
        if self.settings.durable {
            self.messages.recover();
        } else {
            self.counts.lost += self.messages.clear() as u64;
        }
        engine.clear_timer(self.again);
        engine.clear_timer(self.window);
        self.settle(engine);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if self.is_full() {
            self.refuse(engine, id, Cause::Refused);
            return;
        }
        self.busy += 1;
        engine.serves(id);
        let demand_ns = engine.demand_ns(&self.demand, &mut self.demands.draw(call.request));
        engine.compute(id, self.host, demand_ns);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let durable = self.settings.durable;
        match engine.get_mut(id) {
            Some(call) if call.step == TAKEN && durable => {
                call.step = ON_DISK;
                engine.write(id, self.host);
            }
            Some(_) => self.accept(engine, id),
            None => {}
        }
    }

    fn answered(&mut self, engine: &mut Engine, delivery: CallId, reply: &Reply) {
        let Some(at) = engine.get(delivery).map(|call| call.count) else { return };
        engine.finish(delivery);
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.edge == reply.edge) {
            worker.out = worker.out.saturating_sub(1);
        }
        let poison = self.messages.get(at).is_some_and(|message| message.poison);
        match reply.answer {
            Ok(()) if !poison => self.done(engine, at),
            Ok(()) => self.failed(engine, at, Cause::Error),
            Err(cause) => self.failed(engine, at, cause),
        }
        self.line_up(engine);
        self.deliver(engine);
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        if which == WINDOW {
            self.await_window(engine);
        }
        self.line_up(engine);
        self.deliver(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Queue(settings) = settings else { return };
        self.settings = *settings;
        self.demand = Sampler::new(&settings.demand);
        if self.up {
            self.await_window(engine);
            self.deliver(engine);
        }
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = if on { self.stuck + 1 } else { self.stuck.saturating_sub(1) };
            self.deliver(engine);
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let counts = &self.counts;
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let count = |number: u64| MetricReading::Count(number as f64);
        add("backlog", Unit::Count, MetricReading::Gauge(self.messages.waiting() as f64));
        add("accepted", Unit::Count, count(counts.accepted));
        add("refused", Unit::Count, count(counts.refused));
        add("done", Unit::Count, count(counts.done));
        let now = (counts.done - counts.digests) as f64;
        add("done_after", Unit::Seconds, MetricReading::Ratio(counts.done_after_s, now));
        if self.settings.batched > 0.0 {
            let after = MetricReading::Ratio(counts.digests_after_s, counts.digests as f64);
            add("digest_after", Unit::Seconds, after);
        }
        add("redelivered", Unit::Count, count(counts.redelivered));
        add("dead_letters", Unit::Count, count(counts.dead));
        add("lost", Unit::Count, count(counts.lost));
        add("duplicates", Unit::Count, count(counts.duplicates));
        let harm = if self.settings.idempotent { 0 } else { counts.duplicates };
        add("harmful_duplicates", Unit::Count, count(harm));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: self.messages.waiting() as u32,
            waiting_most: self.settings.bound,
            in_service: self.busy,
            in_service_most: 0,
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

#[cfg(test)]
mod tests;
