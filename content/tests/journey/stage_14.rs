//! Stage 14-message-queue.
