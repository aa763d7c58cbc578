//! A content delivery network: caches in many places, each close to its users.

use super::cache::CHE;
use super::edges::{Edges, Found, Rules, Version};
use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::outbound::choose;
use super::{About, Behaviour, CHECK, Kind, Metric, MetricReading, NodeGauge, Place};
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::{Engine, Presence, Reply};
use crate::outcome::Estimate;
use crate::popularity::cache as model;
use crate::popularity::zipf::Zipf;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, PerClass, Workload};
use crate::{choices, settings};

/// What the model of the CDN does.
pub const ABOUT: About = About {
    name: "CDN",
    summary: "Keeps copies of files in many places, so that they come from nearby and the origin rests.",
    models: &[
        "Every region of users has an edge of its own, next to them: connections and TLS are set up over short round trips.",
        "An edge keeps real files by name, up to its size and for their time to live, and throws out the one not asked for longest.",
        "What it does not have it fetches from the origin, over the distance between the two regions; with a shield, edges ask one cache near the origin first.",
        "A release (a deploy on the CDN) changes some files. Until they expire the old ones are served, unless they are purged or have new names.",
        "Pages and changes pass through to the origin.",
        "Bytes sent are counted for the bill.",
    ],
    also: &[],
    leaves_out: &[
        "Waiting for another's fetch of the same file: each fetches it.",
        "Asking whether a file has changed: an expired one is fetched again in full.",
        "The many places within a region.",
    ],
    hosted: false,
    origin: false,
    calls: &[Kind::LoadBalancer, Kind::AppServer, Kind::ObjectStore],
    glance: &[
        Glance::share("hit_ratio", "Hits"),
        Glance::rate("outdated", "stale").beside(),
        Glance::rate("requests", "Asked"),
    ],
};

choices! {
    /// What becomes of copies when files change.
    pub enum OnRelease {
        /// Nothing: they are served until they expire.
        Keep = "keep",
        /// Every copy of every file is thrown away.
        Purge = "purge",
        /// Changed files have new names, so old copies are not asked for again.
        NewNames = "new-names",
    }
}

settings! {
    /// Settings of a CDN.
    pub struct Settings {
        /// Bytes that each edge keeps; of small files no more than a million.
        size: Bytes = Bytes(5_000_000_000), 0.0..=1e15,
            "Assumed: one customer's share of an edge";
        /// How long a file is kept before it is fetched again.
        ttl: Duration = Duration::from_s(86_400), 0.0..=31_536_000.0,
            "Amazon CloudFront: the default TTL is 24 hours";
        /// Time to answer from an edge.
        hit: Duration = Duration::from_ms(1), 0.0..=10.0,
            "Assumed: from memory or a solid-state disk";
        /// Whether edges ask a cache near the origin before the origin.
        shield: bool = false, 0.0..=1.0,
            "CloudFront's Origin Shield and Fastly's shielding are off unless asked for";
        /// Whether the run begins with the most popular files at the edges.
        warm: bool = true, 0.0..=1.0,
            "A site that has run for days; off for one that has just begun";
        /// What becomes of copies when a release changes files: keep, purge (throw all away), new-names (of those that changed).
        on_release: OnRelease = OnRelease::Keep, 0.0..=2.0,
            "Nothing, unless somebody purges; bundlers such as webpack and Vite put a hash into each name";
        /// Share of the files that a release changes.
        changed: f64 = 0.1, 0.0..=1.0,
            "Assumed: some scripts and styles, no photos";
        /// How long the origin may take to answer.
        timeout: Duration = Duration::from_s(30), 0.001..=600.0,
            "Amazon CloudFront: the origin response timeout is 30 s unless set";
        /// Origins that a request is tried at, the nearest first.
        tries: u32 = 1, 1.0..=10.0,
            "One, unless an origin group says where else";
        /// How long an origin that has failed is left alone, where there is another.
        origin_out: Duration = Duration::from_s(10), 0.0..=3600.0,
            "Assumed; CDNs check their origins every few seconds";
    }
}

/// The number of the draw that says which file a request is about, apart from those of its queries.
const FILE: u64 = 0xff;

/// What a request waits for: the lower four bits of its step. Above them is the version that its answer will be of.
const AT_EDGE: u16 = 0;
const AT_SHIELD: u16 = 1;
const TO_ORIGIN: u16 = 2;
const FETCHED: u16 = 3;

fn with(state: u16, version: Version) -> u16 {
    state | (version << 4)
}

/// Where files and pages come from: one component.
#[derive(Clone, Debug)]
struct Origin {
    component: u16,
    node: u16,
    classes: PerClass<bool>,
    edges: Vec<u16>,
    /// Until when it is left alone: it has failed.
    ill_until: Nanos,
}

/// A CDN at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    response_bytes: PerClass<Bytes>,
    edges: Edges,
    origins: Vec<Origin>,
    routes: Stream,
    busy: u32,
    requests: u64,
    fetched: u64,
    outdated: u64,
    sent_bytes: f64,
    fetched_bytes: f64,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        let mut origins: Vec<Origin> = Vec::new();
        for way in &place.edges {
            // Files rather come from where they are kept.
            let store = place.edges.iter().any(|way| way.kind == Kind::ObjectStore && *way.classes.get(Class::Static));
            let mut classes = way.classes;
            if way.kind == Kind::ObjectStore {
                classes = PerClass(Class::ALL.map(|class| class == Class::Static && *way.classes.get(class)));
            } else if store {
                *classes.get_mut(Class::Static) = false;
            }
            match origins.iter_mut().find(|origin| origin.component == way.component) {
                Some(origin) => origin.edges.push(way.edge),
                None => {
                    origins.push(Origin {
                        component: way.component,
                        node: way.node,
                        classes,
                        edges: vec![way.edge],
                        ill_until: 0,
                    });
                }
            }
        }
        Self {
            settings: *settings,
            node: place.node,
            response_bytes: workload.response_size,
            edges: Edges::new(rules(settings, workload), settings.warm, &place, engine),
            origins,
            routes: engine.stream(&place.name, "route"),
            busy: 0,
            requests: 0,
            fetched: 0,
            outdated: 0,
            sent_bytes: 0.0,
            fetched_bytes: 0.0,
        }
    }

    /// Where the caller is: its own region's edge, unless this network has only one place.
    fn region(&self, engine: &Engine, parent: CallId) -> u16 {
        let own = engine.presence(self.node).region;
        let region = match engine.get(parent) {
            Some(caller) if own == Presence::EVERYWHERE => engine.presence(caller.node).region,
            _ => own,
        };
        if region == Presence::EVERYWHERE { 0 } else { region }
    }

    /// Time from an edge to an origin and back that the link does not know of.
    fn round_trip_ns(&self, engine: &Engine, region: u16, origin: usize) -> Nanos {
        let everywhere = engine.presence(self.node).region == Presence::EVERYWHERE;
        let to = engine.presence(self.origins[origin].node).region;
        if everywhere { 2 * engine.distance_ns(region, to) } else { 0 }
    }

    /// The nearest origin for a class; one that has failed of late, or just `but` now, only where there is no other.
    fn origin(&self, engine: &Engine, region: u16, class: Class, but: Option<usize>) -> Option<usize> {
        let fits = |origin: &usize| *self.origins[*origin].classes.get(class);
        (0..self.origins.len()).filter(fits).min_by_key(|index| {
            let origin = &self.origins[*index];
            let distance_ns = engine.distance_ns(region, engine.presence(origin.node).region);
            (but == Some(*index), origin.ill_until > engine.now(), distance_ns)
        })
    }

    /// Sets out for the origin: first the distance, then the link.
    fn go_to_origin(&mut self, engine: &mut Engine, id: CallId, region: u16, failed: u32, but: Option<usize>) {
        let Some(call) = engine.get(id).copied() else { return };
        let Some(origin) = self.origin(engine, region, call.class, but) else {
            self.finish(engine, id, Err(Cause::Down));
            return;
        };
        let way_ns = self.round_trip_ns(engine, region, origin) + self.settings.hit.ns();
        if let Some(call) = engine.get_mut(id) {
            call.step = TO_ORIGIN;
            call.count = u32::from(region) | (failed.min(0xff) << 16) | ((origin as u32 & 0xff) << 24);
        }
        engine.pause(id, way_ns);
    }

    fn fetch(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        let (origin, failed) = ((call.count >> 24) as usize, (call.count >> 16) & 0xff);
        let number = (call.request << 8) | u64::from(failed);
        let Some(edge) = choose(engine, &self.origins[origin].edges, &self.routes, number) else {
            self.finish(engine, id, Err(Cause::Down));
            return;
        };
        self.fetched += 1;
        if let Some(call) = engine.get_mut(id) {
            call.step = with(FETCHED, self.edges.version());
        }
        if let Some(child) = engine.call(edge, id, self.settings.timeout.ns()) {
            child.verb = call.verb;
        }
    }

    fn finish(&mut self, engine: &mut Engine, id: CallId, answer: Result<(), Cause>) {
        self.busy = self.busy.saturating_sub(1);
        if let (Some(call), Ok(())) = (engine.get_mut(id), answer) {
            self.sent_bytes += self.response_bytes.get(call.class).0 as f64;
            if call.class == Class::Static {
                call.note = 0;
            }
        }
        engine.answer(id, answer);
    }
}

/// Most files that an edge keeps, however large it is: each takes room in the memory of a page.
const FILES_MOST: u64 = 1_000_000;

/// How files are kept, by the settings.
fn rules(settings: &Settings, workload: &Workload) -> Rules {
    Rules {
        capacity: (settings.size.0 / workload.response_size.get(Class::Static).0.max(1)).min(FILES_MOST) as usize,
        files: workload.popularity.items,
        ttl_ns: settings.ttl.ns(),
        changed: settings.changed,
        new_names: settings.on_release == OnRelease::NewNames,
    }
}

/// What theory is told of the CDN. Users of each region have an edge of their own.
pub(super) fn flow(settings: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let hit = Ask::Delay { time: settings.hit, chance: 1.0 };
    let store: &'static [Kind] = &[Kind::ObjectStore];
    let servers: &'static [Kind] = &[Kind::LoadBalancer, Kind::AppServer];
    let files_kept = class == Class::Static && context.calls(store, class);
    let kinds = if files_kept { store } else { servers };
    let mut flow = Flow::default();
    let mut missed = 1.0;
    if class == Class::Static {
        let hits = hit_ratio(settings, context);
        missed = 1.0 - hits;
        flow.metrics.push(("hit_ratio", Estimate::by(hits, CHE)));
        flow.caveats.push("the edges' hit ratio is Che's approximation for equal shares of the users".to_owned());
        if settings.shield {
            flow.caveats.push("what the shield has is fetched as if it had not".to_owned());
        }
    }
    flow.asks = vec![hit, Ask::Call { kinds, count: 1, chance: missed }];
    flow
}

/// Share of the files that an edge has.
fn hit_ratio(settings: &Settings, context: &Context<'_>) -> f64 {
    let stage = context.stage;
    let mut regions: Vec<Option<usize>> = Vec::new();
    for users in stage.components.iter().filter(|it| it.settings.kind() == Kind::Clients) {
        if !regions.contains(&users.region) {
            regions.push(users.region);
        }
    }
    let edges = regions.len().max(1) as f64 * f64::from(stage.components[context.component].copies);
    let rate_per_s = context.rate_per_s[Class::Static as usize] / edges;
    let expiry = model::Expiry::AfterInsertion(settings.ttl.as_secs_f64());
    let cache = model::Cache::new(model::Policy::Lru, expiry, rules(settings, &stage.workload).capacity as u64);
    let popularity = stage.workload.popularity;
    let hits = Zipf::new(popularity.zipf, popularity.items).and_then(|zipf| cache.hits(&zipf, rate_per_s));
    hits.map_or(0.0, |hits| hits.ratio)
}

impl Behaviour for State {
    /// What is kept outlives an outage: it lies on disks, in many places.
    fn stop(&mut self, _: &mut Engine) {
        self.busy = 0;
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        if call.verb == CHECK {
            engine.answer(id, Ok(()));
            return;
        }
        self.busy += 1;
        self.requests += 1;
        engine.serves(id);
        let (now, region) = (engine.now(), self.region(engine, call.parent));
        if call.class != Class::Static {
            self.go_to_origin(engine, id, region, 0, None);
            return;
        }
        let key = engine.item(call.request, FILE);
        if let Some(call) = engine.get_mut(id) {
            (call.note, call.count) = (key, u32::from(region));
        }
        let (found, step, way_ns) = match self.edges.look_up(now, Some(region), key) {
            Found::Nothing if self.settings.shield => {
                let origin = self.origin(engine, region, call.class, None);
                let way_ns = origin.map_or(0, |origin| self.round_trip_ns(engine, region, origin));
                (self.edges.look_up(now, None, key), AT_SHIELD, way_ns)
            }
            found => (found, AT_EDGE, 0),
        };
        let Found::File { outdated, version } = found else {
            self.go_to_origin(engine, id, region, 0, None);
            return;
        };
        self.outdated += u64::from(outdated);
        if let Some(call) = engine.get_mut(id) {
            (call.step, call.stale) = (with(step, version), outdated);
        }
        engine.pause(id, way_ns + self.settings.hit.ns());
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        match call.step & 0xf {
            TO_ORIGIN => self.fetch(engine, id),
            AT_SHIELD => {
                // An old copy of the shield's is an old copy at the edge.
                self.edges.keep(engine.now(), Some(call.count as u16), call.note, call.step >> 4);
                self.finish(engine, id, Ok(()));
            }
            _ => self.finish(engine, id, Ok(())),
        }
    }

    fn answered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) {
        let Some(call) = engine.get(id).copied() else { return };
        let (region, failed) = (call.count as u16, ((call.count >> 16) & 0xff) + 1);
        let harmless = matches!(call.class, Class::Static | Class::Read);
        let origin = (call.count >> 24) as usize;
        if matches!(reply.answer, Err(Cause::Down | Cause::TimedOut)) {
            self.origins[origin].ill_until = engine.now().saturating_add(self.settings.origin_out.ns());
        }
        match reply.answer {
            Ok(()) if call.class == Class::Static => {
                let version = call.step >> 4;
                self.fetched_bytes += self.response_bytes.get(call.class).0 as f64;
                self.edges.keep(engine.now(), Some(region), call.note, version);
                if self.settings.shield {
                    self.edges.keep(engine.now(), None, call.note, version);
                }
                self.finish(engine, id, Ok(()));
            }
            Err(_) if harmless && failed < self.settings.tries => {
                self.go_to_origin(engine, id, region, failed, Some(origin))
            }
            answer => {
                if answer.is_ok() {
                    self.fetched_bytes += self.response_bytes.get(call.class).0 as f64;
                }
                if let Some(call) = engine.get_mut(id) {
                    call.note = reply.note;
                }
                self.finish(engine, id, answer);
            }
        }
    }

    fn configure(&mut self, _: &mut Engine, settings: &super::Settings, workload: &Workload) {
        self.response_bytes = workload.response_size;
        if let super::Settings::Cdn(settings) = settings {
            self.settings = *settings;
        }
        self.edges.follow(rules(&self.settings, workload));
    }

    fn fault(&mut self, _: &mut Engine, kind: &FaultKind, on: bool) {
        match kind {
            FaultKind::ColdCache if on => self.edges.empty(),
            FaultKind::Deploy { .. } => {
                self.edges.release(kind, on);
                if self.settings.on_release == OnRelease::Purge {
                    self.edges.empty();
                }
            }
            _ => {}
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let ratio = |shield| {
            let (hits, looked_up) = self.edges.hits(shield);
            MetricReading::Ratio(hits, looked_up)
        };
        add("hit_ratio", Unit::Number, ratio(false));
        if self.settings.shield {
            add("shield_ratio", Unit::Number, ratio(true));
        }
        add("requests", Unit::Count, MetricReading::Count(self.requests as f64));
        add("fetched", Unit::Count, MetricReading::Count(self.fetched as f64));
        add("outdated", Unit::Count, MetricReading::Count(self.outdated as f64));
        add("sent", Unit::Bytes, MetricReading::Count(self.sent_bytes));
        add("fetched_bytes", Unit::Bytes, MetricReading::Count(self.fetched_bytes));
        add("kept", Unit::Count, MetricReading::Gauge(self.edges.kept() as f64));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge { in_service: self.busy, up: true, ..NodeGauge::default() }
    }
}
