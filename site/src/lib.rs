//! The figures of Hockeystick in the browser: what the page shows and the reader touches.
//!
//! `site/assets/app.js` starts it and defines the custom elements. It simulates nothing: two workers do, each a module of
//! its own (`hockeystick-simulator`, `hockeystick-theorist`), and [`hockeystick_protocol`] is what all three speak.
//!
//! - [`element`]: what the custom elements call. [`figure`]: a running board, and the API to drive it.
//! - [`charts`]: the charts beside a board. [`lesson`]: knobs in sentences, predictions, challenges.

mod base64;
pub mod charts;
pub mod element;
pub mod figure;
pub mod lesson;
