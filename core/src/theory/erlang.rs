//! Erlang's formulas for `servers` servers that are offered a load of `offered` servers' worth of work.
//!
//! Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges",
//! 1917; in the form of Kleinrock, *Queueing Systems*, volume 1 (1975), sections 3.4 to 3.6.

/// Erlang B: the share of arrivals that find every server busy, where nobody may wait.
///
/// By the recursion 1/B(c) = 1 + c / (a B(c - 1)), which neither overflows nor cancels: Jagerman, "Some properties of
/// the Erlang loss function", Bell System Technical Journal 53 (1974).
pub fn blocking(servers: u32, offered: f64) -> f64 {
    if offered <= 0.0 {
        return if servers == 0 { 1.0 } else { 0.0 };
    }
    let mut inverse = 1.0;
    for server in 1..=servers {
        inverse = 1.0 + inverse * f64::from(server) / offered;
        if inverse == f64::INFINITY {
            return 0.0;
        }
    }
    1.0 / inverse
}

/// Erlang C: the share of arrivals that must wait, where everybody may; one when the load is no less than the servers.
pub fn waiting(servers: u32, offered: f64) -> f64 {
    let busy = offered / f64::from(servers);
    if busy >= 1.0 {
        return 1.0;
    }
    let blocked = blocking(servers, offered);
    blocked / (1.0 - busy * (1.0 - blocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recursion_equals_the_sum() {
        for (servers, offered) in [(1, 0.3), (3, 2.0), (10, 12.0), (20, 9.0)] {
            // B = (a^c / c!) / sum of a^k / k!
            let (mut term, mut sum) = (1.0, 1.0);
            for k in 1..=servers {
                term *= offered / f64::from(k);
                sum += term;
            }
            assert!((blocking(servers, offered) / (term / sum) - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn printed_values_are_met() {
        // As printed tables have it: 5 Erlang on 10 lines lose 1.84 %, 20 Erlang on 30 lines 0.85 %.
        assert!((blocking(10, 5.0) - 0.018_384_57).abs() < 1e-7);
        assert!((blocking(30, 20.0) - 0.008_462).abs() < 1e-5);
        assert!((waiting(2, 1.0) - 1.0 / 3.0).abs() < 1e-15);
        assert!((waiting(10, 8.0) - 0.409_180).abs() < 1e-5);
    }

    #[test]
    fn extremes_stay_probabilities() {
        assert_eq!(blocking(190, 0.0), 0.0);
        assert_eq!(waiting(190, 0.0), 0.0);
        assert_eq!(blocking(0, 5.0), 1.0);
        assert_eq!(blocking(100_000, 1e-3), 0.0);
        assert_eq!(waiting(4, 4.0), 1.0);
        let nearly_full = waiting(190, 189.999_999);
        assert!(nearly_full > 0.999 && nearly_full < 1.0, "{nearly_full}");
        assert!((waiting(1, 0.7) - 0.7).abs() < 1e-15, "one server: the wait's probability is its load");
    }
}
