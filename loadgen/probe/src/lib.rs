//! What loadgen is held against: a server whose service times are known, and a plain use of goose.
//!
//! - [`server`]: the server. `known-server` runs it. [`delay`]: how long it holds an answer back.
//! - `plain-goose`: what an engineer writes who takes goose as it is.
//! - `benches/peers`: loadgen beside wrk, oha, plain goose and others, in one run.

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

pub mod delay;
#[cfg(target_os = "linux")]
pub mod server;
