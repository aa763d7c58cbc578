//! All tests from outside, in one program: each program of tests is linked with everything that it tests.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod bad_answers;
mod bad_hosts;
mod bad_tls;
mod common;
mod ends;
mod findings;
mod fuzz;
mod hang_ups;
mod kubernetes;
mod manual;
mod memory;
mod metrics;
mod model;
mod namespaces;
mod plans;
mod power;
mod predict;
mod results_file;
mod run;
mod setups;
mod shards;
mod shards_return;
mod speed;
mod utilisation;
mod visits;
