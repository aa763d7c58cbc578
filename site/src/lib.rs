//! The figures of Hockeystick in the browser: what the page shows and the reader touches.
//!
//! `site/assets/app.js` starts it and defines the custom elements. The page's thread simulates nothing: two workers do,
//! `hockeystick-simulator` in this same module and `hockeystick-theorist` in its own, and [`hockeystick_protocol`] is what
//! all three speak.
//!
//! - [`element`]: what the custom elements call. [`figure`]: a running board, and the API to drive it.
//! - [`charts`]: the charts beside a board. [`lesson`]: knobs in sentences, predictions, challenges.

mod base64;
pub mod charts;
pub mod element;
pub mod figure;
pub mod lesson;

/// The worker's entry: `site/assets/simulator.js` calls it in a module that the page has compiled.
pub use hockeystick_simulator::start_simulator;
