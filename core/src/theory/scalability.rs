//! The Universal Scalability Law: throughput over the number of processors, or of users, that share work.
//!
//! X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)): contention alpha is work that cannot be shared, coherency
//! beta is what each has to tell every other. Gunther, *Guerrilla Capacity Planning* (2007), chapters 4 to 6; exact for
//! a synchronous repairman model with load-dependent service (Gunther, "A general theory of computational scalability
//! based on rational functions", 2008). Without beta it is Amdahl's law ("Validity of the single processor approach to
//! achieving large scale computing capabilities", AFIPS 1967).

use crate::numeric::{is_positive, is_quantity, solve_linear};

/// The law with its three parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// Throughput of one, per second or whichever unit.
    pub gamma: f64,
    /// Contention: the share of work that must be done one after the other.
    pub alpha: f64,
    /// Coherency: the share of work that each pair adds.
    pub beta: f64,
}

impl Usl {
    /// Amdahl's law: `serial` is the share of work that cannot be shared.
    pub const fn amdahl(gamma: f64, serial: f64) -> Self {
        Self { gamma, alpha: serial, beta: 0.0 }
    }

    /// Throughput relative to that of one. A number for alpha from 0 to 1, beta and n of at least zero.
    pub fn capacity(&self, n: f64) -> f64 {
        if n > 0.0 { n * self.efficiency(n) } else { 0.0 }
    }

    /// Throughput.
    pub fn throughput(&self, n: f64) -> f64 {
        self.gamma * self.capacity(n)
    }

    /// Throughput of each, relative to one alone.
    pub fn efficiency(&self, n: f64) -> f64 {
        1.0 / (1.0 + (n - 1.0) * (self.alpha + self.beta * n))
    }

    /// The number beyond which throughput falls: sqrt((1 - alpha) / beta), at least one. None where it never does.
    pub fn peak(&self) -> Option<f64> {
        let peak = ((1.0 - self.alpha).max(0.0) / self.beta).sqrt();
        (self.beta > 0.0 && peak.is_finite()).then_some(peak.max(1.0))
    }

    /// What throughput tends to without coherency: gamma / alpha. None where it has no bound, or falls.
    pub fn ceiling(&self) -> Option<f64> {
        let ceiling = self.gamma / self.alpha;
        (self.beta == 0.0 && self.alpha > 0.0 && ceiling.is_finite()).then_some(ceiling)
    }

    /// Response time, in seconds where `gamma` is a second's, of what comes at this rate and does not wait for answers: the
    /// law read the other way round. By Little's law N = X R, so X (1 + alpha (N - 1) + beta N (N - 1)) = gamma N is
    /// quadratic in N, and its smaller root is the one that a load from zero reaches. None at a rate above the law's peak.
    pub fn response_s(&self, rate: f64) -> Option<f64> {
        let (a, b, c) = (rate * self.beta, rate * (self.alpha - self.beta) - self.gamma, rate * (1.0 - self.alpha));
        let under_root = b * b - 4.0 * a * c;
        // Not (-b - root) / 2a, which is 0 / 0 where beta is zero.
        let inside = 2.0 * c / (under_root.sqrt() - b);
        let response = inside / rate;
        (b < 0.0 && is_positive(rate) && is_positive(response)).then_some(response)
    }

    /// Derivatives of the throughput by gamma, alpha and beta.
    fn gradient(&self, n: f64) -> [f64; 3] {
        let capacity = self.capacity(n);
        let by_overhead = -self.gamma * capacity * capacity / n;
        [capacity, by_overhead * (n - 1.0), by_overhead * n * (n - 1.0)]
    }
}

/// A law fitted to measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The best law.
    pub law: Usl,
    /// Standard errors of gamma, alpha and beta. Zero for a parameter that was held: at zero, because below it would
    /// fit better but mean nothing, or because Amdahl's law was asked for.
    pub standard_errors: Usl,
    /// Standard deviation of the measurements about the law.
    pub residual: f64,
}

/// The law that has the least squares of differences in throughput from `points` (N, X).
///
/// From Gunther's linear regression of N / X as a start, improved by Gauss-Newton steps; alpha and beta are at least
/// zero. None with fewer points than parameters plus one, fewer different N than parameters, or where the points do not
/// tell parameters apart; or a point whose X or N is not positive. N may be below one: of a load that comes by itself it is
/// the mean number inside.
pub fn fit(points: &[(f64, f64)]) -> Option<Fit> {
    let full = fit_free(points, &[0, 1, 2])?;
    match (full.law.alpha >= 0.0, full.law.beta >= 0.0) {
        (true, true) => Some(full),
        (_, false) => fit_amdahl(points),
        (false, true) => {
            let fit = fit_free(points, &[0, 2])?;
            if fit.law.beta >= 0.0 { Some(fit) } else { fit_free(points, &[0]) }
        }
    }
}

/// Amdahl's law fitted likewise.
pub fn fit_amdahl(points: &[(f64, f64)]) -> Option<Fit> {
    let fit = fit_free(points, &[0, 1])?;
    if fit.law.alpha >= 0.0 { Some(fit) } else { fit_free(points, &[0]) }
}

/// The least squares with only these of (gamma, alpha, beta) free and the others zero.
fn fit_free(points: &[(f64, f64)], free: &[usize]) -> Option<Fit> {
    let sound = points.iter().all(|(n, x)| is_positive(*n) && is_positive(*x));
    let mut different: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
    different.sort_by(f64::total_cmp);
    different.dedup();
    if !sound || points.len() <= free.len() || different.len() < free.len() {
        return None;
    }
    let mut law = start(points, free)?;
    for _ in 0..200 {
        let (normal, right) = normal_equations(points, free, |n, x| (law.gradient(n), x - law.throughput(n)));
        let step = solve_normal(normal, right)?;
        let before = squares(&law, points);
        // Halve a step that leads uphill.
        let (mut part, mut next) = (1.0, law);
        while part > 1e-12 {
            next = moved(&law, free, &step, part);
            if squares(&next, points) <= before {
                break;
            }
            part *= 0.5;
        }
        if part <= 1e-12 || before - squares(&next, points) <= 1e-15 * before {
            break;
        }
        law = next;
    }
    let variance = squares(&law, points) / (points.len() - free.len()) as f64;
    let (normal, _) = normal_equations(points, free, |n, _| (law.gradient(n), 0.0));
    let mut errors = [0.0; 3];
    for (at, parameter) in free.iter().enumerate() {
        let unit = (0..free.len()).map(|i| f64::from(u8::from(i == at))).collect();
        errors[*parameter] = (variance * solve_normal(normal.clone(), unit)?[at]).max(0.0).sqrt();
    }
    let [gamma, alpha, beta] = errors;
    let all = [law.gamma, law.alpha, law.beta, gamma, alpha, beta];
    let found = law.gamma > 0.0 && all.iter().all(|x| x.is_finite()) && is_quantity(variance);
    found.then_some(Fit { law, standard_errors: Usl { gamma, alpha, beta }, residual: variance.sqrt() })
}

/// Gunther's regression: N / X = (1 + alpha (N - 1) + beta N (N - 1)) / gamma is linear in 1, N - 1 and N (N - 1).
/// Weighted by (X / N)², so that relative errors count.
fn start(points: &[(f64, f64)], free: &[usize]) -> Option<Usl> {
    let weighted = |n: f64, x: f64| ([x / n, x / n * (n - 1.0), x / n * n * (n - 1.0)], 1.0);
    let (normal, right) = normal_equations(points, free, weighted);
    let solved = solve_normal(normal, right)?;
    let mut all = [0.0; 3];
    free.iter().zip(&solved).for_each(|(parameter, x)| all[*parameter] = *x);
    (all[0] > 0.0).then(|| Usl { gamma: 1.0 / all[0], alpha: all[1] / all[0], beta: all[2] / all[0] })
}

/// Solves normal equations in units that make their diagonal one: gamma and beta are many powers of ten apart.
fn solve_normal(mut normal: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let units: Vec<f64> = (0..right.len()).map(|i| normal[i][i].sqrt()).collect();
    if !units.iter().all(|unit| is_positive(*unit)) {
        return None;
    }
    for (i, row) in normal.iter_mut().enumerate() {
        row.iter_mut().zip(&units).for_each(|(x, unit)| *x /= unit * units[i]);
        right[i] /= units[i];
    }
    let solved = solve_linear(normal, right)?;
    Some(solved.into_iter().zip(&units).map(|(x, unit)| x / unit).collect())
}

fn squares(law: &Usl, points: &[(f64, f64)]) -> f64 {
    let sum = points.iter().map(|(n, x)| (x - law.throughput(*n)) * (x - law.throughput(*n))).sum::<f64>();
    let sensible = points.iter().all(|(n, _)| law.throughput(*n) > 0.0);
    if sensible { sum } else { f64::INFINITY }
}

fn moved(law: &Usl, free: &[usize], step: &[f64], part: f64) -> Usl {
    let mut all = [law.gamma, law.alpha, law.beta];
    free.iter().zip(step).for_each(|(parameter, step)| all[*parameter] += part * step);
    Usl { gamma: all[0], alpha: all[1], beta: all[2] }
}

/// J^T J and J^T r of the rows (gradient, residual) that `row` makes of each point.
fn normal_equations(
    points: &[(f64, f64)],
    free: &[usize],
    row: impl Fn(f64, f64) -> ([f64; 3], f64),
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut normal = vec![vec![0.0; free.len()]; free.len()];
    let mut right = vec![0.0; free.len()];
    for (n, x) in points {
        let (gradient, residual) = row(*n, *x);
        for (i, one) in free.iter().enumerate() {
            for (j, other) in free.iter().enumerate() {
                normal[i][j] += gradient[*one] * gradient[*other];
            }
            right[i] += gradient[*one] * residual;
        }
    }
    (normal, right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_fit_of_spec_sdm91_is_met() {
        // Gunther's data of a SPARCcenter 2000; coefficients and standard errors as the R package usl prints them:
        // alpha 0.0277285 (0.0091217), beta 0.0001044 (0.0000199), gamma 89.9952330 (14.2134894).
        let points = [
            (1.0, 64.9),
            (18.0, 995.9),
            (36.0, 1652.4),
            (72.0, 1853.2),
            (108.0, 1828.9),
            (144.0, 1775.0),
            (216.0, 1702.2),
        ];
        let Fit { law, standard_errors, .. } = fit(&points).unwrap();
        assert!((law.alpha - 0.027_728_5).abs() < 1e-6, "{law:?}");
        assert!((law.beta - 0.000_104_4).abs() < 1e-7, "{law:?}");
        assert!((law.gamma - 89.995_233).abs() < 1e-3, "{law:?}");
        assert!((standard_errors.alpha - 0.009_121_7).abs() < 1e-6, "{standard_errors:?}");
        assert!((standard_errors.beta - 0.000_019_9).abs() < 1e-7, "{standard_errors:?}");
        assert!((standard_errors.gamma - 14.213_489).abs() < 1e-2, "{standard_errors:?}");
        assert!((law.peak().unwrap() - 96.5).abs() < 0.1);
    }

    #[test]
    fn amdahl_s_law_is_the_law_without_coherency() {
        let law = Usl::amdahl(10.0, 0.05);
        assert!((law.capacity(20.0) - 1.0 / (0.05 + 0.95 / 20.0)).abs() < 1e-12);
        assert_eq!((law.peak(), law.ceiling()), (None, Some(200.0)));
        assert_eq!(Usl::amdahl(10.0, 0.0).ceiling(), None);
    }

    #[test]
    fn a_response_time_is_the_law_read_from_the_other_side() {
        for law in [Usl { gamma: 10.0, alpha: 0.05, beta: 0.002 }, Usl::amdahl(10.0, 0.3), Usl::amdahl(10.0, 0.0)] {
            for n in [0.2, 1.0, 3.0, 15.0] {
                let rate = law.throughput(n);
                assert!((law.response_s(rate).unwrap() - n / rate).abs() < 1e-9, "{law:?}, {n}");
            }
        }
        let law = Usl { gamma: 10.0, alpha: 0.05, beta: 0.002 };
        assert_eq!(law.response_s(1.01 * law.throughput(law.peak().unwrap())), None);
        assert_eq!(Usl::amdahl(10.0, 0.1).response_s(100.0), None);
        assert_eq!(law.response_s(0.0), None);
    }

    #[test]
    fn points_that_do_not_identify_a_law_give_none() {
        assert_eq!(fit(&[(1.0, 10.0), (2.0, 19.0), (4.0, 35.0)]), None);
        assert_eq!(fit(&[(1.0, 10.0), (1.0, 11.0), (2.0, 19.0), (2.0, 20.0)]), None);
        assert_eq!(fit(&[(1.0, 10.0), (2.0, f64::NAN), (3.0, 25.0), (4.0, 30.0)]), None);
        assert_eq!(fit(&[]), None);
        assert!(fit_amdahl(&[(1.0, 10.0), (1.0, 11.0), (2.0, 19.0)]).is_some());
    }

    #[test]
    fn what_scales_too_well_is_held_at_zero() {
        let points = [(1.0, 10.0), (2.0, 20.5), (4.0, 42.0), (8.0, 86.0), (16.0, 175.0)];
        let Fit { law, standard_errors, .. } = fit(&points).unwrap();
        assert_eq!((law.alpha, law.beta, standard_errors.beta), (0.0, 0.0, 0.0));
        assert!(law.gamma > 10.0 && law.gamma < 11.0);
    }

    proptest! {
        #[test]
        fn a_law_is_found_again_from_its_points(
            gamma in 0.1..1e5_f64, alpha in 0.001..0.5_f64, beta in 1e-5..0.05_f64,
        ) {
            let law = Usl { gamma, alpha, beta };
            let points = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 5000.0].map(|n| (n, law.throughput(n)));
            let found = fit(&points).unwrap().law;
            prop_assert!((found.gamma / gamma - 1.0).abs() < 1e-6, "{found:?}");
            prop_assert!((found.alpha - alpha).abs() < 1e-6, "{found:?}");
            prop_assert!((found.beta - beta).abs() < 1e-6, "{found:?}");
        }

        #[test]
        fn the_peak_is_the_highest_point(alpha in 0.0..0.99_f64, beta in 1e-6..0.1_f64, n in 1.0..1e4_f64) {
            let law = Usl { gamma: 1.0, alpha, beta };
            let peak = law.peak().unwrap();
            prop_assert!(law.throughput(n) <= law.throughput(peak) * (1.0 + 1e-12));
            prop_assert!(law.efficiency(n) <= 1.0);
        }

        #[test]
        fn any_points_give_a_sensible_law_or_none(
            points in prop::collection::vec((1.0..100.0_f64, 0.1..1e4_f64), 0..12),
        ) {
            if let Some(fit) = fit(&points) {
                prop_assert!(fit.law.gamma > 0.0 && fit.law.alpha >= 0.0 && fit.law.beta >= 0.0);
                prop_assert!(fit.residual.is_finite());
            }
        }
    }
}
