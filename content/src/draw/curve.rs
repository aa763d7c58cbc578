//! The hockey stick as a still picture: mean response time over load, as theory has it and as it was simulated.

use hockeystick_core::figure::{Figure, Panel};
use hockeystick_core::outcome::Estimate;
use hockeystick_core::settings::Unit;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::{TheoryCurve, at_load, response_curve};
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
const SIMULATED: [f64; 6] = [0.2, 0.45, 0.65, 0.8, 0.9, 0.95];
/// Requests of a simulation where hardly any meet; the nearer to saturation, the more it takes to tell.
const REQUESTS: f64 = 15_000.0;
/// Most requests of a simulation.
const REQUESTS_MAX: f64 = 250_000.0;

/// The curves of a lesson's figures. Those that differ in nothing but their load share one.
#[derive(Default)]
pub(crate) struct Curves(Vec<Known>);

struct Known {
    stage: Stage,
    reach_per_s: Option<f64>,
    theory: TheoryCurve,
    plot: Option<Plot>,
}

impl Curves {
    /// Computes the curve of a figure, unless it is known.
    pub(crate) fn add(&mut self, figure: &Figure) {
        if self.find(figure).is_none() {
            let (stage, reach_per_s) = (without_load(&figure.stage), figure.reach_per_s());
            let theory = TheoryCurve::of(&figure.stage, reach_per_s);
            let plot = Plot::of(&figure.stage);
            self.0.push(Known { stage, reach_per_s, theory, plot });
        }
    }

    fn find(&self, figure: &Figure) -> Option<&Known> {
        let (stage, reach_per_s) = (without_load(&figure.stage), figure.reach_per_s());
        self.0.iter().find(|known| known.stage == stage && known.reach_per_s == reach_per_s)
    }

    /// The curve of a figure with its operating point; nothing where theory has no answer.
    pub(crate) fn draw(&self, figure: &Figure) -> Markup {
        let plot = self.find(figure).and_then(|known| known.plot.as_ref());
        plot.map_or_else(Markup::default, |plot| plot.draw(&figure.stage))
    }

    /// What theory says of a figure, as an attribute's value: packed. None without a curve.
    pub(crate) fn encoded(&self, figure: &Figure) -> Option<String> {
        let known = self
            .find(figure)
            .filter(|_| figure.panels.iter().any(|it| matches!(it, Panel::HockeyStick | Panel::Cost)))?;
        let mut theory = known.theory.clone();
        theory.means.mean_ms.iter_mut().chain(&mut theory.p95_ms).for_each(|ms| *ms = rounded(*ms));
        Some(hockeystick_core::pack::to_text(&theory))
    }
}

/// To some four digits: what is read between points within 2 % needs no more, and the rest would only weigh.
fn rounded(value: f32) -> f32 {
    const DROPPED: u32 = 0x7ff;
    f32::from_bits((value.to_bits() + DROPPED / 2) & !DROPPED)
}

/// What a curve is of: a stage undisturbed, whatever its load.
fn without_load(stage: &Stage) -> Stage {
    let mut stage = at_load(stage, 0.0);
    stage.challenge = None;
    stage
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
}

impl Plot {
    fn of(stage: &Stage) -> Option<Self> {
        let mut plot = Self::by_theory(stage)?;
        SIMULATED.into_iter().for_each(|load| plot.simulate(stage, load));
        Some(plot)
    }

    /// The line alone.
    fn by_theory(stage: &Stage) -> Option<Self> {
        let probe = response_curve(stage, &[1.0]).first()?.load;
        let capacity_per_s = (probe > 0.0).then(|| 1.0 / probe)?;
        // Up to the edge of saturation, with more points the nearer.
        let loads = (0..POINTS).map(|step| (step as f64 + 0.3) / POINTS as f64);
        let rates: Vec<f64> = loads.map(|t| capacity_per_s * 0.995 * (1.0 - (1.0 - t) * (1.0 - t))).collect();
        let points = response_curve(stage, &rates);
        let idle_ms = points.iter().find_map(|point| point.mean_ms)?;
        let top_ms = round_up(idle_ms * 4.5);
        let (line, dots, intervals) = (Vec::new(), Vec::new(), Vec::new());
        let mut plot = Self { capacity_per_s, idle_ms, top_ms, line, dots, intervals };
        for point in &points {
            let Some(mean_ms) = point.mean_ms else { continue };
            let (x, y) = (plot.x(point.rate_per_s), plot.y(mean_ms));
            plot.line.push(format!("{x},{}", y.max(TOP)));
            if y <= TOP {
                break;
            }
        }
        (plot.line.len() > 2).then_some(plot)
    }

    /// Adds a simulated point, where it is on the picture.
    fn simulate(&mut self, stage: &Stage, load: f64) {
        let rate = self.capacity_per_s * load;
        let Some(estimate) = simulated_ms(stage, rate, load) else { return };
        let Some(mean_ms) = estimate.known().filter(|mean| *mean <= self.top_ms) else { return };
        let x = self.x(rate);
        self.dots.push(format!("M{x} {}h0", self.y(mean_ms)));
        if let Some((low, high)) = estimate.bounds() {
            self.intervals.push(format!("M{x} {}V{}", self.y(low), self.y(high.min(self.top_ms))));
        }
    }

    fn draw(&self, stage: &Stage) -> Markup {
        let capacity = self.capacity_per_s;
        let label = format!(
            "Response time over load: {} with nobody else there, and without end towards {}",
            ms(self.idle_ms),
            show::rate(capacity)
        );
        let (middle, full) = (self.y(self.top_ms / 2.0), self.x(capacity));
        html! {
            div.still-curve {
                p { b { "Response time over load" } " line: theory · dots: simulated · ring: this load" }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) {
                    path.c-axis d={ "M" (LEFT) " " (TOP) "V" (BOTTOM) "H" (RIGHT) } {}
                    path.c-grid d={ "M" (LEFT) " " (middle) "H" (RIGHT) "M" (full) " " (TOP) "V" (BOTTOM) } {}
                    @for share in [0.5, 1.0] {
                        @let value = self.top_ms * share;
                        text.b-meta x=(LEFT - 6.0) y=(self.y(value) + 4.0) text-anchor="end" { (ms(value)) }
                    }
                    text.b-meta x=(LEFT) y=(BOTTOM + 18.0) { "0" }
                    text.b-meta x=(full) y=(BOTTOM + 18.0) text-anchor="middle" { (show::rate(capacity)) }
                    polyline.c-line points=(self.line.join(" ")) {}
                    path.c-intervals d=(self.intervals.join("")) {}
                    path.c-dots d=(self.dots.join("")) {}
                    @if let Some((x, y)) = self.operating_point(stage) { circle.c-here cx=(x) cy=(y) r="5.5" {} }
                }
            }
        }
    }

    /// The stage's own load on the line, where that is on the picture.
    fn operating_point(&self, stage: &Stage) -> Option<(f64, f64)> {
        let rate = stage.workload.rate.per_s();
        let mean_ms = response_curve(stage, &[rate]).first()?.mean_ms?;
        (mean_ms <= self.top_ms).then(|| (self.x(rate), self.y(mean_ms)))
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
    let requests = (REQUESTS / (1.0 - load).max(0.01)).min(REQUESTS_MAX);
    let options = RunOptions { seconds: requests / rate_per_s.max(0.1), ..RunOptions::default() };
    run(&at_load(stage, rate_per_s), &options, &mut |_| {}).ok().map(|run| run.outcome.response_ms.mean)
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
    use hockeystick_core::component::Kind;

    #[test]
    fn the_top_of_the_scale_halves_well() {
        assert_eq!((round_up(1.0), round_up(230.0), round_up(790.0), round_up(901.0)), (1.0, 400.0, 800.0, 1000.0));
    }

    #[test]
    fn the_curve_rises_from_left_to_right_and_ends_before_saturation() {
        for slug in builtin::slugs() {
            let stage = builtin::stage(slug).unwrap().unwrap();
            // Where copies are switched on with the load, the response falls with each of them.
            if stage.components.iter().any(|component| component.settings.kind() == Kind::Autoscaler) {
                continue;
            }
            let plot = Plot::by_theory(&stage).unwrap();
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
