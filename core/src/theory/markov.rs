//! Queues with Poisson arrivals and exponential service: M/M/1, M/M/c, and the same with room for so many only.
//!
//! Formulas: Kleinrock, *Queueing Systems*, volume 1 (1975), sections 3.2 to 3.6; Gross & Harris, *Fundamentals of
//! Queueing Theory* (3rd edition, 1998), sections 2.2 to 2.5.

use super::erlang;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
