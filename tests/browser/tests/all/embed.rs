//! One figure alone, in a frame on somebody else's page.

use std::fs;

use anyhow::{Result, ensure};
use fantoccini::Locator;
use hockeystick_browser_tests::{Browser, Device, Key, Site};
use tempfile::TempDir;

/// A page of another host with a frame on it.
fn host(of: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("_headers"), "/\n  Cache-Control: no-store\n")?;
    let page = format!(
        "<!doctype html><html lang=en><title>A talk</title><link rel=icon href='data:,'><h1>A talk</h1>\
         <iframe title=figure width=900 height=620 src=\"{of}\"></iframe>"
    );
    fs::write(folder.path().join("index.html"), page)?;
    Ok(folder)
}

#[tokio::test]
async fn a_figure_runs_in_a_frame_of_another_host_and_leaves_the_focus_alone() -> Result<()> {
    let site = Site::start().await?;
    let folder = host(&site.url("/embed/?stage=09-load-balancer&seed=7&run=1"))?;
    let talk = Site::start_in(folder.path().to_owned()).await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&talk.url("/")).await?;
    browser.client().enter_frame(0).await?;
    browser.client().wait().for_element(Locator::Css(".figure-live canvas")).await?;
    let link = browser.client().find(Locator::Css(".embed-lesson")).await?;
    let href = link.attr("href").await?.unwrap_or_default();
    ensure!(href.contains("/stages/09-load-balancer/#fig-"), "{href}");
    browser.client().enter_parent_frame().await?;
    ensure!(browser.eval::<bool>("document.activeElement === document.body").await?, "the figure took the focus");
    ensure!(browser.eval::<f64>("scrollY").await? == 0.0, "the page was scrolled");
    let errors = browser.console_errors().await?;
    ensure!(errors.is_empty(), "{errors:#?}");
    Ok(())
}

#[tokio::test]
async fn a_shared_board_is_framed_as_it_was() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/sandbox/")).await?;
    browser.wait_for("!!document.querySelector('#fig-sandbox .palette button')").await?;
    // A balancer comes onto the board by keyboard: the palette's item, then the first place that is offered.
    browser
        .eval::<()>(
            "void [...document.querySelectorAll('#fig-sandbox .palette button')]\
             .find((it) => it.textContent.includes('Load balancer')).focus()",
        )
        .await?;
    browser.key(Key::Enter).await?;
    browser.key(Key::Enter).await?;
    browser.wait_for("document.querySelectorAll('#fig-sandbox .card').length === 2").await?;
    browser.eval::<()>("void document.querySelector('#fig-sandbox .share summary').click()").await?;
    browser
        .eval::<()>(
            "void [...document.querySelectorAll('#fig-sandbox .share button')]\
             .find((it) => it.textContent.includes('frame')).click()",
        )
        .await?;
    let frame =
        "new DOMParser().parseFromString(document.querySelector('#fig-sandbox .share-text').value, 'text/html')";
    let address: String = browser.eval(&format!("{frame}.querySelector('iframe').src")).await?;
    browser.goto(&address).await?;
    browser.wait_for("document.querySelectorAll('.figure-live .card').length === 2").await?;
    browser
        .wait_for(
            "[...document.querySelectorAll('.figure-live .card')].some((it) => it.textContent.includes('Balancer'))",
        )
        .await?;
    // Shared from within a frame it is that frame's page once more.
    browser.eval::<()>("void document.querySelector('.share summary').click()").await?;
    browser
        .eval::<()>(
            "void [...document.querySelectorAll('.share button')].find((it) => it.textContent.includes('frame')).click()",
        )
        .await?;
    let frame = "new DOMParser().parseFromString(document.querySelector('.share-text').value, 'text/html')";
    let again: String = browser.eval(&format!("{frame}.querySelector('iframe').src")).await?;
    let page = |address: &str| address.split('#').next().map(str::to_owned);
    assert_eq!(page(&again), page(&address));
    Ok(())
}

#[tokio::test]
async fn no_other_page_can_be_framed() -> Result<()> {
    let site = Site::start().await?;
    let folder = host(&site.url("/stages/"))?;
    let talk = Site::start_in(folder.path().to_owned()).await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&talk.url("/")).await?;
    browser.client().enter_frame(0).await?;
    ensure!(browser.client().find(Locator::Css("main")).await.is_err(), "the map can be framed");
    Ok(())
}

#[tokio::test]
async fn an_address_that_names_no_figure_is_told_what_is_valid() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    for (asked, said) in [
        ("?stage=nowhere", "There is no stage “nowhere”"),
        ("?stage=01-single-server&seed=x", "seed=x is no seed"),
        ("?stage=01-single-server&run=yes", "run=yes says nothing"),
        ("?stage=01-single-server&fig=nothing", "has no figure “nothing”. It has: "),
        ("?seed=1", "names no stage"),
    ] {
        browser.goto(&site.url(&format!("/embed/{asked}"))).await?;
        let says = "document.querySelector('#embed-says').textContent";
        browser.wait_for(&format!("{says}.includes('{said}')")).await?;
        let stages: usize = browser.eval("document.querySelectorAll('#embed-stages a').length").await?;
        ensure!(stages == 21, "{asked}: {stages} stages are offered");
    }
    Ok(())
}

#[tokio::test]
async fn a_seed_and_a_figure_can_be_asked_for() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::phone()).await?;
    browser.goto(&site.url("/embed/?stage=01-single-server&fig=chance&seed=7&run=0")).await?;
    browser.wait_for("!!document.querySelector('#fig-chance .figure-live')").await?;
    ensure!(browser.eval::<String>("document.querySelector('#fig-chance').dataset.seed").await? == "7");
    let too_wide: f64 = browser.eval("document.documentElement.scrollWidth - innerWidth").await?;
    ensure!(too_wide <= 0.0, "{too_wide} px too wide");
    browser.screenshot("embed-phone").await?;
    Ok(())
}
