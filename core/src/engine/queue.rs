//! A first-come-first-served station with several servers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::calls::CallId;
use crate::units::Nanos;

/// Servers that take calls in the order in which they came: a disk, a pool of anything.
#[derive(Clone, Debug)]
pub struct Queue {
    servers: usize,
    /// Calls in service by the end of their service.
    serving: BinaryHeap<Reverse<(Nanos, CallId)>>,
    waiting: VecDeque<(CallId, Nanos)>,
    busy_ns: f64,
    updated: Nanos,
}

impl Queue {
    pub(super) fn new(servers: usize) -> Self {
        Self { servers, serving: BinaryHeap::new(), waiting: VecDeque::new(), busy_ns: 0.0, updated: 0 }
    }

    /// Calls in service and waiting.
    pub fn jobs(&self) -> usize {
        self.serving.len() + self.waiting.len()
    }

    /// Server time used until now, in server-nanoseconds. No event of this station lies between.
    pub fn busy_ns(&self, now: Nanos) -> f64 {
        self.busy_ns + (now - self.updated) as f64 * self.serving.len() as f64
    }

    fn advance(&mut self, now: Nanos) {
        self.busy_ns = self.busy_ns(now);
        self.updated = now;
    }

    pub(super) fn resize(&mut self, now: Nanos, servers: usize) {
        self.advance(now);
        self.servers = servers;
        self.start(now);
    }

    pub(super) fn add(&mut self, now: Nanos, call: CallId, demand_ns: Nanos) {
        self.advance(now);
        if self.serving.len() < self.servers {
            self.serving.push(Reverse((now.saturating_add(demand_ns), call)));
        } else {
            self.waiting.push_back((call, demand_ns));
        }
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.serving.peek().map(|Reverse((at, _))| *at)
    }

    /// Ends the service that is due now.
    pub(super) fn fire(&mut self, now: Nanos) -> Option<CallId> {
        self.advance(now);
        let Reverse((_, call)) = self.serving.pop()?;
        self.start(now);
        Some(call)
    }

    /// Takes calls away that will not be served. False when there is none of them.
    pub(super) fn remove(&mut self, now: Nanos, goes: impl Fn(CallId) -> bool) -> bool {
        let mut calls =
            self.serving.iter().map(|Reverse((_, call))| call).chain(self.waiting.iter().map(|(call, _)| call));
        let any = calls.any(|call| goes(*call));
        if any {
            self.advance(now);
            self.serving.retain(|Reverse((_, call))| !goes(*call));
            self.waiting.retain(|(call, _)| !goes(*call));
            self.start(now);
        }
        any
    }

    fn start(&mut self, now: Nanos) {
        while self.serving.len() < self.servers
            && let Some((call, demand_ns)) = self.waiting.pop_front()
        {
            self.serving.push(Reverse((now.saturating_add(demand_ns), call)));
        }
    }
}
