//! Moving things on the board, by pointer and by keyboard, and choosing them.

use std::rc::Rc;

use hockeystick_core::figure::title;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, KeyboardEvent, PointerEvent};

use super::Figure;
use super::carry::on_screen;
use super::follow::REACH_ON_CARD_PX;
use super::history::Moment;
use super::layout::Point;
use super::live::Live;
use super::running::Running;
use super::view::Thing;

/// A pointer that moved less than this has clicked.
const CLICK_PX: f64 = 4.0;
/// A finger that moved further has touched nothing.
const FLICK_PX: f64 = 10.0;
/// How far an arrow key moves a card; with Shift, a fine step.
const KEY_PX: (f64, f64) = (16.0, 2.0);
/// A finger moves a card once it has rested on it for so long: one that swipes at once scrolls the page.
const HOLD_MS: f64 = 250.0;
/// Cards that are dragged stand on a grid, so that they line up; with Alt they do not.
const GRID_PX: f64 = 8.0;

/// A thing that is being held.
#[derive(Clone, Default)]
struct Held {
    pointer: Option<i32>,
    /// When it may move what it holds.
    from_ms: f64,
    from: Point,
    gone: bool,
    /// How far it has been moved.
    by: Point,
    /// Where everything was when it was picked up.
    before: Vec<Point>,
    /// The board as it was then.
    then: Option<Rc<Moment>>,
}

/// The handlers of one thing on the board.
#[derive(Clone, Copy)]
pub(crate) struct Drag {
    figure: Figure,
    thing: Thing,
    held: Live<Held>,
}

impl Drag {
    pub(crate) fn new(figure: Figure, thing: Thing) -> Self {
        Self { figure, thing, held: Live::new(Held::default()) }
    }

    pub(crate) fn pointer_down(self, event: &PointerEvent) {
        if event.button() != 0 || !event.is_primary() {
            return;
        }
        let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        // Capture can fail only when the pointer is gone already.
        let _ = element.set_pointer_capture(event.pointer_id());
        let from = on_screen(event);
        let rests_ms = if event.pointer_type() == "touch" { HOLD_MS } else { 0.0 };
        let from_ms = event.time_stamp() + rests_ms;
        self.held.set(Held { pointer: Some(event.pointer_id()), from_ms, from, ..Held::default() });
    }

    /// A finger moves on the page: it scrolls, unless it holds something.
    pub(crate) fn touch_move(self, event: &Event) {
        if self.held.with_untracked(|held| held.pointer.is_some() && event.time_stamp() >= held.from_ms) {
            event.prevent_default();
        }
    }

    pub(crate) fn pointer_move(self, event: &PointerEvent) {
        let mut held = self.held.get_untracked();
        if held.pointer != Some(event.pointer_id()) {
            return;
        }
        if self.figure.view.pinched.get_untracked() {
            return self.give_back();
        }
        let now = on_screen(event);
        let by = Point { x: now.x - held.from.x, y: now.y - held.from.y };
        if !held.gone && event.time_stamp() < held.from_ms {
            return;
        }
        if !held.gone && by.far(Point::default()) >= CLICK_PX {
            held = Held { gone: true, ..self.picked_up(held) };
        }
        if held.gone {
            let scale = self.figure.scale();
            let by = self.snapped(&held.before, Point { x: by.x / scale, y: by.y / scale }, event.alt_key());
            // From one place on the grid to the next it stays where it is, and so does everything else.
            if std::mem::replace(&mut held.by, by) != by {
                self.figure.with(|running| running.shift(self.thing, &held.before, by));
            }
        }
        self.held.set(held);
    }

    /// A way that ends on the grid.
    fn snapped(self, before: &[Point], by: Point, freely: bool) -> Point {
        let first = self.figure.members(self.thing).first().and_then(|index| before.get(*index)).copied();
        let Some(from) = first.filter(|_| !freely) else { return by };
        let on_grid = |from: f64, by: f64| ((from + by) / GRID_PX).round() * GRID_PX - from;
        Point { x: on_grid(from.x, by.x), y: on_grid(from.y, by.y) }
    }

    pub(crate) fn pointer_up(self, event: &PointerEvent) {
        let held = self.held.get_untracked();
        if held.pointer != Some(event.pointer_id()) {
            return;
        }
        if self.figure.view.pinched.get_untracked() {
            return self.give_back();
        }
        let now = on_screen(event);
        if held.gone {
            return self.put();
        }
        self.held.set(Held::default());
        // Under a finger there is always a request where it is busy; a mouse hits one when it means to.
        let hits_thing = || event.pointer_type() == "touch" || !self.figure.follow_pressed(event, REACH_ON_CARD_PX);
        if now.far(held.from) < FLICK_PX && hits_thing() {
            self.figure.choose(self.thing);
        }
    }

    /// The drag comes to nothing: the thing is back where it was.
    pub(crate) fn give_back(self) {
        if let Some(then) = self.let_go() {
            self.figure.with(|running| running.put_back(then));
        }
    }

    /// It stays where it is now.
    fn put(self) {
        if let Some(then) = self.let_go() {
            self.figure.drive(|handle| handle.moved(then));
            // All arrows find their ways anew.
            self.figure.with(Running::lay_out);
            self.figure.changed();
        }
    }

    /// Nothing is held any more, by pointer or by keyboard. How the board was when something was picked up, if it was.
    fn let_go(self) -> Option<Moment> {
        let then = self.held.with_untracked(|held| held.then.clone());
        self.held.set(Held::default());
        self.figure.view.moving.set(None);
        then.map(Rc::unwrap_or_clone)
    }

    /// Notes where everything is before something moves.
    fn picked_up(self, held: Held) -> Held {
        let before = self.figure.view.layout.get_untracked().centres();
        let mut then = None;
        self.figure.drive(|handle| then = Some(Rc::new(handle.moment())));
        self.figure.view.moving.set(Some(self.thing));
        Held { before, then, ..held }
    }

    pub(crate) fn key_down(self, event: &KeyboardEvent) {
        if self.figure.aim_by(event) {
            return;
        }
        let picked = self.figure.view.moving.get_untracked() == Some(self.thing);
        let step = if event.shift_key() { KEY_PX.1 } else { KEY_PX.0 };
        let by = match event.key().as_str() {
            "Enter" if picked => return self.put_down(event, true),
            "Escape" if picked => return self.put_down(event, false),
            // What Space opened.
            "Escape" => return self.figure.view.chosen.set(None),
            "Enter" => return self.pick_up(event),
            " " => {
                event.prevent_default();
                return self.figure.choose(self.thing);
            }
            _ if self.edits(event) => return event.prevent_default(),
            "ArrowLeft" => Point { x: -step, y: 0.0 },
            "ArrowRight" => Point { x: step, y: 0.0 },
            "ArrowUp" => Point { x: 0.0, y: -step },
            "ArrowDown" => Point { x: 0.0, y: step },
            _ => return,
        };
        // Without Enter before, arrow keys scroll the page as everywhere else.
        if picked {
            event.prevent_default();
            let before = self.figure.view.layout.get_untracked().centres();
            self.figure.with(|running| running.shift(self.thing, &before, by));
        }
    }

    /// Keys that change the board. True when it was one.
    fn edits(self, event: &KeyboardEvent) -> bool {
        let Thing::Component(index) = self.thing else { return false };
        if !self.figure.can_edit() || event.alt_key() {
            return false;
        }
        let command = event.ctrl_key() || event.meta_key();
        // The board may be built anew by each of these: nothing of this card is touched after.
        match (event.key().to_ascii_lowercase().as_str(), command) {
            ("delete" | "backspace", false) => self.figure.remove(self.thing),
            ("c", false) => self.figure.take_up_by_key(super::aim::Errand::Connect(index)),
            ("d", true) => self.figure.duplicate(index),
            ("+", false) => self.figure.copies(index, 1),
            ("-", false) => self.figure.copies(index, -1),
            _ => return false,
        }
        true
    }

    /// The card lost the focus while it was held: it stays where it is.
    pub(crate) fn blur(self) {
        if self.figure.view.moving.get_untracked() == Some(self.thing)
            && self.held.with_untracked(|held| held.pointer.is_none())
        {
            self.put();
        }
    }

    fn pick_up(self, event: &KeyboardEvent) {
        event.prevent_default();
        self.held.set(self.picked_up(Held::default()));
        self.say(" picked up. Arrow keys move it, Enter puts it down, Escape puts it back.");
    }

    fn put_down(self, event: &KeyboardEvent, keep: bool) {
        event.prevent_default();
        if keep {
            self.put();
            self.say(" put down.");
        } else {
            self.give_back();
            self.say(" is back where it was.");
        }
    }

    fn say(self, what: &str) {
        let name = self.figure.name(self.thing);
        self.figure.view.said.set(title(&name) + what);
    }
}
