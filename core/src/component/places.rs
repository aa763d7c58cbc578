//! Where entries of a slab are, by their keys: open addressing over places alone, for the keys are in the slab.
//!
//! Linear probing; a removal closes the gap that it leaves, so that there are no tombstones (Knuth, *The Art of Computer
//! Programming*, vol. 3, section 6.4, algorithm R). Four bytes a place keep the table of a large store in a processor's
//! cache. Every call is given `key_of`, which reads a key from the slab.

/// No entry.
const NOWHERE: u32 = u32::MAX;

/// The places of a slab's entries.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// A power of two of them, at most half of them taken.
    table: Vec<u32>,
    taken: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { table: vec![NOWHERE; 16], taken: 0 }
    }
}

impl Places {
    /// Where the entry with this key is.
    #[inline]
    pub(super) fn get(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        let place = self.table[self.find(key, key_of)];
        (place != NOWHERE).then_some(place)
    }

    /// Takes note of a new entry's place. Its key must not be there.
    pub(super) fn add(&mut self, key: u64, place: u32, key_of: impl Fn(u32) -> u64) {
        if 2 * (self.taken + 1) > self.table.len() {
            let grown = vec![NOWHERE; 2 * self.table.len()];
            for before in std::mem::replace(&mut self.table, grown) {
                if before != NOWHERE {
                    let slot = self.find(key_of(before), &key_of);
                    self.table[slot] = before;
                }
            }
        }
        let slot = self.find(key, &key_of);
        self.table[slot] = place;
        self.taken += 1;
    }

    /// Forgets an entry, which must still be in the slab, and says where it is.
    pub(super) fn remove(&mut self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        let mut gap = self.find(key, &key_of);
        let removed = self.table[gap];
        if removed == NOWHERE {
            return None;
        }
        self.taken -= 1;
        let mask = self.table.len() - 1;
        let mut slot = gap;
        loop {
            slot = (slot + 1) & mask;
            let place = self.table[slot];
            if place == NOWHERE {
                break;
            }
            // It may move back unless its home lies after the gap.
            let home = self.home(key_of(place));
            if (slot.wrapping_sub(home) & mask) >= (slot.wrapping_sub(gap) & mask) {
                self.table[gap] = place;
                gap = slot;
            }
        }
        self.table[gap] = NOWHERE;
        Some(removed)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.table.fill(NOWHERE);
        self.taken = 0;
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        // Fibonacci hashing: the upper bits of the product are well mixed.
        let bits = self.table.len().trailing_zeros();
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    /// The slot of a key, or the free one where it would go.
    #[inline]
    fn find(&self, key: u64, key_of: impl Fn(u32) -> u64) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = self.home(key);
        loop {
            let place = self.table[slot];
            if place == NOWHERE || key_of(place) == key {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }
}
