//! Student's t distribution, and the F distribution, whose tails are the same function.

use crate::numeric::log_gamma;

/// The number that a Student-t variable with `dof` degrees of freedom stays below with probability `p`.
///
/// Found by bisection on the distribution's tail, which is an incomplete beta function; twelve digits or better. `p`
/// outside of 0..1 or `dof` not above 0 gives NaN; 0 and 1 give the infinities.
pub fn student_t_quantile(p: f64, dof: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || dof.is_nan() || dof <= 0.0 {
        return f64::NAN;
    }
    if p < 0.5 {
        return -upper_quantile(p, dof);
    }
    upper_quantile(1.0 - p, dof)
}

/// The number that is exceeded with probability `tail`, at most one half.
fn upper_quantile(tail: f64, dof: f64) -> f64 {
    if tail == 0.0 {
        return f64::INFINITY;
    }
    if tail >= 0.5 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while upper_tail(high, dof) > tail {
        (low, high) = (high, high * 2.0);
        if high > 1e150 {
            return f64::INFINITY;
        }
    }
    // Halving 60 times leaves the last bit or two of a double.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle, dof) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability that a variable of the F distribution, of so many degrees of freedom above and below, exceeds `f`. One where
/// `f` is not above 0 or not a number.
///
/// Abramowitz & Stegun, *Handbook of Mathematical Functions* (1964), 26.6.2.
pub fn f_upper_tail(f: f64, above: f64, below: f64) -> f64 {
    if f == f64::INFINITY {
        return 0.0;
    }
    if f.is_nan() || f <= 0.0 {
        return 1.0;
    }
    let all = below + above * f;
    incomplete_beta(0.5 * below, 0.5 * above, below / all, above * f / all)
}

/// Probability that t is exceeded, for t of at least 0: I(dof / (dof + t²); dof / 2, 1 / 2) / 2.
///
/// Abramowitz & Stegun, *Handbook of Mathematical Functions* (1964), 26.7.1.
fn upper_tail(t: f64, dof: f64) -> f64 {
    let square = t * t;
    0.5 * incomplete_beta(0.5 * dof, 0.5, dof / (dof + square), square / (dof + square))
}

/// The regularised incomplete beta function I(x; a, b); `y` is 1 - x without its rounding.
///
/// By the continued fraction of Abramowitz & Stegun 26.5.8, on the side of the symmetry I(x; a, b) = 1 - I(y; b, a)
/// where it converges fast.
fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let log_front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * libm::log(x) + b * libm::log(y);
    let front = libm::exp(log_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

/// The continued fraction by Lentz's method, as modified by Thompson & Barnett, J. Comput. Phys. 64 (1986).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..20_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_f_agree_with_the_printed_table() {
        // Abramowitz & Stegun (1964), table 26.9.
        let table = [(9.55, 2.0, 3.0, 0.05), (19.16, 3.0, 2.0, 0.05), (3.33, 5.0, 10.0, 0.05), (99.17, 3.0, 2.0, 0.01)];
        for (f, above, below, tail) in table {
            assert!((f_upper_tail(f, above, below) / tail - 1.0).abs() < 0.01, "F({above}, {below}) over {f}");
        }
        assert_eq!([f64::INFINITY, 0.0, f64::NAN].map(|f| f_upper_tail(f, 3.0, 2.0)), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn quantiles_agree_with_the_printed_table() {
        // Abramowitz & Stegun (1964), table 26.10, and the closed forms of one and two degrees of freedom.
        let table = [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 5.0, 2.570_581_836),
            (0.995, 10.0, 3.169_272_673),
            (0.95, 20.0, 1.724_718_243),
            (0.975, 30.0, 2.042_272_456),
            (0.995, 120.0, 2.617_421_145),
            (0.75, 4.0, 0.740_697_084),
        ];
        for (p, dof, expected) in table {
            let t = student_t_quantile(p, dof);
            assert!((t - expected).abs() < 1e-8, "{p} {dof}: {t}");
            assert_eq!(student_t_quantile(1.0 - p, dof).to_bits() >> 20, (-t).to_bits() >> 20);
        }
    }

    #[test]
    fn with_many_degrees_of_freedom_it_is_the_normal_distribution() {
        assert!((student_t_quantile(0.975, 1e7) - 1.959_963_985).abs() < 1e-6);
        assert_eq!(student_t_quantile(0.5, 3.0), 0.0);
    }

    #[test]
    fn fractional_degrees_of_freedom_lie_between_their_neighbours() {
        let t = |dof| student_t_quantile(0.99, dof);
        assert!(t(3.0) > t(3.5) && t(3.5) > t(4.0));
    }

    #[test]
    fn arguments_outside_the_domain_are_not_a_number() {
        assert!(student_t_quantile(1.5, 3.0).is_nan());
        assert!(student_t_quantile(0.5, 0.0).is_nan());
        assert!(student_t_quantile(f64::NAN, 3.0).is_nan());
        assert_eq!(student_t_quantile(1.0, 3.0), f64::INFINITY);
        assert_eq!(student_t_quantile(0.0, 3.0), f64::NEG_INFINITY);
    }
}
