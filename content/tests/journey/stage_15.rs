//! Stage 15-seeing-it.
