//! The site without a network, after the first visit.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};
use tokio::runtime::Runtime;

/// Opens a lesson, waits until the service worker has kept what it keeps, and takes the server away with every connection.
async fn away(browser: &Browser) -> Result<String> {
    let network = Runtime::new()?;
    let site = network.spawn(Site::start()).await??;
    let top = site.url("/");
    browser.goto(&site.url("/stages/01-single-server/")).await?;
    browser
        .wait_for("navigator.serviceWorker.getRegistration().then((it) => it?.active?.state === 'activated')")
        .await?;
    drop(site);
    network.shutdown_background();
    Ok(top)
}

#[tokio::test]
async fn a_visited_site_works_without_a_network() -> Result<()> {
    let browser = Browser::start(&Device::desktop()).await?;
    let top = away(&browser).await?;
    // A stage that was never opened, with its figure at work.
    browser.goto(&format!("{top}stages/14-message-queue/")).await?;
    browser.wait_for("!!document.querySelector('.figure-live canvas')").await?;
    let title: String = browser.eval("document.querySelector('h1').textContent").await?;
    ensure!(title == "Not now, but soon", "{title}");
    // What its inspector says of a thing comes from that kind's page.
    browser.eval::<()>("void document.querySelector('.card').focus()").await?;
    browser.chord(&[], ' ').await?;
    browser.wait_for("document.querySelector('.inspector.told')?.textContent.includes('Browsers that ask')").await?;
    for page in ["", "stages/", "model/cache/", "glossary/"] {
        browser.goto(&format!("{top}{page}")).await?;
        let heading: String = browser.eval("document.querySelector('h1')?.textContent ?? ''").await?;
        ensure!(!heading.is_empty() && heading != "You are offline", "{page}: {heading}");
        let font: f64 = browser.eval("document.fonts.ready.then(() => document.fonts.size)").await?;
        ensure!(font > 0.0, "{page} has lost its styles");
    }
    Ok(())
}

#[tokio::test]
async fn boards_can_be_chosen_without_a_network() -> Result<()> {
    let browser = Browser::start(&Device::desktop()).await?;
    let top = away(&browser).await?;
    let boards = "[...document.querySelectorAll('hockeystick-figure .board.laid-out')]";
    for (page, figures) in
        [("compare/?a=06-split-database&b=09-load-balancer", 2), ("sandbox/?stage=09-load-balancer", 1)]
    {
        browser.goto(&format!("{top}{page}")).await?;
        browser
            .wait_for(&format!(
                "document.querySelector('.check-said.wrong') || \
                 ({boards}.length === {figures} && /Balancer/.test({boards}.at(-1).textContent))"
            ))
            .await?;
        let wrong: String = browser.eval("document.querySelector('.check-said.wrong')?.textContent ?? ''").await?;
        ensure!(wrong.is_empty(), "{page}: {wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn what_was_not_kept_says_so() -> Result<()> {
    let browser = Browser::start(&Device::desktop()).await?;
    let top = away(&browser).await?;
    browser.goto(&format!("{top}stages/no-such-stage/")).await?;
    let heading: String = browser.eval("document.querySelector('h1')?.textContent ?? ''").await?;
    ensure!(heading == "You are offline", "{heading}");
    Ok(())
}
