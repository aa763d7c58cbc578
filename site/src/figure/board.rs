//! The board: arrows, machines, cards, and the canvas over them.
//!
//! The board is a place on the page; what stands on it is in one layer that is zoomed and moved as a whole. When something
//! is added or taken away, the layer's elements are built anew.

use std::rc::Rc;

use hockeystick_core::number::short;
use leptos::prelude::Owner;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, MouseEvent};

use super::Figure;
use super::arrow::{arrow, draft};
use super::card::{card, machine, warmth};
use super::carry::catcher;
use super::dom::{El, button, el, svg};
use super::eye::looked_at;
use super::view::{Busiest, Thing};
use crate::dom::px;

/// The board of a figure.
pub(crate) fn board(figure: Figure) -> El {
    let view = figure.view;
    let world = el("div", "world")
        .live_style("width", move || px(view.layout.with(|layout| layout.width)))
        .live_style("height", move || px(view.layout.with(|layout| layout.height)))
        .live_style("transform", move || view.layout.with(|layout| view.eye.with(|eye| eye.transform(layout))));
    let board = el("div", "board")
        .attr("role", "group")
        .attr("aria-label", "Board")
        .attr("tabindex", "-1")
        .live_class("narrow", move || view.layout.with(|layout| layout.narrow))
        .live_class("laid-out", move || view.layout.with(|layout| layout.width > 0.0))
        .live_class("aiming", move || view.aim.with(Option::is_some))
        .live_style("height", move || px(view.layout.with(|layout| layout.height * layout.fit)))
        .child(world.clone())
        .child(catcher(figure))
        .on("keydown", move |event| keys(figure, &event))
        .live_child(move || failure(figure));
    let board = looked_at(figure, board);
    let board = board.on("click", move |event: MouseEvent| super::follow::clicked(figure, &event));
    // The elements of one board end with it.
    let owner = Owner::new();
    let build = move || {
        owner.cleanup();
        world.clear();
        owner.with(|| fill(figure, world.clone()));
    };
    figure.with(|running| running.attach(board.html(), Box::new(build)));
    board
}

/// Builds what stands on the board.
fn fill(figure: Figure, world: El) {
    let (components, machines, links) = figure.stage(|stage| {
        figure.view.begin_board(stage);
        (stage.components.len(), stage.machines.len(), stage.links.len())
    });
    let canvas = el("canvas", "dots").attr("aria-hidden", "true");
    figure.with(|running| running.draw_on(canvas.html().unchecked_into()));
    let mut arrows = svg("arrows", "", "").children((0..links).map(|index| arrow(figure, index))).child(draft(figure));
    if figure.can_edit() {
        arrows = arrows.attr("aria-hidden", "false");
    }
    drop(
        world
            .children((0..machines).map(|index| machine(figure, index)))
            .child(arrows)
            .children(
                (0..components).flat_map(|index| {
                    std::iter::once(card(figure, index)).chain(super::breaks::at_card(figure, index))
                }),
            )
            .child(canvas)
            .child(mark(figure)),
    );
}

/// Keys of the whole board.
pub(crate) fn keys(figure: Figure, event: &KeyboardEvent) {
    // What is carried by a press is aimed with the keys from wherever that press has put the focus.
    if event.default_prevented() || figure.aim_by(event) || !(event.ctrl_key() || event.meta_key()) {
        return;
    }
    match (event.key().to_ascii_lowercase().as_str(), event.shift_key()) {
        ("z", back) => figure.travel(!back),
        ("y", false) => figure.travel(false),
        _ => return,
    }
    event.prevent_default();
}

/// The mark of the busiest station.
fn mark(figure: Figure) -> El {
    let view = figure.view;
    let place = move |busiest: Busiest| {
        view.layout.with(|layout| {
            let rect = match busiest.thing {
                Thing::Component(index) => *layout.cards.get(index)?,
                Thing::Machine(index) => (*layout.machines.get(index)?)?,
                Thing::Link(_) => return None,
            };
            Some(translate(rect.x + rect.width / 2.0, rect.y + rect.height))
        })
    };
    let text = |busiest: Busiest| {
        let kind = if busiest.what == "CPU" { String::new() } else { format!(" {}", busiest.what) };
        format!("busiest{kind} · {}\u{a0}%", busiest.percent)
    };
    warmth(el("div", "busiest"), Rc::new(move || view.busiest.get().map_or(0, |it| it.percent)))
        .live_class("shown", move || view.busiest.get().is_some())
        .live_style("transform", move || view.busiest.get().and_then(place).unwrap_or_default())
        .child(el("span", "").live_text(move || view.busiest.get().map(text).unwrap_or_default()))
}

/// The way back for a reader who looks at a part of a board that has no tools, as two fingers make it.
pub(crate) fn way_back(figure: Figure) -> Option<El> {
    let closer = move || figure.view.eye.with(|eye| eye.zoom > 1.0);
    let shown = move || if closer() { "" } else { "none" }.to_owned();
    (!figure.can_edit()).then(|| {
        button("button", "See all of the board").live_style("display", shown).on_click(move || figure.see_all())
    })
}

/// What is to be connected before it can run. It stands below the board, where it can cover nothing.
pub(crate) fn missing(figure: Figure) -> Option<El> {
    let what = figure.view.missing.get()?;
    Some(el("p", "missing").attr("role", "status").text(&what))
}

/// Why nothing runs, and the way out.
fn failure(figure: Figure) -> Option<El> {
    let why = figure.view.failure.get()?;
    let words = el("p", "").child(el("b", "").text("The simulation stopped.")).text(" ").text(&why);
    let again = button("button main", "Start again").on_click(super::link::retry);
    Some(el("div", "failure").attr("role", "alert").child(words).child(again))
}

pub(crate) fn translate(x: f64, y: f64) -> String {
    let half = |value: f64| short((value * 2.0).round() / 2.0, 1);
    format!("translate({}px,{}px)", half(x), half(y))
}
