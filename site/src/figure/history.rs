//! What a reader did to a figure, step by step, so that it can be taken back.

use hockeystick_core::pack;
use hockeystick_core::stage::Stage;

use super::layout::Point;

/// Most steps that are remembered.
const STEPS: usize = 100;

/// Where the reader put things, by their names: the share of the width, and pixels from the top.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Places {
    pub(crate) wide: Vec<(String, Point)>,
    pub(crate) narrow: Vec<(String, Point)>,
}

impl Places {
    /// Those of the board that runs from top to bottom, or of the other.
    pub(crate) fn of(&mut self, narrow: bool) -> &mut Vec<(String, Point)> {
        if narrow { &mut self.narrow } else { &mut self.wide }
    }
}

/// A board as it stood.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) stage: Stage,
    pub(crate) places: Places,
}

impl Moment {
    /// Whether nothing differs.
    fn is(&self, other: &Self) -> bool {
        self.places == other.places && pack::are_alike(&self.stage, &other.stage)
    }
}

/// The moments before each change, and after those that were taken back.
#[derive(Debug, Default)]
pub(crate) struct History {
    past: Vec<Moment>,
    future: Vec<Moment>,
    /// The knob that is being turned.
    turning: Option<String>,
}

impl History {
    /// Remembers the present, `now`, before a change; what was taken back can not be made again then. Changes of one knob
    /// that follow one another are one step.
    pub(crate) fn remember(&mut self, knob: Option<&str>, now: impl FnOnce() -> Moment) {
        if knob.is_some() && self.turning.as_deref() == knob {
            return;
        }
        self.turning = knob.map(str::to_owned);
        self.future.clear();
        self.past.push(now());
        if self.past.len() > STEPS {
            self.past.remove(0);
        }
    }

    /// The knob was let go.
    pub(crate) fn let_go(&mut self) {
        self.turning = None;
    }

    /// The moment before the last change, or after the one that was taken back last; the present is kept for the way
    /// back. None where there is none.
    pub(crate) fn travel(&mut self, back: bool, now: Moment) -> Option<Moment> {
        self.let_go();
        let (from, to) = if back { (&mut self.past, &mut self.future) } else { (&mut self.future, &mut self.past) };
        // A change that came to nothing is no step.
        let then = std::iter::from_fn(|| from.pop()).find(|then| !then.is(&now))?;
        to.push(now);
        Some(then)
    }

    /// Whether there is a way back, and one forward.
    pub(crate) fn can_travel(&self) -> (bool, bool) {
        (!self.past.is_empty(), !self.future.is_empty())
    }
}
