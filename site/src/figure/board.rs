//! The board: arrows, machines, cards, and the canvas over them.

use hockeystick_core::number::short;
use wasm_bindgen::JsCast;

use super::Figure;
use super::card::{card, machine};
use super::dom::{El, button, el, svg, svg_path};
use super::view::{Busiest, Thing};

/// The board of a figure.
pub(crate) fn board(figure: Figure) -> El {
    let view = figure.view;
    let (components, machines, links) =
        figure.stage(|stage| (stage.components.len(), stage.machines.len(), stage.links.len()));
    let canvas = el("canvas", "dots").attr("aria-hidden", "true");
    let board = el("div", "board")
        .attr("role", "group")
        .attr("aria-label", "Board")
        .live_class("narrow", move || view.layout.with(|layout| layout.narrow))
        .live_class("laid-out", move || view.layout.with(|layout| layout.width > 0.0))
        .live_style("height", move || px(view.layout.with(|layout| layout.height)))
        .children((0..machines).map(|index| machine(figure, index)))
        .child(svg("arrows", "", "").children((0..links).map(|index| arrow(figure, index))))
        .children((0..components).map(|index| card(figure, index)))
        .child(canvas.clone())
        .child(mark(figure))
        .live_child(move || failure(figure));
    figure.with(|running| running.attach(board.html(), canvas.html().unchecked_into()));
    board
}

fn arrow(figure: Figure, index: usize) -> El {
    let layout = figure.view.layout;
    let path = move || layout.with(|layout| layout.links.get(index).map(|link| link.svg.clone()).unwrap_or_default());
    svg_path().live_attr("d", path)
}

/// The mark of the busiest station.
fn mark(figure: Figure) -> El {
    let view = figure.view;
    let place = move |busiest: Busiest| {
        view.layout.with(|layout| {
            let rect = match busiest.thing {
                Thing::Component(index) => *layout.cards.get(index)?,
                Thing::Machine(index) => (*layout.machines.get(index)?)?,
            };
            Some(translate(rect.x + rect.width / 2.0, rect.y + rect.height))
        })
    };
    let text = |busiest: Busiest| {
        let kind = if busiest.what == "CPU" { "" } else { " disk" };
        format!("busiest{kind} · {}\u{a0}%", busiest.percent)
    };
    let at_least = move |percent| view.busiest.get().is_some_and(|it| it.percent >= percent);
    el("div", "busiest")
        .live_class("shown", move || view.busiest.get().is_some())
        .live_class("warm", move || at_least(75))
        .live_class("hot", move || at_least(95))
        .live_style("transform", move || view.busiest.get().and_then(place).unwrap_or_default())
        .child(el("span", "").live_text(move || view.busiest.get().map(text).unwrap_or_default()))
}

/// Why nothing runs, and the way out.
fn failure(figure: Figure) -> Option<El> {
    let why = figure.view.failure.get()?;
    let words = el("p", "").child(el("b", "").text("The simulation stopped.")).text(" ").text(&why);
    let again = button("button main", "Start again").on_click(super::link::retry);
    Some(el("div", "failure").attr("role", "alert").child(words).child(again))
}

pub(crate) fn px(value: f64) -> String {
    short(value, 0) + "px"
}

pub(crate) fn translate(x: f64, y: f64) -> String {
    let half = |value: f64| short((value * 2.0).round() / 2.0, 1);
    format!("translate({}px,{}px)", half(x), half(y))
}
