//! The figures of the page, by name.

use std::cell::RefCell;
use std::rc::Rc;

use super::FigureHandle;

type Awaiting = (String, Box<dyn FnOnce(FigureHandle)>);

thread_local! {
    static MOUNTED: RefCell<Vec<FigureHandle>> = const { RefCell::new(Vec::new()) };
    static AWAITED: RefCell<Vec<Awaiting>> = const { RefCell::new(Vec::new()) };
}

/// The figure with this id, if it is mounted.
pub fn find(id: &str) -> Option<FigureHandle> {
    MOUNTED.with_borrow(|mounted| mounted.iter().find(|figure| figure.id() == id).cloned())
}

/// Calls back with the figure of this id: now if it is mounted, else as soon as it is.
pub fn when_mounted(id: &str, call: impl FnOnce(FigureHandle) + 'static) {
    match find(id) {
        Some(figure) => call(figure),
        None => AWAITED.with_borrow_mut(|awaited| awaited.push((id.to_owned(), Box::new(call)))),
    }
}

/// Makes a figure known, and tells those who wait for it.
pub(crate) fn register(figure: &FigureHandle) {
    MOUNTED.with_borrow_mut(|mounted| mounted.push(figure.clone()));
    let calls: Vec<_> = AWAITED
        .with_borrow_mut(|awaited| awaited.extract_if(.., |(id, _)| id == figure.id()).map(|(_, call)| call).collect());
    for call in calls {
        call(figure.clone());
    }
}

/// Forgets a figure whose element was removed.
pub(crate) fn unregister(figure: &FigureHandle) {
    MOUNTED.with_borrow_mut(|mounted| mounted.retain(|other| !Rc::ptr_eq(&other.0, &figure.0)));
}
