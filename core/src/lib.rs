//! The model of Hockeystick.
//!
//! Every request of a web app is simulated, one event at a time; the result agrees with queueing theory where theory
//! has an answer, and with measurements of real deployments.
//!
//! # Layout, from the ground up; each floor knows only those below it
//!
//! - [`number`], [`units`]: numbers as text; quantities with units.
//!   [`pack`]: the binary form of what a page holds. [`statistics`]: warm-up, intervals, percentiles.
//! - [`engine`]: the event kernel: calendar, stations, random streams. It knows no component.
//! - [`hardware`], [`workload`], [`settings`]: machines and prices; what users ask for; settings that describe themselves.
//! - [`popularity`]: Zipf's law, and hit ratios under it.
//! - [`schedule`]: arrivals that are known one by one.
//! - [`component`]: one file a kind: settings, defaults with sources, what it models, how it handles a request.
//! - [`stage`]: a board that can be simulated, and the rules it keeps.
//! - [`simulate`] and [`theory`]: the two solvers; both turn a stage into an [`outcome`].
//! - [`cost`]: what a stage costs, as planned and as run.
//! - [`measurement`], [`doubt`], [`calibrate`], [`verdict`]: what was measured, and whether to believe it; fitting
//!   demands; whether the model agrees.
//! - [`inspection`]: the prediction for the very requests that were measured. [`as_measured`]: a stage at a step's load.
//!   [`judge`]: the model against a whole measurement, step by step. [`rival`]: the Universal Scalability Law against the same.
//! - [`objective`]: what is asked of a deployment. [`capacity`]: how much it carries before it misses that, and what runs
//!   out first.
//! - [`layout`]: where things stand on a board. [`address`]: a board as the bytes of an address. [`contrast`]: two stages under the same traffic, and by how much they differ.
//!   [`challenge`]: whether a run does what a stage asks of its reader.
//!
//! The crate does no input or output, reads no clock, starts no thread and keeps no global state.

pub mod address;
pub mod as_measured;
pub mod calibrate;
pub mod capacity;
pub mod challenge;
pub mod component;
pub mod contrast;
pub mod cost;
pub mod doubt;
pub mod engine;
pub mod figure;
pub mod hardware;
pub mod inspection;
pub mod judge;
pub mod layout;
pub mod measurement;
pub mod number;
mod numeric;
pub mod objective;
pub mod outcome;
pub mod pack;
pub mod popularity;
pub mod rival;
pub mod schedule;
pub mod settings;
pub mod simulate;
pub mod stage;
pub mod statistics;
pub mod theory;
pub mod units;
pub mod verdict;
pub mod workload;
