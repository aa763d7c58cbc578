//! Pages enlarged by the reader's browser: at 200 % a window of 1280 pixels is 640 wide, at 400 % 320.
//!
//! <https://www.w3.org/TR/WCAG22/#resize-text>, <https://www.w3.org/TR/WCAG22/#reflow>

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};

/// As far as the standard goes: a window of 1280 by 1024, at 200 and at 400 %.
const SIZES: [(&str, u32, u32); 2] = [("200", 640, 512), ("400", 320, 256)];
/// Pages with something on them that their plain address does not show.
const ASKED: [&str; 2] = ["/sandbox/?stage=09-load-balancer", "/compare/?a=06-split-database&b=09-load-balancer"];
/// Says what is lost of a page, as a list of sentences.
const LOST: &str = include_str!("zoom/lost.js");

#[tokio::test]
async fn nothing_is_lost_when_a_page_is_enlarged() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    // Of the pages of one kind of component one is enough: they are made of the same parts.
    let is_looked_at = |page: &String| !page.starts_with("/model/") || page == "/model/" || page == "/model/database/";
    let pages: Vec<String> = site.pages()?.into_iter().filter(is_looked_at).chain(ASKED.map(str::to_owned)).collect();
    let mut lost = Vec::new();
    for (zoom, width_px, height_px) in SIZES {
        browser.emulate(&Device::desktop().size(width_px, height_px).reduced_motion()).await?;
        for page in &pages {
            browser.goto(&site.url(page)).await?;
            let figures = "[...document.querySelectorAll('hockeystick-figure')].every((it) => it.mounted)";
            browser.wait_for(&format!("document.fonts.ready.then(() => {figures})")).await?;
            let name = page.split('?').next().unwrap_or_default().trim_matches('/').replace(['/', '.'], "-");
            browser.screenshot(&format!("zoom-{zoom}-{}", if name.is_empty() { "home" } else { &name })).await?;
            let wide_px: f64 = browser.eval("document.documentElement.scrollWidth - innerWidth").await?;
            if wide_px > 0.0 {
                lost.push(format!("{page} at {zoom} %: {wide_px} px too wide"));
            }
            let here: Vec<String> = browser.eval(LOST).await?;
            lost.extend(here.into_iter().map(|what| format!("{page} at {zoom} %: {what}")));
        }
    }
    ensure!(lost.is_empty(), "{lost:#?}");
    Ok(())
}
