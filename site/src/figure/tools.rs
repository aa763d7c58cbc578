//! The tools of a board: take back, tidy up, look closer.

use super::Figure;
use super::dom::{El, button, el, svg};

/// A row of small buttons.
pub(crate) fn tools(figure: Figure) -> El {
    let view = figure.view;
    let can = move |back: bool| {
        view.stage_version.track();
        view.moving.get();
        let mut can = (false, false);
        figure.drive(|handle| can = handle.can_travel());
        if back { can.0 } else { can.1 }
    };
    let larger = move || view.eye.with(|eye| eye.zoom > 1.0);
    el("div", "tools")
        .attr("role", "toolbar")
        .attr("aria-label", "Tools of the board")
        .child(
            tool("Undo (Ctrl+Z)", "M3 7h7a3.500 3.500 0 0 1 0 7h-3M6 4 3 7l3 3")
                .live_off(move || !can(true))
                .on_click(move || figure.travel(true)),
        )
        .child(
            tool("Redo (Ctrl+Shift+Z)", "M13 7h-7a3.500 3.500 0 0 0 0 7h3M10 4l3 3-3 3")
                .live_off(move || !can(false))
                .on_click(move || figure.travel(false)),
        )
        .child(tool("Tidy up", "M2.500 3h4v4h-4zM9.500 9h4v4h-4zM6.500 5h5v4").on_click(move || figure.tidy()))
        .child(tool("Look closer", "M3 8h10M8 3v10").on_click(move || figure.zoom(true)))
        .child(
            tool("Look from farther away", "M3 8h10").live_off(move || !larger()).on_click(move || figure.zoom(false)),
        )
        .child(
            tool("See all of it", "M3 6v-3h3M10 3h3v3M13 10v3h-3M6 13h-3v-3")
                .live_off(move || !larger())
                .on_click(move || figure.see_all()),
        )
}

fn tool(name: &str, drawing: &str) -> El {
    button("button icon-only tool", "").attr("aria-label", name).attr("title", name).child(svg(
        "",
        "0 0 16 16",
        &format!("<path d=\"{drawing}\"/>"),
    ))
}
