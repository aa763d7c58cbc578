//! The ways of the arrows: from card to card, and around the cards between.
//!
//! Pure geometry, like [`layout`](super::layout). An arrow takes the direct way unless that leads across a card that it has
//! nothing to do with: who sees it go in and come out takes it for that card's. Then it leaves and enters by whichever sides
//! keep it clear.

use hockeystick_core::number::{short, within};
use hockeystick_core::stage::Link;

use super::layout::{Point, Rect};
use crate::charts::scale::in_order;

/// Between a card and an arrow that goes around it, and between two such arrows.
const CLEAR_PX: f64 = 14.0;
const LANE_PX: f64 = 11.0;
/// What goes around stays this far from the board's edge: the shape of a request is just seen whole, and beside two cards
/// of a phone's row there is no more room.
const EDGE_PX: f64 = 8.0;
/// Pieces of a curve when it is looked at for cards in its way, and when it is drawn.
const COARSE: u32 = 24;
const FINE: u32 = 96;
/// A card in the way is worse than any length.
const CARD_PX: f64 = 10_000.0;
/// How often a way around is moved further out.
const TRIES: usize = 4;

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

/// How an arrow goes: from this side to that one, and where both are the same, how far out.
#[derive(Clone, Copy, Debug)]
struct Way {
    out: Side,
    into: Side,
    around: Option<f64>,
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
        Self { out, into, around: None }
    }

    /// The corners of a cubic curve that leaves and enters at right angles to the cards.
    fn corners(self, a: Point, b: Point) -> [Point; 4] {
        let reach = ((b.x - a.x).abs().max((b.y - a.y).abs()) * 0.45).clamp(16.0, 120.0);
        let pull = |point: Point, side: Side| match self.around {
            // A cubic curve is furthest out in its middle: an eighth of its ends, and six of its inner corners.
            Some(far) => side.moved(point, (8.0 * far - side.across(a) - side.across(b)) / 6.0),
            None => side.moved(point, side.across(point) + side.outward() * reach),
        };
        [a, pull(a, self.out), pull(b, self.into), b]
    }
}

fn points([a, p, q, b]: [Point; 4], count: u32) -> Vec<Point> {
    let on_curve = |t: f64| {
        let s = 1.0 - t;
        let (k0, k1, k2, k3) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
        Point { x: k0 * a.x + k1 * p.x + k2 * q.x + k3 * b.x, y: k0 * a.y + k1 * p.y + k2 * q.y + k3 * b.y }
    };
    (0..=count).map(|step| on_curve(f64::from(step) / f64::from(count))).collect()
}

/// The cards, and what keeps arrows off them.
struct Ground<'a> {
    cards: &'a [Rect],
    /// How far below each card's top arrows meet its sides.
    anchors: &'a [f64],
    /// The board's lower right corner.
    end: Point,
}

impl Ground<'_> {
    /// Where an arrow meets a card: several on one side stand apart, in their order.
    fn port(&self, card: usize, side: Side, order: usize, count: usize) -> Point {
        let spread = (order as f64 - (count - 1) as f64 / 2.0) * 18.0;
        let rect = &self.cards[card];
        if side.is_upright() {
            Point { x: side.edge(rect), y: rect.y + self.anchors[card] + spread }
        } else {
            Point { x: rect.centre().x + spread, y: side.edge(rect) }
        }
    }

    /// The way of a link alone, as far as it can be known before the others are.
    fn look(&self, link: &Link, way: Way) -> Vec<Point> {
        let ends = [(link.from, way.out), (link.to, way.into)].map(|(card, side)| self.port(card, side, 0, 1));
        points(way.corners(ends[0], ends[1]), COARSE)
    }

    /// The cards across which a way leads. Its own two it may touch, but not cross.
    fn in_the_way<'a>(&'a self, link: &'a Link, way: &'a [Point]) -> impl Iterator<Item = &'a Rect> {
        let (left, right) = way.iter().fold((f64::MAX, f64::MIN), |(l, r), at| (l.min(at.x), r.max(at.x)));
        self.cards
            .iter()
            .enumerate()
            .filter(move |(index, card)| {
                let margin = if *index == link.from || *index == link.to { -3.0 } else { 4.0 };
                let on = |at: &Point| {
                    (card.x - margin..card.right() + margin).contains(&at.x)
                        && (card.y - margin..card.bottom() + margin).contains(&at.y)
                };
                card.x < right + margin && card.right() > left - margin && way.iter().any(on)
            })
            .map(|(_, card)| card)
    }

    /// The way around what is in the direct one; `ways` are those of the links before.
    fn around(&self, links: &[Link], at: usize, ways: &[Way]) -> Way {
        let link = &links[at];
        let (from, to) = (&self.cards[link.from], &self.cards[link.to]);
        let direct = self.look(link, ways[at]);
        let mut best = (ways[at], f64::INFINITY);
        let mut consider = |way: Way, seen: &[Point]| {
            let length: f64 = seen.windows(2).map(|pair| pair[0].far(pair[1])).sum();
            let cost = length + CARD_PX * self.in_the_way(link, seen).count() as f64;
            if cost < best.1 {
                best = (way, cost);
            }
        };
        consider(ways[at], &direct);
        for out in Side::ALL {
            for into in Side::ALL.into_iter().filter(|into| into.is_upright() != out.is_upright()) {
                let way = Way { out, into, around: None };
                consider(way, &self.look(link, way));
            }
            let span = |link: &Link| {
                let [a, b] = [link.from, link.to].map(|card| out.along(self.cards[card].centre()));
                (a.min(b), a.max(b))
            };
            let (low, high) = span(link);
            let beside = ways.iter().zip(links).filter(|(way, other)| {
                let (a, b) = span(other);
                way.around.is_some() && way.out == out && a < high && low < b
            });
            let lanes = beside.count() as f64 * LANE_PX;
            let sign = out.outward();
            let further = |edge: f64, rect: &Rect| edge.max(sign * out.edge(rect));
            let mut edge = self.in_the_way(link, &direct).fold(further(further(f64::MIN, from), to), further);
            for _ in 0..TRIES {
                let far = within(sign * (edge + CLEAR_PX + lanes), EDGE_PX, out.across(self.end) - EDGE_PX);
                let way = Way { out, into: out, around: Some(far) };
                let seen = self.look(link, way);
                consider(way, &seen);
                edge = self.in_the_way(link, &seen).fold(edge, further) + CLEAR_PX;
            }
        }
        best.0
    }
}

/// The way of each link over a board that ends there; `anchors` say how far below a card's top arrows meet its sides.
pub(super) fn paths(links: &[Link], cards: &[Rect], anchors: &[f64], end: Point) -> Vec<Path> {
    let ground = Ground { cards, anchors, end };
    let mut ways: Vec<Way> = links.iter().map(|link| Way::direct(&cards[link.from], &cards[link.to])).collect();
    // The short ones first: the long ones go around them.
    let far = |link: &Link| cards[link.from].centre().far(cards[link.to].centre());
    for at in in_order(links.iter().map(far)) {
        let is_blocked = ground.in_the_way(&links[at], &ground.look(&links[at], ways[at])).next().is_some();
        if is_blocked {
            ways[at] = ground.around(links, at, &ways);
        }
    }

    // Every end of every link: card, side, and its place among the others there.
    let mut ends: Vec<(usize, Side, f64)> = Vec::new();
    for (link, way) in links.iter().zip(&ways) {
        let direct = Way::direct(&cards[link.from], &cards[link.to]);
        let place = |side: Side, faces: Side, other: usize| {
            let along = side.along(cards[other].centre());
            // What turns back lies the other way round: the furthest is outermost.
            if side == faces { along } else { -along }
        };
        ends.push((link.from, way.out, place(way.out, direct.out, link.to)));
        ends.push((link.to, way.into, place(way.into, direct.into, link.from)));
    }
    let port = |end: usize| {
        let (card, side, at) = ends[end];
        let same = ends.iter().enumerate().filter(|(_, other)| other.0 == card && other.1 == side);
        let before = same.clone().filter(|(index, other)| (other.2, *index) < (at, end)).count();
        ground.port(card, side, before, same.count())
    };
    let path = |(index, way): (usize, &Way)| {
        let corners = way.corners(port(2 * index), port(2 * index + 1));
        let [a, p, q, b] = corners.map(|point| format!("{} {}", short(point.x, 1), short(point.y, 1)));
        Path { points: at_equal_distances(&points(corners, FINE), 40), svg: format!("M{a}C{p} {q} {b}") }
    };
    ways.iter().enumerate().map(path).collect()
}

fn at_equal_distances(fine: &[Point], count: usize) -> Vec<Point> {
    let step = |pair: &[Point]| pair[0].far(pair[1]);
    let total: f64 = fine.windows(2).map(step).sum();
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
