//! The figures of Hockeystick in the browser: one WebAssembly module for the page and for its worker.
//!
//! `site/assets/app.js` starts the page and defines the custom elements, `site/assets/worker.js` starts the worker; both
//! load this module.
//!
//! - [`element`]: what the custom elements call. [`figure`]: a running board, and the API to drive it.
//! - [`charts`]: the charts beside a board. [`lesson`]: knobs in sentences, predictions, challenges.
//! - [`worker`]: runs the simulations. [`protocol`]: what page and worker say to each other.

pub mod charts;
pub mod element;
pub mod figure;
pub mod lesson;
pub mod protocol;
pub mod worker;
