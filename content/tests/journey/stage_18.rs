//! Stage 18-delayed-writes.
