//! Stage 13-stateless-web.
