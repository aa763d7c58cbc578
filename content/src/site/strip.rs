//! The strip of key figures under a lesson's title: computed by the model from the stage as it is in the end, never typed in.
//! Its figures may begin with less.

use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::response_curve;
use maud::{Markup, html};

use crate::show;

/// Requests that a percentile is told from, about.
const ENOUGH: f64 = 100_000.0;

/// One figure of the strip.
struct KeyFigure {
    name: &'static str,
    value: String,
    /// How it was found, for those who ask.
    how: String,
}

pub(super) fn strip(stage: &Stage) -> Markup {
    html! {
        dl.strip {
            @for figure in key_figures(stage) {
                div title=(figure.how) { dt { (figure.name) } dd { (figure.value) } }
            }
        }
    }
}

fn key_figures(stage: &Stage) -> Vec<KeyFigure> {
    let rate = stage.workload.rate.per_s();
    let mut figures =
        vec![KeyFigure { name: "Peak load", value: show::rate(rate), how: "In the busiest hour".to_owned() }];
    // Enough to tell a percentile; a busy stage has that soon.
    let seconds = (ENOUGH / rate.max(1e-3)).clamp(10.0, RunOptions::default().seconds);
    let options = RunOptions { seconds, ..RunOptions::default() };
    let run = run(stage, &options, &mut |_| {}).ok();
    if let Some(p95) = run.and_then(|run| run.outcome.response_ms.p95.known()) {
        figures.push(KeyFigure {
            name: "p95 when done",
            value: format!("{} ms", show::significant(p95)),
            how: format!(
                "95 of 100 answers come sooner: simulated for {} s, seed {}",
                show::significant(seconds),
                options.seed
            ),
        });
    }
    let load = response_curve(stage, &[rate]).first().map_or(0.0, |point| point.load);
    if load > 0.0 {
        figures.push(KeyFigure {
            name: "Capacity when done",
            value: show::rate(rate / load),
            how: format!("At peak load the busiest part does {} % of what it can", show::significant(load * 100.0)),
        });
    }
    figures.push(KeyFigure {
        name: "Machines a month, when done",
        value: show::dollars(stage.price_per_month()),
        how: "Every machine, all day".to_owned(),
    });
    figures
}
