//! Response time over load: what to ask of theory and simulation, and what they said.

use std::cell::RefCell;
use std::rc::Rc;

use hockeystick_core::outcome::{Estimate, Outcome};
use hockeystick_core::pack;
use hockeystick_core::stage::Stage;
use hockeystick_core::theory::{MeanCurve, TheoryCurve, at_load, between, silence};
use hockeystick_protocol::{Finding, Question};

use crate::figure::handle::{Asked, FigureHandle};

/// Stretches of the 95th percentile's line.
const TAIL_POINTS: usize = 64;
/// Loads that are simulated, as shares of the capacity: closer together where the curve bends.
const SIMULATED: [f64; 9] = [0.1, 0.3, 0.5, 0.62, 0.72, 0.8, 0.86, 0.91, 0.95];
/// Requests that one simulated point is made of, about: enough for a 95th percentile with a narrow interval.
const REQUESTS: f64 = 100_000.0;
/// Loads without a known capacity, as shares of the longest load that the reader can choose.
const SHARES: [f64; 9] = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7, 0.85, 1.0];

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

/// A line of one figure over load, in milliseconds.
pub(super) type Line = Vec<(f64, f64)>;

/// What is known of one stage's curve.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    stage: Stage,
    /// The largest load that the reader may choose, where the figure says.
    reach: Option<f64>,
    /// What theory says of the mean, and with it the load axis; at first only an axis.
    means: MeanCurve,
    /// Why theory says nothing, in its own words.
    silence: Option<String>,
    /// The mean's line as it is drawn.
    mean: Line,
    p95: Line,
    simulated: Vec<Point>,
    /// Whether the 95th percentile's line is of an earlier stage, and whether the simulated points are.
    stale: (bool, bool),
}

impl Curve {
    /// The curve of a stage, with what the page says of it.
    pub(super) fn new(stage: Stage, reach: Option<f64>, known: Option<&TheoryCurve>) -> Self {
        let mut curve = Self {
            means: MeanCurve::unknown(&stage, reach),
            stage,
            reach,
            silence: None,
            mean: Vec::new(),
            p95: Vec::new(),
            simulated: Vec::new(),
            stale: (false, false),
        };
        if let Some(TheoryCurve { means, p95_ms, silence }) = known {
            curve.learn_means(means);
            curve.silence.clone_from(silence);
            let tail = means.tail_loads().into_iter().zip(p95_ms.iter().map(|ms| f64::from(*ms)));
            curve.p95 = tail.filter(|(_, ms)| ms.is_finite()).collect();
        }
        curve
    }

    /// Begins again for a changed stage. What is not known anew stays until it is.
    pub(super) fn restart(&mut self, stage: Stage) {
        self.stage = stage;
        self.stale = (true, true);
    }

    /// Whether another stage differs in more than its load and its faults.
    pub(super) fn is_of(&self, stage: &Stage) -> bool {
        let mut other = stage.clone();
        other.workload.rate = self.stage.workload.rate;
        other.faults.clone_from(&self.stage.faults);
        other.components.iter_mut().zip(&self.stage.components).for_each(|(a, b)| a.at = b.at);
        pack::are_alike(&other, &self.stage)
    }

    /// What is asked first: the mean's line, which shows where everything else is.
    pub(super) fn first_question(&self) -> Question {
        let is_known = !self.means.mean_ms.is_empty();
        let before_per_s = is_known.then_some(self.means.span_per_s);
        Question::Means { stage: self.stage.clone(), reach_per_s: self.reach, before_per_s }
    }

    /// What theory is asked about the tail, once the mean's line is known.
    pub(super) fn tail_questions(&self) -> Vec<Question> {
        self.means.tail_loads().iter().map(|load| Question::Solve { stage: at_load(&self.stage, *load) }).collect()
    }

    /// What is simulated, each with a seed of its own: with one for all, a run of heavy requests would lift the whole
    /// curve.
    pub(super) fn runs(&self, seed: u64) -> Vec<Question> {
        let shares = if self.capacity().is_some() { SIMULATED } else { SHARES };
        let run = |(share, n): (f64, u64)| {
            let load = share * self.means.bend_per_s();
            let seconds = (REQUESTS / load).clamp(20.0, 3_600.0);
            Question::Run { stage: at_load(&self.stage, load), seed: seed.wrapping_add(n), seconds }
        };
        shares.into_iter().zip(0..).map(run).collect()
    }

    /// Takes an answer. The first of a kind replaces what was known of the stage as it was.
    pub(super) fn learn(&mut self, question: &Question, finding: &Finding) {
        match (question, finding) {
            (Question::Means { .. }, Finding::Means(means)) => self.learn_means(means),
            (Question::Solve { stage }, Finding::Outcome(outcome)) => {
                let point = Point::of(stage.workload.rate.per_s(), outcome);
                if std::mem::take(&mut self.stale.0) {
                    self.p95.clear();
                }
                if self.p95.is_empty() {
                    // The lightest load comes first: what theory cannot say there, it cannot say at all.
                    self.silence = silence(outcome);
                }
                self.p95.extend(point.p95.map(|p95| (point.load, p95)));
            }
            (Question::Run { stage, .. }, Finding::Outcome(outcome)) => {
                let point = Point::of(stage.workload.rate.per_s(), outcome);
                if std::mem::take(&mut self.stale.1) {
                    self.simulated.clear();
                }
                let place = self.simulated.partition_point(|other| other.load < point.load);
                self.simulated.insert(place, point);
            }
            _ => {}
        }
    }

    /// Takes that theory cannot be asked, and why. What it said is of the stage as it was: a line must not claim to be of
    /// this one.
    pub(super) fn forget_theory(&mut self, why: String) {
        self.means = MeanCurve::unknown(&self.stage, self.reach);
        self.mean.clear();
        self.p95.clear();
        self.stale.0 = false;
        self.silence = Some(why);
    }

    fn learn_means(&mut self, means: &MeanCurve) {
        self.mean = means.line();
        self.means.clone_from(means);
    }

    /// Requests a second at which the busiest station has no idle time.
    pub(super) fn capacity(&self) -> Option<f64> {
        self.means.capacity_per_s
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
        let load = |n: usize| first.0 + (last.0 - first.0) * n as f64 / TAIL_POINTS as f64;
        (0..=TAIL_POINTS).filter_map(|n| Some((load(n), self.p95_at(load(n))?))).collect()
    }

    fn p95_at(&self, load: f64) -> Option<f64> {
        between(&self.p95, load, self.capacity())
    }

    pub(super) fn simulated(&self) -> &[Point] {
        &self.simulated
    }

    /// Whether the 95th percentile's line is of an earlier stage, and whether the simulated points are.
    pub(super) fn stale(&self) -> (bool, bool) {
        self.stale
    }

    /// Where the load axis ends.
    pub(super) fn most_load(&self) -> f64 {
        self.means.span_per_s
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
        let bend = self.means.bend_per_s();
        let idle = p95.first().or(mean.first()).map(|(_, ms)| 1.8 * ms);
        let flat = between(&mean, 0.94 * bend, self.capacity()).map(|ms| 1.15 * ms);
        let tail = between(&p95, 0.82 * bend, self.capacity()).map(|ms| 1.3 * ms);
        [idle, flat, tail].into_iter().flatten().reduce(f64::max)
    }

    /// What theory says at a load: the mean and the 95th percentile.
    pub(super) fn theory_at(&self, load: f64) -> (Option<f64>, Option<f64>) {
        (self.means.at(load), self.p95_at(load))
    }
}

/// Asks theory for the mean's line, has the curve learn what it says, and then calls `then`.
pub(super) fn ask_means(curve: &Rc<RefCell<Curve>>, figure: &FigureHandle, then: impl Fn() + 'static) -> Option<Asked> {
    let curve = Rc::clone(curve);
    let question = curve.borrow().first_question();
    figure.ask(vec![question.clone()], move |_, found| {
        match found {
            Ok(finding) => curve.borrow_mut().learn(&question, &finding),
            Err(why) => curve.borrow_mut().forget_theory(why),
        }
        then();
    })
}

fn known(estimate: &Estimate) -> Option<f64> {
    estimate.known().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::outcome::Response;
    use hockeystick_core::units::Rate;
    use hockeystick_core::workload::Workload;
    use std::collections::BTreeMap;

    /// One server that takes 20 ms: the mean response of M/M/1, and no say past its capacity of 50 a second.
    fn one_server(question: &Question) -> Finding {
        match question {
            Question::Means { .. } => {
                let mut means = MeanCurve { capacity_per_s: Some(50.0), span_per_s: 65.0, mean_ms: Vec::new() };
                means.mean_ms = means.loads().iter().map(|load| mean_ms(*load).unwrap_or(f64::NAN) as f32).collect();
                Finding::Means(means)
            }
            Question::Solve { stage } | Question::Run { stage, .. } => {
                let mean = mean_ms(stage.workload.rate.per_s());
                let estimate = |factor: f64| {
                    mean.map_or(Estimate::not_applicable("full"), |ms| Estimate::by(factor * ms, "exact"))
                };
                Finding::Outcome(Box::new(outcome(estimate(1.0), estimate(3.0))))
            }
        }
    }

    fn mean_ms(load: f64) -> Option<f64> {
        let busy = load * 0.02;
        (busy < 1.0).then(|| 20.0 / (1.0 - busy))
    }

    fn outcome(mean: Estimate, p95: Estimate) -> Outcome {
        Outcome {
            throughput_per_s: Estimate::value(1.0),
            response_ms: Response { mean, p95, p50: Estimate::value(0.0), p99: Estimate::value(0.0) },
            utilisation: BTreeMap::new(),
            errors_per_s: BTreeMap::new(),
            stale: Estimate::value(0.0),
            metrics: BTreeMap::new(),
        }
    }

    fn stage(rate_per_s: f64) -> Stage {
        Stage { workload: Workload { rate: Rate::per_second(rate_per_s), ..Workload::default() }, ..Stage::default() }
    }

    fn ask(curve: &mut Curve, questions: Vec<Question>, answer: fn(&Question) -> Finding) {
        questions.iter().for_each(|question| curve.learn(question, &answer(question)));
    }

    /// A curve after everything that it wants to know by theory.
    fn by_theory(mut curve: Curve, answer: fn(&Question) -> Finding) -> Curve {
        let first = vec![curve.first_question()];
        ask(&mut curve, first, answer);
        let tail = curve.tail_questions();
        ask(&mut curve, tail, answer);
        curve
    }

    #[test]
    fn the_line_follows_theory_and_ends_where_theory_does() {
        let curve = by_theory(Curve::new(stage(9.0), None, None), one_server);
        let (mean, p95) = curve.theory_at(25.0);
        assert!((mean.unwrap() - 40.0).abs() < 0.2 && (p95.unwrap() - 120.0).abs() < 0.6);
        assert_eq!(curve.theory_at(60.0), (None, None));
        assert!(curve.mean().is_sorted_by(|one, next| one.0 < next.0));
        assert!((curve.theory_at(44.0).1.unwrap() - 500.0).abs() < 0.1);
    }

    #[test]
    fn what_the_page_says_need_not_be_asked() {
        let asked = by_theory(Curve::new(stage(9.0), None, None), one_server);
        let Finding::Means(means) = one_server(&asked.first_question()) else { panic!("no means") };
        let p95_ms = means.tail_loads().iter().map(|load| 3.0 * mean_ms(*load).unwrap() as f32).collect();
        let known = TheoryCurve { means, p95_ms, silence: None };
        let told = Curve::new(stage(9.0), None, Some(&known));
        assert_eq!(told.mean(), asked.mean());
        assert!((told.theory_at(44.0).1.unwrap() - asked.theory_at(44.0).1.unwrap()).abs() < 1e-3);
    }

    #[test]
    fn the_axis_is_cut_above_the_bend() {
        let curve = by_theory(Curve::new(stage(9.0), None, None), one_server);
        let top = curve.most_response().unwrap();
        assert!((300.0..600.0).contains(&top), "{top}");
    }

    #[test]
    fn without_theory_there_are_still_loads_to_simulate() {
        let nothing = |question: &Question| match question {
            Question::Means { .. } => {
                Finding::Means(MeanCurve { capacity_per_s: None, span_per_s: 100.0, mean_ms: Vec::new() })
            }
            _ => {
                let none = outcome(Estimate::not_applicable("closed loop"), Estimate::not_applicable("no"));
                Finding::Outcome(Box::new(none))
            }
        };
        let curve = by_theory(Curve::new(stage(9.0), Some(100.0), None), nothing);
        assert_eq!(curve.silence(), Some("closed loop"));
        assert_eq!(curve.runs(1).len(), SHARES.len());
        assert_eq!(curve.most_response(), None);
    }

    #[test]
    fn points_of_an_earlier_stage_stay_until_the_first_new_one() {
        let mut curve = by_theory(Curve::new(stage(9.0), None, None), one_server);
        let (tail, runs) = (curve.tail_questions(), curve.runs(1));
        ask(&mut curve, runs.clone(), one_server);
        let known = (curve.p95.len(), curve.simulated().len());
        assert_eq!(known, (tail.len(), SIMULATED.len()));
        curve.restart(stage(9.0));
        assert_eq!((curve.stale(), curve.p95.len(), curve.simulated().len()), ((true, true), known.0, known.1));
        curve.learn(&tail[0], &one_server(&tail[0]));
        assert_eq!((curve.stale(), curve.p95.len(), curve.simulated().len()), ((false, true), 1, known.1));
        curve.learn(&runs[0], &one_server(&runs[0]));
        assert_eq!((curve.stale(), curve.simulated().len()), ((false, false), 1));
    }

    #[test]
    fn without_its_theorist_a_curve_shows_no_line_of_an_earlier_stage() {
        let mut curve = by_theory(Curve::new(stage(9.0), Some(100.0), None), one_server);
        curve.restart(stage(9.0));
        curve.forget_theory("it cannot be loaded".to_owned());
        assert_eq!((curve.mean().len(), curve.p95().len(), curve.capacity()), (0, 0, None));
        assert_eq!(curve.silence(), Some("it cannot be loaded"));
        let runs = curve.runs(1);
        ask(&mut curve, runs, one_server);
        assert_eq!(curve.simulated().len(), SHARES.len());
        assert!(curve.most_response().is_some());
    }

    #[test]
    fn another_load_is_the_same_curve() {
        let curve = Curve::new(stage(9.0), None, None);
        assert!(curve.is_of(&stage(40.0)));
        let mut constant = stage(9.0);
        constant.workload.arrivals = hockeystick_core::workload::Arrivals::Constant;
        assert!(!curve.is_of(&constant));
    }
}
