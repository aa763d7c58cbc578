//! The page with an empty board, every component at hand, and each stage as a start.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::Figure;
use hockeystick_core::stage::{Component, Stage};
use hockeystick_core::units::Rate;
use hockeystick_core::workload::Workload;
use maud::html;

use super::{Content, figures, room};
use crate::journey::Stop;

/// Height of a board on which there is little yet; `tools.css` gives it.
const BOARD_LEAST: f64 = 400.0;
/// Requests a second that the users of an empty board send.
const RATE_PER_S: f64 = 20.0;

pub(super) fn page(stops: &[Stop]) -> Content {
    let main = html! {
        main #content.tool {
            div.title {
                h1 { "Sandbox" }
                p.lede {
                    "Build your own. Drop components on the board, or on an arrow to put them between its ends. Drag \
                     from the ring at the edge of one to another to connect the two. Or begin with a stage of the journey."
                }
            }
            hockeystick-sandbox {
                div.sandbox-bar role="group" aria-label="The board" {
                    (figures::choice(stops, "sandbox-stage", "Begin with", "An empty board"))
                    label.button.check-file {
                        input type="file" accept=".json,.toml,application/json" aria-label="Open a file";
                        span aria-hidden="true" { "Open a file" }
                    }
                    button.button type="button" data-do="save" { "Save as a file" }
                    button.button type="button" data-do="back" hidden { "Back to the board before" }
                }
                div.check-said role="status" aria-live="polite" {}
                div.sandbox-place {
                    figure.figure {
                        hockeystick-figure #fig-sandbox data-figure=(figures::encoded(&empty().open())) {
                            div.still { (room::room(&empty().open(), BOARD_LEAST)) }
                        }
                    }
                }
                noscript { p.check-note { "This page needs JavaScript: nothing runs without it." } }
            }
            (figures::icons())
            section.check-how {
                h2 { "Files" }
                p {
                    "A saved board is JSON with everything in it. " code { "loadgen predict board.json" } " reads it as it \
                     reads a stage file: theory and simulation side by side, in a terminal. The page opens both, in your \
                     browser; nothing is uploaded."
                }
            }
        }
    };
    Content {
        title: "Sandbox".to_owned(),
        description:
            "An empty board and every component of the model: build an architecture, give it traffic, break it."
                .to_owned(),
        here: Some("sandbox"),
        stage_number: None,
        stops: Vec::new(),
        main,
        needs_figures: true,
        tool: Some("sandbox.js"),
    }
}

/// Users, and nobody who answers them yet.
fn empty() -> Figure {
    let users = Component {
        id: "users".to_owned(),
        copies: 1,
        machine: None,
        region: None,
        at: [120.0, 235.0],
        settings: Kind::Clients.default_settings(),
    };
    let stage = Stage {
        title: "My board".to_owned(),
        workload: Workload { rate: Rate::per_second(RATE_PER_S), ..Workload::default() },
        components: vec![users],
        ..Stage::default()
    };
    Figure::bare("sandbox", stage)
}
