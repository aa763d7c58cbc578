//! Confidence intervals from one long run, by batch means.
//!
//! A request that met a long queue is followed by others that met it too, so response times one after another are
//! correlated, and s / sqrt(n) would claim far too much certainty: at 90 % load of an M/M/1 queue, more than tenfold.
//! Means of long batches are nearly independent; from them the usual t interval can be made (Law & Kelton, *Simulation
//! Modeling and Analysis*, section 9.5.3; Alexopoulos & Seila, in Banks, *Handbook of Simulation*, 1998, chapter 7).

use super::{Interval, student_t_quantile};

/// Batches to begin with. More would cost time and, by the test's own power, only be merged.
const MOST_BATCHES: usize = 1024;
/// Batches that are left at least: with fewer the t quantile grows and the width itself becomes a matter of chance.
/// Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research 30 (1982): 10 to 30.
const FEWEST_BATCHES: usize = 16;
/// Quantile of the normal distribution for the test of independence: one-sided, at the 10 % level.
const TEST_QUANTILE: f64 = 1.281_551_565_545;

/// The mean of a steady series and its confidence interval, by batch means.
///
/// Batches are merged in pairs until their lag-1 autocorrelation is no longer significantly above zero (the rule of
/// LBATCH: Fishman & Yarberry, "An implementation of the batch means method", INFORMS J. Computing 9, 1997). What
/// correlation is left widens the interval, as if the batches were an autoregressive series: the variance grows by
/// (1 + r) / (1 - r) (Steiger et al., "ASAP3", ACM TOMACS 15, 2005). Leading values that fill no batch are left out.
///
/// Remove the warm-up first, see [`mser5`](super::mser5). With fewer than two values the interval is unbounded.
pub fn batch_means(values: &[f64], confidence: f64) -> Interval {
    let size = values.len().div_ceil(MOST_BATCHES).max(1);
    let mut batches = means_of(values, size);
    let mut correlation = lag_one(&batches);
    while batches.len() >= 2 * FEWEST_BATCHES && correlation > TEST_QUANTILE / (batches.len() as f64).sqrt() {
        batches = means_of(&batches, 2);
        correlation = lag_one(&batches);
    }
    let value = mean(&batches);
    let variance = variance_around(value, &batches) * inflation(correlation);
    t_interval(value, variance, batches.len(), confidence)
}

/// The mean over all values of a run that was cut into batches by time, so that batches hold different numbers of
/// values: each batch is the sum of its values, and how many there were.
///
/// Busy batches hold more requests and longer ones, so the mean of the batches' means would be too low. The ratio of the
/// sums is not; its interval comes from how far each batch's sum is from what its number would make it (the ratio
/// estimator: Law & Kelton, section 9.5.3; Cochran, *Sampling Techniques*, 1977, chapter 6).
pub fn ratio_of_batches(batches: &[(f64, f64)], confidence: f64) -> Interval {
    let (sum, count) = batches.iter().fold((0.0, 0.0), |(sum, count), batch| (sum + batch.0, count + batch.1));
    let ratio = sum / count;
    let mean_count = count / batches.len() as f64;
    let apart: Vec<f64> = batches.iter().map(|(sum, count)| (sum - ratio * count) / mean_count).collect();
    Interval::around(ratio, batch_means(&apart, confidence).half_width())
}

/// The interval of a quantile: `whole` is the quantile of all values, `batches` the quantile within each batch of them.
///
/// Quantiles of long batches are nearly independent and spread around the quantile of the whole, so that their spread
/// tells how sure that is (Alexopoulos, Goldsman, Mokashi, Tien & Wilson, "Sequest", ACM TOMACS 29, 2019, section 2).
/// Give it 16 batches or more, each long enough to have some values beyond the quantile.
pub fn quantile_interval(whole: f64, batches: &[f64], confidence: f64) -> Interval {
    let variance = variance_around(whole, batches) * inflation(lag_one(batches));
    t_interval(whole, variance, batches.len(), confidence)
}

fn t_interval(value: f64, variance: f64, batches: usize, confidence: f64) -> Interval {
    if batches < 2 {
        return Interval { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let t = student_t_quantile(0.5 + 0.5 * confidence, (batches - 1) as f64);
    Interval::around(value, t * (variance / batches as f64).sqrt())
}

/// Means of the trailing batches of `size` values.
fn means_of(values: &[f64], size: usize) -> Vec<f64> {
    values[values.len() % size..].chunks_exact(size).map(mean).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance_around(centre: f64, values: &[f64]) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    squares / (values.len() as f64 - 1.0).max(1.0)
}

/// Correlation of neighbours; zero for a series that never changes.
pub(super) fn lag_one(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    let products: f64 = values.windows(2).map(|pair| (pair[0] - centre) * (pair[1] - centre)).sum();
    if squares > 0.0 { products / squares } else { 0.0 }
}

/// By how much correlated batches understate the variance of their mean. Negative correlation earns no credit.
pub(super) fn inflation(correlation: f64) -> f64 {
    let correlation = correlation.clamp(0.0, 0.9);
    (1.0 + correlation) / (1.0 - correlation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::{Exponential, Stream};

    const REPLICATIONS: u64 = 1000;

    /// Share of seeded replications whose 95 % interval holds the truth.
    fn coverage(truth: f64, series: impl Fn(&Stream) -> Vec<f64>) -> f64 {
        let hits = (0..REPLICATIONS)
            .filter(|seed| batch_means(&series(&Stream::new(*seed, "series", "values")), 0.95).contains(truth));
        hits.count() as f64 / REPLICATIONS as f64
    }

    /// A centred variable with finite tails, near enough to normal: the sum of four uniform ones.
    fn shock(stream: &Stream, i: u64) -> f64 {
        let mut draw = stream.draw(i);
        (0..4).map(|_| draw.uniform() - 0.5).sum()
    }

    #[test]
    fn intervals_of_independent_values_cover_their_mean() {
        let covered = coverage(3.0, |stream| (0..500).map(|i| 3.0 + shock(stream, i)).collect());
        assert!((0.92..=0.98).contains(&covered), "{covered}");
    }

    #[test]
    fn intervals_of_an_autoregressive_series_cover_its_mean() {
        // Ten thousand values at 0.9 weigh as much as about 500 independent ones; s/sqrt(n) would cover 35 %.
        let covered = coverage(3.0, |stream| {
            let mut x = 0.0;
            let mut next = |i| {
                x = 0.9 * x + shock(stream, i);
                3.0 + x
            };
            (0..200).for_each(|i| _ = next(i));
            (200..10_200).map(next).collect()
        });
        assert!((0.90..=0.99).contains(&covered), "{covered}");
    }

    #[test]
    fn intervals_of_waiting_times_cover_the_exact_mean() {
        // M/M/1 at 80 %: the wait is rho / (mu - lambda), by Lindley's recursion after a warm-up.
        let exponential = Exponential::new();
        let covered = coverage(0.8 / 0.2, |stream| {
            let mut wait: f64 = 0.0;
            let mut next = |i| {
                let mut draw = stream.draw(i);
                let (service, gap) = (exponential.sample(&mut draw), exponential.sample(&mut draw) / 0.8);
                wait = (wait + service - gap).max(0.0);
                wait
            };
            (0..1000).for_each(|i| _ = next(i));
            (1000..41_000).map(next).collect()
        });
        assert!((0.90..=0.99).contains(&covered), "{covered}");
    }

    #[test]
    fn intervals_of_a_quantile_cover_the_exact_quantile() {
        let exponential = Exponential::new();
        let hits = (0..REPLICATIONS).filter(|seed| {
            let stream = Stream::new(*seed, "series", "values");
            let quantile = |values: &mut Vec<f64>| {
                values.sort_by(f64::total_cmp);
                values[values.len() * 95 / 100]
            };
            let all: Vec<f64> = (0..20_000).map(|i| exponential.sample(&mut stream.draw(i))).collect();
            let batches: Vec<f64> = all.chunks_exact(1000).map(|batch| quantile(&mut batch.to_vec())).collect();
            quantile_interval(quantile(&mut all.clone()), &batches, 0.95).contains(libm::log(20.0))
        });
        let covered = hits.count() as f64 / REPLICATIONS as f64;
        assert!((0.90..=0.99).contains(&covered), "{covered}");
    }

    #[test]
    fn a_ratio_weighs_batches_by_their_number() {
        assert_eq!(ratio_of_batches(&[(2.0, 1.0), (12.0, 3.0)], 0.95).value, 3.5);
        let proportional = ratio_of_batches(&[(4.0, 2.0), (6.0, 3.0), (2.0, 1.0)], 0.95);
        assert_eq!(proportional, Interval::around(2.0, 0.0));
        assert!(!ratio_of_batches(&[(4.0, 2.0)], 0.95).is_bounded());
    }

    #[test]
    fn too_little_data_gives_an_unbounded_interval() {
        assert!(!batch_means(&[], 0.95).is_bounded());
        assert!(!batch_means(&[4.0], 0.95).is_bounded());
        assert_eq!(batch_means(&[4.0], 0.95).value, 4.0);
        assert_eq!(batch_means(&[4.0; 100], 0.95), Interval::around(4.0, 0.0));
    }
}
