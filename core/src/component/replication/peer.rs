//! Another copy of the same rows, and the way to it.

use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::units::Nanos;

/// What lies between two copies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// An edge, and whether it leads from the other to here.
    Edge { edge: u16, back: bool },
    /// A network that the stage does not show: both follow one primary, and this is its edge to the other.
    Network { primary: u16, edge: u16 },
}

/// Another copy of the same rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) node: u16,
    pub(super) way: Way,
    /// When the last change that was sent to it arrives: they are read in order.
    pub(super) read_until: Nanos,
    /// When its last change that is known here was made, and when it was last known that there was no other.
    pub(super) received_at: Nanos,
    pub(super) complete_at: Nanos,
    /// Its last change that is known here, and the last that reads here can see.
    pub(super) received: u64,
    pub(super) applied: u64,
    /// The promotion that the numbers belong to.
    pub(super) term: u32,
    /// Where it stood when it was looked at last, and what was known of it then.
    pub(super) seen: [u64; 2],
}

impl Peer {
    pub(super) fn new(node: u16, way: Way) -> Self {
        Self {
            node,
            way,
            read_until: 0,
            received_at: 0,
            complete_at: 0,
            received: 0,
            applied: 0,
            term: 0,
            seen: [0; 2],
        }
    }

    /// Whether another copy can see it.
    pub(super) fn is_reachable(&self, engine: &Engine, from: u16) -> bool {
        let connected = match self.way {
            Way::Edge { edge, .. } => !engine.is_cut(edge),
            Way::Network { .. } => !engine.are_parted(from, self.node),
        };
        connected && engine.presence(self.node).up
    }

    /// Sends it word of change `number` from another copy, for the call `of`. When that arrives.
    pub(super) fn send(&self, engine: &mut Engine, of: CallId, from: u16, (verb, number): (u8, u64)) -> Option<Nanos> {
        let (request, class) = engine.get(of).map(|call| (call.request, call.class))?;
        let own = engine.begin_own(request, class, self.node, Some(of));
        let now = engine.now();
        if let Some(call) = engine.get_mut(own) {
            (call.verb, call.step, call.count, call.note) = (verb, from, number as u32, now);
        }
        match self.way {
            Way::Edge { edge, back } => engine.cross_after(own, edge, back, self.read_until),
            Way::Network { primary, edge } => {
                // As far as the primary's edge, but for the distance: that is theirs.
                let [from, to, primary] = [from, self.node, primary].map(|node| engine.presence(node).region);
                let link_ns = engine.latency_ns(edge).saturating_sub(engine.distance_ns(primary, to));
                engine.pause(own, link_ns + engine.distance_ns(from, to));
                None
            }
        }
    }
}
