//! Stage 05-vertical-scaling.
