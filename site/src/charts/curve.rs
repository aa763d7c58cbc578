//! Response time over load: at which loads to ask theory and simulation, and what they said.

use hockeystick_core::number::within;
use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::CurvePoint;
use hockeystick_core::units::Rate;

/// Points of the mean's line below capacity, and past it.
const BELOW: usize = 64;
const PAST: usize = 24;
/// Loads at which theory is asked for the 95th percentile, as shares of the capacity. Each takes a numerical inversion.
const TAIL: [f64; 10] = [0.04, 0.2, 0.4, 0.55, 0.68, 0.78, 0.85, 0.9, 0.94, 0.97];
/// Loads that are simulated, as shares of the capacity: closer together where the curve bends.
const SIMULATED: [f64; 9] = [0.1, 0.3, 0.5, 0.62, 0.72, 0.8, 0.86, 0.91, 0.95];
/// Requests that one simulated point is made of, about: enough for a 95th percentile with a narrow interval.
const REQUESTS: f64 = 100_000.0;
/// Loads without a known capacity, as shares of the longest load that the reader can choose.
const SHARES: [f64; 9] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 0.85, 1.0];

/// Means by theory at many loads, and how busy the busiest station is there.
pub(super) type Means = fn(&Stage, &[f64]) -> Vec<CurvePoint>;

/// Response times at one load, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// Requests a second.
    pub(super) load: f64,
    pub(super) mean: Option<f64>,
    pub(super) p95: Option<f64>,
    pub(super) mean_bounds: Option<(f64, f64)>,
    pub(super) p95_bounds: Option<(f64, f64)>,
}

impl Point {
    fn of(load: f64, outcome: &Outcome) -> Self {
        let response = &outcome.response_ms;
        Self {
            load,
            mean: known(&response.mean),
            p95: known(&response.p95),
            mean_bounds: response.mean.bounds(),
            p95_bounds: response.p95.bounds(),
        }
    }
}

/// Something about one load that the curve wants to know, and that takes time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) stage: Stage,
    /// Seconds to simulate; none for theory.
    pub(super) seconds: f64,
}

/// A line of one figure over load, in milliseconds.
pub(super) type Line = Vec<(f64, f64)>;

/// What is known of one stage's curve.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    means: Means,
    stage: Stage,
    /// The largest load that the reader may choose, where the figure says.
    reach: Option<f64>,
    /// Requests a second at which the busiest station has no idle time.
    capacity: Option<f64>,
    /// Where the load axis ends.
    span: Option<f64>,
    /// Why theory says nothing, in its own words.
    silence: Option<String>,
    mean: Line,
    p95: Line,
    simulated: Vec<Point>,
    /// Whether the 95th percentile's line is of an earlier stage, and whether the simulated points are.
    stale: (bool, bool),
}

impl Curve {
    /// The curve of a stage, with nothing known yet.
    pub(super) fn new(means: Means, stage: Stage, reach: Option<f64>) -> Self {
        let mut curve = Self {
            means,
            stage,
            reach,
            capacity: None,
            span: None,
            silence: None,
            mean: Vec::new(),
            p95: Vec::new(),
            simulated: Vec::new(),
            stale: (false, false),
        };
        curve.plan();
        curve
    }

    /// Begins again for a changed stage. What is not known anew stays until it is.
    pub(super) fn restart(&mut self, stage: Stage) {
        self.stage = stage;
        self.stale = (true, true);
        self.plan();
    }

    /// Whether another stage differs in more than its load and its faults.
    pub(super) fn is_of(&self, stage: &Stage) -> bool {
        let mut other = stage.clone();
        other.workload.rate = self.stage.workload.rate;
        other.faults.clone_from(&self.stage.faults);
        other.components.iter_mut().zip(&self.stage.components).for_each(|(a, b)| a.at = b.at);
        other == self.stage
    }

    /// The load at which the busiest station has no idle time. Its utilisation is all but in proportion to the load, so
    /// that a few divisions find it.
    fn saturation(&self) -> Option<f64> {
        let mut load = self.reach.unwrap_or(1.0);
        for _ in 0..6 {
            let busy = (self.means)(&self.stage, &[load]).first()?.load;
            load /= busy;
            if !load.is_normal() {
                return None;
            }
        }
        Some(load)
    }

    /// Finds the capacity and the mean's line.
    fn plan(&mut self) {
        self.capacity = self.saturation();
        self.span = Some(steady(self.span, self.wanted_span()));
        let most = self.most_load();
        let bend = self.capacity.unwrap_or(most).min(most);
        let mut loads: Vec<f64> = towards(bend, BELOW).collect();
        loads.extend((1..=PAST).map(|n| bend + (most - bend) * n as f64 / PAST as f64));
        let means = (self.means)(&self.stage, &loads);
        self.mean = means.into_iter().filter_map(|point| Some((point.rate_per_s, point.mean_ms?))).collect();
    }

    /// What is to be found out in the background: first by theory, then by simulation.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let at = |load: f64, seconds: f64| Wanted { stage: at_load(&self.stage, load), seconds };
        let tail = TAIL.into_iter().map(|share| at(share * self.bend(), 0.0));
        let shares = if self.capacity.is_some() { SIMULATED } else { SHARES };
        let simulated = shares.into_iter().map(|share| {
            let load = share * self.bend();
            at(load, (REQUESTS / load).clamp(20.0, 3_600.0))
        });
        tail.chain(simulated).collect()
    }

    /// Takes what came of it. The first of a kind replaces what was known of the stage as it was.
    pub(super) fn learn(&mut self, wanted: &Wanted, outcome: &Outcome) {
        let point = Point::of(wanted.stage.workload.rate.per_s(), outcome);
        if wanted.seconds > 0.0 {
            if std::mem::take(&mut self.stale.1) {
                self.simulated.clear();
            }
            let place = self.simulated.partition_point(|other| other.load < point.load);
            self.simulated.insert(place, point);
            return;
        }
        if std::mem::take(&mut self.stale.0) {
            self.p95.clear();
        }
        if self.p95.is_empty() {
            // The lightest load comes first: what theory cannot say there, it cannot say at all.
            self.silence = match &outcome.response_ms.mean {
                Estimate::NotApplicable { not_applicable } => Some(not_applicable.clone()),
                Estimate::Known { .. } => None,
            };
        }
        self.p95.extend(point.p95.map(|p95| (point.load, p95)));
    }

    /// The load at which the curve bends.
    fn bend(&self) -> f64 {
        self.capacity.unwrap_or_else(|| self.most_load())
    }

    pub(super) fn capacity(&self) -> Option<f64> {
        self.capacity
    }

    pub(super) fn silence(&self) -> Option<&str> {
        self.silence.as_deref()
    }

    /// The mean by theory.
    pub(super) fn mean(&self) -> &[(f64, f64)] {
        &self.mean
    }

    /// The 95th percentile by theory, through the loads at which it is known.
    pub(super) fn p95(&self) -> Line {
        let (Some(first), Some(last)) = (self.p95.first(), self.p95.last()) else { return Line::new() };
        let load = |n: usize| first.0 + (last.0 - first.0) * n as f64 / BELOW as f64;
        (0..=BELOW).filter_map(|n| Some((load(n), self.p95_at(load(n))?))).collect()
    }

    /// Near capacity waiting grows as 1/(1 − load/capacity). Without that factor the 95th percentile is all but straight
    /// from one known load to the next.
    fn p95_at(&self, load: f64) -> Option<f64> {
        let idle = |load: f64| self.capacity.map_or(1.0, |capacity| (1.0 - load / capacity).max(1e-6));
        let straight: Line = self.p95.iter().map(|&(load, p95)| (load, p95 * idle(load))).collect();
        match self.p95.first() {
            Some(&(first, p95)) if load <= first => Some(p95),
            _ => at(&straight, load).map(|value| value / idle(load)),
        }
    }

    pub(super) fn simulated(&self) -> &[Point] {
        &self.simulated
    }

    /// Whether the 95th percentile's line is of an earlier stage, and whether the simulated points are.
    pub(super) fn stale(&self) -> (bool, bool) {
        self.stale
    }

    /// Where the load axis ends. It stays where it was while the curve has room on it, so that a reader who changes the
    /// stage sees the curve move, and not the axis.
    pub(super) fn most_load(&self) -> f64 {
        self.span.unwrap_or_else(|| self.wanted_span())
    }

    /// Past the capacity, so that the wall is seen, and as far as the reader can go, unless that leaves the curve no room.
    fn wanted_span(&self) -> f64 {
        match (self.capacity, self.reach) {
            (Some(capacity), Some(reach)) => within(reach, 1.2 * capacity, 1.6 * capacity),
            (Some(capacity), None) => 1.3 * capacity,
            (None, Some(reach)) => reach,
            (None, None) => (2.0 * self.stage.workload.rate.per_s()).max(1.0),
        }
    }

    /// The response time where the axis is cut: the bend is seen whole, and the wall is not all there is. None while
    /// that is not known.
    pub(super) fn most_response(&self) -> Option<f64> {
        if self.stale.0 {
            return None;
        }
        let simulated = |figure: fn(&Point) -> Option<f64>| -> Line {
            self.simulated.iter().filter_map(|point| Some((point.load, figure(point)?))).collect()
        };
        let (mean, p95) = if self.mean.is_empty() {
            (simulated(|point| point.mean), simulated(|point| point.p95))
        } else {
            (self.mean.clone(), self.p95())
        };
        let bend = self.bend();
        let idle = p95.first().or(mean.first()).map(|(_, ms)| 1.8 * ms);
        let flat = at(&mean, 0.94 * bend).map(|ms| 1.15 * ms);
        let tail = at(&p95, 0.82 * bend).map(|ms| 1.3 * ms);
        [idle, flat, tail].into_iter().flatten().reduce(f64::max)
    }

    /// What theory says at a load: the mean and the 95th percentile.
    pub(super) fn theory_at(&self, load: f64) -> (Option<f64>, Option<f64>) {
        (at(&self.mean, load), self.p95_at(load))
    }
}

/// The stage at a load, undisturbed: a curve is of steady states.
fn at_load(stage: &Stage, load: f64) -> Stage {
    let mut stage = stage.clone();
    stage.workload.rate = Rate::per_second(load);
    stage.faults.clear();
    stage
}

/// Loads up to just before the bend, the closer together the nearer to it: one less than `count`.
fn towards(bend: f64, count: usize) -> impl Iterator<Item = f64> {
    (1..count).map(move |n| {
        let left = 1.0 - n as f64 / count as f64;
        bend * (1.0 - left * left)
    })
}

fn known(estimate: &Estimate) -> Option<f64> {
    estimate.known().filter(|value| value.is_finite())
}

/// The end of an axis that had another: it moves when what must be seen has no room, or far too much.
pub(super) fn steady(before: Option<f64>, wanted: f64) -> f64 {
    before.filter(|before| (0.4 * before..=*before).contains(&wanted)).unwrap_or(wanted)
}

/// A line's value between its points. Before the first one it is the first's: nothing has begun to queue.
fn at(line: &[(f64, f64)], load: f64) -> Option<f64> {
    let next = line.partition_point(|(x, _)| *x < load);
    let after = *line.get(next)?;
    let Some(before) = next.checked_sub(1).map(|index| line[index]) else { return Some(after.1) };
    Some(before.1 + (load - before.0) / (after.0 - before.0) * (after.1 - before.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::outcome::Response;
    use hockeystick_core::workload::Workload;
    use std::collections::BTreeMap;

    /// One server that takes 20 ms: the mean response of M/M/1, and no say past its capacity of 50 a second.
    fn one_server(stage: &Stage) -> Outcome {
        let busy = stage.workload.rate.per_s() * 0.02;
        let mean =
            if busy < 1.0 { Estimate::by(20.0 / (1.0 - busy), "exact") } else { Estimate::not_applicable("full") };
        let p95 = mean.known().map_or(Estimate::not_applicable("full"), |mean| Estimate::by(3.0 * mean, "exact"));
        Outcome {
            throughput_per_s: Estimate::value(stage.workload.rate.per_s()),
            response_ms: Response { mean, p95, p50: Estimate::value(0.0), p99: Estimate::value(0.0) },
            utilisation: BTreeMap::new(),
            errors_per_s: BTreeMap::new(),
            stale: Estimate::value(0.0),
            metrics: BTreeMap::new(),
        }
    }

    fn one_servers_means(stage: &Stage, rates_per_s: &[f64]) -> Vec<CurvePoint> {
        let point = |rate_per_s: &f64| {
            let outcome = one_server(&at_load(stage, *rate_per_s));
            CurvePoint { rate_per_s: *rate_per_s, mean_ms: outcome.response_ms.mean.known(), load: rate_per_s * 0.02 }
        };
        rates_per_s.iter().map(point).collect()
    }

    fn nothing(_: &Stage) -> Outcome {
        let none = || Estimate::not_applicable("closed loop");
        Outcome {
            throughput_per_s: none(),
            response_ms: Response { mean: none(), p50: none(), p95: none(), p99: none() },
            utilisation: BTreeMap::new(),
            errors_per_s: BTreeMap::new(),
            stale: Estimate::value(0.0),
            metrics: BTreeMap::new(),
        }
    }

    fn stage(rate_per_s: f64) -> Stage {
        Stage {
            regions: Vec::new(),
            title: String::new(),
            workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
            machines: Vec::new(),
            components: Vec::new(),
            links: Vec::new(),
            faults: Vec::new(),
            challenge: None,
        }
    }

    /// The curve after everything that it wanted by theory.
    fn done(mut curve: Curve, solve: fn(&Stage) -> Outcome) -> Curve {
        for wanted in curve.wanted().iter().filter(|wanted| wanted.seconds == 0.0) {
            curve.learn(wanted, &solve(&wanted.stage));
        }
        curve
    }

    #[test]
    fn capacity_is_where_the_busiest_station_is_never_idle() {
        let curve = Curve::new(one_servers_means, stage(9.0), None);
        assert!((curve.capacity().unwrap() - 50.0).abs() < 1e-6);
        assert!((curve.most_load() - 65.0).abs() < 1e-6);
    }

    #[test]
    fn the_line_follows_theory_and_ends_where_theory_does() {
        let curve = done(Curve::new(one_servers_means, stage(9.0), None), one_server);
        let (mean, p95) = curve.theory_at(25.0);
        assert!((mean.unwrap() - 40.0).abs() < 0.2 && (p95.unwrap() - 120.0).abs() < 0.6);
        assert_eq!(curve.theory_at(60.0), (None, None));
        assert!(curve.mean().is_sorted_by(|one, next| one.0 < next.0));
        assert!((curve.theory_at(44.0).1.unwrap() - 500.0).abs() < 0.1);
    }

    #[test]
    fn the_axis_is_cut_above_the_bend() {
        let curve = done(Curve::new(one_servers_means, stage(9.0), None), one_server);
        let top = curve.most_response().unwrap();
        assert!((300.0..600.0).contains(&top), "{top}");
    }

    #[test]
    fn without_theory_there_are_still_loads_to_simulate() {
        let curve = done(Curve::new(|_, _| Vec::new(), stage(9.0), Some(100.0)), nothing);
        assert_eq!(curve.silence(), Some("closed loop"));
        assert!(curve.wanted().iter().any(|wanted| wanted.seconds > 0.0));
        assert_eq!(curve.most_response(), None);
    }

    #[test]
    fn points_of_an_earlier_stage_stay_until_the_first_new_one() {
        let mut curve = Curve::new(one_servers_means, stage(9.0), None);
        let wanted = curve.wanted();
        for wanted in &wanted {
            curve.learn(wanted, &one_server(&wanted.stage));
        }
        let known = (curve.p95.len(), curve.simulated().len());
        assert_eq!(known, (TAIL.len(), SIMULATED.len()));
        curve.restart(stage(9.0));
        assert_eq!((curve.stale(), curve.p95.len(), curve.simulated().len()), ((true, true), known.0, known.1));
        curve.learn(&wanted[0], &one_server(&wanted[0].stage));
        assert_eq!((curve.stale(), curve.p95.len(), curve.simulated().len()), ((false, true), 1, known.1));
        curve.learn(&wanted[TAIL.len()], &one_server(&wanted[TAIL.len()].stage));
        assert_eq!((curve.stale(), curve.simulated().len()), ((false, false), 1));
    }

    #[test]
    fn an_axis_stays_while_the_curve_has_room_on_it() {
        assert_eq!(steady(None, 65.0), 65.0);
        assert_eq!(steady(Some(65.0), 40.0), 65.0);
        assert_eq!(steady(Some(65.0), 20.0), 20.0);
        assert_eq!(steady(Some(65.0), 66.0), 66.0);
    }

    #[test]
    fn another_load_is_the_same_curve() {
        let curve = Curve::new(one_servers_means, stage(9.0), None);
        assert!(curve.is_of(&stage(40.0)));
        let mut constant = stage(9.0);
        constant.workload.arrivals = hockeystick_core::workload::Arrivals::Constant;
        assert!(!curve.is_of(&constant));
    }
}
