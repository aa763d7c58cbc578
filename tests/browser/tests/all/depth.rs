//! A figure looked into: something is broken and the run goes back, one request is followed, the figures are said.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Point, Site};

const LESSON: &str = "/stages/01-single-server/";
const FIGURE: &str = "#fig-off";

async fn running() -> Result<(Site, Browser)> {
    running_on(&Device::desktop()).await
}

async fn running_on(device: &Device) -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
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

/// Stops the run with a request on the app's card, and says where on the screen that is.
async fn request_on_a_card(browser: &Browser) -> Result<Point> {
    let dot = format!(
        "(() => {{ const canvas = document.querySelector('{FIGURE} canvas.dots'), at = canvas.getBoundingClientRect(); \
         const card = [...document.querySelectorAll('{FIGURE} .card')].find(it => it.textContent.includes('App')) \
         .getBoundingClientRect(), by = canvas.width / at.width, x = card.x - at.x, y = card.y - at.y; \
         const {{ data, width }} = canvas.getContext('2d') \
         .getImageData((x + 12) * by, (y + 12) * by, (card.width - 24) * by, (card.height - 24) * by); \
         const first = data.findIndex((it, i) => i % 4 === 3 && it > 240); if (first < 0) return null; \
         const pixel = (first - 3) / 4; return {{ x: card.x + 12 + (pixel % width) / by, \
         y: card.y + 12 + (Math.floor(pixel / width) + 2) / by }}; }})()"
    );
    let play = format!("{FIGURE} .play");
    for _ in 0..30 {
        browser.wait_for(&format!("{}.includes('Pause')", text(".play"))).await?;
        browser.click(&play).await?;
        // What was on its way to its place has come there.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        browser.centre(&format!("{FIGURE} .board")).await?;
        if let Some(at) = browser.eval(&dot).await? {
            return Ok(at);
        }
        browser.click(&play).await?;
    }
    anyhow::bail!("no request was on the card")
}

/// Whether a request is followed, and whether settings are open.
async fn shown(browser: &Browser) -> Result<(bool, bool)> {
    let script =
        ["follow.shown", "inspector"].map(|it| format!("!!document.querySelector('{FIGURE} .{it}')")).join(",");
    browser.eval(&format!("[{script}]")).await
}

#[tokio::test]
async fn a_mouse_hits_a_request_on_a_card() -> Result<()> {
    let (_site, browser) = running().await?;
    let at = request_on_a_card(&browser).await?;
    browser.drag(at, at).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .follow.shown')")).await?;
    assert_eq!(shown(&browser).await?, (true, false), "a press does one thing");
    Ok(())
}

#[tokio::test]
async fn a_finger_on_a_request_means_the_card_below_it_but_on_an_arrow_the_request() -> Result<()> {
    let (_site, browser) = running_on(&Device::phone()).await?;
    browser.tap(request_on_a_card(&browser).await?).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .inspector')")).await?;
    assert_eq!(shown(&browser).await?, (false, true), "a press does one thing");
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .inspector')")).await?;
    browser.click(&format!("{FIGURE} .play")).await?;
    browser.centre(&format!("{FIGURE} .board")).await?;
    let arrow = format!(
        "[...document.querySelectorAll('{FIGURE} .arrow .line')].map((line) => {{ const m = line.getScreenCTM(), \
         q = line.getPointAtLength(line.getTotalLength() / 2); return {{ x: q.x * m.a + m.e, y: q.y * m.d + m.f }}; }})"
    );
    let arrows: Vec<Point> = browser.eval(&arrow).await?;
    for at in arrows.into_iter().cycle().take(60) {
        browser.tap(at).await?;
        let now = shown(&browser).await?;
        ensure!(!now.1, "settings opened beside a card");
        if now.0 {
            return Ok(());
        }
    }
    anyhow::bail!("no request on an arrow can be followed")
}
