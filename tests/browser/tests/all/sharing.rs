//! The menu by which a board is passed on.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site};

const FIGURE: &str = "#fig-opening";

#[tokio::test]
async fn a_browser_that_refuses_to_copy_is_told() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/stages/01-single-server/")).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .board.laid-out')")).await?;
    let words =
        format!("[...document.querySelectorAll('{FIGURE} .share-menu button')].map((it) => it.textContent).join()");
    for (answer, copied) in [("Promise.reject(new Error('no'))", false), ("Promise.resolve()", true)] {
        let script = format!(
            "(() => {{ navigator.clipboard.writeText = () => {answer}; \
             document.querySelector('{FIGURE} .share').open = true; \
             document.querySelector('{FIGURE} .share-menu button').click(); return true; }})()"
        );
        ensure!(browser.eval::<bool>(&script).await?);
        let said = if copied { "It is copied" } else { "It stands below" };
        browser
            .wait_for(&format!(
                "document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent.includes('{said}')"
            ))
            .await?;
        let words: String = browser.eval(&words).await?;
        ensure!(words.contains("Copied") == copied, "{words}");
    }
    browser.wait_for(&format!("document.querySelector('{FIGURE} .share-text').value.includes('#fig-opening')")).await?;
    // Another board is not what was copied.
    let knob = format!("document.querySelector('{FIGURE} .knobs input[type=range]')");
    browser.eval::<()>(&format!("void {knob}.focus()")).await?;
    browser.key(Key::Left).await?;
    browser.wait_for(&format!("!({words}).includes('Copied')")).await?;
    // The menu closes with Escape, and its opener has the focus.
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .share-menu button').focus()")).await?;
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("document.activeElement.matches('{FIGURE} .share:not([open]) > summary')")).await
}
