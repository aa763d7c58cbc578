//! Stage 03-staying-up.
