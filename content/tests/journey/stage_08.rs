//! Stage 08-tuning-queries.
