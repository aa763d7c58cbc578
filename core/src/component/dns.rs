//! A resolver: turns a name into an address, from its cache while the answer is fresh.

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::health::{Health, ask};
use super::{About, Behaviour, Kind, Metric, MetricReading, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::{Engine, Reply, Timer};
use crate::settings::Unit;
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Workload};
use crate::{choices, settings};

/// What the model of the resolver does.
pub const ABOUT: About = About {
    name: "DNS resolver",
    summary: "Finds the address behind a name, and remembers it for a while.",
    models: &[
        "One resolver serves all users of a region and remembers the answer for the time to live.",
        "The first look-up after that asks the authoritative server; look-ups that come meanwhile wait for the same answer.",
    ],
    also: &[
        "An authoritative server that is linked to several entry points names one: the nearest to the users that is well, or the first that is well.",
        "It learns whether an entry point is well by its health checks; users learn of a change when what they remember has expired.",
    ],
    leaves_out: &[
        "The walk from the root servers.",
        "Lost packets and retries.",
        "Resolvers and browsers that remember for longer than they may.",
    ],
    hosted: false,
    origin: false,
    calls: &[Kind::LoadBalancer, Kind::AppServer],
    glance: &[Glance::count("well", "Well")],
};

choices! {
    /// Which address a name stands for.
    pub enum Policy {
        /// Always the same; where there are several, users take any.
        Static = "static",
        /// The nearest to the users that is well.
        Nearest = "nearest",
        /// The first link's that is well: the others stand by.
        Failover = "failover",
    }
}

settings! {
    /// Settings of a resolver.
    pub struct Settings {
        /// How long an answer may be remembered.
        ttl: Duration = Duration::from_s(300), 0.0..=604_800.0,
            "RFC 1035 leaves the time to live to the owner of the name; 300 s is a common choice for names that may move";
        /// Time to answer from memory.
        cached: Duration = Duration::from_ms(1), 0.0..=10.0,
            "A look-up in memory; the way to the resolver is the link's";
        /// Time to ask the authoritative server and remember what it said.
        authoritative: Duration = Duration::from_ms(60), 0.0..=60.0,
            "Callejo et al., Measuring the Global Recursive DNS Infrastructure, IEEE Access 2019: medians of some tens of milliseconds";
        /// Which of the linked entry points the name stands for: static, nearest (to the users), failover (the first that is well).
        policy: Policy = Policy::Static, 0.0..=2.0,
            "Amazon Route 53's routing policies: simple, geoproximity, failover";
        /// Time between two health checks of an entry point; 0 for none.
        check_interval: Duration = Duration::from_s(30), 0.0..=3600.0,
            "Amazon Route 53: 30 s, or 10 s for more money", needs policy;
        /// How long an entry point may take to answer a health check.
        check_timeout: Duration = Duration::from_s(4), 0.001..=600.0,
            "Amazon Route 53: a connection within four seconds", needs policy;
        /// Checks in a row that must fail before an entry point is left out, or pass before it is named again.
        fall: u32 = 3, 1.0..=100.0,
            "Amazon Route 53: the failure threshold is 3 unless set", needs policy;
    }
}

const CHECKS: u8 = 0;

/// An entry point, with all its copies' edges.
#[derive(Clone, Debug)]
struct Entry {
    component: u16,
    /// Edge and node of each copy.
    copies: Vec<(u16, u16)>,
    health: Health,
}

/// What a region's resolver remembers.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// Until when the answer in memory may be given.
    fresh_until: Nanos,
    /// When the answer that was asked for comes; in the past when none was.
    answer_at: Nanos,
    /// The answer: a node's index and one, or nothing for whichever.
    address: u64,
}

/// A resolver at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    /// By region; the last for users in none.
    memories: Vec<Memory>,
    entries: Vec<Entry>,
    checks: Slot,
    failed_checks: u64,
    asked: u64,
    changed: u64,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for way in &place.edges {
            match entries.iter_mut().find(|entry| entry.component == way.component) {
                Some(entry) => entry.copies.push((way.edge, way.node)),
                None => entries.push(Entry {
                    component: way.component,
                    copies: vec![(way.edge, way.node)],
                    health: Health::default(),
                }),
            }
        }
        Self {
            settings: *settings,
            node: place.node,
            memories: Vec::new(),
            entries,
            checks: engine.add_timer(Timer { node: place.node, which: CHECKS }),
            failed_checks: 0,
            asked: 0,
            changed: 0,
        }
    }

    /// The address that the authoritative server names for users at a node.
    fn address(&self, engine: &Engine, users: u16) -> u64 {
        let well = || self.entries.iter().filter(|entry| !entry.health.out);
        // When all are ill it might as well name any.
        let any = well().next().is_none();
        let candidates = || self.entries.iter().filter(|entry| any || !entry.health.out);
        let entry = match self.settings.policy {
            Policy::Static => None,
            Policy::Failover => candidates().next(),
            Policy::Nearest => candidates().min_by_key(|entry| {
                let near = |edge: &(usize, &crate::engine::Edge)| {
                    edge.1.from == users && entry.copies.iter().any(|(_, node)| *node == edge.1.to)
                };
                let edges = engine.edges().iter().enumerate().filter(near);
                edges.map(|(edge, _)| engine.latency_ns(edge as u16)).min().unwrap_or(Nanos::MAX)
            }),
        };
        let Some(entry) = entry else { return 0 };
        let holder = entry.copies.iter().find(|(_, node)| !engine.presence(*node).reserve);
        holder.or(entry.copies.first()).map_or(0, |(_, node)| u64::from(*node) + 1)
    }

    /// What the resolver of the users' region remembers, refreshed if it is too old.
    fn look_up(&mut self, engine: &Engine, id: CallId) -> Memory {
        let now = engine.now();
        let users = engine.get(id).and_then(|call| engine.get(call.parent)).map(|parent| parent.node);
        let region = users.map_or(0, |node| usize::from(engine.presence(node).region));
        let region = if region == usize::from(crate::engine::Presence::EVERYWHERE) { 0 } else { region };
        if self.memories.len() <= region {
            self.memories.resize(region + 1, Memory::default());
        }
        if now >= self.memories[region].fresh_until {
            let answer_at = now + self.settings.authoritative.ns();
            let address = users.map_or(0, |users| self.address(engine, users));
            self.asked += 1;
            self.changed += u64::from(self.memories[region].address != address);
            self.memories[region] = Memory { fresh_until: answer_at + self.settings.ttl.ns(), answer_at, address };
        }
        self.memories[region]
    }

    fn check_all(&mut self, engine: &mut Engine) {
        for index in 0..self.entries.len() {
            let copies = &self.entries[index].copies;
            let holder = copies.iter().find(|(_, node)| !engine.presence(*node).reserve);
            let Some((edge, _)) = holder.or(copies.first()).copied() else { continue };
            ask(engine, self.node, edge, index as u32, self.settings.check_timeout);
        }
        self.await_checks(engine);
    }

    fn await_checks(&self, engine: &mut Engine) {
        match self.settings.check_interval.ns() {
            interval if interval > 0 && !self.entries.is_empty() && self.settings.policy != Policy::Static => {
                engine.set_timer(self.checks, engine.now().saturating_add(interval));
            }
            _ => engine.clear_timer(self.checks),
        }
    }
}

/// What theory is told of the resolver.
///
/// One cycle lasts until the first look-up after expiry, through the authoritative answer, to the end of the time to
/// live. Look-ups that come during the wait for the authoritative answer share what is left of it, spread evenly: here
/// as four equal pieces.
pub(super) fn flow(settings: &Settings, _: Class, context: &Context<'_>) -> Flow {
    let rate_per_s = context.total_per_s();
    let asked_s = settings.authoritative.as_secs_f64();
    let waiting = rate_per_s * asked_s;
    let cycle = 1.0 + waiting + rate_per_s * settings.ttl.as_secs_f64();
    const PIECES: u32 = 4;
    let after =
        |time: Duration| vec![Ask::Delay { time: Duration::from_ns(time.ns().max(settings.cached.ns())), chance: 1.0 }];
    let mut ways =
        vec![(1.0 - (1.0 + waiting) / cycle, after(settings.cached)), (1.0 / cycle, after(settings.authoritative))];
    ways.extend((0..PIECES).map(|piece| {
        let left_s = asked_s * (f64::from(piece) + 0.5) / f64::from(PIECES);
        (waiting / cycle / f64::from(PIECES), after(Duration::from_secs_f64(left_s)))
    }));
    Flow { asks: vec![Ask::OneOf(ways)], ..Flow::default() }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.await_checks(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.memories.clear();
        engine.clear_timer(self.checks);
    }

    fn arrived(&mut self, engine: &mut Engine, call: CallId) {
        let memory = self.look_up(engine, call);
        if let Some(call) = engine.get_mut(call) {
            call.note = memory.address;
        }
        engine.serves(call);
        let now = engine.now();
        engine.pause(call, memory.answer_at.saturating_sub(now).max(self.settings.cached.ns()));
    }

    fn served(&mut self, engine: &mut Engine, call: CallId) {
        engine.answer(call, Ok(()));
    }

    fn answered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) {
        let Some(index) = engine.get(id).map(|call| call.count as usize) else { return };
        engine.finish(id);
        let fall = self.settings.fall;
        self.failed_checks += u64::from(reply.answer.is_err());
        self.entries[index].health.note(reply.answer.is_ok(), fall, fall);
    }

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        self.check_all(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Dns(settings) = settings else { return };
        let before = std::mem::replace(&mut self.settings, *settings);
        if (before.policy, before.check_interval) != (settings.policy, settings.check_interval) {
            if settings.check_interval.ns() == 0 {
                // Nobody would find out that somebody is well again.
                self.entries.iter_mut().for_each(|entry| entry.health = Health::default());
            }
            self.await_checks(engine);
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        if self.entries.is_empty() {
            return;
        }
        let mut add = |name, reading| metrics.push(Metric { name, unit: Unit::Count, reading });
        let well = self.entries.iter().filter(|entry| !entry.health.out).count();
        add("well", MetricReading::Gauge(well as f64));
        add("failed_checks", MetricReading::Count(self.failed_checks as f64));
        add("asked", MetricReading::Count(self.asked as f64));
        add("changed", MetricReading::Count(self.changed as f64));
    }
}
