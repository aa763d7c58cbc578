//! Every page of the site, as a reader gets it.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site, Theme};
use reqwest::header::HeaderMap;
use serde::Deserialize;

/// A header's text, empty when it is missing.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn every_page_answers_with_a_strict_policy() -> Result<()> {
    let site = Site::start().await?;
    for page in site.pages()? {
        let answer = reqwest::get(site.url(&page)).await?;
        ensure!(answer.status() == 200, "{page}: {}", answer.status());
        let headers = answer.headers().clone();
        ensure!(header(&headers, "content-type") == "text/html; charset=utf-8", "{page}: {headers:?}");
        ensure!(header(&headers, "x-content-type-options") == "nosniff", "{page}: {headers:?}");
        let policy = header(&headers, "content-security-policy");
        ensure!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"), "{page}: {policy}");
        ensure!(!policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"), "{page}: {policy}");
        let frames = if page.starts_with("/embed/") { "frame-ancestors *" } else { "frame-ancestors 'none'" };
        ensure!(policy.contains(frames), "{page}: {policy}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so() -> Result<()> {
    let site = Site::start().await?;
    let answer = reqwest::get(site.url("/no/such/page")).await?;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().await?.contains("<h1"));
    Ok(())
}

/// What a page says of itself.
#[derive(Debug, Deserialize)]
struct Name {
    title: String,
    language: String,
    headings: usize,
    has_main: bool,
}

const NAME: &str = "({ title: document.title, language: document.documentElement.lang, \
     headings: document.querySelectorAll('h1').length, has_main: !!document.querySelector('main') })";

#[tokio::test]
async fn every_page_names_itself_and_none_complains_or_calls_a_third_party() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    for page in site.pages()? {
        browser.goto(&site.url(&page)).await?;
        browser.wait_for("document.readyState === 'complete'").await?;
        let name: Name = browser.eval(NAME).await?;
        ensure!(!name.title.is_empty() && !name.language.is_empty() && name.has_main, "{page}: {name:?}");
        ensure!(name.headings == 1, "{page}: {} first headings", name.headings);
        let errors = browser.console_errors().await?;
        ensure!(errors.is_empty(), "{page}: {errors:#?}");
        let own = site.url("/");
        // The browser's own pages, such as the new tab it starts with, have a scheme of their own.
        let is_foreign = |url: &String| !url.starts_with(&own) && (url.starts_with("http") || url.starts_with("ws"));
        let foreign: Vec<String> = browser.requests().await?.into_iter().filter(is_foreign).collect();
        ensure!(foreign.is_empty(), "{page}: {foreign:#?}");
    }
    Ok(())
}

/// What the page's program needs, and how it came: how often the module was fetched and by what, what the script imports,
/// and what of that was fetched only once the script was there.
#[derive(Debug, Deserialize)]
struct Fetched {
    module: Vec<String>,
    imports: Vec<String>,
    late: Vec<String>,
}

const FETCHED: &str = r#"(async () => {
    const all = performance.getEntriesByType('resource');
    const script = all.find((it) => it.name.endsWith('/app.js'));
    const text = await (await fetch(script.name)).text();
    const imports = [...text.matchAll(/\bfrom\s*"\.\/([^"]+)"/g)].map((found) => found[1]);
    const isLate = (name) => !(all.find((it) => it.name.endsWith(name))?.startTime < script.responseEnd);
    const module = all.filter((it) => it.name.endsWith('_bg.wasm')).map((it) => it.initiatorType);
    return { module, imports, late: imports.filter(isLate) };
})()"#;

#[tokio::test]
async fn what_a_figure_needs_is_fetched_beside_its_script_and_only_once() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/stages/09-load-balancer/")).await?;
    browser.wait_for("document.querySelector('hockeystick-figure').mounted?.is_running()").await?;
    let fetched: Fetched = browser.eval(FETCHED).await?;
    ensure!(fetched.module == ["link"] && !fetched.imports.is_empty() && fetched.late.is_empty(), "{fetched:#?}");
    Ok(())
}

#[tokio::test]
async fn every_page_is_readable_without_javascript() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop().without_javascript()).await?;
    for page in site.pages()? {
        browser.goto(&site.url(&page)).await?;
        let heading: String = browser.eval("document.querySelector('h1')?.innerText ?? ''").await?;
        ensure!(!heading.trim().is_empty(), "{page}: no heading");
        let letters: usize = browser.eval("document.querySelector('main')?.innerText.length ?? 0").await?;
        let is_lesson = page.starts_with("/stages/") && page != "/stages/";
        ensure!(letters > if is_lesson { 2000 } else { 10 }, "{page}: {letters} letters of text");
    }
    Ok(())
}

/// Nothing on any page is wider than such a screen, in either theme; and the themes differ. The second comes while the page
/// is open, as when a reader's evening begins.
async fn every_page_fits(device: Device) -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&device).await?;
    for page in site.pages()? {
        browser.emulate(&device).await?;
        browser.goto(&site.url(&page)).await?;
        // As wide as it will be: with its figures in place, in the fonts that it asks for.
        let figures = "[...document.querySelectorAll('hockeystick-figure')].every((it) => it.mounted)";
        browser.wait_for(&format!("document.fonts.ready.then(() => {figures})")).await?;
        let mut paper = Vec::new();
        for theme in [Theme::Light, Theme::Dark] {
            let device = device.clone().theme(theme);
            browser.emulate(&device).await?;
            let name = page.trim_matches('/').replace(['/', '.'], "-");
            let name = if name.is_empty() { "home" } else { &name };
            browser.screenshot(&format!("{name}-{}", device.name())).await?;
            let too_wide_px: f64 =
                browser.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth").await?;
            ensure!(too_wide_px <= 0.0, "{page} on {}: {too_wide_px} px too wide", device.name());
            paper.push(browser.eval::<String>("getComputedStyle(document.body).backgroundColor").await?);
        }
        ensure!(paper[0] != paper[1], "{page}: {} in light and in dark", paper[0]);
    }
    Ok(())
}

#[tokio::test]
async fn every_page_fits_a_wide_screen_in_both_themes() -> Result<()> {
    every_page_fits(Device::desktop()).await
}

#[tokio::test]
async fn every_page_fits_a_phone_in_both_themes() -> Result<()> {
    every_page_fits(Device::phone()).await
}

async fn no_page_breaks_a_rule_of_accessibility(theme: Theme) -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop().reduced_motion().theme(theme)).await?;
    for page in site.pages()? {
        browser.goto(&site.url(&page)).await?;
        let problems = browser.accessibility_problems().await?;
        ensure!(problems.is_empty(), "{page}, {}: {problems:#?}", theme.name());
    }
    Ok(())
}

#[tokio::test]
async fn no_page_breaks_a_rule_of_accessibility_in_light() -> Result<()> {
    no_page_breaks_a_rule_of_accessibility(Theme::Light).await
}

#[tokio::test]
async fn no_page_breaks_a_rule_of_accessibility_in_dark() -> Result<()> {
    no_page_breaks_a_rule_of_accessibility(Theme::Dark).await
}

#[tokio::test]
async fn the_site_works_below_any_path() -> Result<()> {
    let Some(root) = std::env::var_os("HOCKEYSTICK_SITE_BELOW").map(PathBuf::from) else {
        eprintln!("note: `cargo xtask test --only browser` builds the site that this test needs; nothing was checked");
        return Ok(());
    };
    std::fs::copy(root.join("talks/hockeystick/_headers"), root.join("_headers"))?;
    let site = Site::start_in(root).await?;
    let browser = Browser::start(&Device::desktop()).await?;
    for page in site.pages()? {
        browser.goto(&site.url(&page)).await?;
        let errors = browser.console_errors().await?;
        ensure!(errors.is_empty(), "{page}: {errors:#?}");
        let own = site.url("/talks/hockeystick/");
        let is_outside = |url: &String| url.starts_with("http") && !url.starts_with(&own);
        let outside: Vec<String> = browser.requests().await?.into_iter().filter(is_outside).collect();
        ensure!(outside.is_empty(), "{page}: {outside:#?}");
    }
    Ok(())
}
