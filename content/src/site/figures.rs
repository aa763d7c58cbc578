//! The stages as files, for pages that let their reader choose one: what a figure's attribute holds.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::Figure;
use hockeystick_core::pack;
use hockeystick_core::stage::Stage;
use maud::{Markup, html};

use super::{Chapter, Page};
use crate::draw;
use crate::journey::Stop;

/// Two files for each stage: `figures/09-load-balancer/board.txt`, the board alone, at the speed of the stage's own figure;
/// and `sandbox.txt`, the same with everything at hand.
pub(super) fn files(chapters: &[Chapter]) -> Vec<Page> {
    let file = |Chapter { stop, stage, shown, .. }: &Chapter| {
        let stage = Stage { challenge: None, ..stage.clone() };
        let figure = Figure { speed: shown.figure.speed, ..Figure::bare("board", stage) };
        let page = |name: &str, figure: &Figure| {
            let path = format!("figures/{}/{name}.txt", stop.slug);
            Page { path, bytes: encoded(figure).into_bytes() }
        };
        [page("board", &figure), page("sandbox", &figure.clone().open())]
    };
    chapters.iter().flat_map(file).collect()
}

/// A figure as an attribute's value.
pub(super) fn encoded(figure: &Figure) -> String {
    pack::to_text(figure)
}

/// Every icon that a board may need, for a page whose boards come later.
pub(super) fn icons() -> Markup {
    let names = Kind::ALL.iter().map(|kind| kind.key()).chain(["box", "static", "read", "write", "job"]);
    html! { span hidden { @for name in names { (draw::icon(name)) } } }
}

/// The stages to choose from. `first` is what stands there before one is chosen.
pub(super) fn choice(stops: &[Stop], id: &str, label: &str, first: &str) -> Markup {
    html! {
        label.tool-choice for=(id) { span { (label) }
            select id=(id) {
                option value="" { (first) }
                @for stop in stops {
                    option value=(stop.slug) { (stop.number()) " · " (stop.title) }
                }
            }
        }
    }
}
