//! Who is told of a figure's changes and samples.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::{Change, FigureHandle, Sample, State};

pub(super) type ChangeListener = Rc<RefCell<dyn FnMut(&FigureHandle, &Change)>>;
pub(super) type SampleListener = Rc<RefCell<dyn FnMut(&Sample)>>;

/// Stops the calls when it is dropped. Keep it as long as you want to be called.
#[must_use = "dropping it stops the calls"]
pub struct Subscription {
    end: Option<Box<dyn FnOnce()>>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription")
    }
}

impl FigureHandle {
    /// Calls back after each change, whoever made it.
    pub fn on_change(&self, listener: impl FnMut(&Self, &Change) + 'static) -> Subscription {
        let id = self.next_id();
        self.0.changes.borrow_mut().push((id, Rc::new(RefCell::new(listener))));
        self.subscription(move |state| state.changes.borrow_mut().retain(|(other, _)| *other != id))
    }

    /// Calls back with what was measured, about four times a second while it runs and is seen.
    pub fn on_sample(&self, listener: impl FnMut(&Sample) + 'static) -> Subscription {
        let id = self.next_id();
        self.0.samples.borrow_mut().push((id, Rc::new(RefCell::new(listener))));
        self.subscription(move |state| state.samples.borrow_mut().retain(|(other, _)| *other != id))
    }

    fn next_id(&self) -> u64 {
        let id = self.0.next_id.get();
        self.0.next_id.set(id + 1);
        id
    }

    fn subscription(&self, end: impl FnOnce(&State) + 'static) -> Subscription {
        let state: Weak<State> = Rc::downgrade(&self.0);
        let end = move || {
            if let Some(state) = state.upgrade() {
                end(&state);
            }
        };
        Subscription { end: Some(Box::new(end)) }
    }

    pub(super) fn tell(&self, change: &Change) {
        let listeners: Vec<_> = self.0.changes.borrow().iter().map(|(_, listener)| Rc::clone(listener)).collect();
        for listener in listeners {
            // A listener that turns a knob hears of its own change from the others only.
            if let Ok(mut call) = listener.try_borrow_mut() {
                call(self, change);
            }
        }
    }

    pub(crate) fn tell_sample(&self, sample: &Sample) {
        let listeners: Vec<_> = self.0.samples.borrow().iter().map(|(_, listener)| Rc::clone(listener)).collect();
        for listener in listeners {
            if let Ok(mut call) = listener.try_borrow_mut() {
                call(sample);
            }
        }
    }
}
