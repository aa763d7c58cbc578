//! The first page: what this is, and a figure to try.

use maud::html;

use super::{Chapter, Content, Printed, figure};

pub(super) fn page(chapters: &[Chapter]) -> Content {
    let (first, mut printed) = (chapters.first(), Printed::default());
    let main = html! {
        main #content.home {
            div.title {
                h1 { "Watch a web app grow until it breaks" }
                p.lede {
                    "One app, from its first user to ten million. Each request is simulated, one by one, and you can \
                     see it: where it waits, when it falls, and what you can do about it."
                }
            }
            @if let Some(chapter) = first {
                @if let Some(block) = chapter.lesson.first_figure() { (figure(block, &chapter.curves, &mut printed)) }
                p.start {
                    a.go href={ "/stages/" (chapter.stop.slug) "/" } { "Begin with stage 1: " (chapter.stop.title) }
                }
            }
            div.doors {
                section {
                    h2 { a href="/stages/" { "Read" } }
                    p {
                        "At each of 21 stages something breaks. Look inside, guess, turn the knob, mend it by hand, and \
                         break what you have mended. No mathematics needed; the formula is there for those who want it."
                    }
                    p.now { a href="/stages/" { "The map of the journey" } }
                }
                section {
                    h2 { a href="/embed/" { "Teach" } }
                    p {
                        "A figure is the same for everyone: the same seed gives the same run, to the request. Put one \
                         on a slide or a page of yours, let the room guess, then press play."
                    }
                    p.now { a href="/embed/" { "How to put a figure into a page" } }
                }
                section {
                    h2 { a href="/check/" { "Measure" } }
                    p {
                        "The model makes claims, so check them. " code { "loadgen" }
                        " drives a real deployment, fits the model to the lighter loads and says whether it holds at \
                         the heavier ones."
                    }
                    p.now { a href="/check/" { "Judge a measurement of yours" } " · " a href="/model/#checked" { "How the model is checked" } }
                }
            }
        }
    };
    Content {
        title: "Hockeystick: watch a web app grow until it breaks".to_owned(),
        description: "Lessons on scaling a web app, in which every request is simulated and can be watched: from one \
                      server to ten million users."
            .to_owned(),
        here: Some("home"),
        stage_number: None,
        stops: Vec::new(),
        main,
        needs_figures: true,
        tool: None,
    }
}
