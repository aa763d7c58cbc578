//! Serves a built site on this machine, with the headers it will have in production.
//!
//! `cargo xtask serve` and the browser tests use the same code, so what the tests see is what a developer sees:
//!
//! ```text
//! headers   `_headers` as static hosts read it: rules by path
//! live      live reload for `serve --watch`: an event stream and the script that listens to it
//! path      one name for a file, however a request writes its path
//! ```
//!
//! The server reads files below one folder: `tower-http` resolves the path and refuses to climb out. A symbolic link in the
//! folder is followed wherever it leads; a build makes none.

mod headers;
mod live;
mod path;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tokio::net::TcpListener;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

pub use headers::{HeaderRules, HeaderRulesError};
use live::LiveReload;

/// The path of the page that answers for what is missing.
const NOT_FOUND: &str = "/404.html";

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else listens on the port.
    #[error("port {port} is in use")]
    PortInUse {
        /// The port asked for.
        port: u16,
    },
    /// The port cannot be opened for another reason, such as a privileged number.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds no site.
    #[error("{folder} cannot be read as a built site: {source}")]
    Unreadable {
        /// The folder asked for.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `_headers` is malformed.
    #[error(transparent)]
    Headers(#[from] HeaderRulesError),
}

/// Opens a loopback port; port 0 takes a free one.
///
/// # Errors
/// [`ServeError::PortInUse`] when the port is taken, [`ServeError::Listen`] for any other refusal.
pub async fn listen(port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse { port },
        _ => ServeError::Listen { port, source },
    })
}

/// A built site, ready to be served.
///
/// Clones share the same state, so one clone can announce a new build while another one serves.
#[derive(Clone, Debug)]
pub struct Site {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    rules: RwLock<HeaderRules>,
    live: Option<LiveReload>,
}

impl Site {
    /// Reads the header rules of the site in `folder`.
    ///
    /// # Errors
    /// When `folder/_headers` is missing or malformed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ServeError> {
        Self::new(folder.into(), None)
    }

    /// Like [`Site::open`], and pages reload themselves after each [`Site::announce`].
    ///
    /// # Errors
    /// When `folder/_headers` is missing or malformed.
    pub fn open_live(folder: impl Into<PathBuf>) -> Result<Self, ServeError> {
        Self::new(folder.into(), Some(LiveReload::new()))
    }

    fn new(folder: PathBuf, live: Option<LiveReload>) -> Result<Self, ServeError> {
        let rules = RwLock::new(read_rules(&folder)?);
        Ok(Self { shared: Arc::new(Shared { folder, rules, live }) })
    }

    /// Tells open pages that the folder holds a new build.
    ///
    /// # Errors
    /// When the new `_headers` is missing or malformed; the old rules stay in force.
    pub fn announce(&self) -> Result<(), ServeError> {
        let rules = read_rules(&self.shared.folder)?;
        *self.shared.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        if let Some(live) = &self.shared.live {
            live.announce();
        }
        Ok(())
    }

    /// The routes of the site, to be served or called in a test.
    pub fn router(&self) -> Router {
        let folder = &self.shared.folder;
        let not_found = folder.join(&NOT_FOUND[1..]);
        // Whole, whatever the request asks of the file that is missing: its age, or a part of it.
        let not_found = move || async move {
            let page = tokio::fs::read(not_found).await.unwrap_or_default();
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html")], page)
        };
        let files = ServeDir::new(folder).not_found_service(not_found.into_service());
        let mut router = Router::new().fallback_service(files);
        if let Some(live) = &self.shared.live {
            router = live.mount(router);
        }
        // The outermost layer comes last: headers belong on compressed answers too.
        router
            .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
            .layer(middleware::from_fn_with_state(self.clone(), add_headers))
    }

    /// Serves until the task is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self.router()).await
    }
}

fn read_rules(folder: &Path) -> Result<HeaderRules, ServeError> {
    let text = std::fs::read_to_string(folder.join("_headers"))
        .map_err(|source| ServeError::Unreadable { folder: folder.to_owned(), source })?;
    Ok(text.parse()?)
}

async fn add_headers(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    if let Some(uri) = path::with_single_slashes(request.uri()) {
        *request.uri_mut() = uri;
    }
    let path = path::plain(request.uri().path());
    let mut response = next.run(request).await;
    name_charset(&mut response);
    let status = response.status();
    let path = if status == StatusCode::NOT_FOUND { NOT_FOUND } else { &path };
    let rules = site.shared.rules.read().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in rules.matching(path) {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    // A rule is about a file. What is missing now may be there after the next build.
    if !status.is_success() && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}

/// Static hosts send text as UTF-8; `tower-http` leaves the character set out.
fn name_charset(response: &mut Response) {
    let with_charset = match response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) {
        Some(b"text/html") => "text/html; charset=utf-8",
        Some(b"text/css") => "text/css; charset=utf-8",
        Some(b"text/javascript") => "text/javascript; charset=utf-8",
        _ => return,
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(with_charset));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const RULES: &str = "/\n  Content-Security-Policy: default-src 'none'\n/assets/*\n  Cache-Control: max-age=1\n/404.html\n  \
                         Content-Security-Policy: default-src 'self'\n";

    /// The answer to one request as the bytes on the wire, without a client that tidies the path up.
    async fn get(site: &Site, path: &str) -> String {
        ask(site, "GET", path, "").await
    }

    async fn ask(site: &Site, method: &str, path: &str, headers: &str) -> String {
        let listener = listen(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn({
            let site = site.clone();
            async move { site.serve(listener).await }
        });
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        serving.abort();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn folder() -> tempfile::TempDir {
        let outer = tempfile::tempdir().unwrap();
        std::fs::write(outer.path().join("secret"), "outside").unwrap();
        let dist = outer.path().join("dist");
        std::fs::create_dir_all(dist.join("assets")).unwrap();
        std::fs::write(dist.join("_headers"), RULES).unwrap();
        std::fs::write(dist.join("index.html"), "<body>home</body>").unwrap();
        std::fs::write(dist.join("404.html"), "<body>no such page</body>").unwrap();
        std::fs::write(dist.join("assets/site_bg.wasm"), b"\0asm").unwrap();
        std::fs::write(dist.join("assets/index.html"), "<body>folder</body>").unwrap();
        outer
    }

    #[tokio::test]
    async fn a_page_carries_the_headers_of_its_rule() {
        let folder = folder();
        let answer = get(&Site::open(folder.path().join("dist")).unwrap(), "/").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-security-policy: default-src 'none'"), "{answer}");
        assert!(answer.contains("content-type: text/html; charset=utf-8"), "{answer}");
        assert!(!answer.contains("cache-control"), "{answer}");
    }

    #[tokio::test]
    async fn wasm_has_the_type_that_streaming_compilation_needs() {
        let folder = folder();
        let answer = get(&Site::open(folder.path().join("dist")).unwrap(), "/assets/site_bg.wasm").await;
        assert!(answer.contains("content-type: application/wasm"), "{answer}");
        assert!(answer.contains("cache-control: max-age=1"), "{answer}");
    }

    #[tokio::test]
    async fn a_missing_page_answers_404_with_the_page_for_it() {
        let folder = folder();
        let answer = get(&Site::open(folder.path().join("dist")).unwrap(), "/nowhere").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("no such page"), "{answer}");
    }

    #[tokio::test]
    async fn a_missing_page_is_whole_and_has_the_headers_of_the_page_for_it() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        let since = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n";
        for headers in ["", since, "If-None-Match: *\r\n", "Range: bytes=0-3\r\n"] {
            let answer = ask(&site, "GET", "/nowhere", headers).await;
            assert!(answer.starts_with("HTTP/1.1 404"), "{headers}{answer}");
            assert!(answer.contains("<body>no such page</body>"), "{headers}{answer}");
            assert!(answer.contains("content-security-policy: default-src 'self'"), "{headers}{answer}");
            assert!(!answer.contains("content-range"), "{headers}{answer}");
        }
    }

    #[tokio::test]
    async fn a_missing_asset_is_not_kept() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        for path in ["/assets/gone.js", "/assets"] {
            let answer = get(&site, path).await;
            assert!(answer.contains("cache-control: no-cache"), "{path}: {answer}");
            assert!(!answer.contains("max-age"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_file_has_its_headers_however_its_path_is_written() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        for path in ["/%61ssets/site_bg.wasm", "//assets/site_bg.wasm", "/./assets//site_bg.wasm"] {
            let answer = get(&site, path).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            assert!(answer.contains("cache-control: max-age=1"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn no_path_is_sent_to_another_host() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        assert!(get(&site, "//assets?a=//b").await.contains("location: /assets/?a=//b"));
    }

    #[tokio::test]
    async fn a_folder_answers_with_its_index() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        assert!(get(&site, "/assets/").await.contains("folder"));
        assert!(get(&site, "/assets").await.contains("location: /assets/"));
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_folder() {
        let folder = folder();
        let site = Site::open(folder.path().join("dist")).unwrap();
        for path in ["/../secret", "/assets/../../secret", "/%2e%2e/secret", "/..%2fsecret", "//secret", "/..\\secret"]
        {
            let answer = get(&site, path).await;
            assert!(!answer.contains("outside"), "{path}: {answer}");
            assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let taken = listen(0).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen(port).await.unwrap_err();
        assert_eq!(error.to_string(), format!("port {port} is in use"));
    }

    #[tokio::test]
    async fn only_a_live_site_carries_the_reload_script() {
        let folder = folder();
        let dist = folder.path().join("dist");
        let live = get(&Site::open_live(&dist).unwrap(), "/").await;
        assert!(live.contains("src=\"/__live/reload.js\""), "{live}");
        let plain = get(&Site::open(&dist).unwrap(), "/").await;
        assert!(!plain.contains("__live"), "{plain}");
    }

    #[tokio::test]
    async fn a_live_page_says_how_long_it_is_and_comes_whole() {
        let folder = folder();
        let site = Site::open_live(folder.path().join("dist")).unwrap();
        let page = get(&site, "/").await;
        let (_, body) = page.split_once("\r\n\r\n").unwrap();
        let length = format!("content-length: {}\r\n", body.len());
        assert!(page.contains(&length), "{page}");
        let head = ask(&site, "HEAD", "/", "").await;
        assert!(head.contains(&length) && head.ends_with("\r\n\r\n"), "{head}");
        let part = ask(&site, "GET", "/", "Range: bytes=0-3\r\n").await;
        assert!(part.starts_with("HTTP/1.1 200") && part.ends_with(body), "{part}");
        assert!(!part.contains("-range"), "{part}");
    }

    /// The first event that an open page gets.
    async fn first_event(address: SocketAddr) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET /__live/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let mut bytes = [0; 1024];
        let reading = async {
            while !(answer.contains("data:") && answer.ends_with("\n\n\r\n")) {
                let count = stream.read(&mut bytes).await.unwrap();
                answer.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reading).await.expect("a page is told at once what is served");
        let (_, data) = answer.split_once("data:").unwrap();
        data.lines().next().unwrap().to_owned()
    }

    /// A stream may end for reasons of its own; a page that reloaded for that would lose what its reader did.
    #[tokio::test]
    async fn a_page_that_connects_again_is_told_another_build_only_when_there_is_one() {
        let folder = folder();
        let site = Site::open_live(folder.path().join("dist")).unwrap();
        let listener = listen(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn({
            let site = site.clone();
            async move { site.serve(listener).await }
        });
        let first = first_event(address).await;
        assert_eq!(first, first_event(address).await);
        site.announce().unwrap();
        assert_ne!(first, first_event(address).await);
        serving.abort();
    }
}
