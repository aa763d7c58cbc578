//! The deployment's clock, read off the `Date` of its answers (RFC 9110, section 6.6.1), beside this machine's.
//!
//! A date has whole seconds, but answers come all the time, and those around a change of second tell when it changed: see
//! [`Clock`]. Machines that send together are compared by what each saw of this one clock, so it need not be right, nor
//! need theirs be known to anyone.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, UNIX_EPOCH};

use hockeystick_core::measurement::Clock;
use reqwest::header::{AGE, DATE, HeaderMap};

/// What an answer said of the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    /// Seconds since 1970, rounded down.
    date_s: i64,
    /// When the answer's head was here.
    head: Instant,
}

impl Dated {
    /// The date of an answer that has just come. None of one that a cache kept, which says when it was made.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let head = Instant::now();
        if headers.contains_key(AGE) {
            return None;
        }
        let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        let date_s = i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
        Some(Self { date_s, head })
    }
}

/// What the answers of one step said.
#[derive(Debug)]
pub(super) struct Dates {
    /// When the step began by this machine's clock, in nanoseconds since 1970.
    wall_ns: i128,
    start: Instant,
    seen: Mutex<Option<Bounds>>,
}

/// The deployment's clock minus this machine's.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    low_ns: i128,
    high_ns: i128,
}

const SECOND_NS: i128 = 1_000_000_000;

impl Dates {
    /// For a step that begins at `start`, which is `wall_ns` on the wall.
    pub(super) fn new(start: Instant, wall_ns: i128) -> Self {
        Self { wall_ns, start, seen: Mutex::new(None) }
    }

    /// Takes an answer to a request that was sent at `sent`: it was made between then and the arrival of its head.
    pub(super) fn see(&self, dated: Dated, sent: Instant) {
        let wall_ns = |at: Instant| self.wall_ns + at.saturating_duration_since(self.start).as_nanos() as i128;
        let date_ns = i128::from(dated.date_s) * SECOND_NS;
        let (low_ns, high_ns) = (date_ns - wall_ns(dated.head), date_ns + SECOND_NS - wall_ns(sent));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let bounds = seen.get_or_insert(Bounds { low_ns, high_ns });
        bounds.low_ns = bounds.low_ns.max(low_ns);
        bounds.high_ns = bounds.high_ns.min(high_ns);
    }

    /// What all of them say.
    pub(super) fn clock(&self) -> Option<Clock> {
        let bounds = (*self.seen.lock().unwrap_or_else(PoisonError::into_inner))?;
        let (a_s, b_s) = (bounds.low_ns as f64 / 1e9, bounds.high_ns as f64 / 1e9);
        // Bounds that contradict each other span what is contradicted.
        Some(Clock { low_s: a_s.min(b_s), high_s: a_s.max(b_s) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;
    use std::time::Duration;

    /// What answers say that are made every `every_ms` for ten seconds by a clock which is `ahead_ns` ahead.
    fn clock(ahead_ns: i128, every_ms: u64, trip_ms: u64, jump_ns: i128) -> Clock {
        let (start, wall_ns) = (Instant::now(), 1_700_000_000_400_000_000);
        let dates = Dates::new(start, wall_ns);
        for at_ms in (0..10_000).step_by(every_ms as usize) {
            let sent = start + Duration::from_millis(at_ms);
            let made_ns = wall_ns + i128::from(at_ms + trip_ms / 2) * 1_000_000;
            let jump_ns = if at_ms > 5_000 { jump_ns } else { 0 };
            let date_s = ((made_ns + ahead_ns + jump_ns) / SECOND_NS) as i64;
            dates.see(Dated { date_s, head: sent + Duration::from_millis(trip_ms) }, sent);
        }
        dates.clock().unwrap()
    }

    proptest! {
        #[test]
        fn the_offset_lies_between_the_bounds_and_they_are_a_round_trip_and_a_gap_apart(
            ahead_ms in -5_000..5_000_i64, every_ms in 1..60_u64, trip_ms in 1..40_u64
        ) {
            let clock = clock(i128::from(ahead_ms) * 1_000_000, every_ms, trip_ms, 0);
            let ahead_s = ahead_ms as f64 / 1e3;
            prop_assert!(clock.low_s <= ahead_s && ahead_s <= clock.high_s, "{:?} {}", clock, ahead_s);
            prop_assert!(clock.high_s - clock.low_s <= (every_ms + trip_ms) as f64 / 1e3 + 1e-9, "{:?}", clock);
        }
    }

    #[test]
    fn servers_whose_clocks_differ_widen_the_bounds() {
        let clock = clock(0, 3, 1, 300_000_000);
        assert!(clock.low_s <= 0.005 && clock.high_s >= 0.295, "{clock:?}");
    }

    #[test]
    fn an_answer_from_a_cache_or_without_a_date_says_nothing() {
        let mut headers = HeaderMap::new();
        assert!(Dated::read(&headers).is_none());
        headers.insert(DATE, HeaderValue::from_static("Sun, 01 Mar 2026 10:00:00 GMT"));
        assert_eq!(Dated::read(&headers).unwrap().date_s, 1_772_359_200);
        headers.insert(AGE, HeaderValue::from_static("0"));
        assert!(Dated::read(&headers).is_none());
        headers.remove(AGE);
        headers.insert(DATE, HeaderValue::from_static("yesterday"));
        assert!(Dated::read(&headers).is_none());
    }
}
