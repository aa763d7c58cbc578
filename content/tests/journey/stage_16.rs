//! Stage 16-splitting-services.
