//! A session store: knows who is logged in, so that every application server does.

use std::collections::VecDeque;

use super::flow::{Ask, Context, Flow};
use super::glance::Glance;
use super::register::{Known, Register};
use super::{About, Behaviour, Metric, MetricReading, NodeGauge, Place};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::random::Stream;
use crate::engine::sampler::Sampler;
use crate::settings;
use crate::settings::Unit;
use crate::units::{Bytes, Duration, Nanos};
use crate::workload::{Class, Demand, Workload};

/// What the model of the session store does.
pub const ABOUT: About = About {
    name: "Session store",
    summary: "Knows who is logged in, so that any application server can answer any user.",
    models: &[
        "Every request but one for a static file looks its session up; the first of a visit begins one.",
        "One operation is done after another, as in Redis, however many processors the machine has.",
        "A session holds memory until nobody has used it for its time to live.",
        "When the store dies without having written its sessions down, the next request of every visit fails once: its user is logged out, and logs in again.",
    ],
    also: &[],
    leaves_out: &[
        "Sessions of different sizes.",
        "The disk writes of a store that writes its sessions down.",
        "The order of what is used within a sixteenth of a second.",
    ],
    hosted: true,
    origin: false,
    calls: &[],
    glance: &[Glance::count("sessions", "Sessions"), Glance::rate("logged_out", "Logged out")],
};

settings! {
    /// Settings of a session store.
    pub struct Settings {
        /// Processor time of one operation.
        demand: Demand = Demand::exponential(Duration::from_ns(15_000)), 0.0..=1.0,
            "redis-benchmark on common hardware: 60,000 to 180,000 operations a second (Redis documentation)";
        /// Memory of one session, its key and overhead included.
        session: Bytes = Bytes(1_000), 1.0..=1e9,
            "Assumed: a user's number, rights and a few choices";
        /// How long a session lives that nobody uses.
        ttl: Duration = Duration::from_s(1800), 1.0..=31_536_000.0,
            "OWASP's Session Management Cheat Sheet: 15 to 30 minutes for an app of low risk";
        /// How long a visit lasts, from its first request to its last.
        visit: Duration = Duration::from_s(600), 1.0..=86_400.0,
            "Assumed: ten minutes";
        /// Requests of one visit, static files included.
        requests: u32 = 20, 1.0..=1_000_000.0,
            "The journey's workload: ten visits a day of twenty requests each";
        /// Most sessions that are kept; one more throws those out that were not used for longest.
        most: u32 = 10_000_000, 1.0..=1e9,
            "Assumed: as many as fit; Redis' maxmemory is unlimited by default";
        /// Whether sessions are written down, and so are there again after a restart.
        durable: bool = false, 0.0..=1.0,
            "Redis' appendonly is off by default";
        /// Memory of the process when it is empty.
        process_memory: Bytes = Bytes(20_000_000), 0.0..=1e15,
            "Assumed: an empty Redis has some megabytes, and its connections";
        /// How long a killed process takes until it answers again.
        restart: Duration = Duration::from_s(5), 0.0..=86_400.0,
            "Assumed: a small process that a supervisor starts again";
    }
}

/// Visits by which requests may overtake one another on their way here.
const SLACK: u64 = 1_000;

/// A session store at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    host: u32,
    sessions: Register,
    /// Visits that are under way at once, on average.
    visits: f64,
    demand: Sampler,
    demands: Stream,
    whose: Stream,
    serving: bool,
    waiting: VecDeque<CallId>,
    memory_bytes: f64,
    up: bool,
    logged_out: u64,
    begun: u64,
    evicted: u64,
}

/// What theory is told of the session store.
pub(super) fn flow(settings: &Settings, _: Class, _: &Context<'_>) -> Flow {
    let asks = vec![Ask::Compute { demand: settings.demand, count: 1, chance: 1.0 }];
    let caveats = vec!["operations share the processors instead of waiting for one another".to_owned()];
    Flow { asks, caveats, ..Flow::default() }
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, workload: &Workload, engine: &mut Engine) -> Self {
        Self {
            host: place.host.unwrap_or_default(),
            sessions: Register::default(),
            visits: visits(settings, workload),
            demand: Sampler::new(&settings.demand),
            demands: engine.stream(&place.name, "demand"),
            // Every copy of a store knows the same visits.
            whose: engine.stream("users", "session"),
            serving: false,
            waiting: VecDeque::new(),
            memory_bytes: 0.0,
            up: false,
            logged_out: 0,
            begun: 0,
            evicted: 0,
            settings: *settings,
        }
    }

    /// Takes as much memory as the sessions need.
    fn settle(&mut self, engine: &mut Engine) {
        let Settings { process_memory, session, .. } = self.settings;
        let bytes = if self.up { process_memory.0 as f64 + session.0 as f64 * self.sessions.len() as f64 } else { 0.0 };
        if bytes != self.memory_bytes {
            engine.hold(self.host, bytes - self.memory_bytes);
            self.memory_bytes = bytes;
        }
    }

    /// Finds the session of a request's visit, or begins it. False when it was lost.
    ///
    /// Visits begin one after another, and each has its requests spread over all those that come while it lasts.
    fn find(&mut self, request: u64, now: Nanos) -> bool {
        let Settings { requests, ttl, most, .. } = self.settings;
        let begun = (request & ((1 << 40) - 1)) / u64::from(requests.max(1));
        let back = self.whose.draw(request).uniform() * self.visits;
        let number = begun + self.visits as u64 + 1 - back as u64;
        self.sessions.expire(now, ttl.ns());
        let known = self.sessions.use_session((request >> 40) as usize, number, begun.saturating_sub(SLACK), now);
        self.evicted += self.sessions.shrink(most as usize) as u64;
        self.begun += u64::from(known == Known::New);
        known != Known::Lost
    }

    fn serve(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        self.serving = true;
        engine.serves(id);
        let demand_ns = engine.demand_ns(&self.demand, &mut self.demands.draw(call.request));
        engine.compute(id, self.host, demand_ns);
    }
}

/// Most visits at once that are told apart, for each takes room. Ten million users are 2.8 million visits.
const VISITS_MOST: f64 = 16e6;

/// Visits under way at once: by Little's law, those that begin in a second times how long they last; in a closed workload
/// one of each user.
fn visits(settings: &Settings, workload: &Workload) -> f64 {
    if let Some(closed) = workload.closed {
        return f64::from(closed.users).min(VISITS_MOST);
    }
    let per_s = workload.rate.per_s() / f64::from(settings.requests.max(1));
    (per_s * settings.visit.as_secs_f64()).min(VISITS_MOST)
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.up = true;
        self.settle(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.up = false;
        self.serving = false;
        self.waiting.clear();
        if !self.settings.durable {
            self.sessions.expire(engine.now(), self.settings.ttl.ns());
            self.sessions.lose();
        }
        self.settle(engine);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        if self.serving {
            self.waiting.push_back(id);
            engine.waits(id);
        } else {
            self.serve(engine, id);
        }
    }

    fn served(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id).copied() else { return };
        let found = self.find(call.request, engine.now());
        self.logged_out += u64::from(!found);
        engine.answer(id, if found { Ok(()) } else { Err(Cause::LoggedOut) });
        self.settle(engine);
        self.serving = false;
        while !self.serving
            && let Some(next) = self.waiting.pop_front()
        {
            self.serve(engine, next);
        }
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, workload: &Workload) {
        if let super::Settings::SessionStore(settings) = settings {
            self.settings = *settings;
        }
        self.demand = Sampler::new(&self.settings.demand);
        self.visits = visits(&self.settings, workload);
        self.evicted += self.sessions.shrink(self.settings.most as usize) as u64;
        self.settle(engine);
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, reading| metrics.push(Metric { name, unit: Unit::Count, reading });
        add("sessions", MetricReading::Gauge(self.sessions.len() as f64));
        add("logged_out", MetricReading::Count(self.logged_out as f64));
        add("begun", MetricReading::Count(self.begun as f64));
        add("evictions", MetricReading::Count(self.evicted as f64));
    }

    fn gauge(&self) -> NodeGauge {
        NodeGauge {
            waiting: self.waiting.len() as u32,
            in_service: u32::from(self.serving),
            in_service_most: 1,
            up: true,
            ..NodeGauge::default()
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
mod tests {
    use super::super::Settings as Of;
    use super::super::trial::{after, fault, metric, stage};
    use super::*;
    use crate::stage::{FaultKind, Stage};

    const STORE: usize = 2;

    /// 200 requests a second, in visits of 20 that last a minute: 600 visits at once.
    fn board(settings: Settings) -> Stage {
        let settings = Settings { visit: Duration::from_s(60), ttl: Duration::from_s(120), ..settings };
        stage(200.0, [0.5, 0.5, 0.0, 0.0], vec![("sessions", Of::SessionStore(settings))], &[(1, STORE)])
    }

    #[test]
    fn sessions_live_as_long_as_they_are_used() {
        let run = after(&board(Settings::default()), 600);
        let sessions = metric(&run, STORE, "sessions");
        // Ten visits begin in a second, and each session is kept for some 50 s of use and 120 s more.
        assert!((1_550.0..1_800.0).contains(&sessions), "{sessions}");
        let begun = metric(&run, STORE, "begun");
        assert!((5_500.0..6_800.0).contains(&begun), "{begun}");
        assert_eq!(metric(&run, STORE, "logged_out"), 0.0);
        assert_eq!(run.host_gauge(1).memory_used - 170e6, 1_000.0 * sessions);
    }

    #[test]
    fn when_it_dies_every_visit_is_logged_out_once() {
        let mut board = board(Settings::default());
        board.faults.push(fault(STORE, FaultKind::Down, 300, 5));
        let run = after(&board, 600);
        let out = metric(&run, STORE, "logged_out");
        // Of some 600 visits that are under way a few make no request any more.
        assert!((400.0..640.0).contains(&out), "{out}");
        assert_eq!(run.counts().failed[Cause::LoggedOut as usize] as f64, out);
        let durable = Settings { durable: true, ..Settings::default() };
        let mut kept = self::board(durable);
        kept.faults = board.faults;
        assert_eq!(metric(&after(&kept, 600), STORE, "logged_out"), 0.0);
    }

    #[test]
    fn users_of_a_closed_workload_are_logged_out_as_well() {
        let mut board = board(Settings::default());
        let think = Demand::exponential(Duration::from_s(3));
        board.workload.rate = crate::units::Rate::default();
        board.workload.closed = Some(crate::workload::Closed { users: 600, think });
        board.faults.push(fault(STORE, FaultKind::Down, 300, 5));
        let out = metric(&after(&board, 600), STORE, "logged_out");
        assert!((400.0..640.0).contains(&out), "{out}");
    }

    #[test]
    fn one_operation_is_done_after_another() {
        let demand = Demand::constant(Duration::from_ms(8));
        let run = after(&board(Settings { demand, ..Settings::default() }), 300);
        let gauge = run.node_gauge(STORE);
        assert!(gauge.in_service <= 1);
        // 100 a second of 8 ms: 80 % busy on one of 512 processors.
        assert!((run.host_gauge(1).busy_s / 300.0 - 0.8).abs() < 0.05);
    }
}
