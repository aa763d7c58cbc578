//! The few names of the library `wasm-streams` that Leptos' server functions are compiled against, with nothing behind them.
//!
//! No page has a server function. But what the library exports to a script is part of every module that is linked with it,
//! used or not, and with it the futures that serve it: three kilobytes of what a reader downloads. `Cargo.toml` puts this in
//! its place.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use wasm_bindgen::JsValue;

/// A stream of the browser's.
#[derive(Debug)]
pub struct ReadableStream(web_sys::ReadableStream);

impl ReadableStream {
    /// Takes over one of the browser's.
    #[must_use]
    pub fn from_raw(raw: web_sys::ReadableStream) -> Self {
        Self(raw)
    }

    /// One that ends at once, whatever `_stream` holds.
    ///
    /// # Panics
    /// In a browser that has no streams.
    #[must_use]
    pub fn from_stream<S: Stream<Item = Result<JsValue, JsValue>> + 'static>(_stream: S) -> Self {
        Self(web_sys::ReadableStream::new().expect("a browser has streams"))
    }

    /// The browser's own.
    #[must_use]
    pub fn into_raw(self) -> web_sys::ReadableStream {
        self.0
    }

    /// What it holds: nothing.
    #[must_use]
    pub fn into_stream(self) -> IntoStream {
        IntoStream
    }
}

/// A stream without items.
#[derive(Debug)]
pub struct IntoStream;

impl Stream for IntoStream {
    type Item = Result<JsValue, JsValue>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}
