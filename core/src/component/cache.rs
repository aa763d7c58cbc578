//! A cache: keeps answers in memory, so that the database need not find them again.

use super::flights::Flights;
use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
pub use super::store::Policy;
use super::store::{Entry, Store};
use super::{About, Behaviour, DELETE, HIT, Metric, MetricReading, NodeGauge, PUT, Place};
use crate::engine::Engine;
use crate::engine::calls::{Call, CallId};
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::outcome::Estimate;
use crate::popularity::cache as model;
use crate::popularity::zipf::Zipf;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, Popularity, Workload};
use crate::{choices, settings};

/// What the model of the cache does.
pub const ABOUT: About = About {
    name: "Cache",
    summary: "Keeps answers in memory, so that the database need not find them again.",
    models: &[
        "Every entry has a key of its own: the item that the request is about. A full cache throws one out by its policy.",
        "An entry expires a fixed time after it was stored; it leaves when it is next asked for, or thrown out.",
        "The app looks first, asks the database when there is nothing, and stores what it got. After a change it tells the cache.",
        "A hit is out of date when the item has changed since the entry was read from the database: because nobody told the cache, or because an old read was stored after the change had thrown the entry out.",
        "When an entry is missing that many ask for, all of them go to the database at once, unless the cache lets one fetch while the others wait.",
        "Several copies share the items among them: the app picks the copy by the item.",
        "It keeps nothing when it dies, and begins empty.",
    ],
    also: &[],
    leaves_out: &[
        "Entries of different sizes.",
        "Remembering that something does not exist.",
        "An app that does not tell the cache of changes still spends a message on it.",
    ],
    hosted: true,
    origin: false,
    calls: &[],
    glance: &[
        Glance::share("hit_ratio", "Hits"),
        Glance::share("stale", "stale").beside(),
        Glance::rate("misses", "Misses"),
        Glance::rate("expired", "Expired"),
    ],
};

choices! {
    /// What becomes of an entry when the app says that its item has changed.
    pub enum Writes {
        /// It is thrown out; the next read fetches it (cache-aside).
        Invalidate = "invalidate",
        /// It is replaced by what was written (write-through).
        Update = "update",
        /// Nothing: it stays until it expires.
        Ignore = "ignore",
    }
}

choices! {
    /// What keeps many from fetching the same missing entry at once.
    pub enum Protection {
        /// Nothing.
        None = "none",
        /// One fetches, the others wait for it.
        Lock = "lock",
        /// As with a lock, and what was fetched before a change is not stored (Nishtala et al., "Scaling Memcache at
        /// Facebook", NSDI 2013).
        Lease = "lease",
        /// One fetches before the entry expires: the sooner, the longer a fetch takes (Vattani, Chierichetti &
        /// Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", PVLDB 8(8), 2015).
        Early = "early",
    }
}

settings! {
    /// Settings of a cache.
    pub struct Settings {
        /// Entries that there is room for, on each copy.
        entries: u32 = 50_000, 1.0..=1e9,
            "Assumed: 100 MB of entries; memcached takes 64 MB by default (-m 64)";
        /// Memory of one entry, its key and overhead included.
        entry: Bytes = Bytes(2_000), 1.0..=1e9,
            "Assumed: a rendered list; memcached adds some 50 bytes, Redis some 100";
        /// How long an entry is good for; 0 for ever.
        ttl: Duration = Duration::from_s(300), 0.0..=864_000.0,
            "Assumed: five minutes, a common choice for lists that change now and then";
        /// Which entry a full cache throws out.
        policy: Policy = Policy::Lru, 0.0..=2.0,
            "memcached and Redis' allkeys-lru throw out what was not used longest";
        /// What becomes of an entry when its item changes.
        writes: Writes = Writes::Invalidate, 0.0..=2.0,
            "Nishtala et al., Scaling Memcache at Facebook (NSDI 2013): deletes, since they are idempotent";
        /// Whether an entry carries its row's version, so that an older one never replaces a newer.
        versions: bool = false, 0.0..=1.0,
            "None unless set: a compare-and-set, as with memcached's gets and cas";
        /// What keeps many from fetching the same missing entry at once.
        protection: Protection = Protection::None, 0.0..=3.0,
            "None unless set";
        /// How long one may fetch while the others wait, before another is let try.
        lock: Duration = Duration::from_s(2), 0.001..=600.0,
            "Assumed; memcached's leases of Nishtala et al. (2013) last 10 s";
        /// How eagerly an entry is fetched before it expires; 1 is what suits a memoryless fetch.
        eagerness: f64 = 1.0, 0.0..=100.0,
            "Vattani et al. (2015): beta = 1 is optimal for exponential fetch times";
        /// Processor time of one operation.
        demand: Demand = Demand::exponential(Duration::from_ns(15_000)), 0.0..=1.0,
            "redis-benchmark on common hardware: 60,000 to 180,000 operations a second of one thread (Redis documentation)";
        /// Memory of the process when it is empty.
        process_memory: Bytes = Bytes(20_000_000), 0.0..=1e15,
            "Assumed: an empty Redis or memcached has some megabytes, and its connections";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(2), 0.0..=86_400.0,
            "Assumed: there is nothing to load";
    }
}

/// How far a call is.
const WORKING: u16 = 0;
const WAITING: u16 = 1;
const ANSWERED: u16 = 2;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    look_ups: u64,
    hits: u64,
    stale: u64,
    evicted: u64,
    expired: u64,
    waited: u64,
    refused: u64,
}

/// A cache at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    host: u32,
    store: Store,
    flights: Flights,
    /// Calls that wait for what another fetches.
    waiting: u32,
    demand: Sampler,
    demands: Stream,
    eagers: Stream,
    /// Calls that are worked on.
    busy: u32,
    memory_bytes: f64,
    up: bool,
    counts: Counts,
}

/// What theory is told of the cache. Who calls it asks its [`hit_ratio`].
pub(super) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let mut flow = Flow::default();
    flow.asks.push(Ask::Compute { demand: settings.demand, count: 1, chance: 1.0 });
    if matches!(settings.protection, Protection::Lock | Protection::Lease) {
        flow.caveats.push("who waits for what another fetches as if it were there".to_owned());
    }
    if class == Class::Read && context.figures {
        // A read that finds nothing comes back to store what it has fetched, so that calls of reads are look-ups and
        // those. The callers know how many of them were look-ups.
        let [_, reads, writes, _] = context.rate_per_s;
        let fetch_s = fetches(context).fold(0.0, f64::max);
        let ratio =
            |looked_up: f64| hit_ratio_of(settings, items(context, context.component), (looked_up, writes), fetch_s);
        // look-ups (2 - ratio) = calls; two rounds are enough, for the ratio hardly hangs on the rate.
        let first = ratio(reads / 1.5);
        let hits = ratio(reads / (2.0 - first));
        flow.metrics.push(("hit_ratio", Estimate::by(hits, CHE)));
    }
    flow
}

/// How long it takes those who look things up here to fetch what they miss, each by itself.
fn fetches<'a>(context: &Context<'a>) -> impl Iterator<Item = f64> {
    let links = context.stage.links.iter().filter(|link| link.to == context.component);
    links.filter_map(|link| match &context.stage.components[link.from].settings {
        super::Settings::AppServer(app) => {
            Some(super::app_server::fetch_s(app, &Context { component: link.from, ..*context }))
        }
        _ => None,
    })
}

/// What a hit ratio rests on.
pub(super) const CHE: &str = "approximation: Che's, for a cache that has been warm for long; within 0.03";

/// How often the cache with this index has what is asked for, when so many reads and changes of items a second come to
/// it, and what is missing takes so long to fetch.
pub(super) fn hit_ratio(context: &Context<'_>, cache: usize, per_s: (f64, f64), fetch_s: f64) -> f64 {
    match &context.stage.components[cache].settings {
        super::Settings::Cache(settings) => hit_ratio_of(settings, items(context, cache), per_s, fetch_s),
        _ => 0.0,
    }
}

/// The items, and how many copies share them.
fn items(context: &Context<'_>, cache: usize) -> (Popularity, u32) {
    (context.stage.workload.popularity, context.stage.components[cache].copies)
}

/// A change that throws an entry out is one more event that renews the item's time, but leaves nothing. One that replaces
/// the entry is as good as a read.
fn hit_ratio_of(
    settings: &Settings,
    (popularity, copies): (Popularity, u32),
    (reads_per_s, writes_per_s): (f64, f64),
    fetch_s: f64,
) -> f64 {
    let events_per_s = if settings.writes == Writes::Ignore { reads_per_s } else { reads_per_s + writes_per_s };
    let policy = match settings.policy {
        Policy::Lru => model::Policy::Lru,
        Policy::Lfu => model::Policy::Lfu,
        Policy::Fifo => model::Policy::Fifo,
    };
    let expiry = match settings.ttl.ns() {
        0 => model::Expiry::Never,
        _ => model::Expiry::AfterInsertion(settings.ttl.as_secs_f64()),
    };
    let room = u64::from(settings.entries) * u64::from(copies);
    let invalidates = settings.writes == Writes::Invalidate;
    let cache = model::Cache {
        fetch_s: if settings.protection == Protection::None { fetch_s } else { 0.0 },
        kept: if invalidates { (reads_per_s / events_per_s.max(1e-12)).max(1e-6) } else { 1.0 },
        ..model::Cache::new(policy, expiry, room)
    };
    let hits = Zipf::new(popularity.zipf, popularity.items).and_then(|zipf| cache.hits(&zipf, events_per_s));
    hits.map_or(0.0, |hits| hits.ratio)
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        engine.follow_changes();
        Self {
            host: place.host.unwrap_or_default(),
            store: Store::new(settings.policy, settings.entries),
            flights: Flights::default(),
            waiting: 0,
            demand: Sampler::new(&settings.demand),
            demands: engine.stream(&place.name, "demand"),
            eagers: engine.stream(&place.name, "early"),
            busy: 0,
            memory_bytes: 0.0,
            up: false,
            counts: Counts::default(),
            settings: *settings,
        }
    }

    /// Takes as much memory as the entries need.
    fn settle(&mut self, engine: &mut Engine) {
        let Settings { process_memory, entry, .. } = self.settings;
        let bytes =
            if self.up { process_memory.to_f64() + entry.to_f64() * f64::from(self.store.len() as u32) } else { 0.0 };
        if bytes != self.memory_bytes {
            engine.hold(self.host, bytes - self.memory_bytes);
            self.memory_bytes = bytes;
        }
    }

    fn answer(&mut self, engine: &mut Engine, id: CallId) {
        if let Some(call) = engine.get_mut(id) {
            self.waiting -= u32::from(call.step == WAITING);
            call.step = ANSWERED;
        }
        engine.answer(id, Ok(()));
    }

    /// Looks an item up, and answers unless the call is to wait for somebody else.
    fn look_up(&mut self, engine: &mut Engine, id: CallId, request: u64, waited: bool) {
        let item = engine.item(request, 0);
        let Settings { protection, eagerness, lock, .. } = self.settings;
        let now = engine.now();
        let found = self.store.use_entry(item).copied();
        let expired = found.is_some_and(|entry| entry.expires <= now);
        if expired {
            self.store.remove(item);
            self.counts.expired += 1;
        }
        let found = found.filter(|entry| !expired && !self.is_due(engine, request, entry, eagerness));
        if let Some(entry) = found {
            self.hit(engine, id, item, &entry);
            return;
        }
        let waits = matches!(protection, Protection::Lock | Protection::Lease);
        if waits && !self.flights.leads(item, now, lock.ns()) {
            let until = self.flights.wait(item, (!waited).then_some(id), lock.ns());
            if let Some(call) = engine.get_mut(id) {
                self.waiting += u32::from(!waited);
                call.step = WAITING;
            }
            engine.waits(id);
            engine.pause(id, until.saturating_sub(now).max(1));
            return;
        }
        self.counts.look_ups += 1;
        self.answer(engine, id);
    }

    /// Whether this call is the one that fetches an entry anew before it expires.
    fn is_due(&self, engine: &Engine, request: u64, entry: &Entry, eagerness: f64) -> bool {
        self.settings.protection == Protection::Early && entry.expires < Nanos::MAX && {
            let early = engine.exponential(&mut self.eagers.draw(request)) * eagerness * entry.cost_ns as f64;
            engine.now().saturating_add(early as Nanos) >= entry.expires
        }
    }

    fn hit(&mut self, engine: &mut Engine, id: CallId, item: u64, entry: &Entry) {
        let stale = entry.stale || engine.changed_since(item, entry.as_of);
        self.counts.look_ups += 1;
        self.counts.hits += 1;
        self.counts.stale += u64::from(stale);
        if let Some(call) = engine.get_mut(id) {
            (call.note, call.stale) = (HIT, stale);
        }
        self.answer(engine, id);
    }

    /// Stores what a call brings, and gives it to those who wait for it.
    fn keep(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        let item = engine.item(call.request, 0);
        let written = call.verb == DELETE;
        if self.settings.protection == Protection::Lease && !written && !self.flights.is_sound(item) {
            self.counts.refused += 1;
            self.send_another(engine, item);
            return;
        }
        let (now, ttl_ns) = (engine.now(), self.settings.ttl.ns());
        let began = engine.get(call.parent).map_or(now, |parent| parent.begun);
        let entry = Entry {
            expires: if ttl_ns > 0 { now.saturating_add(ttl_ns) } else { Nanos::MAX },
            as_of: call.note,
            cost_ns: now - began,
            stale: call.stale && !written,
        };
        let newer = |kept: &&Entry| self.settings.versions && kept.as_of > entry.as_of && kept.expires > now;
        let entry = match self.store.peek(item).filter(newer).copied() {
            Some(kept) => {
                self.counts.refused += 1;
                kept
            }
            None => {
                self.counts.evicted += u64::from(self.store.put(item, entry));
                entry
            }
        };
        while let Some(waiting) = self.flights.next(item) {
            if engine.get(waiting).is_some_and(|call| call.step == WAITING) {
                self.counts.waited += 1;
                self.hit(engine, waiting, item, &entry);
            }
        }
    }

    /// What was fetched may not be stored: another of those who wait fetches again.
    fn send_another(&mut self, engine: &mut Engine, item: u64) {
        while let Some(waiting) = self.flights.next(item) {
            // Whoever has given up does not fetch anything.
            if engine.get(waiting).is_some_and(|call| call.step == WAITING && engine.get(call.parent).is_some()) {
                self.flights.renew(item, engine.now());
                self.counts.look_ups += 1;
                self.answer(engine, waiting);
                return;
            }
        }
    }

    fn forget(&mut self, engine: &mut Engine, request: u64) {
        let item = engine.item(request, 0);
        self.store.remove(item);
        self.flights.void(item);
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.up = true;
        self.settle(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.up = false;
        self.busy = 0;
        self.store.clear();
        self.flights.clear();
        self.waiting = 0;
        self.settle(engine);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(&Call { request, verb, .. }) = engine.get(id) else { return };
        self.busy += 1;
        let number = (request << 2) | u64::from(verb);
        let demand_ns = engine.demand_ns(&self.demand, &mut self.demands.draw(number));
        engine.serve(id, self.host, demand_ns);
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(&Call { request, verb, step, .. }) = engine.get(id) else { return };
        self.busy = self.busy.saturating_sub(u32::from(step == WORKING));
        match (verb, self.settings.writes) {
            (DELETE, Writes::Ignore) => self.answer(engine, id),
            (DELETE, Writes::Invalidate) => {
                self.forget(engine, request);
                self.answer(engine, id);
            }
            (DELETE | PUT, _) => {
                self.keep(engine, id);
                self.answer(engine, id);
            }
            _ => self.look_up(engine, id, request, step == WAITING),
        }
        self.settle(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Cache(settings) = settings else { return };
        self.settings = *settings;
        self.demand = Sampler::new(&settings.demand);
        self.store.follow(settings.policy);
        self.counts.evicted += u64::from(self.store.resize(settings.entries));
        self.settle(engine);
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if on && *kind == FaultKind::ColdCache {
            self.store.clear();
            self.settle(engine);
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let Counts { look_ups, hits, stale, evicted, expired, waited, refused } = self.counts;
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        add("hit_ratio", Unit::Number, MetricReading::Ratio(hits as f64, look_ups as f64));
        add("stale", Unit::Number, MetricReading::Ratio(stale as f64, hits as f64));
        add("misses", Unit::Count, MetricReading::Count((look_ups - hits) as f64));
        add("look_ups", Unit::Count, MetricReading::Count(look_ups as f64));
        add("entries", Unit::Count, MetricReading::Gauge(self.store.len() as f64));
        add("evictions", Unit::Count, MetricReading::Count(evicted as f64));
        add("expired", Unit::Count, MetricReading::Count(expired as f64));
        add("waited", Unit::Count, MetricReading::Count(waited as f64));
        add("refused", Unit::Count, MetricReading::Count(refused as f64));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge { waiting: self.waiting, in_service: self.busy, up: true, ..NodeGauge::default() }
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
