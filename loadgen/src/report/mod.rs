//! One HTML file with everything: opens anywhere, asks nothing of any server, follows light and dark, prints well.

mod chart;
mod html;

use hockeystick_core::as_measured;
use hockeystick_core::judge::Judgement;
use hockeystick_core::measurement::{Results, Step};
use hockeystick_core::stage::Stage;
use miette::Report;

use self::chart::{Curve, Series};
use self::html::Html;
use crate::model;
use crate::table::{number, percent};

/// What goes into a report.
#[derive(Clone, Copy, Debug)]
pub struct Content<'r> {
    /// The measurement.
    pub results: &'r Results,
    /// The model, if there is one.
    pub stage: Option<&'r Stage>,
    /// The verdict, if there is one.
    pub judgement: Option<&'r Judgement>,
    /// Seed of the model's curve.
    pub seed: u64,
}

/// The whole file.
///
/// # Errors
/// When the stage cannot be simulated, or a chart cannot be drawn.
pub fn render(content: &Content<'_>) -> Result<String, Report> {
    let results = content.results;
    let mut html = Html::new(&format!("Load test of {}", results.host));
    html.element("p class=\"sub\"", &subtitle(results));
    if let Some(judgement) = content.judgement {
        html.element("p class=\"verdict\"", &judgement.conclusion());
    }
    let steps: Vec<&Step> = as_measured::comparable(results).into_iter().map(|index| &results.steps[index]).collect();
    if !steps.is_empty() {
        html.element("h2", "Response time over load");
        html.raw("<div class=\"scroll\">");
        html.raw(&latency_chart(content, &steps)?);
        html.raw("</div>");
        html.element("p class=\"note\"", note(content));
    }
    if let Some(judgement) = content.judgement {
        verdicts(&mut html, judgement);
    }
    measured(&mut html, results);
    classes(&mut html, results);
    Ok(html.finish())
}

fn subtitle(results: &Results) -> String {
    format!(
        "{}, {} steps, {} arrivals, seed {}, {} on {} processor{}",
        results.started,
        results.steps.len(),
        match results.arrivals {
            hockeystick_core::workload::Arrivals::Poisson => "Poisson",
            hockeystick_core::workload::Arrivals::Constant => "constant",
        },
        results.seed,
        results.generator.name,
        results.generator.processors,
        if results.generator.processors == 1 { "" } else { "s" },
    )
}

fn note(content: &Content<'_>) -> &'static str {
    if content.stage.is_some() {
        "Lines are the model's, points were measured: filled where the model was calibrated, open where it was not. \
         Bars are 90 % intervals."
    } else {
        "Bars are 90 % intervals."
    }
}

/// Loads between nothing and the highest at which the model's curve is computed.
const CURVE_POINTS: usize = 24;
/// Requests of each of the curve's simulations: a line needs no narrow interval.
const CURVE_REQUESTS: f64 = 60_000.0;

fn latency_chart(content: &Content<'_>, steps: &[&Step]) -> Result<String, Report> {
    use hockeystick_core::measurement::Metric;
    use hockeystick_core::verdict::{CONFIDENCE, predicted};

    let metrics = [(Metric::P50, "p50"), (Metric::Mean, "mean"), (Metric::P95, "p95"), (Metric::P99, "p99")];
    let highest = steps.iter().map(|step| step.offered_per_s()).fold(0.0, f64::max);
    let mut outcomes = Vec::new();
    if let (Some(stage), Some(like)) = (content.stage, steps.last()) {
        for point in 1..=CURVE_POINTS {
            let mut at = as_measured::at_step(stage, content.results, like);
            let rate = highest * 1.05 * point as f64 / CURVE_POINTS as f64;
            at.workload.rate = hockeystick_core::units::Rate::per_second(rate);
            outcomes.push((
                rate,
                as_measured::simulate(&at, content.seed, CURVE_REQUESTS, CONFIDENCE).map_err(model::broken)?.outcome,
            ));
        }
    }
    let series = metrics.map(|(metric, name)| Series {
        name,
        line: outcomes.iter().filter_map(|(rate, o)| Some((*rate, predicted(o, metric).known()?))).collect(),
        points: steps
            .iter()
            .map(|step| (step.offered_per_s(), step.figure(metric, CONFIDENCE), step.held_out))
            .collect(),
    });
    chart::draw(&Curve { series: &series, x_name: "requests a second", y_name: "milliseconds" })
}

fn verdicts(html: &mut Html, judgement: &Judgement) {
    html.element("h2", "Prediction against measurement");
    html.table(&["step", "metric", "predicted", "measured", "error", "90 % of the error", "within", "verdict"]);
    for step in &judgement.steps {
        for comparison in &step.comparisons {
            let error = comparison.error;
            html.row(&[
                format!("{}: {}/s", step.index + 1, number(step.offered_per_s)),
                format!("{} {}", comparison.metric.name(), comparison.metric.unit()),
                number(comparison.predicted.value),
                crate::table::interval(comparison.measured),
                percent(error.value),
                format!("{} to {}", percent(error.low), percent(error.high)),
                comparison.tolerance.map_or_else(String::new, |tolerance| format!("{:.0} %", tolerance * 100.0)),
                step.verdict_on(comparison).to_owned(),
            ]);
        }
    }
    html.end_table();
    for remark in judgement.remarks() {
        html.element("p class=\"doubt\"", &remark);
    }
}

fn measured(html: &mut Html, results: &Results) {
    html.element("h2", "Measured, step by step");
    html.table(&[
        "step",
        "offered /s",
        "answered /s",
        "mean ms",
        "p50",
        "p95",
        "p99",
        "max",
        "errors",
        "no user free",
        "lag p99 ms",
        "busy",
    ]);
    for (index, step) in results.steps.iter().enumerate() {
        let ms = |us: u64| number(us as f64 / 1e3);
        let errors: Vec<String> = step.failed.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let busy: Vec<String> =
            step.stations.iter().map(|(name, busy)| format!("{name} {}", number(busy.processors()))).collect();
        html.row(&[
            format!("{}{}", index + 1, if step.held_out { " (held out)" } else { "" }),
            number(step.offered_per_s()),
            number(step.throughput_per_s()),
            number(step.response.mean_us / 1e3),
            ms(step.response.p50_us),
            ms(step.response.p95_us),
            ms(step.response.p99_us),
            ms(step.response.max_us),
            if errors.is_empty() { "none".to_owned() } else { errors.join(", ") },
            step.users_exhausted.to_string(),
            ms(step.lag.p99_us),
            busy.join(", "),
        ]);
    }
    html.end_table();
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
