//! All tests from outside, in one program: each program of tests is linked with everything that it tests. One that counts
//! allocations has an allocator of its own, and is apart.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod addresses;
mod bad_input;
mod claims;
mod colours;
mod editing;
mod fuzz;
mod journey;
mod layout;
mod schema;
mod site;
mod stage;
mod theory_of_settings;
mod theory_of_the_journey;
mod trace;
