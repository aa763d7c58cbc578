//! The page that lays a measurement over the model's curves, and its examples.

use maud::html;

use super::{Content, Page, figures};
use crate::journey::Stop;

/// A measurement to try the page with: its folder, and what the button says.
const EXAMPLES: [(&str, &str); 2] = [("demo", "An example that agrees"), ("demo-drifted", "An example that disagrees")];

pub(super) fn page(stops: &[Stop]) -> Content {
    let main = html! {
        main #content.tool {
            div.title {
                h1 { "Check the model against your deployment" }
                p.lede {
                    "Measure a real deployment with " code { "loadgen" } ", drop the files here, and see whether the \
                     model predicts what you measured: point by point on the curve, and figure by figure in a table."
                }
            }
            hockeystick-check {
                div.check-desk {
                    div.check-drop {
                        p { b { "Drop " code { "RESULTS.json" } " and " code { "FITTED.toml" } " here" } }
                        p.check-buttons {
                            label.button.main.check-file tabindex="-1" {
                                input type="file" multiple accept=".json,.toml,application/json" aria-label="Choose files";
                                span aria-hidden="true" { "Choose files" }
                            }
                            @for (folder, label) in EXAMPLES {
                                button.button type="button" data-example=(folder) { (label) }
                            }
                        }
                        p.check-private {
                            "Nothing is uploaded. Your files are read by this page, in your browser, and forgotten when \
                             you leave."
                        }
                    }
                    (figures::choice(stops, "check-stage", "Or check against a stage of the journey", "Choose a stage"))
                }
                noscript { p.check-note {
                    "This page needs JavaScript. Without it, " code { "loadgen check" } " and " code { "loadgen report" }
                    " say the same in a terminal and in a file."
                } }
                div.check-said role="status" aria-live="polite" {}
                div.check-about {}
                div.check-figure {}
                div.check-found {}
            }
            (figures::icons())
            section.check-how {
                h2 { "Where the files come from" }
                ol {
                    li {
                        code { "loadgen run --host http://localhost:8080 --plan plan.toml --out RESULTS.json" }
                        " sends the load of a plan, step by step. Steps that are " code { "held_out" }
                        " are kept back, to be predicted."
                    }
                    li {
                        code { "loadgen calibrate RESULTS.json --stage stage.toml --out FITTED.toml" }
                        " finds out from the lighter steps how much work a request is."
                    }
                    li {
                        "Here, or with " code { "loadgen check RESULTS.json --stage FITTED.toml" }
                        ": the heavier steps are predicted and compared. Both run the same code with the same seed and \
                         say the same."
                    }
                }
                p {
                    code { "cargo xtask demo" } " does all three on your own machine, with an app of the repository, in \
                     about two and a half minutes."
                }
            }
        }
    };
    Content {
        title: "Check the model against your deployment".to_owned(),
        description:
            "Drop a measurement by loadgen and see whether the model predicts it: measured points on the curve, \
                      and a verdict for each figure. Nothing is uploaded."
                .to_owned(),
        here: Some("check"),
        stage_number: None,
        stops: Vec::new(),
        main,
        needs_figures: true,
        tool: Some("check.js"),
    }
}

/// The examples' files.
pub(super) fn files() -> impl Iterator<Item = Page> {
    let files: [(&str, &[u8]); 4] = [
        ("demo/RESULTS.json", include_bytes!("../../measurements/demo/RESULTS.json")),
        ("demo/FITTED.toml", include_bytes!("../../measurements/demo/FITTED.toml")),
        ("demo-drifted/RESULTS.json", include_bytes!("../../measurements/demo-drifted/RESULTS.json")),
        ("demo-drifted/FITTED.toml", include_bytes!("../../measurements/demo-drifted/FITTED.toml")),
    ];
    files.into_iter().map(|(path, bytes)| Page { path: format!("measurements/{path}"), bytes: bytes.to_vec() })
}
