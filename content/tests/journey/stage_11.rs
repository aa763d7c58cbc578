//! Stage 11-cache.
