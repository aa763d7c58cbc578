//! The figures of Hockeystick in the browser: what the page shows and the reader touches.
//!
//! `site/assets/app.js` starts it and defines the custom elements. The page's thread simulates nothing: two workers do,
//! `hockeystick-simulator` in this same module and `hockeystick-theorist` in its own, and [`hockeystick_protocol`] is what
//! all three speak.
//!
//! - [`element`]: what the custom elements call. [`figure`]: a running board, and the API to drive it.
//! - [`charts`]: the charts beside a board. [`lesson`]: knobs in sentences, predictions, challenges.
//! - `dom`: steps through the page, and listeners that go when they are dropped. `frames`: drawing in step with the screen.

mod base64;
pub mod charts;
mod dom;
pub mod element;
pub mod figure;
mod frames;
pub mod lesson;

/// The worker's entry: `site/assets/simulator.js` calls it in a module that the page has compiled.
pub use hockeystick_simulator::start_simulator;
