//! An autoscaler: switches copies on when they are busy, and off when they are not.

use super::flow::{Context, Flow};
use super::glance::Glance;
use super::{About, Behaviour, Kind, Metric, MetricReading, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::{Engine, Order, Timer};
use crate::settings::Unit;
use crate::stage::FaultKind;
use crate::units::{Duration, Nanos, SECOND_NS};
use crate::workload::{Class, Workload};
use crate::{choices, settings};

/// What the model of the autoscaler does.
pub const ABOUT: About = About {
    name: "Autoscaler",
    summary: "Looks at how busy the servers are, and switches copies on and off.",
    models: &[
        "The copies of the component that it is linked to are the most there may be; the run begins with the fewest.",
        "Every so often it asks for as many copies as would bring their mean processor load, or the messages for each, to the target (the rule of Kubernetes' horizontal pod autoscaler).",
        "A new copy boots, then starts; it costs from the first second and helps from the last.",
        "A copy that goes finishes what it has first: it drains.",
        "After each change it leaves things alone for a cool-down. With one shorter than the boot time, it orders more because what it ordered does not help yet, and then sends it all away.",
    ],
    also: &[],
    leaves_out: &["A cloud that has no machine left.", "Schedules, and forecasts of the load."],
    hosted: false,
    origin: true,
    calls: &[Kind::AppServer, Kind::Queue],
    glance: &[Glance::count("copies", "Machines on"), Glance::count("switched_on", "Switched on")],
};

choices! {
    /// What an autoscaler goes by.
    pub enum Signal {
        /// Mean load of the copies' processors.
        Cpu = "cpu",
        /// Messages that wait in the linked queue.
        Backlog = "backlog",
    }
}

settings! {
    /// Settings of an autoscaler.
    pub struct Settings {
        /// What it goes by: the copies' processors (cpu), or the messages that wait in the linked queue (backlog).
        signal: Signal = Signal::Cpu, 0.0..=1.0,
            "Processor load is what Kubernetes' and the clouds' autoscalers offer first";
        /// Processor load that it aims at.
        target: f64 = 0.6, 0.01..=1.0,
            "Assumed: Kubernetes' walk-through of its autoscaler aims at 0.5";
        /// Messages that may wait for each copy.
        backlog: f64 = 100.0, 0.001..=1e9,
            "Assumed: the wait that users accept, over the time that a message takes";
        /// Fewest copies.
        min: u32 = 1, 1.0..=2000.0,
            "One, unless it should survive the loss of a copy";
        /// Most copies; no more than there are.
        max: u32 = 2000, 1.0..=2000.0,
            "As many as the component has";
        /// Time between two looks.
        interval: Duration = Duration::from_s(15), 0.1..=3600.0,
            "Kubernetes: horizontal-pod-autoscaler-sync-period is 15 s";
        /// How long it leaves things alone after a change.
        cooldown: Duration = Duration::from_s(300), 0.0..=86_400.0,
            "AWS EC2 Auto Scaling: the default cooldown is 300 s";
        /// How long a machine takes from the order until processes start on it.
        boot: Duration = Duration::from_s(90), 0.0..=86_400.0,
            "Mao & Humphrey, A Performance Study on the VM Startup Time in the Cloud (IEEE CLOUD 2012): about 100 s for Linux on EC2";
        /// How long a copy finishes what it has before it is switched off.
        drain: Duration = Duration::from_s(30), 0.0..=3600.0,
            "Kubernetes' terminationGracePeriodSeconds is 30 s";
        /// How far the load may be from the target before anything changes, as a share of the target.
        tolerance: f64 = 0.1, 0.0..=1.0,
            "Kubernetes: horizontal-pod-autoscaler-tolerance is 0.1";
    }
}

const LOOK: u8 = 0;
const SWITCH_OFF: u8 = 1;

/// What has become of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    On,
    /// It is switched off then.
    Draining(Nanos),
}

/// A copy that may be switched on and off.
#[derive(Clone, Copy, Debug)]
struct Target {
    node: u16,
    phase: Phase,
    /// Processor time that its machine had used at the last look; none when it did not run then.
    busy_ns: Option<f64>,
}

/// An autoscaler at work.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    targets: Vec<Target>,
    queues: Vec<u16>,
    look: Slot,
    switch_off: Slot,
    looked_at: Nanos,
    quiet_until: Nanos,
    stuck: bool,
    /// Machine time used up to `counted_at`.
    used_ns: f64,
    counted_at: Nanos,
    load: f64,
    /// Orders to switch on and to switch off.
    changes: [u64; 2],
}

/// What theory is told of the autoscaler: it handles no request. How many copies are on theory finds out by itself.
pub(super) fn flow(_: &Settings, _: Class, _: &Context<'_>) -> Flow {
    Flow::default()
}

impl State {
    pub(super) fn new(settings: &Settings, place: Place, _: &Workload, engine: &mut Engine) -> Self {
        let servers = place.edges.iter().filter(|way| way.kind == Kind::AppServer);
        let queues = place.edges.iter().filter(|way| way.kind == Kind::Queue);
        Self {
            settings: *settings,
            targets: servers.map(|way| Target { node: way.node, phase: Phase::On, busy_ns: None }).collect(),
            queues: queues.map(|way| way.node).collect(),
            look: engine.add_timer(Timer { node: place.node, which: LOOK }),
            switch_off: engine.add_timer(Timer { node: place.node, which: SWITCH_OFF }),
            looked_at: 0,
            quiet_until: 0,
            stuck: false,
            used_ns: 0.0,
            counted_at: 0,
            load: 0.0,
            changes: [0; 2],
        }
    }

    /// Copies that are neither off nor on their way out.
    fn on(&self) -> usize {
        self.targets.iter().filter(|target| target.phase == Phase::On).count()
    }

    /// Copies that cost money.
    fn paid_for(&self) -> usize {
        self.targets.iter().filter(|target| target.phase != Phase::Off).count()
    }

    fn used_ns_at(&self, now: Nanos) -> f64 {
        self.used_ns + (now - self.counted_at) as f64 * self.paid_for() as f64
    }

    /// Settles the bill up to now, before anything changes.
    fn count(&mut self, now: Nanos) {
        self.used_ns = self.used_ns_at(now);
        self.counted_at = now;
    }

    fn bounds(&self) -> (usize, usize) {
        let most = (self.settings.max as usize).min(self.targets.len());
        ((self.settings.min as usize).min(most), most)
    }

    /// Mean processor load of the copies that have run since the last look; none when none has.
    fn cpu(&mut self, engine: &mut Engine) -> Option<f64> {
        let passed_ns = (engine.now() - self.looked_at) as f64;
        let (mut sum, mut running) = (0.0, 0_u32);
        for target in &mut self.targets {
            let presence = *engine.presence(target.node);
            let Some(host) = presence.host.filter(|_| presence.up) else {
                target.busy_ns = None;
                continue;
            };
            let host = &engine.hosts()[host as usize];
            let vcpus = f64::from(host.machine.vcpus);
            let processors = host.machine.quota.map_or(vcpus, |quota| quota.min(vcpus));
            let busy_ns = host.processor.busy_ns(engine.now());
            let before = target.busy_ns.replace(busy_ns);
            if let Some(before) = before.filter(|_| target.phase == Phase::On) {
                sum += (busy_ns - before) / (processors * passed_ns).max(1.0);
                running += 1;
            }
        }
        self.looked_at = engine.now();
        (running > 0).then(|| sum / f64::from(running))
    }

    /// Copies that there should be, by what is seen.
    fn wanted(&mut self, engine: &mut Engine) -> Option<usize> {
        let on = self.on();
        let cpu = self.cpu(engine);
        match self.settings.signal {
            Signal::Cpu => {
                self.load = cpu?;
                let ratio = self.load / self.settings.target;
                let near = (ratio - 1.0).abs() <= self.settings.tolerance;
                Some(if near { on } else { libm::ceil(on as f64 * ratio) as usize })
            }
            Signal::Backlog => {
                self.load = self.queues.iter().map(|node| f64::from(engine.presence(*node).backlog)).sum();
                Some(libm::ceil(self.load / self.settings.backlog) as usize)
            }
        }
    }

    fn evaluate(&mut self, engine: &mut Engine) {
        let Some(wanted) = self.wanted(engine) else { return };
        let now = engine.now();
        if self.stuck || now < self.quiet_until {
            return;
        }
        let (least, most) = self.bounds();
        let (wanted, on) = (wanted.clamp(least, most), self.on());
        if wanted == on {
            return;
        }
        self.count(now);
        self.quiet_until = now.saturating_add(self.settings.cooldown.ns());
        (on..wanted).for_each(|_| self.add(engine));
        (wanted..on).for_each(|_| self.remove(engine));
        self.await_switching_off(engine);
    }

    /// Switches one copy on; rather one that drains than one that must boot.
    fn add(&mut self, engine: &mut Engine) {
        let draining = self.targets.iter().position(|target| matches!(target.phase, Phase::Draining(_)));
        let off = || self.targets.iter().position(|target| target.phase == Phase::Off);
        let Some(index) = draining.or_else(off) else { return };
        let Target { node, phase, .. } = self.targets[index];
        self.targets[index].phase = Phase::On;
        self.changes[0] += 1;
        let presence = engine.presence_mut(node);
        (presence.draining, presence.reserve) = (false, false);
        if phase == Phase::Off {
            engine.order(Order::SwitchOn { node, after: self.settings.boot.ns() });
        }
    }

    /// Lets the last copy go.
    fn remove(&mut self, engine: &mut Engine) {
        let Some(target) = self.targets.iter_mut().rev().find(|target| target.phase == Phase::On) else { return };
        target.phase = Phase::Draining(engine.now().saturating_add(self.settings.drain.ns()));
        engine.presence_mut(target.node).draining = true;
        self.changes[1] += 1;
    }

    fn switch_off_drained(&mut self, engine: &mut Engine) {
        let now = engine.now();
        self.count(now);
        for target in &mut self.targets {
            if matches!(target.phase, Phase::Draining(until) if until <= now) {
                target.phase = Phase::Off;
                engine.presence_mut(target.node).reserve = true;
                engine.order(Order::SwitchOff { node: target.node });
            }
        }
        self.await_switching_off(engine);
    }

    fn await_switching_off(&self, engine: &mut Engine) {
        let until = |target: &Target| match target.phase {
            Phase::Draining(until) => Some(until),
            _ => None,
        };
        match self.targets.iter().filter_map(until).min() {
            Some(at) => engine.set_timer(self.switch_off, at),
            None => engine.clear_timer(self.switch_off),
        }
    }
}

impl Behaviour for State {
    fn start(&mut self, engine: &mut Engine) {
        let (least, _) = self.bounds();
        if engine.now() == 0 {
            for target in self.targets.iter_mut().skip(least.max(1)) {
                target.phase = Phase::Off;
                engine.presence_mut(target.node).reserve = true;
                engine.order(Order::SwitchOff { node: target.node });
            }
        }
        self.looked_at = engine.now();
        // What was used before, or while it was away, says nothing of the time until its next look.
        self.targets.iter_mut().for_each(|target| target.busy_ns = None);
        engine.set_timer(self.look, engine.now() + self.settings.interval.ns());
        self.await_switching_off(engine);
    }

    fn stop(&mut self, engine: &mut Engine) {
        engine.clear_timer(self.look);
        engine.clear_timer(self.switch_off);
    }

    fn arrived(&mut self, engine: &mut Engine, call: CallId) {
        engine.answer(call, Ok(()));
    }

    fn served(&mut self, _: &mut Engine, _: CallId) {}

    fn timer(&mut self, engine: &mut Engine, which: u8) {
        match which {
            LOOK => {
                self.evaluate(engine);
                engine.set_timer(self.look, engine.now().saturating_add(self.settings.interval.ns()));
            }
            _ => self.switch_off_drained(engine),
        }
    }

    fn configure(&mut self, _: &mut Engine, settings: &super::Settings, _: &Workload) {
        if let super::Settings::Autoscaler(settings) = settings {
            self.settings = *settings;
        }
    }

    fn fault(&mut self, _: &mut Engine, kind: &FaultKind, on: bool) {
        if *kind == FaultKind::Stuck {
            self.stuck = on;
        }
    }

    fn metrics(&self, engine: &Engine, metrics: &mut Vec<Metric>) {
        let mut add = |name, unit, reading| metrics.push(Metric { name, unit, reading });
        let hours = self.used_ns_at(engine.now()) / (3600.0 * SECOND_NS as f64);
        add("copies", Unit::Count, MetricReading::Gauge(self.paid_for() as f64));
        add("machine_hours", Unit::Number, MetricReading::Count(hours));
        add("switched_on", Unit::Count, MetricReading::Count(self.changes[0] as f64));
        add("switched_off", Unit::Count, MetricReading::Count(self.changes[1] as f64));
        add("load", Unit::Number, MetricReading::Gauge(self.load));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Way;
    use crate::workload::PerClass;

    #[test]
    fn copies_follow_the_messages_that_wait() {
        let mut engine = Engine::new(1);
        (0..6).for_each(|_| engine.add_node(None, 0));
        let way = |node: u16, kind| Way { edge: node, node, component: 1, kind, classes: PerClass::all(true) };
        let mut edges: Vec<Way> = (1..5).map(|node| way(node, Kind::AppServer)).collect();
        edges.push(way(5, Kind::Queue));
        let place = Place::of_one("scaler", edges);
        let settings = Settings { signal: Signal::Backlog, cooldown: Duration::ZERO, ..Settings::default() };
        let mut scaler = State::new(&settings, place, &Workload::default(), &mut engine);
        scaler.start(&mut engine);
        assert_eq!(scaler.on(), 1);
        let mut with_waiting = |messages| {
            engine.presence_mut(5).backlog = messages;
            scaler.evaluate(&mut engine);
            scaler.on()
        };
        assert_eq!([250, 90, 0, 10_000].map(&mut with_waiting), [3, 1, 1, 4]);
    }
}
