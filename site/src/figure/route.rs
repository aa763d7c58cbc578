//! The ways of the arrows: from card to card, and around the cards between.
//!
//! Pure geometry, like [`layout`](super::layout). An arrow takes the direct way unless that leads across a card that it has
//! nothing to do with: who sees it go in and come out takes it for that card's. Then it leaves and enters by whichever sides
//! keep it clear; or it turns, and goes straight along lanes beside what is in its way.

use hockeystick_core::number::{in_order, short, within};
use hockeystick_core::stage::Link;

use super::layout::{Point, Rect};

/// Between a card and a lane beside it: clear of the frame of its machine, or, where there is no room for that, within it.
const CLEAR_PX: f64 = 20.0;
const TIGHT_PX: f64 = 8.0;
/// Between two lanes.
const LANE_PX: f64 = 11.0;
/// Lanes stay this far from the board's edge: requests go beside an arrow, and their shapes are to be seen whole.
const EDGE_PX: f64 = 11.0;
/// How round an arrow turns into its lane.
const ROUND_PX: f64 = 22.0;
/// Pieces of a curve when it is looked at for cards in its way, and when it is drawn.
const COARSE: u32 = 24;
const FINE: u32 = 48;
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
/// How often ways are looked for, as each depends on the others.
const PASSES: usize = 2;
/// Between two arrows that meet a card on one side.
const PORT_PX: f64 = 18.0;
/// Points on an arrow: one in so many pixels, and how many at least and at most.
const POINT_PX: f64 = 12.0;
const POINTS: (usize, usize) = (40, 160);

/// An arrow: points along it at equal distances, from the caller to the called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    pub(crate) points: Vec<Point>,
    /// As an SVG path, for drawing.
    pub(crate) svg: String,
}

impl Path {
    /// The point this share of the way along, `lane` pixels to the right of the direction of travel.
    pub(crate) fn at(&self, share: f64, back: bool, lane: f64) -> Point {
        let Some(last) = self.points.len().checked_sub(1).filter(|last| *last > 0) else { return Point::default() };
        let share = if back { 1.0 - share } else { share };
        let place = share.clamp(0.0, 1.0) * last as f64;
        let index = (place as usize).min(last - 1);
        let (a, b) = (self.points[index], self.points[index + 1]);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length = a.far(b).max(1e-6);
        let side = if back { lane } else { -lane } / length;
        let rest = place - index as f64;
        Point { x: a.x + dx * rest - dy * side, y: a.y + dy * rest + dx * side }
    }
}

/// The side of a card where an arrow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    const ALL: [Self; 4] = [Self::Right, Self::Left, Self::Bottom, Self::Top];

    fn is_upright(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }

    /// How far out of the board's middle something is on this side: more is further.
    fn outward(self) -> f64 {
        if matches!(self, Self::Right | Self::Bottom) { 1.0 } else { -1.0 }
    }

    /// A point's place across this side, and along it.
    fn across(self, point: Point) -> f64 {
        if self.is_upright() { point.x } else { point.y }
    }

    fn along(self, point: Point) -> f64 {
        if self.is_upright() { point.y } else { point.x }
    }

    /// The edge that a rectangle has on this side.
    fn edge(self, rect: &Rect) -> f64 {
        match self {
            Self::Left => rect.x,
            Self::Right => rect.right(),
            Self::Top => rect.y,
            Self::Bottom => rect.bottom(),
        }
    }

    /// The point moved to this place across the side.
    fn moved(self, point: Point, across: f64) -> Point {
        if self.is_upright() { Point { x: across, ..point } } else { Point { y: across, ..point } }
    }
}

/// How an arrow goes: from this side to that one; in one bend, or along a lane that lies across the one side and one that
/// lies across the other. Where the sides are parallel, so are the lanes, and are one.
#[derive(Clone, Copy, Debug)]
struct Way {
    out: Side,
    into: Side,
    lanes: Option<[f64; 2]>,
}

impl Way {
    fn direct(from: &Rect, to: &Rect) -> Self {
        let across = (to.x - from.right()).max(from.x - to.right());
        let along = (to.y - from.bottom()).max(from.y - to.bottom());
        let (out, into) = match (across >= along, to.centre().x >= from.centre().x, to.centre().y >= from.centre().y) {
            (true, true, _) => (Side::Right, Side::Left),
            (true, false, _) => (Side::Left, Side::Right),
            (false, _, true) => (Side::Bottom, Side::Top),
            (false, _, false) => (Side::Top, Side::Bottom),
        };
        Self { out, into, lanes: None }
    }

    /// Where it begins, turns and ends, along lanes; or a cubic curve that leaves and enters at right angles to the cards, by
    /// its ends and what pulls it.
    fn corners(self, a: Point, b: Point) -> Vec<Point> {
        let reach = ((b.x - a.x).abs().max((b.y - a.y).abs()) * 0.45).clamp(16.0, 120.0);
        let pull = |point: Point, side: Side| side.moved(point, side.across(point) + side.outward() * reach);
        let Some([first, last]) = self.lanes else { return vec![a, pull(a, self.out), pull(b, self.into), b] };
        let (p, q) = (self.out.moved(a, first), self.into.moved(b, last));
        if self.out.is_upright() == self.into.is_upright() {
            vec![a, p, q, b]
        } else {
            vec![a, p, self.into.moved(p, last), q, b]
        }
    }

    /// The cubic curves of which it is made.
    fn curves(self, a: Point, b: Point) -> Vec<[Point; 4]> {
        let corners = self.corners(a, b);
        if self.lanes.is_none() {
            return vec![[corners[0], corners[1], corners[2], corners[3]]];
        }
        let (mut curves, mut at, end) = (Vec::new(), a, corners.len() - 1);
        for turn in 1..end {
            let [before, p, after] = [corners[turn - 1], corners[turn], corners[turn + 1]];
            // Two turns share what is between them.
            let room = |share: bool, other: Point| p.far(other) / if share { 2.0 } else { 1.0 };
            let round = ROUND_PX.min(room(turn > 1, before)).min(room(turn + 1 < end, after));
            let (c, d) = (p.towards(before, round), p.towards(after, round));
            curves.extend([[at, at, c, c], [c, p, p, d]]);
            at = d;
        }
        curves.push([at, at, b, b]);
        curves
    }
}

/// Adds the points of a cubic curve.
fn trace([a, p, q, b]: [Point; 4], count: u32, into: &mut Vec<Point>) {
    for step in 0..=count {
        let t = f64::from(step) / f64::from(count);
        let s = 1.0 - t;
        let (k0, k1, k2, k3) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
        into.push(Point { x: k0 * a.x + k1 * p.x + k2 * q.x + k3 * b.x, y: k0 * a.y + k1 * p.y + k2 * q.y + k3 * b.y });
    }
}

/// What arrows join, and what keeps them off.
struct Ground<'a> {
    links: &'a [Link],
    cards: &'a [Rect],
    /// How far below each card's top arrows meet its sides.
    anchors: &'a [f64],
    /// The board's lower right corner.
    end: Point,
}

/// Where an arrow meets a card: which, on which side, and its place among others there, by that and then by number.
#[derive(Clone, Copy, Debug)]
struct End {
    card: usize,
    side: Side,
    place: (f64, usize),
}

impl Ground<'_> {
    fn direct(&self, at: usize) -> Way {
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
    fn others(&self, at: usize, ways: &[Way]) -> Vec<End> {
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

    fn ports(&self, at: usize, way: Way, others: &[End]) -> [Point; 2] {
        self.ends(at, way).map(|end| self.port(end, others))
    }

    /// The way of a link, as long as the others go as they do.
    fn look(&self, at: usize, way: Way, others: &[End]) -> Vec<Point> {
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
    fn in_the_way(&self, at: usize, way: &[Point], out: Side, edge: f64) -> (usize, f64) {
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
fn around(ground: &Ground<'_>, at: usize, ways: &[Way], others: &[End]) -> Way {
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

/// The way of each link over a board that ends there; `anchors` say how far below a card's top arrows meet its sides.
pub(super) fn paths(links: &[Link], cards: &[Rect], anchors: &[f64], end: Point) -> Vec<Path> {
    let ground = Ground { links, cards, anchors, end };
    let mut ways: Vec<Way> = (0..links.len()).map(|at| ground.direct(at)).collect();
    // The short ones first: the long ones go around them. Then those that others, with which they share a side, have
    // pushed on a card.
    let far = |link: &Link| cards[link.from].centre().far(cards[link.to].centre());
    let order: Vec<usize> = in_order(links.iter().map(far));
    for _ in 0..PASSES {
        for &at in &order {
            let others = ground.others(at, &ways);
            let seen = ground.look(at, ways[at], &others);
            if ground.in_the_way(at, &seen, ways[at].out, 0.0).0 > 0 {
                ways[at] = around(&ground, at, &ways, &others);
            }
        }
    }

    let path = |(at, way): (usize, &Way)| {
        let [a, b] = ground.ports(at, *way, &ground.others(at, &ways));
        let curves = way.curves(a, b);
        let place = |at: &Point| format!("{} {}", short(at.x, 1), short(at.y, 1));
        let (mut fine, mut svg) = (Vec::new(), format!("M{}", place(&curves[0][0])));
        for curve in &curves {
            trace(*curve, FINE, &mut fine);
            let [_, p, q, b] = curve;
            svg += &format!("C{} {} {}", place(p), place(q), place(b));
        }
        Path { points: at_equal_distances(&fine), svg }
    };
    ways.iter().enumerate().map(path).collect()
}

fn at_equal_distances(fine: &[Point]) -> Vec<Point> {
    let step = |pair: &[Point]| pair[0].far(pair[1]);
    let total: f64 = fine.windows(2).map(step).sum();
    let count = ((total / POINT_PX) as usize).clamp(POINTS.0, POINTS.1);
    let mut points = Vec::with_capacity(count + 1);
    let (mut index, mut before) = (0, 0.0);
    for number in 0..=count {
        let wanted = total * number as f64 / count as f64;
        while index + 2 < fine.len() && before + step(&fine[index..index + 2]) < wanted {
            before += step(&fine[index..index + 2]);
            index += 1;
        }
        let length = step(&fine[index..index + 2]).max(1e-9);
        let rest = ((wanted - before) / length).clamp(0.0, 1.0);
        let (a, b) = (fine[index], fine[index + 1]);
        points.push(Point { x: a.x + (b.x - a.x) * rest, y: a.y + (b.y - a.y) * rest });
    }
    points
}

#[cfg(test)]
mod tests {
    use hockeystick_core::units::Duration;
    use proptest::prelude::*;

    use super::*;

    const CARD: Rect = Rect { x: 0.0, y: 0.0, width: 150.0, height: 100.0 };
    const ANCHOR: f64 = 50.0;

    fn link(from: usize, to: usize) -> Link {
        Link::new(from, to, Duration::from_ms(1))
    }

    fn laid(links: &[Link], cards: &[Rect], end: Point) -> Vec<Path> {
        paths(links, cards, &vec![ANCHOR; cards.len()], end)
    }

    fn is_on(card: &Rect, at: Point) -> bool {
        (card.x..card.right()).contains(&at.x) && (card.y..card.bottom()).contains(&at.y)
    }

    /// Three cards in a column of a phone's width.
    fn column() -> [Rect; 3] {
        [0.0, 1.0, 2.0].map(|row| Rect { x: 120.0, y: 20.0 + 160.0 * row, ..CARD })
    }

    #[test]
    fn an_arrow_goes_around_the_card_between() {
        let (cards, end) = (column(), Point { x: 390.0, y: 500.0 });
        let ways = laid(&[link(0, 1), link(1, 2), link(0, 2)], &cards, end);
        assert!(ways[2].points.iter().all(|at| !is_on(&cards[1], *at)), "{:?}", ways[2].points);
        // Along its lane it goes straight, clear of the card.
        let count = ways[2].points.len();
        let lane = &ways[2].points[count / 3..2 * count / 3];
        assert!(lane.iter().all(|at| (at.x - lane[0].x).abs() < 0.1 && !(102.0..288.0).contains(&at.x)), "{lane:?}");
        // The others are as short as they can be.
        for way in &ways[..2] {
            assert!(way.points.iter().all(|at| (at.x - 195.0).abs() < 20.0), "{:?}", way.points);
        }
    }

    #[test]
    fn arrows_around_the_same_card_keep_apart() {
        let cards: Vec<Rect> = (0..4).map(|row| Rect { x: 120.0, y: 20.0 + 160.0 * f64::from(row), ..CARD }).collect();
        let ways = laid(&[link(0, 2), link(1, 3), link(0, 3)], &cards, Point { x: 390.0, y: 700.0 });
        let middle = |way: &Path| way.points[way.points.len() / 2];
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let (p, q) = (middle(&ways[a]), middle(&ways[b]));
            assert!(p.far(q) > LANE_PX / 2.0, "{a} and {b}: {p:?}, {q:?}");
        }
        for (way, own) in ways.iter().zip([[0, 2], [1, 3], [0, 3]]) {
            let others = cards.iter().enumerate().filter(|(index, _)| !own.contains(index));
            others.for_each(|(_, card)| assert!(way.points.iter().all(|at| !is_on(card, *at))));
        }
    }

    #[test]
    fn on_a_phone_an_arrow_finds_its_way_between_cards_and_edge() {
        // The lower half of stage 14: an app server, what it calls, and a replica that it calls besides the database.
        let places = [(101.0, 0.0, 188.0, 152.0), (31.5, 214.0, 148.0, 172.0), (210.5, 214.0, 148.0, 124.0)];
        let below = [(101.0, 417.0, 188.0, 145.0), (101.0, 624.0, 188.0, 145.0)];
        let card = |(x, y, width, height)| Rect { x, y, width, height };
        let cards: Vec<Rect> = places.into_iter().chain(below).map(card).collect();
        let links = [link(0, 1), link(0, 2), link(0, 3), link(0, 4), link(3, 4)];
        let ways = paths(&links, &cards, &[95.0, 86.0, 62.0, 95.0, 95.0], Point { x: 390.0, y: 815.0 });
        for (link, way) in links.iter().zip(&ways) {
            let others = cards.iter().enumerate().filter(|(index, _)| *index != link.from && *index != link.to);
            others.for_each(|(index, card)| {
                assert!(way.points.iter().all(|at| !is_on(card, *at)), "{} to {} over {index}", link.from, link.to);
            });
            assert!(way.points.iter().all(|at| (EDGE_PX - 1.0..=391.0 - EDGE_PX).contains(&at.x)), "{:?}", way.points);
        }
    }

    #[test]
    fn an_arrow_turns_before_the_card_between() {
        // The top of stage 12: three groups of users over a resolver and a balancer, the third in a line of its own.
        let places = [(53.0, 22.0, 116.0, 96.0), (222.0, 22.0, 116.0, 96.0), (137.0, 149.0, 116.0, 96.0)];
        let below = [(42.0, 307.0, 116.0, 96.0), (200.0, 307.0, 148.0, 124.0)];
        let card = |(x, y, width, height)| Rect { x, y, width, height };
        let cards: Vec<Rect> = places.into_iter().chain(below).map(card).collect();
        let links = [link(0, 3), link(1, 3), link(2, 3), link(0, 4), link(1, 4), link(2, 4)];
        let ways = laid(&links, &cards, Point { x: 390.0, y: 815.0 });
        for (link, way) in links.iter().zip(&ways) {
            let others = cards.iter().enumerate().filter(|(index, _)| *index != link.from && *index != link.to);
            others.for_each(|(index, card)| {
                assert!(way.points.iter().all(|at| !is_on(card, *at)), "{} to {} over {index}", link.from, link.to);
            });
            // None makes a detour along the board's edge.
            assert!(way.points.iter().all(|at| (30.0..360.0).contains(&at.x)), "{:?}", way.points);
        }
    }

    proptest! {
        /// Wherever cards lie, even on one another: every arrow goes from its card to its other, and stays near the board.
        #[test]
        fn arrows_join_their_cards(
            places in prop::collection::vec((0.0..900.0f64, 0.0..500.0f64), 2..24),
            ends in prop::collection::vec((0usize..24, 0usize..24), 1..40),
        ) {
            let cards: Vec<Rect> = places.iter().map(|&(x, y)| Rect { x, y, ..CARD }).collect();
            let ends = ends.into_iter().map(|(from, to)| (from % cards.len(), to % cards.len()));
            let links: Vec<Link> = ends.filter(|(from, to)| from != to).map(|(from, to)| link(from, to)).collect();
            let near = |card: &Rect, at: Point| {
                let room = 9.0 * links.len() as f64 + 1.0;
                (card.x - room..=card.right() + room).contains(&at.x) && (card.y - room..=card.bottom() + room).contains(&at.y)
            };
            for (link, way) in links.iter().zip(laid(&links, &cards, Point { x: 1_060.0, y: 640.0 })) {
                prop_assert!(near(&cards[link.from], way.points[0]), "{:?}", way.points);
                prop_assert!(near(&cards[link.to], way.points[way.points.len() - 1]), "{:?}", way.points);
                for at in &way.points {
                    prop_assert!((-130.0..1_200.0).contains(&at.x) && (-130.0..800.0).contains(&at.y), "{at:?}");
                }
            }
        }
    }
}
