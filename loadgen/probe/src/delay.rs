//! How long the server holds an answer back: a law whose percentiles anybody can work out.

use std::time::Duration;

/// A law of service times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Always this long.
    Constant(Duration),
    /// Exponential with this mean.
    Exponential(Duration),
}

impl Law {
    /// Reads `/constant/MICROSECONDS` or `/exponential/MICROSECONDS`; any other path is answered at once.
    pub fn of_path(path: &str) -> Self {
        let mut parts = path.trim_start_matches('/').split('/');
        let (law, us) = (parts.next().unwrap_or_default(), parts.next().and_then(|us| us.parse().ok()));
        match (law, us.map(Duration::from_micros)) {
            ("constant", Some(time)) => Self::Constant(time),
            ("exponential", Some(mean)) => Self::Exponential(mean),
            _ => Self::Constant(Duration::ZERO),
        }
    }

    /// The time that a share of the requests does not pass, in seconds; the longest has none.
    pub fn quantile_s(self, share: f64) -> f64 {
        match self {
            Self::Constant(time) => time.as_secs_f64(),
            Self::Exponential(mean) => -(-share).ln_1p() * mean.as_secs_f64(),
        }
    }

    /// The service time of the request of this number: the golden ratio's multiples spread evenly over [0, 1), so that some
    /// thousands of requests in a row have the law's percentiles and not a sample's.
    pub fn draw(self, number: u64) -> Duration {
        let share = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12;
        Duration::from_secs_f64(self.quantile_s((share as f64 + 0.5) / (1_u64 << 52) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_ten_thousand_in_a_row_follow_their_law() {
        let law = Law::of_path("/exponential/5000");
        for first in [0, 12_345, 1_000_000_007] {
            for share in [0.5, 0.9, 0.99, 0.999] {
                let exact = law.quantile_s(share);
                let under = (first..first + 10_000).filter(|number| law.draw(*number).as_secs_f64() <= exact).count();
                // Of a sample of independent draws, some fifty more or less than half would be no surprise.
                assert!((under as f64 - share * 1e4).abs() <= 5.0, "{share} from {first} on: {under}");
            }
        }
    }

    #[test]
    fn paths_name_laws() {
        assert_eq!(Law::of_path("/constant/250"), Law::Constant(Duration::from_micros(250)));
        assert_eq!(Law::of_path("/"), Law::Constant(Duration::ZERO));
        assert_eq!(Law::of_path("/constant/soon"), Law::Constant(Duration::ZERO));
    }
}
