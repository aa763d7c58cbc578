//! A pool: so many of something, held by calls for a while, and calls that wait their turn for one.

use std::collections::VecDeque;

use crate::engine::Engine;
use crate::engine::alarm::Alarm;
use crate::engine::calls::CallId;
use crate::units::{Duration, Nanos};

/// Connections that calls hold, with a queue of those that wait for one, each no longer than the same time.
#[derive(Debug)]
pub(super) struct Pool {
    /// How many there are; none for as many as are asked for.
    size: Option<u32>,
    wait: Duration,
    /// Goes off when the first in the queue has waited long enough.
    patience: Alarm,
    held: u32,
    /// Held by nobody, and lost to all: never returned.
    leaked: u32,
    waiting: VecDeque<(Nanos, CallId)>,
}

impl Pool {
    /// A pool of `size`, or without a limit when that is zero.
    pub(super) fn new(size: u32, wait: Duration, patience: Alarm) -> Self {
        let mut pool = Self { size: None, wait, patience, held: 0, leaked: 0, waiting: VecDeque::new() };
        pool.resize(size, wait);
        pool
    }

    pub(super) fn resize(&mut self, size: u32, wait: Duration) {
        (self.size, self.wait) = ((size > 0).then_some(size), wait);
    }

    fn free(&self) -> bool {
        self.size.is_none_or(|size| self.held + self.leaked < size)
    }

    /// Takes one for the call. False when there is none: the call then waits until [`next`](Self::next) or
    /// [`give_up`](Self::give_up) names it.
    pub(super) fn take(&mut self, engine: &mut Engine, call: CallId) -> bool {
        if self.free() {
            self.held += 1;
            return true;
        }
        let until = engine.now().saturating_add(self.wait.ns());
        if self.waiting.is_empty() {
            self.patience.set(engine, until);
        }
        self.waiting.push_back((until, call));
        engine.waits(call);
        false
    }

    /// Gives one back, or loses it.
    pub(super) fn give_back(&mut self, leaks: bool) {
        self.held = self.held.saturating_sub(1);
        self.leaked += u32::from(leaks && self.size.is_some());
    }

    /// The next call that gets what has come free; it holds it from now on.
    pub(super) fn next(&mut self, engine: &mut Engine) -> Option<CallId> {
        while self.free() {
            let (_, call) = self.waiting.pop_front()?;
            if engine.get(call).is_some() {
                self.held += 1;
                return Some(call);
            }
        }
        None
    }

    /// A call that has waited too long and is out of the queue; none, and the timer is set, when there is no other.
    pub(super) fn give_up(&mut self, engine: &mut Engine) -> Option<CallId> {
        while let Some((until, call)) = self.waiting.front().copied() {
            if until > engine.now() {
                self.patience.set(engine, until);
                return None;
            }
            self.waiting.pop_front();
            if engine.get(call).is_some() {
                return Some(call);
            }
        }
        None
    }

    /// Forgets everything: the process that had it is gone.
    pub(super) fn clear(&mut self, engine: &mut Engine) {
        (self.held, self.leaked) = (0, 0);
        self.waiting.clear();
        self.patience.clear(engine);
    }

    /// Those in use, those that were never returned, and calls that wait.
    pub(super) fn gauge(&self) -> (u32, u32, u32) {
        (self.held, self.leaked, self.waiting.len() as u32)
    }
}
