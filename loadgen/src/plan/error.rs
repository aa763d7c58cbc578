//! What is wrong with a plan, and where.

use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// A plan that cannot be run: the file, the place, what is wrong and what would be valid.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct PlanError {
    message: String,
    #[source_code]
    text: Arc<NamedSource<String>>,
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: Option<String>,
}

impl PlanError {
    pub(super) fn new(message: String, file: &str, text: &str, span: Option<Range<usize>>, help: &str) -> Self {
        Self {
            message,
            text: Arc::new(NamedSource::new(file, text.to_owned()).with_language("toml")),
            span: span.map(SourceSpan::from),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }
}
