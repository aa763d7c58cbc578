//! The palette: what a reader may drag onto the board.
//!
//! A press drags; Enter takes a kind up to be dropped by keyboard. The page's sprite has the icons.

use hockeystick_core::component::Kind;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, PointerEvent};

use super::Figure;
use super::aim::Errand;
use super::board::translate;
use super::dom::{El, button, el, svg};
use super::layout::Point;
use super::live::Live;
use super::view::icon;

/// A pointer that moved less than this has pressed.
const PRESS_PX: f64 = 6.0;

/// The strip of kinds; none where the figure has no palette.
pub(crate) fn palette(figure: Figure) -> Option<El> {
    if !figure.can_edit() {
        return None;
    }
    let kinds = figure.authored(|it| it.palette.clone());
    let button = |kind: Kind| {
        let button = button("palette-item", "").child(svg("icon", "0 0 24 24", &icon(kind))).text(kind.about().name);
        item(figure, button, kind)
    };
    let strip = el("div", "palette").attr("role", "toolbar").attr("aria-label", "Drag onto the board");
    Some(strip.children(kinds.into_iter().map(button)))
}

fn item(figure: Figure, button: El, kind: Kind) -> El {
    // Which pointer holds it, and where that came down.
    let held = Live::new(None::<(i32, f64, f64)>);
    let carried =
        move || figure.view.aim.with_untracked(|aim| aim.as_ref().is_some_and(|aim| aim.errand == Errand::Add(kind)));
    let down = move |event: PointerEvent| {
        if event.button() != 0 || !event.is_primary() {
            return;
        }
        if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        held.set(Some((event.pointer_id(), event.client_x().into(), event.client_y().into())));
    };
    let moved = move |event: PointerEvent| {
        let Some((_, x, y)) = held.get_untracked().filter(|held| held.0 == event.pointer_id()) else { return };
        let far = (f64::from(event.client_x()) - x).hypot(f64::from(event.client_y()) - y);
        if !carried() && far >= PRESS_PX {
            figure.take_up(Errand::Add(kind));
        }
        if carried() {
            figure.view.ghost.set(in_figure(&event));
            figure.aim_at(event.client_x(), event.client_y());
        }
    };
    let up = move |event: PointerEvent| {
        if held.get_untracked().is_none_or(|held| held.0 != event.pointer_id()) {
            return;
        }
        held.set(None);
        figure.view.ghost.put(None);
        if carried() {
            figure.drop_it(false);
        }
    };
    let cancel = move |_: web_sys::Event| {
        held.set(None);
        figure.view.ghost.put(None);
        figure.let_it_be();
    };
    let keys = move |event: KeyboardEvent| {
        if figure.aim_by(&event) {
            return;
        }
        match event.key().as_str() {
            "Enter" | " " => {
                event.prevent_default();
                figure.take_up_by_key(Errand::Add(kind));
            }
            "ArrowRight" => neighbour(&event, true),
            "ArrowLeft" => neighbour(&event, false),
            _ => {}
        }
    };
    button
        .live_class("carried", move || {
            figure.view.aim.with(|aim| aim.as_ref().is_some_and(|aim| aim.errand == Errand::Add(kind)))
        })
        .on("pointerdown", down)
        .on("pointermove", moved)
        .on("pointerup", up)
        .on("pointercancel", cancel)
        .on("keydown", keys)
        .on("blur", move |_: web_sys::Event| {
            if held.get_untracked().is_none() && carried() {
                figure.let_it_be();
            }
        })
}

/// Gives the next button of the strip the focus.
fn neighbour(event: &KeyboardEvent, next: bool) {
    let button = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
    let beside = button.and_then(|it| if next { it.next_element_sibling() } else { it.previous_element_sibling() });
    if let Some(button) = beside.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        let _ = button.focus();
    }
}

/// Where a pointer is within its figure.
fn in_figure(event: &PointerEvent) -> Option<Point> {
    let button: Element = event.current_target()?.dyn_into().ok()?;
    let rect = button.closest(".figure-live").ok()??.get_bounding_client_rect();
    Some(Point { x: f64::from(event.client_x()) - rect.left(), y: f64::from(event.client_y()) - rect.top() })
}

/// What the pointer carries, under it.
pub(crate) fn ghost(figure: Figure) -> El {
    let view = figure.view;
    let kind = move || {
        view.aim.with(|aim| match aim.as_ref()?.errand {
            Errand::Add(kind) => Some(kind),
            Errand::Connect(_) => None,
        })
    };
    el("div", "ghost")
        .attr("aria-hidden", "true")
        .live_class("shown", move || view.ghost.with(Option::is_some))
        .live_style("transform", move || view.ghost.get().map(|at| translate(at.x, at.y)).unwrap_or_default())
        .live_child(move || Some(svg("icon", "0 0 24 24", &icon(kind()?))))
}
