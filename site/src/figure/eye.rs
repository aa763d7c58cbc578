//! How the board is looked at: all of it, or a part of it larger.
//!
//! By wheel with Ctrl, or after a click on the board until the pointer leaves it; by two fingers, also where they are on
//! cards; by the buttons. Nothing of this takes the page's own scrolling, with one finger or the wheel, away while all of
//! the board is seen.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, MouseEvent, PointerEvent, WheelEvent};

use super::Figure;
use super::dom::El;
use super::layout::{Layout, Point};
use super::live::Live;
use hockeystick_core::number::{short, within};

/// How much larger than all of it.
const MOST: f64 = 6.0;
/// One press of a button, and a notch of the wheel for each hundred pixels.
const STEP: f64 = 1.25;

/// A part of the board, seen through its place on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Eye {
    /// 1 where all of it is seen.
    pub(crate) zoom: f64,
    /// Where the board's top left corner is, from that of its place.
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Default for Eye {
    fn default() -> Self {
        Self { zoom: 1.0, x: 0.0, y: 0.0 }
    }
}

impl Eye {
    /// Pixels on the page for one of the board.
    pub(crate) fn scale(&self, layout: &Layout) -> f64 {
        layout.fit * self.zoom
    }

    /// As CSS.
    pub(crate) fn transform(&self, layout: &Layout) -> String {
        let scale = self.scale(layout);
        if (scale - 1.0).abs() < 1e-6 && *self == Self::default() {
            return "none".to_owned();
        }
        format!("translate({}px,{}px) scale({})", short(self.x, 1), short(self.y, 1), short(scale, 4))
    }

    /// Larger by a factor; what is at `from` comes to lie at `to`.
    fn zoomed(self, factor: f64, from: Point, to: Point, layout: &Layout) -> Self {
        let zoom = within(self.zoom * factor, 1.0, MOST);
        let by = zoom / self.zoom;
        Self { zoom, x: to.x - (from.x - self.x) * by, y: to.y - (from.y - self.y) * by }.kept(layout)
    }

    /// Nothing but the board is to be seen.
    fn kept(self, layout: &Layout) -> Self {
        let most = |size: f64| size * layout.fit * (1.0 - self.zoom);
        Self { x: within(self.x, most(layout.width), 0.0), y: within(self.y, most(layout.height), 0.0), ..self }
    }
}

/// A pointer that is down on the board's own ground, or a finger anywhere on the board.
#[derive(Clone, Copy, Debug)]
struct Hand {
    pointer: i32,
    at: Point,
    on_ground: bool,
}

impl Figure {
    /// Looks closer, or from farther away, at the middle of what is seen.
    pub(crate) fn zoom(self, closer: bool) {
        let layout = self.view.layout.get_untracked();
        let middle = Point { x: layout.width * layout.fit / 2.0, y: layout.height * layout.fit / 2.0 };
        self.zoom_about(if closer { STEP } else { 1.0 / STEP }, middle, middle);
    }

    /// Sees all of the board again.
    pub(crate) fn see_all(self) {
        self.view.eye.put(Eye::default());
        self.with(|running| running.redraw());
    }

    fn zoom_about(self, factor: f64, from: Point, to: Point) {
        let layout = self.view.layout.get_untracked();
        self.view.eye.put(self.view.eye.get_untracked().zoomed(factor, from, to, &layout));
        self.with(|running| running.redraw());
    }

    fn pan(self, by: Point) {
        let layout = self.view.layout.get_untracked();
        let eye = self.view.eye.get_untracked();
        self.view.eye.put(Eye { x: eye.x + by.x, y: eye.y + by.y, ..eye }.kept(&layout));
    }
}

/// Lets the board be zoomed, and its ground be moved.
pub(crate) fn looked_at(figure: Figure, board: El) -> El {
    let look = Look { figure, hands: Live::new([None; 2]), engaged: Live::new(false) };
    board
        .live_class("zoomed", move || figure.view.eye.with(|eye| eye.zoom > 1.0))
        .on("wheel", move |event| look.wheel(&event))
        .on("pointerdown", move |event| look.down(&event))
        .on("pointermove", move |event| look.moved(&event))
        .on("pointerup", move |event| look.up(&event))
        .on("pointercancel", move |event| look.up(&event))
        .on("pointerleave", move |_: Event| look.engaged.set(false))
        .on("touchstart", move |event| look.touch(&event))
        .on("touchmove", move |event| look.touch(&event))
}

/// The handlers of the board.
#[derive(Clone, Copy)]
struct Look {
    figure: Figure,
    /// The first that came down, and the second.
    hands: Live<[Option<Hand>; 2]>,
    /// The wheel is the board's.
    engaged: Live<bool>,
}

impl Look {
    fn wheel(self, event: &WheelEvent) {
        if !event.ctrl_key() && !self.engaged.get_untracked() {
            return;
        }
        event.prevent_default();
        // Lines are some sixteen pixels high.
        let pixels = event.delta_y() * if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { 16.0 } else { 1.0 };
        let Some(board) = element(event) else { return };
        let about = from_corner(&board, event);
        self.figure.zoom_about(libm::pow(STEP, -pixels / 100.0), about, about);
    }

    fn down(self, event: &PointerEvent) {
        let Some(board) = element(event) else { return };
        let (on_ground, is_finger) = (on_ground(event, &board), event.pointer_type() == "touch");
        // Cards and arrows see to themselves; but a finger on one may be the first of two.
        if !on_ground && !is_finger {
            return;
        }
        self.engaged.set(!is_finger);
        let hand = Some(Hand { pointer: event.pointer_id(), at: from_corner(&board, event), on_ground });
        // With the first finger there is no other, whatever became of those before.
        let first = self.hands.get_untracked()[0].filter(|_| !event.is_primary());
        self.hands.set(if first.is_some() { [first, hand] } else { [hand, None] });
        self.figure.view.pinched.set(first.is_some());
        // Wherever it is let go, the board hears of it.
        if on_ground {
            let _ = board.set_pointer_capture(event.pointer_id());
        }
    }

    fn moved(self, event: &PointerEvent) {
        let mut hands = self.hands.get_untracked();
        let is_this = |it: &Option<Hand>| it.is_some_and(|it| it.pointer == event.pointer_id());
        let Some(index) = hands.iter().position(is_this) else { return };
        let (Some(board), Some(hand)) = (element(event), hands[index]) else { return };
        let (was, now) = (hand.at, from_corner(&board, event));
        hands[index] = Some(Hand { at: now, ..hand });
        self.hands.set(hands);
        match hands[1 - index] {
            Some(Hand { at: other, .. }) => {
                let far = |point: Point| point.far(other).max(1.0);
                let middle = |point: Point| Point { x: (point.x + other.x) / 2.0, y: (point.y + other.y) / 2.0 };
                self.figure.zoom_about(far(now) / far(was), middle(was), middle(now));
            }
            None if hand.on_ground => self.figure.pan(Point { x: now.x - was.x, y: now.y - was.y }),
            None => {}
        }
    }

    fn up(self, event: &PointerEvent) {
        let [a, b] = self.hands.get_untracked().map(|it| it.filter(|it| it.pointer != event.pointer_id()));
        // The one that is left is the first.
        self.hands.set([a.or(b), a.and(b)]);
        if a.or(b).is_none() {
            self.figure.view.pinched.set(false);
        }
    }

    /// Of two fingers the browser would zoom or scroll the page, and take them away from here.
    fn touch(self, event: &Event) {
        if self.hands.get_untracked()[1].is_some() {
            event.prevent_default();
        }
    }
}

fn element(event: &Event) -> Option<HtmlElement> {
    event.current_target()?.dyn_into().ok()
}

fn on_ground(event: &Event, board: &Element) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target == *board || target.class_list().contains("world"))
}

fn from_corner(board: &Element, event: &MouseEvent) -> Point {
    let rect = board.get_bounding_client_rect();
    Point { x: f64::from(event.client_x()) - rect.left(), y: f64::from(event.client_y()) - rect.top() }
}
