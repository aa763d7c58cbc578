//! How hot the hottest of some shards is, and how many keys move when shards are added.

use crate::numeric::{bisect, log_gamma};
use crate::popularity::zipf::Zipf;

/// Between what the expected share of the hottest shard lies, when every key is placed by a random hash.
///
/// At least an even share, and at least the most popular key's with an even share of the rest. At most an even share
/// plus sqrt(2 v ln n) + p ln n / 3, where v = sum p² (1 - 1/n) / n is the variance of a shard's share, exactly, and p
/// the most popular key's share: Bernstein's inequality for the largest of n (Boucheron, Lugosi & Massart,
/// *Concentration Inequalities*, 2013). Rigorous on both sides; with a dominant key the lower one is the
/// better guess.
pub fn hottest_share(keys: &Zipf, shards: u32) -> Option<(f64, f64)> {
    if shards == 0 {
        return None;
    }
    let n = f64::from(shards);
    let first = keys.share(1);
    let least = (first + (1.0 - first) / n).max(1.0 / n);
    let variance = keys.sum_of_squares() * (1.0 - 1.0 / n) / n;
    let log = libm::log(n);
    let most = 1.0 / n + (2.0 * variance * log).sqrt() + first * log / 3.0;
    Some((least, most.clamp(least, 1.0)))
}

/// Mean number of balls in the fullest of `bins` bins, when `balls` are thrown at random.
///
/// As if each bin's number were Poisson and independent of the others: the sum over k of 1 - (1 - P(X >= k))^n. Within
/// 4 % of thrown balls for 100 to 1000 bins. Its leading terms are those of Raab & Steger, "Balls into bins: a simple
/// and tight analysis", RANDOM 1998: for as many balls as bins ln n / ln ln n, for many m/n + sqrt(2 (m/n)
/// ln n), which is taken where bins hold over a hundred million each. None without bins or balls.
pub fn fullest_bin(balls: u64, bins: u64) -> Option<f64> {
    if balls == 0 || bins == 0 {
        return None;
    }
    let (all, n) = (balls as f64, bins as f64);
    let (mean, log) = (all / n, libm::log(n));
    let found = match () {
        () if bins == 1 => all,
        () if mean > 1e8 => mean + (2.0 * mean * log).sqrt(),
        () => largest_of_poisson(mean, n),
    };
    Some(found.clamp(libm::ceil(mean), all))
}

/// Mean of the largest of `n` independent Poisson numbers. Costs some tens of square roots of their mean.
fn largest_of_poisson(mean: f64, n: f64) -> f64 {
    // By Chernoff's bound, with h(x) = x ln x - x + 1, none of n reaches the ratio x to the mean with e^(ln n - mean
    // h(x)).
    let reach = |x: f64| mean * (x * libm::log(x) - x + 1.0) - libm::log(n) - 40.0;
    let mut high = 2.0;
    while reach(high) < 0.0 {
        high *= 2.0;
    }
    let mut k = libm::ceil(mean * bisect(1.0, high, reach));
    let mut exactly = libm::exp(k * libm::log(mean) - mean - log_gamma(k + 1.0));
    let (mut at_least, mut sum) = (0.0_f64, 0.0);
    while k >= 1.0 {
        at_least += exactly;
        let any = -libm::expm1(n * libm::log1p(-at_least.min(1.0)));
        sum += any;
        if any == 1.0 {
            // So it is for all smaller ones.
            return sum + k - 1.0;
        }
        exactly *= k / mean;
        k -= 1.0;
    }
    sum
}

/// Share of keys that move when `hash mod shards` gets another number of shards: 1 - gcd / max.
///
/// Exact for a uniform hash: of the residues modulo lcm(a, b), those below min(a, b) keep their shard. Without a common
/// divisor 1 - 1 / max. None without shards.
pub fn moved_by_modulo(before: u32, after: u32) -> Option<f64> {
    if before == 0 || after == 0 {
        return None;
    }
    let (mut gcd, mut rest) = (before, after);
    while rest > 0 {
        (gcd, rest) = (rest, gcd % rest);
    }
    Some(1.0 - f64::from(gcd) / f64::from(before.max(after)))
}

/// Share of keys that move with consistent or rendezvous hashing, on average: 1 - min / max, the least that keeps
/// shards even. Karger et al., "Consistent hashing and random trees", STOC 1997; Thaler & Ravishankar, "Using
/// name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking 6 (1998). None without shards.
pub fn moved_by_consistent_hashing(before: u32, after: u32) -> Option<f64> {
    (before > 0 && after > 0).then(|| 1.0 - f64::from(before.min(after)) / f64::from(before.max(after)))
}

/// Share of `logical` shards, and so of keys, that must move so that each of the physical shards holds its part, give
/// or take one, after as before. Exact: what is above its new part moves. None without shards, or with more of them
/// than logical ones.
pub fn moved_by_logical_shards(logical: u32, before: u32, after: u32) -> Option<f64> {
    if before == 0 || after == 0 || before.max(after) > logical {
        return None;
    }
    let held = |shards: u32, at: u32| if at < shards { logical / shards + u32::from(at < logical % shards) } else { 0 };
    let moved: u32 = (0..before.max(after)).map(|at| held(before, at).saturating_sub(held(after, at))).sum();
    Some(f64::from(moved) / f64::from(logical))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;
    use crate::popularity::placement::shares;
    use proptest::prelude::*;

    const SEED: u64 = 1998;

    fn hash(salt: u64) -> impl Fn(u64) -> u64 {
        let stream = Stream::new(SEED + salt, "sharding", "test");
        move |key| stream.draw(key).bits() >> 20
    }

    #[test]
    fn the_expected_hottest_share_lies_within_its_bounds() {
        for (exponent, items, shards) in [(0.0, 20_000, 16), (0.8, 20_000, 8), (1.0, 50_000, 64), (1.5, 10_000, 4)] {
            let keys = Zipf::new(exponent, items).unwrap();
            let hottest = |salt: u64| {
                let load = shares(&keys, shards, items, hash(salt)).unwrap();
                load.iter().copied().fold(0.0, f64::max)
            };
            let mean = (0..100).map(hottest).sum::<f64>() / 100.0;
            let (least, most) = hottest_share(&keys, shards).unwrap();
            println!("{exponent} {items} {shards}: {least} {mean} {most}");
            assert!(least <= mean * 1.02 && mean <= most, "seed {SEED}: {least} {mean} {most}");
        }
    }

    #[test]
    fn thrown_balls_fill_the_fullest_bin_so_far() {
        for (balls, bins) in [(100_u64, 100_u32), (1000, 1000), (50_000, 1000), (1_000_000, 100), (300, 1000)] {
            let mean = (0..30)
                .map(|salt| {
                    let place = hash(100 + salt);
                    let mut count = vec![0_u32; bins as usize];
                    (0..balls).for_each(|ball| count[(place(ball) % u64::from(bins)) as usize] += 1);
                    f64::from(count.into_iter().max().unwrap())
                })
                .sum::<f64>()
                / 30.0;
            let found = fullest_bin(balls, u64::from(bins)).unwrap();
            println!("{balls} in {bins}: {found} {mean}");
            assert!((found / mean - 1.0).abs() < 0.04, "seed {SEED}: {balls} in {bins}: {found} {mean}");
        }
        assert_eq!((fullest_bin(50, 1), fullest_bin(0, 5)), (Some(50.0), None));
        // Many balls: Raab & Steger's m/n + sqrt(2 (m/n) ln n).
        let (m, n) = (1e12, 1000.0_f64);
        let found = fullest_bin(1_000_000_000_000, 1000).unwrap();
        assert!((found - m / n) / (2.0 * m / n * libm::log(n)).sqrt() - 1.0 < 1e-3);
    }

    #[test]
    fn moved_keys_are_counted_ones() {
        for (before, after) in [(4, 5), (4, 8), (6, 9), (10, 3), (7, 7)] {
            let keys = 2520_u64 * 11;
            let moved = (0..keys).filter(|key| key % u64::from(before) != key % u64::from(after)).count();
            let found = moved_by_modulo(before, after).unwrap();
            assert!((found - moved as f64 / keys as f64).abs() < 1e-12, "{before} {after}");
        }
        assert_eq!(moved_by_modulo(4, 5), Some(0.8));
        assert!((moved_by_consistent_hashing(4, 5).unwrap() - 0.2).abs() < 1e-15);
        assert_eq!(moved_by_modulo(0, 5), None);
    }

    proptest! {
        #[test]
        fn logical_shards_move_little_more_than_must(before in 1..100_u32, after in 1..100_u32, per in 1..200_u32) {
            let logical = before.max(after) * per;
            let ideal = moved_by_consistent_hashing(before, after).unwrap();
            let moved = moved_by_logical_shards(logical, before, after).unwrap();
            prop_assert!(moved <= moved_by_modulo(before, after).unwrap() + 1e-12 || before == after);
            let rounding = f64::from(before.min(after)) / f64::from(logical);
            prop_assert!((moved - ideal).abs() <= rounding + 1e-12, "{moved} {ideal}");
        }

        #[test]
        fn more_balls_fill_more(balls in 1..100_000_u64, bins in 1..5_000_u64) {
            let (few, more) = (fullest_bin(balls, bins).unwrap(), fullest_bin(balls + 1, bins).unwrap());
            prop_assert!(more >= few - 1e-9);
            prop_assert!(few >= balls as f64 / bins as f64 * (1.0 - 1e-12) && few <= balls as f64);
        }
    }
}
