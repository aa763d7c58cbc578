//! Two fingers on a board: it is looked at more closely, and the page stays as it is.

use anyhow::{Context as _, Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Point, Site};
use serde::Deserialize;

const FIGURE: &str = "#fig-opening";

/// How the board is looked at, and the page.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Look {
    /// Of the board, 1 where its pixels are the page's.
    scale: f64,
    /// Where the board's corner is, from that of its place.
    x: f64,
    y: f64,
    page_scale: f64,
    page_y: f64,
}

async fn open() -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::phone()).await?;
    browser.goto(&site.url("/stages/01-single-server/")).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .board.laid-out')")).await?;
    Ok((site, browser))
}

async fn look(browser: &Browser) -> Result<Look> {
    browser
        .eval(&format!(
            "(() => {{ const m = new DOMMatrix(getComputedStyle(document.querySelector('{FIGURE} .world')).transform); \
             return {{ scale: m.a, x: m.e, y: m.f, page_scale: visualViewport.scale, page_y: scrollY }}; }})()"
        ))
        .await
}

/// A place of the board on which nothing stands, with room on both sides.
async fn ground(browser: &Browser) -> Result<Point> {
    browser.centre(&format!("{FIGURE} .board")).await?;
    let free: Option<Point> = browser
        .eval(&format!(
            "(() => {{ const board = document.querySelector('{FIGURE} .board'), b = board.getBoundingClientRect(); \
             const is = (x, y) => {{ const at = document.elementFromPoint(x, y); \
             return at === board || at?.classList.contains('world'); }}; \
             for (let y = b.top + 30; y < b.bottom - 30; y += 6) for (let x = b.left + 60; x < b.right - 60; x += 6) \
             if (is(x, y) && is(x - 20, y) && is(x + 20, y)) return {{ x, y }}; return null; }})()"
        ))
        .await?;
    free.context("the board is full")
}

#[tokio::test]
async fn two_fingers_enlarge_the_board_and_move_it_and_the_page_stays() -> Result<()> {
    let (_site, browser) = open().await?;
    let at = ground(&browser).await?;
    let before = look(&browser).await?;
    let apart = |by: f64| [at.offset(-by, 0.0), at.offset(by, 0.0)];
    let ([left, right], [far_left, far_right]) = (apart(20.0), apart(50.0));
    browser.fingers(&[(left, far_left), (right, far_right)]).await?;
    let closer = look(&browser).await?;
    ensure!((closer.scale / before.scale - 2.5).abs() < 0.1, "{before:?} became {closer:?}");
    ensure!((closer.page_scale, closer.page_y) == (before.page_scale, before.page_y), "{before:?} became {closer:?}");
    // Both the same way: what is seen moves with them.
    let up = |point: Point| (point, point.offset(-15.0, -25.0));
    browser.fingers(&[up(left), up(right)]).await?;
    let moved = look(&browser).await?;
    ensure!(moved.scale == closer.scale, "{closer:?} became {moved:?}");
    ensure!(
        (moved.x - closer.x + 15.0).abs() < 2.0 && (moved.y - closer.y + 25.0).abs() < 2.0,
        "{closer:?}, {moved:?}"
    );
    // Together again, or by the button below the board: all of it is seen.
    browser.fingers(&[(far_left, left), (far_right, right)]).await?;
    let all = look(&browser).await?;
    ensure!(all == before, "{before:?} became {all:?}");
    browser.fingers(&[(left, far_left), (right, far_right)]).await?;
    ensure!(look(&browser).await?.scale > before.scale);
    let back = "[...document.querySelectorAll('.figure-board > .button')].find((it) => it.checkVisibility())";
    browser.eval::<()>(&format!("{back}.click()")).await?;
    let all = look(&browser).await?;
    ensure!(all == before, "{before:?} became {all:?}");
    // One finger scrolls the page as before.
    browser.swipe(at, at.offset(0.0, -120.0)).await?;
    browser.wait_for(&format!("scrollY > {} + 50", before.page_y)).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_second_finger_puts_the_card_of_the_first_back() -> Result<()> {
    let (_site, browser) = open().await?;
    let place = format!("[...document.querySelectorAll('{FIGURE} .card')].map((it) => it.style.transform).join()");
    let card = browser.grip(&format!("{FIGURE} .card")).await?;
    let before: String = browser.eval(&place).await?;
    let other = ground(&browser).await?;
    let (x, y) = (other.x - card.x, other.y - card.y);
    let away = |from: Point, px: f64| (from, from.offset(x * px / x.hypot(y), y * px / x.hypot(y)));
    browser.fingers(&[away(card, -30.0), away(other, 30.0)]).await?;
    ensure!(look(&browser).await?.scale > 1.05, "two fingers do nothing where one is on a card");
    assert_eq!(browser.eval::<String>(&place).await?, before);
    ensure!(!browser.eval::<bool>(&format!("!!document.querySelector('{FIGURE} .inspector')")).await?);
    // The next finger alone moves it again.
    let (from, card) = (browser.grip(&format!("{FIGURE} .card")).await?, format!("{FIGURE} .card"));
    browser.swipe(from, from.offset(30.0, 30.0)).await?;
    browser.wait_for(&format!("!document.querySelector('{card}.moving')")).await?;
    ensure!(browser.eval::<String>(&place).await? != before, "the card is stuck");
    Ok(())
}
