//! Queues with Poisson arrivals and exponential service: M/M/1, M/M/c, the same with room for so many only, and
//! M/M/inf.
//!
//! All of it is exact.
//!
//! Formulas: Kleinrock, *Queueing Systems*, volume 1 (1975), sections 3.2 to 3.6; Gross & Harris, *Fundamentals of
//! Queueing Theory* (3rd edition, 1998), sections 2.2 to 2.5.

use super::{erlang, inversion};
use crate::numeric::{is_positive, is_quantity, log_gamma};

/// An M/M/c queue, first come, first served: everybody waits until a server is free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmc {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Mean service time in seconds.
    pub service_s: f64,
    /// Servers.
    pub servers: u32,
}

impl Mmc {
    /// The queue, if it has a server, its quantities are numbers, and it is stable: then all its figures are finite.
    pub fn stable(rate_per_s: f64, service_s: f64, servers: u32) -> Option<Self> {
        let queue = Self { rate_per_s, service_s, servers };
        let numbers = is_quantity(rate_per_s) && is_quantity(service_s) && servers > 0;
        (numbers && queue.utilisation() < 1.0).then_some(queue)
    }

    /// Share of its capacity that is asked of it; stable below one.
    pub fn utilisation(&self) -> f64 {
        self.rate_per_s * self.service_s / f64::from(self.servers)
    }

    /// Probability that an arrival must wait.
    pub fn waiting(&self) -> f64 {
        erlang::waiting(self.servers, self.rate_per_s * self.service_s)
    }

    /// Rate at which a wait, once it is one, comes to its end: c mu - lambda. Waits are exponential with it.
    fn relief_per_s(&self) -> f64 {
        f64::from(self.servers) / self.service_s - self.rate_per_s
    }

    /// Mean wait in seconds; infinite when not stable.
    pub fn mean_wait_s(&self) -> f64 {
        match () {
            () if self.service_s <= 0.0 => 0.0,
            () if self.utilisation() >= 1.0 => f64::INFINITY,
            () => self.waiting() / self.relief_per_s(),
        }
    }

    /// Mean response time in seconds; infinite when not stable.
    pub fn mean_response_s(&self) -> f64 {
        self.mean_wait_s() + self.service_s
    }

    /// Mean number inside.
    pub fn mean_inside(&self) -> f64 {
        self.rate_per_s * self.mean_response_s()
    }

    /// Mean number waiting.
    pub fn mean_waiting(&self) -> f64 {
        self.rate_per_s * self.mean_wait_s()
    }

    /// Probability that a wait takes longer than `t_s` seconds: C e^(-(c mu - lambda) t).
    pub fn wait_tail(&self, t_s: f64) -> f64 {
        match () {
            () if self.service_s <= 0.0 => 0.0,
            () if self.utilisation() >= 1.0 => 1.0,
            () => self.waiting() * libm::exp(-self.relief_per_s() * t_s),
        }
    }

    /// The wait in seconds that a share `q` of arrivals does not exceed.
    pub fn wait_quantile_s(&self, q: f64) -> f64 {
        let waiting = self.waiting();
        if self.service_s <= 0.0 || 1.0 - q >= waiting {
            return 0.0;
        }
        if self.utilisation() >= 1.0 {
            return f64::INFINITY;
        }
        libm::log(waiting / (1.0 - q)) / self.relief_per_s()
    }

    /// The response time in seconds that a share `q`, below one, of arrivals does not exceed, to nine digits.
    pub fn response_quantile_s(&self, q: f64) -> f64 {
        match () {
            () if self.service_s <= 0.0 => 0.0,
            () if self.utilisation() >= 1.0 || q >= 1.0 => f64::INFINITY,
            () => inversion::quantile(1.0 - q, self.service_s, |t| self.response_tail(t)),
        }
    }

    /// Probability that a response takes longer than `t_s` seconds.
    pub fn response_tail(&self, t_s: f64) -> f64 {
        if self.service_s <= 0.0 {
            return 0.0;
        }
        let (mu, relief, waiting) = (1.0 / self.service_s, self.relief_per_s(), self.waiting());
        let served = libm::exp(-mu * t_s);
        // Wait and service are independent exponentials; where their rates meet, the quotient becomes a derivative.
        let gap = mu - relief;
        let both = if gap.abs() < 1e-9 * mu {
            served * (1.0 + mu * t_s)
        } else {
            (mu * libm::exp(-relief * t_s) - relief * served) / gap
        };
        (1.0 - waiting) * served + waiting * both
    }
}

/// An M/M/c/K queue: `room` requests at most, in service and waiting together; one more is lost.
///
/// With processor sharing instead of waiting in line, everything here but the split into wait and service holds for any
/// distribution of demand (insensitivity: Cohen, "The multiple phase service network with generalized processor
/// sharing", Acta Informatica 12, 1979).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mmck {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Mean service time in seconds.
    pub service_s: f64,
    /// Servers.
    pub servers: u32,
    /// Most requests inside.
    pub room: u32,
}

impl Mmck {
    /// The queue, if it has a server and its quantities are numbers. Any load will do: what finds no room is lost.
    pub fn bounded(rate_per_s: f64, service_s: f64, servers: u32, room: u32) -> Option<Self> {
        let numbers = is_quantity(rate_per_s) && is_quantity(service_s) && servers > 0;
        numbers.then_some(Self { rate_per_s, service_s, servers, room })
    }

    /// Probability of each number inside, from 0 to `room`.
    pub fn distribution(&self) -> Vec<f64> {
        let offered = self.rate_per_s * self.service_s;
        let mut weights = Vec::with_capacity(self.room as usize + 1);
        let mut weight = 1.0;
        weights.push(weight);
        for n in 1..=self.room {
            weight *= offered / f64::from(n.min(self.servers));
            if weight > 1e200 {
                // The ratios are what counts; what underflows here had no weight beside what is to come.
                weights.iter_mut().for_each(|earlier| *earlier *= 1e-200);
                weight *= 1e-200;
            }
            weights.push(weight);
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }

    /// Share of arrivals that are lost.
    pub fn lost(&self) -> f64 {
        self.distribution().last().copied().unwrap_or(1.0)
    }

    /// Requests a second that get in, and therefore come out.
    pub fn throughput_per_s(&self) -> f64 {
        self.rate_per_s * (1.0 - self.lost())
    }

    /// Mean wait in seconds of those that get in, served in order of arrival.
    pub fn mean_wait_s(&self) -> f64 {
        (self.mean_response_s() - self.service_s).max(0.0)
    }

    /// Mean number inside.
    pub fn mean_inside(&self) -> f64 {
        self.distribution().iter().enumerate().map(|(n, p)| n as f64 * p).sum()
    }

    /// Mean response time in seconds of those that get in, by Little's law.
    pub fn mean_response_s(&self) -> f64 {
        let distribution = self.distribution();
        let inside: f64 = distribution.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
        let admitted = self.rate_per_s * (1.0 - distribution.last().copied().unwrap_or(1.0));
        if admitted > 0.0 { inside / admitted } else { self.service_s }
    }
}

/// An M/M/inf system: a server for everybody, so that nobody waits. Holds for any distribution of service with this
/// mean: M/G/inf (Gross & Harris).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MmInf {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Mean service time in seconds, which is the mean response time.
    pub service_s: f64,
}

impl MmInf {
    /// Mean number inside; the number is Poisson distributed, so this is its variance as well.
    pub fn mean_inside(&self) -> f64 {
        self.rate_per_s * self.service_s
    }

    /// Probability that `n` are inside.
    pub fn probability(&self, n: u32) -> f64 {
        let (mean, n) = (self.mean_inside(), f64::from(n));
        match () {
            () if mean > 0.0 => libm::exp(n * libm::log(mean) - mean - log_gamma(n + 1.0)),
            () if n == 0.0 => 1.0,
            () => 0.0,
        }
    }

    /// The smallest number that is exceeded with probability of at most `above`, which counts down to about 1e-8: what
    /// a pool must hold to be too small that seldom. None where a quantity is no number, `above` is not above zero, or
    /// over a million would be inside.
    pub fn enough_for(&self, above: f64) -> Option<u32> {
        let mean = self.mean_inside();
        if !is_quantity(mean) || !is_positive(above) || mean > 1e6 {
            return None;
        }
        // Where rounding keeps the sum below one, the count ends far beyond the mean.
        let most = mean + 40.0 * mean.sqrt() + 200.0;
        let (mut n, mut upto) = (0, self.probability(0));
        while 1.0 - upto > above && f64::from(n) < most {
            n += 1;
            upto += self.probability(n);
        }
        Some(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric;
    use proptest::prelude::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1e-9), "{found} {expected}");
    }

    #[test]
    fn one_server_is_the_mm1_queue() {
        let queue = Mmc { rate_per_s: 8.0, service_s: 0.1, servers: 1 };
        close(queue.mean_response_s(), 0.5);
        close(queue.mean_inside(), 4.0);
        close(queue.response_tail(1.0), libm::exp(-2.0));
        close(queue.wait_quantile_s(0.9), libm::log(8.0) / 2.0);
        close(queue.wait_quantile_s(0.1), 0.0);
    }

    #[test]
    fn tail_and_mean_of_the_response_belong_together() {
        for servers in [1, 2, 5, 190] {
            let queue = Mmc { rate_per_s: 0.9 * f64::from(servers), service_s: 1.0, servers };
            // The mean is the integral of the tail.
            let (step, steps) = (0.01, 30_000);
            let tail = |i: i32| queue.response_tail(f64::from(i) * step);
            let integral = (1..steps).map(tail).sum::<f64>() * step + 0.5 * step;
            assert!((integral / queue.mean_response_s() - 1.0).abs() < 1e-4, "{servers}");
        }
    }

    #[test]
    fn with_much_room_nothing_is_lost_and_the_mean_is_the_open_queue_s() {
        let open = Mmc { rate_per_s: 2.4, service_s: 1.0, servers: 3 };
        let bounded = Mmck { rate_per_s: 2.4, service_s: 1.0, servers: 3, room: 400 };
        close(bounded.mean_response_s(), open.mean_response_s());
        assert!(bounded.lost() < 1e-30);
    }

    #[test]
    fn without_a_place_to_wait_the_loss_is_erlang_s() {
        let queue = Mmck { rate_per_s: 5.0, service_s: 1.0, servers: 10, room: 10 };
        close(queue.lost(), erlang::blocking(10, 5.0));
    }

    #[test]
    fn overload_fills_the_room_without_overflow() {
        let queue = Mmck { rate_per_s: 1e6, service_s: 1.0, servers: 1, room: 1000 };
        close(queue.lost(), 1.0 - 1e-6);
        assert!((queue.mean_inside() - 1000.0).abs() < 1e-5);
        let critical = Mmck { rate_per_s: 1.0, service_s: 1.0, servers: 1, room: 9 };
        close(critical.lost(), 0.1);
    }

    #[test]
    fn nothing_asked_for_takes_no_wait() {
        close(Mmc { rate_per_s: 0.0, service_s: 0.2, servers: 4 }.mean_response_s(), 0.2);
        close(Mmc { rate_per_s: 7.0, service_s: 0.0, servers: 4 }.mean_response_s(), 0.0);
        close(Mmck { rate_per_s: 0.0, service_s: 0.2, servers: 4, room: 8 }.mean_response_s(), 0.2);
        assert_eq!(Mmc { rate_per_s: 5.0, service_s: 1.0, servers: 5 }.mean_wait_s(), f64::INFINITY);
    }

    /// The chain of the number inside, up to `room`, solved by elimination.
    fn chain(rate_per_s: f64, service_s: f64, servers: u32, room: u32) -> Vec<f64> {
        let up = (0..room as usize).map(|n| (n, n + 1, rate_per_s));
        let down = (1..=room).map(|n| (n as usize, n as usize - 1, f64::from(n.min(servers)) / service_s));
        numeric::steady_state(room as usize + 1, up.chain(down))
    }

    #[test]
    fn bounded_queues_are_their_markov_chain() {
        for (rate_per_s, servers, room) in [(3.0, 2, 7), (9.0, 3, 12), (0.5, 1, 3), (4.0, 8, 8)] {
            let queue = Mmck::bounded(rate_per_s, 0.5, servers, room).unwrap();
            let exact = chain(rate_per_s, 0.5, servers, room);
            for (found, exact) in queue.distribution().iter().zip(&exact) {
                assert!((found - exact).abs() < 1e-13, "{servers} {room}: {found} {exact}");
            }
            // What is admitted is what servers finish.
            let busy: f64 = exact.iter().zip(0..).map(|(p, n)| p * f64::from(servers.min(n))).sum();
            close(queue.throughput_per_s(), busy / 0.5);
        }
    }

    #[test]
    fn printed_examples_are_met() {
        // Gross & Harris, page 72, a clinic as M/M/c: lambda 6/h, mu 3/h, c 3: p0 = 1/9, W = 28.9 minutes.
        let clinic = Mmc::stable(6.0, 1.0 / 3.0, 3).unwrap();
        close(clinic.mean_response_s(), 1.0 / 3.0 + 4.0 / 27.0);
        close(clinic.mean_waiting(), 8.0 / 9.0);
    }

    #[test]
    fn quantiles_and_tails_are_each_other_s_inverse() {
        let queue = Mmc::stable(35.0, 0.1, 4).unwrap();
        assert!((queue.response_tail(queue.response_quantile_s(0.95)) - 0.05).abs() < 1e-8);
        close(queue.wait_tail(queue.wait_quantile_s(0.95)), 0.05);
        assert_eq!(queue.response_quantile_s(1.0), f64::INFINITY);
        assert_eq!(Mmc { rate_per_s: 5.0, ..queue }.response_quantile_s(0.0).max(1e-9), 1e-9);
    }

    #[test]
    fn a_server_for_everybody_holds_a_poisson_number() {
        let pool = MmInf { rate_per_s: 50.0, service_s: 0.1 };
        close(pool.probability(3), libm::exp(-5.0) * 125.0 / 6.0);
        // Tables of the Poisson distribution with mean 5: P(N <= 9) = 0.9682, P(N <= 10) = 0.9863.
        assert_eq!(pool.enough_for(0.02), Some(10));
        assert_eq!(pool.enough_for(0.0), None);
        let large = MmInf { rate_per_s: 1e6, service_s: 1.0 };
        // The normal distribution's 99 % quantile, 2.3263 deviations above the mean.
        assert!(large.enough_for(0.01).unwrap().abs_diff(1_002_327) <= 2, "{:?}", large.enough_for(0.01));
        assert!(large.enough_for(1e-300).unwrap() < 1_050_000);
        assert_eq!(MmInf { rate_per_s: 0.0, service_s: 1.0 }.enough_for(0.01), Some(0));
        // The number of an M/M/c with very many servers is the same.
        let many = Mmck { rate_per_s: 50.0, service_s: 0.1, servers: 60, room: 60 };
        close(many.distribution()[7], pool.probability(7));
    }

    #[test]
    fn what_is_no_queue_is_none() {
        for (rate_per_s, service_s, servers) in
            [(10.0, 0.1, 1), (1.0, 0.1, 0), (f64::NAN, 0.1, 1), (1.0, -0.1, 1), (f64::INFINITY, 0.0, 1)]
        {
            assert_eq!(Mmc::stable(rate_per_s, service_s, servers), None);
        }
        assert_eq!(Mmck::bounded(1.0, 1.0, 0, 5), None);
    }

    proptest! {
        #[test]
        fn more_room_loses_less_and_tends_to_the_open_queue(
            load in 0.05..0.95_f64, servers in 1..20_u32, room in 0..200_u32,
        ) {
            let rate_per_s = load * f64::from(servers);
            let room = servers + room;
            let small = Mmck { rate_per_s, service_s: 1.0, servers, room };
            let large = Mmck { room: room + 1, ..small };
            let open = Mmc::stable(rate_per_s, 1.0, servers).unwrap();
            prop_assert!(large.lost() <= small.lost());
            prop_assert!(small.mean_response_s() <= large.mean_response_s() * (1.0 + 1e-12));
            prop_assert!(large.mean_response_s() <= open.mean_response_s() * (1.0 + 1e-12));
            let roomy = Mmck { room: 3000, ..small };
            prop_assert!((roomy.mean_response_s() / open.mean_response_s() - 1.0).abs() < 1e-9);
        }

        #[test]
        fn more_servers_of_the_same_speed_wait_less(load in 0.05..0.99_f64, servers in 1..50_u32) {
            let rate_per_s = load * f64::from(servers);
            let few = Mmc::stable(rate_per_s, 1.0, servers).unwrap();
            let more = Mmc::stable(rate_per_s, 1.0, servers + 1).unwrap();
            prop_assert!(more.mean_wait_s() < few.mean_wait_s());
            prop_assert!(few.mean_wait_s() <= few.response_quantile_s(0.9999));
        }
    }
}
