//! From a Laplace transform back to its function, numerically.
//!
//! The algorithm is EULER: Abate & Whitt, "Numerical inversion of Laplace transforms of probability distributions", ORSA
//! Journal on Computing 7 (1995). The inversion integral becomes a Fourier series by the trapezoidal rule, and Euler
//! summation (a binomial average of partial sums) makes the series converge after some thirty terms.

use super::complex::Complex;

/// Bounds the discretisation error by e^-18.4, about 1e-8, for functions between 0 and 1.
const A: f64 = 18.4;
/// Terms before the averaging.
const TERMS: usize = 15;
/// Partial sums that are averaged, less one.
const AVERAGED: usize = 11;
/// Points at which the transform is evaluated.
pub const POINTS: usize = TERMS + AVERAGED + 1;
/// Binomial coefficients C(11, i).
const BINOMIAL: [f64; AVERAGED + 1] = [1.0, 11.0, 55.0, 165.0, 330.0, 462.0, 462.0, 330.0, 165.0, 55.0, 11.0, 1.0];

/// Where to evaluate a transform to get its function at `t`, above 0, and the weight of each real part in the sum.
///
/// Accurate to about seven digits where the function is smooth; within a few per cent of `t` beside a jump it shows the
/// jump's ringing instead.
pub fn points(t: f64) -> [(Complex, f64); POINTS] {
    let scale = libm::exp(A / 2.0) / t;
    let mut averaged = 1.0;
    std::array::from_fn(|k| {
        if k > TERMS {
            averaged -= BINOMIAL[k - TERMS - 1] / 2048.0;
        }
        let s = Complex::new(A, 2.0 * k as f64 * std::f64::consts::PI) * (0.5 / t);
        let weight = match k {
            0 => 0.5,
            _ if k % 2 == 1 => -averaged,
            _ => averaged,
        };
        (s, weight * scale)
    })
}

/// The function with this transform, at `t` above 0.
pub fn invert(t: f64, transform: impl Fn(Complex) -> Complex) -> f64 {
    points(t).iter().map(|(s, weight)| weight * transform(*s).re).sum()
}

/// The probability that a variable exceeds `t`, from the variable's Laplace-Stieltjes transform E[e^(-s X)].
pub fn tail(t: f64, transform: impl Fn(Complex) -> Complex) -> f64 {
    invert(t, |s| (Complex::ONE - transform(s)) / s).clamp(0.0, 1.0)
}

/// The smallest time that a falling tail exceeds with probability of at most `above`, to nine digits.
///
/// `scale` is a guess of the size of the answer; infinity when the tail never falls so low.
pub fn quantile(above: f64, scale: f64, tail: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, scale.max(1e-12));
    while tail(high) > above {
        (low, high) = (high, 2.0 * high);
        if high > 1e30 {
            return f64::INFINITY;
        }
    }
    while high - low > 1e-9 * high && high > 1e-15 {
        let middle = 0.5 * (low + high);
        if tail(middle) > above { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_transforms_come_back_as_their_functions() {
        for t in [0.01, 0.5, 1.0, 7.0, 30.0] {
            let exponential = invert(t, |s| Complex::ONE / (s + 1.0));
            assert!((exponential - libm::exp(-t)).abs() < 2e-7, "{t}: {exponential}");
            let sine = invert(t, |s| Complex::ONE / (s * s + 1.0));
            assert!((sine - libm::sin(t)).abs() < 1e-5, "{t}: {sine}");
            let ramp = invert(t, |s| Complex::ONE / (s * s));
            assert!((ramp / t - 1.0).abs() < 1e-6, "{t}: {ramp}");
        }
    }

    #[test]
    fn tails_of_gamma_variables_agree_with_their_closed_form() {
        // Erlang with 3 phases of mean 2: e^(-x) (1 + x + x²/2) at x = t / 2.
        for t in [0.5, 4.0, 20.0] {
            let x = t / 2.0;
            let exact = libm::exp(-x) * (1.0 + x + x * x / 2.0);
            let found = tail(t, |s| (Complex::ONE / (s * 2.0 + 1.0)).power(3));
            assert!((found - exact).abs() < 1e-6, "{t}: {found} {exact}");
        }
    }

    #[test]
    fn a_quantile_is_where_the_tail_says() {
        let median = quantile(0.5, 1e-6, |t| libm::exp(-t / 250.0));
        assert!((median - 250.0 * libm::log(2.0)).abs() < 1e-5);
        assert_eq!(quantile(0.05, 1.0, |_| 0.2), f64::INFINITY);
        assert!(quantile(0.05, 1.0, |_| 0.0) < 1e-14);
    }
}
