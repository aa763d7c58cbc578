//! The palette: what a reader may drag onto the board.
//!
//! A drag carries a kind to its place; a press takes it up, and the next press says where it goes; Enter takes it up to be
//! dropped by keyboard. The page's sprite has the icons.

use hockeystick_core::component::Kind;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::Figure;
use super::aim::Errand;
use super::board::translate;
use super::carry;
use super::dom::{El, button, el, svg};
use super::view::icon;
use crate::dom::plain_key;

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
    let strip = el("div", "palette")
        .attr("role", "toolbar")
        .attr("aria-label", "Drag onto the board, or press, then press a place");
    Some(strip.children(kinds.into_iter().map(button)))
}

fn item(figure: Figure, button: El, kind: Kind) -> El {
    let keys = move |event: KeyboardEvent| {
        if figure.aim_by(&event) {
            return;
        }
        match plain_key(&event).as_str() {
            "Enter" | " " => {
                event.prevent_default();
                figure.take_up_by_key(Errand::Add(kind));
            }
            "ArrowRight" => neighbour(&event, true),
            "ArrowLeft" => neighbour(&event, false),
            _ => {}
        }
    };
    let button = button
        .live_class("carried", move || {
            figure.view.aim.with(|aim| aim.as_ref().is_some_and(|aim| aim.errand == Errand::Add(kind)))
        })
        .on("keydown", keys);
    carry::handle(figure, button, Errand::Add(kind))
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
