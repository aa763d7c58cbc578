//! Erlang's formulas for `servers` servers that are offered a load of `offered` servers' worth of work.
//!
//! Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges",
//! 1917; in the form of Kleinrock, *Queueing Systems*, volume 1 (1975), sections 3.4 to 3.6.

use crate::numeric::{is_positive, is_quantity};

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
    if offered >= f64::from(servers) {
        return 1.0;
    }
    let busy = offered / f64::from(servers);
    let blocked = blocking(servers, offered);
    blocked / (1.0 - busy * (1.0 - blocked))
}

/// The fewest servers of which all are busy for at most a share `target` of arrivals, where nobody may wait.
///
/// None where the load is no number, over a million, or the target is not above zero.
pub fn servers_for_blocking(offered: f64, target: f64) -> Option<u32> {
    if !is_quantity(offered) || offered > 1e6 || !is_positive(target) {
        return None;
    }
    if target >= 1.0 {
        return Some(0);
    }
    let (mut servers, mut inverse) = (0, 1.0);
    while inverse * target < 1.0 {
        servers += 1;
        inverse = 1.0 + inverse * f64::from(servers) / offered;
    }
    Some(servers)
}

/// The fewest servers that let at most a share `target` of arrivals wait, where everybody may.
///
/// None where the load is no number, over a million, or the target is not above zero.
pub fn servers_for_waiting(offered: f64, target: f64) -> Option<u32> {
    if !is_quantity(offered) || offered > 1e6 || !is_positive(target) {
        return None;
    }
    let (mut servers, mut inverse) = (0_u32, 1.0);
    loop {
        let (many, blocked) = (f64::from(servers), 1.0 / inverse);
        let busy = if servers > 0 { offered / many } else { f64::INFINITY };
        if busy < 1.0 && blocked / (1.0 - busy * (1.0 - blocked)) <= target {
            return Some(servers);
        }
        servers += 1;
        inverse = 1.0 + inverse * f64::from(servers) / offered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn enough_servers_are_the_fewest() {
        // Printed tables of the Erlang B formula: 1 % loss of 20 Erlang takes 30 lines, of 100 Erlang 117.
        assert_eq!(servers_for_blocking(20.0, 0.01), Some(30));
        assert_eq!(servers_for_blocking(100.0, 0.01), Some(117));
        assert_eq!(servers_for_blocking(0.0, 0.01), Some(1));
        assert_eq!(servers_for_waiting(0.0, 0.5), Some(1));
        assert_eq!(servers_for_waiting(5.0, 0.0), None);
        assert_eq!(servers_for_blocking(f64::NAN, 0.1), None);
    }

    proptest! {
        #[test]
        fn one_server_less_would_not_do(offered in 0.1..300.0_f64, target in 1e-6..0.9_f64) {
            let enough = servers_for_waiting(offered, target).unwrap();
            prop_assert!(waiting(enough, offered) <= target);
            prop_assert!(waiting(enough - 1, offered) > target);
            let enough = servers_for_blocking(offered, target).unwrap();
            prop_assert!(blocking(enough, offered) <= target * (1.0 + 1e-12));
            prop_assert!(blocking(enough - 1, offered) >= target * (1.0 - 1e-12));
        }

        #[test]
        fn erlang_c_exceeds_erlang_b_and_both_fall_with_servers(offered in 0.1..100.0_f64, extra in 1..50_u32) {
            let servers = libm::ceil(offered) as u32 + extra;
            prop_assert!(blocking(servers, offered) <= waiting(servers, offered));
            prop_assert!(waiting(servers + 1, offered) < waiting(servers, offered));
            prop_assert!(blocking(servers + 1, offered) < blocking(servers, offered));
        }
    }
}
