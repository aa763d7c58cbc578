//! Where everything on a board is, in CSS pixels: cards, the machines that enclose them, and the arrows.
//!
//! Pure geometry. A board wider than [`NARROW_PX`] shows the stage's own positions; a narrower one turns the board from
//! top to bottom, with cards at the same readable size.

use hockeystick_core::component::Settings;
use hockeystick_core::number::within;
use hockeystick_core::stage::edit::Spot;
use hockeystick_core::stage::{Placement, Stage};

use super::route::{self, Path};
use crate::charts::scale::in_order;

/// Below this width a board runs from top to bottom.
pub(crate) const NARROW_PX: f64 = 560.0;
/// Board units across: the stage's positions are given in these.
pub(crate) const BOARD_UNITS: f64 = 800.0;
/// Space between a machine's edge and its cards.
const MACHINE_PAD: f64 = 14.0;
/// Space for a machine's name and bars: above its cards, or on a narrow board below them, so that arrows from above do
/// not cross it.
const MACHINE_HEAD: f64 = 70.0;
const MACHINE_FOOT: f64 = 92.0;
/// Space between the board's edge and everything on it.
const MARGIN: f64 = 22.0;
/// Space below the lowest thing: room for what falls, and for the bottleneck's mark.
const FOOT: f64 = 46.0;
/// Least length of an arrow between two cards side by side.
const ARROW_PX: f64 = 46.0;
/// What is dropped this near an arrow is dropped on it.
const NEAR_PX: f64 = 30.0;
/// Between the rows of a narrow board: room to see what travels.
const ROW_GAP: f64 = 62.0;

/// A point on the board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

impl Point {
    /// How far it is from another. Not by `hypot`: nothing here is so large or so small that it must be that careful.
    pub(crate) fn far(self, other: Self) -> f64 {
        let (x, y) = (self.x - other.x, self.y - other.y);
        (x * x + y * y).sqrt()
    }
}

/// A rectangle on the board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, width: self.right().max(other.right()) - x, height: self.bottom().max(other.bottom()) - y }
    }
}

/// What a card shows below its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Slots for requests in service.
    Serving,
    /// Slots for requests that wait.
    Waiting,
    /// A bar: the processors of a machine of its own.
    Cpu,
    /// A figure of its own kind, by its place among the kind's glances.
    Figure(u8),
}

impl Row {
    /// Its height; `figure.css` gives the same to its elements.
    const fn height(self) -> f64 {
        match self {
            Self::Cpu => 26.0,
            Self::Figure(_) => 24.0,
            Self::Serving | Self::Waiting => 37.0,
        }
    }
}

/// The rows of a component's card.
pub(crate) fn rows(stage: &Stage, component: usize) -> &'static [Row] {
    const APP: [Row; 4] = [Row::Cpu, Row::Serving, Row::Waiting, Row::Figure(0)];
    const ROWS: [Row; 4] = [Row::Cpu, Row::Serving, Row::Figure(0), Row::Figure(1)];
    const OTHER: [Row; 3] = [Row::Cpu, Row::Figure(0), Row::Figure(1)];
    const CACHE: [Row; 4] = [Row::Cpu, Row::Figure(0), Row::Figure(2), Row::Figure(3)];
    const CDN: [Row; 3] = [Row::Cpu, Row::Figure(0), Row::Figure(2)];
    let leads_on = || stage.links.iter().any(|link| link.from == component);
    let component = &stage.components[component];
    let own = matches!(component.machine, Some(Placement::Own { .. }));
    let (rows, most): (&[Row], usize) = match &component.settings {
        Settings::AppServer(app) => (&APP, if app.pool > 0 { 4 } else { 3 }),
        // On a machine with others, the machine's head has the bars, and the card is small.
        Settings::Database(_) if !own => (&ROWS, 2),
        Settings::Database(_) => (&ROWS, if component.copies > 1 { 4 } else { 3 }),
        Settings::Replica(_) => (&ROWS, 3),
        Settings::Clients(users) => (&OTHER, if users.browser_cache > 0.0 { 2 } else { 1 }),
        Settings::Dns(_) => (&OTHER, if leads_on() { 2 } else { 1 }),
        Settings::Autoscaler(_) | Settings::Batch(_) | Settings::ObjectStore(_) => (&OTHER, 2),
        Settings::Cache(_) => (&CACHE, 4),
        Settings::Cdn(_) => (&CDN, 3),
        _ if own => (&OTHER, 2),
        _ => (&OTHER, 3),
    };
    &rows[usize::from(!own)..most]
}

/// The size of a component's card; `figure.css` gives the same heights to its parts.
pub(crate) fn card_size(stage: &Stage, component: usize) -> (f64, f64) {
    let rows = rows(stage, component);
    if rows.is_empty() {
        return (116.0, 96.0);
    }
    // Below a line of figures there is room for the mark of the busiest.
    let foot = if matches!(rows.last(), Some(Row::Figure(_))) { 12.0 } else { 6.0 };
    let inside = 46.0 + rows.iter().map(|row| row.height()).sum::<f64>() + foot;
    if rows.contains(&Row::Serving) {
        return (188.0, inside);
    }
    // Whoever answers requests has a line for them at its foot.
    let answers = stage.links.iter().any(|link| link.to == component || link.from == component);
    (148.0, if answers { inside + FOOT_LINE } else { inside })
}

/// Height of the line of requests at the foot of a card without slots.
const FOOT_LINE: f64 = 16.0;

/// Slots of one row: how many fit into a card.
pub(crate) const SLOTS: usize = 14;
/// From one slot's centre to the next.
pub(crate) const SLOT_PX: f64 = 11.8;
/// From a card's left edge to the centre of its first slot.
pub(crate) const SLOT_LEFT: f64 = 17.5;

/// The centre of the slots' line of a row, from the card's top.
pub(crate) fn slot_top(rows: &[Row], row: Row) -> f64 {
    let mut top = 46.0;
    for each in rows {
        if *each == row {
            break;
        }
        top += each.height();
    }
    top + 23.0
}

/// How far below a card's top arrows meet its sides: at its first line of slots, so that requests run in on a level.
fn anchor(stage: &Stage, component: usize) -> f64 {
    let rows = rows(stage, component);
    if rows.contains(&Row::Serving) { slot_top(rows, Row::Serving) } else { card_size(stage, component).1 / 2.0 }
}

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
        let narrow = box_width < NARROW_PX;
        let width = if narrow { box_width } else { needed_width(stage, box_width) };
        let mut cards = if narrow { narrow_cards(stage, width) } else { wide_cards(stage, width) };
        let height = content_height(stage, &cards, narrow);
        for (component, card) in stage.components.iter().zip(&mut cards) {
            if let Some((_, centre)) = moved.iter().find(|(id, _)| *id == component.id) {
                put(card, Point { x: centre.x * width, ..*centre }, (width, height));
            }
        }
        Self { width, height, fit: box_width / width, narrow, cards, ..Self::default() }.connected(stage)
    }

    /// The same board with its cards elsewhere: of what else there is, only machines and arrows follow. A card that is
    /// dragged has no time to find the board's width anew.
    pub(crate) fn moved(&self, stage: &Stage, centres: &[Point]) -> Self {
        let mut cards = self.cards.clone();
        for (card, centre) in cards.iter_mut().zip(centres) {
            put(card, *centre, (self.width, self.height));
        }
        let Self { width, height, fit, narrow, .. } = *self;
        Self { width, height, fit, narrow, cards, ..Self::default() }.connected(stage)
    }

    fn connected(self, stage: &Stage) -> Self {
        let machines = machine_rects(stage, &self.cards, self.narrow);
        let anchors: Vec<f64> = (0..self.cards.len()).map(|index| anchor(stage, index)).collect();
        let links = route::paths(&stage.links, &self.cards, &anchors, Point { x: self.width, y: self.height });
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

fn content_height(stage: &Stage, cards: &[Rect], narrow: bool) -> f64 {
    let boxes = machine_rects(stage, cards, narrow).into_iter().flatten();
    cards.iter().copied().chain(boxes).map(|rect| rect.bottom()).fold(0.0, f64::max) + FOOT
}

/// The width at which the fewest cards lie on one another: as wide as the place, or wider and shown smaller.
fn needed_width(stage: &Stage, box_width: f64) -> f64 {
    let crowded = |width: f64| {
        let cards = wide_cards(stage, width);
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
fn wide_cards(stage: &Stage, width: f64) -> Vec<Rect> {
    let scale = width / BOARD_UNITS;
    let place = |index: usize| {
        let component = &stage.components[index];
        let (w, h) = card_size(stage, index);
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

/// Calls that lie between the users and each component; the most, where ways of different length lead to it.
pub(crate) fn depths(stage: &Stage) -> Vec<usize> {
    let mut depths = vec![0; stage.components.len()];
    // A stage has no cycles; the bound only keeps a broken one from turning for ever.
    for _ in 0..stage.components.len() {
        for link in &stage.links {
            depths[link.to] = depths[link.to].max(depths[link.from] + 1);
        }
    }
    depths
}

/// Rows by distance from the users; within a row, from left to right what was from top to bottom.
fn narrow_cards(stage: &Stage, width: f64) -> Vec<Rect> {
    let depths = depths(stage);
    let mut cards = vec![Rect::default(); stage.components.len()];
    let mut top = MARGIN;
    for depth in 0..=depths.iter().copied().max().unwrap_or(0) {
        let from_top = in_order(stage.components.iter().map(|component| component.at[1].into()));
        let row: Vec<usize> = from_top.into_iter().filter(|index| depths[*index] == depth).collect();
        top = place_row(stage, &row, top, width, &mut cards) + ROW_GAP;
    }
    align_machines(stage, &mut cards, width);
    (0..stage.machines.len()).for_each(|machine| make_room(stage, machine, &mut cards));
    cards
}

/// The bars of a machine stand below its cards: what would lie on them moves down, with everything below it.
fn make_room(stage: &Stage, machine: usize, cards: &mut [Rect]) {
    let Some(Some(rect)) = machine_rects(stage, cards, true).into_iter().nth(machine) else { return };
    let (foot, clear) = (rect.bottom() - MACHINE_FOOT, rect.bottom() + ROW_GAP);
    let meets = |card: &&Rect| (foot..clear).contains(&card.y) && card.x < rect.right() && rect.x < card.right();
    let highest = cards.iter().filter(meets).map(|card| card.y).fold(clear, f64::min);
    cards.iter_mut().filter(|card| card.y >= highest).for_each(|card| card.y += clear - highest);
}

/// Places a row's cards side by side, in as many lines as the width needs; returns the bottom of the lowest.
fn place_row(stage: &Stage, row: &[usize], top: f64, width: f64, cards: &mut [Rect]) -> f64 {
    let space = width - 2.0 * (MARGIN + 4.0);
    // Each line with the width that its cards take.
    let mut lines: Vec<(f64, Vec<usize>)> = Vec::new();
    for &index in row {
        let wide = card_size(stage, index).0;
        match lines.iter_mut().find(|(total, line)| total + wide + 12.0 * line.len() as f64 <= space) {
            Some((total, line)) => {
                *total += wide;
                line.push(index);
            }
            None => lines.push((wide, vec![index])),
        }
    }
    let mut top = top;
    let mut bottom = top;
    for (total, line) in lines {
        let gap = (width - total) / (line.len() + 1) as f64;
        let mut x = gap;
        for index in line {
            let (w, h) = card_size(stage, index);
            cards[index] = Rect { x, y: top, width: w, height: h };
            x += w + gap;
            bottom = f64::max(bottom, top + h);
        }
        top = bottom + ROW_GAP / 2.0;
    }
    bottom
}

/// Cards of one machine stand in one column when each is alone in its row.
fn align_machines(stage: &Stage, cards: &mut [Rect], width: f64) {
    for machine in 0..stage.machines.len() {
        let members: Vec<usize> = members(stage, machine).collect();
        let Some(&first) = members.first() else { continue };
        let one_a_row = members.iter().all(|a| members.iter().all(|b| a == b || cards[*a].y != cards[*b].y));
        if one_a_row {
            let widest = members.iter().map(|index| cards[*index].width).fold(0.0, f64::max);
            let most = width - widest / 2.0 - MARGIN - MACHINE_PAD + 10.0;
            let centre = cards[first].centre().x.min(most);
            members.iter().for_each(|index| cards[*index].x = centre - cards[*index].width / 2.0);
        }
    }
}

/// The components that run on a shared machine.
pub(crate) fn members(stage: &Stage, machine: usize) -> impl Iterator<Item = usize> {
    let on = move |component: &hockeystick_core::stage::Component| match component.machine {
        Some(Placement::Shared(index)) => index == machine,
        _ => false,
    };
    stage.components.iter().enumerate().filter(move |(_, component)| on(component)).map(|(index, _)| index)
}

fn machine_rects(stage: &Stage, cards: &[Rect], narrow: bool) -> Vec<Option<Rect>> {
    let (above, below) = if narrow { (MACHINE_PAD, MACHINE_FOOT) } else { (MACHINE_HEAD, MACHINE_PAD) };
    let rect = |machine| {
        let inner = members(stage, machine).map(|index| cards[index]).reduce(Rect::around)?;
        Some(Rect {
            x: inner.x - MACHINE_PAD,
            y: inner.y - above,
            width: inner.width + 2.0 * MACHINE_PAD,
            height: inner.height + above + below,
        })
    };
    (0..stage.machines.len()).map(rect).collect()
}
