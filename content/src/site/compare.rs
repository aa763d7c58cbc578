//! The page that lets two boards carry the same traffic, side by side.

use maud::{Markup, html};

use super::{Content, figures};
use crate::journey::Stop;

pub(super) fn page(stops: &[Stop]) -> Content {
    let main = html! {
        main #content.tool {
            div.title {
                h1 { "Two boards, the same traffic" }
                p.lede {
                    "Both get the same requests at the same moments: what differs is the architecture. Below the boards \
                     stands by how much, and how sure that is."
                }
            }
            hockeystick-compare {
                (bar())
                div.compare-sides {
                    (side(stops, "a", "A", "09-load-balancer"))
                    (side(stops, "b", "B", "11-cache"))
                }
                noscript { p.check-note { "This page needs JavaScript: nothing runs without it." } }
                div.check-said role="status" aria-live="polite" {}
                section.compare-found aria-labelledby="difference" {
                    h2 #difference { "From A to B" }
                    div.compare-table-place { p.check-note { "Choose two boards." } }
                }
            }
            (figures::icons())
            section.check-how {
                h2 { "How a difference is told" }
                p {
                    "One run of each proves little: a few heavy requests can decide it. So both boards run twenty times \
                     in the background, each time with another seed, and each time with the same seed on both sides. The \
                     luck of a run is then in both and cancels in their difference; how much that scatters from seed to \
                     seed gives its 95 % interval. When the interval holds zero, no difference can be told."
                }
            }
        }
    };
    Content {
        title: "Compare two boards".to_owned(),
        description:
            "Two architectures under the same simulated traffic, side by side, and the difference of each figure \
                      with its confidence interval."
                .to_owned(),
        here: Some("compare"),
        stage_number: None,
        stops: Vec::new(),
        main,
        needs_figures: true,
        tool: Some("compare.js"),
    }
}

/// What drives both.
fn bar() -> Markup {
    html! {
        div.compare-bar role="group" aria-label="Both boards" {
            button.button.main type="button" data-do="run" disabled { "Play both" }
            button.button type="button" data-do="step" disabled { "Step" }
            button.button type="button" data-do="restart" disabled { "Start over" }
            label.tool-field { span { "Load" }
                input.slider type="range" data-do="load" min="0" max="100" step="any" disabled;
                output {}
            }
            label.tool-field { span { "Speed" }
                input.slider type="range" data-do="speed" min="0" max="15" step="1" disabled;
                output {}
            }
            label.tool-field { span { "Seed" }
                input.number type="text" inputmode="numeric" autocomplete="off" data-do="seed" value="1" disabled;
            }
        }
    }
}

/// One of the two boards; `first` is the stage that is there when the address names none.
fn side(stops: &[Stop], name: &str, label: &str, first: &str) -> Markup {
    html! {
        section.compare-side data-side=(name) data-first=(first) aria-label={ "Board " (label) } {
            (figures::choice(stops, &format!("compare-{name}"), label, "Choose a board"))
            div.compare-place {}
        }
    }
}
