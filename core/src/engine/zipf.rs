//! Popularity: which item a request asks for, by Zipf's law.

use super::random::Draw;
use crate::number::within;

/// Ranks 1 to `items`, rank k with a probability in proportion to k^-s.
///
/// Drawn by rejection-inversion (Hörmann & Derflinger, "Rejection-inversion to generate variates from monotone discrete
/// distributions", ACM TOMACS 6, 1996): a draw takes the same short time for ten items and for a billion.
#[derive(Clone, Copy, Debug)]
pub struct Zipf {
    items: f64,
    exponent: f64,
    /// The integral of the density's hat at 1.5, less one: where ranks begin.
    first: f64,
    /// The same at `items` + 0.5: where they end.
    last: f64,
    /// Within this distance of its rank a draw is accepted without another look.
    squeeze: f64,
}

impl Zipf {
    /// The law for so many items, at least one, with this exponent, at least zero.
    pub fn new(items: u64, exponent: f64) -> Self {
        let items = items.max(1) as f64;
        let mut zipf = Self { items, exponent, first: 0.0, last: 0.0, squeeze: 0.0 };
        zipf.first = zipf.integral(1.5) - 1.0;
        zipf.last = zipf.integral(items + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank; 1 is the most popular.
    #[inline]
    pub fn sample(&self, draw: &mut Draw) -> u64 {
        loop {
            let u = self.last + draw.uniform() * (self.first - self.last);
            let x = self.inverse(u);
            let rank = within((x + 0.5) as i64 as f64, 1.0, self.items);
            if rank - x <= self.squeeze || u >= self.integral(rank + 0.5) - self.density(rank) {
                return rank as u64;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The integral of the density from 1 to x.
    fn integral(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let t = (1.0 - self.exponent) * log;
        // (exp(t) - 1) / t is one at zero, where the exponent is one.
        let ratio = if t.abs() > 1e-8 { libm::expm1(t) / t } else { 1.0 + 0.5 * t };
        ratio * log
    }

    /// The inverse of [`integral`](Self::integral).
    fn inverse(&self, u: f64) -> f64 {
        let t = within(u * (1.0 - self.exponent), -1.0, f64::INFINITY);
        let ratio = if t.abs() > 1e-8 { libm::log1p(t) / t } else { 1.0 - 0.5 * t };
        libm::exp(ratio * u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;

    #[test]
    fn ranks_come_as_often_as_the_law_says() {
        const N: u64 = 400_000;
        for (items, exponent) in [(1, 1.0), (2, 1.0), (100, 0.0), (1000, 0.8), (1000, 1.0), (1_000_000, 1.2)] {
            let zipf = Zipf::new(items, exponent);
            let stream = Stream::new(11, "users", "item");
            let mut counts = [0_u64; 10];
            for i in 0..N {
                let rank = zipf.sample(&mut stream.draw(i));
                assert!((1..=items).contains(&rank));
                if let Some(count) = counts.get_mut(rank as usize - 1) {
                    *count += 1;
                }
            }
            let total: f64 = (1..=items).map(|k| libm::pow(k as f64, -exponent)).sum();
            for (k, count) in (1..=items).zip(counts) {
                let p = libm::pow(k as f64, -exponent) / total;
                let error = (count as f64 - N as f64 * p) / (N as f64 * p * (1.0 - p)).sqrt().max(1.0);
                assert!(error.abs() < 4.5, "{items} items, exponent {exponent}, rank {k}: {error} standard errors");
            }
        }
    }
}
