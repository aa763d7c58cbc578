//! Fetches under way: who fetches what is not in a cache, and who waits for it instead of fetching it as well.

use std::collections::VecDeque;

use crate::engine::calls::CallId;
use crate::engine::table::Table;
use crate::units::Nanos;

/// A fetch.
#[derive(Clone, Debug, Default)]
struct Flight {
    /// When whoever fetches was told to.
    since: Nanos,
    /// What is fetched has changed meanwhile.
    void: bool,
    waiting: VecDeque<CallId>,
}

/// Fetches by key. A fetch that takes too long is taken over by whoever asks next.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    index: Table,
    flights: Vec<Flight>,
    free: Vec<u32>,
    /// When each fetch began, in that order, to forget those of which nothing came.
    begun: VecDeque<(Nanos, u64)>,
}

impl Flights {
    /// Whether the call is to fetch: true when nobody else does, or has for longer than `lasts_ns`.
    pub(super) fn leads(&mut self, key: u64, now: Nanos, lasts_ns: Nanos) -> bool {
        self.forget(now, lasts_ns);
        let at = match self.index.get(key) {
            Some(at) if now < self.flights[at as usize].since.saturating_add(lasts_ns) => return false,
            Some(at) => at,
            None => self.add(key),
        };
        let flight = &mut self.flights[at as usize];
        (flight.since, flight.void) = (now, false);
        self.begun.push_back((now, key));
        true
    }

    /// A call waits for what another fetches; it is named when it did not wait before. Until when it may.
    pub(super) fn wait(&mut self, key: u64, call: Option<CallId>, lasts_ns: Nanos) -> Nanos {
        let Some(at) = self.index.get(key) else { return 0 };
        let flight = &mut self.flights[at as usize];
        flight.waiting.extend(call);
        flight.since.saturating_add(lasts_ns)
    }

    /// What is being fetched has changed: what comes of the fetch must not be kept.
    pub(super) fn void(&mut self, key: u64) {
        if let Some(at) = self.index.get(key) {
            self.flights[at as usize].void = true;
        }
    }

    /// Whether somebody fetches this, and it has not changed meanwhile.
    pub(super) fn is_sound(&self, key: u64) -> bool {
        self.index.get(key).is_some_and(|at| !self.flights[at as usize].void)
    }

    /// Another fetches from now on.
    pub(super) fn renew(&mut self, key: u64, now: Nanos) {
        if let Some(at) = self.index.get(key) {
            let flight = &mut self.flights[at as usize];
            (flight.since, flight.void) = (now, false);
            self.begun.push_back((now, key));
        }
    }

    /// The next that waits for this; when there is none, the fetch is over.
    pub(super) fn next(&mut self, key: u64) -> Option<CallId> {
        let at = self.index.get(key)?;
        let next = self.flights[at as usize].waiting.pop_front();
        if next.is_none() {
            self.index.remove(key);
            self.free.push(at);
        }
        next
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, key: u64) -> u32 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.flights.push(Flight::default());
            self.flights.len() as u32 - 1
        });
        self.index.set(key, at);
        at
    }

    /// Drops fetches that are too old and for which nobody waits.
    fn forget(&mut self, now: Nanos, lasts_ns: Nanos) {
        while let Some((since, key)) = self.begun.front().copied()
            && since.saturating_add(lasts_ns) <= now
        {
            self.begun.pop_front();
            if let Some(at) = self.index.get(key)
                && self.flights[at as usize].since == since
                && self.flights[at as usize].waiting.is_empty()
            {
                self.index.remove(key);
                self.free.push(at);
            }
        }
    }
}
