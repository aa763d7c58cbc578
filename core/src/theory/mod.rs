//! Queueing theory: what can be said of a stage without simulating it.

pub mod network;
