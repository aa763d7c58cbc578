//! Times in HDR histograms: recorded, written into results, read from them and added without loss.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use hockeystick_core::measurement::{Distribution, Slice};

/// Longest time that a histogram tells from longer ones: an hour.
pub const TIME_MAX_US: u64 = 3_600_000_000;

/// Longest encoded histogram that is read: one of all the buckets there are takes a third of it.
const ENCODED_MAX: usize = 1 << 20;

/// Why an encoded histogram cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// It is longer than any of ours.
    #[error("is longer than an encoded histogram can be")]
    Long,
    /// It is no base64.
    #[error("is no base64")]
    Base64,
    /// It is no histogram in the V2 encoding.
    #[error("is no HDR histogram in the V2 encoding")]
    Encoding,
    /// Its bounds are others than ours.
    #[error("is no histogram of 1 µs to 1 h in three digits")]
    Bounds,
}

/// An empty histogram of 1 µs to 1 h in three digits.
fn empty() -> Option<Histogram<u64>> {
    // The bounds are constants that the library accepts, so this is always some.
    Histogram::new_with_bounds(1, TIME_MAX_US, 3).ok()
}

/// Reads what [`Times::distribution`] wrote. An empty text is an empty histogram.
///
/// # Errors
/// When it is anything else, which a file from elsewhere may hold.
pub fn decode(text: &str) -> Result<Histogram<u64>, HistogramError> {
    if text.is_empty() {
        return empty().ok_or(HistogramError::Bounds);
    }
    if text.len() > ENCODED_MAX {
        return Err(HistogramError::Long);
    }
    let bytes = STANDARD.decode(text).map_err(|_| HistogramError::Base64)?;
    let ours = header(&bytes).ok_or(HistogramError::Encoding)?;
    if !ours {
        return Err(HistogramError::Bounds);
    }
    Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|_| HistogramError::Encoding)
}

/// Whether the bounds in an encoding's head are ours: others might ask for any amount of memory. The head is, in words of
/// 32 bits: cookie, length of the payload, offset, digits, then lowest and highest in 64 bits each.
fn header(bytes: &[u8]) -> Option<bool> {
    let word = |at: usize| bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_be_bytes);
    let digits = bytes.get(12..16)?;
    Some(digits == [0, 0, 0, 3] && word(16)? == 1 && word(24)? == TIME_MAX_US)
}

/// Times in a histogram of microseconds, with sums that are not rounded to its buckets.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// None until the first time: most classes of most steps stay empty.
    histogram: Option<Box<Histogram<u64>>>,
    sum_us: f64,
    sum_squares: f64,
}

impl Times {
    /// Adds a time.
    pub fn record(&mut self, time_ns: u64) {
        if self.histogram.is_none() {
            self.histogram = empty().map(Box::new);
        }
        let time_us = time_ns as f64 / 1e3;
        self.sum_us += time_us;
        self.sum_squares += time_us * time_us;
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record((time_us + 0.5) as u64);
        }
    }

    /// Adds times that were recorded elsewhere.
    pub fn add(&mut self, other: &Self) {
        let Some(others) = &other.histogram else { return };
        match &mut self.histogram {
            // All histograms have the same bounds, so that one always fits into another.
            Some(histogram) => drop(histogram.add(others.as_ref())),
            None => self.histogram = Some(others.clone()),
        }
        self.sum_us += other.sum_us;
        self.sum_squares += other.sum_squares;
    }

    /// The times of a distribution that was written into results.
    ///
    /// # Errors
    /// When its histogram cannot be read, or does not hold as many times as it says.
    pub fn read(distribution: &Distribution) -> Result<Self, HistogramError> {
        let histogram = decode(&distribution.hdr)?;
        if histogram.len() != distribution.count {
            return Err(HistogramError::Encoding);
        }
        let (n, mean) = (distribution.count as f64, distribution.mean_us);
        let squares = distribution.sd_us * distribution.sd_us * (n - 1.0).max(0.0) + n * mean * mean;
        let histogram = (!histogram.is_empty()).then(|| Box::new(histogram));
        Ok(Self { histogram, sum_us: n * mean, sum_squares: squares })
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// What a slice says of them.
    pub fn slice(&self) -> Slice {
        let Some(histogram) = &self.histogram else { return Slice::default() };
        Slice {
            completed: histogram.len(),
            mean_us: self.sum_us / histogram.len() as f64,
            p50_us: histogram.value_at_quantile(0.50),
            p95_us: histogram.value_at_quantile(0.95),
            p99_us: histogram.value_at_quantile(0.99),
            disturbed: false,
        }
    }

    /// The histogram as results hold it: V2 encoding, base64; empty where there is nothing.
    pub fn hdr(&self) -> String {
        let Some(histogram) = &self.histogram else { return String::new() };
        let mut bytes = Vec::new();
        // Writing to memory cannot fail, and the histogram's bounds are within what the encoding holds.
        let encoded = V2Serializer::new().serialize(histogram.as_ref(), &mut bytes).is_ok();
        if encoded { STANDARD.encode(bytes) } else { String::new() }
    }

    /// What results say of them.
    pub fn distribution(&self) -> Distribution {
        let Some(histogram) = &self.histogram else { return Distribution::default() };
        let n = histogram.len() as f64;
        let mean_us = self.sum_us / n;
        let variance = if n > 1.0 { ((self.sum_squares - n * mean_us * mean_us) / (n - 1.0)).max(0.0) } else { 0.0 };
        Distribution {
            count: histogram.len(),
            mean_us,
            sd_us: variance.sqrt(),
            min_us: histogram.min(),
            p50_us: histogram.value_at_quantile(0.50),
            p95_us: histogram.value_at_quantile(0.95),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
            hdr: self.hdr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_that_were_written_apart_and_added_are_the_times_of_all(
            times in proptest::collection::vec((0..4_000_000_000_000_u64, 0..3_usize), 0..300)
        ) {
            let (mut all, mut shards) = (Times::default(), [Times::default(), Times::default(), Times::default()]);
            for (time, shard) in times {
                all.record(time);
                shards[shard].record(time);
            }
            let mut merged = Times::default();
            for shard in &shards {
                merged.add(&Times::read(&shard.distribution()).unwrap());
            }
            let (merged, all) = (merged.distribution(), all.distribution());
            prop_assert_eq!(&merged.hdr, &all.hdr);
            prop_assert_eq!((merged.count, merged.p99_us, merged.max_us), (all.count, all.p99_us, all.max_us));
            prop_assert!((merged.mean_us - all.mean_us).abs() <= 1e-9 * all.mean_us);
            prop_assert!((merged.sd_us - all.sd_us).abs() <= 1e-3 * all.mean_us);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), real in any::<bool>()) {
            let mut times = Times::default();
            times.record(5_000_000);
            let good = STANDARD.decode(times.hdr()).unwrap();
            let head = if real { &good[..32] } else { &[][..] };
            let _ = decode(&STANDARD.encode([head, &bytes].concat()));
        }
    }

    #[test]
    fn what_is_no_histogram_of_ours_is_refused() {
        assert_eq!(decode("no base64!"), Err(HistogramError::Base64));
        assert_eq!(decode("AAAA"), Err(HistogramError::Encoding));
        let other = Histogram::<u64>::new_with_bounds(1, u64::MAX / 4, 5).unwrap();
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&other, &mut bytes).unwrap();
        assert_eq!(decode(&STANDARD.encode(bytes)), Err(HistogramError::Bounds));
    }
}
