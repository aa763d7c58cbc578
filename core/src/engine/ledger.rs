//! What was written, by whom, and who knows of it: the one truth that out-of-date copies are held against.
//!
//! A copy of the rows cannot know what it has not heard of yet, so that somebody else must say whether its answer was out
//! of date. The ledger does: for each node that takes changes it holds how many it has taken, and for each item the last
//! change that was made safe, and what users were told, who may have been promised what no rows have yet.

use super::Engine;
use super::table::Table;
use crate::units::Nanos;

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
    /// The primary that took it.
    pub node: u16,
    /// Its number in that primary's log.
    pub number: u64,
    /// When it was safe.
    pub at: Nanos,
}

/// What has become of an item.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    /// Its last change; of number 0 before there was one.
    last: Change,
    /// When a user was last told of a change.
    told: Nanos,
    /// Changes that users were told of and that its rows do not have.
    promised: u32,
}

/// Every node's log, and every changed item.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    logs: Vec<Log>,
    /// Whether somebody keeps copies who is held against what users were told; else nothing is kept of that.
    followed: bool,
    index: Table,
    items: Vec<Item>,
}

impl Ledger {
    fn log_mut(&mut self, node: u16) -> &mut Log {
        let index = usize::from(node);
        if self.logs.len() <= index {
            self.logs.resize(index + 1, Log::default());
        }
        &mut self.logs[index]
    }

    fn item(&self, item: u64) -> Item {
        self.index.get(item).map_or_else(Item::default, |at| self.items[at as usize])
    }

    fn item_mut(&mut self, item: u64) -> &mut Item {
        let at = self.index.get(item).unwrap_or_else(|| {
            self.items.push(Item::default());
            let at = self.items.len() as u32 - 1;
            self.index.set(item, at);
            at
        });
        &mut self.items[at as usize]
    }
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
        self.ledger.item_mut(item).last = Change { node, number, at };
        number
    }

    /// The last change of an item, if there was one.
    pub fn last_change(&self, item: u64) -> Option<Change> {
        Some(self.ledger.item(item).last).filter(|change| change.number > 0)
    }

    /// Keeps account from now on of what users are told of changes.
    pub(crate) fn follow_changes(&mut self) {
        self.ledger.followed = true;
    }

    /// A user is told that the item's rows have changed, at `when`.
    pub(crate) fn changed(&mut self, item: u64, when: Nanos) {
        if self.ledger.followed {
            let item = self.ledger.item_mut(item);
            item.told = item.told.max(when);
        }
    }

    /// A change of the item has been accepted, now, and will be applied to its rows later.
    pub(crate) fn promised(&mut self, item: u64) {
        if self.ledger.followed {
            let now = self.now;
            let item = self.ledger.item_mut(item);
            (item.told, item.promised) = (now, item.promised + 1);
        }
    }

    /// A promised change has been applied, or has been given up.
    pub(crate) fn kept(&mut self, item: u64) {
        if self.ledger.followed {
            let item = self.ledger.item_mut(item);
            item.promised = item.promised.saturating_sub(1);
        }
    }

    /// Whether the item has changed after `at`, and a user knows it: a copy of then is out of date.
    #[inline]
    pub(crate) fn changed_since(&self, item: u64, at: Nanos) -> bool {
        self.ledger.followed && self.ledger.item(item).told > at
    }

    /// Whether the rows of a request's item lack a change that its user takes for made.
    #[inline]
    pub(crate) fn is_behind(&self, request: u64) -> bool {
        self.ledger.followed && self.ledger.item(self.item(request, 0)).promised > 0
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

    #[test]
    fn what_users_were_told_is_kept_beside_what_was_written() {
        let mut engine = Engine::new(1);
        let request = 5;
        let item = engine.item(request, 0);
        engine.promised(item);
        assert!(!engine.is_behind(request), "nobody follows");
        engine.follow_changes();
        engine.commit(3, item);
        engine.now = 10;
        engine.promised(item);
        assert!(engine.is_behind(request) && engine.changed_since(item, 9) && !engine.changed_since(item, 10));
        engine.kept(item);
        engine.changed(item, 5);
        assert!(!engine.is_behind(request) && engine.changed_since(item, 9), "who was told later still knows");
        assert_eq!(engine.last_change(item), Some(Change { node: 3, number: 1, at: 0 }), "a promise is no change");
    }
}
