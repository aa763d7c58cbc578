//! Stage 06-split-database.
