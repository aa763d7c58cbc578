//! Drives a deployment, and says whether the model of it holds.
//!
//! # Layout
//!
//! - [`command`]: one file a subcommand, and the exit codes. `output`: what it says. [`table`], [`view`]: what a
//!   terminal shows.
//! - [`plan`]: what to send. [`schedule`]: when each request is due. [`run`]: sending and measuring.
//! - [`shard`], [`timetable`]: one machine's share of a plan, and when all of them begin. [`notice`]: how they stop
//!   together. [`merge`]: their results as one.
//! - [`model`]: a stage as a command names it. [`fit`]: a stage's demands from measurements. [`judge`]: the judgement of
//!   the core, for terminals and programs.
//! - [`findings`]: all that a measurement says of a model. [`capacity`]: what a deployment carries, in words.
//! - [`utilisation`]: busy time that others measured: Prometheus, or whoever types it.
//! - [`report`]: all of it as an HTML file, as Markdown, as JUnit's XML. [`store`]: files that are whole or absent.
//!   [`claim`]: one run at a time writes one.
//!   [`exposition`]: a run's metrics, for Prometheus. [`histogram`]: times. [`slices`]: the parts of a window.
//!
//! goose drives the users, and nothing else of it is used: see [`run`].

#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]

#[macro_use]
mod output;

pub mod capacity;
pub mod claim;
pub mod command;
pub mod exposition;
pub mod findings;
pub mod fit;
pub mod histogram;
pub mod judge;
pub mod merge;
pub mod model;
pub mod notice;
pub mod plan;
pub mod report;
pub mod run;
pub mod schedule;
pub mod shard;
pub mod slices;
pub mod store;
pub mod table;
pub mod timetable;
pub mod utilisation;
pub mod view;
