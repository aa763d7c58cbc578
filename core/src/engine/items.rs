//! Which items requests ask for.

use std::cell::Cell;

use super::Engine;
use super::random::Stream;
use super::zipf::Zipf;
use crate::workload::Popularity;

/// Requests whose item is remembered: about as many as are under way at once in a busy stage. A power of two.
const REMEMBERED: usize = 1 << 12;

/// Items by popularity. Everybody who works for a request asks for its item anew; so the last answers are remembered, for
/// a draw takes several times as long.
#[derive(Clone, Debug)]
pub(super) struct Items {
    zipf: Zipf,
    draws: Stream,
    /// Share of requests that a fault turns to the most popular item.
    hot: f64,
    /// By the lower bits of a request's number: the number of its draw, and the item.
    remembered: Box<[Cell<(u64, u64)>]>,
}

impl Items {
    pub(super) fn new(seed: u64) -> Self {
        let draws = Stream::new(seed, "users", "item");
        Self { zipf: Zipf::new(1, 1.0), draws, hot: 0.0, remembered: Box::default() }
    }

    /// Takes over how popular items are.
    pub(super) fn follow(&mut self, popularity: &Popularity) {
        self.zipf = Zipf::new(popularity.items, popularity.zipf);
        self.forget();
    }

    /// Turns this share of all requests to the most popular item.
    pub(super) fn heat(&mut self, share: f64) {
        self.hot = share;
        self.forget();
    }

    fn forget(&mut self) {
        self.remembered = (0..REMEMBERED).map(|_| Cell::new((u64::MAX, 0))).collect();
    }

    #[inline]
    fn of(&self, request: u64, nth: u64) -> u64 {
        let number = (request << 8) | (nth & 0xff);
        // Sources of users are told apart by upper bits.
        let place = (request ^ (request >> 29)) as usize % REMEMBERED;
        let Some(remembered) = self.remembered.get(place) else { return self.draw(number) };
        let (of, item) = remembered.get();
        if of == number {
            return item;
        }
        let item = self.draw(number);
        remembered.set((number, item));
        item
    }

    fn draw(&self, number: u64) -> u64 {
        let mut draw = self.draws.draw(number);
        if self.hot > 0.0 && draw.chance(self.hot) { 1 } else { self.zipf.sample(&mut draw) }
    }
}

impl Engine {
    /// Which item the `nth` query of a request asks for, as its rank in popularity: 1 is asked for most.
    #[inline]
    pub fn item(&self, request: u64, nth: u64) -> u64 {
        self.items.of(request, nth)
    }
}
