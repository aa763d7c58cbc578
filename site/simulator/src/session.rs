//! One figure's run: the simulation, paced by the wall clock.

use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::simulate::{NodeInfo, Simulation, Window};
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::units::{Duration, Nanos};
use hockeystick_protocol::{Plan, sentences};

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
/// Dots that a reader can follow setting out in a second of wall time.
const DOTS_PER_S: f64 = 70.0;
/// How far a step looks for something to happen.
const STEP_HORIZON: Duration = Duration::from_s(120);

/// The run of one figure.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) figure: u32,
    pub(super) simulation: Simulation,
    run: u32,
    pace: Option<Pace>,
    one_in: u32,
    frame_ms: f64,
    window_ms: f64,
}

/// Where simulated time should be: at `from_ns` when the wall clock stood at `from_ms`.
#[derive(Clone, Copy, Debug)]
struct Pace {
    speed: f64,
    from_ms: f64,
    from_ns: Nanos,
}

impl Session {
    pub(super) fn open(figure: u32, run: u32, stage: &Stage, seed: u64) -> Result<Self, String> {
        let mut simulation = Simulation::new(stage, seed).map_err(|problems| sentences(&problems))?;
        simulation.watch(1);
        Ok(Self { figure, simulation, run, pace: None, one_in: 1, frame_ms: 0.0, window_ms: 0.0 })
    }

    /// The run's nodes, machines and edges.
    pub(super) fn plan(&self) -> Plan {
        let node = |info: &NodeInfo| (info.component as u32, info.host.map(|host| host as u32));
        let (nodes, hosts, edges) = (self.simulation.nodes(), self.simulation.hosts(), self.simulation.edges());
        Plan {
            nodes: nodes.map(node).collect(),
            hosts: hosts.iter().map(|host| (host.name.clone(), host.machine.map(|machine| machine as u32))).collect(),
            edges: edges.iter().map(|edge| (edge.link, edge.from, edge.to)).collect(),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.pace.is_some()
    }

    pub(super) fn play(&mut self, speed: f64, now_ms: f64) {
        self.pace = Some(Pace { speed, from_ms: now_ms, from_ns: self.simulation.now() });
        self.watch();
    }

    pub(super) fn pause(&mut self) {
        self.pace = None;
    }

    pub(super) fn update(&mut self, stage: &Stage) -> Result<(), String> {
        if self.simulation.update(stage) {
            self.watch();
            return Ok(());
        }
        let problems = stage.check();
        Err(if problems.is_empty() {
            "This is another board now: reset to run it.".to_owned()
        } else {
            sentences(&problems)
        })
    }

    pub(super) fn inject(&mut self, on: Target, kind: FaultKind, lasts_s: f64) {
        let lasts = (lasts_s > 0.0).then(|| Duration::from_secs_f64(lasts_s));
        self.simulation.inject(on, kind, lasts);
    }

    /// Goes on to the next move; the frame that shows it.
    pub(super) fn step(&mut self) -> Frame {
        self.pause();
        // Paused and stepped through, every request can be followed.
        self.one_in = 1;
        self.simulation.watch(1);
        self.simulation.step(STEP_HORIZON.ns());
        self.frame(Window::default())
    }

    /// Runs for a turn.
    pub(super) fn turn(&mut self, clock_ms: impl Fn() -> f64) {
        let Some(pace) = self.pace else { return };
        let begin_ms = clock_ms();
        let target = pace.from_ns + ((begin_ms - pace.from_ms) * 1e6 * pace.speed).max(0.0) as Nanos;
        while !self.simulation.run_chunk(target, CHUNK_EVENTS) {
            if clock_ms() - begin_ms > BUDGET_MS {
                break;
            }
        }
        let late_ms = (target.saturating_sub(self.simulation.now())) as f64 / 1e6 / pace.speed;
        if late_ms > LATE_MS {
            self.pace = Some(Pace { from_ms: begin_ms, from_ns: self.simulation.now(), ..pace });
        }
    }

    /// The next frame, when it is due.
    pub(super) fn due_frame(&mut self, now_ms: f64) -> Option<Frame> {
        if now_ms - self.frame_ms < FRAME_MS {
            return None;
        }
        self.frame_ms = now_ms;
        let window = if now_ms - self.window_ms >= WINDOW_MS {
            self.window_ms = now_ms;
            self.simulation.take_window()
        } else {
            Window::default()
        };
        Some(self.frame(window))
    }

    /// The present, without a window.
    pub(super) fn present(&mut self) -> Frame {
        self.frame(Window::default())
    }

    fn frame(&mut self, window: Window) -> Frame {
        Frame::of(&mut self.simulation, self.run, self.one_in, window)
    }

    /// Lets one dot stand for so many requests that the eye can follow; changes as seldom as it can.
    fn watch(&mut self) {
        let Some(pace) = self.pace else { return };
        let per_s = self.simulation.stage().workload.rate.per_s() * pace.speed;
        let wanted = (per_s / DOTS_PER_S).max(1.0);
        let steps = |decade: u32| [1, 2, 5].map(|digit| digit * 10_u32.pow(decade));
        let one_in = (0..8).flat_map(steps).find(|n| f64::from(*n) >= wanted).unwrap_or(50_000_000);
        if one_in != self.one_in {
            self.one_in = one_in;
            self.simulation.watch(one_in.into());
        }
    }
}
