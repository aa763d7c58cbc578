//! Stage 10-replication.
