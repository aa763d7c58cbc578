//! The hockey stick as a still picture: mean response time over load, as theory has it and as it was simulated.

use hockeystick_core::outcome::Estimate;
use hockeystick_core::settings::Unit;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::response_curve;
use hockeystick_core::units::Rate;
use maud::{Markup, html};

use crate::show;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 210.0;
/// The plot's edges within the picture.
const LEFT: f64 = 50.0;
const RIGHT: f64 = 310.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 178.0;
/// Points of the line; they stand closer where it bends.
const POINTS: usize = 24;

/// Loads that are simulated, as shares of what the stage can carry.
const SIMULATED: [f64; 7] = [0.2, 0.45, 0.65, 0.8, 0.9, 0.95, 0.98];
/// Requests that a simulation of an idle stage takes; the nearer to saturation, the more it takes to tell.
const REQUESTS: f64 = 1_500.0;
/// Most requests that a simulation takes.
const REQUESTS_MAX: f64 = 30_000.0;

/// The curve of a stage with its operating point; nothing where theory has no answer.
pub(crate) fn curve(stage: &Stage) -> Markup {
    let Some(plot) = Plot::of(stage) else { return html! {} };
    let capacity = plot.capacity_per_s;
    let label = format!(
        "Response time over load: {} with nobody else there, and without end towards {}",
        ms(plot.idle_ms),
        show::rate(capacity)
    );
    html! {
        div.still-curve {
            p { b { "Response time over load" } " line: theory · dots: simulated · ring: this load" }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) {
                path.c-axis d={ "M" (LEFT) " " (TOP) "V" (BOTTOM) "H" (RIGHT) } {}
                path.c-grid d={ "M" (LEFT) " " (plot.y(plot.top_ms / 2.0)) "H" (RIGHT) "M" (plot.x(capacity)) " " (TOP) "V" (BOTTOM) } {}
                @for share in [0.5, 1.0] {
                    text.b-meta x=(LEFT - 6.0) y=(plot.y(plot.top_ms * share) + 4.0) text-anchor="end" { (ms(plot.top_ms * share)) }
                }
                text.b-meta x=(LEFT) y=(BOTTOM + 18.0) { "0" }
                text.b-meta x=(plot.x(capacity)) y=(BOTTOM + 18.0) text-anchor="middle" { (show::rate(capacity)) }
                polyline.c-line points=(plot.line.join(" ")) {}
                path.c-intervals d=(plot.intervals.join("")) {}
                path.c-dots d=(plot.dots.join("")) {}
                @if let Some((x, y)) = plot.here { circle.c-here cx=(x) cy=(y) r="5.5" {} }
            }
        }
    }
}

/// Where everything is.
struct Plot {
    capacity_per_s: f64,
    idle_ms: f64,
    top_ms: f64,
    line: Vec<String>,
    /// Simulated points: each a line of no length, which has round ends.
    dots: Vec<String>,
    /// The points' 95 % intervals.
    intervals: Vec<String>,
    /// The operating point, where it is on the picture.
    here: Option<(f64, f64)>,
}

impl Plot {
    fn of(stage: &Stage) -> Option<Self> {
        let probe = response_curve(stage, &[1.0]).first()?.load;
        let capacity_per_s = (probe > 0.0).then(|| 1.0 / probe)?;
        // Up to the edge of saturation, with more points the nearer.
        let loads: Vec<f64> = (0..POINTS).map(|step| (step as f64 + 0.3) / POINTS as f64).collect();
        let rates: Vec<f64> = loads.iter().map(|t| capacity_per_s * 0.995 * (1.0 - (1.0 - t) * (1.0 - t))).collect();
        let points = response_curve(stage, &rates);
        let idle_ms = points.iter().find_map(|point| point.mean_ms)?;
        let top_ms = round_up(idle_ms * 4.5);
        let mut plot = Self {
            capacity_per_s,
            idle_ms,
            top_ms,
            line: Vec::new(),
            dots: Vec::new(),
            intervals: Vec::new(),
            here: None,
        };
        for point in &points {
            let Some(mean_ms) = point.mean_ms else { continue };
            let (x, y) = (plot.x(point.rate_per_s), plot.y(mean_ms));
            plot.line.push(format!("{x},{}", y.max(TOP)));
            if y <= TOP {
                break;
            }
        }
        for load in SIMULATED {
            let rate = capacity_per_s * load;
            let Some(estimate) = simulated_ms(stage, rate, load) else { continue };
            let Some(mean_ms) = estimate.known().filter(|mean| *mean <= plot.top_ms) else { continue };
            let x = plot.x(rate);
            plot.dots.push(format!("M{x} {}h0", plot.y(mean_ms)));
            if let Some((low, high)) = estimate.bounds() {
                plot.intervals.push(format!("M{x} {}V{}", plot.y(low), plot.y(high.min(plot.top_ms))));
            }
        }
        let rate = stage.workload.rate.per_s();
        let theory = response_curve(stage, &[rate]).first().and_then(|point| point.mean_ms);
        let mean_ms = theory.or_else(|| simulated_ms(stage, rate, rate / capacity_per_s)?.known());
        plot.here = mean_ms.filter(|mean| *mean <= plot.top_ms).map(|mean| (plot.x(rate), plot.y(mean)));
        (plot.line.len() > 2).then_some(plot)
    }

    fn x(&self, rate_per_s: f64) -> f64 {
        (LEFT + (RIGHT - LEFT) * rate_per_s / (self.capacity_per_s * 1.12)).round()
    }

    fn y(&self, mean_ms: f64) -> f64 {
        (BOTTOM - (BOTTOM - TOP) * mean_ms / self.top_ms).round()
    }
}

/// Mean response time of completed requests in a simulation at this rate.
fn simulated_ms(stage: &Stage, rate_per_s: f64, load: f64) -> Option<Estimate> {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(rate_per_s);
    let requests = (REQUESTS / (1.0 - load).max(0.01)).min(REQUESTS_MAX);
    let options = RunOptions { seconds: requests / rate_per_s.max(0.1), ..RunOptions::default() };
    run(&stage, &options, &mut |_| {}).ok().map(|run| run.outcome.response_ms.mean)
}

fn ms(value: f64) -> String {
    let seconds = if value >= 100.0 { value.round() } else { (value * 10.0).round() / 10.0 } / 1e3;
    show::number(Unit::Seconds, seconds)
}

/// The next of 1, 2, 4, 6, 8 with zeros: numbers that halve well.
fn round_up(value: f64) -> f64 {
    let mut size = 1.0;
    while size * 10.0 < value {
        size *= 10.0;
    }
    [1.0, 2.0, 4.0, 6.0, 8.0].into_iter().map(|step| step * size).find(|step| *step >= value).unwrap_or(size * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    #[test]
    fn the_top_of_the_scale_halves_well() {
        assert_eq!((round_up(1.0), round_up(230.0), round_up(790.0), round_up(901.0)), (1.0, 400.0, 800.0, 1000.0));
    }

    #[test]
    fn the_curve_rises_from_left_to_right_and_ends_before_saturation() {
        for slug in builtin::slugs() {
            let stage = builtin::stage(slug).unwrap().unwrap();
            let plot = Plot::of(&stage).unwrap();
            let points: Vec<(f64, f64)> = plot
                .line
                .iter()
                .map(|point| point.split_once(',').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
                .collect();
            assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1), "{slug}");
            assert!(points.last().unwrap().0 <= plot.x(plot.capacity_per_s), "{slug}");
        }
    }
}
