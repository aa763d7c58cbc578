//! The stages as files, for pages that let their reader choose one: what a figure's attribute holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hockeystick_core::component::Kind;
use hockeystick_core::figure::Figure;
use hockeystick_core::pack;
use maud::{Markup, html};

use super::Page;
use crate::journey::Stop;
use crate::{builtin, draw};

/// A file for each stage: `figures/09-load-balancer/board.txt`, the board alone.
///
/// # Errors
/// What is wrong with a stage file.
pub(super) fn files(stops: &[Stop]) -> Result<Vec<Page>, miette::Report> {
    let file = |stop: &Stop| -> Option<Result<Page, miette::Report>> {
        let stage = builtin::stage(&stop.slug)?;
        Some(stage.map_err(Into::into).map(|mut stage| {
            stage.challenge = None;
            let bytes = URL_SAFE_NO_PAD.encode(pack::to_bytes(&Figure::bare("board", stage))).into_bytes();
            Page { path: format!("figures/{}/board.txt", stop.slug), bytes }
        }))
    };
    stops.iter().filter_map(file).collect()
}

/// Every icon that a board may need, for a page whose boards come later.
pub(super) fn icons() -> Markup {
    html! {
        span hidden {
            @for name in Kind::ALL.iter().map(|kind| kind.key()).chain(["box"]) { (draw::icon(name)) }
        }
    }
}

/// The stages to choose from. `first` is what stands there before one is chosen.
pub(super) fn choice(stops: &[Stop], id: &str, label: &str, first: &str) -> Markup {
    html! {
        label.tool-choice for=(id) { span { (label) }
            select id=(id) {
                option value="" { (first) }
                @for stop in stops {
                    @if builtin::slugs().contains(&stop.slug.as_str()) {
                        option value=(stop.slug) { (stop.number()) " · " (stop.title) }
                    }
                }
            }
        }
    }
}
