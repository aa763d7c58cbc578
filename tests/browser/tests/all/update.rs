//! A new build takes the place of the one that a reader has visited.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const LESSON: &str = "stages/01-single-server/";
const OTHER: &str = "stages/14-message-queue/";
/// The build after the one that is tested: the same but for its id.
const NEXT: &str = "000000next00";

/// Two builds in folders beside each other.
struct Builds {
    folder: TempDir,
    first: String,
}

impl Builds {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let built = Site::folder();
        let mut assets = fs::read_dir(built.join("assets")).context("build a site first: `cargo xtask build`")?;
        let first = assets.next().context("the site has no assets")??.file_name().to_string_lossy().into_owned();
        copy(&built, &folder.path().join("site"), &first, &first)?;
        copy(&built, &folder.path().join("next"), &first, NEXT)?;
        Ok(Self { folder, first })
    }

    /// What a host does when a site is published anew.
    fn publish_the_next(&self) -> Result<()> {
        let [site, next, old] = ["site", "next", "old"].map(|name| self.folder.path().join(name));
        fs::rename(&site, old)?;
        Ok(fs::rename(next, site)?)
    }
}

/// Copies a site, and gives it another id.
fn copy(from: &Path, to: &Path, id: &str, other: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name().to_string_lossy().replace(id, other));
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, id, other)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => fs::write(target, text.replace(id, other))?,
            Err(_) => fs::write(target, bytes)?,
        }
    }
    Ok(())
}

/// A server with its connections: they end with it.
struct Network {
    runtime: Option<Runtime>,
    _site: Site,
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A reader of the first build whom its service worker serves already.
struct Reader {
    browser: Browser,
    top: String,
    network: Option<Network>,
}

impl Reader {
    async fn of(builds: &Builds) -> Result<Self> {
        let network = Runtime::new()?;
        let site = network.spawn(Site::start_in(builds.folder.path().join("site"))).await??;
        let browser = Browser::start(&Device::desktop()).await?;
        let reader =
            Self { browser, top: site.url("/"), network: Some(Network { runtime: Some(network), _site: site }) };
        reader.goto(LESSON).await?;
        let registration = "navigator.serviceWorker.getRegistration()";
        reader.browser.wait_for(&format!("{registration}.then((it) => it?.active?.state === 'activated')")).await?;
        ensure!(reader.opens(LESSON).await? == builds.first);
        ensure!(reader.browser.eval::<bool>("!!navigator.serviceWorker.controller").await?, "it serves nobody");
        Ok(reader)
    }

    async fn goto(&self, page: &str) -> Result<()> {
        self.browser.goto(&format!("{}{page}", self.top)).await
    }

    /// Opens a page whose figure runs, and whose programs are all of one build. That build.
    async fn opens(&self, page: &str) -> Result<String> {
        self.goto(page).await?;
        self.browser.wait_for("document.querySelector('hockeystick-figure')?.mounted").await?;
        // What comes when a knob is turned.
        let later = "fetch(document.querySelector('script[src*=\"app.js\"]').src.replace('app.js', 'theorist.js'))";
        ensure!(self.browser.eval::<bool>(&format!("{later}.then((it) => it.ok)")).await?, "{page} has no theory");
        let loaded = "performance.getEntriesByType('resource').map((it) => it.name)";
        let builds: BTreeSet<String> = self
            .browser
            .eval(&format!("{loaded}.map((url) => url.split('/assets/')[1]?.split('/')[0]).filter(Boolean)"))
            .await?;
        ensure!(builds.len() == 1, "{page} is of the builds {builds:?}");
        let page_is = self.browser.eval::<String>("document.documentElement.outerHTML").await?;
        let build = builds.into_iter().next().unwrap_or_default();
        ensure!(page_is.contains(&format!("assets/{build}/")), "{page} has programs of {build}, and is not of it");
        let errors = self.browser.console_errors().await?;
        ensure!(errors.is_empty(), "{page}: {errors:#?}");
        Ok(build)
    }

    /// Waits until what the next build needs has been kept.
    async fn hears_of_the_next(&self) -> Result<()> {
        let waits = "(async () => { const it = await navigator.serviceWorker.getRegistration(); \
                     while (!it.waiting) await new Promise((go) => setTimeout(go, 100)); return true; })()";
        self.browser.wait_for(waits).await
    }

    fn loses_the_network(&mut self) {
        self.network = None;
    }
}

#[tokio::test]
async fn a_new_build_is_never_mixed_with_the_one_before() -> Result<()> {
    let builds = Builds::new()?;
    let mut reader = Reader::of(&builds).await?;
    builds.publish_the_next()?;
    ensure!(reader.opens(LESSON).await? == NEXT, "the reader is shown yesterday's page");
    reader.hears_of_the_next().await?;
    let strangers: Vec<String> = reader
        .browser
        .eval(&format!(
            "caches.open('hockeystick-{}').then(async (cache) => {{ const found = []; \
             for (const it of await cache.keys()) {{ const text = await (await cache.match(it)).text(); \
             if (text.includes('{NEXT}')) found.push(it.url); }} return found; }})",
            builds.first
        ))
        .await?;
    ensure!(strangers.is_empty(), "kept beside the build before: {strangers:#?}");
    // While a page of the build before is open, that is what there is without a network, and all of it.
    reader.loses_the_network();
    for page in [LESSON, OTHER] {
        ensure!(reader.opens(page).await? == builds.first, "{page} is of a build that is not whole");
    }
    Ok(())
}

#[tokio::test]
async fn a_program_without_a_network_reads_data_of_its_own_build() -> Result<()> {
    let builds = Builds::new()?;
    let figure = "figures/01-single-server/board.txt";
    fs::write(builds.folder.path().join("next").join(figure), NEXT)?;
    let mut reader = Reader::of(&builds).await?;
    let of_next = format!("fetch('{}{figure}').then((it) => it.text()).then((it) => it === '{NEXT}')", reader.top);
    ensure!(!reader.browser.eval::<bool>(&of_next).await?);
    builds.publish_the_next()?;
    ensure!(reader.browser.eval::<bool>(&of_next).await?, "the reader is given yesterday's data");
    reader.loses_the_network();
    ensure!(!reader.browser.eval::<bool>(&of_next).await?, "data of the next build is kept beside this one's");
    Ok(())
}

#[tokio::test]
async fn the_next_build_takes_over_when_no_page_of_the_one_before_is_open() -> Result<()> {
    let builds = Builds::new()?;
    let mut reader = Reader::of(&builds).await?;
    builds.publish_the_next()?;
    reader.goto(LESSON).await?;
    reader.hears_of_the_next().await?;
    let taken_over = format!("caches.keys().then((kept) => kept.join() === 'hockeystick-{NEXT}')");
    // A browser may count a page as open for a while after it was left.
    for _ in 0..5 {
        reader.browser.goto("about:blank").await?;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        reader.goto(LESSON).await?;
        if reader.browser.eval::<bool>(&taken_over).await? {
            break;
        }
    }
    reader.browser.wait_for(&taken_over).await?;
    reader.loses_the_network();
    for page in [LESSON, OTHER] {
        ensure!(reader.opens(page).await? == NEXT, "{page} is of the build before");
    }
    Ok(())
}
