//! What travels on a link, or is handled before the clock moves on.
//!
//! Messages are the most frequent thing in a run: small, and two plain numbers, so that they stay in registers.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::calls::CallId;
use super::{Answer, Order};
use crate::units::Nanos;

/// A message about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(super) what: What,
    /// [`CallId::NONE`] for a notice.
    pub(super) call: CallId,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The call comes to its component.
    Arrive,
    /// The call's answer comes to its caller.
    Answer(Answer),
    /// There is a [`Notice`].
    Notice,
}

/// Something that is to be done and is about no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// This machine has run out of memory.
    OutOfMemory(u32),
    /// A component wants something done to another.
    Order(Order),
}

/// A message that had to be sent again. The order is by arrival, then by the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Late {
    pub(super) arrives: Nanos,
    pub(super) number: u64,
    pub(super) message: Message,
}

impl Ord for Late {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.arrives, self.number).cmp(&(other.arrives, other.number))
    }
}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Messages to be handled before the clock moves on, first in, first out. Nearly always there is one at most, so the
/// first has a place of its own, which is never empty while there are others.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    first: Option<Message>,
    others: VecDeque<Message>,
    /// What the messages that are notices stand for, in their order.
    notices: VecDeque<Notice>,
}

impl Inbox {
    #[inline]
    pub(super) fn push(&mut self, message: Message) {
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.others.push_back(message);
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.first.take();
        if message.is_some() && !self.others.is_empty() {
            self.first = self.others.pop_front();
        }
        message
    }

    pub(super) fn push_notice(&mut self, notice: Notice) {
        self.notices.push_back(notice);
        self.push(Message { what: What::Notice, call: CallId::NONE });
    }

    pub(super) fn pop_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }
}
