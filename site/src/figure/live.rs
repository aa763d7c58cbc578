//! Values that tell who follows them when they change.
//!
//! Leptos tracks and tells; the value itself lies in a cell beside its trigger. An `RwSignal` is both in one, and
//! compiles all of its machinery anew for each type of value: for the ten types of a figure a dozen kilobytes of download.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use leptos::prelude::{LocalStorage, Notify, StoredValue, Track, Trigger, WithValue};

/// A value that effects follow. It lives as long as the reactive owner under which it was made.
pub(crate) struct Live<T> {
    cell: StoredValue<Rc<dyn Any>, LocalStorage>,
    changed: Trigger,
    holds: PhantomData<fn() -> T>,
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Live<T> {}

impl<T: 'static> Live<T> {
    pub(crate) fn new(value: T) -> Self {
        let (cell, changed) = made(Rc::new(RefCell::new(value)));
        Self { cell, changed, holds: PhantomData }
    }

    /// Looks at the value, and follows it.
    pub(crate) fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        self.changed.track();
        self.with_untracked(look)
    }

    /// Looks at the value as it is now.
    pub(crate) fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        let cell = held(self.cell).and_then(|cell| cell.downcast::<RefCell<T>>().ok());
        look(&cell.expect("looked at while its figure is there").borrow())
    }

    /// Changes the value, and tells who follows it. Nothing once the figure is gone.
    pub(crate) fn update(self, change: impl FnOnce(&mut T)) {
        if let Some(cell) = held(self.cell).and_then(|cell| cell.downcast::<RefCell<T>>().ok()) {
            change(&mut cell.borrow_mut());
            self.changed.notify();
        }
    }

    pub(crate) fn set(self, value: T) {
        self.update(|old| *old = value);
    }

    /// Sets the value only when it differs, so that nothing is redrawn for nothing.
    pub(crate) fn put(self, value: T)
    where
        T: PartialEq,
    {
        if held(self.cell).is_some() && self.with_untracked(|old| *old != value) {
            self.set(value);
        }
    }
}

impl<T: Clone + 'static> Live<T> {
    pub(crate) fn get(self) -> T {
        self.with(T::clone)
    }

    pub(crate) fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

impl Live<u32> {
    /// Follows the value without looking at it.
    pub(crate) fn track(self) {
        self.changed.track();
    }
}

fn made(cell: Rc<dyn Any>) -> (StoredValue<Rc<dyn Any>, LocalStorage>, Trigger) {
    (StoredValue::new_local(cell), Trigger::new())
}

/// None once its owner is gone.
fn held(cell: StoredValue<Rc<dyn Any>, LocalStorage>) -> Option<Rc<dyn Any>> {
    cell.try_with_value(Rc::clone)
}
