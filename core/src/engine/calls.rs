//! Calls: a request as one component sees it, from its arrival there to its answer.
//!
//! A user's request is the root call at the users; each component that works for it has a call of its own, whose parent
//! is the caller's. A call that has ended leaves its place to another; ids carry a generation, so that an answer that
//! comes too late finds nobody instead of somebody else.

use crate::units::Nanos;
use crate::workload::Class;

/// Names a call; stays unique after the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    index: u32,
    generation: u32,
}

impl CallId {
    /// No call: the parent of a root.
    pub const NONE: Self = Self { index: u32::MAX, generation: 0 };
}

/// Where a call is; needed to take it back when its component dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the component's own hands, or waiting for a call that it made.
    Held,
    /// Running on this machine's processors.
    Processor(u32),
    /// At this machine's disk.
    Disk(u32),
    /// Still travelling to its component.
    OnTheWay,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The user's request that it serves.
    pub request: u64,
    /// When it was made.
    pub begun: Nanos,
    /// Who made it.
    pub parent: CallId,
    /// The copy of a component that handles it.
    pub node: u16,
    /// The link by which it came; the last one's index for a root.
    pub link: u16,
    /// The request's class.
    pub class: Class,
    /// How far its component is with it; the component's own count.
    pub step: u16,
    /// A number of the component's own.
    pub note: u64,
    pub(super) place: Place,
    pub(super) watched: bool,
    /// Even while the call lives, odd after it has ended.
    generation: u32,
}

impl Call {
    pub(super) fn new(request: u64, class: Class, parent: CallId, node: u16, link: u16, begun: Nanos) -> Self {
        Self {
            request,
            begun,
            parent,
            node,
            link,
            class,
            step: 0,
            note: 0,
            place: Place::Held,
            watched: false,
            generation: 0,
        }
    }
}

/// All calls that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    free: Vec<u32>,
}

impl Calls {
    pub(super) fn add(&mut self, mut call: Call) -> CallId {
        if let Some(index) = self.free.pop() {
            let place = &mut self.calls[index as usize];
            call.generation = place.generation.wrapping_add(1);
            *place = call;
            CallId { index, generation: call.generation }
        } else {
            self.calls.push(call);
            CallId { index: (self.calls.len() - 1) as u32, generation: 0 }
        }
    }

    #[inline]
    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id.index as usize).filter(|call| call.generation == id.generation)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(id.index as usize).filter(|call| call.generation == id.generation)
    }

    /// Ends a call and gives back what it was.
    #[inline]
    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.get_mut(id)?;
        let ended = *call;
        call.generation = call.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(ended)
    }

    /// The calls that a component has, on the way to it excluded.
    pub(super) fn at_node(&self, node: u16) -> Vec<CallId> {
        let calls = self.calls.iter().enumerate();
        calls
            .filter(|(_, call)| call.generation % 2 == 0 && call.node == node && call.place != Place::OnTheWay)
            .map(|(index, call)| CallId { index: index as u32, generation: call.generation })
            .collect()
    }
}
