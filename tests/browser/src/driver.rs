//! One ChromeDriver and one Chromium a browser, ended with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::trace::CATEGORIES;

/// How many browsers run at once in one test program; nextest's test group bounds them across programs.
const BROWSERS_MAX: usize = 2;
static BROWSERS: Semaphore = Semaphore::const_new(BROWSERS_MAX);

/// A fresh, silent browser: no sandbox, as root in a container has none; no GPU; no connection of its own.
const CHROMIUM_FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// What the driver keeps of what a browser does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Every request.
    Network,
    /// Every task of every thread.
    Tasks,
    /// The same of a browser that leaves painting to a graphics processor, one that is played by this machine's own.
    TasksWithGraphics,
}

/// Such a browser's flags.
const GRAPHICS_FLAGS: [&str; 3] = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];

const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running ChromeDriver with one session.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    port: u16,
    session: Option<String>,
    profile: TempDir,
    _slot: SemaphorePermit<'static>,
}

impl Driver {
    pub(crate) async fn start(watch: Watch) -> Result<(Self, Client)> {
        let slot = BROWSERS.acquire().await.context("the browsers' semaphore is closed")?;
        let profile = tempfile::tempdir().context("cannot create a profile folder")?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut process =
            command.spawn().context("chromedriver does not start: `cargo xtask test` installs it or says how")?;
        let Some(stdout) = process.stdout.take() else { bail!("chromedriver has no output") };
        let port = read_port(stdout)?;
        let mut driver = Self { process, port, session: None, profile, _slot: slot };
        let client = driver.new_session(watch).await?;
        driver.session = client.session_id().await?;
        Ok((driver, client))
    }

    async fn new_session(&self, watch: Watch) -> Result<Client> {
        let mut flags: Vec<String> = CHROMIUM_FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", self.profile.path().display()));
        if watch == Watch::TasksWithGraphics {
            flags.retain(|flag| flag != "--disable-gpu");
            flags.extend(GRAPHICS_FLAGS.map(str::to_owned));
        }
        let mut options = json!({ "args": flags });
        if watch != Watch::Network {
            options["perfLoggingPrefs"] =
                json!({ "enableNetwork": false, "enablePage": false, "traceCategories": CATEGORIES });
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let capabilities: Capabilities = serde_json::from_value(capabilities)?;
        ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .context("Chromium does not start")
    }

    /// ChromeDriver ends Chromium when its session ends; a killed ChromeDriver would leave Chromium behind.
    fn delete_session(&self) -> Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, SHUTDOWN_TIMEOUT)?;
        stream.set_read_timeout(Some(SHUTDOWN_TIMEOUT))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        // The answer comes when Chromium has ended.
        stream.read_exact(&mut [0; 12])?;
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Blocking, because a test that panics drops this outside any runtime.
        if let Err(error) = self.delete_session() {
            eprintln!("the browser did not end in good order: {error:#}");
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for `ChromeDriver was started successfully on port 34567.`
fn read_port(stdout: ChildStdout) -> Result<u16> {
    let mut lines = BufReader::new(stdout).lines();
    let mut said = Vec::new();
    let port = loop {
        let Some(line) = lines.next().transpose()? else {
            bail!("chromedriver ended: {}", said.join(" "));
        };
        match line.split_once("successfully on port ") {
            Some((_, port)) => break port.trim_end_matches('.').parse().context("chromedriver names no port")?,
            None => said.push(line),
        }
    };
    // ChromeDriver would block once nobody empties the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(port)
}

/// A command of Chromium's own, below the session's address.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base_url: &url::Url, session_id: Option<&str>) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _request_url: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
