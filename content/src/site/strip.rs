//! The strip of key figures under a lesson's title: computed by the model from the stage, never typed in.

use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use maud::{Markup, html};

use crate::show;

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
    let mut figures = vec![KeyFigure {
        name: "Peak load",
        value: show::rate(rate),
        how: "Requests a second in the busiest hour".to_owned(),
    }];
    let options = RunOptions::default();
    if let Ok(run) = run(stage, &options, &mut |_| {}) {
        let outcome = run.outcome;
        if let Some(p95) = outcome.response_ms.p95.known() {
            figures.push(KeyFigure {
                name: "p95 at that load",
                value: format!("{} ms", show::significant(p95)),
                how: format!(
                    "95 of 100 answers come sooner. Simulated for {} s, seed {}",
                    options.seconds, options.seed
                ),
            });
        }
        let busiest = outcome.utilisation.iter().filter_map(|(name, share)| Some((name, share.known()?)));
        if let Some((name, share)) = busiest.max_by(|a, b| a.1.total_cmp(&b.1))
            && share > 0.0
        {
            figures.push(KeyFigure {
                name: "Capacity",
                value: show::rate(rate / share),
                how: format!("{name} is the busiest, at {} % of what it can do", show::significant(share * 100.0)),
            });
        }
    }
    figures.push(KeyFigure {
        name: "Cost a month",
        value: show::dollars(stage.price_per_month()),
        how: "Every machine, all day".to_owned(),
    });
    figures
}
