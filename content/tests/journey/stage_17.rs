//! Stage 17-read-write-services.
