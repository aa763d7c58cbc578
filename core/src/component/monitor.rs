//! A monitor: measures what it is linked to, alerts when a rule is broken for long enough, and calls somebody.

use super::flow::{Context, Flow};
use super::glance::Glance;
use super::{About, Behaviour, Kind, Metric, MetricReading, Place};
use crate::choices;
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::watch::Seen;
use crate::engine::{Engine, Order, Reply, Timer};
use crate::settings;
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Duration, Nanos};
use crate::workload::{Class, Workload};

/// What the model of the monitor does.
pub const ABOUT: About = About {
    name: "Monitor",
    summary: "Measures what it watches, alerts when a rule is broken, and calls somebody who mends it.",
    models: &[
        "It looks at every copy of what it is linked to once a `scrape`, and judges what happened in the last `window`.",
        "A rule that is broken for as long as `hold` makes an alert. It ends when the rule is kept again.",
        "Times are those of a `sample` of the answers; a percentile is up to an eighth too long, as that of any histogram with buckets.",
        "An alert calls a person, who comes after `response`, finds the cause, and starts dead processes, empties full disks and rolls a release back.",
        "Finding the cause takes a look at machine after machine; with a log pipeline linked it takes one search, and no longer than the index lags behind.",
        "An alert while nothing is wrong in the run, nor was a moment ago, is a false alert; trouble that ends without one was missed.",
    ],
    also: &[],
    leaves_out: &[
        "The load of measuring.",
        "A person who is asleep, or does the wrong thing.",
        "Copies that an autoscaler has switched off: they look dead to the rule `down`.",
    ],
    hosted: false,
    origin: true,
    calls: &[
        Kind::LoadBalancer,
        Kind::AppServer,
        Kind::SessionStore,
        Kind::Cache,
        Kind::Database,
        Kind::Replica,
        Kind::Queue,
        Kind::LogPipeline,
    ],
    glance: &[Glance::count("firing", "Alerts now"), Glance::count("alerts", "So far")],
};

choices! {
    /// What an alert is about.
    pub enum Rule {
        /// Share of the answers that are errors, or never came.
        Errors = "errors",
        /// Mean time of the answers, in seconds.
        Mean = "mean",
        /// Their 95th percentile, in seconds.
        P95 = "p95",
        /// Their 99th percentile, in seconds.
        P99 = "p99",
        /// Share of a machine's processor time that is used.
        Cpu = "cpu",
        /// Share of a machine's disk that is full.
        Disk = "disk",
        /// Share of the copies that do not run.
        Down = "down",
    }
}

settings! {
    /// Settings of a monitor.
    pub struct Settings {
        /// Time from one look to the next.
        scrape: Duration = Duration::from_s(15), 0.1..=3_600.0,
            "The interval in Prometheus' own example configuration; without one it takes a minute";
        /// How much of the past a look judges.
        window: Duration = Duration::from_s(60), 0.1..=86_400.0,
            "Assumed: four looks; Prometheus' documentation rates over 5 minutes";
        /// What the alert is about.
        rule: Rule = Rule::Errors, 0.0..=6.0,
            "Google, Site Reliability Engineering (2016), chapter 6: latency, traffic, errors and saturation";
        /// Above this the rule is broken: a share, or seconds.
        threshold: f64 = 0.01, 0.0..=3_600.0,
            "Assumed: one request in a hundred";
        /// How long the rule must be broken before there is an alert.
        hold: Duration = Duration::from_s(60), 0.0..=86_400.0,
            "Assumed: a minute; `for` in a Prometheus alerting rule, whose documentation's example waits 10 minutes";
        /// Whether each copy is judged on its own instead of all of a component together.
        per_copy: bool = false, 0.0..=1.0,
            "Assumed: one rule for the service";
        /// Share of the answers whose time is taken.
        sample: f64 = 1.0, 0.0..=1.0,
            "All of them unless set; tracing commonly takes one in a hundred or fewer";
        /// Answers that a window must have before errors and times are judged.
        least: u32 = 10, 0.0..=1_000_000.0,
            "Assumed: fewer say nothing";
        /// Whether an alert calls somebody.
        calls_out: bool = true, 0.0..=1.0,
            "An alert that nobody gets is a line on a dashboard";
        /// How long it takes until that person looks.
        response: Duration = Duration::from_s(300), 0.0..=864_000.0,
            "Google, Site Reliability Engineering (2016), chapter 11: 5 minutes for services that users wait for";
        /// How long the person looks at one machine's logs.
        look: Duration = Duration::from_s(60), 0.0..=86_400.0,
            "Assumed: log in, find the file, read its end";
        /// Whether an alert rolls back the release that is being rolled out, at once.
        auto_rollback: bool = false, 0.0..=1.0,
            "None unless set; Google, The Site Reliability Workbook (2018), chapter 16, on canaries";
    }
}

const SCRAPE: u8 = 0;

/// What the person is doing.
const COMING: u16 = 0;
const SEARCHING: u16 = 1;
const READING: u16 = 2;

/// How long a search may take before the person gives up and looks at the machines.
const SEARCH_TIMEOUT: Nanos = 60_000_000_000;
/// Looks that are kept of a window at most.
const LOOKS_MOST: u64 = 240;

/// A copy that is watched.
#[derive(Clone, Copy, Debug)]
struct Target {
    node: u16,
    host: Option<u32>,
    /// Processor time that its machine had used at the last look, in nanoseconds; none when there was no look before.
    busy_ns: Option<f64>,
}

/// Copies that are judged together.
#[derive(Debug)]
struct Group {
    targets: Vec<Target>,
    /// What was seen of them at the last looks; the next look overwrites the oldest.
    looks: Vec<Seen>,
    next: usize,
    taken: usize,
    /// Looks that each of them stands for, and how many the next one does so far.
    each: u64,
    within: u64,
    broken_since: Option<Nanos>,
    firing: bool,
}

/// Trouble that may have to be noticed.
#[derive(Clone, Copy, Debug)]
struct Open {
    number: u64,
    since: Nanos,
    noticed: bool,
}

/// A monitor at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    node: u16,
    targets: Vec<Target>,
    components: Vec<u16>,
    groups: Vec<Group>,
    searches: Vec<u16>,
    timer: Slot,
    looked_at: Nanos,
    stuck: bool,
    /// The person who is at work.
    person: Option<CallId>,
    persons: u64,
    open: Option<Open>,
    /// The last incident that is over and judged.
    judged: u64,
    alerts: u64,
    false_alerts: u64,
    missed: u64,
    noticed: u64,
    notice_s: f64,
    mended: u64,
    mend_s: f64,
}

/// What theory is told of the monitor: it takes nothing of what requests need.
pub(super) fn flow(_: &Settings, _: Class, _: &Context<'_>) -> Flow {
    Flow::default()
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let ways = place.edges.iter();
        let targets = ways.clone().map(|way| Target { node: way.node, host: None, busy_ns: None }).collect();
        let mut state = Self {
            settings: *settings,
            node: place.node,
            targets,
            components: ways.map(|way| way.component).collect(),
            groups: Vec::new(),
            searches: place.edges_to(Kind::LogPipeline),
            timer: engine.add_timer(Timer { node: place.node, which: SCRAPE }),
            looked_at: 0,
            stuck: false,
            person: None,
            persons: 0,
            open: None,
            judged: 0,
            alerts: 0,
            false_alerts: 0,
            missed: 0,
            noticed: 0,
            notice_s: 0.0,
            mended: 0,
            mend_s: 0.0,
        };
        state.watch(engine);
        state
    }

    /// Begins to watch, with the present settings.
    fn watch(&mut self, engine: &mut Engine) {
        let Settings { scrape, window, sample, per_copy, .. } = self.settings;
        let looks = window.ns().div_ceil(scrape.ns().max(1)).max(1);
        // A long window is told by every so many of its looks.
        let each = looks.div_ceil(LOOKS_MOST);
        let looks = looks.div_ceil(each) as usize + 1;
        self.groups.clear();
        for index in 0..self.targets.len() {
            self.targets[index].host = engine.presence(self.targets[index].node).host;
            // Nothing has been used at the start.
            self.targets[index].busy_ns = (engine.now() == 0).then_some(0.0);
            let target = self.targets[index];
            engine.watch_node(target.node, sample);
            let component = self.components[index];
            let same = self.components[..index].iter().position(|other| *other == component && !per_copy);
            let group = match same {
                Some(first) => self.groups.iter_mut().find(|group| group.targets[0].node == self.targets[first].node),
                None => None,
            };
            match group {
                Some(group) => group.targets.push(target),
                None => self.groups.push(Group {
                    targets: vec![target],
                    looks: vec![Seen::default(); looks],
                    next: 0,
                    taken: 0,
                    each,
                    within: 0,
                    broken_since: None,
                    firing: false,
                }),
            }
        }
    }

    fn await_next(&self, engine: &mut Engine) {
        if !self.stuck {
            engine.set_timer(self.timer, engine.now().saturating_add(self.settings.scrape.ns()));
        }
    }

    /// One look at everything.
    fn look(&mut self, engine: &mut Engine) {
        self.follow_incidents(engine);
        let since_ns = (engine.now() - self.looked_at).max(1);
        self.looked_at = engine.now();
        for index in 0..self.groups.len() {
            let value = self.groups[index].measure(engine, &self.settings, since_ns);
            let group = &mut self.groups[index];
            if value.is_none_or(|value| value <= self.settings.threshold) {
                (group.broken_since, group.firing) = (None, false);
                continue;
            }
            let since = *group.broken_since.get_or_insert(engine.now());
            if !group.firing && engine.now() - since >= self.settings.hold.ns() {
                group.firing = true;
                let node = group.targets[0].node;
                self.alert(engine, node);
            }
        }
        if self.settings.calls_out && self.person.is_none() && self.groups.iter().any(|group| group.firing) {
            self.persons += 1;
            let person = engine.begin_own(self.persons, Class::Read, self.node, None);
            if let Some(call) = engine.get_mut(person) {
                call.step = COMING;
            }
            self.person = Some(person);
            engine.pause(person, self.settings.response.ns());
        }
    }

    /// How long after its end trouble may still cause an alert.
    fn grace_ns(&self) -> Nanos {
        let Settings { window, hold, scrape, .. } = self.settings;
        window.ns() + hold.ns() + 2 * scrape.ns()
    }

    fn follow_incidents(&mut self, engine: &Engine) {
        let incident = engine.incident();
        let over = incident.ended.is_some_and(|ended| engine.now() > ended.saturating_add(self.grace_ns()));
        if let Some(open) = self.open
            && (open.number < incident.number || over)
        {
            self.missed += u64::from(!open.noticed);
            (self.open, self.judged) = (None, open.number);
        }
        if self.open.is_none() && incident.number > self.judged {
            // Those between two looks came and went unseen.
            self.missed += incident.number - self.judged - 1;
            self.judged = incident.number - 1;
            self.open = Some(Open { number: incident.number, since: incident.since, noticed: false });
        }
    }

    fn alert(&mut self, engine: &mut Engine, node: u16) {
        self.alerts += 1;
        match &mut self.open {
            Some(open) if !open.noticed => {
                open.noticed = true;
                self.noticed += 1;
                self.notice_s += (engine.now() - open.since) as f64 / 1e9;
            }
            Some(_) => {}
            None => self.false_alerts += 1,
        }
        if self.settings.auto_rollback {
            engine.order(Order::RollBack { node });
        }
    }

    /// The person looks for the cause: in the logs of all, or machine by machine, half of them on average.
    fn find(&mut self, engine: &mut Engine, person: CallId) {
        let count = self.searches.len() as u64;
        if count > 0
            && let Some(call) = engine.get_mut(person)
        {
            call.step = SEARCHING;
            engine.call(self.searches[(self.persons % count) as usize], person, SEARCH_TIMEOUT);
        } else {
            self.read(engine, person, (self.targets.len() as f64 + 1.0) / 2.0, 0);
        }
    }

    fn read(&self, engine: &mut Engine, person: CallId, looks: f64, wait_ns: Nanos) {
        if let Some(call) = engine.get_mut(person) {
            call.step = READING;
        }
        engine.pause(person, wait_ns + (self.settings.look.ns() as f64 * looks) as Nanos);
    }

    /// The person mends what can be mended.
    fn mend(&mut self, engine: &mut Engine) {
        let firing = self.groups.iter().filter(|group| group.firing).map(|group| group.targets[0].node);
        for node in firing {
            engine.order(Order::RollBack { node });
        }
        for target in &self.targets {
            if !engine.presence(target.node).up {
                engine.order(Order::Repair { node: target.node });
            }
            if target.host.is_some_and(|host| fullness(engine, host) >= FULL) {
                engine.order(Order::CleanUp { node: target.node });
            }
        }
        let incident = engine.incident();
        if incident.number > 0 && incident.ended.is_none() {
            self.mended += 1;
            self.mend_s += (engine.now() - incident.since) as f64 / 1e9;
        }
    }
}

/// A disk that is fuller than this is emptied.
const FULL: f64 = 0.8;

fn fullness(engine: &Engine, host: u32) -> f64 {
    let host = &engine.hosts()[host as usize];
    host.stored_bytes() / (host.machine.disk.0 as f64).max(1.0)
}

impl Group {
    /// What the rule is about, as of now; none where there is too little to say.
    fn measure(&mut self, engine: &mut Engine, settings: &Settings, since_ns: Nanos) -> Option<f64> {
        match settings.rule {
            Rule::Cpu => return self.busiest(engine, since_ns),
            Rule::Disk => {
                return self
                    .targets
                    .iter()
                    .filter_map(|it| it.host)
                    .map(|host| fullness(engine, host))
                    .reduce(f64::max);
            }
            Rule::Down => {
                let down = self.targets.iter().filter(|target| !engine.presence(target.node).up).count();
                return Some(down as f64 / self.targets.len() as f64);
            }
            _ => {}
        }
        let count = self.looks.len();
        let look = &mut self.looks[self.next];
        look.clear();
        self.targets.iter().filter_map(|target| engine.seen(target.node)).for_each(|seen| look.add(seen));
        let oldest = if self.taken < count { 0 } else { (self.next + 1) % count };
        let (now, then) = (&self.looks[self.next], &self.looks[oldest]);
        let first = self.taken == 0;
        self.within += 1;
        if self.within == self.each || first {
            self.within = 0;
            self.next = (self.next + 1) % count;
            self.taken = (self.taken + 1).min(count);
        }
        if first || now.answered - then.answered < u64::from(settings.least) {
            return None;
        }
        match settings.rule {
            Rule::Mean => now.mean_s(then),
            Rule::P95 => now.quantile_s(then, 0.95),
            Rule::P99 => now.quantile_s(then, 0.99),
            _ => now.failed_share(then),
        }
    }

    /// Share of its processor time that the busiest machine has used since the last look.
    fn busiest(&mut self, engine: &mut Engine, since_ns: Nanos) -> Option<f64> {
        let mut most = None;
        for target in &mut self.targets {
            let Some(host) = target.host else { continue };
            let host = &engine.hosts()[host as usize];
            let cpus = f64::from(host.machine.vcpus);
            let cpus = host.machine.quota.map_or(cpus, |quota| quota.min(cpus));
            let busy_ns = host.processor.busy_ns(engine.now());
            let Some(before_ns) = target.busy_ns.replace(busy_ns) else { continue };
            let busy = (busy_ns - before_ns) / (since_ns as f64 * cpus);
            most = Some(most.map_or(busy, |most: f64| most.max(busy)));
        }
        most
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        self.looked_at = engine.now();
        self.await_next(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        engine.clear_timer(self.timer);
        self.person = None;
        for group in &mut self.groups {
            (group.taken, group.next, group.within, group.broken_since, group.firing) = (0, 0, 0, None, false);
            group.targets.iter_mut().for_each(|target| target.busy_ns = None);
        }
    }

    fn arrived(&mut self, _: &mut Engine, _: CallId) {
        debug_assert!(false, "nobody calls a monitor");
    }

    fn answered(&mut self, engine: &mut Engine, person: CallId, reply: &Reply) {
        match reply.answer {
            // What happened last can be found only when the index has got that far.
            Ok(()) => self.read(engine, person, 1.0, reply.note),
            Err(_) => self.read(engine, person, (self.targets.len() as f64 + 1.0) / 2.0, 0),
        }
    }

    fn served(&mut self, engine: &mut Engine, person: CallId) {
        if engine.get(person).is_some_and(|call| call.step == COMING) {
            self.find(engine, person);
            return;
        }
        engine.finish(person);
        self.person = None;
        self.mend(engine);
    }

    fn timer(&mut self, engine: &mut Engine, _: u8) {
        self.look(engine);
        self.await_next(engine);
    }

    fn configure(&mut self, engine: &mut Engine, settings: &super::Settings, _: &Workload) {
        let super::Settings::Monitor(settings) = settings else { return };
        if *settings != self.settings {
            self.settings = *settings;
            self.watch(engine);
        }
    }

    fn fault(&mut self, engine: &mut Engine, kind: &FaultKind, on: bool) {
        if matches!(kind, FaultKind::Stuck) {
            self.stuck = on;
            engine.clear_timer(self.timer);
            self.await_next(engine);
        }
    }

    fn metrics(&self, _: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let firing = self.groups.iter().filter(|group| group.firing).count();
        add("alerts", Unit::Count, MetricReading::Count(self.alerts as f64));
        add("firing", Unit::Count, MetricReading::Gauge(firing as f64));
        add("false_alerts", Unit::Count, MetricReading::Count(self.false_alerts as f64));
        add("missed", Unit::Count, MetricReading::Count(self.missed as f64));
        add("time_to_detect", Unit::Seconds, MetricReading::Ratio(self.notice_s, self.noticed as f64));
        add("time_to_repair", Unit::Seconds, MetricReading::Ratio(self.mend_s, self.mended as f64));
    }
}
