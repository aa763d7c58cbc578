//! The trail of one request: every step of every call that is made for it, with whose call it is.
//!
//! [Moves](super::moves) say where a request is seen; a trail says who waits for whom, so that its parts add up to the
//! response time. It is kept for one request at most, see [`Engine::watch_only`].

use super::Engine;
use super::calls::CallId;
use super::moves::Cause;
use crate::units::Nanos;
use crate::workload::Class;

/// One step of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// When.
    pub(crate) at: Nanos,
    /// Whose.
    pub(crate) call: CallId,
    pub(crate) mark: Mark,
}

/// What a call does. An arrival at [`Nanos::MAX`] never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A user's request begins.
    Begun { class: Class, node: u16 },
    /// A component's own work begins, on behalf of a call that need not wait for it.
    Own { of: CallId, node: u16 },
    /// It is made over an edge for another call.
    Called { by: CallId, edge: u16, arrives: Nanos },
    /// A packet of it crosses an edge, without work at the other end.
    Crossed { edge: u16, back: bool, arrives: Nanos },
    /// It queues.
    Waits,
    /// It is taken by a worker or a connection.
    Serves,
    /// It runs on its machine's processors.
    Computes,
    /// It is at its machine's disk.
    AtDisk,
    /// The processor, the disk or the pause is done with it.
    Served,
    /// It is answered, well or not, and the answer is on its way.
    Answered { arrives: Nanos, failed: Option<Cause> },
    /// Its caller does not wait any longer.
    GivenUp,
    /// It ends, and nobody is told on the way back: a user's request, own work, a call that died with its machine.
    Ended { failed: Option<Cause> },
}

impl Engine {
    /// Notes a step of a watched call, when one request only is watched.
    #[inline]
    pub(super) fn mark(&mut self, watched: bool, call: CallId, mark: Mark) {
        if watched {
            self.mark_watched(call, mark);
        }
    }

    #[cold]
    fn mark_watched(&mut self, call: CallId, mark: Mark) {
        if self.watch_only.is_some() {
            self.trail.push(Step { at: self.now, call, mark });
        }
    }

    /// Logs the moves and the trail of one request only.
    pub(crate) fn watch_only(&mut self, request: u64) {
        self.watch_only = Some(request);
    }

    /// The steps so far of the request that alone is watched.
    pub(crate) fn trail(&self) -> &[Step] {
        &self.trail
    }

    /// Whether anything is still done for a watched request.
    pub(crate) fn is_watching(&self) -> bool {
        self.calls.iter().any(|(_, call)| call.watched)
    }
}
