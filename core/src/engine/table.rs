//! A map from numbers to places in a slab: open addressing, so that a look-up allocates nothing and touches little.

/// Multiplying by this spreads neighbouring keys over the whole table: 2^64 over the golden ratio (Knuth, *The Art of
/// Computer Programming*, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A key that is not there.
const EMPTY: u64 = u64::MAX;

/// Keys with a number each. Linear probing; a removal closes the gap it leaves, so that there are no tombstones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// A power of two of them, at most half of them in use; none before the first key.
    places: Vec<(u64, u32)>,
    used: usize,
}

impl Table {
    #[inline]
    fn home(&self, key: u64) -> usize {
        let bits = self.places.len().trailing_zeros();
        (key.wrapping_mul(SPREAD) >> (64 - bits)) as usize
    }

    /// Where the key is, or the empty place where it would go. There must be an empty place.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = self.home(key);
        while self.places[at].0 != key && self.places[at].0 != EMPTY {
            at = (at + 1) & mask;
        }
        at
    }

    /// The key's number.
    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        if self.places.is_empty() || key == EMPTY {
            return None;
        }
        let (found, number) = self.places[self.find(key)];
        (found == key).then_some(number)
    }

    /// Gives the key a number. A key of all ones is no key.
    pub(crate) fn set(&mut self, key: u64, number: u32) {
        if key == EMPTY {
            return;
        }
        if 2 * (self.used + 1) > self.places.len() {
            let grown = vec![(EMPTY, 0); (2 * self.places.len()).max(16)];
            let before = std::mem::replace(&mut self.places, grown);
            for (key, number) in before.into_iter().filter(|(key, _)| *key != EMPTY) {
                let at = self.find(key);
                self.places[at] = (key, number);
            }
        }
        let at = self.find(key);
        self.used += usize::from(self.places[at].0 == EMPTY);
        self.places[at] = (key, number);
    }

    /// Forgets the key.
    pub(crate) fn remove(&mut self, key: u64) {
        if self.get(key).is_none() {
            return;
        }
        let mask = self.places.len() - 1;
        let mut gap = self.find(key);
        let mut at = gap;
        self.used -= 1;
        loop {
            self.places[gap].0 = EMPTY;
            // Whatever comes after the gap and could not be found past it moves into it.
            loop {
                at = (at + 1) & mask;
                let key = self.places[at].0;
                if key == EMPTY {
                    return;
                }
                let home = self.home(key);
                if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                    break;
                }
            }
            self.places[gap] = self.places[at];
            gap = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_holds_what_a_tree_would_hold() {
        let (mut table, mut tree) = (Table::default(), BTreeMap::new());
        let mut word = 1_u64;
        for step in 0..200_000_u32 {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = (word >> 33) % 3_000;
            if word & (1 << 20) == 0 {
                table.set(key, step);
                tree.insert(key, step);
            } else {
                table.remove(key);
                tree.remove(&key);
            }
            let other = (word >> 40) % 3_000;
            assert_eq!(table.get(other), tree.get(&other).copied(), "step {step}");
        }
        assert_eq!(table.used, tree.len());
    }
}
