//! One figure's run: the simulation, paced by the wall clock.

use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::simulate::{Deed, Glances, NodeInfo, Recording, Simulation, Window};
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Nanos};
use hockeystick_protocol::{Answer, Plan, sentences};

/// Events between two looks at the clock; short enough to keep the budget, long enough for the optimiser.
const CHUNK_EVENTS: u64 = 10_000;
/// Wall time that a run may take before others get their turn.
const BUDGET_MS: f64 = 8.0;
/// Wall time between two frames.
const FRAME_MS: f64 = 33.0;
/// Wall time that a window of counts covers.
const WINDOW_MS: f64 = 250.0;
/// A run that is later than this gives up catching up: it is as fast as it can be.
const LATE_MS: f64 = 200.0;
/// Wall time over which the pace is measured that a run keeps when it is as fast as it can be.
const PACE_MS: f64 = 1_000.0;
/// Requests that are watched on the way to another instant, for the charts: nobody sees dots then.
const SEEK_WATCHED: f64 = 2_400.0;
/// Wall time before that instant in which they are seen.
const SEEK_LEAD_S: f64 = 8.0;
/// Wall time of a turn on that way.
const SEEK_BUDGET_MS: f64 = 40.0;
/// Least simulated time of a part.
const SEEK_LEAST_NS: Nanos = 20_000_000;
/// Parts of the way to another instant, each shown once.
const FRAMES_ON_THE_WAY: u64 = 120;
/// What was counted before a window counts so much as what was counted in it: the cards show the last two seconds or so.
const KEPT: f64 = 0.88;
/// Dots that a reader can follow setting out in a second of wall time.
const DOTS_PER_S: f64 = 70.0;
/// How far a step looks for something to happen.
const STEP_HORIZON: Duration = Duration::from_s(120);

/// The run of one figure.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) figure: u32,
    recording: Recording,
    run: u32,
    pace: Option<Pace>,
    /// On its way to another instant.
    seek: Option<Seek>,
    one_in: u32,
    frame_ms: f64,
    window_ms: f64,
    glances: Glances,
    figures: Vec<f32>,
}

/// Where simulated time should be: at `from_ns` when the wall clock stood at `from_ms`.
#[derive(Clone, Copy, Debug)]
struct Pace {
    speed: f64,
    from_ms: f64,
    from_ns: Nanos,
    /// Where the pace that it keeps is measured from.
    since: (f64, Nanos),
    /// Whether it was too late since then.
    late: bool,
    /// What it keeps, where that is less than `speed`; else 0.
    kept: f64,
}

/// The way to another instant.
#[derive(Clone, Copy, Debug)]
struct Seek {
    to: Nanos,
    /// From here on dots are seen.
    seen_from: Nanos,
    /// Where the next part of the way ends, and how long each is.
    next: Nanos,
    every: Nanos,
}

impl Session {
    pub(super) fn open(figure: u32, run: u32, stage: &Stage, seed: u64) -> Result<Self, String> {
        let mut recording = Recording::new(stage, seed).map_err(|problems| sentences(&problems))?;
        recording.simulation_mut().watch(1);
        let glances = Glances::default();
        let (frame_ms, window_ms, figures) = (0.0, 0.0, Vec::new());
        Ok(Self { figure, recording, run, pace: None, seek: None, one_in: 1, frame_ms, window_ms, glances, figures })
    }

    fn simulation(&self) -> &Simulation {
        self.recording.simulation()
    }

    /// The run's nodes, machines and edges.
    pub(super) fn plan(&self) -> Plan {
        let node = |info: &NodeInfo| (info.component as u32, info.host.map(|host| host as u32));
        let simulation = self.simulation();
        let (nodes, hosts, edges) = (simulation.nodes(), simulation.hosts(), simulation.edges());
        Plan {
            nodes: nodes.map(node).collect(),
            hosts: hosts.iter().map(|host| (host.name.clone(), host.machine.map(|machine| machine as u32))).collect(),
            edges: edges.iter().map(|edge| (edge.link, edge.from, edge.to)).collect(),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.pace.is_some() || self.seek.is_some()
    }

    pub(super) fn play(&mut self, speed: f64, now_ms: f64) {
        let now = self.simulation().now();
        let kept = self.pace.filter(|pace| pace.speed == speed).map_or(0.0, |pace| pace.kept);
        let since = (now_ms, now);
        self.pace = Some(Pace { speed, from_ms: now_ms, from_ns: now, since, late: false, kept });
        self.watch();
    }

    pub(super) fn pause(&mut self) {
        self.pace = None;
    }

    pub(super) fn update(&mut self, stage: Stage) -> Result<(), String> {
        let problems = stage.check();
        if problems.is_empty() && self.recording.act(Deed::Update(Box::new(stage))) {
            self.watch();
            return Ok(());
        }
        Err(if problems.is_empty() {
            "This is another board now: reset to run it.".to_owned()
        } else {
            sentences(&problems)
        })
    }

    pub(super) fn inject(&mut self, on: Target, kind: FaultKind, lasts_s: f64) {
        let lasts = (lasts_s > 0.0).then(|| Duration::from_secs_f64(lasts_s));
        self.recording.act(Deed::Break { on, kind, lasts });
    }

    pub(super) fn mend(&mut self) {
        self.recording.act(Deed::Mend);
    }

    /// Sets out for another instant.
    pub(super) fn seek(&mut self, run: u32, to: Nanos, speed: f64) {
        self.run = run;
        if to < self.simulation().now() && self.recording.rewind().is_err() {
            return;
        }
        self.glances = Glances::default();
        // Who has stepped watched every request, and who has never played too: too many for a stretch of time.
        self.one_in = self.one_in_at(speed);
        let lead = Duration::from_secs_f64(SEEK_LEAD_S * speed).ns();
        let simulation = self.recording.simulation_mut();
        // Whatever is on its way would be seen from the middle of its way.
        simulation.take_moves(&mut Vec::new());
        simulation.take_window();
        let (now, seen_from) = (simulation.now(), to.saturating_sub(lead));
        let requests = simulation.stage().workload.rate.per_s() * Duration::from_ns(to - now).as_secs_f64();
        let one_in = if seen_from > now { (requests / SEEK_WATCHED).ceil() as u64 } else { 0 };
        simulation.watch(one_in.max(self.one_in.into()));
        let every = ((to - now) / FRAMES_ON_THE_WAY).max(SEEK_LEAST_NS);
        self.seek = Some(Seek { to, seen_from, next: now.saturating_add(every).min(to), every });
    }

    /// Goes on to the next move; the frame that shows it.
    pub(super) fn step(&mut self) -> Frame {
        self.pause();
        // Paused and stepped through, every request can be followed.
        self.one_in = 1;
        self.recording.simulation_mut().watch(1);
        self.recording.step(STEP_HORIZON.ns());
        self.present()
    }

    /// Runs for a turn. The answer when it has come to the instant that was sought; what is shown on the way is sent.
    pub(super) fn turn(&mut self, clock_ms: impl Fn() -> f64, send: impl FnMut(&Frame)) -> Option<Answer> {
        if self.seek.is_some() {
            return self.go_on(clock_ms, send);
        }
        let begin_ms = clock_ms();
        let pace = self.pace?;
        let target = pace.from_ns + ((begin_ms - pace.from_ms) * 1e6 * pace.speed).max(0.0) as Nanos;
        while !self.recording.run_chunk(target, CHUNK_EVENTS) {
            if clock_ms() - begin_ms > BUDGET_MS {
                break;
            }
        }
        self.keep_pace(pace, target, begin_ms);
        None
    }

    /// What cannot be caught up with is given up, and told.
    fn keep_pace(&mut self, mut pace: Pace, target: Nanos, now_ms: f64) {
        let now = self.simulation().now();
        let late_ms = (target.saturating_sub(now)) as f64 / 1e6 / pace.speed;
        if late_ms > LATE_MS {
            (pace.from_ms, pace.from_ns, pace.late) = (now_ms, now, true);
        }
        let passed_ms = now_ms - pace.since.0;
        if passed_ms >= PACE_MS {
            let kept = (now - pace.since.1) as f64 / 1e6 / passed_ms;
            pace.kept = if pace.late { kept } else { 0.0 };
            (pace.since, pace.late) = ((now_ms, now), false);
        }
        self.pace = Some(pace);
    }

    /// Some way further to the instant that is sought; each part of the way is shown once, for the charts.
    fn go_on(&mut self, clock_ms: impl Fn() -> f64, mut send: impl FnMut(&Frame)) -> Option<Answer> {
        let begin_ms = clock_ms();
        while let Some(seek) = &mut self.seek {
            if clock_ms() - begin_ms > SEEK_BUDGET_MS {
                return None;
            }
            if !self.recording.run_chunk(seek.next, CHUNK_EVENTS) {
                continue;
            }
            if seek.next >= seek.seen_from {
                self.recording.simulation_mut().watch(self.one_in.into());
            }
            if seek.next == seek.to {
                self.seek = None;
            } else {
                seek.next = seek.next.saturating_add(seek.every).min(seek.to);
            }
            let window = self.recording.simulation_mut().take_window();
            self.look_at_cards();
            send(&self.frame(window));
        }
        if let Some(pace) = self.pace {
            self.play(pace.speed, clock_ms());
        }
        let stage = Box::new(self.simulation().stage().clone());
        Some(Answer::Sought { figure: self.figure, run: self.run, stage })
    }

    /// The next frame, when it is due.
    pub(super) fn due_frame(&mut self, now_ms: f64) -> Option<Frame> {
        if self.seek.is_some() || now_ms - self.frame_ms < FRAME_MS {
            return None;
        }
        self.frame_ms = now_ms;
        if now_ms - self.window_ms < WINDOW_MS {
            return Some(self.frame(Window::default()));
        }
        self.window_ms = now_ms;
        let window = self.recording.simulation_mut().take_window();
        self.look_at_cards();
        Some(self.frame(window))
    }

    /// The present, without a window.
    pub(super) fn present(&mut self) -> Frame {
        self.look_at_cards();
        self.frame(Window::default())
    }

    fn look_at_cards(&mut self) {
        self.figures = self.glances.read(self.recording.simulation(), KEPT);
    }

    fn frame(&mut self, window: Window) -> Frame {
        let mut frame = Frame::of(self.recording.simulation_mut(), self.run, self.one_in, window);
        frame.figures = std::mem::take(&mut self.figures);
        frame.pace = self.pace.map_or(0.0, |pace| pace.kept as f32);
        frame
    }

    /// How many requests one dot stands for at a speed: so many that the eye can follow, and that change as seldom as can be.
    fn one_in_at(&self, speed: f64) -> u32 {
        let per_s = self.simulation().stage().workload.rate.per_s() * speed;
        let wanted = (per_s / DOTS_PER_S).max(1.0);
        let steps = |decade: u32| [1, 2, 5].map(|digit| digit * 10_u32.pow(decade));
        (0..8).flat_map(steps).find(|n| f64::from(*n) >= wanted).unwrap_or(50_000_000)
    }

    /// Lets one dot stand for as many requests as the pace asks for.
    fn watch(&mut self) {
        let Some(pace) = self.pace else { return };
        let one_in = self.one_in_at(pace.speed);
        if one_in != self.one_in {
            self.one_in = one_in;
            if self.seek.is_none() {
                self.recording.simulation_mut().watch(one_in.into());
            }
        }
    }
}
