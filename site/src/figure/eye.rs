//! How the board is looked at: all of it, or a part of it larger.
//!
//! By wheel with Ctrl, or after a click on the board until the pointer leaves it; by two fingers; by the buttons. Nothing
//! of this takes the page's own scrolling away while all of the board is seen.

use leptos::prelude::StoredValue;
use leptos::prelude::{GetValue, SetValue, UpdateValue, WithValue};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent, WheelEvent};

use super::Figure;
use super::dom::El;
use super::layout::{Layout, Point};
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

    /// Larger by a factor; what is at `about` stays there.
    fn zoomed(self, factor: f64, about: Point, layout: &Layout) -> Self {
        let zoom = within(self.zoom * factor, 1.0, MOST);
        let by = zoom / self.zoom;
        Self { zoom, x: about.x - (about.x - self.x) * by, y: about.y - (about.y - self.y) * by }.kept(layout)
    }

    /// Nothing but the board is to be seen.
    fn kept(self, layout: &Layout) -> Self {
        let most = |size: f64| size * layout.fit * (1.0 - self.zoom);
        Self { x: within(self.x, most(layout.width), 0.0), y: within(self.y, most(layout.height), 0.0), ..self }
    }
}

/// Pointers that are down on the board's own ground.
#[derive(Clone, Debug, Default)]
struct Hands(Vec<(i32, Point)>);

impl Figure {
    /// Looks closer, or from farther away, at the middle of what is seen.
    pub(crate) fn zoom(self, closer: bool) {
        let layout = self.view.layout.get_untracked();
        let middle = Point { x: layout.width * layout.fit / 2.0, y: layout.height * layout.fit / 2.0 };
        self.zoom_about(if closer { STEP } else { 1.0 / STEP }, middle);
    }

    /// Sees all of the board again.
    pub(crate) fn see_all(self) {
        self.view.eye.put(Eye::default());
        self.with(|running| running.redraw());
    }

    fn zoom_about(self, factor: f64, about: Point) {
        let layout = self.view.layout.get_untracked();
        self.view.eye.put(self.view.eye.get_untracked().zoomed(factor, about, &layout));
        self.with(|running| running.redraw());
    }

    fn pan(self, by: Point) {
        let layout = self.view.layout.get_untracked();
        let eye = self.view.eye.get_untracked();
        self.view.eye.put(Eye { x: eye.x + by.x, y: eye.y + by.y, ..eye }.kept(&layout));
    }
}

/// Lets the ground of the board be zoomed and moved.
pub(crate) fn looked_at(figure: Figure, board: El) -> El {
    let hands = StoredValue::new(Hands::default());
    let engaged = StoredValue::new(false);
    let wheel = move |event: WheelEvent| {
        if !event.ctrl_key() && !engaged.get_value() {
            return;
        }
        event.prevent_default();
        // Lines are some sixteen pixels high.
        let pixels = event.delta_y() * if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { 16.0 } else { 1.0 };
        let Some(board) = element(&event) else { return };
        figure.zoom_about(libm::pow(STEP, -pixels / 100.0), from_corner(&board, event.client_x(), event.client_y()));
    };
    let down = move |event: PointerEvent| {
        // Cards and arrows see to themselves.
        let Some(board) = element(&event).filter(|board| on_ground(&event, board)) else { return };
        engaged.set_value(event.pointer_type() == "mouse");
        let at = from_corner(&board, event.client_x(), event.client_y());
        hands.update_value(|hands| hands.0.push((event.pointer_id(), at)));
        if figure.view.eye.get_untracked().zoom > 1.0 {
            let _ = board.set_pointer_capture(event.pointer_id());
        }
    };
    let moved = move |event: PointerEvent| {
        let Some(board) = element(&event) else { return };
        let now = from_corner(&board, event.client_x(), event.client_y());
        let Some(index) = hands.with_value(|hands| hands.0.iter().position(|hand| hand.0 == event.pointer_id())) else {
            return;
        };
        let before = hands.with_value(|hands| hands.0.clone());
        hands.update_value(|hands| hands.0[index].1 = now);
        let was = before[index].1;
        match before.iter().find(|hand| hand.0 != event.pointer_id()) {
            Some((_, other)) => {
                let far = |point: Point| (point.x - other.x).hypot(point.y - other.y).max(1.0);
                let middle = Point { x: (now.x + other.x) / 2.0, y: (now.y + other.y) / 2.0 };
                figure.zoom_about(far(now) / far(was), middle);
            }
            None => figure.pan(Point { x: now.x - was.x, y: now.y - was.y }),
        }
    };
    let up = move |event: PointerEvent| hands.update_value(|hands| hands.0.retain(|hand| hand.0 != event.pointer_id()));
    board
        .live_class("zoomed", move || figure.view.eye.with(|eye| eye.zoom > 1.0))
        .on("wheel", wheel)
        .on("pointerdown", down)
        .on("pointermove", moved)
        .on("pointerup", up)
        .on("pointercancel", up)
        .on("pointerleave", move |_: PointerEvent| engaged.set_value(false))
}

fn element(event: &web_sys::Event) -> Option<HtmlElement> {
    event.current_target()?.dyn_into().ok()
}

fn on_ground(event: &web_sys::Event, board: &Element) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target == *board || target.class_list().contains("world"))
}

fn from_corner(board: &Element, x: i32, y: i32) -> Point {
    let rect = board.get_bounding_client_rect();
    Point { x: f64::from(x) - rect.left(), y: f64::from(y) - rect.top() }
}
