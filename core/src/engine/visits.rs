//! Whose request it is: visits, and what a visitor's browser keeps.
//!
//! So many visits of each source of users are under way, each in a place of its own. A request belongs to one of them,
//! drawn evenly; after its requests a visit ends and another begins in its place. Ends are spread evenly over time. All of
//! it is a function of the request's number, so that it costs nothing until somebody asks.

use super::Engine;
use super::random::Stream;

/// Bits of a request's number below those that say which source of users it comes from.
pub(crate) const SOURCE_SHIFT: u32 = 40;

/// A visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its place among those under way, all sources counted together.
    pub place: u32,
    /// Which visit of its place it is, counted from 1.
    pub number: u32,
}

/// What a visitor's browser keeps for the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The visit that it belongs to; 0 for none.
    number: u32,
    /// The node that a balancer has bound the visit to.
    pub route: Option<u16>,
    /// The node that knows its session.
    pub session: Option<u16>,
}

impl Cookie {
    const EMPTY: Self = Self { number: 0, route: None, session: None };
}

/// The visits of one source of users.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    /// Its first place.
    first: u32,
    places: u32,
    /// Requests of a visit.
    length: u64,
}

/// All visits.
#[derive(Clone, Debug)]
pub(super) struct Visits {
    sources: Vec<Source>,
    places: u32,
    /// By place; filled when the first is asked for.
    cookies: Vec<Cookie>,
    draws: Stream,
}

impl Visits {
    pub(super) fn new(seed: u64) -> Self {
        Self { sources: Vec::new(), places: 0, cookies: Vec::new(), draws: Stream::new(seed, "users", "visitor") }
    }
}

impl Engine {
    /// Says how many visits of a source are under way at once, and how many requests each makes.
    pub(crate) fn add_visits(&mut self, source: u16, places: u32, length: u32) {
        let visits = &mut self.visits;
        let index = usize::from(source);
        if visits.sources.len() <= index {
            visits.sources.resize(index + 1, Source::default());
        }
        visits.sources[index] = Source { first: visits.places, places, length: u64::from(length.max(1)) };
        visits.places += places;
    }

    /// The visit that a request belongs to; none for a component's own work.
    pub fn visit(&self, request: u64) -> Option<Visit> {
        let source = self.visits.sources.get((request >> SOURCE_SHIFT) as usize)?;
        if source.places == 0 {
            return None;
        }
        let place = self.visits.draws.draw(request).below(source.places);
        let nth = request & ((1 << SOURCE_SHIFT) - 1);
        // A place's visits are as long as all places' requests in one visit's time, and begin one after another.
        let turn = source.length * u64::from(source.places);
        let number = (nth + source.length * u64::from(place)) / turn + 1;
        Some(Visit { place: source.first + place, number: number as u32 })
    }

    /// What the visitor's browser keeps.
    pub fn cookie_mut(&mut self, visit: Visit) -> &mut Cookie {
        let visits = &mut self.visits;
        if visits.cookies.is_empty() {
            visits.cookies.resize(visits.places as usize, Cookie::EMPTY);
        }
        let cookie = &mut visits.cookies[visit.place as usize];
        if cookie.number != visit.number {
            *cookie = Cookie { number: visit.number, ..Cookie::EMPTY };
        }
        cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_makes_its_requests_and_another_takes_its_place() {
        let mut engine = Engine::new(1);
        engine.add_visits(0, 50, 20);
        engine.add_visits(1, 50, 20);
        let requests = 100_000;
        let mut seen = vec![0_u32; 50];
        for request in 0..requests {
            let visit = engine.visit(request).unwrap();
            assert!(visit.place < 50);
            let place = &mut seen[visit.place as usize];
            assert!(visit.number >= *place, "visits of one place follow one another");
            *place = visit.number;
        }
        // 100,000 requests at 20 a visit are 5,000 visits in 50 places: 100 each, and the one that began half-way.
        assert!(seen.iter().all(|visits| (100..=101).contains(visits)), "{seen:?}");
        assert!(engine.visit((1 << 40) | 7).unwrap().place >= 50, "another source has places of its own");
        assert_eq!(engine.visit((9 << 40) | 7), None);
    }

    #[test]
    fn a_cookie_is_gone_with_its_visit() {
        let mut engine = Engine::new(1);
        engine.add_visits(0, 4, 20);
        let visit = engine.visit(0).unwrap();
        engine.cookie_mut(visit).session = Some(3);
        assert_eq!(engine.cookie_mut(visit).session, Some(3));
        let next = Visit { number: visit.number + 1, ..visit };
        assert_eq!(engine.cookie_mut(next).session, None);
    }
}
