//! Users with their browsers: where requests come from, and who waits for the answers.

use std::collections::VecDeque;

use super::{About, Behaviour, Kind, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::{Answer, Engine, Timer};
use crate::settings;
use crate::units::{Duration, Nanos, SECOND_NS};
use crate::workload::{Arrivals, Class, Workload};

/// What the model of the users does.
pub const ABOUT: About = About {
    name: "Users",
    summary: "Browsers that ask for pages, files and changes, and give up when an answer takes too long.",
    models: &[
        "Requests arrive on their own, whether or not earlier ones were answered (an open workload).",
        "The first request of a visit looks the name up and opens a connection: one round trip for TCP, one for TLS 1.3.",
        "A user gives up after the timeout; the server, which does not know, goes on working for nobody.",
    ],
    leaves_out: &["Packet loss and slow start.", "Users who come back after a failure."],
    hosted: false,
    calls: &[Kind::Dns, Kind::AppServer],
};

settings! {
    /// Settings of the users.
    pub struct Settings {
        /// How long a user waits for an answer before giving up.
        timeout: Duration = Duration::from_s(10), 0.01..=600.0,
            "Nielsen, Usability Engineering (1993), section 5.5: ten seconds is the limit for keeping a user's attention";
        /// Requests in one visit. The first of them looks the name up and opens the connection.
        visit: u32 = 20, 1.0..=1_000_000.0,
            "The journey's workload: ten visits a day of twenty requests each";
        /// Round trips that opening a connection takes.
        handshake: u32 = 2, 0.0..=10.0,
            "RFC 9293 (TCP: one round trip) and RFC 8446 (TLS 1.3: one round trip)";
    }
}

const NEXT_REQUEST: u8 = 0;
const PATIENCE: u8 = 1;

/// What a root call waits for.
const LOOK_UP: u16 = 0;
const HANDSHAKE: u16 = 1;
const RESPONSE: u16 = 2;

/// The users at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    workload: Workload,
    node: u16,
    resolvers: Vec<u16>,
    servers: Vec<u16>,
    next_request: Slot,
    patience: Slot,
    /// Requests whose users still wait, by the time at which they give up; answered ones are skipped when their turn comes.
    waiting: VecDeque<(Nanos, CallId)>,
    requests: u64,
    gaps: Stream,
    classes: Stream,
    visits: Stream,
    routes: Stream,
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        let stream = |purpose| engine.stream(&place.name, purpose);
        let (gaps, classes, visits, routes) = (stream("gap"), stream("class"), stream("visit"), stream("route"));
        Self {
            settings: settings.clone(),
            workload: workload.clone(),
            node: place.node,
            resolvers: place.edges_to(Kind::Dns),
            servers: place.edges_to(Kind::AppServer),
            next_request: engine.add_timer(Timer { node: place.node, which: NEXT_REQUEST }),
            patience: engine.add_timer(Timer { node: place.node, which: PATIENCE }),
            waiting: VecDeque::new(),
            requests: 0,
            gaps,
            classes,
            visits,
            routes,
        }
    }

    /// Sets the timer for the next request.
    fn await_next(&self, engine: &mut Engine) {
        if let Some(schedule) = &self.workload.schedule {
            match schedule.arrivals().get(self.requests as usize) {
                Some(next) => engine.set_timer(self.next_request, next.at),
                None => engine.clear_timer(self.next_request),
            }
            return;
        }
        let rate = self.workload.rate.per_s();
        if rate <= 0.0 {
            engine.clear_timer(self.next_request);
            return;
        }
        let gap = match self.workload.arrivals {
            Arrivals::Poisson => engine.exponential(&mut self.gaps.draw(self.requests)),
            Arrivals::Constant => 1.0,
        };
        let gap_ns = (gap * SECOND_NS as f64 / rate + 0.5) as Nanos;
        engine.set_timer(self.next_request, engine.now().saturating_add(gap_ns));
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

    fn begin(&mut self, engine: &mut Engine) {
        let request = self.requests;
        self.requests += 1;
        let root = engine.begin(request, self.class(request), self.node);
        let gives_up = engine.now() + self.settings.timeout.ns();
        if self.waiting.is_empty() {
            engine.set_timer(self.patience, gives_up);
        }
        self.waiting.push_back((gives_up, root));
        let first_of_visit = self.visits.draw(request).below(self.settings.visit) == 0;
        match self.resolvers.first() {
            Some(resolver) if first_of_visit => {
                engine.call(*resolver, root);
            }
            _ if first_of_visit => self.connect(engine, root),
            _ => self.send(engine, root),
        }
    }

    /// Opens a connection: round trips to the server, without any work there.
    fn connect(&self, engine: &mut Engine, root: CallId) {
        if let Some(call) = engine.get_mut(root) {
            call.step = HANDSHAKE;
            call.note = 2 * u64::from(self.settings.handshake);
            self.shake_hands(engine, root);
        }
    }

    /// Sends the next packet of the handshake, there or back; after the last one the request itself.
    fn shake_hands(&self, engine: &mut Engine, root: CallId) {
        let Some(edge) = self.server(engine, root) else { return };
        let Some(call) = engine.get_mut(root) else { return };
        let Some(left) = call.note.checked_sub(1) else {
            self.send(engine, root);
            return;
        };
        call.note = left;
        engine.cross(root, edge, left.is_multiple_of(2));
    }

    fn send(&self, engine: &mut Engine, root: CallId) {
        let Some(edge) = self.server(engine, root) else { return };
        if let Some(call) = engine.get_mut(root) {
            call.step = RESPONSE;
            engine.call(edge, root);
        }
    }

    /// Where a request goes: one of the servers, evenly at random, and the same one for the connection and the request.
    fn server(&self, engine: &Engine, root: CallId) -> Option<u16> {
        let request = engine.get(root)?.request;
        let choice = self.routes.draw(request).below(self.servers.len() as u32);
        self.servers.get(choice as usize).copied()
    }

    /// Users whose patience has run out give up.
    fn give_up(&mut self, engine: &mut Engine) {
        let now = engine.now();
        while let Some((gives_up, root)) = self.waiting.front().copied() {
            if gives_up <= now {
                engine.end(root, Err(Cause::TimedOut));
            } else if engine.get(root).is_some() {
                engine.set_timer(self.patience, gives_up);
                return;
            }
            self.waiting.pop_front();
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.await_next(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        engine.clear_timer(self.next_request);
    }

    fn arrived(&mut self, _: &mut Engine, _: CallId) {
        debug_assert!(false, "nobody calls the users");
    }

    fn answered(&mut self, engine: &mut Engine, root: CallId, answer: Answer) {
        let looked_up = engine.get(root).is_some_and(|call| call.step == LOOK_UP);
        match answer {
            Ok(()) if looked_up => self.connect(engine, root),
            _ => {
                engine.end(root, answer);
            }
        }
    }

    fn served(&mut self, engine: &mut Engine, root: CallId) {
        self.shake_hands(engine, root);
    }

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        if which == NEXT_REQUEST {
            self.begin(engine);
            self.await_next(engine);
        } else {
            self.give_up(engine);
        }
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, workload: &Workload) {
        if let super::Settings::Clients(settings) = settings {
            self.settings = settings.clone();
        }
        let before = self.workload.rate.per_s();
        self.workload = workload.clone();
        // What is left of the gap shrinks or grows with the rate, so that the n-th draw still belongs to the n-th gap.
        match engine.timer(self.next_request) {
            Some(at) if workload.rate.per_s() > 0.0 => {
                let left_ns = (at - engine.now()) as f64 * before / workload.rate.per_s();
                engine.set_timer(self.next_request, engine.now().saturating_add(left_ns as Nanos));
            }
            _ => self.await_next(engine),
        }
    }
}
