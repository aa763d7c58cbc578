//! Tick, the reference app, and the code that deploys it as real processes.
//!
//! Hockeystick's model is only worth something if it predicts a real system. This crate is that system:
//!
//! - [`deploy`] starts Tick on loopback under a CPU quota, reads the CPU time it used, and cleans up after it.
//! - `guard` stands between a deployment and its process, and cleans up when either ends.
//! - [`plan`] names what a load test may ask of a seeded Tick, by request class.
//! - `tick` (the feature of that name) is the app: a shared to-do list on axum and sqlx. The `tick` binary runs it.
//!
//! A caller that only deploys switches the default features off and builds neither axum nor sqlx.
//! See the crate's README for Tick's endpoints and flags.

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

pub mod deploy;
#[cfg(feature = "tick")]
pub mod guard;
pub mod plan;
#[cfg(feature = "tick")]
pub mod tick;
