//! One direction of a link: what is sent arrives later, in the order in which it was sent.

use std::collections::VecDeque;

use super::message::Message;
use crate::units::Nanos;

/// A delay line with a bandwidth. Latency is the same for all and the transmitter sends one message after another, so
/// the first in is the first out and one slot of the calendar serves everything on the way.
#[derive(Clone, Debug)]
pub(super) struct Line {
    latency_ns: Nanos,
    /// Time that one byte takes at the transmitter; zero for a link whose bandwidth is no concern.
    byte_ns: f64,
    trouble: Trouble,
    /// When the transmitter is free again.
    free_at: Nanos,
    /// Bytes sent so far.
    pub(super) sent_bytes: f64,
    /// What is sent is there at once: nothing takes time here, nothing is in between, a link within a machine, and nothing
    /// is on the way. Worked out from the others, for it is asked for every message.
    immediate: bool,
    on_the_way: VecDeque<(Nanos, Message)>,
}

/// What a fault does to a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trouble {
    /// Factor on the latency.
    pub(crate) slow: f64,
    /// Probability that a message must be sent again.
    pub(crate) loss: f64,
    /// Reasons for which nothing gets through.
    pub(crate) cuts: u32,
}

impl Trouble {
    pub(super) const NONE: Self = Self { slow: 1.0, loss: 0.0, cuts: 0 };
}

impl Line {
    pub(super) fn new(latency_ns: Nanos, byte_ns: f64) -> Self {
        let mut line = Self {
            latency_ns: 0,
            byte_ns: 0.0,
            trouble: Trouble::NONE,
            free_at: 0,
            sent_bytes: 0.0,
            immediate: true,
            on_the_way: VecDeque::new(),
        };
        line.set(latency_ns, byte_ns);
        line
    }

    /// Time that a message takes to cross while nothing is wrong.
    pub(super) fn latency_ns(&self) -> Nanos {
        self.latency_ns
    }

    /// What a fault does to it.
    pub(super) fn trouble(&self) -> Trouble {
        self.trouble
    }

    /// Changes its latency, and the time that a byte takes.
    pub(super) fn set(&mut self, latency_ns: Nanos, byte_ns: f64) {
        (self.latency_ns, self.byte_ns) = (latency_ns, byte_ns);
        self.settle();
    }

    fn settle(&mut self) {
        let plain = self.latency_ns == 0 && self.byte_ns == 0.0 && self.trouble == Trouble::NONE;
        self.immediate = plain && self.on_the_way.is_empty();
    }

    /// Changes what a fault does to it.
    pub(super) fn change_trouble(&mut self, change: impl Fn(&mut Trouble)) {
        change(&mut self.trouble);
        self.set(self.latency_ns, self.byte_ns);
    }

    /// Whether what is sent is there at once.
    #[inline]
    pub(super) fn immediate(&self) -> bool {
        self.immediate
    }

    /// When a message of so many bytes, sent now, has crossed.
    pub(super) fn arrival(&mut self, now: Nanos, bytes: f64) -> Nanos {
        let mut leaves = now;
        if self.byte_ns > 0.0 {
            self.free_at = self.free_at.max(now).saturating_add((bytes * self.byte_ns + 0.5) as Nanos);
            leaves = self.free_at;
        }
        let latency_ns = if self.trouble.slow == 1.0 {
            self.latency_ns
        } else {
            (self.latency_ns as f64 * self.trouble.slow) as Nanos
        };
        leaves.saturating_add(latency_ns)
    }

    /// Puts a message on the way and says when it arrives. A latency that was lowered does not let it overtake.
    pub(super) fn send(&mut self, arrives: Nanos, message: Message) -> Nanos {
        let arrives = self.on_the_way.back().map_or(arrives, |(before, _)| arrives.max(*before));
        self.on_the_way.push_back((arrives, message));
        self.immediate = false;
        arrives
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.on_the_way.front().map(|(at, _)| *at)
    }

    pub(super) fn receive(&mut self) -> Option<Message> {
        let first = self.on_the_way.pop_front();
        if self.on_the_way.is_empty() {
            self.settle();
        }
        first.map(|(_, message)| message)
    }
}
