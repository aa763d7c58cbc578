//! Queueing theory: what can be said of a stage without simulating it.

pub mod complex;
pub mod cores;
pub mod demand;
pub mod erlang;
pub mod inversion;
pub mod markov;
pub mod network;
pub mod pollaczek;
pub mod population;
pub mod sharing;
mod spread;
mod walk;
