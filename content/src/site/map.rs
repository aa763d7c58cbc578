//! The map of the journey: every stage, and how far this reader has come.

use maud::{Markup, html};

use super::Content;
use crate::journey::Stop;

pub(super) fn page(stops: &[Stop]) -> Content {
    let main = html! {
        main #content.map {
            div.title {
                h1 { "The journey" }
                p.lede {
                    "Tick is a to-do list that people share. Its users grow from one to ten million a day, and at each \
                     stage something else gives way first."
                }
                p {
                    "A stage marked " i { "lesson" } " is told from the beginning. The others are a board with things to turn, to \
                     break and to solve."
                }
            }
            (curve(stops))
            p.progress hidden {
                span.so-far {} " "
                a.go-on href="/stages/01-single-server/" hidden { "Go on" } " "
                button.forget type="button" { "Forget my progress" }
            }
            ol.stages {
                @for (index, stop) in stops.iter().enumerate() {
                    li {
                        span.no { (index + 1) }
                        div {
                            h2 { a href={ "/stages/" (stop.slug) "/" } { (stop.title) } }
                            p { (stop.broke) }
                        }
                        p.users {
                            b { (stop.users) } " users a day"
                            @if stop.has_lesson() { span.tag { "lesson" } }
                        }
                    }
                }
            }
        }
    };
    Content {
        title: "The journey".to_owned(),
        description: "The 21 stages of a web app from one server to ten million users, and what breaks at each."
            .to_owned(),
        here: Some("map"),
        stage_number: None,
        stops: stops.to_vec(),
        main,
        needs_figures: false,
        tool: None,
    }
}

/// Users over stages: the other hockey stick. To scale, so the first half lies on the floor.
fn curve(stops: &[Stop]) -> Markup {
    const WIDTH: f64 = 1000.0;
    const HEIGHT: f64 = 190.0;
    let most = stops.iter().map(|stop| stop.daily_users).fold(1.0, f64::max);
    let point = |index: usize, stop: &Stop| {
        let x = 20.0 + (WIDTH - 40.0) * index as f64 / (stops.len().max(2) - 1) as f64;
        (x, 20.0 + (HEIGHT - 40.0) * (1.0 - stop.daily_users / most))
    };
    let points: Vec<(f64, f64)> = stops.iter().enumerate().map(|(index, stop)| point(index, stop)).collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
    html! {
        svg.users-curve viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
            aria-label="Daily users over the 21 stages: flat for a long time, then suddenly steep, up to ten million" {
            path.floor d={ "M20 " (HEIGHT - 19.0) "H980" } {}
            polyline points=(line.join(" ")) {}
            @for (stop, (x, y)) in stops.iter().zip(&points) {
                circle data-stage=(stop.slug) cx=(x.round()) cy=(y.round()) r="5" {}
            }
            text x="955" y="24" text-anchor="end" { "10 million users a day" }
            text x="20" y="160" { "1,000" }
        }
    }
}
