//! A bounded store of entries that throws one out when it is full: what a cache and a session store keep.
//!
//! Everything takes constant time. Entries lie in a slab, and are linked, newest first, into *rows*: one row for all
//! where the order of use decides, one for each number of uses where that decides (Shah, Mitra & Matani, "An O(1)
//! algorithm for implementing the LFU cache eviction scheme", 2010).

use super::places::Places;
use super::slots::Slots;
use crate::choices;
use crate::units::Nanos;

choices! {
    /// Which entry a full store throws out.
    pub enum Policy {
        /// The one that was not asked for longest.
        Lru = "lru",
        /// The one that was asked for least often, of those the one that was not asked for longest.
        Lfu = "lfu",
        /// The one that was stored first.
        Fifo = "fifo",
    }
}

/// No entry, or no row.
const NONE: u32 = u32::MAX;

/// What is kept of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it expires.
    pub(super) expires: Nanos,
    /// Of which time its content is.
    pub(super) as_of: Nanos,
    /// How long it took to make.
    pub(super) cost_ns: Nanos,
    /// Whether its content was out of date when it was stored.
    pub(super) stale: bool,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    key: u64,
    entry: Entry,
    row: u32,
}

/// The neighbours of an entry in its row. They lie apart from what is kept: each use changes those of others, which may
/// be anywhere, and eight bytes each stay in a processor's cache where entries do not.
#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

/// Entries that were used equally often.
#[derive(Clone, Copy, Debug)]
struct Row {
    uses: u64,
    newest: u32,
    oldest: u32,
    fewer: u32,
    more: u32,
}

/// The entries.
#[derive(Clone, Debug)]
pub(super) struct Store {
    policy: Policy,
    most: usize,
    places: Places,
    entries: Slots<Kept>,
    /// By an entry's place.
    links: Vec<Link>,
    rows: Slots<Row>,
    /// The row of the fewest uses.
    first: u32,
}

impl Store {
    pub(super) fn new(policy: Policy, most: u32) -> Self {
        Self {
            policy,
            most: most as usize,
            places: Places::default(),
            entries: Slots::default(),
            links: Vec::new(),
            rows: Slots::default(),
            first: NONE,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.taken()
    }

    /// What is kept under this key, which thereby was used once more.
    pub(super) fn use_entry(&mut self, key: u64) -> Option<&mut Entry> {
        let at = self.place(key)?;
        match self.policy {
            Policy::Fifo => {}
            Policy::Lru => {
                let row = self.entries[at].row;
                self.unlink(at);
                self.link(at, row);
            }
            Policy::Lfu => {
                let row = self.row_after(self.entries[at].row);
                let left = self.entries[at].row;
                self.unlink(at);
                self.link(at, row);
                self.drop_if_empty(left);
            }
        }
        Some(&mut self.entries[at].entry)
    }

    /// What is kept under this key, without using it.
    pub(super) fn peek(&self, key: u64) -> Option<&Entry> {
        self.place(key).map(|at| &self.entries[at].entry)
    }

    /// The entry that would be thrown out next.
    pub(super) fn next_out(&self) -> Option<(u64, &Entry)> {
        let row = self.rows.get(self.first)?;
        let kept = &self.entries[row.oldest];
        Some((kept.key, &kept.entry))
    }

    /// Stores an entry, in place of what was there. How many entries were thrown out for it.
    pub(super) fn put(&mut self, key: u64, entry: Entry) -> u32 {
        if let Some(old) = self.use_entry(key) {
            *old = entry;
            return 0;
        }
        let mut out = 0;
        while self.len() >= self.most.max(1) {
            self.throw_out();
            out += 1;
        }
        let at = self.entries.take(Kept { key, entry, row: NONE });
        if self.links.len() < self.entries.len() {
            self.links.push(Link { newer: NONE, older: NONE });
        }
        self.places.add(key, at, |at| self.entries[at].key);
        let row = self.first_row();
        self.link(at, row);
        out
    }

    /// Forgets what is kept under this key, and says what it was.
    pub(super) fn remove(&mut self, key: u64) -> Option<Entry> {
        let at = self.places.remove(key, |at| self.entries[at].key)?;
        let Kept { entry, row, .. } = self.entries[at];
        self.unlink(at);
        self.drop_if_empty(row);
        self.entries.leave(at);
        Some(entry)
    }

    /// Makes it larger or smaller. How many entries no longer fit.
    pub(super) fn resize(&mut self, most: u32) -> u32 {
        self.most = most as usize;
        let mut out = 0;
        while self.len() > self.most.max(1) {
            self.throw_out();
            out += 1;
        }
        out
    }

    /// Another policy from now on. Uses are counted anew, in the order in which entries would have gone.
    pub(super) fn follow(&mut self, policy: Policy) {
        if policy == self.policy {
            return;
        }
        let mut kept = Vec::with_capacity(self.len());
        while let Some((key, entry)) = self.next_out() {
            kept.push((key, *entry));
            let key = kept[kept.len() - 1].0;
            self.remove(key);
        }
        self.policy = policy;
        for (key, entry) in kept {
            self.put(key, entry);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.entries.clear();
        self.links.clear();
        self.rows.clear();
        self.first = NONE;
    }

    #[inline]
    fn place(&self, key: u64) -> Option<u32> {
        self.places.get(key, |at| self.entries[at].key)
    }

    fn throw_out(&mut self) {
        if let Some((key, _)) = self.next_out() {
            self.remove(key);
        }
    }

    /// The row for what is new.
    fn first_row(&mut self) -> u32 {
        match self.rows.get(self.first) {
            Some(row) if self.policy != Policy::Lfu || row.uses == 1 => self.first,
            _ => {
                let row = self.rows.take(Row { uses: 1, newest: NONE, oldest: NONE, fewer: NONE, more: self.first });
                if let Some(more) = self.rows.get_mut(self.first) {
                    more.fewer = row;
                }
                self.first = row;
                row
            }
        }
    }

    /// The row of one use more.
    fn row_after(&mut self, row: u32) -> u32 {
        let Row { uses, more, .. } = self.rows[row];
        if self.rows.get(more).is_some_and(|next| next.uses == uses + 1) {
            return more;
        }
        let added = self.rows.take(Row { uses: uses + 1, newest: NONE, oldest: NONE, fewer: row, more });
        self.rows[row].more = added;
        if let Some(next) = self.rows.get_mut(more) {
            next.fewer = added;
        }
        added
    }

    fn drop_if_empty(&mut self, row: u32) {
        let Row { oldest, fewer, more, .. } = self.rows[row];
        if oldest != NONE {
            return;
        }
        match self.rows.get_mut(fewer) {
            Some(before) => before.more = more,
            None => self.first = more,
        }
        if let Some(after) = self.rows.get_mut(more) {
            after.fewer = fewer;
        }
        self.rows.leave(row);
    }

    /// Makes an entry the newest of a row.
    fn link(&mut self, at: u32, row: u32) {
        let newest = self.rows[row].newest;
        self.entries[at].row = row;
        self.links[at as usize] = Link { newer: NONE, older: newest };
        match self.links.get_mut(newest as usize) {
            Some(before) => before.newer = at,
            None => self.rows[row].oldest = at,
        }
        self.rows[row].newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let row = self.entries[at].row;
        let Link { newer, older } = self.links[at as usize];
        match self.links.get_mut(newer as usize) {
            Some(next) => next.older = older,
            None => self.rows[row].newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(before) => before.newer = newer,
            None => self.rows[row].oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store in which every key is looked for, and stored when it is not there; which of them were found.
    fn found(policy: Policy, most: u32, keys: &[u64]) -> Vec<bool> {
        let mut store = Store::new(policy, most);
        let look = |key: &u64| {
            let there = store.use_entry(*key).is_some();
            if !there {
                store.put(*key, Entry::default());
            }
            there
        };
        keys.iter().map(look).collect()
    }

    /// The same, by sorting all entries whenever one must go.
    fn found_by_sorting(policy: Policy, most: usize, keys: &[u64]) -> Vec<bool> {
        let mut entries: Vec<(u64, u64, usize, usize)> = Vec::new();
        let mut look = |(now, key): (usize, &u64)| {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.0 == *key) {
                (entry.1, entry.2) = (entry.1 + 1, now);
                return true;
            }
            if entries.len() == most {
                entries.sort_by_key(|entry| match policy {
                    Policy::Lru => (0, entry.2),
                    Policy::Lfu => (entry.1, entry.2),
                    Policy::Fifo => (0, entry.3),
                });
                entries.remove(0);
            }
            entries.push((*key, 1, now, now));
            false
        };
        keys.iter().enumerate().map(&mut look).collect()
    }

    #[test]
    fn each_policy_throws_out_the_one_it_says() {
        let mut word = 7_u64;
        let mut next = || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (word >> 33) % 60 * ((word >> 45) % 3)
        };
        let keys: Vec<u64> = (0..20_000).map(|_| next()).collect();
        for policy in [Policy::Lru, Policy::Lfu, Policy::Fifo] {
            assert_eq!(found(policy, 25, &keys), found_by_sorting(policy, 25, &keys), "{policy:?}");
        }
    }

    #[test]
    fn what_is_removed_leaves_room_and_what_no_longer_fits_goes() {
        let mut store = Store::new(Policy::Lru, 3);
        (1..=3).for_each(|key| assert_eq!(store.put(key, Entry::default()), 0));
        assert!(store.remove(2).is_some() && store.remove(2).is_none());
        assert_eq!((store.put(4, Entry::default()), store.len()), (0, 3));
        assert_eq!((store.put(5, Entry::default()), store.peek(1)), (1, None));
        assert_eq!((store.resize(1), store.len()), (2, 1));
        assert!(store.peek(5).is_some());
        store.clear();
        assert_eq!((store.len(), store.put(5, Entry::default())), (0, 0));
    }

    #[test]
    fn another_policy_keeps_the_entries_and_their_order() {
        let mut store = Store::new(Policy::Fifo, 3);
        (1..=3).for_each(|key| assert_eq!(store.put(key, Entry::default()), 0));
        store.follow(Policy::Lru);
        assert_eq!(store.next_out().map(|(key, _)| key), Some(1));
        assert!(store.use_entry(1).is_some());
        assert_eq!(store.next_out().map(|(key, _)| key), Some(2));
    }
}
