//! Stage 02-backups.
