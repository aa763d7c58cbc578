//! Stage 07-choosing-a-database.
