//! Documents from data, at a chosen cost.
//!
//! Rust renders a page of fifty items in some tens of microseconds; an app in a slower language takes milliseconds.
//! The *work factor* K produces each document K times and sends the last one, so that a load test on a small machine
//! meets the utilisation that it is about at rates that it can send.
//!
//! Such a server gives each request its own thread or process, and the kernel slices time between them. Tick answers
//! on few threads, where a long request would make every later one wait its turn. So production yields after each
//! slice: requests share the CPU as they would there, which is processor sharing in the model's terms.

use std::hint::black_box;
use std::time::{Duration, Instant};

use askama::Template;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;

/// CPU time a request may hold before the next one gets its turn. Short, so that a static file of 20 to 100 µs hardly
/// waits behind pages of milliseconds; long against the microsecond that a turn costs.
const SLICE: Duration = Duration::from_micros(25);

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
        self.repeat(|| template.render()).await.map_err(Problem::internal)
    }

    pub(crate) async fn json(&self, value: &(impl Serialize + Sync)) -> Result<Response, Problem> {
        let body = self.repeat(|| serde_json::to_vec(value)).await.map_err(Problem::internal)?;
        Ok(([(header::CONTENT_TYPE, "application/json")], Bytes::from(body)).into_response())
    }

    /// Makes something as often as the work factor says, and keeps the last one.
    pub(crate) async fn repeat<T, E>(&self, produce: impl Fn() -> Result<T, E>) -> Result<T, E> {
        let mut slice_start = Instant::now();
        for _ in 1..self.work_factor {
            black_box(produce()?);
            if slice_start.elapsed() >= SLICE {
                tokio::task::yield_now().await;
                slice_start = Instant::now();
            }
        }
        produce()
    }
}
