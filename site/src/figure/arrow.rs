//! The arrows of a board: who calls whom.

use hockeystick_core::figure::title;
use hockeystick_core::number::short;
use hockeystick_core::stage::edit::Spot;
use web_sys::{KeyboardEvent, MouseEvent};

use super::Figure;
use super::dom::{El, svg_part};
use super::follow::REACH_PX;
use super::view::Thing;

/// An arrow. Where the board can be edited it can be chosen and taken away.
pub(crate) fn arrow(figure: Figure, index: usize) -> El {
    let view = figure.view;
    let thing = Thing::Link(index);
    let path =
        move || view.layout.with(|layout| layout.links.get(index).map(|link| link.svg.clone()).unwrap_or_default());
    let lit = move |is: fn(&super::aim::Aim, Spot) -> bool| {
        move || view.aim.with(|aim| aim.as_ref().is_some_and(|aim| is(aim, Spot::Link(index))))
    };
    let arrow = svg_part("g")
        .attr("class", "arrow")
        .live_class("can", lit(super::aim::Aim::may))
        .live_class("aimed", lit(super::aim::Aim::is_at))
        .live_class("chosen", move || view.chosen.get() == Some(thing));
    let line = svg_part("path").attr("class", "line").live_attr("d", path);
    if !figure.can_edit() {
        return arrow.child(line);
    }
    let keys = move |event: KeyboardEvent| match event.key().as_str() {
        "Delete" | "Backspace" => {
            event.prevent_default();
            figure.remove(thing);
        }
        "Enter" | " " => {
            event.prevent_default();
            figure.choose(thing);
        }
        _ => {}
    };
    let name = figure.stage(|stage| {
        let name = |index: usize| stage.components.get(index).map(|it| title(&it.id)).unwrap_or_default();
        stage.links.get(index).map(|link| format!("{} calls {}", name(link.from), name(link.to)))
    });
    arrow
        .attr("tabindex", "0")
        .attr("role", "button")
        .attr("aria-roledescription", "arrow")
        .attr("aria-label", &name.unwrap_or_default())
        .child(svg_part("path").attr("class", "near").live_attr("d", path))
        .child(line)
        .on("keydown", keys)
        .on("click", move |event: MouseEvent| {
            // A request on it is smaller, and was meant.
            if !figure.follow_pressed(&event, REACH_PX) {
                figure.choose(thing);
            }
        })
}

/// The link that is being drawn from a card's port to the pointer.
pub(crate) fn draft(figure: Figure) -> El {
    let view = figure.view;
    let path = move || {
        let from = view.aim.with(|aim| match aim.as_ref()?.errand {
            super::aim::Errand::Connect(from) => Some(from),
            super::aim::Errand::Add(_) => None,
        });
        let ends = from.and_then(|from| {
            let card = view.layout.with(|layout| layout.cards.get(from).map(super::layout::Rect::centre));
            card.zip(view.pointer.get())
        });
        let [a, b] = ends.map(|(a, b)| [a, b].map(|at| format!("{} {}", short(at.x, 1), short(at.y, 1))))?;
        Some(format!("M{a}L{b}"))
    };
    svg_part("path").attr("class", "draft").live_attr("d", move || path().unwrap_or_default())
}
