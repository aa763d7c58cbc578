//! Users with their browsers: where requests come from, and who waits for the answers.

use super::arrivals::Process;
use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::outbound::Retry;
use super::{About, Behaviour, Kind, Metric, MetricReading, Place, Way};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::engine::{Engine, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::{FaultKind, Stage};
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Workload};

/// What the model of the users does.
pub const ABOUT: About = About {
    name: "Users",
    summary: "Browsers that ask for pages, files and changes, and give up when an answer takes too long.",
    models: &[
        "Requests arrive on their own, whether or not earlier ones were answered (an open workload); in a closed workload each user thinks between an answer and the next request.",
        "The first request of a visit looks the name up and opens a connection: one round trip for TCP, one for TLS 1.3.",
        "Static files come from a CDN where one is linked; while it is down they come from where the rest comes from.",
        "A user gives up after the timeout; the server, which does not know, goes on working for nobody.",
    ],
    also: &["A file that the browser has kept is not asked for again."],
    leaves_out: &[
        "TCP's slow start.",
        "What a visitor does next: which visit a request belongs to is drawn evenly among those under way.",
    ],
    hosted: false,
    origin: true,
    calls: &[Kind::Dns, Kind::Cdn, Kind::LoadBalancer, Kind::AppServer, Kind::ObjectStore],
    glance: &[Glance::share("browser_cache", "Browser had")],
};

settings! {
    /// Settings of the users.
    pub struct Settings {
        /// Their share of all users, where there are several kinds of users or regions: a weight, 1 unless set.
        share: f64 = 1.0, 0.0..=1_000_000.0,
            "A weight: the shares of all users together make the workload";
        /// How long a user waits for an answer before giving up.
        timeout: Duration = Duration::from_s(10), 0.01..=600.0,
            "Nielsen, Usability Engineering (1993), section 5.5: ten seconds is the limit for keeping a user's attention";
        /// Requests in one visit. The first of them looks the name up and opens the connection.
        visit: u32 = 20, 1.0..=1_000_000.0,
            "The journey's workload: ten visits a day of twenty requests each";
        /// How long a visit lasts. With the rate it says how many visits are under way at once.
        visit_lasts: Duration = Duration::from_s(300), 1.0..=86_400.0,
            "Assumed: twenty requests in five minutes";
        /// Round trips that opening a connection takes.
        handshake: u32 = 2, 0.0..=10.0,
            "RFC 9293 (TCP: one round trip) and RFC 8446 (TLS 1.3: one round trip)";
        /// Share of the static files that the browser has kept from before and does not ask for.
        browser_cache: f64 = 0.0, 0.0..=1.0,
            "None unless the server allows it: RFC 9111 leaves the choice to Cache-Control";
        /// Times that a failed request is sent in all: 1 for never again.
        tries: u32 = 1, 1.0..=20.0,
            "RFC 9110, section 9.2.2: a client may repeat only what is safe to repeat, so none unless set";
        /// Wait before a failed request is sent again.
        backoff: Duration = Duration::from_s(1), 0.0..=600.0,
            "Assumed: a script that tries again after a second", needs tries;
        /// Factor on that wait from one time to the next: 1 for a fixed wait, 2 for exponential backoff.
        backoff_growth: f64 = 2.0, 1.0..=10.0,
            "Doubling: binary exponential backoff, as in Ethernet (Metcalfe & Boggs, 1976)", needs tries;
        /// Whether the wait is drawn at random, from nothing to its length.
        jitter: bool = true, 0.0..=1.0,
            "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015): full jitter", needs tries;
    }
}

/// Kinds that static files come from where there is one.
const EDGE_CACHES: &[Kind] = &[Kind::Cdn];

/// Kinds that answer users.
const SERVERS: &[Kind] = &[Kind::AppServer, Kind::LoadBalancer, Kind::ObjectStore];

const NEXT_REQUEST: u8 = 0;

/// What a root call waits for.
const LOOK_UP: u16 = 0;
const HANDSHAKE: u16 = 1;
const RESPONSE: u16 = 2;
const BACKOFF: u16 = 3;
const LOOK_UP_LATER: u16 = 4;

/// The shortest time from an answer to the user's next request: whoever needs none must not ask any number of times at
/// one instant.
const THINK_LEAST_NS: Nanos = 1_000;
/// The shortest time for which a user has enough of a file that the browser has kept.
const OWN_FILE_NS: Nanos = 1_000_000;

/// The users at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    workload: Workload,
    /// These users' part of all users, and that of the kinds before them.
    part: f64,
    before: f64,
    /// Factors of the spikes that are on.
    spikes: Vec<f64>,
    /// Users of a closed workload.
    present: u32,
    think: Sampler,
    place: Place,
    resolvers: Vec<u16>,
    /// Where each class's requests may go.
    servers: [Vec<Way>; 4],
    /// Where static files come from while no edge cache is up.
    behind: Vec<Way>,
    /// The node that the last look-up named, if the resolver names one.
    resolved: Option<u16>,
    next_request: Slot,
    requests: u64,
    thought: u64,
    kept: u64,
    arrivals: Process,
    classes: Stream,
    visits: Stream,
    routes: Stream,
    waits: Stream,
    thoughts: Stream,
    browsers: Stream,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        let stream = |purpose| engine.stream(&place.name, purpose);
        let (classes, visits, routes) = (stream("class"), stream("visit"), stream("route"));
        let (waits, thoughts, browsers) = (stream("backoff"), stream("think"), stream("browser"));
        let weight = place.weight.max(f64::MIN_POSITIVE);
        let (part, before) = (settings.share / weight, place.weight_before / weight);
        engine.add_visits(place.ordinal, visits_at_once(settings, part, workload), settings.visit);
        Self {
            settings: *settings,
            workload: workload.clone(),
            part,
            before,
            spikes: Vec::new(),
            present: 0,
            think: Sampler::new(&workload.closed.map(|closed| closed.think).unwrap_or_default()),
            resolvers: place.edges_to(Kind::Dns),
            servers: Class::ALL.map(|class| servers_for(&place, class)),
            behind: servers_behind(&place),
            resolved: None,
            next_request: engine.add_timer(Timer { node: place.node, which: NEXT_REQUEST }),
            requests: 0,
            thought: 0,
            kept: 0,
            arrivals: Process::new(workload, part, &place.name, engine),
            classes,
            visits,
            routes,
            waits,
            thoughts,
            browsers,
            place,
        }
    }

    /// Sets the timer for the next request.
    fn await_next(&mut self, engine: &mut Engine) {
        if let Some(schedule) = &self.workload.schedule {
            match schedule.arrivals().get(self.requests as usize) {
                Some(next) => engine.set_timer(self.next_request, next.at),
                None => engine.clear_timer(self.next_request),
            }
            return;
        }
        let gap_s = self.arrivals.gap_s(engine, self.requests);
        match self.arrivals.after(engine, gap_s) {
            Some(at) => engine.set_timer(self.next_request, at),
            None => engine.clear_timer(self.next_request),
        }
    }

    fn class(&self, request: u64) -> Class {
        if let Some(scheduled) =
            self.workload.schedule.as_ref().and_then(|schedule| schedule.arrivals().get(request as usize))
        {
            return scheduled.class;
        }
        let mut left = self.classes.draw(request).uniform();
        for (class, share) in self.workload.mix.iter() {
            left -= share;
            if left < 0.0 {
                return class;
            }
        }
        // The shares add up to one but for rounding: what is left over goes to the last class that has any.
        let last = self.workload.mix.iter().filter(|(_, share)| **share > 0.0).last();
        last.map_or(Class::Static, |(class, _)| class)
    }

    /// A closed workload's user thinks, for so long at least, then sends.
    fn think(&mut self, engine: &mut Engine, least_ns: Nanos) {
        let number = self.thought;
        self.thought += 1;
        let think_ns = engine.demand_ns(&self.think, &mut self.thoughts.draw(number));
        let user = engine.begin_own(number, Class::Static, self.place.node, None);
        engine.pause(user, (think_ns as Nanos).max(least_ns));
    }

    /// A user has an answer: in a closed workload the next thought begins, unless there are too many users now.
    fn go_on(&mut self, engine: &mut Engine, least_ns: Nanos) {
        let Some(closed) = self.workload.closed else { return };
        if self.present > self.users(closed.users) {
            self.present -= 1;
        } else {
            self.think(engine, least_ns);
        }
    }

    /// Of a closed workload: as many users come as are missing. Who is too many goes with the next answer.
    fn gather(&mut self, engine: &mut Engine) {
        let users = self.workload.closed.map_or(0, |closed| self.users(closed.users));
        for _ in self.present..users {
            self.think(engine, THINK_LEAST_NS);
        }
        self.present = if self.workload.closed.is_some() { self.present.max(users) } else { 0 };
    }

    fn begin(&mut self, engine: &mut Engine) {
        let request = self.requests;
        self.requests += 1;
        let class = self.class(request);
        // What was measured was sent.
        if class == Class::Static
            && self.workload.schedule.is_none()
            && self.settings.browser_cache > 0.0
            && self.browsers.draw(request).chance(self.settings.browser_cache)
        {
            self.kept += 1;
            self.go_on(engine, OWN_FILE_NS);
            return;
        }
        // Requests of several kinds of users are told apart by their numbers' upper bits.
        let number = request | (u64::from(self.place.ordinal) << 40);
        let root = engine.begin(number, class, self.place.node, self.settings.timeout.ns());
        let Settings { visit, handshake, .. } = self.settings;
        // Where it would make no difference it is not drawn.
        let differs = handshake > 0 || !self.resolvers.is_empty();
        let first_of_visit = differs && self.visits.draw(request).below(visit) == 0;
        if !first_of_visit {
            self.send(engine, root);
        } else if self.resolvers.is_empty() {
            self.connect(engine, root);
        } else {
            self.look_up(engine, root);
        }
    }

    /// Asks the resolver for a server's address.
    fn look_up(&self, engine: &mut Engine, root: CallId) {
        if let (Some(resolver), Some(call)) = (self.resolvers.first(), engine.get_mut(root)) {
            call.step = LOOK_UP;
            engine.call(*resolver, root, self.settings.timeout.ns());
        }
    }

    /// Opens a connection: round trips to the server, without any work there.
    fn connect(&mut self, engine: &mut Engine, root: CallId) {
        if let Some(call) = engine.get_mut(root) {
            call.step = HANDSHAKE;
            call.note = 2 * u64::from(self.settings.handshake);
            self.shake_hands(engine, root);
        }
    }

    /// Sends the next packet of the handshake, there or back; after the last one the request itself.
    fn shake_hands(&mut self, engine: &mut Engine, root: CallId) {
        let Some(edge) = self.server(engine, root) else {
            self.ended(engine, root, Err(Cause::Down));
            return;
        };
        let Some(call) = engine.get_mut(root) else { return };
        let Some(left) = call.note.checked_sub(1) else {
            self.send(engine, root);
            return;
        };
        call.note = left;
        engine.cross(root, edge, left.is_multiple_of(2));
    }

    fn send(&mut self, engine: &mut Engine, root: CallId) {
        let Some(edge) = self.server(engine, root) else {
            self.ended(engine, root, Err(Cause::Down));
            return;
        };
        if let Some(call) = engine.get_mut(root) {
            call.step = RESPONSE;
            engine.call(edge, root, self.settings.timeout.ns());
        }
    }

    /// Where a request goes: to the address that the look-up named, else to one of the servers, evenly at random, and to
    /// the same one for the connection and the request; to another when it is sent again.
    fn server(&self, engine: &Engine, root: CallId) -> Option<u16> {
        let call = engine.get(root)?;
        let mut servers = self.servers[call.class as usize].as_slice();
        let down = |way: &Way| !engine.presence(way.node).up;
        if call.class == Class::Static && !self.behind.is_empty() && servers.iter().all(down) {
            servers = &self.behind;
        }
        if let [only] = servers {
            return Some(only.edge);
        }
        let named = self.resolved.and_then(|node| servers.iter().find(|way| way.node == node));
        let named = named.map(|way| way.component);
        let fits = |way: &&Way| named.is_none_or(|component| way.component == component);
        let called = |way: &&Way| fits(way) && !engine.presence(way.node).reserve;
        let mut draw = self.routes.draw(call.request);
        let mut nth = |choices: u32| ((draw.below(choices.max(1)) + call.count) % choices.max(1)) as usize;
        let way = match servers.iter().filter(called).count() {
            0 => servers.iter().filter(fits).nth(nth(servers.iter().filter(fits).count() as u32)),
            count => servers.iter().filter(called).nth(nth(count as u32)),
        };
        way.map(|way| way.edge)
    }

    /// A failed request is sent again after a while, or was the last try.
    fn failed(&mut self, engine: &mut Engine, root: CallId, cause: Cause) {
        let Some(call) = engine.get_mut(root) else { return };
        call.count += 1;
        let (failed, number) = (call.count, (call.request << 8) | u64::from(call.count));
        let Settings { tries, backoff, backoff_growth, jitter, .. } = self.settings;
        let retry = Retry { tries, backoff, growth: backoff_growth, jitter };
        match retry.wait_ns(failed, &mut self.waits.draw(number)) {
            Some(wait_ns) => {
                call.step = if call.step == LOOK_UP { LOOK_UP_LATER } else { BACKOFF };
                engine.pause(root, wait_ns);
            }
            None => self.ended(engine, root, Err(cause)),
        }
    }

    /// How many of all users these are. What kinds before these and with these have is rounded, so that all are somewhere.
    fn users(&self, all: u32) -> u32 {
        let up_to = |part: f64| (f64::from(all) * part + 0.5) as u32;
        up_to(self.before + self.part).saturating_sub(up_to(self.before))
    }

    fn ended(&mut self, engine: &mut Engine, root: CallId, answer: Result<(), Cause>) {
        if engine.end(root, answer) {
            self.go_on(engine, THINK_LEAST_NS);
        }
    }
}

impl Settings {
    /// Share of what these users ask for of a class that they send for: the rest is in their browsers.
    pub(crate) fn sent(&self, class: Class) -> f64 {
        if class == Class::Static { 1.0 - self.browser_cache } else { 1.0 }
    }
}

/// What theory is told of the users: whom they ask. The look-up and the handshake, which only the first request of a
/// visit pays, it finds out by itself.
pub(super) fn flow(_: &Settings, class: Class, context: &Context<'_>) -> Flow {
    let kinds = servers(context.stage, context.component, class);
    Flow { asks: vec![Ask::Call { kinds, count: 1, chance: 1.0 }], ..Flow::default() }
}

/// The kinds that answer these users' requests of a class: an edge cache has the static files where there is one, and
/// the rest goes to it only where there is no other way.
pub(crate) fn servers(stage: &Stage, users: usize, class: Class) -> &'static [Kind] {
    let context = Context { stage, component: users, rate_per_s: [0.0; Class::ALL.len()], rates: &[], figures: false };
    let (first, second) = if class == Class::Static { (EDGE_CACHES, SERVERS) } else { (SERVERS, EDGE_CACHES) };
    if context.calls(first, class) { first } else { second }
}

/// Static files come from an edge cache where there is one; the rest goes to it only where there is no other way.
fn servers_for(place: &Place, class: Class) -> Vec<Way> {
    let ways = || place.edges.iter().filter(|way| way.kind != Kind::Dns && *way.classes.get(class)).copied();
    let static_files = class == Class::Static;
    let preferred: Vec<Way> = ways().filter(|way| EDGE_CACHES.contains(&way.kind) == static_files).collect();
    if preferred.is_empty() { ways().collect() } else { preferred }
}

/// Where static files come from when there is an edge cache and it is down.
fn servers_behind(place: &Place) -> Vec<Way> {
    let ways = || place.edges.iter().filter(|way| way.kind != Kind::Dns && *way.classes.get(Class::Static)).copied();
    let (cached, behind): (Vec<Way>, Vec<Way>) = ways().partition(|way| EDGE_CACHES.contains(&way.kind));
    if cached.is_empty() { Vec::new() } else { behind }
}

/// Visits that are under way at once, by Little's law: how many begin in a second, times how long one lasts. As the run
/// begins; a rate that changes later does not begin other visits.
fn visits_at_once(settings: &Settings, part: f64, workload: &Workload) -> u32 {
    let visits = match workload.closed {
        Some(closed) => f64::from(closed.users) * part,
        None => workload.rate.per_s() * part * settings.visit_lasts.as_secs_f64() / f64::from(settings.visit.max(1)),
    };
    visits.clamp(1.0, VISITS_MOST) as u32
}

/// Most visits under way at once: what is kept of each must fit in a page's memory.
const VISITS_MOST: f64 = 4_000_000.0;

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        if self.workload.closed.is_none() {
            self.await_next(engine);
        }
        self.gather(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.present = 0;
        engine.clear_timer(self.next_request);
    }

    fn arrived(&mut self, _: &mut Engine, _: CallId) {
        debug_assert!(false, "nobody calls the users");
    }

    fn answered(&mut self, engine: &mut Engine, root: CallId, reply: &Reply) {
        let looked_up = engine.get(root).is_some_and(|call| call.step == LOOK_UP);
        match reply.answer {
            Ok(()) if looked_up => {
                self.resolved = (reply.note > 0).then(|| (reply.note - 1) as u16);
                self.connect(engine, root);
            }
            Ok(()) => self.ended(engine, root, Ok(())),
            Err(cause) => self.failed(engine, root, cause),
        }
    }

    fn expired(&mut self, engine: &mut Engine, root: CallId) {
        self.ended(engine, root, Err(Cause::TimedOut));
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        match engine.get(id) {
            Some(call) if !call.is_root() => {
                engine.finish(id);
                self.begin(engine);
            }
            Some(call) if call.step == BACKOFF => self.send(engine, id),
            Some(call) if call.step == LOOK_UP_LATER => self.look_up(engine, id),
            _ => self.shake_hands(engine, id),
        }
    }

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        self.begin(engine);
        self.await_next(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, workload: &Workload) {
        if let super::Settings::Clients(settings) = settings {
            self.settings = *settings;
        }
        self.workload = workload.clone();
        self.think = Sampler::new(&workload.closed.map(|closed| closed.think).unwrap_or_default());
        self.follow(engine);
        self.gather(engine);
    }

    fn take_share(&mut self, engine: &mut Engine, all: f64, before: f64) {
        let all = all.max(f64::MIN_POSITIVE);
        let changed = (self.settings.share / all, before / all);
        if (self.part, self.before) != changed {
            (self.part, self.before) = changed;
            self.follow(engine);
            self.gather(engine);
        }
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if let FaultKind::Spike { factor } = kind {
            // Not multiplied and divided out again: a spike may be of nothing at all.
            match self.spikes.iter().position(|spike| spike == factor).filter(|_| !on) {
                Some(over) => drop(self.spikes.swap_remove(over)),
                None if on => self.spikes.push(*factor),
                None => {}
            }
            self.follow(engine);
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        if self.settings.browser_cache > 0.0 {
            let reading = MetricReading::Ratio(self.kept as f64, self.requests as f64);
            metrics.push(Metric { name: "browser_cache", unit: Unit::Number, reading });
        }
    }
}

impl State {
    /// Lets the next request come sooner or later, as a changed rate wants it: what is left of the gap shrinks or grows,
    /// so that the n-th draw still belongs to the n-th gap.
    fn follow(&mut self, engine: &mut Engine) {
        let before = self.arrivals.mean_rate();
        let workload = self.workload.clone();
        let spike: f64 = self.spikes.iter().product();
        if !self.arrivals.change(&workload, self.part * spike) || workload.closed.is_some() {
            return;
        }
        let after = self.arrivals.mean_rate();
        match engine.timer(self.next_request) {
            Some(at) if after > 0.0 => {
                let left_ns = (at - engine.now()) as f64 * before / after;
                engine.set_timer(self.next_request, engine.now().saturating_add(left_ns as Nanos));
            }
            _ => self.await_next(engine),
        }
    }
}
