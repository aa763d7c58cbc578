//! A page stands still while its figures come to life: it has kept the room that they need.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};
use serde::Deserialize;
use serde_json::json;

const PAGES: [&str; 9] = [
    "/",
    "/sandbox/",
    "/stages/01-single-server/",
    "/stages/02-backups/",
    "/stages/09-load-balancer/",
    "/stages/11-cache/",
    "/stages/13-stateless-web/",
    "/stages/17-read-write-services/",
    "/stages/21-ten-million/",
];
/// A line of text more or less in a legend is no jump.
const NEAR_PX: f64 = 40.0;
/// Layout shift that nobody sees, by <https://web.dev/articles/cls>: a tenth of what counts as good.
const STEADY: f64 = 0.01;

/// Hears what shifts, and notes how high each figure is before any script of the page's has touched it.
const WATCH: &str = "window.shift = 0; window.shifted = []; \
    new PerformanceObserver((list) => list.getEntries().forEach((it) => { if (it.hadRecentInput) return; \
    window.shift += it.value; window.shifted.push(it.sources.map((source) => source.node?.className ?? '').join(' ')); })) \
    .observe({ type: 'layout-shift', buffered: true }); \
    window.heights = () => [...document.querySelectorAll('hockeystick-figure')].map((it) => it.offsetHeight); \
    document.addEventListener('DOMContentLoaded', () => { window.kept = heights(); }, { once: true });";

#[derive(Debug, Deserialize)]
struct Seen {
    kept: Vec<f64>,
    heights: Vec<f64>,
    shift: f64,
    shifted: Vec<String>,
}

async fn stands_still(device: &Device) -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await?;
    // As over a real line: the page is painted before its programs are there.
    browser.cdp("Network.enable", json!({})).await?;
    let line = json!({ "offline": false, "latency": 100, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.cdp("Network.emulateNetworkConditions", line).await?;
    for page in PAGES {
        browser.goto(&site.url(page)).await?;
        browser
            .wait_for("[...document.querySelectorAll('hockeystick-figure')].every((it) => it.matches('.live'))")
            .await?;
        browser.wait_for("[...document.querySelectorAll('.panel')].every((it) => it.firstElementChild)").await?;
        let seen: Seen = browser.eval("({ kept, heights: heights(), shift, shifted })").await?;
        for (at, (kept, height)) in seen.kept.iter().zip(&seen.heights).enumerate() {
            ensure!(
                (kept - height).abs() <= NEAR_PX,
                "{page}: figure {at} is {height} px high, and had room for {kept}"
            );
        }
        ensure!(!seen.kept.is_empty() && seen.shift <= STEADY, "{page}: {} by {:?}", seen.shift, seen.shifted);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_stands_still_on_a_wide_screen() -> Result<()> {
    stands_still(&Device::desktop()).await
}

#[tokio::test]
async fn a_page_stands_still_on_a_phone() -> Result<()> {
    stands_still(&Device::phone()).await
}
