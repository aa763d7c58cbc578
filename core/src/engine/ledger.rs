//! What was written, and by whom: the truth that an out-of-date copy is held against.
//!
//! A copy of the rows cannot know what it has not heard of yet, so that somebody else must say whether its answer was out
//! of date. The ledger does: for each node that takes changes how many it has taken, and for each item the last change.

use super::Engine;
use crate::units::Nanos;

/// Items whose last change is remembered. Two items that fall into one place hide one another's changes: with a lag of a
/// thousand changes that happens to one and a half per cent of them.
const PLACES: usize = 1 << 16;

/// How much a node that keeps rows has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Log {
    /// Changes so far; the number of the last one.
    pub position: u64,
    /// Where it stood when it was promoted: what its followers need not read again.
    pub base: u64,
    /// How many promotions led to it: a primary of an earlier term has been replaced.
    pub term: u32,
    /// Rows that it holds.
    pub rows: f64,
    /// Their size in bytes, indexes included.
    pub bytes: f64,
}

/// A change of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The item, by its rank.
    pub item: u64,
    /// The primary that took it.
    pub node: u16,
    /// Its number in that primary's log.
    pub number: u64,
    /// When it was safe.
    pub at: Nanos,
}

/// Every node's log, and every item's last change.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    logs: Vec<Log>,
    changes: Vec<Change>,
}

impl Ledger {
    fn log_mut(&mut self, node: u16) -> &mut Log {
        let index = usize::from(node);
        if self.logs.len() <= index {
            self.logs.resize(index + 1, Log::default());
        }
        &mut self.logs[index]
    }
}

/// The place of an item: by the high bits of a multiplication (Knuth, *The Art of Computer Programming*, section 6.4).
fn place(item: u64) -> usize {
    (item.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize % PLACES
}

impl Engine {
    /// What a node's log holds.
    pub fn log_of(&self, node: u16) -> Log {
        self.ledger.logs.get(usize::from(node)).copied().unwrap_or_default()
    }

    /// The same, to be changed by the node itself.
    pub fn log_of_mut(&mut self, node: u16) -> &mut Log {
        self.ledger.log_mut(node)
    }

    /// A primary has made a change of this item safe; its number.
    pub fn commit(&mut self, node: u16, item: u64) -> u64 {
        let at = self.now;
        let log = self.ledger.log_mut(node);
        log.position += 1;
        let number = log.position;
        if self.ledger.changes.is_empty() {
            self.ledger.changes.resize(PLACES, Change::default());
        }
        self.ledger.changes[place(item)] = Change { item, node, number, at };
        number
    }

    /// The last change of an item, if there was one.
    pub fn last_change(&self, item: u64) -> Option<Change> {
        self.ledger.changes.get(place(item)).copied().filter(|change| change.item == item && change.number > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_an_item_and_the_number_of_changes_are_known() {
        let mut engine = Engine::new(1);
        assert_eq!(engine.last_change(7), None);
        assert_eq!((engine.commit(3, 7), engine.commit(3, 8), engine.commit(4, 7)), (1, 2, 1));
        assert_eq!(engine.last_change(7).map(|change| (change.node, change.number)), Some((4, 1)));
        assert_eq!(engine.last_change(8).map(|change| (change.node, change.number)), Some((3, 2)));
        assert_eq!((engine.log_of(3).position, engine.log_of(9).position), (2, 0));
    }
}
