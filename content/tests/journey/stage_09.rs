//! Stage 09-load-balancer.
