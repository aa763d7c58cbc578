//! Moving things on the board, by pointer and by keyboard, and choosing them.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};

use super::Figure;
use super::layout::Point;
use super::view::{Thing, title};

/// A pointer that moved less than this has clicked.
const CLICK_PX: f64 = 4.0;
/// How far an arrow key moves a card; with Shift, a fine step.
const KEY_PX: (f64, f64) = (16.0, 2.0);

/// A thing that is being held.
#[derive(Clone, Default)]
struct Held {
    pointer: Option<i32>,
    last: Point,
    gone_px: f64,
    /// Where everything was when the keyboard picked it up.
    before: Vec<Point>,
}

/// The handlers of one thing on the board.
#[derive(Clone, Copy)]
pub(crate) struct Drag {
    figure: Figure,
    thing: Thing,
    held: StoredValue<Held>,
}

impl Drag {
    pub(crate) fn new(figure: Figure, thing: Thing) -> Self {
        Self { figure, thing, held: StoredValue::new(Held::default()) }
    }

    pub(crate) fn pointer_down(self, event: &PointerEvent) {
        if event.button() != 0 || !event.is_primary() {
            return;
        }
        let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        // Capture can fail only when the pointer is gone already.
        let _ = element.set_pointer_capture(event.pointer_id());
        let last = Point { x: event.client_x().into(), y: event.client_y().into() };
        self.held.set_value(Held { pointer: Some(event.pointer_id()), last, ..Held::default() });
    }

    pub(crate) fn pointer_move(self, event: &PointerEvent) {
        let mut held = self.held.get_value();
        if held.pointer != Some(event.pointer_id()) {
            return;
        }
        let now = Point { x: event.client_x().into(), y: event.client_y().into() };
        let by = Point { x: now.x - held.last.x, y: now.y - held.last.y };
        let was_click = held.gone_px < CLICK_PX;
        held.gone_px += by.x.hypot(by.y);
        if held.gone_px >= CLICK_PX {
            if was_click {
                self.figure.view.moving.set(Some(self.thing));
            }
            held.last = now;
            self.figure.with(|running| running.shift(self.thing, by));
        }
        self.held.set_value(held);
    }

    pub(crate) fn pointer_up(self, event: &PointerEvent) {
        let held = self.held.get_value();
        if held.pointer != Some(event.pointer_id()) {
            return;
        }
        self.held.set_value(Held::default());
        self.figure.view.moving.set(None);
        if held.gone_px < CLICK_PX {
            self.choose();
        }
    }

    pub(crate) fn pointer_cancel(self) {
        self.held.set_value(Held::default());
        self.figure.view.moving.set(None);
    }

    pub(crate) fn key_down(self, event: &KeyboardEvent) {
        let picked = self.figure.view.moving.get_untracked() == Some(self.thing);
        let step = if event.shift_key() { KEY_PX.1 } else { KEY_PX.0 };
        let by = match event.key().as_str() {
            "Enter" if picked => return self.put_down(event, true),
            "Escape" if picked => return self.put_down(event, false),
            "Enter" => return self.pick_up(event),
            " " => {
                event.prevent_default();
                return self.choose();
            }
            "ArrowLeft" => Point { x: -step, y: 0.0 },
            "ArrowRight" => Point { x: step, y: 0.0 },
            "ArrowUp" => Point { x: 0.0, y: -step },
            "ArrowDown" => Point { x: 0.0, y: step },
            _ => return,
        };
        // Without Enter before, arrow keys scroll the page as everywhere else.
        if picked {
            event.prevent_default();
            self.figure.with(|running| running.shift(self.thing, by));
        }
    }

    /// The card lost the focus while it was held: it stays where it is.
    pub(crate) fn blur(self) {
        if self.figure.view.moving.get_untracked() == Some(self.thing)
            && self.held.with_value(|held| held.pointer.is_none())
        {
            self.figure.view.moving.set(None);
        }
    }

    fn pick_up(self, event: &KeyboardEvent) {
        event.prevent_default();
        let before = self.figure.view.layout.get_untracked().centres();
        self.held.set_value(Held { before, ..Held::default() });
        self.figure.view.moving.set(Some(self.thing));
        self.say(" picked up. Arrow keys move it, Enter puts it down, Escape puts it back.");
    }

    fn put_down(self, event: &KeyboardEvent, keep: bool) {
        event.prevent_default();
        self.figure.view.moving.set(None);
        if keep {
            self.say(" put down.");
        } else {
            let before = self.held.with_value(|held| held.before.clone());
            self.figure.with(|running| running.put_cards(before));
            self.say(" is back where it was.");
        }
    }

    fn choose(self) {
        let chosen = self.figure.view.chosen;
        let again = chosen.get_untracked() == Some(self.thing);
        chosen.set(if again { None } else { Some(self.thing) });
    }

    fn say(self, what: &str) {
        let name = self.figure.name(self.thing);
        self.figure.view.said.set(title(&name) + what);
    }
}
