//! Requests as the reader sees them: from the simulation's moves to dots that travel, wait, are served and fall.
//!
//! A hop of a millisecond cannot be seen, so every hop is shown for at least [`HOP_S`]. Causality stays: each dot is
//! shown late by what its hops were drawn out, and a node that lies `d` hops from the users is shown `d × HOP_S` late as
//! a whole, so that a dot gets to a card just when the card begins to serve it.

use std::collections::VecDeque;

use hockeystick_core::engine::moves::{Cause, Move, What};
use hockeystick_core::workload::Class;

use super::clock::Clock;
use super::layout::Point;

/// Least time for which a hop is shown.
pub(crate) const HOP_S: f64 = 0.36;
/// Least time for which a dot is shown in service, so that the eye catches it; shorter where many come, so that the
/// slots do not look fuller than they are.
const SERVE_S: f64 = 0.16;
/// Dots in service for that reason alone, at most.
const LINGERING: f64 = 3.0;
/// Least time for which a dot is shown in a queue.
const WAIT_S: f64 = 0.08;
/// How long a failed request falls.
pub(crate) const FALL_S: f64 = 1.5;
/// A dot that was heard of last this long ago, with nothing left to show, is gone.
const FORGET_S: f64 = 2.5;
/// Most dots at once; more would not be told apart.
const MOST_DOTS: usize = 4_000;
/// Most dots that fall at once.
const MOST_FALLS: usize = 60;

/// How the simulation's nodes and edges lie on the board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topology {
    /// The component that each node is a copy of.
    pub(crate) component: Vec<usize>,
    /// Hops from the users.
    pub(crate) depth: Vec<usize>,
    /// Each edge: its link, the calling node, the called.
    pub(crate) edges: Vec<(usize, usize, usize)>,
}

/// Where a dot is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// Nowhere yet.
    Unseen,
    /// On an edge, from one shown instant to another.
    Travelling { edge: usize, back: bool, from_s: f64, to_s: f64 },
    /// In a node's queue.
    Waiting { node: usize },
    /// In a slot of a node.
    Served { node: usize },
    /// Falling from a node.
    Failed { node: usize, cause: Cause },
    /// Back at the users.
    Done,
}

/// A request on the board.
#[derive(Clone, Debug)]
pub(crate) struct Dot {
    pub(crate) class: Class,
    pub(crate) place: Place,
    /// Nobody waits for it any more.
    pub(crate) abandoned: bool,
    /// Nodes that keep a slot for it, and which.
    pub(crate) held: Vec<(usize, usize)>,
    /// Where it was drawn last, and how far that is from where it belongs: it glides there.
    pub(crate) drawn: Option<(f64, f64)>,
    /// It has just come to another place.
    pub(crate) moved_on: bool,
    pub(crate) offset: (f64, f64),
    coming: VecDeque<(f64, Place)>,
    /// Earliest shown time of its next move.
    free_s: f64,
    pub(crate) request: u32,
    /// All its moves so far, for whoever wants to follow it.
    past: Vec<Move>,
}

/// A request that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fall {
    pub(crate) class: Class,
    pub(crate) cause: Cause,
    pub(crate) node: usize,
    pub(crate) from: (f64, f64),
    pub(crate) since_s: f64,
    /// Whether the cause is written beside it.
    pub(crate) told: bool,
}

/// A node's queue and slots, as shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Station {
    /// Keys of the dots that wait, first come first.
    pub(crate) waiting: Vec<usize>,
    /// Keys of the dots in service, by slot.
    pub(crate) slots: Vec<Option<usize>>,
    last_told_s: f64,
}

/// Everything that moves on a board.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) topology: Topology,
    pub(crate) dots: Vec<Option<Dot>>,
    pub(crate) stations: Vec<Station>,
    pub(crate) falls: Vec<Fall>,
    /// Response times that were heard of and not taken yet, in milliseconds.
    pub(crate) answered: Vec<f64>,
    free: Vec<usize>,
    /// Requests by their numbers, in order, each with its dot: a hash map is 0.8 KB of every page.
    by_request: Vec<(u32, usize)>,
    /// When everything known will have been shown.
    settled_s: f64,
    /// Dots that set out in a second of shown time.
    pub(crate) dots_per_s: f64,
    /// The request that is followed, and all its moves so far.
    followed: Option<u32>,
    followed_moves: Vec<Move>,
    /// The next that sets out is to be followed.
    awaits: bool,
}

impl Replay {
    pub(crate) fn new(topology: Topology) -> Self {
        let stations = vec![Station { last_told_s: f64::NEG_INFINITY, ..Station::default() }; topology.component.len()];
        Self { topology, stations, ..Self::default() }
    }

    /// How many dots there are.
    pub(crate) fn len(&self) -> usize {
        self.by_request.len()
    }

    /// When everything known will have been shown.
    pub(crate) fn settled_s(&self) -> f64 {
        self.settled_s
    }

    /// Puts moves on the dots' schedules. None of them is shown before `since_s`: now, or where the reader has just come to
    /// an instant and all before it is past, never.
    pub(crate) fn schedule(&mut self, moves: &[Move], clock: &Clock, since_s: f64) {
        for each in moves {
            // Whether or not it has a dot: one that failed on its way has none until it is tried again.
            if let What::Done { begun } = each.what {
                self.answered.push((each.at - begun) as f64 / 1e6);
            }
            let key = self.key(each, since_s);
            let dot = key.and_then(|key| self.dots[key].as_mut());
            if self.awaits && dot.as_ref().is_some_and(|dot| dot.past.is_empty()) {
                (self.awaits, self.followed) = (false, Some(each.request));
                self.followed_moves.clear();
            }
            if self.followed == Some(each.request) {
                self.followed_moves.push(*each);
            }
            let Some(dot) = dot else { continue };
            dot.past.push(*each);
            // News that come late are shown late: nothing skips a hop.
            dot.free_s = dot.free_s.max(since_s);
            let late = |node: usize| self.topology.depth.get(node).copied().unwrap_or(0) as f64 * HOP_S;
            let at = clock.shown(each.at);
            let (start, place, free) = match each.what {
                What::Travel { edge, back, arrives } => {
                    let Some(&(_, from, to)) = self.topology.edges.get(usize::from(edge)) else { continue };
                    let (from, to) = if back { (to, from) } else { (from, to) };
                    let from_s = (at + late(from)).max(dot.free_s);
                    let to_s = (clock.shown(arrives) + late(to)).max(from_s + HOP_S);
                    (from_s, Place::Travelling { edge: edge.into(), back, from_s, to_s }, to_s)
                }
                What::Wait { node } => {
                    let start = (at + late(node.into())).max(dot.free_s);
                    (start, Place::Waiting { node: node.into() }, start + WAIT_S)
                }
                What::Serve { node } => {
                    let start = (at + late(node.into())).max(dot.free_s);
                    (
                        start,
                        Place::Served { node: node.into() },
                        start + SERVE_S.min(LINGERING / self.dots_per_s.max(0.1)),
                    )
                }
                What::Fail { node, cause } => {
                    let start = (at + late(node.into())).max(dot.free_s);
                    (start, Place::Failed { node: node.into(), cause }, start)
                }
                What::Done { .. } => (at.max(dot.free_s), Place::Done, at.max(dot.free_s)),
            };
            dot.free_s = free;
            dot.coming.push_back((start, place));
            self.settled_s = self.settled_s.max(free);
        }
    }

    fn key(&mut self, each: &Move, since_s: f64) -> Option<usize> {
        let place = match self.place(each.request) {
            Ok(place) => return Some(self.by_request[place].1),
            Err(place) => place,
        };
        // Only a journey that is seen from its start is drawn.
        if self.by_request.len() >= MOST_DOTS || !matches!(each.what, What::Travel { back: false, .. }) {
            return None;
        }
        let dot = Dot::new(each.class, each.request, since_s);
        let key = match self.free.pop() {
            Some(key) => {
                self.dots[key] = Some(dot);
                key
            }
            None => {
                self.dots.push(Some(dot));
                self.dots.len() - 1
            }
        };
        self.by_request.insert(place, (each.request, key));
        Some(key)
    }

    /// Where a request stands among those that have a dot, or would stand.
    fn place(&self, request: u32) -> Result<usize, usize> {
        self.by_request.binary_search_by_key(&request, |(request, _)| *request)
    }

    /// Follows the dot that is drawn nearest to a point, and within reach. False where there is none.
    pub(crate) fn follow_at(&mut self, point: Point, reach_px: f64) -> bool {
        let far = |dot: &Dot| {
            let (x, y) = dot.drawn?;
            Some(point.far(Point { x, y })).filter(|far| *far <= reach_px)
        };
        let dots = self.dots.iter().flatten().filter_map(|dot| Some((far(dot)?, dot)));
        let Some((_, dot)) = dots.min_by(|a, b| a.0.total_cmp(&b.0)) else { return false };
        (self.followed, self.followed_moves) = (Some(dot.request), dot.past.clone());
        self.awaits = false;
        true
    }

    /// Follows the next request that sets out; or none any more.
    pub(crate) fn follow_next(&mut self, on: bool) {
        (self.awaits, self.followed) = (on, None);
        self.followed_moves.clear();
    }

    /// The request that is followed; or that one is awaited.
    pub(crate) fn followed(&self) -> Option<(Option<u32>, &[Move])> {
        (self.awaits || self.followed.is_some()).then_some((self.followed, &self.followed_moves))
    }

    /// Brings every dot to where it is at the clock's time.
    pub(crate) fn advance(&mut self, clock: &Clock) {
        let now = clock.now();
        for key in 0..self.dots.len() {
            while let Some(place) = self.dots[key].as_mut().and_then(|dot| dot.next(now)) {
                self.enter(key, place, now);
            }
            let over = |dot: &Dot| {
                dot.coming.is_empty() && matches!(dot.place, Place::Travelling { to_s, .. } if to_s + FORGET_S < now)
            };
            if self.dots[key].as_ref().is_some_and(over) {
                self.remove(key);
            }
        }
        self.falls.retain(|fall| now - fall.since_s < FALL_S);
    }

    fn enter(&mut self, key: usize, place: Place, now: f64) {
        match place {
            Place::Travelling { edge, back: true, .. } => {
                let (_, _, from) = self.topology.edges[edge];
                self.let_go(key, from);
            }
            Place::Waiting { node } => self.stations[node].waiting.push(key),
            Place::Served { node } => {
                self.stations[node].waiting.retain(|other| *other != key);
                self.hold(key, node);
            }
            Place::Failed { node, cause } => {
                self.fall(key, node, cause, now);
                // Its user is gone; what the server still does for it is work for nobody.
                let at_users = self.topology.depth.get(node) == Some(&0);
                if let Some(dot) = self.dots[key].as_mut().filter(|dot| at_users && !matches!(dot.place, Place::Unseen))
                {
                    dot.abandoned = true;
                    return;
                }
            }
            Place::Unseen | Place::Travelling { .. } | Place::Done => {}
        }
        if matches!(place, Place::Failed { .. } | Place::Done) {
            self.remove(key);
        } else if let Some(dot) = self.dots[key].as_mut() {
            dot.place = place;
            dot.moved_on = true;
        }
    }

    fn hold(&mut self, key: usize, node: usize) {
        let Some(dot) = self.dots[key].as_mut() else { return };
        if dot.held.iter().any(|(other, _)| *other == node) {
            return;
        }
        let slots = &mut self.stations[node].slots;
        let slot = slots.iter().position(Option::is_none).unwrap_or_else(|| {
            slots.push(None);
            slots.len() - 1
        });
        slots[slot] = Some(key);
        dot.held.push((node, slot));
    }

    fn let_go(&mut self, key: usize, node: usize) {
        let Some(dot) = self.dots[key].as_mut() else { return };
        self.stations[node].waiting.retain(|other| *other != key);
        if let Some(index) = dot.held.iter().position(|(other, _)| *other == node) {
            let (_, slot) = dot.held.swap_remove(index);
            self.stations[node].slots[slot] = None;
        }
    }

    fn fall(&mut self, key: usize, node: usize, cause: Cause, now: f64) {
        let Some(dot) = self.dots[key].as_ref() else { return };
        if self.falls.len() >= MOST_FALLS {
            return;
        }
        let at_users = self.topology.depth.get(node) == Some(&0);
        let station = &mut self.stations[node];
        let told = now - station.last_told_s > 0.7;
        if told {
            station.last_told_s = now;
        }
        // A user who gives up does so at the users, wherever the request is then.
        let from = if at_users { None } else { dot.drawn };
        self.falls.push(Fall {
            class: dot.class,
            cause,
            node,
            from: from.unwrap_or((f64::NAN, f64::NAN)),
            since_s: now,
            told,
        });
    }

    fn remove(&mut self, key: usize) {
        let Some(dot) = self.dots[key].take() else { return };
        for (node, slot) in dot.held {
            self.stations[node].slots[slot] = None;
        }
        for station in &mut self.stations {
            station.waiting.retain(|other| *other != key);
        }
        if let Ok(place) = self.place(dot.request) {
            self.by_request.remove(place);
        }
        self.free.push(key);
    }
}

impl Dot {
    /// A request that its user sends now.
    pub(crate) const fn new(class: Class, request: u32, free_s: f64) -> Self {
        Self {
            class,
            place: Place::Unseen,
            abandoned: false,
            held: Vec::new(),
            drawn: None,
            moved_on: false,
            offset: (0.0, 0.0),
            coming: VecDeque::new(),
            free_s,
            request,
            past: Vec::new(),
        }
    }

    fn next(&mut self, now: f64) -> Option<Place> {
        match self.coming.front() {
            Some((start, place)) if *start <= now => {
                let place = *place;
                self.coming.pop_front();
                Some(place)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology() -> Topology {
        Topology { component: vec![0, 1, 2], depth: vec![0, 1, 2], edges: vec![(0, 0, 1), (1, 1, 2)] }
    }

    fn at(ms: u64, request: u32, what: What) -> Move {
        Move { at: ms * 1_000_000, request, class: Class::Read, what }
    }

    fn travel(edge: u16, back: bool, arrives_ms: u64) -> What {
        What::Travel { edge, back, arrives: arrives_ms * 1_000_000 }
    }

    fn shown(clock: &mut Clock, replay: &mut Replay, seconds: f64) {
        let frames = (seconds / 0.01).round() as u32;
        for _ in 0..frames {
            clock.advance(0.01);
            replay.advance(clock);
        }
    }

    #[test]
    fn a_request_is_seen_on_each_hop_and_its_worker_waits_for_the_database() {
        let (mut clock, mut replay) = (Clock::new(1.0), Replay::new(topology()));
        clock.set_running(true, 0);
        replay.schedule(
            &[
                at(0, 7, travel(0, false, 1)),
                at(1, 7, What::Serve { node: 1 }),
                at(2, 7, travel(1, false, 3)),
                at(3, 7, What::Serve { node: 2 }),
                at(4, 7, travel(1, true, 5)),
                at(6, 7, travel(0, true, 7)),
                at(7, 7, What::Done { begun: 0 }),
            ],
            &clock,
            0.0,
        );
        shown(&mut clock, &mut replay, 0.3);
        assert!(matches!(replay.dots[0].as_ref().unwrap().place, Place::Travelling { edge: 0, back: false, .. }));
        shown(&mut clock, &mut replay, 0.5);
        assert!(matches!(replay.dots[0].as_ref().unwrap().place, Place::Travelling { edge: 1, back: false, .. }));
        assert_eq!(replay.stations[1].slots, [Some(0)], "the worker is held meanwhile");
        shown(&mut clock, &mut replay, 2.0);
        assert_eq!(replay.len(), 0);
        assert_eq!(replay.stations[1].slots, [None]);
    }

    /// A request that was refused, and has fallen for a while.
    fn refused() -> (Clock, Replay) {
        let (mut clock, mut replay) = (Clock::new(1.0), Replay::new(topology()));
        clock.set_running(true, 0);
        replay.schedule(
            &[at(0, 1, travel(0, false, 1)), at(1, 1, What::Fail { node: 1, cause: Cause::Refused })],
            &clock,
            0.0,
        );
        shown(&mut clock, &mut replay, 0.6);
        (clock, replay)
    }

    #[test]
    fn a_refused_request_falls_and_frees_nothing_it_never_had() {
        let (mut clock, mut replay) = refused();
        assert_eq!((replay.len(), replay.falls.len()), (0, 1));
        assert!(replay.falls[0].told);
        shown(&mut clock, &mut replay, FALL_S + 0.1);
        assert!(replay.falls.is_empty());
    }

    #[test]
    fn a_request_that_is_tried_again_took_as_long_as_its_user_waited() {
        let (clock, mut replay) = refused();
        assert_eq!(replay.len(), 0, "it fell");
        let done = |begun_ms: u64| What::Done { begun: begun_ms * 1_000_000 };
        replay.schedule(&[at(704, 1, travel(0, false, 705)), at(709, 1, done(0)), at(709, 2, done(703))], &clock, 0.0);
        assert_eq!(replay.answered, [709.0, 6.0], "and so does one that was never seen");
    }

    #[test]
    fn work_for_a_user_who_gave_up_goes_on_abandoned() {
        let (mut clock, mut replay) = (Clock::new(1.0), Replay::new(topology()));
        clock.set_running(true, 0);
        replay.schedule(
            &[
                at(0, 1, travel(0, false, 1)),
                at(1, 1, What::Wait { node: 1 }),
                at(900, 1, What::Fail { node: 0, cause: Cause::TimedOut }),
            ],
            &clock,
            0.0,
        );
        shown(&mut clock, &mut replay, 1.2);
        let dot = replay.dots[0].as_ref().unwrap();
        assert!(dot.abandoned && dot.place == Place::Waiting { node: 1 });
        assert_eq!(replay.falls.len(), 1);
    }
}
