//! The ways of the arrows: from card to card, and around the cards between.
//!
//! Pure geometry, like [`layout`](super::layout). An arrow takes the direct way unless that leads across a card that it has
//! nothing to do with: who sees it go in and come out takes it for that card's. Then it leaves and enters by whichever sides
//! keep it clear; or it turns, and goes straight along lanes beside what is in its way.

mod search;

use hockeystick_core::number::{in_order, short};
use hockeystick_core::stage::Link;

use super::layout::{Point, Rect};
use search::{Ground, around};

/// How round an arrow turns into its lane.
const ROUND_PX: f64 = 22.0;
/// Pieces of a curve when it is drawn.
const FINE: u32 = 48;
/// How often ways are looked for, as each depends on the others.
const PASSES: usize = 2;
/// Points on an arrow: one in so many pixels, and how many at least and at most.
const POINT_PX: f64 = 12.0;
const POINTS: (usize, usize) = (40, 160);

/// An arrow: points along it at equal distances, from the caller to the called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    pub(crate) points: Vec<Point>,
    /// As an SVG path, for drawing.
    pub(crate) svg: String,
    way: Option<Way>,
    /// Where it meets its cards.
    ports: [Point; 2],
}

impl Path {
    /// By which sides and lanes it goes.
    #[cfg(test)]
    pub(super) fn way(&self) -> Option<impl std::fmt::Debug> {
        self.way
    }

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

/// The way of each link over a board that ends there; `anchors` say how far below a card's top arrows meet its sides. Links
/// that are `kept` go as they did.
pub(super) fn paths<'a>(
    links: &[Link],
    cards: &[Rect],
    anchors: &[f64],
    end: Point,
    kept: impl Fn(usize) -> Option<&'a Path>,
) -> Vec<Path> {
    let ground = Ground { links, cards, anchors, end };
    let way_kept = |at: usize| kept(at).and_then(|path| path.way);
    let mut ways: Vec<Way> = (0..links.len()).map(|at| way_kept(at).unwrap_or_else(|| ground.direct(at))).collect();
    // The short ones first: the long ones go around them. Then those that others, with which they share a side, have
    // pushed on a card.
    let far = |link: &Link| cards[link.from].centre().far(cards[link.to].centre());
    let order: Vec<usize> = in_order(links.iter().map(far));
    for _ in 0..PASSES {
        for &at in order.iter().filter(|at| way_kept(**at).is_none()) {
            let others = ground.others(at, &ways);
            let seen = ground.look(at, ways[at], &others);
            if ground.in_the_way(at, &seen, ways[at].out, 0.0).0 > 0 {
                ways[at] = around(&ground, at, &ways, &others);
            }
        }
    }

    let path = |(at, way): (usize, &Way)| {
        let ports = ground.ports(at, *way, &ground.others(at, &ways));
        if let Some(same) = kept(at).filter(|path| path.ports == ports) {
            return same.clone();
        }
        let [a, b] = ports;
        let curves = way.curves(a, b);
        let place = |at: &Point| format!("{} {}", short(at.x, 1), short(at.y, 1));
        let (mut fine, mut svg) = (Vec::new(), format!("M{}", place(&curves[0][0])));
        for curve in &curves {
            trace(*curve, FINE, &mut fine);
            let [_, p, q, b] = curve;
            svg += &format!("C{} {} {}", place(p), place(q), place(b));
        }
        Path { points: at_equal_distances(&fine), svg, way: Some(*way), ports }
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

    use super::search::{EDGE_PX, LANE_PX};
    use super::*;

    const CARD: Rect = Rect { x: 0.0, y: 0.0, width: 150.0, height: 100.0 };
    const ANCHOR: f64 = 50.0;

    fn link(from: usize, to: usize) -> Link {
        Link::new(from, to, Duration::from_ms(1))
    }

    fn laid(links: &[Link], cards: &[Rect], end: Point) -> Vec<Path> {
        paths(links, cards, &vec![ANCHOR; cards.len()], end, |_| None)
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
        let ways = paths(&links, &cards, &[95.0, 86.0, 62.0, 95.0, 95.0], Point { x: 390.0, y: 815.0 }, |_| None);
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
