//! Carrying something to where it goes, by mouse or finger: a drag takes it there, or a press takes it up and the next
//! press says where.

use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent, PointerEvent};

use super::Figure;
use super::aim::Errand;
use super::dom::{El, el};
use super::layout::Point;
use super::live::Live;

/// A pointer that moved less than this has pressed.
const PRESS_PX: f64 = 6.0;

/// Has an element hand out what is carried.
pub(crate) fn handle(figure: Figure, element: El, errand: Errand) -> El {
    // Which pointer holds it, where that came down, and whether it has taken it up.
    let held = Live::new(None::<(i32, Point, bool)>);
    let carried = move || figure.view.aim.with_untracked(|aim| aim.as_ref().is_some_and(|aim| aim.errand == errand));
    let down = move |event: PointerEvent| {
        if event.button() != 0 || !event.is_primary() {
            return;
        }
        // The card below is not to be moved.
        event.stop_propagation();
        if carried() {
            // Pressed again, it is laid down.
            figure.let_it_be();
            return;
        }
        if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        held.set(Some((event.pointer_id(), on_screen(&event), false)));
    };
    let moved = move |event: PointerEvent| {
        let Some((pointer, from, taken)) = held.get_untracked().filter(|held| held.0 == event.pointer_id()) else {
            return;
        };
        event.stop_propagation();
        // What Escape has taken from it stays where it was.
        if !carried() && !taken && on_screen(&event).far(from) >= PRESS_PX {
            figure.take_up(errand);
            held.set(Some((pointer, from, true)));
        }
        if carried() {
            if let Errand::Add(_) = errand {
                figure.view.ghost.set(in_figure(&event));
            }
            figure.aim_at(event.client_x(), event.client_y());
        }
    };
    let up = move |event: PointerEvent| {
        let Some((_, _, taken)) = held.get_untracked().filter(|held| held.0 == event.pointer_id()) else { return };
        event.stop_propagation();
        held.set(None);
        if carried() {
            figure.drop_it(false);
        } else if !taken {
            figure.take_up_by_press(errand);
        }
    };
    let cancel = move |_: web_sys::Event| {
        held.set(None);
        figure.let_it_be();
    };
    element.on("pointerdown", down).on("pointermove", moved).on("pointerup", up).on("pointercancel", cancel)
}

/// Lies over the whole board while something is carried, for the press that says where it goes.
pub(crate) fn catcher(figure: Figure) -> El {
    // The press that took it up may end here, too: only one that began here counts.
    let pressed = Live::new(false);
    el("div", "catcher")
        .on("pointerdown", move |_: PointerEvent| pressed.set(true))
        .on("pointermove", move |event: PointerEvent| figure.aim_at(event.client_x(), event.client_y()))
        .on("click", move |event: MouseEvent| {
            event.stop_propagation();
            if !pressed.get_untracked() {
                return;
            }
            pressed.set(false);
            figure.aim_at(event.client_x(), event.client_y());
            figure.drop_it(false);
        })
}

/// Where a pointer is on the screen.
pub(super) fn on_screen(event: &PointerEvent) -> Point {
    Point { x: event.client_x().into(), y: event.client_y().into() }
}

/// Where a pointer is within its figure.
fn in_figure(event: &PointerEvent) -> Option<Point> {
    let element: Element = event.current_target()?.dyn_into().ok()?;
    let rect = element.closest(".figure-live").ok()??.get_bounding_client_rect();
    Some(Point { x: f64::from(event.client_x()) - rect.left(), y: f64::from(event.client_y()) - rect.top() })
}
