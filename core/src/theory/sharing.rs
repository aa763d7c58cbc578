//! Processor sharing with one processor: M/G/1-PS.
//!
//! A request of demand x takes x / (1 - rho) on average, whatever the distribution of the others' demands is
//! (Kleinrock, *Queueing Systems*, volume 2, 1976; Sakata, Noguchi & Oizumi 1971). How its response time
//! is distributed does depend on it; Ott, "The sojourn-time distribution in the M/G/1 queue with processor sharing",
//! Journal of Applied Probability 21 (1984), found the transform:
//!
//! E[e^(-s T(x))] = (1 - rho) / ((1 - rho) H1(s, x) + s H2(s, x)), where H1 and H2 are known by their own transforms
//! in x, which hold the transform B of the demand:
//!
//! - of dH1: (z - lambda (1 - B(z))) / (z - s - lambda (1 - B(z)))
//! - of dH2: (rho z - lambda (1 - B(z))) / (z (z - s - lambda (1 - B(z))))
//!
//! With a rational B both are sums of exponentials in x, whose rates are the roots of a cubic equation. With exponential
//! demand this is the result of Coffman, Muntz & Trotter, "Waiting time distributions for processor-sharing systems",
//! Journal of the ACM 17 (1970).

use super::complex::{Complex, roots};
use super::demand::Moments;

/// A processor that Poisson arrivals share.
///
/// B is replaced by the rational function (1 + a z) / (1 + b z + c z²) with the same first three moments. For
/// exponential and two-phase hyperexponential demands that is B itself, and every result is exact. For others it is an
/// approximation of the *other* requests only, whose mean work, long-run variance and skewness stay exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharing {
    rate_per_s: f64,
    busy: f64,
    mean_s: f64,
    b: f64,
    c: f64,
}

impl Sharing {
    /// A processor to which requests come at `rate_per_s` and whose demands have these moments.
    pub fn new(rate_per_s: f64, demand: &Moments) -> Self {
        let mean_s = demand.first;
        let (b, c) = fit(demand);
        Self { rate_per_s, busy: rate_per_s * mean_s, mean_s, b, c }
    }

    /// Share of the processor's time that is used; stable below one.
    pub fn utilisation(&self) -> f64 {
        self.busy
    }

    /// Mean response time of a demand of `x_s` seconds; infinite when not stable.
    pub fn mean_response_s(&self, x_s: f64) -> f64 {
        if self.busy >= 1.0 { f64::INFINITY } else { x_s / (1.0 - self.busy) }
    }

    /// The transform of response times at `s`, whose real part is above zero, ready for any demand.
    pub fn at(&self, s: Complex) -> Kernel {
        if self.busy <= 0.0 {
            return Kernel { idle: 1.0, lead: s, terms: [(Complex::ONE, Complex::ZERO), NO_TERM, NO_TERM] };
        }
        let Self { rate_per_s: rate, busy, mean_s, b, c } = *self;
        let idle = 1.0 - busy;
        // The denominator (z - s) Q - lambda z R, with Q = 1 + b z + c z² and R = (Q - N) / z = mean + c z.
        let square = -(s * c) + (b - rate * c);
        let linear = -(s * b) + idle;
        let slope = |z: Complex| (z * (3.0 * c) + square * 2.0) * z + linear;
        let mut terms = [NO_TERM; 3];
        let mut lead = Complex::new(f64::NEG_INFINITY, 0.0);
        for (term, z) in terms.iter_mut().zip(roots(c, square, linear, -s)) {
            let Some(z) = z else { continue };
            let q = (z * c + b) * z + 1.0;
            let r = z * c + mean_s;
            let rest = z * (busy * c) + (busy * b - rate * c);
            *term = (((q - r * rate) * idle + s * rest) / slope(z), z);
            if z.re > lead.re {
                lead = z;
            }
        }
        terms.iter_mut().for_each(|(_, z)| *z = *z - lead);
        Kernel { idle, lead, terms }
    }
}

/// Powers of e below this are as good as zero beside one: below the digits that the inversion keeps.
const SMALLEST_POWER: f64 = -34.0;

const NO_TERM: (Complex, Complex) = (Complex::ZERO, Complex::ZERO);

/// The transform of the response time at one `s`, as a function of the demand.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    idle: f64,
    /// The root with the largest real part; the terms' rates are relative to it, so that none overflows.
    lead: Complex,
    terms: [(Complex, Complex); 3],
}

impl Kernel {
    /// E[e^(-s T)] of a demand of `x_s` seconds.
    pub fn transform(&self, x_s: f64) -> Complex {
        if self.lead.re * x_s > -SMALLEST_POWER {
            return Complex::ZERO;
        }
        let mut sum = Complex::ZERO;
        for (factor, rate) in self.terms {
            let power = rate * x_s;
            if power == Complex::ZERO {
                sum = sum + factor;
            } else if power.re > SMALLEST_POWER {
                sum = sum + factor * power.exp();
            }
        }
        (-(self.lead * x_s)).exp() * self.idle / sum
    }
}

/// The denominator's b and c for a demand with these moments; the numerator's a is b less the mean.
///
/// Matching the series of (1 + a z) / (1 + b z + c z²) to the moments gives two linear equations. Where they have no
/// solution with its poles on the left, the third moment is taken to be that of a gamma distribution.
fn fit(demand: &Moments) -> (f64, f64) {
    let mean = demand.first;
    if mean <= 0.0 {
        return (0.0, 0.0);
    }
    let second = demand.second / (2.0 * mean * mean);
    let third = demand.third / (6.0 * mean * mean * mean);
    let b = (third - second) / (second - 1.0);
    let c = b - second;
    if (second - 1.0).abs() > 1e-4 && b > 0.0 && c > 0.0 && b.is_finite() {
        return (b * mean, c * mean * mean);
    }
    let square_cv = demand.square_cv();
    (2.0 / 3.0 * (1.0 + square_cv) * mean, (1.0 + square_cv) / 6.0 * mean * mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::inversion;

    /// The transform of Coffman, Muntz & Trotter for M/M/1-PS, written down from their paper.
    fn coffman_muntz_trotter(rate: f64, mu: f64, x: f64, s: Complex) -> Complex {
        let sum = s + (rate + mu);
        let r = (sum - (sum * sum + (-4.0 * rate * mu)).sqrt()) * (0.5 / rate);
        let busy = rate / mu;
        let one_minus_r = Complex::ONE - r;
        let one_minus_rho_r = Complex::ONE - r * busy;
        let front = (Complex::ONE - r * r * busy) * (1.0 - busy) * (-((one_minus_r * rate + s) * x)).exp();
        let decay = (-((Complex::real(mu) / r - r * rate) * x)).exp();
        front / (one_minus_rho_r * one_minus_rho_r - one_minus_r * one_minus_r * busy * decay)
    }

    #[test]
    fn with_exponential_demand_it_is_the_transform_of_coffman_muntz_and_trotter() {
        for busy in [0.1, 0.5, 0.9, 0.99] {
            let sharing = Sharing::new(busy, &Moments::exponential(1.0));
            for x in [0.01, 0.7, 5.0, 30.0] {
                for s in [Complex::new(0.01, 0.0), Complex::new(0.3, 2.0), Complex::new(2.0, -15.0)] {
                    let expected = coffman_muntz_trotter(busy, 1.0, x, s);
                    let found = sharing.at(s).transform(x);
                    let error = (found - expected).square_norm().sqrt();
                    assert!(error < 1e-9, "rho {busy}, x {x}, s {s:?}: {found:?} {expected:?}");
                }
            }
        }
    }

    /// Mean and variance of T(x), from the transform near zero.
    fn mean_and_variance(sharing: &Sharing, x: f64) -> (f64, f64) {
        // ln E[e^(-sT)] = -s mean + s² variance / 2 - ..., by a difference that removes the cubic term.
        let h = 1e-3 / sharing.mean_response_s(x);
        let log = |s: f64| libm::log(sharing.at(Complex::real(s)).transform(x).re);
        let (one, two, three) = (log(h), log(2.0 * h), log(3.0 * h));
        let mean = -(18.0 * one - 9.0 * two + 2.0 * three) / (6.0 * h);
        let variance = (-5.0 * one + 4.0 * two - three) / (h * h);
        (mean, variance)
    }

    fn demands() -> [(&'static str, Moments); 4] {
        [
            ("exponential", Moments::exponential(1.0)),
            ("hyperexponential", Moments::exponential(0.2).mixed(0.8, Moments::exponential(4.2))),
            ("Erlang", Moments::exponential(0.5).times(2)),
            ("constant", Moments { first: 1.0, second: 1.0, third: 1.0 }),
        ]
    }

    #[test]
    fn the_mean_is_the_demand_over_the_idle_share_whatever_the_others_demand() {
        for (name, demand) in demands() {
            for x in [0.1, 1.0, 6.0] {
                let sharing = Sharing::new(0.8 / demand.first, &demand);
                let (mean, _) = mean_and_variance(&sharing, x);
                assert!((mean / (x / 0.2) - 1.0).abs() < 1e-4, "{name} {x}: {mean}");
            }
        }
    }

    #[test]
    fn a_long_request_s_variance_grows_with_the_second_moment_of_the_others() {
        // Var T(x) / x tends to lambda E[B²] / (1 - rho)^3: Yashkov, "Processor-sharing queues", Queueing Systems 2 (1987).
        for (name, demand) in demands() {
            let rate = 0.5 / demand.first;
            let sharing = Sharing::new(rate, &demand);
            // The slope between two long demands; what is constant drops out.
            let variance = |x: f64| mean_and_variance(&sharing, x).1;
            let slope = (variance(400.0) - variance(200.0)) / 200.0;
            let expected = rate * demand.second / 0.125;
            assert!((slope / expected - 1.0).abs() < 1e-2, "{name}: {slope} {expected}");
        }
    }

    #[test]
    fn the_response_of_mm1_ps_has_the_known_variance() {
        // (2 + rho) / ((2 - rho) (1 - rho)²), with mu of 1: Coffman, Muntz & Trotter 1970.
        for busy in [0.3, 0.8] {
            let sharing = Sharing::new(busy, &Moments::exponential(1.0));
            // Mix over exponential demands by Simpson's rule: E[T²] = E[Var T(x) + (E T(x))²].
            let (steps, step) = (600, 0.05);
            let square = |i: i32| {
                let x = f64::from(i) * step;
                let (mean, variance) = if i == 0 { (0.0, 0.0) } else { mean_and_variance(&sharing, x) };
                let weight = if i == 0 || i == steps { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
                weight * libm::exp(-x) * (variance + mean * mean)
            };
            let second = (0..=steps).map(square).sum::<f64>() * step / 3.0;
            let variance = second - 1.0 / ((1.0 - busy) * (1.0 - busy));
            let expected = (2.0 + busy) / ((2.0 - busy) * (1.0 - busy) * (1.0 - busy));
            assert!((variance / expected - 1.0).abs() < 2e-3, "{busy}: {variance} {expected}");
        }
    }

    #[test]
    fn a_response_never_takes_less_than_its_demand() {
        let sharing = Sharing::new(0.7, &Moments::exponential(1.0));
        let below = inversion::tail(1.5, |s| sharing.at(s).transform(2.0));
        assert!((below - 1.0).abs() < 1e-3, "{below}");
    }

    #[test]
    fn without_load_a_response_is_its_demand() {
        let s = Complex::new(3.0, 1.0);
        for sharing in [Sharing::new(0.0, &Moments::exponential(1.0)), Sharing::new(5.0, &Moments::ZERO)] {
            let error = sharing.at(s).transform(0.4) - (-(s * 0.4)).exp();
            assert!(error.square_norm() < 1e-24);
        }
        assert_eq!(Sharing::new(2.0, &Moments::exponential(1.0)).mean_response_s(1.0), f64::INFINITY);
    }
}
