//! The M/G/1 queue, first come, first served; with constant service it is M/D/1.
//!
//! Pollaczek 1930 and Khinchine 1932; in the form of Kleinrock, *Queueing Systems*, volume 1 (1975), sections 5.6 to
//! 5.7.

use super::complex::Complex;
use super::demand::Moments;

/// Mean wait in seconds: `lambda E[S²] / (2 (1 - rho))`. Infinite when not stable.
pub fn mean_wait_s(rate_per_s: f64, service: &Moments) -> f64 {
    let busy = rate_per_s * service.first;
    if busy >= 1.0 { f64::INFINITY } else { rate_per_s * service.second / (2.0 * (1.0 - busy)) }
}

/// Transform of the wait, for the transform `service` of the service time at `s`: (1 - rho) s / (s - lambda (1 -
/// B(s))).
pub fn wait_transform(rate_per_s: f64, mean_service_s: f64, s: Complex, service: Complex) -> Complex {
    let served = (Complex::ONE - service) * rate_per_s;
    s * (1.0 - rate_per_s * mean_service_s) / (s - served)
}

/// First and second moment of the wait, in seconds and square seconds. Exact; none when not stable.
///
/// `E[W²] = 2 E[W]² + lambda E[S³] / (3 (1 - rho))`: Takács, "A single-server queue with Poisson input", Operations
/// Research 10 (1962), the second of its recurrence.
pub fn wait_moments(rate_per_s: f64, service: &Moments) -> Option<(f64, f64)> {
    let first = mean_wait_s(rate_per_s, service);
    let second = 2.0 * first * first + rate_per_s * service.third / (3.0 * (1.0 - rate_per_s * service.first));
    (first.is_finite() && second.is_finite()).then_some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::inversion;

    #[test]
    fn exponential_service_is_the_mm1_queue() {
        let service = Moments::exponential(0.1);
        assert!((mean_wait_s(8.0, &service) - 0.4).abs() < 1e-12);
        for t in [0.05, 0.3, 2.0] {
            let transform = |s: Complex| wait_transform(8.0, 0.1, s, Complex::ONE / (s * 0.1 + 1.0));
            let found = inversion::tail(t, transform);
            assert!((found - 0.8 * libm::exp(-2.0 * t)).abs() < 1e-6, "{t}: {found}");
        }
    }

    #[test]
    fn constant_service_waits_half_as_long() {
        let service = Moments { first: 0.1, second: 0.01, third: 0.001 };
        assert!((mean_wait_s(8.0, &service) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_wait_s_distribution_with_constant_service_is_erlang_s() {
        // P(W <= t) for M/D/1, Erlang 1909: (1 - rho) sum of (rho (k - t))^k / k! e^(-rho (k - t)), service 1, k <= t.
        let (rho, t) = (0.7, 2.4_f64);
        let (mut exact, mut factorial) = (0.0, 1.0);
        for k in 0..=2_u32 {
            factorial *= f64::from(k.max(1));
            let x = rho * (f64::from(k) - t);
            exact += libm::pow(x, f64::from(k)) / factorial * libm::exp(-x);
        }
        exact *= 1.0 - rho;
        let found = 1.0 - inversion::tail(t, |s| wait_transform(rho, 1.0, s, (-s).exp()));
        assert!((found - exact).abs() < 2e-4, "{found} {exact}");
    }

    #[test]
    fn full_and_empty_queues_are_no_numbers_to_divide_by() {
        assert_eq!(mean_wait_s(10.0, &Moments::exponential(0.1)), f64::INFINITY);
        assert_eq!(mean_wait_s(0.0, &Moments::exponential(0.1)), 0.0);
        assert_eq!(wait_moments(10.0, &Moments::exponential(0.1)), None);
    }

    #[test]
    fn the_second_moment_is_the_tail_s_integral() {
        // M/M/1: waits are zero with probability 1 - rho, else exponential with rate mu - lambda.
        let (_, second) = wait_moments(8.0, &Moments::exponential(0.1)).unwrap();
        assert!((second - 0.8 * 2.0 / 4.0).abs() < 1e-12);
        // Constant service: E[W²] = integral of 2 t P(W > t).
        let service = Moments { first: 1.0, second: 1.0, third: 1.0 };
        let (_, second) = wait_moments(0.5, &service).unwrap();
        let at = |t: f64| 2.0 * t * inversion::tail(t, |s| wait_transform(0.5, 1.0, s, (-s).exp()));
        let integral: f64 = (0..4000).map(|i| at((f64::from(i) + 0.5) * 0.005) * 0.005).sum();
        assert!((integral / second - 1.0).abs() < 1e-4, "{integral} {second}");
    }
}
