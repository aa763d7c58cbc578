//! A figure looked into: something is broken and the run goes back, one request is followed, the figures are said.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};

const LESSON: &str = "/stages/01-single-server/";
const FIGURE: &str = "#fig-off";

async fn running() -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    // Every frame's script is timed: what the figure costs the page's own thread. Printed only, for the machine that runs
    // tests is not a reader's.
    let timed = "window.spent = []; const raf = window.requestAnimationFrame.bind(window); \
        window.requestAnimationFrame = call => raf(now => { const from = performance.now(); call(now); \
        window.spent.push(performance.now() - from); }); window.tasks = []; \
        new PerformanceObserver(list => list.getEntries().forEach(it => window.tasks.push(it.duration))) \
        .observe({ entryTypes: ['longtask'] });";
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": timed })).await?;
    browser.goto(&site.url(LESSON)).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .board.laid-out')")).await?;
    browser.centre(&format!("{FIGURE} .board")).await?;
    browser
        .eval::<()>(&format!(
            "void (p => p.textContent.includes('Play') && p.click())(document.querySelector('{FIGURE} .play'))"
        ))
        .await?;
    browser.wait_for(&format!("/[1-9]/.test(document.querySelector('{FIGURE} .strip-now dd').textContent)")).await?;
    Ok((site, browser))
}

fn text(part: &str) -> String {
    format!("document.querySelector('{FIGURE} {part}').textContent")
}

#[tokio::test]
async fn what_broke_breaks_again_when_the_run_goes_back() -> Result<()> {
    let (_site, browser) = running().await?;
    // A card's settings open from the keyboard; its menu breaks it.
    let card = format!("[...document.querySelectorAll('{FIGURE} .card')].find(it => it.textContent.includes('App'))");
    browser.eval::<()>(&format!("void {card}.focus()")).await?;
    browser
        .eval::<()>(&format!("void {card}.dispatchEvent(new KeyboardEvent('keydown', {{ key: ' ', bubbles: true }}))"))
        .await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .break-it .break')")).await?;
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .break-it .break').click()")).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .card.down')")).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .marks .broke')")).await?;
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .timeline .button').click()")).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .card.down')")).await?;
    ensure!(
        browser.eval::<bool>(&format!("!!document.querySelector('{FIGURE} .marks .broke')")).await?,
        "the timeline forgot what broke"
    );
    browser.wait_for(&format!("document.querySelector('{FIGURE} .card.down')")).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_request_is_followed_until_it_is_answered() -> Result<()> {
    let (_site, browser) = running().await?;
    let button = format!(
        "[...document.querySelectorAll('{FIGURE} .run .button')].find(it => it.textContent.includes('Follow'))"
    );
    browser.eval::<()>(&format!("void {button}.click()")).await?;
    browser.wait_for(&format!("{}.includes('answered after')", text(".follow-sum"))).await?;
    let stops: usize = browser.eval(&format!("document.querySelectorAll('{FIGURE} .follow tbody tr').length")).await?;
    // A file comes from the app server alone.
    ensure!(stops >= 1, "it went nowhere");
    let spent: Vec<f64> = browser.eval("window.spent.slice().sort((a, b) => a - b)").await?;
    let long: Vec<f64> = browser.eval("window.tasks").await?;
    let at = |share: f64| spent[((spent.len() - 1) as f64 * share) as usize];
    println!("script of a frame: median {:.2} ms, p99 {:.2} ms; long tasks {long:?}", at(0.5), at(0.99));
    Ok(())
}

#[tokio::test]
async fn the_figures_of_now_are_said_when_asked_for() -> Result<()> {
    let (_site, browser) = running().await?;
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .button.quiet').click()")).await?;
    browser.wait_for(&format!("{}.includes('requests a second arrive')", text("[role=status][aria-live]"))).await
}
