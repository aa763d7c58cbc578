//! The built site in a real Chromium.
//!
//! ```text
//! site      serves a built site from within the test, at a port of its own
//! driver    one ChromeDriver and one Chromium a browser, ended with it
//! browser   what a test does with a page: open, look, press, drag, listen
//! axe       accessibility, by axe-core's rules
//! trace     what the threads of a page did, by Chromium's tracing
//! device    the screen, the preferences and the speed to emulate
//! ```
//!
//! A test reads like this, and needs a site: `cargo xtask test --only browser` builds one first.
//!
//! ```ignore
//! use hockeystick_browser_tests::{Browser, Device, Site};
//!
//! # async fn test() -> anyhow::Result<()> {
//! let site = Site::start().await?;
//! let browser = Browser::start(&Device::phone().dark()).await?;
//! browser.goto(&site.url("/")).await?;
//! browser.wait_for("document.querySelector('h1')").await?;
//! assert_eq!(browser.console_errors().await?, Vec::<String>::new());
//! # Ok(()) }
//! ```

mod axe;
mod browser;
mod device;
mod driver;
mod site;
mod trace;

pub use browser::{Browser, Point};
pub use device::{Device, Theme};
pub use fantoccini::key::Key;
pub use site::Site;
pub use trace::{Task, Trace};
