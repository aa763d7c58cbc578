//! What is sent before the first step comes in turns: no faster than the host may be loaded.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest time between two turns: a rate so low is a slip of the pen, and no overflow.
const EVERY_MAX: Duration = Duration::from_hours(1);

/// One turn after the other, whoever takes them.
#[derive(Debug)]
pub(super) struct Turns {
    every: Duration,
    next: Mutex<Option<Instant>>,
}

impl Turns {
    /// So many turns a second at most; infinitely many make no one wait.
    pub(super) fn new(rate_max_per_s: f64) -> Self {
        let every = Duration::try_from_secs_f64(1.0 / rate_max_per_s).map_or(EVERY_MAX, |every| every.min(EVERY_MAX));
        Self { every, next: Mutex::new(None) }
    }

    /// Waits for the next turn.
    pub(super) async fn wait(&self) {
        let now = Instant::now();
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + self.every);
            at
        };
        if at > now {
            tokio::time::sleep_until(at.into()).await;
        }
    }

    /// Time that so many turns take.
    pub(super) fn take(&self, turns: f64) -> Duration {
        Duration::try_from_secs_f64(turns * self.every.as_secs_f64()).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_as_far_apart_as_the_rate_says() {
        let turns = Turns::new(200.0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begun = Instant::now();
        runtime.block_on(async {
            for _ in 0..21 {
                turns.wait().await;
            }
        });
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
        assert_eq!(turns.take(400.0), Duration::from_secs(2));
        assert_eq!(Turns::new(f64::INFINITY).take(1e9), Duration::ZERO);
        assert_eq!(Turns::new(1e-300).take(1.0), EVERY_MAX);
    }
}
