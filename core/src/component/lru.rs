//! A store with room for so many entries, which forgets the one that was not asked for longest.
//!
//! A slab of entries linked in the order of use, and a table of their places by key (open addressing, linear probing,
//! deletion by shifting back; Knuth, *The Art of Computer Programming*, vol. 3, section 6.4, algorithm R). Every operation
//! takes the same short time whatever the size, and none allocates once the store is full.

const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    key: u64,
    value: T,
    newer: u32,
    older: u32,
}

/// The store.
#[derive(Clone, Debug)]
pub(super) struct Lru<T> {
    capacity: usize,
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    /// Places by key; a power of two of them, at most half taken.
    table: Vec<u32>,
    newest: u32,
    oldest: u32,
}

impl<T: Copy> Lru<T> {
    /// An empty store for so many entries.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.min(NOWHERE as usize - 1);
        Self {
            capacity,
            entries: Vec::new(),
            free: Vec::new(),
            table: vec![NOWHERE; 16],
            newest: NOWHERE,
            oldest: NOWHERE,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// What is kept under a key, which has now been asked for.
    pub(super) fn get(&mut self, key: u64) -> Option<T> {
        let place = self.table[self.find(key).ok()?];
        if self.newest != place {
            self.unlink(place);
            self.link(place);
        }
        Some(self.entries[place as usize].value)
    }

    /// Keeps something under a key, and says which key was thrown out for it.
    pub(super) fn insert(&mut self, key: u64, value: T) -> Option<u64> {
        if let Ok(slot) = self.find(key) {
            let place = self.table[slot];
            self.entries[place as usize].value = value;
            self.unlink(place);
            self.link(place);
            return None;
        }
        if self.capacity == 0 {
            return Some(key);
        }
        let thrown_out = if self.len() >= self.capacity { self.throw_out() } else { None };
        if (self.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let entry = Entry { key, value, newer: NOWHERE, older: NOWHERE };
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place as usize] = entry;
                place
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        if let Err(slot) = self.find(key) {
            self.table[slot] = place;
        }
        self.link(place);
        thrown_out
    }

    /// Forgets a key. False when it was not there.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        let Ok(slot) = self.find(key) else { return false };
        let place = self.table[slot];
        self.unlink(place);
        self.free.push(place);
        self.close_gap(slot);
        true
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.free.clear();
        self.table.fill(NOWHERE);
        (self.newest, self.oldest) = (NOWHERE, NOWHERE);
    }

    /// Has room for another number of entries from now on, and forgets those that no longer fit.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.min(NOWHERE as usize - 1);
        while self.len() > self.capacity && self.throw_out().is_some() {}
    }

    fn throw_out(&mut self) -> Option<u64> {
        let key = self.entries.get(self.oldest as usize)?.key;
        self.remove(key);
        Some(key)
    }

    fn home(&self, key: u64) -> usize {
        // Fibonacci hashing: the upper bits of the product are well mixed.
        let bits = self.table.len().trailing_zeros();
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    /// Where a key is in the table, or else where it would go.
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut slot = self.home(key);
        loop {
            match self.table[slot] {
                NOWHERE => return Err(slot),
                place if self.entries[place as usize].key == key => return Ok(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Empties a slot, and moves what follows it back to where it is found.
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.table.len() - 1;
        let mut slot = gap;
        loop {
            slot = (slot + 1) & mask;
            let place = self.table[slot];
            if place == NOWHERE {
                break;
            }
            let home = self.home(self.entries[place as usize].key);
            // It may move back unless its home lies after the gap.
            if (slot.wrapping_sub(home) & mask) >= (slot.wrapping_sub(gap) & mask) {
                self.table[gap] = place;
                gap = slot;
            }
        }
        self.table[gap] = NOWHERE;
    }

    fn grow(&mut self) {
        let slots = self.table.len() * 2;
        self.table.clear();
        self.table.resize(slots, NOWHERE);
        let mut place = self.newest;
        while place != NOWHERE {
            let Entry { key, older, .. } = self.entries[place as usize];
            if let Err(slot) = self.find(key) {
                self.table[slot] = place;
            }
            place = older;
        }
    }

    fn unlink(&mut self, place: u32) {
        let Entry { newer, older, .. } = self.entries[place as usize];
        match newer {
            NOWHERE => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NOWHERE => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }

    fn link(&mut self, place: u32) {
        let newest = self.newest;
        let entry = &mut self.entries[place as usize];
        (entry.newer, entry.older) = (NOWHERE, newest);
        match newest {
            NOWHERE => self.oldest = place,
            newest => self.entries[newest as usize].newer = place,
        }
        self.newest = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Stream;

    #[test]
    fn the_one_not_asked_for_longest_goes_first() {
        let mut store = Lru::new(2);
        store.insert(1, 'a');
        store.insert(2, 'b');
        assert_eq!(store.get(1), Some('a'));
        assert_eq!(store.insert(3, 'c'), Some(2));
        assert_eq!((store.get(1), store.get(2), store.get(3)), (Some('a'), None, Some('c')));
        store.resize(1);
        assert_eq!((store.len(), store.get(3)), (1, Some('c')));
    }

    #[test]
    fn it_agrees_with_a_list_that_does_the_same_slowly() {
        let (mut store, mut list) = (Lru::new(50), Vec::<(u64, u64)>::new());
        let keys = Stream::new(1, "lru", "keys");
        for step in 0..20_000 {
            let mut draw = keys.draw(step);
            let key = u64::from(draw.below(120)) * 1024;
            match draw.below(4) {
                0 => {
                    let known = list.iter().position(|(it, _)| *it == key);
                    assert_eq!(store.remove(key), known.is_some());
                    known.map(|at| list.remove(at));
                }
                1 => {
                    list.retain(|(it, _)| *it != key);
                    list.push((key, step));
                    let out = (list.len() > 50).then(|| list.remove(0).0);
                    assert_eq!(store.insert(key, step), out);
                }
                _ => {
                    let known = list.iter().position(|(it, _)| *it == key).map(|at| list.remove(at));
                    list.extend(known);
                    assert_eq!(store.get(key), known.map(|(_, value)| value));
                }
            }
            assert_eq!(store.len(), list.len());
        }
        store.clear();
        assert_eq!((store.len(), store.get(1024)), (0, None));
    }
}
