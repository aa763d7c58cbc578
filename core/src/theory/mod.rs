//! Queueing theory: what can be said of a stage without simulating it.
//!
//! # Layout
//!
//! Formulas that stand alone, each with its source, its units and how exact it is:
//! - [`erlang`], [`markov`]: Erlang B and C; M/M/c, M/M/c/K, M/M/inf. [`pollaczek`]: M/G/1, first come, first served.
//!   [`general`]: M/G/c and G/G/c.
//! - [`sharing`], [`cores`], [`crosstalk`]: processor sharing on one processor, on several, and on such as get in one
//!   another's way. [`quota`]: a limit on them.
//! - [`jackson`]: open networks. [`closed`], [`classes`]: closed networks of one class and of several; [`bounds`] of
//!   their throughput.
//! - [`retry`]: what retries add, and when they keep an overload alive. [`fluid`]: backlogs of spikes.
//! - [`fanout`]: requests of many parts. [`scalability`]: the Universal Scalability Law. [`availability`]: what breaks.
//! - [`sharding`]: the hottest shard. Of popularity and hit ratios: [`popularity`](crate::popularity).
//! - [`demand`]: moments and transforms of service demands. [`complex`], [`inversion`]: from a transform to its
//!   function.
//!
//! From a stage to its [`Outcome`](crate::outcome::Outcome):
//! - [`network`]: what theory sees of a stage. [`population`]: how many are inside. [`mean`], [`response`]: how long
//!   they take. [`solve`](solve()), [`response_curve`]: the answers.

pub mod availability;
mod backlog;
pub mod bounds;
pub mod classes;
pub mod closed;
pub mod complex;
mod convolution;
pub mod cores;
pub mod crosstalk;
mod curve;
pub mod demand;
pub mod erlang;
pub mod fanout;
pub mod fluid;
mod follow_up;
pub mod general;
pub mod inversion;
pub mod jackson;
pub mod markov;
pub mod mean;
pub mod network;
mod paths;
pub mod pollaczek;
pub mod population;
pub mod quota;
pub mod response;
pub mod retry;
pub mod scalability;
pub mod sharding;
pub mod sharing;
mod solve;
mod spread;
mod users;
mod varying;
mod walk;

pub use curve::{CurvePoint, MeanCurve, TheoryCurve, at_load, between, response_curve, silence, steady};
pub use solve::solve;
