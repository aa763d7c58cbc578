//! Waiting for an instant to within microseconds.
//!
//! tokio's timers have a resolution of a millisecond. So a wait sleeps until shortly before its instant, then yields in
//! a loop: each yield lets the runtime move the other requests on, and only what is left of the core is burnt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long before its instant a wait stops sleeping: the timer's millisecond, rounded up, and one more for waking.
const YIELD_FOR: Duration = Duration::from_millis(2);
/// Longest sleep in one go, so that a wait notices soon when the run is over.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Waits until `due`; false when `over` was set first.
pub(super) async fn until(due: Instant, over: &AtomicBool) -> bool {
    loop {
        if over.load(Ordering::Relaxed) {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        match left.checked_sub(YIELD_FOR) {
            Some(sleep) if !sleep.is_zero() => tokio::time::sleep(sleep.min(SLEEP_MAX)).await,
            _ => tokio::task::yield_now().await,
        }
    }
}
