//! How often a cache has what is asked for, from popularity, room, time to live and policy.

use super::cache::{Settings, Writes};
use super::store::Policy;
use crate::workload::Popularity;

/// The requests that a cache sees, all copies together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traffic {
    pub(super) popularity: Popularity,
    pub(super) reads_per_s: f64,
    pub(super) writes_per_s: f64,
    pub(super) copies: u32,
}

/// Items of about the same popularity: how many, and reads of each a second.
type Bin = (f64, f64);

/// Share of the reads that find their item.
///
/// Che's approximation: an entry stays for about the same time whatever it is, namely for as long as it takes until as
/// many other items have been asked for as there is room (Che, Tung & Wang, "Hierarchical Web Caching Systems", 2002;
/// Martina, Garetto & Leonardi, "A unified approach to the performance analysis of caching systems", 2014, for FIFO and
/// for time to live). Writes that throw an entry out are as many reads that find nothing.
pub(super) fn hit_ratio_estimate(settings: &Settings, traffic: &Traffic) -> f64 {
    let bins = bins(traffic);
    let room = f64::from(settings.entries) * f64::from(traffic.copies);
    let ttl_s = if settings.ttl.ns() > 0 { settings.ttl.as_secs_f64() } else { f64::INFINITY };
    let stays_s = stay_s(settings.policy, &bins, room);
    let (mut hits, mut reads, mut rank) = (0.0, 0.0, 0.0);
    for (items, rate) in &bins {
        let hit = match settings.policy {
            Policy::Fifo => once(rate * stays_s.min(ttl_s)),
            // What is asked for most stays, the rest never does.
            Policy::Lfu if rank < room => once(rate * ttl_s),
            Policy::Lfu => 0.0,
            Policy::Lru => renewed(*rate, stays_s, ttl_s),
        };
        (hits, reads, rank) = (hits + items * rate * hit, reads + items * rate, rank + items);
    }
    let thrown_out = if settings.writes == Writes::Invalidate { traffic.writes_per_s } else { 0.0 };
    let kept = traffic.reads_per_s / (traffic.reads_per_s + thrown_out).max(1e-12);
    if reads > 0.0 { kept * hits / reads } else { 0.0 }
}

/// Hits over reads, when each miss is followed by so many reads on average that hit.
fn once(hits: f64) -> f64 {
    if hits.is_finite() { hits / (1.0 + hits) } else { 1.0 }
}

/// The same for an entry that stays until nobody has asked for `stays_s`, or `ttl_s` have passed.
fn renewed(rate: f64, stays_s: f64, ttl_s: f64) -> f64 {
    let lost = libm::exp(-rate * stays_s);
    if ttl_s.is_infinite() {
        return 1.0 - lost;
    }
    if lost == 0.0 {
        return once(rate * ttl_s);
    }
    // Mean of the gaps that are short enough, and how many of them fit in the time to live.
    let kept = -libm::expm1(-rate * stays_s);
    let gap_s = 1.0 / rate - stays_s * lost / kept;
    let fit = ttl_s / gap_s.max(1e-12);
    once(kept * -libm::expm1(fit * libm::log1p(-lost)) / lost)
}

/// How long an entry stays that nobody asks for, or with FIFO any entry: found by halving.
fn stay_s(policy: Policy, bins: &[Bin], room: f64) -> f64 {
    let held = |time_s: f64| -> f64 {
        let share = |rate: f64| match policy {
            Policy::Fifo => once(rate * time_s),
            _ => 1.0 - libm::exp(-rate * time_s),
        };
        bins.iter().map(|(items, rate)| items * share(*rate)).sum()
    };
    let items: f64 = bins.iter().map(|(items, _)| items).sum();
    if items <= room {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while held(high) < room && high < 1e15 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if held(middle) < room { low = middle } else { high = middle }
    }
    high
}

/// The items, the first ones each for itself, then in ever larger groups.
fn bins(traffic: &Traffic) -> Vec<Bin> {
    let Popularity { zipf, items } = traffic.popularity;
    let weight = |rank: f64| libm::exp(-zipf * libm::log(rank));
    let (mut bins, mut rank) = (Vec::new(), 1_u64);
    while rank <= items.max(1) {
        let many = (rank / 50).max(1).min(items.max(1) + 1 - rank);
        let middle = rank as f64 + 0.5 * (many - 1) as f64;
        bins.push((many as f64, weight(middle)));
        rank += many;
    }
    let total: f64 = bins.iter().map(|(many, weight)| many * weight).sum();
    bins.iter().map(|(many, weight)| (*many, traffic.reads_per_s * weight / total)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Duration;

    fn ratio(settings: Settings) -> f64 {
        let popularity = Popularity { zipf: 1.0, items: 100_000 };
        let traffic = Traffic { popularity, reads_per_s: 1_000.0, writes_per_s: 100.0, copies: 1 };
        hit_ratio_estimate(&settings, &traffic)
    }

    #[test]
    fn known_cases_come_out() {
        let settings = |policy, entries, ttl_s| Settings {
            policy,
            entries,
            ttl: Duration::from_s(ttl_s),
            writes: Writes::Update,
            ..Settings::default()
        };
        // With room for everything and no end to it, only the first read of an item finds nothing.
        assert!((ratio(settings(Policy::Lru, 100_000, 0)) - 1.0).abs() < 1e-9);
        // The most popular tenth of the items under Zipf's law with exponent one: H(10,000) / H(100,000).
        let tenth = (libm::log(1e4) + 0.5772) / (libm::log(1e5) + 0.5772);
        assert!((ratio(settings(Policy::Lfu, 10_000, 0)) - tenth).abs() < 0.005);
        let [lru, fifo] = [Policy::Lru, Policy::Fifo].map(|policy| ratio(settings(policy, 10_000, 0)));
        assert!(fifo < lru && lru < tenth, "{fifo} {lru} {tenth}");
        // A time to live only takes away.
        assert!(ratio(settings(Policy::Lru, 10_000, 10)) < lru);
        // One write for ten reads that throws the entry out.
        let throws = Settings { writes: Writes::Invalidate, ..settings(Policy::Lru, 100_000, 0) };
        assert!((ratio(throws) - 10.0 / 11.0).abs() < 1e-9);
    }
}
