//! How evenly keys spread over the places that they are put into.

use super::zipf::Zipf;
use crate::numeric::is_positive;

/// Load of each shard, as a share of all, for keys of Zipf popularity under a given placement.
///
/// The `head` most popular keys are placed one by one by `place`, which gives a key's shard from its rank (from 1) and
/// is taken modulo the shards; the rest is spread evenly. Exact where `head` is the number of keys. With a hash for
/// `place` the rest of each shard is in truth a random share, whose standard deviation is below sqrt(p / shards), with
/// p the share of the first key that is not placed. Costs `head` steps. None without shards.
pub fn shares(keys: &Zipf, shards: u32, head: u64, place: impl Fn(u64) -> u64) -> Option<Vec<f64>> {
    let head = head.min(keys.items());
    let many = u64::from(shards);
    if shards == 0 {
        return None;
    }
    let rest = (1.0 - keys.share_of_top(head)).max(0.0) / f64::from(shards);
    let mut load = vec![rest; shards as usize];
    for rank in 1..=head {
        load[(place(rank) % many) as usize] += keys.share(rank);
    }
    Some(load)
}

/// Load of the hottest shard as a multiple of the mean: one is even.
pub fn imbalance(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    is_positive(sum).then(|| shares.iter().copied().fold(0.0, f64::max) * shares.len() as f64 / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;

    fn hash(key: u64) -> u64 {
        Stream::new(1998, "placement", "test").draw(key).bits() >> 20
    }

    #[test]
    fn a_head_of_the_keys_is_enough() {
        let keys = Zipf::new(1.0, 1_000_000).unwrap();
        let (all, head) = (shares(&keys, 16, 1_000_000, hash).unwrap(), shares(&keys, 16, 10_000, hash).unwrap());
        for (one, other) in all.iter().zip(&head) {
            assert!((one - other).abs() < 3.0 * (keys.share(10_000) / 16.0).sqrt(), "{one} {other}");
        }
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(imbalance(&all).unwrap() > 1.0);
        assert_eq!(imbalance(&[]), None);
        assert_eq!(shares(&keys, 0, 5, hash), None);
    }
}
