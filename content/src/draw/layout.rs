//! Where everything on a still board is.
//!
//! Two boards of one stage: a wide one with the stage's own positions, and a narrow one that runs from top to bottom
//! with cards of the same size. A live figure lays out the same way, so nothing jumps when it begins.

use hockeystick_core::component::Kind;
use hockeystick_core::stage::{Placement, Stage};

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, width: self.right().max(other.right()) - x, height: self.bottom().max(other.bottom()) - y }
    }
}

/// A board laid out.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// One a component.
    pub(super) cards: Vec<Rect>,
    /// Each shared machine that something runs on.
    pub(super) machines: Vec<(usize, Rect)>,
    /// One SVG path a link.
    pub(super) links: Vec<String>,
}

const WIDE: f64 = 800.0;
/// Wider than this a board would be too small to read.
const WIDEST: f64 = 2.0 * WIDE;
const NARROW: f64 = 360.0;
const MARGIN: f64 = 24.0;
/// Between a machine's edge and its cards.
const PAD: f64 = 14.0;
/// Above a machine's cards, for its name.
const HEAD: f64 = 44.0;
/// Between the rows of a narrow board.
const ROW_GAP: f64 = 54.0;

/// Rows of slots on a card: what is in service, what waits.
pub(super) fn rows(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::AppServer => &["Workers", "Waiting"],
        Kind::Database => &["Queries"],
        _ => &[],
    }
}

fn card_size(stage: &Stage, component: usize) -> (f64, f64) {
    match rows(stage.components[component].settings.kind()).len() {
        0 => (116.0, 92.0),
        rows => (172.0, 54.0 + 34.0 * rows as f64),
    }
}

impl Layout {
    /// As wide as the cards need it: a large board is shown smaller, as the live figure does.
    pub(super) fn wide(stage: &Stage) -> Self {
        let mut width = WIDE;
        loop {
            let cards = wide_cards(stage, width);
            if width > WIDEST || !is_crowded(&cards) {
                return Self::of(stage, cards, width);
            }
            width *= 1.08;
        }
    }

    pub(super) fn narrow(stage: &Stage) -> Self {
        let depths = depths(stage);
        let mut cards = vec![Rect::default(); stage.components.len()];
        let mut top = MARGIN;
        let mut begun: Vec<usize> = Vec::new();
        for depth in 0..=depths.iter().copied().max().unwrap_or(0) {
            let mut row: Vec<usize> = (0..cards.len()).filter(|index| depths[*index] == depth).collect();
            row.sort_by(|a, b| stage.components[*a].at[1].total_cmp(&stage.components[*b].at[1]));
            for &index in &row {
                if let Some(Placement::Shared(machine)) = stage.components[index].machine
                    && !begun.contains(&machine)
                {
                    begun.push(machine);
                    top += HEAD / 2.0;
                }
            }
            top = place_row(stage, &row, top, &mut cards) + ROW_GAP;
        }
        align_with_machine(stage, &mut cards);
        Self::of(stage, cards, NARROW)
    }

    fn of(stage: &Stage, cards: Vec<Rect>, width: f64) -> Self {
        let machines = machine_rects(stage, &cards);
        let bottoms = cards.iter().chain(machines.iter().map(|(_, rect)| rect)).map(Rect::bottom);
        let height = bottoms.fold(0.0, f64::max) + MARGIN;
        let links = stage.links.iter().map(|link| arrow(&cards[link.from], &cards[link.to])).collect();
        Self { width, height, cards, machines, links }
    }
}

/// The stage's own positions on a board of this width, the top of everything at the margin.
fn wide_cards(stage: &Stage, board: f64) -> Vec<Rect> {
    let place = |index| {
        let (width, height) = card_size(stage, index);
        let [x, y] = stage.components[index].at.map(f64::from);
        let edge = MARGIN + if is_shared(stage, index) { PAD } else { 0.0 };
        let x = (x * board / WIDE - width / 2.0).clamp(edge, board - width - edge);
        Rect { x, y: y - height / 2.0, width, height }
    };
    let mut cards: Vec<Rect> = (0..stage.components.len()).map(place).collect();
    let machines = machine_rects(stage, &cards);
    let top = cards.iter().chain(machines.iter().map(|(_, rect)| rect)).map(|rect| rect.y).fold(f64::MAX, f64::min);
    for card in &mut cards {
        card.y += MARGIN - top;
    }
    cards
}

/// Whether any card lies on another.
fn is_crowded(cards: &[Rect]) -> bool {
    let meets = |a: &Rect, b: &Rect| a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
    cards.iter().enumerate().any(|(index, a)| cards[index + 1..].iter().any(|b| meets(a, b)))
}

fn is_shared(stage: &Stage, component: usize) -> bool {
    matches!(stage.components[component].machine, Some(Placement::Shared(_)))
}

/// Calls between the users and each component.
fn depths(stage: &Stage) -> Vec<usize> {
    let mut depths = vec![0; stage.components.len()];
    for _ in 0..stage.components.len() {
        for link in &stage.links {
            // A circle would go on for ever: no way is longer than there are components.
            depths[link.to] = depths[link.to].max(depths[link.from] + 1).min(stage.components.len());
        }
    }
    depths
}

/// Places cards side by side, in as many lines as the width needs; returns the bottom of the lowest.
fn place_row(stage: &Stage, row: &[usize], top: f64, cards: &mut [Rect]) -> f64 {
    let mut lines: Vec<Vec<usize>> = Vec::new();
    let mut used = f64::MAX;
    for &index in row {
        let (width, _) = card_size(stage, index);
        if used + width > NARROW - 2.0 * MARGIN {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += width + 8.0;
        if let Some(line) = lines.last_mut() {
            line.push(index);
        }
    }
    let (mut top, mut bottom) = (top, top);
    for line in lines {
        let total: f64 = line.iter().map(|index| card_size(stage, *index).0).sum();
        let gap = (NARROW - total) / (line.len() + 1) as f64;
        let mut x = gap;
        for index in line {
            let (width, height) = card_size(stage, index);
            cards[index] = Rect { x, y: top, width, height };
            x += width + gap;
            bottom = f64::max(bottom, top + height);
        }
        top = bottom + ROW_GAP / 2.0;
    }
    bottom
}

/// Cards of one machine stand in one column where each is alone of them in its row.
fn align_with_machine(stage: &Stage, cards: &mut [Rect]) {
    for machine in 0..stage.machines.len() {
        let members = members(stage, machine);
        let Some(&first) = members.first() else { continue };
        let one_a_row = members.iter().all(|a| members.iter().all(|b| a == b || cards[*a].y != cards[*b].y));
        if one_a_row {
            let centre = cards[first].middle().0.min(NARROW - 86.0 - PAD - 5.0);
            for index in members {
                cards[index].x = centre - cards[index].width / 2.0;
            }
        }
    }
}

fn members(stage: &Stage, machine: usize) -> Vec<usize> {
    let runs_there = |index: &usize| stage.components[*index].machine == Some(Placement::Shared(machine));
    (0..stage.components.len()).filter(runs_there).collect()
}

fn machine_rects(stage: &Stage, cards: &[Rect]) -> Vec<(usize, Rect)> {
    let rect = |machine| {
        let inner = members(stage, machine).into_iter().map(|index| cards[index]).reduce(Rect::around)?;
        let (x, y) = (inner.x - PAD, inner.y - HEAD);
        Some((machine, Rect { x, y, width: inner.width + 2.0 * PAD, height: inner.height + HEAD + PAD }))
    };
    (0..stage.machines.len()).filter_map(rect).collect()
}

/// A curve from card to card that leaves and enters at right angles.
fn arrow(from: &Rect, to: &Rect) -> String {
    let across = (to.x - from.right()).max(from.x - to.right());
    let along = (to.y - from.bottom()).max(from.y - to.bottom());
    let ((ax, ay), (bx, by)) = (from.middle(), to.middle());
    if across >= along {
        let (a, b) = if bx >= ax { (from.right(), to.x) } else { (from.x, to.right()) };
        let half = (a + b) / 2.0;
        format!("M{a:.0} {ay:.0}C{half:.0} {ay:.0} {half:.0} {by:.0} {b:.0} {by:.0}")
    } else {
        let (a, b) = if by >= ay { (from.bottom(), to.y) } else { (from.y, to.bottom()) };
        let half = (a + b) / 2.0;
        format!("M{ax:.0} {a:.0}C{ax:.0} {half:.0} {bx:.0} {half:.0} {bx:.0} {b:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_card_of_a_built_in_stage_lies_on_another() {
        for slug in crate::builtin::slugs() {
            let Some(Ok(stage)) = crate::builtin::stage(slug) else { panic!("{slug} cannot be read") };
            assert!(!is_crowded(&Layout::wide(&stage).cards), "{slug}");
        }
    }
}
