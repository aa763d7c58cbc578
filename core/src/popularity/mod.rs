//! How popular items are, and what that makes of caches: mathematics that both solvers stand on.
//!
//! - [`zipf`]: Zipf's law, its shares and sums.
//! - [`placement`]: how evenly keys spread over shards.
//! - [`cache`]: hit ratios under it, by Che's approximation and its kin.

pub mod cache;
pub mod placement;
pub mod zipf;
