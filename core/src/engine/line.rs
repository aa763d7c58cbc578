//! One direction of a link: what is sent arrives later, in the order in which it was sent.

use std::collections::VecDeque;

use super::Message;
use crate::units::Nanos;

/// A delay line. The latency is constant, so the first in is the first out and one slot of the calendar serves
/// everything on the way.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) latency_ns: Nanos,
    on_the_way: VecDeque<(Nanos, Message)>,
}

impl Line {
    pub(super) fn new(latency_ns: Nanos) -> Self {
        Self { latency_ns, on_the_way: VecDeque::new() }
    }

    /// Puts a message on the way and says when it arrives. A latency that was lowered does not let it overtake.
    pub(super) fn send(&mut self, now: Nanos, message: Message) -> Nanos {
        let arrives = now + self.latency_ns;
        let arrives = self.on_the_way.back().map_or(arrives, |(before, _)| arrives.max(*before));
        self.on_the_way.push_back((arrives, message));
        arrives
    }

    pub(super) fn next(&self) -> Option<Nanos> {
        self.on_the_way.front().map(|(at, _)| *at)
    }

    pub(super) fn receive(&mut self) -> Option<Message> {
        self.on_the_way.pop_front().map(|(_, message)| message)
    }
}
