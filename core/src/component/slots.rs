//! Values by place. A place that was left is taken again, the one left last first, so that memory grows with what is there
//! at once and not with what came.

use std::ops::{Index, IndexMut};

/// The values. What lies at a place that was left means nothing.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    values: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Takes a place, and says which.
    #[inline]
    pub(super) fn take(&mut self, value: T) -> u32 {
        match self.free.pop() {
            Some(at) => {
                self[at] = value;
                at
            }
            None => {
                self.values.push(value);
                self.values.len() as u32 - 1
            }
        }
    }

    /// Leaves a place.
    #[inline]
    pub(super) fn leave(&mut self, at: u32) {
        self.free.push(at);
    }

    /// Leaves all.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.free.clear();
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.values.len() - self.free.len()
    }

    /// How many there are, taken or left.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// What lies at a place, if there is such a place.
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.values.get(at as usize)
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.values.get_mut(at as usize)
    }
}

impl<T> Index<u32> for Slots<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: u32) -> &T {
        &self.values[at as usize]
    }
}

impl<T> IndexMut<u32> for Slots<T> {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut T {
        &mut self.values[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_left_is_taken_again() {
        let mut slots = Slots::default();
        let places = ["a", "b", "c"].map(|value| slots.take(value));
        slots.leave(places[0]);
        slots.leave(places[1]);
        assert_eq!(slots.taken(), 1);
        assert_eq!([slots.take("d"), slots.take("e"), slots.take("f")], [places[1], places[0], 3]);
        assert_eq!((slots[1], slots.get(3), slots.get(4), slots.len()), ("d", Some(&"f"), None, 4));
        slots.clear();
        assert_eq!((slots.take("g"), slots.taken()), (0, 1));
    }
}
