//! All tests from outside, in one program: each program of tests is linked with everything that it tests.

#![cfg(feature = "tick")]
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod api;
mod common;
mod concurrency;
mod deploy;
mod hostile;
mod http;
mod plan;
