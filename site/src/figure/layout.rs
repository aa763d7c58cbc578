//! Where everything on a board is, in CSS pixels: the core knows where cards and machines stand; here the reader's own
//! positions and the arrows come to that.

pub(crate) use hockeystick_core::layout::card::{Row, SLOT_LEFT, SLOT_PX, SLOTS, rows, slot_top};
pub(crate) use hockeystick_core::layout::{BOARD_UNITS, NARROW_PX, Point, Rect, depths, members};
use hockeystick_core::layout::{Cards, card, machine_rects};
use hockeystick_core::number::within;
use hockeystick_core::stage::Stage;
use hockeystick_core::stage::edit::Spot;

use super::route::{self, Path};

/// What is dropped this near an arrow is dropped on it.
const NEAR_PX: f64 = 30.0;

/// A board laid out.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// As wide as its cards need it.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The scale at which all of it is seen in its place on the page.
    pub(crate) fit: f64,
    pub(crate) narrow: bool,
    /// One a component.
    pub(crate) cards: Vec<Rect>,
    /// One a shared machine; none while nothing runs there.
    pub(crate) machines: Vec<Option<Rect>>,
    /// One a link.
    pub(crate) links: Vec<Path>,
}

impl Layout {
    /// Lays a stage out for a place of this width. `moved` are the reader's own positions by name, for the wide board or
    /// for the narrow one: shares of the board's width, and pixels from its top.
    pub(crate) fn new(stage: &Stage, box_width: f64, moved: &[(String, Point)]) -> Self {
        let Cards { size: (width, height), narrow, places: mut cards } = Cards::new(stage, box_width);
        for (component, card) in stage.components.iter().zip(&mut cards) {
            if let Some((_, centre)) = moved.iter().find(|(id, _)| *id == component.id) {
                put(card, Point { x: centre.x * width, ..*centre }, (width, height));
            }
        }
        let board = Self { width, height, fit: box_width / width, narrow, cards, ..Self::default() };
        board.connected(stage, &Self::default())
    }

    /// The same board with its cards elsewhere: of what else there is, only machines and the arrows of what was moved
    /// follow. A card that is dragged has no time to find the board's width anew, nor the ways of all arrows.
    pub(crate) fn moved(&self, stage: &Stage, centres: &[Point]) -> Self {
        let mut cards = self.cards.clone();
        for (card, centre) in cards.iter_mut().zip(centres).filter(|(card, centre)| card.centre() != **centre) {
            put(card, *centre, (self.width, self.height));
        }
        let Self { width, height, fit, narrow, .. } = *self;
        Self { width, height, fit, narrow, cards, ..Self::default() }.connected(stage, self)
    }

    /// Joins the cards. Arrows whose cards stand where they stood before go as they went.
    fn connected(self, stage: &Stage, before: &Self) -> Self {
        let machines = machine_rects(stage, &self.cards, self.narrow);
        let anchors: Vec<f64> = (0..self.cards.len()).map(|index| card::anchor(stage, index)).collect();
        let stands = |card: usize| before.cards.get(card) == self.cards.get(card);
        let kept = |at: usize| {
            let path = before.links.get(at)?;
            stage.links.get(at).filter(|link| stands(link.from) && stands(link.to))?;
            Some(path)
        };
        let end = Point { x: self.width, y: self.height };
        let links = route::paths(&stage.links, &self.cards, &anchors, end, kept);
        Self { machines, links, ..self }
    }

    /// What is at a point: a card, else an arrow that passes near.
    pub(crate) fn spot_at(&self, point: Point) -> Option<Spot> {
        let within =
            |card: &Rect| (card.x..=card.right()).contains(&point.x) && (card.y..=card.bottom()).contains(&point.y);
        if let Some(card) = self.cards.iter().rposition(within) {
            return Some(Spot::Component(card));
        }
        let far = |link: &Path| {
            let each = link.points.iter().map(|at| at.far(point));
            each.fold(f64::INFINITY, f64::min)
        };
        let near = self.links.iter().map(far).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        near.filter(|(_, far)| *far < NEAR_PX).map(|(link, _)| Spot::Link(link))
    }

    /// The centres of the cards.
    pub(crate) fn centres(&self) -> Vec<Point> {
        self.cards.iter().map(Rect::centre).collect()
    }
}

/// Puts a card's centre somewhere, as far as the board goes.
fn put(card: &mut Rect, centre: Point, board: (f64, f64)) {
    card.x = within(centre.x - card.width / 2.0, 4.0, board.0 - card.width - 4.0);
    card.y = within(centre.y - card.height / 2.0, 4.0, board.1 - card.height - 4.0);
}

#[cfg(test)]
mod tests {
    use hockeystick_content::builtin;
    use hockeystick_core::stage::Link;

    use super::*;

    /// Where a card is dragged to is found out arrow by arrow, and where it is dropped as if it had always been there.
    #[test]
    fn only_the_arrows_of_what_is_dragged_follow() {
        let stage = builtin::stage("21-ten-million").expect("it is there").expect("it is valid");
        let board = Layout::new(&stage, 1_048.0, &[]);
        let way = |path: &Path| format!("{:?}", path.way());
        let is_own = |link: &Link| link.from == 4 || link.to == 4;
        let mut driven_away = 0;
        for (at, link) in stage.links.iter().enumerate().filter(|(_, link)| !is_own(link)) {
            let points = &board.links[at].points;
            let mut centres = board.centres();
            centres[4] = points[points.len() / 2];
            let dragged = board.moved(&stage, &centres);
            let arrows = stage.links.iter().zip(&dragged.links).zip(&board.links);
            for ((other, now), before) in arrows.filter(|((other, _), _)| !is_own(other)) {
                assert_eq!(way(now), way(before), "{} to {} on {link:?}", other.from, other.to);
            }
            let dropped = dragged.connected(&stage, &Layout::default());
            driven_away += usize::from(way(&dropped.links[at]) != way(&board.links[at]));
        }
        assert!(driven_away > 0, "no arrow went around the card that was put on it");
    }

    /// An arrow over a card is taken for that card's; nor may its requests lie on one.
    #[test]
    fn no_stage_leads_an_arrow_across_a_card() {
        let mut across = Vec::new();
        for slug in builtin::slugs() {
            for (name, stage) in builtin::boards(slug).expect("the stages are valid") {
                for width in [320.0, 358.0, 390.0, 740.0, 1_048.0] {
                    let board = Layout::new(&stage, width, &[]);
                    for (link, path) in stage.links.iter().zip(&board.links) {
                        for (index, card) in board.cards.iter().enumerate() {
                            let is_on = |at: &Point| {
                                (card.x..card.right()).contains(&at.x) && (card.y..card.bottom()).contains(&at.y)
                            };
                            if index != link.from && index != link.to && path.points.iter().any(is_on) {
                                let id = |index: usize| &stage.components[index].id;
                                let (from, to) = (id(link.from), id(link.to));
                                across.push(format!("{slug} {name} at {width}: {from} to {to} over {}", id(index)));
                            }
                        }
                    }
                }
            }
        }
        assert!(across.is_empty(), "{} arrows:\n{}", across.len(), across.join("\n"));
    }
}
