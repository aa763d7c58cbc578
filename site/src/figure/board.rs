//! The board: arrows, machines, cards, and the canvas over them.

use leptos::html;
use leptos::prelude::*;

use super::Figure;
use super::card::{card, machine};
use super::view::Thing;

/// The board of a figure.
pub(crate) fn board(figure: Figure) -> impl IntoView {
    let view = figure.view;
    let element: NodeRef<html::Div> = NodeRef::new();
    let canvas: NodeRef<html::Canvas> = NodeRef::new();
    let (components, machines, links) =
        figure.stage(|stage| (stage.components.len(), stage.machines.len(), stage.links.len()));
    Effect::new(move |_| {
        if let (Some(board), Some(canvas)) = (element.get(), canvas.get()) {
            figure.with(|running| running.attach(board.into(), canvas));
        }
    });
    view! {
        <div
            class="board"
            class:narrow=move || view.layout.with(|layout| layout.narrow)
            class:laid-out=move || view.layout.with(|layout| layout.width > 0.0)
            node_ref=element
            style:height=move || px(view.layout.with(|layout| layout.height))
            role="group"
            aria-label="Board"
        >
            {(0..machines).map(|index| machine(figure, index)).collect_view()}
            <svg class="arrows" aria-hidden="true">
                {(0..links).map(|index| arrow(figure, index)).collect_view()}
            </svg>
            {(0..components).map(|index| card(figure, index)).collect_view()}
            <canvas class="dots" node_ref=canvas aria-hidden="true"></canvas>
            {mark(figure)}
            {failure(figure)}
        </div>
    }
}

fn arrow(figure: Figure, index: usize) -> impl IntoView {
    let path = move || {
        figure.view.layout.with(|layout| layout.links.get(index).map(|link| link.svg.clone()).unwrap_or_default())
    };
    view! { <path d=path></path> }
}

/// The mark of the busiest station.
fn mark(figure: Figure) -> impl IntoView {
    let view = figure.view;
    let place = move || {
        let busiest = view.busiest.get()?;
        view.layout.with(|layout| {
            let rect = match busiest.thing {
                Thing::Component(index) => *layout.cards.get(index)?,
                Thing::Machine(index) => (*layout.machines.get(index)?)?,
            };
            Some((rect.x + rect.width / 2.0, rect.y + rect.height, busiest))
        })
    };
    let text = move || {
        let Some((_, _, busiest)) = place() else { return String::new() };
        let kind = if busiest.what == "CPU" { "" } else { " disk" };
        format!("busiest{kind} · {} %", busiest.percent)
    };
    view! {
        <div
            class="busiest"
            class:shown=move || place().is_some()
            class:warm=move || view.busiest.get().is_some_and(|it| it.percent >= 75)
            class:hot=move || view.busiest.get().is_some_and(|it| it.percent >= 95)
            style:transform=move || place().map_or_else(String::new, |(x, y, _)| translate(x, y))
        >
            <span>{text}</span>
        </div>
    }
}

/// Why nothing runs, and the way out.
fn failure(figure: Figure) -> impl IntoView {
    let view = figure.view;
    move || {
        view.failure.get().map(|why| {
            view! {
                <div class="failure" role="alert">
                    <p><b>"The simulation stopped."</b>" "{why}</p>
                    <button class="button main" on:click=move |_| super::link::retry()>"Start again"</button>
                </div>
            }
        })
    }
}

pub(crate) fn px(value: f64) -> String {
    format!("{}px", value.round())
}

pub(crate) fn translate(x: f64, y: f64) -> String {
    format!("translate({}px,{}px)", (x * 2.0).round() / 2.0, (y * 2.0).round() / 2.0)
}
