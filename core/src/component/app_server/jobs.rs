//! What an application server keeps of the requests in service.

use crate::component::program::Step;
use crate::component::slots::Slots;
use crate::engine::Answer;
use crate::engine::calls::Call;
use crate::engine::moves::Cause;
use crate::units::Nanos;

/// What is kept of one of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Job {
    /// Processor time of one slice, between two steps.
    pub(super) slice_ns: f64,
    /// Attempts at the present step that have failed.
    pub(super) failed: u32,
    /// Calls of the present step that are under way.
    pub(super) pending: u32,
    /// What it is doing: the program may have changed since it began.
    pub(super) doing: Option<Step>,
    /// Its call is the one that tries whether a service has recovered.
    pub(super) tries: bool,
    /// What it will be answered, once its log record is written.
    pub(super) ending: Option<Answer>,
    /// Of which time is what it knows of its item.
    pub(super) as_of: Nanos,
    /// The rows have its change.
    pub(super) committed: bool,
    /// A replica has sent it on to the primary.
    pub(super) elsewhere: bool,
    /// It holds a connection of the pool.
    pub(super) connected: bool,
    /// Why a call of the present step has failed.
    pub(super) cause: Option<Cause>,
}

/// The requests in service; a call's `count` is its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Slots<Job>,
    /// For whoever asks after a call that is not in service.
    nobody: Job,
}

impl Jobs {
    /// A place for a new one.
    pub(super) fn add(&mut self, slice_ns: f64) -> u32 {
        self.jobs.take(Job { slice_ns, ..Job::default() })
    }

    /// What is kept of a call.
    pub(super) fn of(&mut self, call: &Call) -> &mut Job {
        self.jobs.get_mut(call.count).unwrap_or(&mut self.nobody)
    }

    pub(super) fn remove(&mut self, count: u32) {
        self.jobs.leave(count);
    }
}
