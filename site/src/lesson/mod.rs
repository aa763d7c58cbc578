//! What brings a lesson's text to life: numbers that turn a figure, questions before results, tasks that are judged.
//!
//! The page is real, readable HTML before any of this runs, and stays so where it cannot run.
//!
//! - `knob`: numbers in sentences. `predict`: a guess before the result. `challenge`: a task, with `judge`'s verdict.
//! - `thing`: words that light up what they name on the board.

mod challenge;
mod judge;
mod knob;
mod measured;
mod predict;
mod thing;

use std::any::Any;
use std::cell::RefCell;

use web_sys::HtmlElement;

thread_local! {
    /// What lives as long as the page.
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Starts what a page has once: knobs in sentences, words for things.
pub fn start() {
    KEPT.with_borrow_mut(|kept| {
        kept.push(Box::new(knob::start()));
        kept.push(Box::new(thing::start()));
    });
}

/// Brings a `<hockeystick-predict>` to life.
pub fn mount_predict(element: &HtmlElement) -> Box<dyn Any> {
    Box::new(predict::Predict::mount(element))
}

/// Brings a `<hockeystick-challenge>` to life.
pub fn mount_challenge(element: &HtmlElement) -> Box<dyn Any> {
    Box::new(challenge::Board::mount(element))
}
