//! A wide board: the stage's own positions, moved apart where cards would meet.

use super::card::size;
use super::{BOARD_UNITS, MACHINE_PAD, MARGIN, Rect, machine_rects};
use crate::number::{in_order, within};
use crate::stage::{Placement, Stage};

/// Least length of an arrow between two cards side by side.
const ARROW_PX: f64 = 46.0;

/// The width at which the fewest cards lie on one another: as wide as the place, or wider and shown smaller.
pub(super) fn needed_width(stage: &Stage, box_width: f64) -> f64 {
    let crowded = |width: f64| {
        let cards = cards(stage, width);
        let meets = |a: &Rect, b: &Rect| {
            a.x < b.right() + 6.0 && b.x < a.right() + 6.0 && a.y < b.bottom() + 6.0 && b.y < a.bottom() + 6.0
        };
        let pairs = cards.iter().enumerate().flat_map(|(index, a)| cards[index + 1..].iter().map(move |b| (a, b)));
        pairs.filter(|(a, b)| meets(a, b)).count()
    };
    let mut best = (box_width, crowded(box_width));
    let mut width = box_width;
    while best.1 > 0 && width < box_width * 2.4 {
        width *= 1.08;
        let now = crowded(width);
        if now < best.1 {
            best = (width, now);
        }
    }
    best.0
}

/// The stage's own positions, moved so that the top of everything is at the margin.
pub(super) fn cards(stage: &Stage, width: f64) -> Vec<Rect> {
    let scale = width / BOARD_UNITS;
    let place = |index: usize| {
        let component = &stage.components[index];
        let (w, h) = size(stage, index);
        let x = f64::from(component.at[0]) * scale - w / 2.0;
        Rect { x: within(x, MARGIN, width - w - MARGIN), y: f64::from(component.at[1]) - h / 2.0, width: w, height: h }
    };
    let mut cards: Vec<Rect> = (0..stage.components.len()).map(place).collect();
    separate(stage, &mut cards, width);
    let boxes = machine_rects(stage, &cards, false).into_iter().flatten();
    let top = cards.iter().copied().chain(boxes).map(|rect| rect.y).fold(f64::INFINITY, f64::min);
    let shift = if top.is_finite() { MARGIN - top } else { 0.0 };
    cards.iter_mut().for_each(|card| card.y += shift);
    cards
}

/// Cards side by side keep room for an arrow between them; a machine's own edge stays on the board.
fn separate(stage: &Stage, cards: &mut [Rect], width: f64) {
    let inset = |index: usize| match stage.components[index].machine {
        Some(Placement::Shared(_)) => MARGIN + MACHINE_PAD,
        _ => MARGIN,
    };
    let order = in_order(cards.iter().map(|card| -card.x));
    for (place, &index) in order.iter().enumerate() {
        let mut most = width - cards[index].width - inset(index);
        for &right in &order[..place] {
            let level = cards[right].y < cards[index].bottom() + 8.0 && cards[index].y < cards[right].bottom() + 8.0;
            if level {
                // From outside into a machine the arrow must cross its edge.
                let edge = (inset(index) - inset(right)).abs();
                most = most.min(cards[right].x - cards[index].width - ARROW_PX - edge);
            }
        }
        cards[index].x = cards[index].x.min(most).max(inset(index).min(most.max(4.0)));
    }
    // What the left edge stopped pushes back.
    let order = in_order(cards.iter().map(|card| card.x));
    for (place, &index) in order.iter().enumerate() {
        for &left in &order[..place] {
            let level = cards[left].y < cards[index].bottom() + 8.0 && cards[index].y < cards[left].bottom() + 8.0;
            if level && cards[index].x < cards[left].right() {
                let edge = (inset(index) - inset(left)).abs();
                cards[index].x = cards[left].right() + ARROW_PX + edge;
            }
        }
        cards[index].x = cards[index].x.min(width - cards[index].width - 4.0);
    }
}
