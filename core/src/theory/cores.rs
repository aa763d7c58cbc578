//! Processor sharing with several processors: M/M/c-PS.
//!
//! A request has one processor at most; once there are more requests than processors they share equally. The number
//! inside is that of the M/M/c queue for any demand (insensitivity), so the mean response of a demand x is x times
//! the mean number inside over the mean number of busy processors.

use super::complex::Complex;
use super::demand::Moments;
use super::markov::Mmc;
use crate::engine::sampler::Sampler;
use crate::units::Duration;
use crate::workload::Demand;

/// Others beyond this many are not told apart.
const MOST: usize = 600;
/// Probability of more others that may be left out.
const NEGLIGIBLE: f64 = 1e-7;
/// Share of idle processors below which they count as saturated.
const SATURATED: f64 = 1e-6;
/// A demand that varies less is taken to vary this much: it would take too many phases.
const SMALLEST_CV: f64 = 0.25;

/// By how much requests take longer than their demand, on average. Infinite when not stable.
pub fn stretch(servers: u32, offered: f64) -> f64 {
    if offered <= 0.0 {
        return 1.0;
    }
    Mmc { rate_per_s: offered, service_s: 1.0, servers }.mean_response_s()
}

/// Processors that Poisson arrivals share with one job that is always there.
///
/// A closed class of one customer in a mixed network of product form (Baskett, Chandy, Muntz & Palacios, "Open, closed,
/// and mixed networks of queues", Journal of the ACM 22, 1975): the number of others is a birth-death chain whose paces
/// leave that job its part, for any demands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// By how much requests take longer than their demand, on average. Infinite when not stable.
    pub stretch: f64,
    /// Work that is done for the permanent job in a second.
    pub pace: f64,
}

impl Beside {
    /// `servers` processors, to which so much work comes in a second.
    pub fn new(servers: u32, offered: f64) -> Self {
        let many = f64::from(servers);
        // So close to saturation the sums below have no end.
        if offered >= many * (1.0 - SATURATED) {
            return Self { stretch: f64::INFINITY, pace: NEGLIGIBLE };
        }
        // With n others the job has 1, or its part of all processors.
        let part = |n: f64| (many / (n + 1.0)).min(1.0);
        let (mut weight, mut sum, mut inside, mut pace, mut n) = (1.0, 1.0, 0.0, part(0.0), 0.0);
        while weight > NEGLIGIBLE * sum * (1.0 - offered / many) || n < offered {
            n += 1.0;
            weight *= offered / (n * part(n));
            sum += weight;
            inside += n * weight;
            pace += part(n) * weight;
        }
        let stretch = if offered > 0.0 { inside / sum / offered } else { 1.0 / part(1.0) };
        Self { stretch, pace: pace / sum }
    }

    /// Share of the time in which such a job is there, where it brings so much work a second.
    pub fn present(&self, load: f64) -> f64 {
        (load / self.pace).min(1.0)
    }
}

/// Processors that Poisson arrivals share, as one request sees them: a chain of the number of others.
///
/// The others' demands are taken as exponential, with the mean of what is left of a demand in progress, `E[B²] / 2 E[B]`,
/// and a rate that keeps the load. So the number of others is right, and so is the pace at which it changes over a long
/// request; both are exact for exponential demands.
#[derive(Clone, Debug)]
pub struct Cores {
    /// Probability of each number of others at an arrival.
    others: Vec<f64>,
    arrive_per_s: f64,
    /// Rate at which some other is done, by their number.
    leave_per_s: Vec<f64>,
    /// Speed at which the request itself is worked on, by the number of others.
    speed: Vec<f64>,
}

impl Cores {
    /// `servers` processors to which requests come at `rate_per_s`; none when they are too close to saturation.
    pub fn new(rate_per_s: f64, demand: &Moments, servers: u32) -> Option<Self> {
        let many = f64::from(servers);
        let left_s = demand.second / (2.0 * demand.first);
        let offered = rate_per_s * demand.first;
        if offered >= many {
            return None;
        }
        let (mut weight, mut sum): (f64, f64) = (1.0, 1.0);
        let mut others = vec![1.0];
        while others.len() < MOST + servers as usize {
            let n = others.len() as f64;
            weight *= offered / n.min(many);
            if n > offered && weight < NEGLIGIBLE * sum * (1.0 - offered / many) {
                break;
            }
            sum += weight;
            others.push(weight);
            if weight > 1e200 {
                others.iter_mut().for_each(|earlier| *earlier *= 1e-200);
                weight *= 1e-200;
                sum *= 1e-200;
            }
        }
        if weight > 1e-3 * sum * (1.0 - offered / many) && offered > 0.0 {
            return None;
        }
        others.iter_mut().for_each(|weight| *weight /= sum);
        let speed: Vec<f64> = (0..others.len()).map(|n| (many / (n as f64 + 1.0)).min(1.0)).collect();
        let leave_per_s = speed.iter().enumerate().map(|(n, speed)| n as f64 * speed / left_s).collect();
        Some(Self { others, arrive_per_s: offered / left_s, leave_per_s, speed })
    }

    /// E[e^(-s T)] of a request whose own demand has these moments: as many exponential phases as fit them, one after
    /// the other.
    pub fn transform(&self, s: Complex, own: &Moments) -> Complex {
        let cv = own.square_cv().sqrt().clamp(SMALLEST_CV, Demand::LARGEST_CV);
        // In units of its mean, so that the sampler's whole nanoseconds do not round it.
        let unit = Demand { mean: Duration::from_s(1), cv: if (cv - 1.0).abs() < 1e-9 { 1.0 } else { cv } };
        let phase = |start: &[Complex], mean_ns: f64| self.phase(s, start, mean_ns * 1e-9 * own.first);
        let sum = |states: &[Complex]| states.iter().fold(Complex::ZERO, |sum, state| sum + *state);
        let start: Vec<Complex> = self.others.iter().map(|p| Complex::real(*p)).collect();
        match Sampler::new(&unit) {
            Sampler::Constant { ns } => sum(&phase(&start, ns)),
            Sampler::Exponential { mean_ns } => sum(&phase(&start, mean_ns)),
            Sampler::Erlang { phases, fewer, phase_ns } => {
                let before = (1..phases).fold(start, |states, _| phase(&states, phase_ns));
                sum(&before) * fewer + sum(&phase(&before, phase_ns)) * (1.0 - fewer)
            }
            Sampler::Hyperexponential { first, means_ns: [one, other] } => {
                sum(&phase(&start, one)) * first + sum(&phase(&start, other)) * (1.0 - first)
            }
        }
    }

    /// One exponential phase of the request: from the discounted state at its start to the one at its end.
    ///
    /// Solves x (done + s - Q) = start, where Q is the chain of the others, by elimination; the result is x done.
    fn phase(&self, s: Complex, start: &[Complex], mean_s: f64) -> Vec<Complex> {
        let last = start.len() - 1;
        let done = |n: usize| self.speed[n] / mean_s;
        let up = |n: usize| if n < last { self.arrive_per_s } else { 0.0 };
        let diagonal = |n: usize| s + (done(n) + up(n) + self.leave_per_s[n]);
        // Column n holds -up(n - 1), diagonal(n), -leave(n + 1); the matrix is diagonally dominant, so no pivoting.
        let mut ratio = vec![Complex::ZERO; start.len()];
        let mut x = vec![Complex::ZERO; start.len()];
        for n in 0..=last {
            let (before_ratio, before_x) =
                if n > 0 { (ratio[n - 1], x[n - 1]) } else { (Complex::ZERO, Complex::ZERO) };
            let from_below = if n > 0 { up(n - 1) } else { 0.0 };
            let inverse = Complex::ONE / (diagonal(n) - before_ratio * from_below);
            x[n] = (start[n] + before_x * from_below) * inverse;
            ratio[n] = if n < last { inverse * self.leave_per_s[n + 1] } else { Complex::ZERO };
        }
        for n in (0..last).rev() {
            x[n] = x[n] + ratio[n] * x[n + 1];
        }
        for (n, state) in x.iter_mut().enumerate() {
            *state = *state * done(n);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::sharing::Sharing;

    fn mean(cores: &Cores, own: &Moments) -> f64 {
        let h = 1e-4 / own.first;
        let at = |s: f64| cores.transform(Complex::real(s), own).re;
        (3.0 * at(0.0) - 4.0 * at(h) + at(2.0 * h)) / (2.0 * h)
    }

    #[test]
    fn the_mean_is_that_of_mmc_for_any_own_demand() {
        let exponential = Moments::exponential(0.02);
        for (servers, busy) in [(1, 0.5), (2, 0.9), (8, 0.8), (64, 0.95)] {
            let rate = busy * f64::from(servers) / 0.02;
            let cores = Cores::new(rate, &exponential, servers).unwrap();
            for own in [exponential, Moments::exponential(0.001), exponential.times(3)] {
                let expected = own.first * stretch(servers, rate * 0.02);
                let found = mean(&cores, &own);
                assert!((found / expected - 1.0).abs() < 2e-3, "{servers} {busy}: {found} {expected}");
            }
        }
    }

    #[test]
    fn beside_a_job_that_stays_everything_takes_twice_as_long() {
        // One processor: (n + 1) rho^n others have a mean of 2 rho / (1 - rho), and the job has what is left.
        for busy in [0.0, 0.3, 0.8] {
            let Beside { stretch, pace } = Beside::new(1, busy);
            assert!((stretch * (1.0 - busy) - 2.0).abs() < 1e-4, "{busy}: {stretch}");
            assert!((pace - (1.0 - busy)).abs() < 1e-5, "{busy}: {pace}");
        }
        // Many processors hardly notice one.
        let Beside { stretch, pace } = Beside::new(16, 2.0);
        assert!(stretch < 1.001 && pace > 0.999);
        assert_eq!(Beside::new(2, 2.0).stretch, f64::INFINITY);
    }

    #[test]
    fn one_processor_agrees_with_ott_s_transform() {
        let demand = Moments::exponential(1.0);
        let (cores, sharing) = (Cores::new(0.7, &demand, 1).unwrap(), Sharing::new(0.7, &demand));
        for s in [Complex::new(0.2, 0.0), Complex::new(0.5, 3.0)] {
            // Ott's, mixed over exponential demands by the midpoint rule.
            let step = 0.005;
            let mixed = (0..6000).fold(Complex::ZERO, |sum, i| {
                let x = (f64::from(i) + 0.5) * step;
                sum + sharing.at(s).transform(x) * (libm::exp(-x) * step)
            });
            let error = cores.transform(s, &demand) - mixed;
            assert!(error.square_norm().sqrt() < 3e-5, "{s:?} {error:?}");
        }
    }

    #[test]
    fn saturation_and_idleness_are_handled() {
        assert!(Cores::new(3.0, &Moments::exponential(1.0), 3).is_none());
        assert!(Cores::new(0.99999, &Moments::exponential(1.0), 1).is_none());
        assert!(Cores::new(180.0, &Moments::exponential(1.0), 190).is_some());
        let idle = Cores::new(0.0, &Moments::exponential(1.0), 4).unwrap();
        let found = idle.transform(Complex::real(1.0), &Moments::exponential(1.0));
        assert!((found.re - 0.5).abs() < 1e-12);
        assert_eq!(stretch(190, 0.0), 1.0);
    }
}
