//! Stages, lessons and hardware of Hockeystick: read, checked, rendered.
//!
//! # Layout
//!
//! - [`stage`]: the text of a stage file becomes a [`Stage`](hockeystick_core::stage::Stage), or errors that name file,
//!   line, column and field and say what would be valid. [`catalogue`]: the same for the sizes on sale.
//! - [`builtin`]: the stages and the catalogue that are compiled into this crate.
//! - [`board`]: the same as JSON, as a page saves it.
//! - [`results`]: a measurement from the bytes of its file. [`problem`]: what is wrong with a file. [`show`]: numbers.
//! - [`site`]: the pages. Behind it are the private rooms `lesson` (Markdown with figures in it), `journey` (the stages
//!   there will be) and `draw` (still pictures of boards).

pub mod board;
pub mod builtin;
pub mod catalogue;
pub mod problem;
pub mod results;
pub mod show;
pub mod site;
pub mod stage;

mod draw;
mod fields;
mod figure;
mod journey;
mod lesson;
mod suggest;

/// Largest text that is read: a stage, a catalogue, a lesson.
pub const TEXT_BYTES_MAX: usize = 1_000_000;
