//! Stage 21-ten-million.
