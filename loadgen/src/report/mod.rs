//! One HTML file with everything: opens anywhere, asks nothing of any server, follows light and dark, prints well. And the
//! same as [`markdown`] and as [`junit`]'s XML.

mod chart;
mod html;
pub mod junit;
pub mod markdown;
mod plots;
pub mod shards;
pub mod steps;

use hockeystick_core::as_measured;
use hockeystick_core::measurement::{Results, Step};
use miette::Report;

use self::html::Html;
use crate::findings::Findings;
use crate::judge;
use crate::table::number;

/// The whole page. `seed` is that of the model's curve.
///
/// # Errors
/// When the stage cannot be simulated, or a chart cannot be drawn.
pub fn render(results: &Results, findings: Option<&Findings<'_>>, seed: u64) -> Result<String, Report> {
    let mut html = Html::new(&format!("Load test of {}", results.host));
    html.element("p class=\"sub\"", &subtitle(results));
    for remark in results.remarks() {
        html.element("p class=\"doubt\"", &remark);
    }
    if let Some(findings) = findings {
        html.element("p class=\"verdict\"", &findings.judgement.conclusion());
        for capacity in &findings.capacities {
            html.element("p class=\"capacity\"", &capacity.words);
        }
    }
    charts(&mut html, results, findings, seed)?;
    if let Some(findings) = findings {
        verdicts(&mut html, findings);
    }
    measured(&mut html, results);
    generators(&mut html, results);
    classes(&mut html, results);
    Ok(html.finish())
}

fn charts(html: &mut Html, results: &Results, findings: Option<&Findings<'_>>, seed: u64) -> Result<(), Report> {
    let steps: Vec<&Step> = as_measured::comparable(results).into_iter().map(|index| &results.steps[index]).collect();
    if steps.is_empty() {
        return Ok(());
    }
    let mut figure = |title: &str, svg: &str, note: &str| {
        html.raw("<section>");
        html.element("h2", title);
        html.raw(&format!("<div class=\"scroll\">{svg}</div>"));
        html.element("p class=\"note\"", note);
        html.raw("</section>");
    };
    let stage = findings.map(|findings| &findings.loaded.stage);
    figure("Response time over load", &plots::latency(results, stage, &steps, seed)?, plots::note(stage.is_some()));
    if let Some(findings) = findings
        && let Some(svg) = plots::quantiles(findings, seed)?
    {
        figure("Model against measurement, quantile by quantile", &svg, plots::QUANTILES_NOTE);
    }
    figure("The generator's own lag", &plots::lag(&steps)?, plots::LAG_NOTE);
    match plots::failures(&steps)? {
        Some(svg) => figure("Failed requests", &svg, plots::FAILURES_NOTE),
        None => {
            html.element("h2", "Failed requests");
            html.element("p", "None of these steps had one.");
        }
    }
    Ok(())
}

fn subtitle(results: &Results) -> String {
    format!(
        "{}, {} steps, {} arrivals, seed {}, {}{} on {} processor{}",
        results.started,
        results.steps.len(),
        match results.arrivals {
            hockeystick_core::workload::Arrivals::Poisson => "Poisson",
            hockeystick_core::workload::Arrivals::Constant => "constant",
        },
        results.seed,
        results.generator.name,
        if results.merged.is_empty() { String::new() } else { format!(" in {} shards", results.merged.len()) },
        results.generator.processors,
        if results.generator.processors == 1 { "" } else { "s" },
    )
}

fn verdicts(html: &mut Html, findings: &Findings<'_>) {
    let judgement = &findings.judgement;
    html.element("h2", "Prediction against measurement");
    html.table(&judge::COLUMNS);
    for step in &judgement.steps {
        for comparison in &step.comparisons {
            html.row(&judge::cells(step, comparison));
        }
    }
    html.end_table();
    for remark in judgement.remarks() {
        html.element("p class=\"doubt\"", &remark);
    }
    html.element("h2", "The Universal Scalability Law beside the model");
    html.element("p", &findings.rival_words());
}

fn measured(html: &mut Html, results: &Results) {
    html.element("h2", "Measured, step by step");
    html.table(&steps::COLUMNS);
    steps::rows(results).iter().for_each(|row| html.row(row));
    html.end_table();
}

fn generators(html: &mut Html, results: &Results) {
    if results.merged.is_empty() {
        return;
    }
    html.element("h2", "By generator");
    html.table(&shards::COLUMNS);
    shards::rows(results).iter().for_each(|row| html.row(row));
    html.end_table();
    html.element("p class=\"note\"", &shards::clocks(results));
}

fn classes(html: &mut Html, results: &Results) {
    html.element("h2", "By class of request");
    html.table(&["step", "class", "due", "failed", "mean ms", "p50", "p95", "p99"]);
    for (index, step) in results.steps.iter().enumerate() {
        for (class, result) in &step.classes {
            let ms = |us: u64| number(us as f64 / 1e3);
            html.row(&[
                (index + 1).to_string(),
                class.name().to_owned(),
                result.due.to_string(),
                result.failed.to_string(),
                number(result.response.mean_us / 1e3),
                ms(result.response.p50_us),
                ms(result.response.p95_us),
                ms(result.response.p99_us),
            ]);
        }
    }
    html.end_table();
}
