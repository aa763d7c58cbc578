//! Service demands from measurements, by the utilisation law.
//!
//! A station's busy time is the sum of what each class of request demanded of it: U = Σ X·D (Denning & Buzen, "The
//! Operational Analysis of Queueing Network Models", ACM Computing Surveys 10(3), 1978). Given U and the throughput of
//! each class at several loads, the demands are the non-negative least-squares solution.

use crate::statistics::{Interval, f_upper_tail, student_t_quantile};
use crate::workload::{Class, PerClass};

/// What was seen of one station at one load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Requests of each class that it served in a second.
    pub throughput_per_s: PerClass<f64>,
    /// Processors that were busy.
    pub processors: f64,
    /// How long it was looked at.
    pub seconds: f64,
}

/// How demands were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The mix varied enough to give each class a demand of its own.
    PerClass,
    /// The mix hardly varied: one factor for all of the stage's own demands.
    OneFactor,
}

/// Demands of one station.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// How they were found.
    pub method: Method,
    /// Seconds of service that one request of each class demands.
    pub demand_s: PerClass<f64>,
    /// Each class's interval; a class that was never sent keeps the stage's demand and has none.
    pub interval_s: [Option<Interval>; 4],
    /// Root mean square of the busy processors that the fit leaves unexplained.
    pub residual_processors: f64,
}

/// Why demands cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrateError {
    /// No step had both throughput and busy time.
    #[error("no step measured both throughput and busy time of this station")]
    NothingMeasured,
    /// The stage says that these classes demand nothing, so no factor can scale that.
    #[error("the stage gives this station no demand that could be scaled")]
    NothingToScale,
}

/// Largest share of a step's busy time that may be uncertain because of one class; above it, the data do not tell that
/// class from the others, unless they refute that one factor does for all.
const UNCERTAINTY_MAX: f64 = 0.25;
/// How probable chance must make what one factor leaves unexplained, and demands of their own do not, for one factor to do.
const CHANCE_MIN: f64 = 0.05;

/// Finds the demands of one station. `prior_s` are the stage's own demands, used where the data cannot tell classes
/// apart; `confidence` is that of the intervals.
///
/// # Errors
/// When there is nothing to fit.
pub fn fit_demands(
    observations: &[Observation],
    prior_s: PerClass<f64>,
    confidence: f64,
) -> Result<Fit, CalibrateError> {
    let useful: Vec<Observation> = observations
        .iter()
        .copied()
        .filter(|seen| seen.processors > 0.0 && seen.throughput_per_s.iter().any(|(_, rate)| *rate > 0.0))
        .collect();
    if useful.is_empty() {
        return Err(CalibrateError::NothingMeasured);
    }
    if let Some(fit) = per_class(&useful, prior_s, confidence) {
        return Ok(fit);
    }
    one_factor(&useful, prior_s, confidence)
}

/// Weight of an observation: the error of a busy time grows with the busy time, so relative errors count; and the error of a
/// mean falls with the root of the time over which it was taken, so those of longer observations count for more.
fn weight(seen: &Observation) -> f64 {
    libm::sqrt(seen.seconds.max(1e-6)) / seen.processors.max(1e-6)
}

/// Non-negative least squares over the classes that were sent; none when the data cannot tell them apart.
fn per_class(observations: &[Observation], prior_s: PerClass<f64>, confidence: f64) -> Option<Fit> {
    let sent: Vec<Class> = Class::ALL
        .into_iter()
        .filter(|class| observations.iter().any(|seen| *seen.throughput_per_s.get(*class) > 0.0))
        .collect();
    if observations.len() <= sent.len() {
        return None;
    }
    // Whether classes can be told apart is a matter of all of them together, without the help of the constraint.
    let free = least_squares(observations, &sent)?;
    let degrees = (observations.len() - sent.len()) as f64;
    let quantile = student_t_quantile(0.5 + confidence / 2.0, degrees);
    let scale = libm::sqrt(free.squares / degrees);
    let half_widths: Vec<f64> = free.variance.iter().map(|variance| quantile * scale * libm::sqrt(*variance)).collect();
    let uncertain = |(class, half): (&Class, &f64)| {
        let share = |seen: &Observation| seen.throughput_per_s.get(*class) * half / seen.processors;
        observations.iter().map(share).fold(0.0, f64::max) > UNCERTAINTY_MAX
    };
    let is_refuted = || chance_of_one_factor(observations, &prior_s, &free, degrees) < CHANCE_MIN;
    if sent.iter().zip(&half_widths).any(uncertain) && !is_refuted() {
        return None;
    }
    let mut fit = Fit { method: Method::PerClass, demand_s: prior_s, interval_s: [None; 4], residual_processors: 0.0 };
    let solution = non_negative(observations, &sent)?;
    for (class, half) in sent.iter().zip(half_widths) {
        let value = *solution.get(*class);
        *fit.demand_s.get_mut(*class) = value;
        fit.interval_s[*class as usize] = Some(Interval { value, low: (value - half).max(0.0), high: value + half });
    }
    fit.residual_processors = residual(observations, &fit.demand_s);
    Some(fit)
}

/// Probability that demands of their own explain the observations by so much better than one factor for all of the stage's,
/// by chance alone: the F test of nested models (Fisher, *Statistical Methods for Research Workers*, 1925, chapter VIII).
/// Zero where the stage has none to scale.
fn chance_of_one_factor(observations: &[Observation], prior_s: &PerClass<f64>, own: &Solution, degrees: f64) -> f64 {
    let (work_2, both, busy_2) = observations.iter().fold((0.0, 0.0, 0.0), |(work_2, both, busy_2), seen| {
        let (expected, busy) = (weight(seen) * work(seen, prior_s), weight(seen) * seen.processors);
        (work_2 + expected * expected, both + expected * busy, busy_2 + busy * busy)
    });
    if work_2 == 0.0 {
        return 0.0;
    }
    let squares = busy_2 - both * both / work_2;
    let more = own.demand_s.len() as f64 - 1.0;
    f_upper_tail((squares - own.squares) / more / (own.squares / degrees), more, degrees)
}

/// The best solution without a negative demand. At most four classes: trying every set of positive ones is exact and
/// needs no iteration.
fn non_negative(observations: &[Observation], sent: &[Class]) -> Option<PerClass<f64>> {
    let solve = |set: u32| {
        let classes: Vec<Class> =
            sent.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, class)| *class).collect();
        let solution = least_squares(observations, &classes)?;
        let mut demands = PerClass::all(0.0);
        classes.iter().zip(&solution.demand_s).for_each(|(class, demand)| *demands.get_mut(*class) = *demand);
        solution.demand_s.iter().all(|demand| *demand >= 0.0).then_some((demands, solution.squares))
    };
    let best = (1_u32..1 << sent.len()).filter_map(solve).min_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|(demands, _)| demands)
}

struct Solution {
    demand_s: Vec<f64>,
    /// Diagonal of the inverse of the normal matrix.
    variance: Vec<f64>,
    /// Weighted sum of squared residuals.
    squares: f64,
}

/// Ordinary weighted least squares through the origin, by the normal equations; none when they are (nearly) singular.
fn least_squares(observations: &[Observation], classes: &[Class]) -> Option<Solution> {
    let n = classes.len();
    // Normal matrix, right-hand side, identity: elimination leaves the solution and the inverse.
    let mut rows = vec![vec![0.0; 2 * n + 1]; n];
    for seen in observations {
        let w = weight(seen) * weight(seen);
        for i in 0..n {
            let x_i = *seen.throughput_per_s.get(classes[i]);
            for j in 0..n {
                rows[i][j] += w * x_i * seen.throughput_per_s.get(classes[j]);
            }
            rows[i][n] += w * x_i * seen.processors;
        }
    }
    let sizes: Vec<f64> = (0..n).map(|i| rows[i][i]).collect();
    for (i, row) in rows.iter_mut().enumerate() {
        row[n + 1 + i] = 1.0;
    }
    for i in 0..n {
        // A pivot that elimination has all but cancelled means that this class always came in step with others.
        if rows[i][i] <= 1e-6 * sizes[i] {
            return None;
        }
        let pivot: Vec<f64> = rows[i].iter().map(|value| value / rows[i][i]).collect();
        for (j, row) in rows.iter_mut().enumerate() {
            if j != i {
                let factor = row[i];
                row.iter_mut().zip(&pivot).for_each(|(value, p)| *value -= factor * p);
            }
        }
        rows[i] = pivot;
    }
    let demand_s: Vec<f64> = rows.iter().map(|row| row[n]).collect();
    let variance = (0..n).map(|i| rows[i][n + 1 + i].max(0.0)).collect();
    let mut demands = PerClass::all(0.0);
    classes.iter().zip(&demand_s).for_each(|(class, demand)| *demands.get_mut(*class) = *demand);
    let squares =
        observations.iter().map(|seen| libm::pow(weight(seen) * (seen.processors - work(seen, &demands)), 2.0)).sum();
    Some(Solution { demand_s, variance, squares })
}

/// Processors that these demands would keep busy.
fn work(seen: &Observation, demand_s: &PerClass<f64>) -> f64 {
    seen.throughput_per_s.iter().map(|(class, rate)| rate * demand_s.get(class)).sum()
}

fn residual(observations: &[Observation], demand_s: &PerClass<f64>) -> f64 {
    let squares: f64 = observations.iter().map(|seen| libm::pow(seen.processors - work(seen, demand_s), 2.0)).sum();
    libm::sqrt(squares / observations.len() as f64)
}

/// One factor for the stage's own demands: the mean of the measured over the expected busy time, by how long each was seen.
fn one_factor(observations: &[Observation], prior_s: PerClass<f64>, confidence: f64) -> Result<Fit, CalibrateError> {
    let factors: Vec<(f64, f64)> = observations
        .iter()
        .filter_map(|seen| {
            let expected = work(seen, &prior_s);
            (expected > 0.0).then(|| (seen.processors / expected, seen.seconds.max(1e-6)))
        })
        .collect();
    if factors.is_empty() {
        return Err(CalibrateError::NothingToScale);
    }
    let (n, all_s) = (factors.len() as f64, factors.iter().map(|(_, seconds)| seconds).sum::<f64>());
    let mean = |of: &dyn Fn(f64) -> f64| factors.iter().map(|(f, seconds)| of(*f) * seconds).sum::<f64>() / all_s;
    let factor = mean(&|f| f);
    let half = if factors.len() < 2 {
        f64::INFINITY
    } else {
        // Of weighted least squares with one unknown: the residuals' mean square over the degrees of freedom.
        let variance = mean(&|f| (f - factor) * (f - factor)) / (n - 1.0);
        student_t_quantile(0.5 + confidence / 2.0, n - 1.0) * libm::sqrt(variance)
    };
    let demand_s = PerClass(prior_s.0.map(|demand| demand * factor));
    let interval = |demand: f64| Interval {
        value: demand * factor,
        low: (demand * (factor - half)).max(0.0),
        high: demand * (factor + half),
    };
    let sent = |class: Class| observations.iter().any(|seen| *seen.throughput_per_s.get(class) > 0.0);
    let interval_s = Class::ALL.map(|class| sent(class).then(|| interval(*prior_s.get(class))));
    Ok(Fit { method: Method::OneFactor, residual_processors: residual(observations, &demand_s), demand_s, interval_s })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(rates: [f64; 4], demands: [f64; 4]) -> Observation {
        let throughput_per_s = PerClass(rates);
        Observation {
            throughput_per_s,
            processors: work(&Observation { throughput_per_s, processors: 0.0, seconds: 0.0 }, &PerClass(demands)),
            seconds: 10.0,
        }
    }

    #[test]
    fn a_mix_that_varies_gives_each_class_its_demand() {
        let truth = [0.0003, 0.004, 0.006, 0.05];
        let mixes = [
            [90.0, 5.0, 3.0, 0.1],
            [10.0, 60.0, 3.0, 0.1],
            [10.0, 5.0, 40.0, 0.1],
            [10.0, 5.0, 3.0, 5.0],
            [70.0, 24.0, 5.0, 1.0],
        ];
        let observations = mixes.map(|mix| seen(mix, truth));
        let fit = fit_demands(&observations, PerClass::all(0.001), 0.95).unwrap();
        assert_eq!(fit.method, Method::PerClass);
        for (class, demand) in fit.demand_s.iter() {
            assert!((demand - truth[class as usize]).abs() < 1e-9, "{class:?}: {demand}");
        }
    }

    #[test]
    fn a_long_observation_counts_for_more_than_a_short_one() {
        let of = |seconds: f64, demand_s: f64| Observation {
            seconds,
            ..seen([100.0, 0.0, 0.0, 0.0], [demand_s, 0.0, 0.0, 0.0])
        };
        let fit = fit_demands(&[of(90.0, 0.001), of(10.0, 0.00101)], PerClass::all(0.001), 0.9).unwrap();
        // Weighted by relative errors, all but nine tenths of the way.
        assert!((fit.demand_s.get(Class::Static) - 0.001001).abs() < 1e-7, "{:?}", fit.demand_s);
    }

    #[test]
    fn classes_sent_alone_are_told_apart_on_a_noisy_machine_where_one_factor_is_refuted() {
        let (truth, wrong) = ([0.0001, 0.0026, 0.003, 0.0073], [0.01, 0.0026, 0.03, 0.0001]);
        let steps = [
            ([2355.0, 0.0, 0.0, 0.0], 0.92),
            ([0.0, 141.0, 0.0, 0.0], 1.07),
            ([0.0, 0.0, 139.0, 0.0], 0.94),
            ([0.0, 0.0, 0.0, 60.0], 1.06),
            ([229.0, 78.0, 16.0, 3.3], 1.15),
            ([346.0, 119.0, 25.0, 4.9], 0.86),
        ];
        let observations = steps.map(|(rates, speed)| {
            let seen = seen(rates, truth);
            Observation { processors: seen.processors * speed, ..seen }
        });
        let fit = fit_demands(&observations, PerClass(wrong), 0.9).unwrap();
        assert_eq!(fit.method, Method::PerClass);
        for (class, demand) in fit.demand_s.iter() {
            assert!((demand / truth[class as usize] - 1.0).abs() < 0.15, "{class:?}: {demand}");
        }
        // Where the stage's own proportions are right, the noise does not refute them, and one factor is the surer.
        let fit = fit_demands(&observations, PerClass(truth), 0.9).unwrap();
        assert_eq!(fit.method, Method::OneFactor);
    }

    #[test]
    fn a_fixed_mix_scales_all_demands_alike() {
        let truth = [0.0006, 0.008, 0.012, 0.1];
        let observations =
            [10.0, 20.0, 30.0, 40.0, 50.0, 60.0].map(|x| seen([0.7 * x, 0.24 * x, 0.05 * x, 0.01 * x], truth));
        let prior = PerClass(truth.map(|demand| demand / 2.0));
        let fit = fit_demands(&observations, prior, 0.95).unwrap();
        assert_eq!(fit.method, Method::OneFactor);
        for (class, demand) in fit.demand_s.iter() {
            assert!((demand / truth[class as usize] - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_class_that_was_never_sent_keeps_its_demand_and_has_no_interval() {
        let observations = [1.0, 2.0, 3.0].map(|x| seen([100.0 * x, 0.0, 0.0, 0.0], [0.001, 0.0, 0.0, 0.0]));
        let fit = fit_demands(&observations, PerClass::all(0.02), 0.95).unwrap();
        assert!((fit.demand_s.get(Class::Static) - 0.001).abs() < 1e-12);
        assert!((fit.demand_s.get(Class::Job) - 0.02).abs() < 1e-12);
        assert!(fit.interval_s[Class::Job as usize].is_none());
    }

    #[test]
    fn nothing_measured_is_an_error() {
        assert_eq!(fit_demands(&[], PerClass::all(1.0), 0.9), Err(CalibrateError::NothingMeasured));
        let idle = seen([10.0, 0.0, 0.0, 0.0], [0.001, 0.0, 0.0, 0.0]);
        assert_eq!(fit_demands(&[idle], PerClass::all(0.0), 0.9), Err(CalibrateError::NothingToScale));
    }

    proptest! {
        #[test]
        fn demands_are_never_negative_nor_undefined(
            rows in proptest::collection::vec(
                (proptest::array::uniform4(0.0..1000.0_f64), 0.0..8.0_f64, 0.1..100.0_f64), 1..12
            ),
        ) {
            let observations: Vec<_> = rows
                .into_iter()
                .map(|(rates, processors, seconds)| Observation { throughput_per_s: PerClass(rates), processors, seconds })
                .collect();
            if let Ok(fit) = fit_demands(&observations, PerClass::all(0.001), 0.9) {
                prop_assert!(fit.demand_s.0.iter().all(|demand| demand.is_finite() && *demand >= 0.0));
                prop_assert!(fit.residual_processors.is_finite());
            }
        }
    }
}
