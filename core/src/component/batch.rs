//! A batch job: work that a schedule starts, whoever else is busy.

use super::flow::{Context, Flow};
use super::glance::Glance;
use super::outbound::choose;
use super::{About, Behaviour, Kind, Metric, MetricReading, NodeGauge, PUT, Place, Way};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::random::Stream;
use crate::engine::{Engine, Reply, Timer};
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Duration, Nanos, SECOND_NS};
use crate::workload::{Class, Workload};
use crate::{choices, settings};

/// What the model of the batch job does.
pub const ABOUT: About = About {
    name: "Batch job",
    summary: "Work that a schedule starts: a digest for everybody, an archive of old rows, a report.",
    models: &[
        "At each time of its schedule a run begins: a set number of calls of the class `job`, a few of them at once, to whatever it is linked to.",
        "A run that is not over when the next is due overlaps with it, puts it off, or skips it.",
        "A call that fails is not made again before the next run.",
    ],
    also: &[],
    leaves_out: &["The machine that it runs on: what it asks of others is what costs."],
    hosted: false,
    origin: true,
    calls: &[Kind::AppServer, Kind::LoadBalancer, Kind::Database, Kind::Replica, Kind::Shards, Kind::Queue],
    glance: &[Glance::count("running", "Running"), Glance::rate("done", "Done")],
};

choices! {
    /// What becomes of a run that is due while one is under way.
    pub enum Overlap {
        /// It falls out, as with a lock file, or Kubernetes' CronJob policy `Forbid`.
        Skip = "skip",
        /// It begins when the one before is over.
        Wait = "wait",
        /// Both run, as with plain cron, or the policy `Allow`.
        Both = "both",
    }
}

settings! {
    /// Settings of a batch job.
    pub struct Settings {
        /// How often a run is due.
        every: Duration = Duration::from_s(3600), 0.01..=31_536_000.0,
            "Assumed: hourly; cron's @hourly";
        /// When the first is due, and by how much all are put off.
        offset: Duration = Duration::ZERO, 0.0..=31_536_000.0,
            "On the hour, as most schedules are written";
        /// Calls that one run makes.
        size: u32 = 1_000, 1.0..=1e9,
            "Assumed";
        /// Calls that one run makes at once.
        at_once: u32 = 4, 1.0..=100_000.0,
            "Assumed: a few threads";
        /// What becomes of a run that is due while one is under way.
        overlap: Overlap = Overlap::Skip, 0.0..=2.0,
            "A lock file is the usual guard: flock(1)";
        /// How long one call may take.
        timeout: Duration = Duration::from_s(600), 0.01..=86_400.0,
            "Assumed: nobody watches a batch job";
    }
}

const DUE: u8 = 0;

/// Requests of batch jobs are told apart from users' by their numbers' upper bits.
const ORDINAL: u64 = 0x80;

/// A run under way.
#[derive(Clone, Copy, Debug)]
struct Round {
    begun: Nanos,
    /// Calls that are still to be made, and those that are out.
    left: u32,
    out: u32,
}

/// A batch job at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    ordinal: u64,
    edges: Vec<u16>,
    routes: Stream,
    due: Slot,
    rounds: Vec<Option<Round>>,
    /// Runs that wait for the present one.
    put_off: u32,
    calls: u64,
    stuck: u32,
    up: bool,
    runs: u64,
    skipped: u64,
    over: u64,
    over_s: f64,
    done: u64,
    failed: u64,
}

/// What theory is told of a batch job: nobody calls it, and it keeps no steady rate.
pub(super) fn flow(_: &Settings, _: Class, _: &Context<'_>) -> Flow {
    Flow::beyond("Theory knows steady rates only, and a batch job comes in bursts.")
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let carries = |way: &&Way| *way.classes.get(Class::Job);
        Self {
            edges: place.edges.iter().filter(carries).map(|way| way.edge).collect(),
            node: place.node,
            ordinal: (ORDINAL + u64::from(place.ordinal)) << 40,
            routes: engine.stream(&place.name, "route"),
            due: engine.add_timer(Timer { node: place.node, which: DUE }),
            rounds: Vec::new(),
            put_off: 0,
            calls: 0,
            stuck: 0,
            up: false,
            runs: 0,
            skipped: 0,
            over: 0,
            over_s: 0.0,
            done: 0,
            failed: 0,
            settings: *settings,
        }
    }

    /// Sets the timer for the next run of the schedule.
    fn await_next(&self, engine: &mut Engine) {
        let Settings { every, offset, .. } = self.settings;
        let (every_ns, offset_ns) = (every.ns().max(1), offset.ns());
        let since = engine.now().checked_sub(offset_ns);
        let next = since.map_or(0, |since| (since / every_ns + 1).saturating_mul(every_ns));
        engine.set_timer(self.due, offset_ns.saturating_add(next));
    }

    fn running(&self) -> usize {
        self.rounds.iter().flatten().count()
    }

    /// A run is due.
    fn begin(&mut self, engine: &mut Engine) {
        if self.stuck > 0 || self.edges.is_empty() {
            return;
        }
        match self.settings.overlap {
            Overlap::Skip if self.running() > 0 => self.skipped += 1,
            Overlap::Wait if self.running() > 0 => self.put_off += 1,
            _ => self.run(engine),
        }
    }

    fn run(&mut self, engine: &mut Engine) {
        self.runs += 1;
        let round = Round { begun: engine.now(), left: self.settings.size, out: 0 };
        let place = match self.rounds.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.rounds.push(None);
                self.rounds.len() - 1
            }
        };
        self.rounds[place] = Some(round);
        self.go_on(engine, place);
    }

    /// Makes as many of a run's calls as may be out at once; ends it when there is none left.
    fn go_on(&mut self, engine: &mut Engine, place: usize) {
        let at_once = self.settings.at_once;
        while let Some(round) = self.rounds.get_mut(place).and_then(Option::as_mut)
            && round.left > 0
            && round.out < at_once
        {
            round.left -= 1;
            round.out += 1;
            let request = self.ordinal | self.calls;
            self.calls += 1;
            let own = engine.begin_own(request, Class::Job, self.node, None);
            if let Some(own) = engine.get_mut(own) {
                own.count = place as u32;
            }
            let edge = choose(engine, &self.edges, &self.routes, request);
            if let Some(edge) = edge
                && let Some(child) = engine.call(edge, own, self.settings.timeout.ns())
            {
                child.verb = PUT;
            }
        }
        let Some(Some(round)) = self.rounds.get(place).copied() else { return };
        if round.left == 0 && round.out == 0 {
            self.rounds[place] = None;
            self.over += 1;
            self.over_s += (engine.now() - round.begun) as f64 / SECOND_NS as f64;
            if self.put_off > 0 {
                self.put_off -= 1;
                self.run(engine);
            }
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.up = true;
        if engine.now() == 0 && self.settings.offset == Duration::ZERO {
            engine.set_timer(self.due, 0);
        } else {
            self.await_next(engine);
        }
    }

    fn stop(&mut self, engine: &mut Engine) {
        self.up = false;
        self.rounds.clear();
        self.put_off = 0;
        engine.clear_timer(self.due);
    }

    fn arrived(&mut self, engine: &mut Engine, id: CallId) {
        debug_assert!(false, "nobody calls a batch job");
        engine.answer(id, Ok(()));
    }

    fn answered(&mut self, engine: &mut Engine, own: CallId, reply: &Reply) {
        let Some(place) = engine.get(own).map(|call| call.count as usize) else { return };
        engine.finish(own);
        match reply.answer {
            Ok(()) => self.done += 1,
            Err(_) => self.failed += 1,
        }
        if let Some(round) = self.rounds.get_mut(place).and_then(Option::as_mut) {
            round.out = round.out.saturating_sub(1);
        }
        self.go_on(engine, place);
    }

    fn served(&mut self, _: &mut Engine, _: CallId) {}

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        self.await_next(engine);
        self.begin(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Batch(settings) = settings else { return };
        let moved = (self.settings.every, self.settings.offset) != (settings.every, settings.offset);
        self.settings = *settings;
        if self.up && moved {
            self.await_next(engine);
        }
    }

    fn fault(&mut self, _: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = if on { self.stuck + 1 } else { self.stuck.saturating_sub(1) };
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let count = |number: u64| MetricReading::Count(number as f64);
        add("runs", Unit::Count, count(self.runs));
        add("skipped", Unit::Count, count(self.skipped));
        add("running", Unit::Count, MetricReading::Gauge(self.running() as f64));
        add("run_length", Unit::Seconds, MetricReading::Ratio(self.over_s, self.over as f64));
        add("done", Unit::Count, count(self.done));
        add("failed", Unit::Count, count(self.failed));
    }

    fn gauge(&self) -> NodeGauge {
        let sum = |of: fn(&Round) -> u32| self.rounds.iter().flatten().map(of).fold(0, u32::saturating_add);
        let (left, out) = (sum(|round| round.left), sum(|round| round.out));
        NodeGauge { waiting: left, in_service: out, up: true, ..NodeGauge::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{after, app, fault, metric, stage};
    use super::super::{Settings as Of, app_server};
    use super::*;
    use crate::stage::Stage;

    const BATCH: usize = 2;

    /// Runs of 100 calls of 100 ms, ten at once: a second each.
    fn board(settings: Settings) -> Stage {
        let workers = app_server::Settings { queries: crate::workload::PerClass::all(0), ..app(100) };
        let settings = Settings { size: 100, at_once: 10, ..settings };
        let others = vec![("batch", Of::Batch(settings)), ("workers", Of::AppServer(workers))];
        stage(1.0, [1.0, 0.0, 0.0, 0.0], others, &[(BATCH, 3)])
    }

    fn every(ms: u64) -> Settings {
        Settings { every: Duration::from_ms(ms), ..Settings::default() }
    }

    #[test]
    fn it_runs_on_its_schedule() {
        let offset = Duration::from_s(5);
        let run = after(&board(Settings { offset, ..every(10_000) }), 99);
        let of = |name| metric(&run, BATCH, name);
        assert_eq!((of("runs"), of("done"), of("failed"), of("skipped")), (10.0, 1_000.0, 0.0, 0.0));
        assert!((of("run_length") - 1.0).abs() < 0.01, "{}", of("run_length"));
    }

    #[test]
    fn a_run_that_is_due_too_early_falls_out_waits_or_overlaps() {
        let runs = |overlap| {
            let run = after(&board(Settings { overlap, ..every(700) }), 100);
            ["runs", "skipped", "running"].map(|name| metric(&run, BATCH, name))
        };
        let [skip, wait, both] = [Overlap::Skip, Overlap::Wait, Overlap::Both].map(runs);
        assert!((skip[0] - 72.0).abs() < 2.0 && (skip[1] - 71.0).abs() < 2.0, "{skip:?}");
        assert!((wait[0] - 99.0).abs() < 2.0 && wait[1] == 0.0, "{wait:?}");
        assert!((both[0] - 143.0).abs() < 2.0 && both[2] >= 1.0, "{both:?}");
    }

    #[test]
    fn what_many_large_runs_have_left_is_told_as_far_as_can_be_counted() {
        let mut board = board(Settings { overlap: Overlap::Both, ..every(100) });
        let Of::Batch(settings) = &mut board.components[BATCH].settings else { panic!("a batch job") };
        (settings.size, settings.at_once) = (1_000_000_000, 1);
        assert_eq!(after(&board, 1).node_gauge(BATCH).waiting, u32::MAX);
    }

    #[test]
    fn a_stuck_schedule_runs_nothing_and_says_nothing() {
        let mut board = board(every(10_000));
        board.faults.push(fault(BATCH, FaultKind::Stuck, 15, 30));
        let run = after(&board, 99);
        assert_eq!(metric(&run, BATCH, "runs"), 7.0);
    }
}
