//! A resolver: turns a name into an address, from its cache while the answer is fresh.

use super::flow::{Ask, Context, Flow};
use super::{About, Behaviour, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::settings;
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Workload};

/// What the model of the resolver does.
pub const ABOUT: About = About {
    name: "DNS resolver",
    summary: "Finds the address behind a name, and remembers it for a while.",
    models: &[
        "One resolver serves all users of the board and remembers the answer for the time to live.",
        "The first look-up after that asks the authoritative server; look-ups that come meanwhile wait for the same answer.",
    ],
    leaves_out: &["The walk from the root servers.", "Lost packets and retries."],
    hosted: false,
    origin: false,
    calls: &[],
};

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
    }
}

/// A resolver at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    /// Until when the answer in memory may be given.
    fresh_until: Nanos,
    /// When the answer that was asked for comes; in the past when none was.
    answer_at: Nanos,
}

impl State {
    pub(super) fn new(settings: &Settings, _: Place, _: &Workload, _: &mut Engine) -> Self {
        Self { settings: settings.clone(), fresh_until: 0, answer_at: 0 }
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
    fn stop(&mut self, _: &mut Engine) {
        (self.fresh_until, self.answer_at) = (0, 0);
    }

    fn arrived(&mut self, engine: &mut Engine, call: CallId) {
        let now = engine.now();
        if now >= self.fresh_until {
            self.answer_at = now + self.settings.authoritative.ns();
            self.fresh_until = self.answer_at + self.settings.ttl.ns();
        }
        engine.serves(call);
        engine.pause(call, self.answer_at.saturating_sub(now).max(self.settings.cached.ns()));
    }

    fn served(&mut self, engine: &mut Engine, call: CallId) {
        engine.answer(call, Ok(()));
    }

    fn configure(&mut self, _: &mut Engine, settings: &super::Settings, _: &Workload) {
        if let super::Settings::Dns(settings) = settings {
            self.settings = settings.clone();
        }
    }
}
