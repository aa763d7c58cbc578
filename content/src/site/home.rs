//! The first page: what this is, and a figure to try.

use maud::html;

use super::{Chapter, Content, figure};
use crate::journey::Stop;

pub(super) fn page(stops: &[Stop], chapters: &[Chapter]) -> Content {
    let first = chapters.first();
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
                @if let Some(block) = chapter.lesson.first_figure() { (figure(block, &chapter.curves)) }
                p.start {
                    a.go href={ "/stages/" (chapter.stop.slug) "/" } { "Begin with stage 1: " (chapter.stop.title) }
                }
            }
            div.doors {
                section {
                    h2 { a href="/stages/" { "Read" } }
                    p {
                        "Lessons of a quarter of an hour. Something breaks, you look inside, you predict, you turn the \
                         knob. No mathematics needed; the formula is there for those who want it."
                    }
                    p.now { (written(chapters.len(), stops.len())) }
                }
                section {
                    h2 { @if let Some(chapter) = first {
                        a href={ "/stages/" (chapter.stop.slug) "/" } { "Teach" }
                    } @else { "Teach" } }
                    p {
                        "A figure is the same for everyone: the same seed gives the same run, to the request. Put a \
                         lesson on the wall, let the room guess, then press play."
                    }
                    p.now { "Today: the lessons. Figures to embed in slides are to come." }
                }
                section {
                    h2 { "Measure" }
                    p {
                        "The model makes claims, so check them. " code { "loadgen" }
                        " drives a real deployment, fits the model to the lighter loads and says whether it holds at \
                         the heavier ones."
                    }
                    p.now { "Today: a program in the repository, for deployments of your own." }
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

fn written(lessons: usize, stages: usize) -> String {
    match lessons {
        1 => format!("Today: the first lesson of {stages}. The map shows the rest of the way."),
        _ => format!("Today: {lessons} of {stages} lessons."),
    }
}
