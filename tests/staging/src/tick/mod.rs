//! Tick: a shared to-do list, small enough to read in an hour and real enough to measure.
//!
//! ```text
//! options    the flags of `tick serve`
//! serve      listen, announce, answer, stop on a signal
//! routes     every endpoint with its request class
//! observe    the middleware that counts, bounds and times requests
//! pages api digest assets     handlers
//! identity   who sends this request: sessions, passwords
//! input      what a client may send, and its limits
//! problem    what a client gets when it may not
//! render     documents from data, at a chosen cost
//! store      the database: accounts, sessions, lists, items
//! seed       a deterministic database for load plans
//! metrics    Prometheus text
//! ```
//!
//! Handlers never write SQL, and `store` knows nothing of HTTP.

pub mod options;
pub mod serve;

mod api;
mod assets;
mod digest;
mod identity;
mod input;
mod metrics;
mod observe;
mod pages;
mod problem;
mod render;
mod routes;
mod seed;
mod store;

use std::sync::Arc;

use metrics::Metrics;
use observe::Admission;
use render::Renderer;
use store::Store;
use tokio::sync::Semaphore;

/// What every handler shares.
#[derive(Debug)]
struct App {
    store: Store,
    renderer: Renderer,
    metrics: Metrics,
    admission: Admission,
    /// One permit a password check: each holds 19 MB of memory and a thread for tens of milliseconds.
    password_slots: Arc<Semaphore>,
}
