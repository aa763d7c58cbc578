//! A figure at work: between the worker's messages, the reader's wishes and what is drawn.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use hockeystick_core::engine::moves::What;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_core::units::Nanos;
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, HtmlElement};

use super::canvas::{Painter, Scene};
use super::clock::Clock;
use super::follow::Story;
use super::frames::FrameLoop;
use super::handle::{Asked, Engine, FigureHandle, Found};
use super::layout::{Layout, Point, depths, members};
use super::link::{self, Link, Listener};
use super::meter::Meter;
use super::replay::{FALL_S, HOP_S, Replay, Topology};
use super::theme::reduced_motion;
use super::timeline::Happened;
use super::view::{Thing, View, title};
use hockeystick_protocol::{Order, Plan, Question};

/// Wall time between two updates of the bars and numbers on the board.
const BARS_S: f64 = 0.125;
/// Wall time between two updates of the figures under it, and of the colours.
const STRIP_S: f64 = 0.5;

/// Shown time after a step for everything to glide to its place.
const SETTLE_S: f64 = 0.15;

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
    bars_s: Cell<f64>,
    strip_s: Cell<f64>,
    /// Builds the board's elements anew.
    build: RefCell<Option<Box<dyn Fn()>>>,
    /// The components of the board that is built, by name.
    built: RefCell<Vec<String>>,
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
                frames: FrameLoop::new(move |passed_s| draw.upgrade().is_some_and(|this| this.draw(passed_s))),
                heard_ns: Cell::new(0),
                plan: RefCell::default(),
                sought_ns: Cell::new(None),
                step_awaited: Cell::new(false),
                bars_s: Cell::new(0.0),
                strip_s: Cell::new(0.0),
                build: RefCell::new(None),
                built: RefCell::default(),
                calm: Cell::new(reduced_motion()),
                handle,
                view,
            }
        })
    }

    fn figure(&self) -> u32 {
        self.link.figure()
    }

    /// Takes over the board's place on the page, and what builds its elements in there.
    pub(crate) fn attach(&self, board: HtmlElement, build: Box<dyn Fn()>) {
        self.board.replace(Some(board));
        self.build.replace(Some(build));
        self.rebuild();
    }

    /// Builds the elements of the board as it stands. Who worked on it by keyboard goes on where they were: on the same
    /// component while it is there, else on the board.
    fn rebuild(&self) {
        let focused = self.focused();
        if let Some(build) = self.build.borrow().as_ref() {
            build();
        }
        let ids: Vec<String> =
            self.handle.with_stage(|stage| stage.components.iter().map(|it| it.id.clone()).collect());
        match focused.map(|name| ids.iter().position(|id| *id == name)) {
            Some(Some(index)) => self.focus(Thing::Component(index)),
            Some(None) => self.focus_board(),
            None => {}
        }
        self.built.replace(ids);
        self.lay_out();
    }

    /// The component whose card has the focus, by name; no name where something else on the board has it.
    fn focused(&self) -> Option<String> {
        let board = self.board.borrow();
        let board = board.as_ref()?;
        let active = leptos::prelude::document().active_element()?;
        if !board.contains(Some(&active)) {
            return None;
        }
        let cards = board.query_selector_all(".card").ok()?;
        let card = (0..cards.length()).find(|at| cards.item(*at).is_some_and(|card| card.contains(Some(&active))));
        Some(card.and_then(|at| self.built.borrow().get(at as usize).cloned()).unwrap_or_default())
    }

    /// The settings that are open stay open while their component is there, whatever its number is now.
    fn follow_chosen(&self) {
        let now = match self.view.chosen.get_untracked() {
            Some(Thing::Component(index)) => {
                let built = self.built.borrow();
                let index = built.get(index).and_then(|id| self.handle.with_stage(|stage| stage.component(id)));
                index.map(Thing::Component)
            }
            Some(Thing::Machine(index)) => {
                Some(Thing::Machine(index)).filter(|_| self.handle.with_stage(|stage| index < stage.machines.len()))
            }
            Some(Thing::Link(_)) | None => None,
        };
        self.view.chosen.put(now);
    }

    /// Draws on this canvas from now on.
    pub(crate) fn draw_on(&self, canvas: HtmlCanvasElement) {
        self.painter.replace(Painter::new(canvas));
    }

    fn box_width(&self) -> f64 {
        self.board.borrow().as_ref().map_or(0.0, |board| f64::from(board.client_width()))
    }

    /// Lays the board out for its present width.
    pub(crate) fn lay_out(&self) {
        let width = self.box_width();
        if width < 1.0 {
            return;
        }
        let narrow = width < super::layout::NARROW_PX;
        let moved = self.handle.places(|places| places.of(narrow).clone());
        let layout = self.handle.with_stage(|stage| Layout::new(stage, width, &moved));
        self.view.layout.set(Arc::new(layout));
        self.frames.ask();
    }

    /// Draws again, whatever moves.
    pub(crate) fn redraw(&self) {
        self.frames.ask();
    }

    /// A place on the screen, on the board; none beside it.
    pub(crate) fn on_board(&self, x: f64, y: f64) -> Option<Point> {
        let rect = self.board.borrow().as_ref()?.get_bounding_client_rect();
        let inside = (rect.left()..=rect.right()).contains(&x) && (rect.top()..=rect.bottom()).contains(&y);
        let eye = self.view.eye.get_untracked();
        let scale = self.view.layout.with_untracked(|layout| eye.scale(layout));
        inside.then(|| Point { x: (x - rect.left() - eye.x) / scale, y: (y - rect.top() - eye.y) / scale })
    }

    /// Moves a thing by some pixels from where everything was before.
    pub(crate) fn shift(&self, thing: Thing, before: &[Point], by: Point) {
        let mut centres = before.to_vec();
        for index in self.members(thing) {
            if let Some(centre) = centres.get_mut(index) {
                *centre = Point { x: centre.x + by.x, y: centre.y + by.y };
            }
        }
        self.put_cards(&centres);
    }

    /// The components that move with a thing.
    pub(crate) fn members(&self, thing: Thing) -> Vec<usize> {
        match thing {
            Thing::Component(index) => vec![index],
            Thing::Machine(machine) => self.handle.with_stage(|stage| members(stage, machine).collect()),
            Thing::Link(_) => Vec::new(),
        }
    }

    /// Puts the cards' centres where the reader wants them.
    pub(crate) fn put_cards(&self, centres: &[Point]) {
        let layout = self.view.layout.get_untracked();
        let share = |centre: &Point| Point { x: centre.x / layout.width, y: centre.y };
        let ids = self.handle.with_stage(|stage| stage.components.iter().map(|it| it.id.clone()).collect::<Vec<_>>());
        self.handle.places(|places| {
            *places.of(layout.narrow) = ids.into_iter().zip(centres.iter().map(share)).collect();
        });
        self.view.layout.set(Arc::new(self.handle.with_stage(|stage| layout.moved(stage, centres))));
        self.frames.ask();
    }

    /// Makes the positions that are seen the stage's own, before it is changed: what stays, stays where it is.
    pub(crate) fn settle(&self) {
        let layout = self.view.layout.get_untracked();
        if layout.narrow || layout.width < 1.0 {
            return;
        }
        let centres = layout.centres();
        self.handle.move_to(|stage| {
            for (component, centre) in stage.components.iter_mut().zip(&centres) {
                component.at = [(centre.x / layout.width * super::layout::BOARD_UNITS) as f32, centre.y as f32];
            }
        });
        self.handle.places(|places| places.wide.clear());
    }

    /// The element may have another width now.
    pub(crate) fn fit(&self) {
        let (width, fit) = self.view.layout.with_untracked(|layout| (layout.width, layout.fit));
        if (self.box_width() - width * fit).abs() > 0.5 {
            self.view.eye.put(super::eye::Eye::default());
            self.lay_out();
        }
    }

    /// Gives the board itself the focus, where what had it is gone.
    pub(crate) fn focus_board(&self) {
        if let Some(board) = self.board.borrow().as_ref() {
            let _ = board.focus();
        }
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

    /// Gives a thing on the board the focus.
    pub(crate) fn focus(&self, thing: Thing) {
        let (selector, index) = match thing {
            Thing::Component(index) => (".card", index),
            Thing::Machine(index) => (".machine-head", index),
            Thing::Link(index) => (".arrow", index),
        };
        let board = self.board.borrow();
        let found = board
            .as_ref()
            .and_then(|board| board.query_selector_all(selector).ok())
            .and_then(|all| all.item(index as u32));
        // An arrow is no HTML element, and takes the focus all the same.
        if let Some(element) = found.map(|node| node.unchecked_into::<HtmlElement>()) {
            let _ = element.focus();
        }
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
            return;
        }
        if seen && !self.open.get() {
            self.open_run();
        } else {
            self.send_pace();
        }
        if seen {
            self.calm.set(reduced_motion());
            self.frames.ask();
        } else {
            self.frames.stop();
        }
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
        self.view.seeking.put(Some(0.0));
        self.view.story.put(None);
        let mut clock = Clock::at(self.handle.speed(), to);
        clock.set_running(self.seen.get() && self.handle.is_running(), to);
        self.clock.replace(clock);
        self.set_out();
        self.handle.draws_anew();
        self.link.send(Order::Seek { figure: self.figure(), run: self.run.get(), to });
        self.frames.ask();
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

    /// Follows the request at a point of the board, if there is one.
    pub(crate) fn follow_at(&self, point: Point) {
        if self.replay.borrow_mut().follow_at(point) {
            self.tell_story();
            self.frames.ask();
        }
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
        self.tell_story();
        self.strip_s.set(self.strip_s.get() - BARS_S);
        if self.strip_s.get() <= 0.0 {
            self.strip_s.set(STRIP_S);
            self.view.busiest.put(meter.busiest());
            self.view.strip.put(meter.strip(self.clock.borrow().simulated_s()));
            if let Some(painter) = self.painter.borrow_mut().as_mut() {
                painter.read_theme();
            }
        }
    }
}

impl Listener for Running {
    fn opened(&self, run: u32, plan: Plan) {
        if run != self.run.get() {
            return;
        }
        self.plan.replace(plan);
        self.set_out();
        self.view.one_in.put(1);
        self.frames.ask();
    }

    fn frame(&self, frame: Frame) {
        if frame.run != self.run.get() {
            return;
        }
        let stepped = self.step_awaited.get() && !frame.moves.is_empty();
        let mut clock = self.clock.borrow_mut();
        let mut replay = self.replay.borrow_mut();
        if stepped {
            self.step_awaited.set(false);
            clock.step_to(frame.now, replay.settled_s());
        } else {
            clock.heard(frame.now);
        }
        self.heard_ns.set(frame.now);
        let speed = if frame.pace > 0.0 { f64::from(frame.pace) } else { self.handle.speed() };
        if self.handle.is_running() && (speed / clock.speed() - 1.0).abs() > 0.03 {
            clock.set_speed(speed, frame.now);
        }
        self.view.kept.put(frame.pace.into());
        if let Some(to) = self.sought_ns.get().filter(|to| *to > 0) {
            self.view.seeking.put(Some(frame.now as f64 / to as f64));
        }
        replay.dots_per_s = self.dots_per_s(frame.one_in);
        replay.schedule(&frame.moves, &clock);
        if stepped {
            let falls = frame.moves.iter().any(|it| matches!(it.what, What::Fail { .. }));
            clock.go_on_until(replay.settled_s() + if falls { FALL_S } else { SETTLE_S });
        }
        let responses = std::mem::take(&mut replay.answered);
        let sample = self.meter.borrow_mut().take(&frame, clock.shown(frame.now), &responses);
        drop((clock, replay));
        if !self.handle.is_running() {
            // Nothing else will come: show it now.
            self.bars_s.set(0.0);
        }
        self.view.one_in.put(frame.one_in);
        self.view.faults.put(frame.faults);
        if let Some(sample) = sample {
            self.handle.tell_sample(&sample);
        }
        self.frames.ask();
    }

    fn sought(&self, run: u32, stage: Stage) {
        if run != self.run.get() {
            return;
        }
        self.sought_ns.set(None);
        self.view.seeking.put(None);
        self.handle.stands_at(stage);
        self.view.stage_version.update(|version| *version += 1);
        self.meter.borrow_mut().turned(&self.handle.stage());
        self.frames.ask();
    }

    fn refused(&self, why: &str) {
        self.view.refusal.put(Some(why.to_owned()));
    }

    fn failed(&self, why: &str) {
        self.open.set(false);
        self.view.failure.put(Some(why.to_owned()));
        self.clock.borrow_mut().set_running(false, self.heard_ns.get());
    }

    fn again(&self) {
        self.open.set(false);
        self.view.failure.set(None);
        if self.seen.get() {
            self.open_run();
        }
    }
}

impl Engine for Running {
    fn board_changed(&self) {
        self.view.stage_version.update(|version| *version += 1);
        self.view.moving.put(None);
        self.follow_chosen();
        self.rebuild();
        self.restart();
    }

    fn places_changed(&self) {
        self.lay_out();
    }

    fn settle(&self) {
        Self::settle(self);
    }

    fn stage_changed(&self, stage: &Stage) {
        self.view.stage_version.update(|version| *version += 1);
        self.meter.borrow_mut().turned(stage);
        if self.open.get() {
            self.view.refusal.set(None);
            self.link.send(Order::Update { figure: self.figure(), stage: stage.clone() });
        }
    }

    fn seed_changed(&self, seed: u64) {
        self.view.run.update(|run| run.seed = seed);
        self.restart();
    }

    fn running_changed(&self, running: bool) {
        self.view.run.update(|run| run.running = running);
        self.send_pace();
    }

    fn speed_changed(&self, speed: f64) {
        self.view.run.update(|run| run.speed = speed);
        self.clock.borrow_mut().set_speed(speed, self.heard_ns.get());
        if self.handle.is_running() {
            self.send_pace();
        }
    }

    fn step(&self) {
        if !self.open.get() {
            self.open_run();
        }
        if !self.open.get() {
            return;
        }
        self.step_awaited.set(true);
        self.link.send(Order::Step { figure: self.figure() });
    }

    fn restart(&self) {
        if self.open.get() || self.seen.get() {
            self.open_run();
        }
        self.view.faults.put(0);
        self.view.busiest.put(None);
        self.view.strip.put(super::view::Strip::default());
    }

    fn inject(&self, target: &Target, kind: FaultKind, lasts_s: f64) {
        self.link.send(Order::Inject { figure: self.figure(), on: target.clone(), kind, lasts_s });
    }

    fn mend(&self) {
        let at_s = self.run_s();
        self.view.log.update(|log| log.add(at_s, Happened::Mended));
        self.link.send(Order::Mend { figure: self.figure() });
    }

    fn ask(&self, questions: Vec<Question>, on_found: Box<dyn FnMut(usize, Found)>) -> Asked {
        link::ask(questions, on_found)
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
