//! Stage 04-connection-pool.
