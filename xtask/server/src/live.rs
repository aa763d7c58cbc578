//! Live reload for `serve --watch`: an event stream and the script that listens to it.
//!
//! Script and stream come from the site's own origin, so the production Content-Security-Policy stays in force.

use std::convert::Infallible;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;

const SCRIPT: &str = include_str!("reload.js");
const TAG: &str = "<script src=\"/__live/reload.js\" defer></script>";
/// A page over this size is not one of ours.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Counts builds; every open page watches the count.
#[derive(Debug)]
pub(crate) struct LiveReload {
    build: watch::Sender<u64>,
    /// When this server started: another one counts anew.
    start_ms: u128,
}

impl LiveReload {
    pub(crate) fn new() -> Self {
        // A clock before 1970 tells servers apart as badly as no clock.
        let start_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self { build: watch::Sender::new(0), start_ms }
    }

    pub(crate) fn announce(&self) {
        self.build.send_modify(|build| *build += 1);
    }

    /// Adds the stream and the script, and puts the script into every page.
    pub(crate) fn mount(&self, router: Router) -> Router {
        let (build, start_ms) = (self.build.clone(), self.start_ms);
        let events = move || async move {
            // The present build first: a page that connects again must know whether it has missed one.
            let builds = WatchStream::new(build.subscribe());
            let events =
                builds.map(move |build| Ok::<_, Infallible>(Event::default().data(format!("{start_ms}-{build}"))));
            Sse::new(events).keep_alive(KeepAlive::default())
        };
        let script = || async { ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT) };
        router
            .route("/__live/events", get(events))
            .route("/__live/reload.js", get(script))
            .layer(middleware::from_fn(insert_script))
    }
}

async fn insert_script(mut request: Request, next: Next) -> Response {
    // A browser that holds the page without the script must not be told to keep it.
    request.headers_mut().remove(header::IF_MODIFIED_SINCE);
    request.headers_mut().remove(header::IF_NONE_MATCH);
    // A part of the file is none of the page, and how long the page is only the page tells.
    request.headers_mut().remove(header::RANGE);
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let response = next.run(request).await;
    let is_page = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(is_page) {
        return response;
    }
    let (mut parts, page) = response.into_parts();
    let Ok(bytes) = body::to_bytes(page, PAGE_BYTES_MAX).await else {
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = String::from_utf8_lossy(&bytes);
    let page = match page.rfind("</body>") {
        Some(end) => format!("{}{TAG}{}", &page[..end], &page[end..]),
        None => format!("{page}{TAG}"),
    };
    parts.headers.remove(header::ACCEPT_RANGES);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::ETAG);
    parts.headers.remove(header::LAST_MODIFIED);
    Response::from_parts(parts, Body::from(page))
}
