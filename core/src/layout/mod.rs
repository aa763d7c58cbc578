//! Where things stand on a board, in CSS pixels: cards, and the machines that enclose them.
//!
//! Pure geometry, for the page that runs a board and for whoever must know beforehand how high it will be. A board wider
//! than [`NARROW_PX`] shows the stage's own positions; a narrower one turns the board from top to bottom, with cards at the
//! same readable size.
//!
//! - [`card`]: what a card shows, and its size. `wide`, `narrow`: where cards stand.

pub mod card;
mod narrow;
mod wide;

use crate::stage::{Component, Placement, Stage};

/// Below this width a board runs from top to bottom.
pub const NARROW_PX: f64 = 560.0;
/// Board units across: the stage's positions are given in these.
pub const BOARD_UNITS: f64 = 800.0;
/// More components than this make a large board: it has the whole width, and its charts stand below it.
pub const LARGE: usize = 8;
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

/// A point on the board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

impl Point {
    /// How far it is from another. Not by `hypot`: nothing here is so large or so small that it must be that careful.
    #[must_use]
    pub fn far(self, other: Self) -> f64 {
        let (x, y) = (self.x - other.x, self.y - other.y);
        (x * x + y * y).sqrt()
    }

    /// The point so far on the way to another.
    #[must_use]
    pub fn towards(self, other: Self, px: f64) -> Self {
        let share = px / self.far(other).max(1e-9);
        Self { x: self.x + (other.x - self.x) * share, y: self.y + (other.y - self.y) * share }
    }
}

/// A rectangle on the board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

impl Rect {
    /// Its middle.
    pub fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Its right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Its lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The smallest that encloses both.
    fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, width: self.right().max(other.right()) - x, height: self.bottom().max(other.bottom()) - y }
    }
}

/// The cards of a board, laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Cards {
    /// Width and height of the board: as wide as its cards need it, which may be more than its place on the page.
    pub size: (f64, f64),
    /// Whether it runs from top to bottom.
    pub narrow: bool,
    /// One a component.
    pub places: Vec<Rect>,
}

impl Cards {
    /// Lays a stage out for a place of this width.
    pub fn new(stage: &Stage, box_width: f64) -> Self {
        let narrow = box_width < NARROW_PX;
        let width = if narrow { box_width } else { wide::needed_width(stage, box_width) };
        let places = if narrow { narrow::cards(stage, width) } else { wide::cards(stage, width) };
        let boxes = machine_rects(stage, &places, narrow).into_iter().flatten();
        let height = places.iter().copied().chain(boxes).map(|rect| rect.bottom()).fold(0.0, f64::max) + FOOT;
        Self { size: (width, height), narrow, places }
    }
}

/// Calls that lie between the users and each component; the most, where ways of different length lead to it.
pub fn depths(stage: &Stage) -> Vec<usize> {
    let mut depths = vec![0; stage.components.len()];
    // A stage has no cycles; the bound only keeps a broken one from turning for ever.
    for _ in 0..stage.components.len() {
        for link in &stage.links {
            depths[link.to] = depths[link.to].max(depths[link.from] + 1);
        }
    }
    depths
}

/// The components that run on a shared machine.
pub fn members(stage: &Stage, machine: usize) -> impl Iterator<Item = usize> {
    let on = move |component: &Component| match component.machine {
        Some(Placement::Shared(index)) => index == machine,
        _ => false,
    };
    stage.components.iter().enumerate().filter(move |(_, component)| on(component)).map(|(index, _)| index)
}

/// The frames of the shared machines around their cards; none while nothing runs there.
pub fn machine_rects(stage: &Stage, cards: &[Rect], narrow: bool) -> Vec<Option<Rect>> {
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
