//! What has become of the items that requests are about: when each was last changed, and whether a change that was
//! promised to a user has yet to reach the rows. It is the truth that copies are held against; no component sees it.

use super::Engine;
use super::table::Table;
use crate::units::Nanos;

/// Changes by item. Nothing is kept until somebody who keeps copies asks for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    followed: bool,
    index: Table,
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Item {
    changed: Nanos,
    /// Changes that have been accepted and not yet been applied.
    ahead: u32,
}

impl Changes {
    fn of(&mut self, item: u64) -> &mut Item {
        let at = match self.index.get(item) {
            Some(at) => at,
            None => {
                self.items.push(Item::default());
                self.index.set(item, self.items.len() as u32 - 1);
                self.items.len() as u32 - 1
            }
        };
        &mut self.items[at as usize]
    }

    fn get(&self, item: u64) -> Item {
        self.index.get(item).map_or_else(Item::default, |at| self.items[at as usize])
    }
}

impl Engine {
    /// Keeps account of changes from now on.
    pub(crate) fn follow_changes(&mut self) {
        self.changes.followed = true;
    }

    /// A user is told that the item's rows have changed, at `when`.
    pub(crate) fn changed(&mut self, item: u64, when: Nanos) {
        if self.changes.followed {
            let item = self.changes.of(item);
            item.changed = item.changed.max(when);
        }
    }

    /// A change of the item has been accepted, now, and will be applied to its rows later.
    pub(crate) fn promised(&mut self, item: u64) {
        if self.changes.followed {
            let now = self.now;
            let item = self.changes.of(item);
            (item.changed, item.ahead) = (now, item.ahead + 1);
        }
    }

    /// A promised change has been applied, or has been given up.
    pub(crate) fn kept(&mut self, item: u64) {
        if self.changes.followed {
            let item = self.changes.of(item);
            item.ahead = item.ahead.saturating_sub(1);
        }
    }

    /// Whether the item has changed after `at`, and a user knows it: a copy of then is out of date.
    #[inline]
    pub(crate) fn changed_since(&self, item: u64, at: Nanos) -> bool {
        self.changes.followed && self.changes.get(item).changed > at
    }

    /// Whether the item's rows lack a change that its user takes for made.
    #[inline]
    pub(crate) fn is_behind(&self, item: u64) -> bool {
        self.changes.followed && self.changes.get(item).ahead > 0
    }
}
