//! Stage 01-single-server.
