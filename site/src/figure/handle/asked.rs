//! Questions to a figure's workers, and what comes of them.

use std::cell::Cell;
use std::rc::Rc;

use hockeystick_core::outcome::Outcome;
use hockeystick_protocol::Finding;

/// Questions asked together. Dropped, those that are not under way are forgotten, and its callback is not called again.
#[must_use = "dropping it withdraws the questions"]
#[derive(Debug)]
pub struct Asked {
    pub(crate) wanted: Rc<Cell<bool>>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.wanted.set(false);
    }
}

/// What came of a question: the answer, or why there is none.
pub type Found = Result<Finding, String>;

/// The outcome of a run or of theory.
///
/// # Errors
/// Why there is none.
pub fn outcome(found: Found) -> Result<Outcome, String> {
    match found? {
        Finding::Outcome(outcome) => Ok(*outcome),
        Finding::Means(_) => Err("that was another question".to_owned()),
    }
}
