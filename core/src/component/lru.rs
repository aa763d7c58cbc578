//! A store with room for so many entries, which forgets the one that was not asked for longest.
//!
//! A slab of entries linked in the order of use, and a table of their places by key. Every operation takes the same short
//! time whatever the size, and none allocates once the store is full. The links lie apart: each use of an entry changes
//! those of its neighbours, which may be anywhere, and eight bytes each stay in a processor's cache where entries do not.

use super::places::Places;
use super::slots::Slots;

const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    key: u64,
    value: T,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

/// The store.
#[derive(Clone, Debug)]
pub(super) struct Lru<T> {
    capacity: usize,
    entries: Slots<Entry<T>>,
    /// By an entry's place.
    links: Vec<Link>,
    places: Places,
    newest: u32,
    oldest: u32,
}

impl<T: Copy> Lru<T> {
    /// An empty store for so many entries.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.min(NOWHERE as usize - 1);
        Self {
            capacity,
            entries: Slots::default(),
            links: Vec::new(),
            places: Places::default(),
            newest: NOWHERE,
            oldest: NOWHERE,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.taken()
    }

    /// What is kept under a key, which has now been asked for.
    pub(super) fn get(&mut self, key: u64) -> Option<T> {
        let place = self.place(key)?;
        if self.newest != place {
            self.unlink(place);
            self.link(place);
        }
        Some(self.entries[place].value)
    }

    /// Keeps something under a key, and says which key was thrown out for it.
    pub(super) fn insert(&mut self, key: u64, value: T) -> Option<u64> {
        if let Some(place) = self.place(key) {
            self.entries[place].value = value;
            self.unlink(place);
            self.link(place);
            return None;
        }
        if self.capacity == 0 {
            return Some(key);
        }
        let thrown_out = if self.len() >= self.capacity { self.throw_out() } else { None };
        let place = self.entries.take(Entry { key, value });
        if self.links.len() < self.entries.len() {
            self.links.push(Link { newer: NOWHERE, older: NOWHERE });
        }
        self.places.add(key, place, |place| self.entries[place].key);
        self.link(place);
        thrown_out
    }

    /// Forgets a key. False when it was not there.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        let removed = self.places.remove(key, |place| self.entries[place].key);
        let Some(place) = removed else { return false };
        self.unlink(place);
        self.entries.leave(place);
        true
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.links.clear();
        self.places.clear();
        (self.newest, self.oldest) = (NOWHERE, NOWHERE);
    }

    /// Has room for another number of entries from now on, and forgets those that no longer fit.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.min(NOWHERE as usize - 1);
        while self.len() > self.capacity && self.throw_out().is_some() {}
    }

    fn throw_out(&mut self) -> Option<u64> {
        let key = self.entries.get(self.oldest)?.key;
        self.remove(key);
        Some(key)
    }

    #[inline]
    fn place(&self, key: u64) -> Option<u32> {
        self.places.get(key, |place| self.entries[place].key)
    }

    fn unlink(&mut self, place: u32) {
        let Link { newer, older } = self.links[place as usize];
        match newer {
            NOWHERE => self.newest = older,
            newer => self.links[newer as usize].older = older,
        }
        match older {
            NOWHERE => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
    }

    fn link(&mut self, place: u32) {
        let newest = self.newest;
        self.links[place as usize] = Link { newer: NOWHERE, older: newest };
        match newest {
            NOWHERE => self.oldest = place,
            newest => self.links[newest as usize].newer = place,
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
