//! A figure at work: between the worker's messages, the reader's wishes and what is drawn.

mod board;
mod heard;
mod wishes;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use hockeystick_core::figure::title;
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Nanos;
use hockeystick_protocol::{Order, Plan};
use web_sys::{HtmlCanvasElement, HtmlElement};

use super::canvas::{Painter, Scene};
use super::clock::Clock;
use super::follow::Story;
use super::handle::FigureHandle;
use super::layout::{Point, depths};
use super::link::{Link, Listener};
use super::meter::Meter;
use super::replay::{HOP_S, Replay, Topology};
use super::view::View;
use crate::dom::calm;
use crate::frames::FrameLoop;

/// Wall time by which the worker may be ahead of what was heard of it.
const AHEAD_S: f64 = 0.5;
/// Wall time between two updates of the bars and numbers on the board.
const BARS_S: f64 = 0.125;
/// Wall time between two updates of the figures under it, and of the colours.
const STRIP_S: f64 = 0.5;

/// A figure at work.
pub(crate) struct Running {
    pub(crate) handle: FigureHandle,
    pub(crate) view: View,
    link: Link,
    run: Cell<u32>,
    /// The worker has a run of ours, or will have.
    open: Cell<bool>,
    /// The reader can see the figure.
    seen: Cell<bool>,
    clock: RefCell<Clock>,
    replay: RefCell<Replay>,
    meter: RefCell<Meter>,
    painter: RefCell<Option<Painter>>,
    board: RefCell<Option<HtmlElement>>,
    frames: FrameLoop,
    heard_ns: Cell<u64>,
    plan: RefCell<Plan>,
    /// Where the reader wants the run to be, while it is on its way there.
    sought_ns: Cell<Option<Nanos>>,
    step_awaited: Cell<bool>,
    /// A knob was turned while the run was on its way to another instant.
    turned: Cell<bool>,
    bars_s: Cell<f64>,
    strip_s: Cell<f64>,
    /// Builds the board's elements anew.
    build: RefCell<Option<Box<dyn Fn()>>>,
    /// The stage whose board is built.
    built: RefCell<Stage>,
    calm: Cell<bool>,
}

impl Running {
    pub(crate) fn new(handle: FigureHandle, view: View) -> Rc<Self> {
        Rc::new_cyclic(|this: &Weak<Self>| {
            let listener: Weak<dyn Listener> = this.clone();
            let draw = this.clone();
            Self {
                link: Link::new(listener),
                run: Cell::new(0),
                open: Cell::new(false),
                seen: Cell::new(false),
                clock: RefCell::new(Clock::new(handle.speed())),
                replay: RefCell::default(),
                meter: RefCell::default(),
                painter: RefCell::new(None),
                board: RefCell::new(None),
                frames: FrameLoop::new(move |_, passed_s| draw.upgrade().is_some_and(|this| this.draw(passed_s))),
                heard_ns: Cell::new(0),
                plan: RefCell::default(),
                sought_ns: Cell::new(None),
                step_awaited: Cell::new(false),
                turned: Cell::new(false),
                bars_s: Cell::new(0.0),
                strip_s: Cell::new(0.0),
                build: RefCell::new(None),
                built: RefCell::default(),
                calm: Cell::new(false),
                handle,
                view,
            }
        })
    }

    fn figure(&self) -> u32 {
        self.link.figure()
    }

    /// Draws on this canvas from now on.
    pub(crate) fn draw_on(&self, canvas: HtmlCanvasElement) {
        self.painter.replace(Painter::new(canvas));
    }

    /// Draws again, whatever moves.
    pub(crate) fn redraw(&self) {
        self.frames.ask();
    }

    /// Says what is missing before the stage can run. True when nothing is.
    fn is_complete(&self) -> bool {
        let missing = self.handle.with_stage(|stage| {
            if !stage.has_users() {
                return Some("Nobody asks for anything yet: add users.".to_owned());
            }
            let names =
                stage.unconnected().into_iter().map(|index| title(&stage.components[index].id)).collect::<Vec<_>>();
            let names = (!names.is_empty()).then(|| names.join(", "))?;
            Some(format!("Not connected yet: {names}. It runs as soon as everything is."))
        });
        let complete = missing.is_none();
        self.view.missing.put(missing);
        complete
    }

    /// The element is gone.
    pub(crate) fn end(&self) {
        self.seen.set(false);
        self.frames.stop();
        self.painter.replace(None);
        self.board.replace(None);
        self.build.replace(None);
    }

    /// The figure came into view, or left it.
    pub(crate) fn set_seen(&self, seen: bool) {
        if self.seen.replace(seen) == seen {
            // The page may have other colours.
            return self.look_again();
        }
        if seen && !self.open.get() {
            self.open_run();
        } else {
            self.send_pace();
        }
        if seen {
            self.frames.ask();
        } else {
            self.frames.stop();
        }
    }

    /// Says at once what the figures are, and draws.
    fn look_again(&self) {
        self.bars_s.set(0.0);
        self.strip_s.set(0.0);
        self.frames.ask();
    }

    fn open_run(&self) {
        // Frames of the run before are not this one's.
        self.run.set(self.run.get().wrapping_add(1));
        self.clock.replace(Clock::new(self.handle.speed()));
        self.replay.replace(Replay::default());
        self.meter.replace(Meter::default());
        self.heard_ns.set(0);
        self.sought_ns.set(None);
        self.view.seeking.put(None);
        self.view.story.put(None);
        self.view.kept.put(0.0);
        self.view.failure.set(None);
        self.view.refusal.set(None);
        if !self.is_complete() {
            if self.open.replace(false) {
                self.link.send(Order::Close { figure: self.figure() });
            }
            self.frames.ask();
            return;
        }
        self.open.set(true);
        let order = Order::Open {
            figure: self.figure(),
            run: self.run.get(),
            stage: self.handle.stage(),
            seed: self.handle.seed(),
        };
        if !self.link.send(order) {
            self.failed("this browser starts no worker for it");
        }
        self.send_pace();
    }

    /// Tells the worker whether to run: only while the reader looks.
    fn send_pace(&self) {
        if !self.open.get() {
            return;
        }
        let figure = self.figure();
        let running = self.seen.get() && self.handle.is_running() && self.view.failure.get_untracked().is_none();
        self.clock.borrow_mut().set_running(running, self.heard_ns.get());
        let order = if running { Order::Play { figure, speed: self.handle.speed() } } else { Order::Pause { figure } };
        self.link.send(order);
        self.frames.ask();
    }

    /// Whether there is a run that is not on its way to another instant: what is done to it then would be done to its past.
    fn stands(&self) -> bool {
        self.open.get() && self.sought_ns.get().is_none()
    }

    /// Whether something can be done to a run; there may be none yet.
    fn is_there(&self) -> bool {
        if self.view.failure.get_untracked().is_some() {
            return false;
        }
        if !self.open.get() {
            self.open_run();
        }
        self.stands()
    }

    /// Simulated time of the run, in seconds, as far as it is known here.
    pub(crate) fn run_s(&self) -> f64 {
        self.heard_ns.get() as f64 / 1e9
    }

    /// Goes to another instant of the run, back or ahead.
    pub(crate) fn seek(&self, to_s: f64) {
        if !self.open.get() || self.view.failure.get_untracked().is_some() {
            return;
        }
        let to = (to_s.max(0.0) * 1e9) as Nanos;
        self.run.set(self.run.get().wrapping_add(1));
        self.sought_ns.set(Some(to));
        self.turned.set(false);
        self.view.seeking.put(Some(0.0));
        self.view.story.put(None);
        // It stands until the run is there.
        self.clock.replace(Clock::at(self.handle.speed(), to));
        self.set_out();
        // The worker is a little further than what was heard of it.
        if to_s < self.run_s() + AHEAD_S * self.handle.speed() {
            self.handle.rewinds();
        }
        let speed = self.handle.speed();
        self.link.send(Order::Seek { figure: self.figure(), run: self.run.get(), to, speed });
        self.look_again();
    }

    /// Nothing is on its way, and nothing was measured.
    fn set_out(&self) {
        let plan = self.plan.borrow();
        let (topology, meter) =
            self.handle.with_stage(|stage| (topology(stage, &plan), Meter::new(plan.clone(), stage)));
        self.replay.replace(Replay::new(topology));
        self.meter.replace(meter);
    }

    /// Requests on the board.
    pub(crate) fn dots(&self) -> usize {
        self.replay.borrow().len()
    }

    /// Follows the request at a point of the board. False where there is none within reach.
    pub(crate) fn follow_at(&self, point: Point, reach_px: f64) -> bool {
        let found = self.replay.borrow_mut().follow_at(point, reach_px);
        if found {
            self.tell_story();
            self.frames.ask();
        }
        found
    }

    /// Follows the next request that sets out; or none any more.
    pub(crate) fn follow_next(&self, on: bool) {
        self.replay.borrow_mut().follow_next(on);
        self.tell_story();
        self.frames.ask();
    }

    fn tell_story(&self) {
        let shown_ns = (self.clock.borrow().simulated_s() * 1e9) as Nanos;
        let story = self.handle.with_stage(|stage| Story::of(&self.replay.borrow(), stage, shown_ns));
        self.view.story.put(story);
    }

    fn dots_per_s(&self, one_in: u32) -> f64 {
        let per_s = self.handle.with_stage(|stage| stage.workload.rate.per_s());
        if self.handle.is_running() { per_s * self.handle.speed() / f64::from(one_in.max(1)) } else { 0.0 }
    }

    /// Draws one frame. False when nothing moves any more.
    fn draw(&self, passed_s: f64) -> bool {
        let (shown_s, passed_s, moves) = {
            let mut clock = self.clock.borrow_mut();
            let passed_s = clock.advance(passed_s);
            self.replay.borrow_mut().advance(&clock);
            (clock.now(), passed_s.max(0.008), clock.moves())
        };
        self.update_numbers(passed_s);
        let layout = self.view.layout.get_untracked();
        let mut painter = self.painter.borrow_mut();
        let Some(painter) = painter.as_mut() else { return false };
        let gliding = self.handle.with_stage(|stage| {
            let meter = self.meter.borrow();
            let one_in = self.view.one_in.get_untracked().max(1) as usize;
            let in_service = |node| meter.in_service(node).div_ceil(one_in);
            let scale = self.view.eye.with_untracked(|eye| eye.scale(&layout));
            let calm = self.calm.get();
            let scene = Scene { stage, layout: &layout, scale, shown_s, passed_s, calm, in_service: &in_service };
            painter.paint(&mut self.replay.borrow_mut(), &scene)
        });
        self.seen.get() && (moves || gliding)
    }

    fn update_numbers(&self, passed_s: f64) {
        self.bars_s.set(self.bars_s.get() - passed_s);
        if self.bars_s.get() > 0.0 {
            return;
        }
        self.bars_s.set(BARS_S);
        let shown_s = self.clock.borrow().now();
        let mut meter = self.meter.borrow_mut();
        let steps = !self.handle.is_running();
        meter.advance(shown_s, if steps { 0.0 } else { HOP_S }, steps);
        let (components, machines) = self.handle.with_stage(|stage| (stage.components.len(), stage.machines.len()));
        (0..components).for_each(|index| self.view.card(index).put(meter.card(index)));
        (0..machines).for_each(|index| self.view.machine(index).put(meter.machine(index)));
        self.view.busiest.put(meter.busiest());
        self.tell_story();
        self.strip_s.set(self.strip_s.get() - BARS_S);
        if self.strip_s.get() <= 0.0 {
            self.strip_s.set(STRIP_S);
            self.view.strip.put(meter.strip(self.clock.borrow().simulated_s()));
            self.calm.set(calm());
            if let Some(painter) = self.painter.borrow_mut().as_mut() {
                painter.read_theme();
            }
        }
    }
}

fn topology(stage: &Stage, plan: &Plan) -> Topology {
    let depths = depths(stage);
    Topology {
        component: plan.nodes.iter().map(|(component, _)| *component as usize).collect(),
        depth: plan.nodes.iter().map(|(component, _)| depths.get(*component as usize).copied().unwrap_or(0)).collect(),
        edges: plan.edges.iter().map(|(link, from, to)| (*link as usize, *from as usize, *to as usize)).collect(),
    }
}
