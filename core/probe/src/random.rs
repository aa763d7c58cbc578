//! Stages at random: every kind, settings from sane to extreme, links wherever a kind may call another, faults on
//! everything. The same number gives the same stage on every machine.

use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::hardware::Machine;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::{Component, Fault, FaultKind, Link, NamedMachine, Placement, Region, Stage, Target};
use hockeystick_core::units::{Bandwidth, Bytes, Duration, Rate};
use hockeystick_core::workload::{Arrivals, Bursts, Class, Closed, Day, Demand, PerClass, Popularity, Workload};

/// Random numbers for making things up: SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count as u64) as usize
    }

    /// From 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// One of these, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number from an eighth of `value` to eight times as much.
    pub fn near(&mut self, value: f64) -> f64 {
        let factor = self.pick(&[0.125, 0.25, 0.5, 1.0, 2.0, 4.0]);
        value * factor * (1.0 + self.uniform())
    }

    /// A number of the range, its order of magnitude at random.
    fn anywhere(&mut self, min: f64, max: f64) -> f64 {
        match self.below(4) {
            0 => min,
            1 => max,
            _ => {
                let mut value = max;
                for _ in 0..self.below(40) {
                    value *= 0.5;
                }
                value.max(min)
            }
        }
    }

    fn span(&mut self, about_s: f64) -> Duration {
        Duration::from_secs_f64(self.near(about_s))
    }
}

/// The stage of this number. It keeps every rule.
pub fn stage(number: u64) -> Stage {
    let mut dice = Dice::new(number);
    let most = 1 + dice.below(11);
    let mut stage = empty(&mut dice);
    add(&mut stage, Kind::Clients, &mut dice);
    // The first of those that answer is what the users ask.
    let first = dice.pick(&[Kind::AppServer, Kind::AppServer, Kind::LoadBalancer, Kind::Cdn, Kind::ObjectStore]);
    add(&mut stage, first, &mut dice);
    stage.links.push(Link::new(0, 1, dice.span(0.001)));
    for _ in 0..20 {
        if stage.components.len() > most {
            break;
        }
        grow(&mut stage, &mut dice);
    }
    for _ in 0..dice.below(6) {
        let (from, to) = (dice.below(stage.components.len()), dice.below(stage.components.len()));
        connect(&mut stage, from, to, &mut dice);
    }
    for _ in 0..dice.below(5) {
        let (on, kind) = (target(&stage, &mut dice), fault_kind(&mut dice));
        let lasts = dice.chance(0.8).then(|| dice.span(3.0));
        stage.faults.push(Fault { at: dice.span(3.0), lasts, on, kind });
        if !stage.check().is_empty() {
            stage.faults.pop();
        }
    }
    stage
}

/// One component of every kind, each with what it needs to work, and a fault of every kind on the way.
pub fn everything(number: u64) -> Stage {
    let mut dice = Dice::new(number);
    let mut stage = empty(&mut dice);
    stage.workload.rate = Rate::per_second(40.0);
    stage.workload.closed = None;
    for kind in Kind::ALL {
        add_plain(&mut stage, *kind, &mut dice);
    }
    for from in 0..stage.components.len() {
        for to in 0..stage.components.len() {
            connect(&mut stage, from, to, &mut dice);
        }
    }
    for nth in 0..60 {
        let (on, kind) = (target(&stage, &mut dice), fault_kind(&mut dice));
        let at = Duration::from_secs_f64(2.0 + 3.0 * f64::from(nth));
        stage.faults.push(Fault { at, lasts: Some(dice.span(2.0)), on, kind });
        if !stage.check().is_empty() {
            stage.faults.pop();
        }
    }
    stage
}

/// Something that may befall the stage.
pub fn target(stage: &Stage, dice: &mut Dice) -> Target {
    match dice.below(6) {
        0 if !stage.machines.is_empty() => Target::Machine(dice.below(stage.machines.len())),
        1 | 2 if !stage.links.is_empty() => Target::Link(dice.below(stage.links.len())),
        3 if !stage.regions.is_empty() => Target::Region(dice.below(stage.regions.len())),
        _ => {
            let component = dice.below(stage.components.len());
            let copy = dice.below(stage.components[component].copies as usize) as u32;
            Target::Component(component, dice.chance(0.5).then_some(copy))
        }
    }
}

/// Any kind of fault.
pub fn fault_kind(dice: &mut Dice) -> FaultKind {
    let share = dice.uniform();
    match dice.below(13) {
        0 => FaultKind::Down,
        1 => FaultKind::Slow { speed: dice.near(0.3) },
        2 => FaultKind::MemoryLeak { per_s: Bytes(dice.near(1e8) as u64) },
        3 => FaultKind::Lossy { loss: share },
        4 => FaultKind::Cut,
        5 => FaultKind::DiskFill { per_s: Bytes(dice.near(2e9) as u64) },
        6 => FaultKind::ConnectionLeak { share },
        7 => FaultKind::ColdCache,
        8 => FaultKind::CorruptBackup,
        9 => FaultKind::Deploy { errors: share, speed: dice.near(0.7), canary: dice.span(1.0) },
        10 => FaultKind::Spike { factor: if dice.chance(0.2) { 0.0 } else { dice.near(2.0) } },
        11 => FaultKind::HotKey { share },
        _ => FaultKind::Stuck,
    }
}

/// Turns a few numbers of a stage, any of them, within their ranges.
pub fn turn(stage: &mut Stage, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        match dice.below(8) {
            0 => stage.workload.rate = Rate::per_second(dice.near(30.0)),
            1 if !stage.machines.is_empty() => {
                let index = dice.below(stage.machines.len());
                stage.machines[index].machine = machine(dice);
            }
            2 => {
                let index = dice.below(stage.components.len());
                if let Some(Placement::Own { machine: own, .. }) = &mut stage.components[index].machine {
                    *own = machine(dice);
                }
            }
            3 if !stage.links.is_empty() => {
                let index = dice.below(stage.links.len());
                stage.links[index].latency = dice.span(0.002);
            }
            _ => {
                let index = dice.below(stage.components.len());
                set(stage, index, 0.2, dice);
            }
        }
    }
}

fn empty(dice: &mut Dice) -> Stage {
    let regions = if dice.chance(0.3) { 1 + dice.below(3) } else { 0 };
    let region = |index: usize| {
        let away = |other: usize| if other == index { Duration::ZERO } else { Duration::from_ms(20) };
        Region { id: format!("region-{index}"), latency: (0..regions).map(away).collect() }
    };
    Stage {
        title: "At random".into(),
        workload: workload(dice),
        regions: (0..regions).map(region).collect(),
        machines: (0..dice.below(3))
            .map(|index| NamedMachine { id: format!("box-{index}"), size: None, machine: machine(dice) })
            .collect(),
        components: Vec::new(),
        links: Vec::new(),
        faults: Vec::new(),
        challenge: None,
    }
}

fn workload(dice: &mut Dice) -> Workload {
    let mut mix = [0.0; 4];
    mix.iter_mut().for_each(|share| *share = dice.uniform());
    if dice.chance(0.3) {
        mix[dice.below(4)] = 5.0;
    }
    let sum: f64 = mix.iter().sum();
    let closed = dice.chance(0.2).then(|| Closed {
        users: 1 + dice.below(60) as u32,
        think: Demand { mean: dice.span(0.3), cv: dice.pick(&[0.0, 0.5, 1.0, 2.0]) },
    });
    let bursts = dice.chance(0.15).then(|| Bursts {
        factor: 1.0 + dice.near(3.0),
        lasts: dice.span(0.5),
        every: dice.span(2.0),
    });
    let day = dice.chance(0.1).then(|| Day { length: Duration::from_secs_f64(2.0 + dice.near(5.0)), quiet: 0.2 });
    Workload {
        rate: Rate::per_second(dice.near(30.0)),
        arrivals: if dice.chance(0.15) { Arrivals::Constant } else { Arrivals::Poisson },
        bursts,
        day,
        closed,
        mix: PerClass(mix.map(|share| share / sum)),
        popularity: Popularity { zipf: 2.0 * dice.uniform(), items: dice.anywhere(1.0, 1e6) as u64 },
        ..Workload::default()
    }
}

fn machine(dice: &mut Dice) -> Machine {
    let usual = Machine::default();
    Machine {
        vcpus: 1 + dice.below(4) as u32,
        quota: dice.chance(0.25).then(|| dice.near(0.5)),
        speed: if dice.chance(0.3) { dice.near(1.0) } else { 1.0 },
        memory: Bytes(dice.near(2e9) as u64),
        swap: Bytes(if dice.chance(0.5) { 0 } else { 1_000_000_000 }),
        disk_latency: dice.span(0.001),
        disk_channels: 1 + dice.below(3) as u32,
        disk: Bytes(dice.near(2e10) as u64),
        ..usual
    }
}

/// Adds a component with everything about it at random.
fn add(stage: &mut Stage, kind: Kind, dice: &mut Dice) {
    add_plain(stage, kind, dice);
    let index = stage.components.len() - 1;
    if kind != Kind::Clients && dice.chance(0.4) {
        stage.components[index].copies = 1 + dice.below(4) as u32;
    }
    set(stage, index, 0.5, dice);
    if let Settings::AppServer(app) = &mut stage.components[index].settings
        && dice.chance(0.5)
    {
        app.demand.0.iter_mut().for_each(|demand| demand.cv = dice.pick(&[0.0, 0.3, 1.0, 3.0]));
    }
}

fn add_plain(stage: &mut Stage, kind: Kind, dice: &mut Dice) {
    let index = stage.components.len();
    let placement = if !stage.machines.is_empty() && dice.chance(0.5) {
        Placement::Shared(dice.below(stage.machines.len()))
    } else {
        Placement::Own { size: None, machine: machine(dice) }
    };
    let region = (!stage.regions.is_empty() && dice.chance(0.7)).then(|| dice.below(stage.regions.len()));
    stage.components.push(Component {
        id: format!("{}-{index}", kind.key()),
        copies: 1,
        machine: kind.about().hosted.then_some(placement),
        region,
        at: [0.0; 2],
        settings: kind.default_settings(),
    });
}

/// Sets this share of a component's numbers.
fn set(stage: &mut Stage, index: usize, share: f64, dice: &mut Dice) {
    let id = stage.components[index].id.clone();
    for field in stage.components[index].settings.kind().fields() {
        let per_class = stage.components[index].settings.knob(field.name).is_some_and(|knob| knob.per_class());
        let classes: &[Option<Class>] = if per_class { &Class::ALL.map(Some) } else { &[None] };
        for class in classes {
            if !dice.chance(share) {
                continue;
            }
            let part = class.map_or(String::new(), |class| format!(".{}", class.name()));
            let path = format!("{id}.{}{part}", field.name);
            if let Some(reading) = stage.knob(&path) {
                let value = value(reading.value, reading.unit, (reading.min, reading.max), dice);
                stage.set_knob(&path, value);
            }
        }
    }
}

fn value(present: f64, unit: Unit, (min, max): (f64, f64), dice: &mut Dice) -> f64 {
    match unit {
        Unit::Switch => f64::from(u8::from(dice.chance(0.5))),
        Unit::Choice => dice.below(max as usize + 1) as f64,
        _ if dice.chance(0.05) => dice.anywhere(min, max),
        // Runs last seconds: what happens once a day is to happen once a second, now and then.
        Unit::Seconds if dice.chance(0.5) => dice.near(if max <= 10.0 { 0.002 } else { 0.5 }),
        _ if present > 0.0 => dice.near(present),
        Unit::Bytes => dice.near(1e5),
        Unit::Count | Unit::PerSecond => dice.near(3.0),
        _ => dice.near(max.min(1.0) * 0.2),
    }
}

/// Adds a component of some kind that another may call, or that acts on its own.
fn grow(stage: &mut Stage, dice: &mut Dice) {
    let new = stage.components.len();
    let kind = dice.pick(Kind::ALL);
    let calls = |from: usize, stage: &Stage| stage.components[from].settings.kind().about().calls.contains(&kind);
    let callers: Vec<usize> = (0..new).filter(|from| calls(*from, stage)).collect();
    if callers.is_empty() && !kind.about().origin {
        return;
    }
    let before = stage.links.len();
    add(stage, kind, dice);
    if !callers.is_empty() {
        let caller = dice.pick(&callers);
        connect(stage, caller, new, dice);
    }
    for other in 0..new {
        if dice.chance(0.5) {
            connect(stage, new, other, dice);
        }
        if dice.chance(0.3) {
            connect(stage, other, new, dice);
        }
    }
    if !stage.check().is_empty() {
        stage.links.truncate(before);
        stage.components.pop();
    }
}

/// Links two components if one may call the other and no rule is broken that was kept before.
fn connect(stage: &mut Stage, from: usize, to: usize, dice: &mut Dice) {
    let kind = |index: usize| stage.components[index].settings.kind();
    if !kind(from).about().calls.contains(&kind(to)) {
        return;
    }
    let before = stage.check().len();
    let latency = if dice.chance(0.3) { Duration::ZERO } else { dice.span(0.001) };
    let bandwidth = dice.chance(0.15).then(|| Bandwidth::bytes_per_second(dice.near(1e6)));
    let some = PerClass(std::array::from_fn(|_| dice.chance(0.7)));
    let classes = if some.0.contains(&true) && dice.chance(0.1) { some } else { PerClass::all(true) };
    stage.links.push(Link { from, to, latency, bandwidth, classes });
    if stage.check().len() > before {
        stage.links.pop();
    }
}
