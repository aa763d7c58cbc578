//! Who is logged in: sessions by number, in four bytes each.
//!
//! A site of ten million users has millions of sessions, and a simulation in a browser tab some tens of megabytes. Numbers
//! follow one another and only those of visits that are under way are asked for, so that they need no hashing: a row for
//! each source of users holds when each session was last used, in ticks of a sixteenth of a second. Another row counts the
//! sessions of each tick, so that whoever was not seen for too long goes without being looked for.

use std::collections::VecDeque;

use crate::units::{Nanos, SECOND_NS};

/// A sixteenth of a second: fine against any time to live, and 31 bits of it are four years.
const TICK_NS: Nanos = SECOND_NS / 16;

/// Set where a session was lost; below it is the tick after that of its last use, none where there was none.
const LOST: u32 = 1 << 31;

/// What was known of a session that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was kept.
    Kept,
    /// It begins now, or it had expired.
    New,
    /// It had been lost, and its user learns of it now.
    Lost,
}

/// The sessions of one source of users.
#[derive(Clone, Debug, Default)]
struct Row {
    /// The number of the first in the row.
    first: u64,
    uses: VecDeque<u32>,
}

impl Row {
    fn use_of(&mut self, number: u64) -> &mut u32 {
        if self.uses.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.first -= 1;
            self.uses.push_front(0);
        }
        let at = (number - self.first) as usize;
        if at >= self.uses.len() {
            self.uses.resize(at + 1, 0);
        }
        &mut self.uses[at]
    }
}

/// All sessions of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    rows: Vec<Row>,
    /// Sessions by the tick of their last use; the first entry is that of `oldest`.
    ticks: VecDeque<u32>,
    oldest: u32,
    len: usize,
}

impl Register {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A session is used. Of its source no number below `least` is asked for any more.
    pub(super) fn use_session(&mut self, source: usize, number: u64, least: u64, now: Nanos) -> Known {
        if self.rows.len() <= source {
            self.rows.resize_with(source + 1, Row::default);
        }
        let oldest = self.oldest;
        // After `shrink` the oldest may be the tick that is still to come.
        let tick = ((now / TICK_NS) as u32).max(oldest);
        let row = &mut self.rows[source];
        let used = row.use_of(number);
        let before = std::mem::replace(used, (tick + 1) & !LOST);
        while row.first < least.min(number) && !row.uses.is_empty() {
            row.uses.pop_front();
            row.first += 1;
        }
        let known = match before {
            lost if lost & LOST != 0 => Known::Lost,
            before if before > oldest => Known::Kept,
            _ => Known::New,
        };
        if known == Known::Kept {
            self.ticks[(before - 1 - oldest) as usize] -= 1;
        } else {
            self.len += 1;
        }
        let at = (tick - oldest) as usize;
        if at >= self.ticks.len() {
            self.ticks.resize(at + 1, 0);
        }
        self.ticks[at] += 1;
        known
    }

    /// Forgets whoever was not seen for this long.
    pub(super) fn expire(&mut self, now: Nanos, ttl: Nanos) {
        while u64::from(self.oldest + 1) * TICK_NS + ttl <= now {
            self.drop_oldest();
        }
    }

    /// Forgets whoever was not seen for longest, tick by tick, until there are no more than so many. How many went.
    pub(super) fn shrink(&mut self, most: usize) -> usize {
        let before = self.len;
        while self.len > most && !self.ticks.is_empty() {
            self.drop_oldest();
        }
        before - self.len
    }

    fn drop_oldest(&mut self) {
        self.len -= self.ticks.pop_front().unwrap_or(0) as usize;
        self.oldest += 1;
    }

    /// Loses all that it knew: each user learns of it at the next request.
    pub(super) fn lose(&mut self) {
        let oldest = self.oldest;
        let uses = self.rows.iter_mut().flat_map(|row| row.uses.iter_mut());
        uses.filter(|used| **used & LOST == 0 && **used > oldest).for_each(|used| *used |= LOST);
        self.ticks.iter_mut().for_each(|count| *count = 0);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_until_nobody_has_used_it_for_its_time_to_live() {
        let (mut register, ttl) = (Register::default(), 10 * SECOND_NS);
        let mut at = |number, second: u64| {
            register.expire(second * SECOND_NS, ttl);
            (register.use_session(1, number, 0, second * SECOND_NS), register.len())
        };
        assert_eq!(at(7, 0), (Known::New, 1));
        assert_eq!(at(5, 4), (Known::New, 2), "numbers come in any order");
        assert_eq!(at(7, 9), (Known::Kept, 2));
        assert_eq!(at(7, 18), (Known::Kept, 1), "the other has expired");
        assert_eq!(at(5, 19), (Known::New, 2));
    }

    #[test]
    fn what_is_lost_is_noticed_once() {
        let mut register = Register::default();
        let know = |register: &mut Register| register.use_session(0, 3, 0, SECOND_NS);
        know(&mut register);
        register.lose();
        assert_eq!(register.len(), 0);
        assert_eq!([know(&mut register), know(&mut register)], [Known::Lost, Known::Kept]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_old_numbers_take_no_room() {
        let mut register = Register::default();
        for number in 0..1_000 {
            register.use_session(0, number, number.saturating_sub(10), number * SECOND_NS);
        }
        assert_eq!((register.len(), register.rows[0].uses.len()), (1_000, 11));
        assert_eq!((register.shrink(990), register.len()), (10, 990));
        assert_eq!(register.use_session(0, 999, 990, 999 * SECOND_NS), Known::Kept);
        assert_eq!(register.shrink(0), 990);
        assert_eq!(register.use_session(0, 999, 990, 999 * SECOND_NS), Known::New);
        assert_eq!(register.use_session(0, 999, 990, 999 * SECOND_NS), Known::Kept);
    }
}
