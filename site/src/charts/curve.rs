//! Response time over load: at which loads to ask theory and simulation, and what they said.

use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::stage::Stage;
use hockeystick_core::units::Rate;

/// Points of the line below capacity, and past it.
const BELOW: usize = 48;
const PAST: usize = 16;
/// Loads that are simulated, as shares of the capacity: closer together where the curve bends.
const SIMULATED: [f64; 9] = [0.1, 0.3, 0.5, 0.62, 0.72, 0.8, 0.86, 0.91, 0.95];
/// Requests that one simulated point is made of, about: enough for a 95th percentile with a narrow interval.
const REQUESTS: f64 = 40_000.0;
/// Loads without a known capacity, as shares of the longest load that the reader can choose.
const SHARES: [f64; 9] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 0.85, 1.0];

/// Turns a stage into an outcome by theory.
pub(super) type Solver = fn(&Stage) -> Outcome;

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
        let known = |estimate: &Estimate| estimate.known().filter(|value| value.is_finite());
        Self {
            load,
            mean: known(&response.mean),
            p95: known(&response.p95),
            mean_bounds: response.mean.bounds(),
            p95_bounds: response.p95.bounds(),
        }
    }
}

/// A simulation that the curve wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) stage: Stage,
    pub(super) seconds: f64,
}

/// What is known of one stage's curve.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    solve: Solver,
    stage: Stage,
    /// The largest load that the reader may choose, where the figure says.
    reach: Option<f64>,
    /// Requests a second at which the busiest station has no idle time.
    capacity: Option<f64>,
    /// Why theory says nothing, in its own words.
    silence: Option<String>,
    todo: Vec<f64>,
    fresh: Vec<Point>,
    theory: Vec<Point>,
    simulated: Vec<Point>,
    stale: bool,
}

impl Curve {
    /// The curve of a stage, with nothing known yet.
    pub(super) fn new(solve: Solver, stage: Stage, reach: Option<f64>) -> Self {
        let mut curve = Self {
            solve,
            stage,
            reach,
            capacity: None,
            silence: None,
            todo: Vec::new(),
            fresh: Vec::new(),
            theory: Vec::new(),
            simulated: Vec::new(),
            stale: false,
        };
        curve.plan();
        curve
    }

    /// Begins again for a changed stage. The old lines stay until the new ones are there.
    pub(super) fn restart(&mut self, stage: Stage) {
        self.stage = stage;
        self.stale = true;
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

    /// The stage at a load, undisturbed: a curve is of steady states.
    fn at(&self, load: f64) -> Stage {
        let mut stage = self.stage.clone();
        stage.workload.rate = Rate::per_second(load);
        stage.faults.clear();
        stage
    }

    fn plan(&mut self) {
        // Utilisation grows in proportion to load: at a load near zero, one division tells the capacity.
        let probe = 1e-3;
        let outcome = (self.solve)(&self.at(probe));
        let busiest = outcome.utilisation.values().filter_map(Estimate::known).fold(0.0, f64::max);
        self.capacity = (busiest > 0.0).then(|| probe / busiest).filter(|capacity| capacity.is_finite());
        self.silence = match outcome.response_ms.mean {
            Estimate::NotApplicable { not_applicable } => Some(not_applicable),
            Estimate::Known { .. } => None,
        };
        self.fresh.clear();
        self.todo.clear();
        if self.silence.is_some() {
            self.theory.clear();
            return;
        }
        let most = self.most_load();
        let bend = self.capacity.unwrap_or(most).min(most);
        self.todo.extend((1..BELOW).map(|n| {
            let left = 1.0 - n as f64 / BELOW as f64;
            bend * (1.0 - left * left)
        }));
        if bend < most {
            self.todo.extend((0..=PAST).map(|n| bend + (most - bend) * (0.01 + 0.99 * n as f64 / PAST as f64)));
        }
        self.todo.reverse();
    }

    /// Asks theory about one more load. True while there are more.
    pub(super) fn work(&mut self) -> bool {
        if let Some(load) = self.todo.pop() {
            let point = Point::of(load, &(self.solve)(&self.at(load)));
            self.fresh.push(point);
            if self.todo.is_empty() {
                self.theory = std::mem::take(&mut self.fresh);
            }
        }
        !self.todo.is_empty()
    }

    /// The loads to simulate, as whole stages.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let loads = match self.capacity {
            Some(capacity) => SIMULATED.map(|share| share * capacity),
            None => SHARES.map(|share| share * self.most_load()),
        };
        let wanted = |load: f64| Wanted { stage: self.at(load), seconds: (REQUESTS / load).clamp(20.0, 3_600.0) };
        loads.into_iter().filter(|load| *load > 0.0).map(wanted).collect()
    }

    /// Takes the outcome of one simulation. The first one replaces what was simulated of the stage as it was.
    pub(super) fn learn(&mut self, wanted: &Wanted, outcome: &Outcome) {
        if std::mem::take(&mut self.stale) {
            self.simulated.clear();
        }
        let point = Point::of(wanted.stage.workload.rate.per_s(), outcome);
        let place = self.simulated.partition_point(|other| other.load < point.load);
        self.simulated.insert(place, point);
    }

    pub(super) fn capacity(&self) -> Option<f64> {
        self.capacity
    }

    pub(super) fn silence(&self) -> Option<&str> {
        self.silence.as_deref()
    }

    pub(super) fn theory(&self) -> &[Point] {
        &self.theory
    }

    pub(super) fn simulated(&self) -> &[Point] {
        &self.simulated
    }

    /// Whether the simulated points are of an earlier stage.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Where the load axis ends: past the capacity, so that the wall is seen, and as far as the reader can go, unless
    /// that leaves the curve no room.
    pub(super) fn most_load(&self) -> f64 {
        match (self.capacity, self.reach) {
            (Some(capacity), Some(reach)) => reach.clamp(1.2 * capacity, 1.6 * capacity),
            (Some(capacity), None) => 1.3 * capacity,
            (None, Some(reach)) => reach,
            (None, None) => (2.0 * self.stage.workload.rate.per_s()).max(1.0),
        }
    }

    /// The response time where the axis is cut: the bend is seen whole, and the wall is not all there is.
    pub(super) fn most_response(&self) -> Option<f64> {
        let points = if self.theory.is_empty() { &self.simulated } else { &self.theory };
        let bend = self.capacity.unwrap_or_else(|| self.most_load());
        let mean = at(points, 0.94 * bend, |point| point.mean);
        let p95 = at(points, 0.82 * bend, |point| point.p95);
        let idle = points.iter().find_map(|point| point.p95.or(point.mean));
        [mean.map(|ms| 1.15 * ms), p95.map(|ms| 1.3 * ms), idle.map(|ms| 1.8 * ms)]
            .into_iter()
            .flatten()
            .reduce(f64::max)
    }

    /// What theory says at a load.
    pub(super) fn theory_at(&self, load: f64) -> (Option<f64>, Option<f64>) {
        (at(&self.theory, load, |point| point.mean), at(&self.theory, load, |point| point.p95))
    }
}

/// One figure at a load between those that are known.
fn at(points: &[Point], load: f64, figure: impl Fn(&Point) -> Option<f64>) -> Option<f64> {
    let next = points.partition_point(|point| point.load < load);
    let after = points.get(next);
    let before = next.checked_sub(1).and_then(|index| points.get(index));
    match (before, after) {
        (Some(before), Some(after)) => {
            let (low, high) = (figure(before)?, figure(after)?);
            let share = (load - before.load) / (after.load - before.load);
            Some(low + share * (high - low))
        }
        // Below the first point nothing has begun to queue.
        (None, Some(first)) => figure(first),
        _ => None,
    }
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
            utilisation: BTreeMap::from([("box cpu".to_owned(), Estimate::value(busy))]),
            errors_per_s: BTreeMap::new(),
        }
    }

    fn nothing(_: &Stage) -> Outcome {
        let none = || Estimate::not_applicable("closed loop");
        Outcome {
            throughput_per_s: none(),
            response_ms: Response { mean: none(), p50: none(), p95: none(), p99: none() },
            utilisation: BTreeMap::new(),
            errors_per_s: BTreeMap::new(),
        }
    }

    fn stage(rate_per_s: f64) -> Stage {
        Stage {
            title: String::new(),
            workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() },
            machines: Vec::new(),
            components: Vec::new(),
            links: Vec::new(),
            faults: Vec::new(),
            challenge: None,
        }
    }

    fn done(mut curve: Curve) -> Curve {
        while curve.work() {}
        curve
    }

    #[test]
    fn capacity_is_where_the_busiest_station_is_never_idle() {
        let curve = Curve::new(one_server, stage(9.0), None);
        assert!((curve.capacity().unwrap() - 50.0).abs() < 1e-6);
        assert!((curve.most_load() - 65.0).abs() < 1e-6);
    }

    #[test]
    fn the_line_follows_theory_and_ends_where_theory_does() {
        let curve = done(Curve::new(one_server, stage(9.0), None));
        let (mean, p95) = curve.theory_at(25.0);
        assert!((mean.unwrap() - 40.0).abs() < 0.2 && (p95.unwrap() - 120.0).abs() < 0.6);
        assert_eq!(curve.theory_at(60.0), (None, None));
        assert!(curve.theory().windows(2).all(|pair| pair[0].load < pair[1].load));
    }

    #[test]
    fn the_axis_is_cut_above_the_bend() {
        let curve = done(Curve::new(one_server, stage(9.0), None));
        let top = curve.most_response().unwrap();
        assert!((300.0..600.0).contains(&top), "{top}");
    }

    #[test]
    fn without_theory_there_are_still_loads_to_simulate() {
        let curve = done(Curve::new(nothing, stage(9.0), Some(100.0)));
        assert_eq!(curve.silence(), Some("closed loop"));
        assert_eq!(curve.wanted().len(), SHARES.len());
        assert_eq!(curve.most_response(), None);
    }

    #[test]
    fn points_of_an_earlier_stage_stay_until_the_first_new_one() {
        let mut curve = Curve::new(one_server, stage(9.0), None);
        let wanted = curve.wanted();
        for wanted in &wanted {
            curve.learn(wanted, &one_server(&wanted.stage));
        }
        assert_eq!(curve.simulated().len(), wanted.len());
        curve.restart(stage(9.0));
        assert!(curve.is_stale() && curve.simulated().len() == wanted.len());
        curve.learn(&wanted[3], &one_server(&wanted[3].stage));
        assert!(!curve.is_stale() && curve.simulated().len() == 1);
    }

    #[test]
    fn another_load_is_the_same_curve() {
        let curve = Curve::new(one_server, stage(9.0), None);
        assert!(curve.is_of(&stage(40.0)));
        let mut constant = stage(9.0);
        constant.workload.arrivals = hockeystick_core::workload::Arrivals::Constant;
        assert!(!curve.is_of(&constant));
    }
}
