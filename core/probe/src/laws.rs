//! Laws that a run keeps whatever its stage is and whatever befalls it, tried on [random](crate::random) stages.

use hockeystick_core::component::{Kind, NodeGauge, Settings};
use hockeystick_core::engine::host::SYSTEM_MEMORY;
use hockeystick_core::pack;
use hockeystick_core::simulate::Simulation;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::{Placement, Stage};
use hockeystick_core::theory;
use hockeystick_core::units::{Duration, Rate, SECOND_NS};

use crate::random::{self, Dice};

/// Most events of a trial before its load stops: some random stages are as busy as they can be.
const EVENTS_MOST: u64 = 60_000;
/// Most events after it: who has not come to rest by then is not asked whether they have.
const REST_EVENTS_MOST: u64 = 400_000;

/// What a trial was like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    /// Events of its runs.
    pub events: u64,
    /// Requests.
    pub arrived: u64,
    /// Whether the run was seen to come to rest.
    pub rested: bool,
}

/// Runs the random stage of this number, meddles with it, mends it and lets it come to rest.
///
/// # Errors
/// The law that was broken.
pub fn trial(number: u64) -> Result<Trial, String> {
    let stage = random::stage(number);
    match number % 4 {
        0 => same_however_it_is_cut(&stage, number),
        1 => same_users(&stage, number),
        _ => meddled_with(&stage, number),
    }
}

/// The same stage and seed, in one piece and in many, with and without somebody who looks.
fn same_however_it_is_cut(stage: &Stage, number: u64) -> Result<Trial, String> {
    let again: Stage = pack::from_bytes(&pack::to_bytes(stage)).ok_or("its packed form cannot be read")?;
    if again != *stage {
        return Err("its packed form is another stage".into());
    }
    let _ = theory::solve(stage);
    let mut whole = run(stage, number)?;
    let done = whole.run_chunk(8 * SECOND_NS, EVENTS_MOST);
    let (until, events) = (8 * SECOND_NS, whole.events());
    let mut cut = run(&again, number)?;
    cut.watch(3);
    let mut dice = Dice::new(number);
    while done || cut.events() < events {
        let most = 1 + dice.below(50) as u64;
        let most = if done { most } else { most.min(events - cut.events()) };
        if cut.run_chunk(until, most) {
            break;
        }
        conserved(&cut)?;
        if dice.chance(0.01) {
            let window = cut.take_window();
            let frame = Frame::of(&mut cut, 1, 3, window);
            if Frame::decode(&frame.encode()).as_ref() != Some(&frame) && !format!("{frame:?}").contains("NaN") {
                return Err(format!("a frame is not what was written of it: {frame:?}"));
            }
        }
    }
    if (cut.digest(), cut.counts(), cut.events()) != (whole.digest(), whole.counts(), whole.events()) {
        return Err(format!("cut up it goes another way: {:?} {:?}", whole.counts(), cut.counts()));
    }
    Ok(Trial { events: 2 * events, arrived: whole.counts().arrived, rested: false })
}

/// Users do not ask otherwise because somebody else is set otherwise.
fn same_users(stage: &Stage, number: u64) -> Result<Trial, String> {
    let mut dice = Dice::new(number ^ 0xa5a5);
    let mut plain = stage.clone();
    plain.faults.retain(|fault| matches!(fault.kind, hockeystick_core::stage::FaultKind::Spike { .. }));
    plain.workload.closed = None;
    let mut other = plain.clone();
    for _ in 0..6 {
        random::turn(&mut other, &mut dice);
    }
    // The users themselves stay as they are.
    other.workload = plain.workload.clone();
    for (theirs, ours) in other.components.iter_mut().zip(&plain.components) {
        if matches!(ours.settings.kind(), Kind::Clients | Kind::Batch) {
            theirs.settings = ours.settings;
        }
    }
    if plain.components.iter().any(|component| component.settings.kind() == Kind::Batch) {
        return Ok(Trial::default());
    }
    let (mut a, mut b) = (run(&plain, number)?, run(&other, number)?);
    for step in 1..=40 {
        let until = step * SECOND_NS / 8;
        if !a.run_chunk(until, EVENTS_MOST / 10) || !b.run_chunk(until, EVENTS_MOST / 10) {
            break;
        }
        if a.counts().arrived != b.counts().arrived {
            let (ours, theirs) = (a.counts().arrived, b.counts().arrived);
            return Err(format!("at {until} ns {ours} requests, and {theirs} with other settings"));
        }
    }
    Ok(Trial { events: a.events() + b.events(), arrived: a.counts().arrived, rested: false })
}

fn meddled_with(stage: &Stage, number: u64) -> Result<Trial, String> {
    let mut dice = Dice::new(number ^ 0x5a5a);
    let mut stage = stage.clone();
    let mut sim = run(&stage, number)?;
    sim.watch(if dice.chance(0.1) { 1 } else { 0 });
    let mut moves = Vec::new();
    for _ in 0..2 + dice.below(12) {
        let until = sim.now() + (dice.near(0.4) * 1e9) as u64;
        while sim.events() < EVENTS_MOST {
            let (before, most) = (sim.now(), 1 + dice.below(400) as u64);
            let done = sim.run_chunk(until, most);
            if sim.now() < before || sim.now() > until {
                return Err(format!("the clock went from {before} to {} with {until} ahead", sim.now()));
            }
            conserved(&sim)?;
            if done {
                break;
            }
        }
        sim.take_moves(&mut moves);
        moves.clear();
        match dice.below(10) {
            0..4 => {
                let lasts = dice.chance(0.7).then(|| Duration::from_secs_f64(dice.near(0.7)));
                let (on, kind) = (random::target(&stage, &mut dice), random::fault_kind(&mut dice));
                sim.inject(on, kind, lasts);
            }
            4..8 => {
                random::turn(&mut stage, &mut dice);
                if !sim.update(&stage) {
                    return Err(format!("an update was not taken over: {:?}", stage.check()));
                }
            }
            8 => sim.mend(),
            _ => {}
        }
        conserved(&sim)?;
    }
    let busy = sim.events();
    let rested = rest(&mut sim, &mut stage)?;
    Ok(Trial { events: busy.max(sim.events()), arrived: sim.counts().arrived, rested })
}

fn run(stage: &Stage, seed: u64) -> Result<Simulation, String> {
    Simulation::new(stage, seed).map_err(|problems| format!("the random stage breaks rules: {problems:?}"))
}

/// `arrived = completed + failed + in flight`, and nothing has become less than nothing or not-a-number.
fn conserved(sim: &Simulation) -> Result<(), String> {
    let counts = sim.counts();
    let over = counts.completed + counts.failed_in_all();
    if over > counts.arrived || counts.in_flight() > sim.open_calls() as u64 {
        return Err(format!("at {} ns {} calls are open: {counts:?}", sim.now(), sim.open_calls()));
    }
    for (host, info) in sim.hosts().iter().enumerate() {
        let (used, held) = (sim.used_bytes(host), sim.held_bytes(host) + SYSTEM_MEMORY.0 as f64);
        // Sums of the same numbers in another order.
        if used.is_nan() || (used - held).abs() > 1.0 + 1e-6 * used.abs() {
            return Err(format!("{} has {used} bytes in use, and {held} are owned up to", info.name));
        }
    }
    Ok(())
}

/// Nobody asks any more, and everything is mended.
fn rest(sim: &mut Simulation, stage: &mut Stage) -> Result<bool, String> {
    stage.workload.rate = Rate::default();
    stage.workload.closed = None;
    for component in &mut stage.components {
        calm(&mut component.settings);
        if let Some(Placement::Own { machine, .. }) = &mut component.machine {
            machine.speed = machine.speed.max(0.5);
            machine.quota = None;
        }
    }
    for named in &mut stage.machines {
        named.machine.speed = named.machine.speed.max(0.5);
        named.machine.quota = None;
    }
    if !sim.update(stage) {
        return Err(format!("the calm stage was not taken over: {:?}", stage.check()));
    }
    // Faults of the stage may be yet to come.
    let from = sim.now();
    let mut limit = sim.events() + REST_EVENTS_MOST;
    for step in 1..=40_u64 {
        sim.mend();
        let until = from + step * 3_000 * SECOND_NS;
        let left = limit.saturating_sub(sim.events());
        if left == 0 || !sim.run_chunk(until, left) {
            return Ok(false);
        }
        conserved(sim)?;
        if sim.active_faults().next().is_some() {
            limit = limit.saturating_add(1_000);
        }
    }
    at_rest(sim, stage)
}

/// What acts on its own is to leave off.
fn calm(settings: &mut Settings) {
    let long = Duration::from_s(31_536_000);
    match settings {
        Settings::Batch(batch) => (batch.every, batch.size) = (long, 1),
        Settings::Backup(backup) => backup.interval = Duration::ZERO,
        Settings::Monitor(monitor) => monitor.scrape = Duration::from_s(3_600),
        Settings::Autoscaler(autoscaler) => autoscaler.interval = Duration::from_s(3_600),
        Settings::LoadBalancer(balancer) => balancer.check_interval = Duration::from_s(3_600),
        Settings::Dns(dns) => dns.check_interval = Duration::from_s(3_600),
        Settings::AppServer(app) => {
            app.crash_every = Duration::ZERO;
            app.repair = app.repair.min(Duration::from_s(100));
        }
        Settings::Database(database) => database.archive_every = Duration::ZERO,
        _ => {}
    }
}

fn at_rest(sim: &mut Simulation, stage: &Stage) -> Result<bool, String> {
    let hosts: Vec<_> = (0..sim.hosts().len()).map(|host| sim.host_gauge(host)).collect();
    if let Some(wrong) = hosts.iter().find(|gauge| gauge.memory_used < -1.0 || gauge.memory_used.is_nan()) {
        return Err(format!("less memory is in use than none: {wrong:?}"));
    }
    // A day's work may have been asked of a machine that is slow, or a day's patience; it is at least not lost.
    if sim.works() {
        return Ok(false);
    }
    let in_flight = sim.counts().in_flight();
    if in_flight != 0 {
        return Err(format!("{in_flight} requests are in flight for ever"));
    }
    for (node, info) in sim.nodes().enumerate() {
        let gauge: NodeGauge = sim.node_gauge(node);
        // Messages, changes and records may wait for somebody who is gone.
        let keeps = [Kind::Queue, Kind::Journal, Kind::LogPipeline, Kind::Batch, Kind::Backup];
        let kind = stage.components[info.component].settings.kind();
        if !keeps.contains(&kind) && (gauge.waiting, gauge.in_service) != (0, 0) {
            return Err(format!("{} at rest: {gauge:?}, {} open calls", info.name, sim.open_calls()));
        }
    }
    Ok(true)
}
