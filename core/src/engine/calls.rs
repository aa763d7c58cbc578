//! Calls: a request as one component sees it, from its arrival there to the arrival of its answer at the caller.
//!
//! A user's request is the root call at the users; each component that works for it has a call of its own, whose parent
//! is the caller's. A call that has ended leaves its place to another; ids carry a generation, so that an answer that
//! comes too late finds nobody instead of somebody else.

use crate::units::Nanos;
use crate::workload::Class;

/// Names a call; stays unique after the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    /// No call: the parent of a root.
    pub const NONE: Self = Self(u64::MAX);

    pub(super) const fn new(index: u32, generation: u32) -> Self {
        Self((index as u64) << 32 | generation as u64)
    }

    const fn index(self) -> usize {
        (self.0 >> 32) as usize
    }

    const fn generation(self) -> u32 {
        self.0 as u32
    }
}

/// Where a call is; needed to take it back when its component dies.
///
/// Whether its component lets it run or wait somewhere is none of it: stations know whom they serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its component's hands.
    Held,
    /// Still travelling to its component.
    OnTheWay,
    /// Answered; the answer is travelling to the caller.
    Answered,
    /// Nobody works for it and nobody will answer: the caller finds out at its deadline.
    Lost,
}

/// One call. It is as large as a line of a processor's cache, and WebAssembly copies no more than that in place.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The user's request that it serves.
    pub request: u64,
    /// When it was made.
    pub begun: Nanos,
    /// When its maker gives it up: a root's users, a call's caller. [`Nanos::MAX`] for never.
    pub deadline: Nanos,
    /// Who made it; [`CallId::NONE`] for a root, for a component's own work, and once the caller has given it up.
    pub parent: CallId,
    /// A number of the component's own; its caller finds it in the [reply](super::Reply).
    pub note: u64,
    /// The copy of a component that handles it.
    pub node: u16,
    /// The link by which it came; the last one's index for a root and for a component's own work.
    pub link: u16,
    /// A second number of the component's own.
    pub count: u32,
    /// Tells apart the calls that one request makes to the same component: 0 unless the caller makes several. Passes on
    /// to the calls that are made for it.
    pub branch: u32,
    /// How far its component is with it; the component's own count.
    pub step: u16,
    /// The request's class.
    pub class: Class,
    /// What the caller wants, where the called kind tells more than one thing apart; 0 is the plain case.
    pub verb: u8,
    /// What it was told, or tells, is out of date. Passes from an answer to the caller's call.
    pub stale: bool,
    /// Whether it is a user's request itself.
    pub(super) root: bool,
    pub(super) watched: bool,
    pub(super) place: Place,
    /// Even while the call lives, odd after it has ended.
    generation: u32,
}

const _: () = assert!(size_of::<Call>() <= 64);

impl Call {
    /// Whether it was made over a link: a root and a component's own work were not.
    pub(super) fn has_caller(&self) -> bool {
        self.link != u16::MAX
    }

    /// The number of its draws: that of its request, made another for each branch.
    pub fn number(&self) -> u64 {
        self.request ^ u64::from(self.branch).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// Whether it is a user's request itself.
    pub fn is_root(&self) -> bool {
        self.root
    }

    /// Whether its component is done with it, one way or the other.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.place, Place::Answered | Place::Lost)
    }
}

/// All calls that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    free: Vec<u32>,
}

impl Calls {
    /// A new call, to be filled in where it is; a root's and a component's own work's parent is [`CallId::NONE`].
    #[inline]
    pub(super) fn add(
        &mut self,
        request: u64,
        class: Class,
        parent: CallId,
        node: u16,
        link: u16,
        begun: Nanos,
    ) -> (CallId, &mut Call) {
        let fresh = |generation| Call {
            request,
            begun,
            deadline: Nanos::MAX,
            parent,
            note: 0,
            node,
            link,
            count: 0,
            branch: 0,
            step: 0,
            class,
            verb: 0,
            stale: false,
            root: false,
            watched: false,
            place: Place::Held,
            generation,
        };
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.calls.push(fresh(u32::MAX));
                (self.calls.len() - 1) as u32
            }
        };
        let call = &mut self.calls[index as usize];
        *call = fresh(call.generation.wrapping_add(1));
        (CallId::new(index, call.generation), call)
    }

    #[inline]
    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id.index()).filter(|call| call.generation == id.generation())
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(id.index()).filter(|call| call.generation == id.generation())
    }

    /// A call that is known to be there.
    #[inline]
    pub(super) fn at(&mut self, id: CallId) -> &mut Call {
        &mut self.calls[id.index()]
    }

    /// Ends a call and gives a last look at what it was.
    #[inline]
    pub(super) fn remove(&mut self, id: CallId) -> Option<&Call> {
        let call = self.calls.get_mut(id.index()).filter(|call| call.generation == id.generation())?;
        call.generation = call.generation.wrapping_add(1);
        self.free.push(id.index() as u32);
        Some(call)
    }

    /// Calls that have not ended.
    pub(super) fn len(&self) -> usize {
        self.calls.len() - self.free.len()
    }

    /// Every call that has not ended.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Call)> {
        let calls = self.calls.iter().enumerate().filter(|(_, call)| call.generation % 2 == 0);
        calls.map(|(index, call)| (CallId::new(index as u32, call.generation), call))
    }

    /// The calls that a component has: neither on the way to it nor on the way back.
    pub(super) fn at_node(&self, node: u16) -> Vec<CallId> {
        let here = |call: &Call| call.node == node && call.place != Place::OnTheWay && !call.is_over();
        self.iter().filter(|(_, call)| here(call)).map(|(id, _)| id).collect()
    }
}
