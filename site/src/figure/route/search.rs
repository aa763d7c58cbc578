//! The search for the way of an arrow around what is in its direct one.

use hockeystick_core::number::within;
use hockeystick_core::stage::Link;

use super::super::layout::{Point, Rect};
use super::{Side, Way, trace};

/// Between a card and a lane beside it: clear of the frame of its machine, or, where there is no room for that, within it.
const CLEAR_PX: f64 = 20.0;
const TIGHT_PX: f64 = 8.0;
/// Between two lanes.
pub(super) const LANE_PX: f64 = 11.0;
/// Lanes stay this far from the board's edge: requests go beside an arrow, and their shapes are to be seen whole.
pub(super) const EDGE_PX: f64 = 11.0;
/// A card in the way is worse than any length; two lanes in one are worse than a longer way.
const CARD_PX: f64 = 10_000.0;
const SHARED_PX: f64 = 600.0;
/// How many lanes are tried on each side, and what the last, a tight one, costs.
const TRIES: usize = 6;
const TIGHT_COST_PX: f64 = 60.0;
/// Two pieces that are one for so long are one.
const LONG_PX: f64 = 60.0;
/// What a third turn costs.
const TURN_PX: f64 = 40.0;
/// Between two arrows that meet a card on one side.
const PORT_PX: f64 = 18.0;
/// Pieces of a curve when it is looked at for cards in its way.
const COARSE: u32 = 24;

/// What arrows join, and what keeps them off.
pub(super) struct Ground<'a> {
    pub(super) links: &'a [Link],
    pub(super) cards: &'a [Rect],
    /// How far below each card's top arrows meet its sides.
    pub(super) anchors: &'a [f64],
    /// The board's lower right corner.
    pub(super) end: Point,
}

/// Where an arrow meets a card: which, on which side, and its place among others there, by that and then by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    card: usize,
    side: Side,
    place: (f64, usize),
}

impl Ground<'_> {
    pub(super) fn direct(&self, at: usize) -> Way {
        let link = &self.links[at];
        Way::direct(&self.cards[link.from], &self.cards[link.to])
    }

    /// The two ends of a link that goes so.
    fn ends(&self, at: usize, way: Way) -> [End; 2] {
        let (link, direct) = (&self.links[at], self.direct(at));
        let end = |card: usize, side: Side, faces: Side, other: usize| {
            let along = side.along(self.cards[other].centre());
            // What turns back lies the other way round: the furthest is outermost.
            End { card, side, place: (if side == faces { along } else { -along }, at) }
        };
        [end(link.from, way.out, direct.out, link.to), end(link.to, way.into, direct.into, link.from)]
    }

    /// The ends of all other links.
    pub(super) fn others(&self, at: usize, ways: &[Way]) -> Vec<End> {
        let others = ways.iter().enumerate().filter(|(other, _)| *other != at);
        others.flat_map(|(other, way)| self.ends(other, *way)).collect()
    }

    /// Where an arrow meets a card: several on one side stand apart, in their order.
    fn port(&self, end: End, others: &[End]) -> Point {
        let End { card, side, place } = end;
        let same = others.iter().filter(|other| other.card == card && other.side == side);
        let (before, count) = same.fold((0.0, 0.0), |(before, count), other| {
            (before + f64::from(u8::from(other.place < place)), count + 1.0)
        });
        let spread = (before - count / 2.0) * PORT_PX;
        let rect = &self.cards[card];
        if side.is_upright() {
            Point { x: side.edge(rect), y: rect.y + self.anchors[card] + spread }
        } else {
            Point { x: rect.centre().x + spread, y: side.edge(rect) }
        }
    }

    pub(super) fn ports(&self, at: usize, way: Way, others: &[End]) -> [Point; 2] {
        self.ends(at, way).map(|end| self.port(end, others))
    }

    /// The way of a link, as long as the others go as they do.
    pub(super) fn look(&self, at: usize, way: Way, others: &[End]) -> Vec<Point> {
        let [a, b] = self.ports(at, way, others);
        let corners = way.corners(a, b);
        if way.lanes.is_some() {
            return corners;
        }
        let mut seen = Vec::new();
        trace([corners[0], corners[1], corners[2], corners[3]], COARSE, &mut seen);
        seen
    }

    /// How many cards a way leads across, and how far out on a side it and they reach: more than `edge`, or that.
    pub(super) fn in_the_way(&self, at: usize, way: &[Point], out: Side, edge: f64) -> (usize, f64) {
        let link = &self.links[at];
        let (mut count, mut furthest) = (0, edge);
        for (index, card) in self.cards.iter().enumerate() {
            // Its own two it may touch, but not cross.
            let room = if index == link.from || index == link.to { -3.0 } else { 4.0 };
            let (left, right, top, bottom) = (card.x - room, card.right() + room, card.y - room, card.bottom() + room);
            let crosses = |it: &[Point]| {
                let (a, b) = (it[0], it[1]);
                a.x.min(b.x) < right && a.x.max(b.x) > left && a.y.min(b.y) < bottom && a.y.max(b.y) > top
            };
            if way.windows(2).any(crosses) {
                count += 1;
                furthest = furthest.max(out.outward() * out.edge(card));
            }
        }
        (count, furthest)
    }
}

/// A straight piece of an arrow.
#[derive(Clone, Copy, Debug)]
struct Straight {
    is_upright: bool,
    /// Its place across its direction, and from where to where it goes along it.
    across: f64,
    along: (f64, f64),
}

impl Straight {
    /// The pieces of a way along lanes, by its corners.
    fn of(corners: &[Point]) -> impl Iterator<Item = Self> {
        corners.windows(2).map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let is_upright = (a.x - b.x).abs() < (a.y - b.y).abs();
            let (across, from, to) = if is_upright { (a.x, a.y, b.y) } else { (a.y, a.x, b.x) };
            Self { is_upright, across, along: (from.min(to), from.max(to)) }
        })
    }

    /// How much two are one to the eye: nothing where they cross, or lie apart.
    fn shares(&self, other: &Self) -> f64 {
        let together = self.along.1.min(other.along.1) - self.along.0.max(other.along.0);
        let apart = (self.across - other.across).abs() / LANE_PX;
        if self.is_upright == other.is_upright && together > 0.0 && apart < 1.0 {
            (together / LONG_PX).min(1.0) * (1.0 - apart)
        } else {
            0.0
        }
    }
}

/// The search for the way of a link around what is in the direct one.
struct Search<'a> {
    ground: &'a Ground<'a>,
    at: usize,
    /// The ends of the other links, and the straight pieces of their ways.
    others: &'a [End],
    taken: &'a [Straight],
    /// Its direct way, across cards.
    direct: &'a [Point],
    /// The best so far, and what it costs: its length, and more.
    best: Way,
    cost: f64,
}

impl Search<'_> {
    /// Takes a way where it is better; `dear` is what it costs besides its length.
    fn consider(&mut self, way: Way, dear: f64) {
        let seen = self.ground.look(self.at, way, self.others);
        let mut cost = dear + CARD_PX * self.ground.in_the_way(self.at, &seen, way.out, 0.0).0 as f64;
        for pair in seen.windows(2) {
            cost += pair[0].far(pair[1]);
        }
        if way.lanes.is_some() {
            for piece in Straight::of(&seen) {
                self.taken.iter().for_each(|other| cost += SHARED_PX * piece.shares(other));
            }
        }
        if cost < self.cost {
            (self.best, self.cost) = (way, cost);
        }
    }

    /// The ways with one bend that leave on this side, to what lies ahead of both ends: to anything else they would loop.
    fn bend(&mut self, out: Side) {
        let link = &self.ground.links[self.at];
        let [from, to] = [link.from, link.to].map(|card| &self.ground.cards[card]);
        let ahead =
            |side: Side, from: &Rect, to: &Rect| side.outward() * (side.across(to.centre()) - side.edge(from)) > 0.0;
        for into in Side::ALL {
            if into.is_upright() != out.is_upright() && ahead(out, from, to) && ahead(into, to, from) {
                self.consider(Way { out, into, lanes: None }, 0.0);
            }
        }
    }

    /// The ways that leave on this side and turn to another: straight across or around a corner, along lanes close to either
    /// card or beside what is in the way.
    fn turn(&mut self, out: Side) {
        let (ground, at, direct) = (self.ground, self.at, self.direct);
        let link = &ground.links[at];
        // How far out the lanes may lie, on this side of that card.
        let lanes = |side: Side, card: usize| {
            let own = side.outward() * side.edge(&ground.cards[card]);
            let beside = ground.in_the_way(at, direct, side, own).1;
            let far = [own + LANE_PX, own + 2.0 * LANE_PX, beside + LANE_PX, beside + 2.0 * LANE_PX];
            far.map(|far| within(side.outward() * far, EDGE_PX, side.across(ground.end) - EDGE_PX))
        };
        for into in Side::ALL {
            let (first, last) = (lanes(out, link.from), lanes(into, link.to));
            if into.is_upright() != out.is_upright() {
                for (a, b) in first.iter().flat_map(|a| last.iter().map(move |b| (*a, *b))) {
                    self.consider(Way { out, into, lanes: Some([a, b]) }, TURN_PX);
                }
            } else if into != out {
                for lane in first.into_iter().chain(last) {
                    self.consider(Way { out, into, lanes: Some([lane; 2]) }, 0.0);
                }
            }
        }
    }

    /// The ways along lanes on this side: beside the furthest of the two cards and of what is in the way, and further out.
    fn follow_lanes(&mut self, out: Side) {
        let (ground, at) = (self.ground, self.at);
        let link = &ground.links[at];
        let reach = |card: usize| out.outward() * out.edge(&ground.cards[card]);
        let own = reach(link.from).max(reach(link.to));
        let mut edge = ground.in_the_way(at, self.direct, out, own).1;
        let mut room = CLEAR_PX;
        for number in 1..=TRIES {
            let is_tight = number == TRIES;
            let far = out.outward() * (edge + if is_tight { TIGHT_PX } else { room });
            let lane = within(far, EDGE_PX, out.across(ground.end) - EDGE_PX);
            let way = Way { out, into: out, lanes: Some([lane; 2]) };
            self.consider(way, if is_tight { TIGHT_COST_PX } else { 0.0 });
            let blocked = ground.in_the_way(at, &ground.look(at, way, self.others), out, edge).1;
            // The next lane; or the first beside what was in this one.
            room = if blocked > edge { CLEAR_PX } else { room + LANE_PX };
            edge = blocked;
        }
    }
}

/// The way of a link around what is in the direct one, as the others go.
pub(super) fn around(ground: &Ground<'_>, at: usize, ways: &[Way], others: &[End]) -> Way {
    let mut taken = Vec::new();
    for (other, way) in ways.iter().enumerate() {
        if other != at && way.lanes.is_some() {
            taken.extend(Straight::of(&ground.look(other, *way, &ground.others(other, ways))));
        }
    }
    let direct = ground.look(at, ground.direct(at), others);
    let mut search = Search { ground, at, others, taken: &taken, direct: &direct, best: ways[at], cost: f64::INFINITY };
    search.consider(ways[at], 0.0);
    for out in Side::ALL {
        search.bend(out);
        search.turn(out);
        search.follow_lanes(out);
    }
    search.best
}
