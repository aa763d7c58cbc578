//! Stage 19-sharding.
