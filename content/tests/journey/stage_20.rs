//! Stage 20-many-regions.
