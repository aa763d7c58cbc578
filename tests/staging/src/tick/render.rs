//! Documents from data, at a chosen cost.
//!
//! Rust renders a page of fifty items in some 10 µs; an app in a slower language takes milliseconds. With
//! a *work factor* of K a document, once made, is read K - 1 times, so that a load test on a small machine meets the
//! utilisation that it is about at rates that it can send.
//!
//! It is read byte by byte, each step waiting for the one before. On a rented processor that is what neighbours disturb
//! least: while the time to make documents ranged over 23 % within two minutes, that of such a chain ranged over 3 % (an
//! EPYC with two threads a core). A response time at 80 % busy is off by five times as much as the demand is.
//!
//! Such a server gives each request its own thread or process, and the kernel slices time between them. Tick answers
//! on few threads, where a long request would make every later one wait its turn. So the reading yields after each
//! slice: requests share the CPU as they would there, which is processor sharing in the model's terms.

use std::hash::Hasher;
use std::hint::black_box;
use std::time::{Duration, Instant};

use askama::Template;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use fnv::FnvHasher;
use serde::Serialize;

use super::problem::Problem;

/// CPU time a request may hold before the next one gets its turn. Short, so that a static file of 20 to 100 µs hardly
/// waits behind pages of milliseconds; long against the microsecond that a turn costs.
const SLICE: Duration = Duration::from_micros(25);

/// What is read between two looks at the clock: some microseconds' worth.
const PART_BYTES: usize = 2048;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Renderer {
    work_factor: u32,
}

impl Renderer {
    pub(crate) fn new(work_factor: u32) -> Self {
        Self { work_factor }
    }

    pub(crate) async fn page(&self, template: &(impl Template + Sync)) -> Result<Response, Problem> {
        let html = self.html(template).await?;
        Ok(Html(html).into_response())
    }

    pub(crate) async fn html(&self, template: &(impl Template + Sync)) -> Result<String, Problem> {
        let html = template.render().map_err(Problem::internal)?;
        Ok(self.costly(html).await)
    }

    pub(crate) async fn json(&self, value: &(impl Serialize + Sync)) -> Result<Response, Problem> {
        let body = self.costly(serde_json::to_vec(value).map_err(Problem::internal)?).await;
        Ok(([(header::CONTENT_TYPE, "application/json")], Bytes::from(body)).into_response())
    }

    /// Reads a document as often as the work factor says, less the once that made it.
    pub(crate) async fn costly<T: AsRef<[u8]>>(&self, document: T) -> T {
        let mut slice_start = Instant::now();
        let mut chain = FnvHasher::default();
        for _ in 1..self.work_factor {
            for part in document.as_ref().chunks(PART_BYTES) {
                chain.write(part);
                if slice_start.elapsed() >= SLICE {
                    tokio::task::yield_now().await;
                    slice_start = Instant::now();
                }
            }
        }
        black_box(chain.finish());
        document
    }
}
