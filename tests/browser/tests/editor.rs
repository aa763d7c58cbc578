//! A reader builds on the board: by mouse, by finger, by keyboard; takes it back, and passes it on as an address.

use anyhow::{Context as _, Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Point, Site};

const PAGE: &str = "/stages/09-load-balancer/";
const FIGURE: &str = "hockeystick-figure";

async fn open(device: &Device) -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
    browser.goto(&site.url(PAGE)).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .board.laid-out')")).await?;
    browser.centre(&format!("{FIGURE} .bench")).await?;
    Ok((site, browser))
}

/// Waits until so many cards stand on the board.
async fn wait_for_cards(browser: &Browser, count: usize) -> Result<()> {
    browser
        .wait_for(&format!("document.querySelectorAll('{FIGURE} .card').length === {count}"))
        .await
        .with_context(|| format!("{count} cards"))
}

async fn said(browser: &Browser, words: &str) -> Result<()> {
    let live = format!("document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent");
    browser.wait_for(&format!("{live}.includes('{words}')")).await.with_context(|| words.to_owned())
}

/// The middle of an arrow on the screen.
async fn arrow(browser: &Browser, from: &str, to: &str) -> Result<Point> {
    let script = format!(
        "(() => {{ const a = document.querySelector('{FIGURE} .arrow[aria-label=\"{from} calls {to}\"] .line'); \
         const q = a.getPointAtLength(a.getTotalLength() / 2), m = a.getScreenCTM(); \
         return {{ x: q.x * m.a + m.e, y: q.y * m.d + m.f }}; }})()"
    );
    browser.eval(&script).await
}

/// What calls what, as the arrows' labels say it.
async fn calls(browser: &Browser) -> Result<Vec<String>> {
    let script =
        format!("[...document.querySelectorAll('{FIGURE} .arrow')].map(a => a.getAttribute('aria-label')).sort()");
    browser.eval(&script).await
}

fn has(calls: &[String], call: &str) -> bool {
    calls.iter().any(|it| it == call)
}

const BALANCER: &str = "hockeystick-figure .palette-item:nth-child(1)";
const SERVER: &str = "hockeystick-figure .palette-item:nth-child(2)";

#[tokio::test]
async fn a_component_dropped_on_an_arrow_is_wired_in_and_can_be_taken_back() -> Result<()> {
    let (_site, browser) = open(&Device::desktop()).await?;
    let before = calls(&browser).await?;
    let from = browser.centre(BALANCER).await?;
    let to = arrow(&browser, "Users", "Balancer").await?;
    browser.drag(from, to).await?;
    wait_for_cards(&browser, 6).await?;
    let after = calls(&browser).await?;
    ensure!(has(&after, "Users calls Balancer 2") && has(&after, "Balancer 2 calls Balancer"), "{after:?}");
    ensure!(!has(&after, "Users calls Balancer"), "{after:?}");
    // It runs on.
    let answered = format!("document.querySelector('{FIGURE} .strip-now > div:nth-child(2) dd').textContent");
    browser.wait_for(&format!("/[1-9]/.test({answered})")).await?;
    browser.click(&format!("{FIGURE} .tools .tool:nth-child(1)")).await?;
    wait_for_cards(&browser, 5).await?;
    ensure!(calls(&browser).await? == before);
    browser.click(&format!("{FIGURE} .tools .tool:nth-child(2)")).await?;
    wait_for_cards(&browser, 6).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_finger_drags_from_the_palette_to_the_board() -> Result<()> {
    let (_site, browser) = open(&Device::phone()).await?;
    let from = browser.centre(SERVER).await?;
    let board: Point = browser
        .eval(&format!(
            "(() => {{ const b = document.querySelector('{FIGURE} .board').getBoundingClientRect(); \
             return {{ x: b.x + 20, y: b.y + 30 }}; }})()"
        ))
        .await?;
    browser.swipe(from, board).await?;
    wait_for_cards(&browser, 6).await?;
    browser
        .wait_for(&format!("document.querySelector('{FIGURE} .missing')?.textContent.includes('not connected yet')"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_keyboard_alone_adds_connects_copies_and_removes() -> Result<()> {
    let (_site, browser) = open(&Device::desktop()).await?;
    browser.eval::<()>(&format!("void document.querySelector('{SERVER}').focus()")).await?;
    browser.key(Key::Enter).await?;
    said(&browser, "Enter drops it").await?;
    // The last place is the bare board.
    browser.key(Key::Left).await?;
    said(&browser, "On the board, unconnected").await?;
    browser.key(Key::Enter).await?;
    wait_for_cards(&browser, 6).await?;
    said(&browser, "App 2 added").await?;
    browser.wait_for("document.activeElement.textContent.includes('App 2')").await?;
    // Connected with the balancer, it can run.
    browser.chord(&[], 'c').await?;
    let live = format!("document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent");
    for _ in 0..8 {
        if browser.eval::<bool>(&format!("{live}.startsWith('Balancer calls App 2')")).await? {
            break;
        }
        browser.key(Key::Right).await?;
    }
    browser.key(Key::Enter).await?;
    said(&browser, "Balancer calls App 2 now").await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .missing')")).await?;
    let card = |name: &str| {
        format!("[...document.querySelectorAll('{FIGURE} .card')].find(c => c.textContent.includes('{name}'))")
    };
    browser.eval::<()>(&format!("void {}.focus()", card("App 2"))).await?;
    browser.chord(&[], '+').await?;
    said(&browser, "2 copies").await?;
    browser.key(Key::Delete).await?;
    wait_for_cards(&browser, 5).await?;
    said(&browser, "Ctrl+Z brings it back").await?;
    browser.chord(&[Key::Control], 'z').await?;
    wait_for_cards(&browser, 6).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_address_opens_the_board_again_and_a_broken_one_says_so() -> Result<()> {
    let (site, browser) = open(&Device::desktop()).await?;
    let from = browser.centre(BALANCER).await?;
    let to = arrow(&browser, "Users", "Balancer").await?;
    browser.drag(from, to).await?;
    wait_for_cards(&browser, 6).await?;
    let expected = calls(&browser).await?;
    browser.click(&format!("{FIGURE} .share summary")).await?;
    browser.click(&format!("{FIGURE} .share-menu .button")).await?;
    said(&browser, "copied").await?;
    let text = format!("document.querySelector('{FIGURE} .share-text').textContent");
    let address: String = browser.eval(&text).await?;
    ensure!(address.contains("#fig-") && address.contains(".s="), "{address}");
    // Only the hash differs: the page must be left for it to be read.
    browser.goto(&site.url("/")).await?;
    browser.goto(&address).await?;
    wait_for_cards(&browser, 6).await?;
    assert_eq!(calls(&browser).await?, expected);
    browser.goto(&site.url("/")).await?;
    browser.goto(&address[..address.len() - 12]).await?;
    browser
        .wait_for(&format!("document.querySelector('{FIGURE} .refusal')?.textContent.includes('cut or mistyped')"))
        .await?;
    wait_for_cards(&browser, 5).await
}
