//! A timer that takes a place in the calendar only once it is used.

use super::calendar::Slot;
use super::{Engine, Timer};
use crate::units::Nanos;

/// For timers that most components never need: a smaller calendar is a faster one.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    timer: Timer,
    slot: Option<Slot>,
}

impl Alarm {
    /// An alarm that is not set.
    pub const fn new(timer: Timer) -> Self {
        Self { timer, slot: None }
    }

    /// Sets it; it goes off as [`super::Event::Timer`].
    pub fn set(&mut self, engine: &mut Engine, at: Nanos) {
        let slot = *self.slot.get_or_insert_with(|| engine.add_timer(self.timer));
        engine.set_timer(slot, at);
    }

    /// Stops it.
    pub fn clear(&self, engine: &mut Engine) {
        if let Some(slot) = self.slot {
            engine.clear_timer(slot);
        }
    }

    /// When it goes off.
    pub fn at(&self, engine: &Engine) -> Option<Nanos> {
        engine.timer(self.slot?)
    }
}
