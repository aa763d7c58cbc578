//! The messages of a queue: which wait, which are out with a worker, which wait for another try.

use std::collections::VecDeque;

use super::slots::Slots;
use crate::units::Nanos;

/// A message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// The request that it came with.
    pub(super) request: u64,
    /// When it was accepted.
    pub(super) accepted: Nanos,
    /// Times that it was handed to a worker.
    pub(super) deliveries: u32,
    /// The edge to the worker that has it.
    pub(super) edge: u16,
    /// Whether it makes every worker fail.
    pub(super) poison: bool,
    /// Whether it waits for the batch window.
    pub(super) batched: bool,
    /// Whether a worker may have done its work, or may yet do it, without the queue's knowing.
    pub(super) uncertain: bool,
    out: bool,
    there: bool,
}

/// The messages that have not been done.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    messages: Slots<Message>,
    ready: VecDeque<u32>,
    /// Those that wait for the batch window.
    held: VecDeque<u32>,
    /// Those that have failed, with the time of their next try: the same wait for all, so in order.
    again: VecDeque<(Nanos, u32)>,
    len: usize,
}

impl Messages {
    /// A new message, to be delivered.
    pub(super) fn accept(&mut self, request: u64, now: Nanos, poison: bool, batched: bool) {
        let message = Message {
            request,
            accepted: now,
            deliveries: 0,
            edge: u16::MAX,
            poison,
            batched,
            uncertain: false,
            out: false,
            there: true,
        };
        let at = self.messages.take(message);
        self.len += 1;
        self.queue_of(at).push_back(at);
    }

    fn queue_of(&mut self, at: u32) -> &mut VecDeque<u32> {
        if self.messages[at].batched { &mut self.held } else { &mut self.ready }
    }

    /// Messages that have not been done, wherever they are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Messages that nobody works on.
    pub(super) fn waiting(&self) -> usize {
        self.ready.len() + self.held.len() + self.again.len()
    }

    /// Of those, the ones that a worker could do, now or when they are tried again.
    pub(super) fn workable(&self, window: bool) -> usize {
        self.ready.len() + self.again.len() + if window { self.held.len() } else { 0 }
    }

    pub(super) fn get(&self, at: u32) -> Option<&Message> {
        self.messages.get(at).filter(|message| message.there)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Message> {
        self.messages.get_mut(at).filter(|message| message.there)
    }

    /// Whether a message can be delivered now.
    pub(super) fn is_ready(&self, window: bool) -> bool {
        !self.ready.is_empty() || (window && !self.held.is_empty())
    }

    /// Takes the next message, to deliver it over this edge.
    pub(super) fn take(&mut self, edge: u16, window: bool) -> Option<u32> {
        let at = match self.ready.pop_front() {
            None if window => self.held.pop_front()?,
            next => next?,
        };
        let message = &mut self.messages[at];
        message.deliveries += 1;
        (message.edge, message.out) = (edge, true);
        Some(at)
    }

    /// A message whose delivery came to nothing is first in line again.
    pub(super) fn put_back(&mut self, at: u32) {
        self.messages[at].out = false;
        self.queue_of(at).push_front(at);
    }

    /// A message whose delivery came to nothing is tried again later.
    pub(super) fn try_later(&mut self, at: u32, when: Nanos) {
        self.messages[at].out = false;
        self.again.push_back((when, at));
    }

    /// Lines up what is due for another try. When the next will be.
    pub(super) fn line_up(&mut self, now: Nanos) -> Option<Nanos> {
        while let Some((when, at)) = self.again.front().copied() {
            if when > now {
                return Some(when);
            }
            self.again.pop_front();
            self.queue_of(at).push_back(at);
        }
        None
    }

    /// A message is done with.
    pub(super) fn remove(&mut self, at: u32) {
        if let Some(message) = self.get_mut(at) {
            message.there = false;
            self.messages.leave(at);
            self.len -= 1;
        }
    }

    /// Whoever kept the messages has died and has them again: those that were out are delivered once more.
    pub(super) fn recover(&mut self) {
        for at in (0..self.messages.len() as u32).rev() {
            if self.get(at).is_some_and(|message| message.out) {
                self.messages[at].uncertain = true;
                self.put_back(at);
            }
        }
    }

    /// Forgets all. How many were lost.
    pub(super) fn clear(&mut self) -> usize {
        std::mem::take(self).len
    }
}
