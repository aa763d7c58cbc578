//! Who else keeps the rows of the same store, and what a node has missed of what they did.

use super::{OnPartition, State};
use crate::component::{Kind, Place};
use crate::engine::calls::CallId;
use crate::engine::ledger::Change;
use crate::engine::{Edge, Engine};

/// The other nodes of the store: copies of the same component, and databases that are linked, with the edge between them.
pub(super) fn of(place: &Place, engine: &Engine) -> Vec<(u16, Option<u16>)> {
    let linked = |edge: &Edge| {
        let database = |node: u16| {
            let to = place.edges.iter().any(|way| way.node == node && way.kind == Kind::Database);
            to || place.callers.contains(&(node, Kind::Database))
        };
        let other = if edge.from == place.node { edge.to } else { edge.from };
        let here = edge.from == place.node || edge.to == place.node;
        (here && database(other)).then_some(other)
    };
    let copies = place.peers.iter().filter(|peer| **peer != place.node).map(|peer| (*peer, None));
    let edges = engine.edges().iter().enumerate();
    let linked = edges.filter_map(|(index, edge)| linked(edge).map(|other| (other, Some(index as u16))));
    copies.chain(linked).collect()
}

impl State {
    /// Whether a majority of the store's nodes can be seen from here.
    pub(super) fn majority(&self, engine: &Engine) -> bool {
        let seen = |(node, edge): &(u16, Option<u16>)| {
            engine.presence(*node).up && edge.is_none_or(|edge| !engine.is_cut(edge))
        };
        let others = self.members.iter().filter(|member| seen(member)).count();
        2 * (others + 1) > self.members.len() + 1
    }

    /// Whether what an item's reader gets here is out of date.
    pub(super) fn out_of_date(&self, engine: &Engine, id: CallId) -> bool {
        let Some(request) = engine.get(id).map(|call| call.request) else { return false };
        let missed = self.behind.is_some_and(|(since, until)| {
            let changed = |last: Change| last.node != self.storage.node && last.at >= since;
            engine.now() < until && engine.last_change(engine.item(request, 0)).is_some_and(changed)
        });
        (missed && self.settings.on_partition == OnPartition::Available)
            || self.storage.replication.unseen(engine, request).is_some()
    }
}
