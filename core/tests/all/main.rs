//! All tests from outside, in one program: each program of tests is linked with everything that it tests. One that counts
//! allocations has an allocator of its own, and is apart.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod agreement;
mod agreement_fluid;
mod agreement_laws;
mod agreement_networks;
mod agreement_solver;
mod app_server;
mod capacity;
mod common_random_numbers;
mod copies;
mod endless;
mod faults;
mod identity;
mod pack;
mod random_stages;
mod recording;
mod simulation;
mod steady;
mod table;
mod theory;
mod trace;
mod traffic;
mod users;
mod verdict;
mod watching;
