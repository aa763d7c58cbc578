//! Tick's life: open the database, listen, say where, answer, stop when told.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, oneshot};

use super::metrics::Metrics;
use super::observe::Admission;
use super::options::ServeOptions;
use super::render::Renderer;
use super::store::{PoolLimits, Store};
use super::{App, routes, seed, store};
use crate::deploy::Announcement;

/// After a stop signal, requests in flight have this long; keep-alive connections that idle are closed at once.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Runs Tick until SIGTERM, SIGINT or, where asked for, the end of standard input.
///
/// # Errors
///
/// When the address or the database cannot be had; each error is one line with a cure.
pub fn run(options: ServeOptions) -> Result<()> {
    let mut runtime = match options.workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.worker_threads(usize::from(options.workers));
    runtime.enable_all().build().context("cannot start the async runtime")?.block_on(serve(options))
}

async fn serve(options: ServeOptions) -> Result<()> {
    // The port first: it is what fails most often, and nothing is written to the database then.
    let listener = listen(options.listen, options.backlog)?;
    let address = listener.local_addr().context("cannot read the address that was bound")?;
    let store = open_store(&options, address).await?;
    let app = Arc::new(App {
        store: store.clone(),
        renderer: Renderer::new(options.work_factor),
        metrics: Metrics::new(),
        admission: Admission {
            in_flight_max: options.max_in_flight,
            request_timeout: Duration::from_millis(options.request_timeout_ms),
        },
        password_slots: Arc::new(Semaphore::new(usize::from(options.workers))),
    });
    let stop = stop_signal(options.exit_with_parent)?;
    announce(address)?;

    let (stopping, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        stop.await;
        drop(stopping);
    };
    // Without TCP_NODELAY, an answer in two writes waits for the client's delayed acknowledgement.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let server = axum::serve(listener, routes::router(app)).with_graceful_shutdown(shutdown);
    let out_of_patience = async {
        drop(stopped.await);
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        result = server.into_future() => result.context("the server stopped")?,
        () = out_of_patience => eprintln!("tick: some requests did not end within {} s", SHUTDOWN_GRACE.as_secs()),
    }
    store.close().await;
    Ok(())
}

fn listen(address: SocketAddr, backlog: u32) -> Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted Tick must not wait a minute for its predecessor's closed connections.
    socket.set_reuseaddr(true)?;
    let bound = socket.bind(address).and_then(|()| socket.listen(backlog));
    bound.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use; stop the program that has it, or pass --listen 127.0.0.1:0")
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; pass another address with --listen"),
    })
}

async fn open_store(options: &ServeOptions, address: SocketAddr) -> Result<Store> {
    let limits = PoolLimits {
        read_connections: options.database_connections,
        wait: Duration::from_millis(options.database_wait_ms),
    };
    let is_url = store::is_url(&options.database);
    if !is_url && options.database.contains("://") {
        bail!("Tick keeps its data in a file of SQLite or, by a postgres:// URL, in PostgreSQL; check --database");
    }
    if is_url && cfg!(not(feature = "postgresql")) {
        bail!("this build of Tick knows SQLite only; give a file to --database, or build with --features postgresql");
    }
    let store = Store::open(&options.database, limits).await.with_context(|| match is_url {
        // A URL may hold a password.
        true => "cannot open the database at the URL; check --database".to_owned(),
        false => format!("cannot open the database {}; check --database", options.database),
    })?;
    if options.seed_accounts > 0 {
        seed::seed(&store, options.seed_accounts).await?;
    }
    // Seeded now, or some time ago.
    if !address.ip().is_loopback() && seed::operator(&store).await?.is_some() {
        eprintln!("tick: warning: seeded accounts have well-known tokens, and {address} is not a loopback address");
    }
    Ok(store)
}

/// One line of JSON on standard output: whoever started Tick reads where it is.
fn announce(address: SocketAddr) -> Result<()> {
    let announcement = Announcement { address, pid: std::process::id() };
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &announcement)?;
    writeln!(stdout)?;
    stdout.flush().context("cannot write to standard output")
}

/// A future that ends when Tick shall stop.
fn stop_signal(exit_with_parent: bool) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (parent, parent_gone) = oneshot::channel::<()>();
    // A thread of its own: a blocked read of standard input would hold up the runtime's end.
    let wait_for_parent = move || {
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        drop(parent);
    };
    if exit_with_parent {
        std::thread::Builder::new().name("parent".to_owned()).spawn(wait_for_parent)?;
    }
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = parent_gone, if exit_with_parent => {}
        }
    })
}
