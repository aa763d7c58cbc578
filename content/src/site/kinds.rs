//! About the model: a page for each kind of component, with everything that it models and every number it can be given.

use hockeystick_core::component::Kind;
use maud::{Markup, html};

use super::{Content, checked, model};
use crate::draw;
use crate::show;

/// The page that names them all.
pub(super) fn index() -> Content {
    let main = html! {
        main #content.narrow-page {
            h1 { "About the model" }
            p {
                "One model stands behind every figure and behind the predictions of " code { "loadgen" } ". It follows \
                 each request by itself, from the user’s click to the last byte. Its results are compared with queueing \
                 theory wherever theory has an exact answer, and with measurements of real servers."
            }
            p {
                "Each thing that you can put on a board has a page: what it does, what it leaves out, and each of its \
                 numbers with the place that the number comes from."
            }
            p {
                "What nothing here models: people who come back because a page was quick, teams, the day on which a \
                 machine is delivered, and the price of being wrong. Prices and sizes are a catalogue’s, with a source \
                 and a date each; demands are assumptions until you measure your own."
            }
            p { a href="#checked" { "How it is checked" } " is below." }
            ul.kinds {
                @for kind in Kind::ALL {
                    li {
                        span.thing {
                            (draw::icon(kind.key()))
                            a href={ "/model/" (kind.key()) "/" } { (kind.about().name) }
                        }
                        " " span { (show::sentence(kind.about().summary)) }
                    }
                }
            }
            (model::common())
            (checked::section())
        }
    };
    content("About the model", "What is simulated, what is left out, and where every number comes from.", main)
}

/// The page of one kind.
pub(super) fn page(kind: Kind) -> Content {
    let about = kind.about();
    let main = html! {
        main #content.narrow-page {
            p.no { a href="/model/" { "About the model" } }
            h1 { (about.name) }
            (model::one_kind(kind))
        }
    };
    content(about.name, about.summary, main)
}

fn content(title: &str, description: &str, main: Markup) -> Content {
    Content::of_words(title, description, Some("model"), main)
}
