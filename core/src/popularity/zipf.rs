//! Zipf's law: of N items, the one with rank k is asked for in proportion to k^-s.
//!
//! Sums over all ranks take some hundred steps, however many items there are.

use crate::numeric::{gauss_legendre, is_quantity, pow};

/// Ranks that are added one by one before an integral takes over.
const HEAD: u64 = 256;
/// The largest exponent: beyond it one item is nearly all, and the integral's error is no longer what is promised.
pub const LARGEST_EXPONENT: f64 = 4.0;

/// A popularity after Zipf's law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zipf {
    exponent: f64,
    items: u64,
    harmonic: f64,
}

/// Some items of equal popularity, or their like in a sum: the sum of f(share) over all ranks is that of `weight`
/// f(`share`) over all bins. Some weights are negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// How many items it counts for.
    pub weight: f64,
    /// Share of all requests that each is asked for by.
    pub share: f64,
}

impl Zipf {
    /// The law for `items` items. None without items, or with an exponent below 0 or above [`LARGEST_EXPONENT`].
    pub fn new(exponent: f64, items: u64) -> Option<Self> {
        let sound = is_quantity(exponent) && exponent <= LARGEST_EXPONENT && items > 0;
        sound.then(|| Self { exponent, items, harmonic: harmonic(exponent, items) })
    }

    /// Number of items.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Share of requests for the item with this rank, from 1.
    pub fn share(&self, rank: u64) -> f64 {
        self.at(rank as f64)
    }

    /// Share of requests for the `count` most popular items.
    pub fn share_of_top(&self, count: u64) -> f64 {
        if count >= self.items { 1.0 } else { harmonic(self.exponent, count) / self.harmonic }
    }

    /// Sum of all squared shares: the probability that two requests are for the same item.
    pub fn sum_of_squares(&self) -> f64 {
        harmonic(2.0 * self.exponent, self.items) / (self.harmonic * self.harmonic)
    }

    fn at(&self, rank: f64) -> f64 {
        pow(rank, -self.exponent) / self.harmonic
    }

    /// The `count` most popular items as a few hundred bins.
    ///
    /// The first 256 ranks are bins of their own. The rest is the Euler-Maclaurin formula in its midpoint form
    /// (Abramowitz & Stegun, *Handbook of Mathematical Functions*, 23.1.30): an integral, by 16-point
    /// Gauss-Legendre on pieces whose ends are a factor of two apart, less a 24th of the slope at its ends. Sums of
    /// functions such as 1 - e^(-share t) are within 1e-6 of an item of the direct sum for exponents up to 2, 1e-4 up
    /// to 4.
    pub fn bins(&self, count: u64) -> Vec<Bin> {
        let count = count.min(self.items);
        let head = count.min(HEAD);
        let mut bins: Vec<Bin> = (1..=head).map(|rank| Bin { weight: 1.0, share: self.share(rank) }).collect();
        if count > head {
            let mut bin = |weight: f64, rank: f64| bins.push(Bin { weight, share: self.at(rank) });
            let (mut low, end) = (head as f64 + 0.5, count as f64 + 0.5);
            let nodes = gauss_legendre::<16>();
            while low < end {
                let high = (2.0 * low).min(end);
                let width = libm::log(high / low);
                for (x, weight) in nodes {
                    let rank = low * libm::exp(width * x);
                    bin(weight * width * rank, rank);
                }
                low = high;
            }
            let (first, last) = (head as f64, count as f64);
            for (rank, sign) in [(first + 1.0, 1.0), (first, -1.0), (last + 1.0, -1.0), (last, 1.0)] {
                bin(sign / 24.0, rank);
            }
        }
        bins
    }
}

/// The generalised harmonic number: the sum of k^-s for k from 1 to n, for s of at least zero.
///
/// The first 32 terms, then Euler-Maclaurin with three corrections (Abramowitz & Stegun, 23.1.30): within 1e-14 of it
/// for s up to 8.
pub fn harmonic(exponent: f64, n: u64) -> f64 {
    const HEAD: u64 = 32;
    let s = exponent;
    let head: f64 = (1..=n.min(HEAD)).rev().map(|k| pow(k as f64, -s)).sum();
    if n <= HEAD {
        return head;
    }
    let (a, b) = (HEAD as f64, n as f64);
    // a^(1 - s) times the integral of u^-s from 1 to b / a, without cancellation where s is near one.
    let log = libm::log(b / a);
    let power = (1.0 - s) * log;
    let integral = if power.abs() < 1e-300 { log } else { libm::expm1(power) / (1.0 - s) };
    let (at_a, at_b) = (pow(a, -s), pow(b, -s));
    let odd = |x: f64, at: f64| {
        let (first, square) = (at * s / x, x * x);
        let third = first * (s + 1.0) * (s + 2.0) / square;
        let fifth = third * (s + 3.0) * (s + 4.0) / square;
        first / 12.0 - third / 720.0 + fifth / 30_240.0
    };
    head + a * at_a * integral + 0.5 * (at_b - at_a) + odd(a, at_a) - odd(b, at_b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn harmonic_numbers_have_their_known_values() {
        // H(10^6) = ln n + gamma + 1 / 2n - …; zeta(2) less its tail.
        let gamma = 0.577_215_664_901_532_9;
        let n = 1e6;
        assert!((harmonic(1.0, 1_000_000) - (libm::log(n) + gamma + 0.5 / n - 1.0 / (12.0 * n * n))).abs() < 1e-13);
        let zeta_2 = std::f64::consts::PI * std::f64::consts::PI / 6.0;
        assert!((harmonic(2.0, 1_000_000) - (zeta_2 - 1.0 / n + 0.5 / (n * n))).abs() < 1e-13);
        assert_eq!(harmonic(0.0, 12_345), 12_345.0);
        assert_eq!(harmonic(1.3, 0), 0.0);
    }

    #[test]
    fn harmonic_numbers_of_many_terms_have_thirty_digit_arithmetic_s_values() {
        // zeta(s) - zeta(s, n + 1), the Hurwitz zeta function, to thirty digits.
        for (s, n, exact) in [
            (0.6, 100_000_000, 3_960.280_327_629_025_7),
            (1.0, 100_000_000, 18.997_896_413_853_898),
            (1.2, 10_000_000, 5.392_528_857_891_538),
            (0.999_999, 1_000_000, 14.392_822_084_662_262),
        ] {
            assert!((harmonic(s, n) / exact - 1.0).abs() < 3e-15, "{s} {n}: {}", harmonic(s, n));
        }
    }

    #[test]
    fn bins_sum_as_all_ranks_do() {
        for (exponent, items) in
            [(0.0, 10_000), (0.6, 50_000), (1.0, 200_000), (1.4, 100_000), (2.0, 30_000), (4.0, 20_000)]
        {
            let zipf = Zipf::new(exponent, items).unwrap();
            let tolerance = if exponent > 2.0 { 1e-4 } else { 1e-6 };
            for t in [1.0, 1e2, 1e4, 1e6, 1e9] {
                let f = |share: f64| -libm::expm1(-share * t);
                let direct: f64 = (1..=items).map(|rank| f(zipf.share(rank))).sum();
                let found: f64 = zipf.bins(items).iter().map(|bin| bin.weight * f(bin.share)).sum();
                assert!((found - direct).abs() < tolerance, "{exponent} {items} {t}: {found} {direct}");
            }
        }
    }

    #[test]
    fn a_hundred_million_items_take_a_few_hundred_bins() {
        let zipf = Zipf::new(1.0, 100_000_000).unwrap();
        let bins = zipf.bins(100_000_000);
        assert!(bins.len() < 700, "{}", bins.len());
        let total: f64 = bins.iter().map(|bin| bin.weight * bin.share).sum();
        assert!((total - 1.0).abs() < 1e-10, "{total}");
        let count: f64 = bins.iter().map(|bin| bin.weight).sum();
        assert!((count / 1e8 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_popularity_is_none() {
        assert_eq!(Zipf::new(1.0, 0), None);
        assert_eq!(Zipf::new(-0.1, 5), None);
        assert_eq!(Zipf::new(f64::NAN, 5), None);
    }

    proptest! {
        #[test]
        fn harmonic_is_the_sum(s in 0.0..8.0_f64, n in 1..5000_u64) {
            let direct: f64 = (1..=n).rev().map(|k| libm::pow(k as f64, -s)).sum();
            prop_assert!((harmonic(s, n) / direct - 1.0).abs() < 1e-13);
        }

        #[test]
        fn shares_fall_and_the_top_s_share_grows_to_one(
            s in 0.0..4.0_f64,
            items in 2..1_000_000_u64,
            part in 0.0..1.0_f64,
        ) {
            let zipf = Zipf::new(s, items).unwrap();
            let rank = 1 + ((items - 1) as f64 * part) as u64;
            prop_assert!(zipf.share(rank) <= zipf.share(1));
            prop_assert!(zipf.share_of_top(rank) <= 1.0 + 1e-12);
            prop_assert!(zipf.share_of_top(rank - 1) <= zipf.share_of_top(rank));
            let squares = zipf.sum_of_squares();
            prop_assert!(squares >= 1.0 / items as f64 * (1.0 - 1e-12) && squares <= zipf.share(1) * (1.0 + 1e-12));
        }
    }
}
