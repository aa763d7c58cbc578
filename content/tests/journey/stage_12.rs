//! Stage 12-cdn.
