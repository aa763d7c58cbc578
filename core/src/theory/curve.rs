//! Response time over load: the hockey stick.

use super::network::Network;
use super::solve::{Solver, amplify, solve};
use crate::number::within;
use crate::outcome::{Estimate, Outcome};
use crate::pack_struct;
use crate::stage::Stage;
use crate::units::Rate;

/// Loads at which the mean is worked out, as shares of the capacity. Few: between them the line is known well, see
/// [`MeanCurve::at`]. Closer together where it bends, and near zero, where caches and kept connections come to help.
const BELOW: [f64; 18] =
    [0.003, 0.01, 0.025, 0.05, 0.1, 0.18, 0.28, 0.42, 0.57, 0.7, 0.8, 0.87, 0.905, 0.925, 0.942, 0.957, 0.974, 0.992];
/// Points of the mean's line past capacity.
const PAST: usize = 3;
/// Points of the line as it is drawn, below capacity.
const DRAWN: usize = 64;
/// Loads at which the 95th percentile is worked out, as shares of the capacity. Each takes a numerical inversion.
const TAIL: [f64; 9] = [0.04, 0.2, 0.4, 0.55, 0.68, 0.78, 0.86, 0.92, 0.96];

/// What theory says at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Requests a second that users send.
    pub rate_per_s: f64,
    /// Mean response time in milliseconds; none where theory has no answer. Past saturation it is that
    /// of the requests that full doors let in.
    pub mean_ms: Option<f64>,
    /// Load of the busiest station: one is saturation.
    pub load: f64,
}

/// Share of the capacity that is idle where a line no longer grows as if it were open.
const LEAST_IDLE: f64 = 1e-6;

/// What a request asks hangs on the rate only through hit ratios and look-ups, and slowly: the network is built anew when
/// the rate has changed by more than this factor. Only of work that begins at intervals there is less where requests slow it
/// down.
const REBUILT: f64 = 1.3;

/// Mean response time over load, faults left out. Cheap: some microseconds a point, a few milliseconds where caches are worked out.
pub fn response_curve(stage: &Stage, rates_per_s: &[f64]) -> Vec<CurvePoint> {
    let mut built = Network::bare(stage, rates_per_s.first().copied().unwrap_or(0.0));
    let mut built_at = rates_per_s.first().copied().unwrap_or(0.0);
    let point = |rate_per_s: &f64| {
        let near = *rate_per_s < built_at * REBUILT && *rate_per_s * REBUILT > built_at;
        if built.has_rounds || !near {
            built = Network::bare(stage, *rate_per_s);
            built_at = *rate_per_s;
        }
        built.rate_per_s = *rate_per_s * (1.0 - built.down);
        amplify(&mut built);
        let solver = Solver::new(&built);
        let load = solver.loads.iter().copied().fold(0.0, f64::max);
        CurvePoint { rate_per_s: *rate_per_s, mean_ms: solver.mean_ms(), load }
    };
    rates_per_s.iter().map(point).collect()
}

/// The mean's line over a whole load axis, the closer the points the nearer the bend.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanCurve {
    /// Requests a second at which the busiest station has no idle time; none where it never is.
    pub capacity_per_s: Option<f64>,
    /// Where the load axis ends, requests a second.
    pub span_per_s: f64,
    /// Mean response times in milliseconds at [`Self::loads`]; not a number where theory has no answer.
    pub mean_ms: Vec<f32>,
}

pack_struct!(MeanCurve { capacity_per_s, span_per_s, mean_ms });

impl MeanCurve {
    /// The line of a stage. `reach_per_s` is the most that a reader can choose, `before_per_s` where the axis ended
    /// before something changed: it stays while the curve has room on it, so that the curve is seen to move.
    pub fn of(stage: &Stage, reach_per_s: Option<f64>, before_per_s: Option<f64>) -> Self {
        let rate_per_s = stage.workload.rate.per_s();
        Self::by(&|loads| response_curve(stage, loads), rate_per_s, reach_per_s, before_per_s)
    }

    /// A load axis with nothing known on it yet.
    pub fn unknown(stage: &Stage, reach_per_s: Option<f64>) -> Self {
        let span_per_s = wanted_span(None, reach_per_s, stage.workload.rate.per_s());
        Self { capacity_per_s: None, span_per_s, mean_ms: Vec::new() }
    }

    fn by(
        points: &dyn Fn(&[f64]) -> Vec<CurvePoint>,
        rate_per_s: f64,
        reach_per_s: Option<f64>,
        before_per_s: Option<f64>,
    ) -> Self {
        let capacity_per_s = saturation(points, reach_per_s);
        let span_per_s = steady(before_per_s, wanted_span(capacity_per_s, reach_per_s, rate_per_s));
        let mut curve = Self { capacity_per_s, span_per_s, mean_ms: Vec::new() };
        curve.mean_ms =
            points(&curve.loads()).iter().map(|point| point.mean_ms.map_or(f32::NAN, |ms| ms as f32)).collect();
        curve
    }

    /// The load at which the curve bends, requests a second.
    pub fn bend_per_s(&self) -> f64 {
        self.capacity_per_s.unwrap_or(self.span_per_s)
    }

    /// The loads at which the mean is worked out, in requests a second.
    pub fn loads(&self) -> Vec<f64> {
        self.axis(BELOW.iter().copied())
    }

    /// These shares of the load at the bend, and the rest of the axis, in requests a second.
    fn axis(&self, shares: impl Iterator<Item = f64>) -> Vec<f64> {
        let bend = self.bend_per_s().min(self.span_per_s);
        let past = (1..=PAST).map(|n| bend + (self.span_per_s - bend) * n as f64 / PAST as f64);
        shares.map(|share| share * bend).chain(past).collect()
    }

    /// Loads in requests a second with their mean response times in milliseconds, where theory has one: the line to draw.
    pub fn line(&self) -> Vec<(f64, f64)> {
        let closer = (1..DRAWN).map(|n| {
            let left = 1.0 - n as f64 / DRAWN as f64;
            1.0 - left * left
        });
        self.axis(closer).into_iter().filter_map(|load| Some((load, self.at(load)?))).collect()
    }

    /// The mean response time in milliseconds at a load in requests a second.
    pub fn at(&self, rate_per_s: f64) -> Option<f64> {
        let points = self.loads().into_iter().zip(self.mean_ms.iter().map(|ms| f64::from(*ms)));
        let known: Vec<(f64, f64)> = points.filter(|(_, ms)| ms.is_finite()).collect();
        between(&known, rate_per_s, self.capacity_per_s)
    }

    /// Loads at which the 95th percentile makes a line, requests a second.
    pub fn tail_loads(&self) -> Vec<f64> {
        TAIL.iter().map(|share| share * self.bend_per_s()).collect()
    }
}

/// All that theory says of a stage over load.
#[derive(Clone, Debug, PartialEq)]
pub struct TheoryCurve {
    /// The mean's line.
    pub means: MeanCurve,
    /// 95th percentiles in milliseconds at [`MeanCurve::tail_loads`]; not a number where theory has no answer.
    pub p95_ms: Vec<f32>,
    /// Why theory says nothing, in its own words.
    pub silence: Option<String>,
}

pack_struct!(TheoryCurve { means, p95_ms, silence });

impl TheoryCurve {
    /// The curve of a stage; see [`MeanCurve::of`].
    pub fn of(stage: &Stage, reach_per_s: Option<f64>) -> Self {
        let means = MeanCurve::of(stage, reach_per_s, None);
        let outcomes: Vec<Outcome> = means.tail_loads().iter().map(|load| solve(&at_load(stage, *load))).collect();
        let p95_ms = outcomes.iter().map(|outcome| finite(&outcome.response_ms.p95).map_or(f32::NAN, |ms| ms as f32));
        Self { p95_ms: p95_ms.collect(), silence: outcomes.first().and_then(silence), means }
    }
}

/// A line's value between its points, and before the first one the first's: nothing has begun to queue.
///
/// Near capacity waiting grows as 1/(1 − load/capacity), and without that factor the line is all but straight from one
/// point to the next.
pub fn between(line: &[(f64, f64)], load: f64, capacity: Option<f64>) -> Option<f64> {
    let idle = |load: f64| capacity.map_or(1.0, |capacity| 1.0 - load / capacity);
    let next = line.partition_point(|(x, _)| *x < load);
    let after = *line.get(next)?;
    let Some(before) = next.checked_sub(1).map(|index| line[index]) else { return Some(after.1) };
    let share = (load - before.0) / (after.0 - before.0);
    let straight = |from: f64, to: f64| from + share * (to - from);
    // At and past capacity there is no such factor.
    let is_open = idle(before.0).min(idle(after.0)) > LEAST_IDLE;
    if !is_open {
        return Some(straight(before.1, after.1));
    }
    Some(straight(before.1 * idle(before.0), after.1 * idle(after.0)) / idle(load))
}

/// The stage at a load in requests a second, undisturbed: a curve is of steady states.
pub fn at_load(stage: &Stage, rate_per_s: f64) -> Stage {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(rate_per_s);
    stage.faults.clear();
    stage
}

/// Why theory has no response time.
pub fn silence(outcome: &Outcome) -> Option<String> {
    match &outcome.response_ms.mean {
        Estimate::NotApplicable { not_applicable } => Some(not_applicable.clone()),
        Estimate::Known { .. } => None,
    }
}

fn finite(estimate: &Estimate) -> Option<f64> {
    estimate.known().filter(|value| value.is_finite())
}

/// The load at which the busiest station has no idle time. Its utilisation is all but in proportion to the load, so that
/// a few divisions find it.
fn saturation(points: &dyn Fn(&[f64]) -> Vec<CurvePoint>, reach_per_s: Option<f64>) -> Option<f64> {
    let mut load = reach_per_s.unwrap_or(1.0);
    for _ in 0..6 {
        load /= points(&[load]).first()?.load;
        if !load.is_normal() {
            return None;
        }
    }
    Some(load)
}

/// Past the capacity, so that the wall is seen, and as far as the reader can go, unless that leaves the curve no room.
fn wanted_span(capacity_per_s: Option<f64>, reach_per_s: Option<f64>, rate_per_s: f64) -> f64 {
    match (capacity_per_s, reach_per_s) {
        (Some(capacity), Some(reach)) => within(reach, 1.2 * capacity, 1.6 * capacity),
        (Some(capacity), None) => 1.3 * capacity,
        (None, Some(reach)) => reach,
        (None, None) => (2.0 * rate_per_s).max(1.0),
    }
}

/// The end of an axis that had another: it moves when what must be seen has no room, or far too much.
pub fn steady(before: Option<f64>, wanted: f64) -> f64 {
    before.filter(|before| (0.4 * before..=*before).contains(&wanted)).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One server that takes 20 ms: the mean response of M/M/1, and no say past its capacity of 50 a second.
    fn one_server(rates_per_s: &[f64]) -> Vec<CurvePoint> {
        let point = |rate_per_s: &f64| {
            let load = rate_per_s * 0.02;
            CurvePoint { rate_per_s: *rate_per_s, mean_ms: (load < 1.0).then(|| 20.0 / (1.0 - load)), load }
        };
        rates_per_s.iter().map(point).collect()
    }

    #[test]
    fn capacity_is_where_the_busiest_station_is_never_idle() {
        let curve = MeanCurve::by(&one_server, 9.0, None, None);
        assert!((curve.capacity_per_s.unwrap() - 50.0).abs() < 1e-6);
        assert!((curve.span_per_s - 65.0).abs() < 1e-6);
        let line = curve.line();
        assert!(line.len() >= DRAWN - 8 && line.iter().all(|(load, _)| *load < 50.0), "{line:?}");
        assert!(line.iter().all(|(load, ms)| (ms * (1.0 - load * 0.02) / 20.0 - 1.0).abs() < 1e-3), "{line:?}");
    }

    #[test]
    fn a_stage_without_a_busiest_station_has_an_axis_all_the_same() {
        let curve = MeanCurve::by(&|_| Vec::new(), 9.0, Some(100.0), None);
        assert_eq!((curve.capacity_per_s, curve.span_per_s, curve.line()), (None, 100.0, Vec::new()));
    }

    #[test]
    fn an_axis_stays_while_the_curve_has_room_on_it() {
        assert_eq!(steady(None, 65.0), 65.0);
        assert_eq!(steady(Some(65.0), 40.0), 65.0);
        assert_eq!(steady(Some(65.0), 20.0), 20.0);
        assert_eq!(steady(Some(65.0), 66.0), 66.0);
    }
}
