//! Serves a built site from within the test, at a port of its own.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hockeystick_server::listen;
use tokio::task::JoinHandle;

/// A served site; the server ends with it.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Site {
    /// Serves the folder that `HOCKEYSTICK_SITE` names, or `dist/`.
    ///
    /// # Errors
    /// When there is no built site.
    pub async fn start() -> Result<Self> {
        Self::start_in(Self::folder()).await
    }

    /// The built site that is tested.
    pub fn folder() -> PathBuf {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
        env::var_os("HOCKEYSTICK_SITE").map_or_else(default, PathBuf::from)
    }

    /// Serves `folder`.
    ///
    /// # Errors
    /// When it holds no built site.
    pub async fn start_in(folder: PathBuf) -> Result<Self> {
        let site = hockeystick_server::Site::open(&folder).context("build a site first: `cargo xtask build`")?;
        let listener = listen(0).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            // The server runs until the test ends it.
            let _ = site.serve(listener).await;
        });
        Ok(Self { folder, address, server })
    }

    /// The address of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The path of every page, such as `/stages/01-single-server/`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn pages(&self) -> Result<Vec<String>> {
        let mut pages = Vec::new();
        collect_pages(&self.folder, "/", &mut pages)?;
        pages.sort();
        Ok(pages)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn collect_pages(folder: &Path, path: &str, pages: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            collect_pages(&entry.path(), &format!("{path}{name}/"), pages)?;
        } else if name == "index.html" {
            pages.push(path.to_owned());
        } else if name.ends_with(".html") {
            pages.push(format!("{path}{name}"));
        }
    }
    Ok(())
}
