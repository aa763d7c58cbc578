//! The address at which Prometheus asks how a run goes. It is there as long as the run.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::sync::oneshot;

use crate::run::Metrics;

/// What the text is, as OpenMetrics has it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that is taken, and not answered at yet.
#[derive(Debug)]
pub struct Address {
    listener: TcpListener,
    at: SocketAddr,
}

/// Why nobody can be answered at an address.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics at {at}: {reason}; give another --metrics-addr, such as 127.0.0.1:0 for any free port")]
pub struct Taken {
    at: SocketAddr,
    reason: io::Error,
}

impl Address {
    /// Takes an address; port 0 is any that is free.
    ///
    /// # Errors
    /// When it is not free, or not of this machine.
    pub fn take(at: SocketAddr) -> Result<Self, Taken> {
        let take = || {
            let listener = TcpListener::bind(at)?;
            listener.set_nonblocking(true)?;
            let at = listener.local_addr()?;
            Ok(Self { listener, at })
        };
        take().map_err(|reason| Taken { at, reason })
    }

    /// Which it is.
    pub const fn at(&self) -> SocketAddr {
        self.at
    }

    /// Answers at it, on a thread of its own: a scrape must not delay a request of the run. The thread calls `place` first, to
    /// keep to the processors that are meant for it.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn serve(self, metrics: Arc<Metrics>, place: impl FnOnce() + Send + 'static) -> io::Result<Server> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let app = Router::new().route("/metrics", get(move || scrape(Arc::clone(&metrics))));
            tokio::select! {
                served = async { axum::serve(listener, app).await } => served,
                _ = stopped => Ok(()),
            }
        };
        let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            place();
            // Whoever asks will see that nobody answers: that is no reason to end a measurement.
            let _: io::Result<()> = runtime.block_on(serve);
        })?;
        Ok(Server { stop: Some(stop), thread: Some(thread) })
    }
}

async fn scrape(metrics: Arc<Metrics>) -> Result<([(axum::http::HeaderName, &'static str); 1], String), StatusCode> {
    let text = metrics.text().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text))
}

/// Answers until it is dropped.
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
