//! The HTTP client that all users share, and how long its connections take to open.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use reqwest::{Client, redirect, retry};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, NamedGroup};
use tower_layer::layer_fn;
use tower_service::Service;

use super::RunError;
use super::step::StepRun;
use crate::plan::{Connections, Plan};

/// TLS sessions that are remembered: more than the names that a plan can ask for.
const SESSIONS: usize = 8;

/// HTTP/1.1, no proxy, no redirects, no second try.
pub(super) fn build(plan: &Plan, dials: &Arc<Dials>) -> Result<Client, RunError> {
    let dials = Arc::clone(dials);
    let mut builder = Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .tcp_nodelay(true)
        .pool_idle_timeout(None)
        .connect_timeout(plan.timeout)
        .tls_backend_preconfigured(tls(plan)?)
        .connector_layer(layer_fn(move |inner| Timed { inner, dials: Arc::clone(&dials) }))
        .user_agent(concat!("hockeystick-loadgen/", env!("CARGO_PKG_VERSION")));
    if plan.connections == Connections::New {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder.build().map_err(|error| RunError::Start(error.to_string()))
}

/// The system's certificates, and the plan's.
fn tls(plan: &Plan) -> Result<ClientConfig, RunError> {
    let start = |error: &dyn std::fmt::Display| RunError::Start(format!("TLS: {error}"));
    let extra = plan.ca.as_deref().unwrap_or_default();
    let extra: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(extra).collect::<Result<_, _>>().map_err(|error| start(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
        .map_err(|error| start(&error))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| start(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::store(Arc::new(Sessions(ClientSessionMemoryCache::new(SESSIONS))));
    Ok(config)
}

/// How long a connection took to open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dial {
    /// Looking the name up, and the handshake of TCP.
    pub(super) connect: Duration,
    /// The handshake of TLS, if there was one.
    pub(super) tls: Option<Duration>,
}

/// Tells the step that runs of each connection that was opened.
#[derive(Debug, Default)]
pub(super) struct Dials(Mutex<Option<Arc<StepRun>>>);

impl Dials {
    /// From now on this step is told.
    pub(super) fn tell(&self, step: &Arc<StepRun>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(step));
    }

    fn record(&self, dial: Dial) {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(step) = step {
            step.record_dial(dial);
        }
    }
}

tokio::task_local! {
    /// When the connection that is being opened began its TLS handshake.
    static HANDSHAKE: Cell<Option<Instant>>;
}

/// The client's own connector, timed.
#[derive(Clone)]
struct Timed<S> {
    inner: S,
    dials: Arc<Dials>,
}

impl<S, R> Service<R> for Timed<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send,
    S::Error: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (opening, dials) = (self.inner.call(request), Arc::clone(&self.dials));
        Box::pin(HANDSHAKE.scope(Cell::new(None), async move {
            let begun = Instant::now();
            let opened = opening.await;
            if opened.is_ok() {
                let (done, handshake) = (Instant::now(), HANDSHAKE.with(Cell::get));
                dials.record(Dial {
                    connect: handshake.unwrap_or(done) - begun,
                    tls: handshake.map(|handshake| done - handshake),
                });
            }
            opened
        }))
    }
}

/// Remembered sessions. A handshake of TLS begins by asking for one, which is the only moment between TCP and TLS that the
/// client lets anyone see.
#[derive(Debug)]
struct Sessions(ClientSessionMemoryCache);

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        // Outside of an opening there is nobody to tell.
        let _ = HANDSHAKE.try_with(|handshake| {
            if handshake.get().is_none() {
                handshake.set(Some(Instant::now()));
            }
        });
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.0.set_tls12_session(server, session);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.0.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, ticket);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(server)
    }
}
