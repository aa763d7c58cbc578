//! A figure in a reader's hands: it runs, is dragged, turned, broken and mended, and leaves nothing behind.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site};

const LESSON: &str = "/stages/01-single-server/";
/// The first figure of the lesson: users, DNS, an app and a database on one box; it runs by itself.
const FIGURE: &str = "#fig-opening";
/// The figure whose box can be switched off.
const BREAKABLE: &str = "#fig-off";

async fn open(device: &Device, page: &str) -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
    browser.goto(&site.url(page)).await?;
    browser.wait_for("document.querySelector('.board.laid-out')").await?;
    Ok((site, browser))
}

async fn open_lesson(device: &Device) -> Result<(Site, Browser)> {
    open(device, LESSON).await
}

/// Brings a figure into view and waits until the simulation answers requests.
async fn wait_for_run(browser: &Browser, figure: &str) -> Result<()> {
    browser.wait_for(&format!("document.querySelector('{figure} .board.laid-out')")).await?;
    browser.centre(&format!("{figure} .board")).await?;
    browser.wait_for(&format!("/[1-9]/.test({})", figures(figure, 2))).await
}

/// The n-th of the figures under a board: arriving, answered, failed, p50, p95, p99.
fn figures(figure: &str, n: usize) -> String {
    format!("document.querySelector('{figure} .strip-now > div:nth-child({n}) dd').textContent")
}

/// Sets a figure's timeline to a place of its 400.
fn timeline(figure: &str, place: u32) -> String {
    format!(
        "(() => {{ const slider = document.querySelector('{figure} .timeline input'); slider.value = {place}; \
         slider.dispatchEvent(new Event('input')); return slider.dispatchEvent(new Event('change')); }})()"
    )
}

/// The board's canvas as a picture; it changes when anything moves.
fn drawing(figure: &str) -> String {
    format!("document.querySelector('{figure} canvas.dots').toDataURL()")
}

/// The board's picture once nothing moves: what was on its way when the pause came may still glide to its place.
async fn at_rest(browser: &Browser, figure: &str) -> Result<String> {
    let mut before = String::new();
    for _ in 0..10 {
        let now: String = browser.eval(&drawing(figure)).await?;
        if now == before {
            return Ok(now);
        }
        before = now;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    anyhow::bail!("it moves while it is paused")
}

/// Where a card is on its board.
async fn place(browser: &Browser, card: &str) -> Result<(f64, f64)> {
    let rect = format!(
        "(() => {{ const e = document.querySelector('{card}'), b = e.closest('.board').getBoundingClientRect(), \
         r = e.getBoundingClientRect(); return [r.x - b.x, r.y - b.y]; }})()"
    );
    browser.eval(&rect).await
}

/// A card snaps to a grid of 8 pixels: it is let go at most half of one away, and is seen in half pixels.
const SNAP: f64 = 4.6;

#[tokio::test]
async fn a_figure_runs_and_its_dots_move() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    let before: String = browser.eval(&drawing(FIGURE)).await?;
    let blank = format!(
        "(() => {{ const c = document.querySelector('{FIGURE} canvas.dots'); \
         return Object.assign(document.createElement('canvas'), {{ width: c.width, height: c.height }}).toDataURL(); }})()"
    );
    ensure!(browser.eval::<String>(&blank).await? != before, "nothing is drawn");
    browser.wait_for(&format!("{} !== '{before}'", drawing(FIGURE))).await?;
    ensure!(
        !browser.eval::<bool>(&format!("document.querySelector('{FIGURE}').contains(document.activeElement)")).await?
    );
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_paused_figure_stands_still_and_a_step_moves_it() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser.click(&format!("{FIGURE} .play")).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .play').textContent.includes('Play')")).await?;
    let still = at_rest(&browser, FIGURE).await?;
    browser.click(&format!("{FIGURE} .run .button:nth-child(2)")).await?;
    browser.wait_for(&format!("{} !== '{still}'", drawing(FIGURE))).await
}

#[tokio::test]
async fn a_card_is_moved_by_mouse() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let card = lone_card(&browser).await?;
    let from = browser.centre(&card).await?;
    let before = place(&browser, &card).await?;
    browser.drag(from, from.offset(60.0, 30.0)).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .card.moving')")).await?;
    let after = place(&browser, &card).await?;
    ensure!(
        (after.0 - before.0 - 60.0).abs() < SNAP && (after.1 - before.1 - 30.0).abs() < SNAP,
        "{before:?} to {after:?}"
    );
    ensure!(
        browser.eval::<bool>(&format!("!document.querySelector('{FIGURE} .inspector')")).await?,
        "a drag is no click"
    );
    Ok(())
}

/// The card of the DNS resolver: nothing else is near it.
async fn lone_card(browser: &Browser) -> Result<String> {
    // Once it runs its charts have their height. Then it is stopped at its start: a click on a request would follow that.
    wait_for_run(browser, FIGURE).await?;
    browser.click(&format!("{FIGURE} .play")).await?;
    browser.click(&format!("{FIGURE} [aria-label=Reset]")).await?;
    let script =
        format!("[...document.querySelectorAll('{FIGURE} .card')].findIndex(card => card.textContent.includes('DNS'))");
    let index: usize = browser.eval(&script).await?;
    browser
        .eval::<()>(&format!(
            "void document.querySelectorAll('{FIGURE} .card')[{index}].setAttribute('data-test', 'card')"
        ))
        .await?;
    Ok(format!("{FIGURE} [data-test=card]"))
}

#[tokio::test]
async fn a_card_is_moved_by_finger() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::phone()).await?;
    let card = lone_card(&browser).await?;
    let from = browser.centre(&card).await?;
    let before = place(&browser, &card).await?;
    browser.swipe(from, from.offset(20.0, 40.0)).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .card.moving')")).await?;
    let after = place(&browser, &card).await?;
    ensure!((after.1 - before.1 - 40.0).abs() < SNAP, "{before:?} to {after:?}");
    Ok(())
}

#[tokio::test]
async fn a_finger_that_begins_to_scroll_on_a_card_scrolls() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::phone()).await?;
    let card = lone_card(&browser).await?;
    let from = browser.centre(&card).await?;
    let (before, top) = (place(&browser, &card).await?, browser.eval::<f64>("scrollY").await?);
    browser.flick(from, from.offset(0.0, -200.0)).await?;
    browser.wait_for(&format!("scrollY > {}", top + 100.0)).await?;
    assert_eq!(place(&browser, &card).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_paused_figure_shows_the_instant_that_its_timeline_is_set_to() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .timeline input').value > 120")).await?;
    browser.eval::<()>(&format!("document.querySelector('{FIGURE}').mounted.run(false)")).await?;
    browser.eval::<bool>(&timeline(FIGURE, 60)).await?;
    browser
        .wait_for(&format!(
            "(([now, all]) => Math.abs(now / all - 60 / 400) < 0.01)(document.querySelector('{FIGURE} .timeline output') \
             .textContent.match(/[0-9.]+/g).map(Number))"
        ))
        .await?;
    // Requests are under way there, and what was answered before is measured.
    browser.wait_for(&format!("document.querySelector('{FIGURE}').mounted.dots() > 20")).await?;
    browser.wait_for(&format!("/[1-9]/.test({})", figures(FIGURE, 5))).await?;
    Ok(())
}

#[tokio::test]
async fn a_paused_figure_takes_the_pages_other_colours() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser.eval::<()>(&format!("document.querySelector('{FIGURE}').mounted.run(false)")).await?;
    let chart = format!("document.querySelector('{FIGURE} .chart-canvas').toDataURL()");
    let (dots, lines) = (at_rest(&browser, FIGURE).await?, browser.eval::<String>(&chart).await?);
    browser.click(".theme").await?;
    browser.wait_for(&format!("{} !== '{dots}' && {chart} !== '{lines}'", drawing(FIGURE))).await
}

#[tokio::test]
async fn whoever_stepped_and_goes_elsewhere_has_no_dot_for_each_of_a_crowd() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    browser.goto(&site.url("/stages/21-ten-million/")).await?;
    let figure = "hockeystick-figure";
    wait_for_run(&browser, figure).await?;
    browser.click(&format!("{figure} .run .button:nth-child(2)")).await?;
    let stands_for = "Number(document.querySelector('hockeystick-figure').textContent.match(/1 dot = ([0-9,]+)/)[1] \
                      .replace(',', ''))";
    browser.wait_for(&format!("{stands_for} === 1")).await?;
    browser.eval::<bool>(&timeline(figure, 100)).await?;
    browser.wait_for(&format!("{stands_for} >= 200 && !document.querySelector('{figure} .timeline.seeking')")).await?;
    let dots: usize = browser.eval(&format!("document.querySelector('{figure}').mounted.dots()")).await?;
    ensure!((20..2_000).contains(&dots), "{dots} dots");
    Ok(())
}

#[tokio::test]
async fn a_card_is_moved_by_keyboard_and_says_so() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let card = lone_card(&browser).await?;
    browser.centre(&card).await?;
    browser.eval::<()>(&format!("void document.querySelector('{card}').focus()")).await?;
    let before = place(&browser, &card).await?;
    browser.key(Key::Enter).await?;
    browser
        .wait_for(&format!(
            "document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent.includes('picked up')"
        ))
        .await?;
    browser.key(Key::Down).await?;
    browser.key(Key::Enter).await?;
    browser
        .wait_for(&format!(
            "document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent.includes('put down')"
        ))
        .await?;
    let moved = place(&browser, &card).await?;
    ensure!(moved.1 > before.1 + 10.0, "{before:?} to {moved:?}");
    browser.key(Key::Enter).await?;
    browser.key(Key::Down).await?;
    browser.key(Key::Escape).await?;
    browser
        .wait_for(&format!(
            "document.querySelector('{FIGURE} .figure-live > [aria-live]').textContent.includes('back')"
        ))
        .await?;
    let back = place(&browser, &card).await?;
    ensure!((back.1 - moved.1).abs() < 1.0, "{moved:?} to {back:?}");
    Ok(())
}

#[tokio::test]
async fn a_knob_changes_the_figures_without_losing_the_run() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    let set = format!(
        "(() => {{ const i = document.querySelector('{FIGURE} .knobs .number'); i.value = '5/s'; \
         i.dispatchEvent(new Event('change', {{ bubbles: true }})); return i.value; }})()"
    );
    ensure!(browser.eval::<String>(&set).await? == "5/s");
    browser.wait_for(&format!("parseFloat({}) < 20", figures(FIGURE, 1))).await?;
    let time = format!("document.querySelector('{FIGURE} .legend .time').textContent");
    ensure!(browser.eval::<String>(&time).await? != "0.0 s");
    Ok(())
}

#[tokio::test]
async fn settings_open_with_their_sources_and_close_with_escape() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let card = lone_card(&browser).await?;
    browser.click(&card).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .inspector')")).await?;
    // The words come from the kind's own page.
    browser.wait_for(&format!("document.querySelector('{FIGURE} .inspector.told')")).await?;
    let is_open = format!("document.querySelector('{FIGURE} .break-it').open");
    ensure!(!browser.eval::<bool>(&is_open).await?, "faults stand before the settings that were asked for");
    let text: String = browser.eval(&format!("document.querySelector('{FIGURE} .inspector').textContent")).await?;
    for part in ["DNS resolver", "Default: ", "RFC 1035", "What this models"] {
        ensure!(text.contains(part), "{part} is missing in {text}");
    }
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .inspector button').focus()")).await?;
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .inspector')")).await?;
    browser.wait_for(&format!("document.activeElement === document.querySelector('{card}')")).await?;
    // From the card as well, where the keyboard is after Space.
    browser.chord(&[], ' ').await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .inspector')")).await?;
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .inspector')")).await
}

#[tokio::test]
async fn without_the_words_of_a_kind_its_knobs_work_and_the_next_look_asks_again() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let block = |urls: serde_json::Value| browser.cdp("Network.setBlockedURLs", serde_json::json!({ "urls": urls }));
    browser.cdp("Network.enable", serde_json::json!({})).await?;
    block(serde_json::json!(["*/model/dns/*"])).await?;
    let card = lone_card(&browser).await?;
    browser.click(&card).await?;
    let panel = format!("document.querySelector('{FIGURE} .inspector.told')");
    browser.wait_for(&panel).await?;
    let text: String = browser.eval(&format!("{panel}.textContent")).await?;
    for part in ["stands on a page of its own, which could not be loaded", "The knobs below work", "Default: "] {
        ensure!(text.contains(part), "{part} is missing in {text}");
    }
    let link: String = browser.eval(&format!("new URL({panel}.querySelector('a').href).pathname")).await?;
    ensure!(link == "/model/dns/", "{link}");
    let knob = format!("[...{panel}.querySelectorAll('input[type=range]')].at(-1)");
    let before: f64 = browser.eval(&format!("{knob}.valueAsNumber")).await?;
    browser.eval::<()>(&format!("void {knob}.focus()")).await?;
    browser.key(Key::Right).await?;
    browser.wait_for(&format!("{knob}.valueAsNumber > {before}")).await?;
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .inspector')")).await?;

    block(serde_json::json!([])).await?;
    browser.click(&card).await?;
    browser.wait_for(&format!("{panel}?.textContent.includes('DNS resolver')")).await?;
    ensure!(!browser.eval::<bool>(&format!("{panel}.textContent.includes('could not be loaded')")).await?);
    browser.wait_for(&format!("{panel}.textContent.includes('RFC 1035')")).await
}

#[tokio::test]
async fn on_a_phone_settings_are_a_sheet_below_the_card_that_was_touched() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::phone()).await?;
    let card = lone_card(&browser).await?;
    let height = format!("document.querySelector('{FIGURE}').offsetHeight");
    let before: f64 = browser.eval(&height).await?;
    browser.click(&card).await?;
    browser.wait_for(&format!("document.querySelector('{FIGURE} .inspector:popover-open.told')")).await?;
    let fits = format!(
        "(() => {{ const sheet = document.querySelector('{FIGURE} .inspector').getBoundingClientRect(); \
         const card = document.querySelector('{card}').getBoundingClientRect(); \
         return sheet.height <= innerHeight * 0.601 && Math.abs(sheet.bottom - innerHeight) < 1 && \
         card.top >= 0 && card.bottom <= sheet.top; }})()"
    );
    browser.wait_for(&fits).await?;
    ensure!((browser.eval::<f64>(&height).await? - before).abs() < 1.0, "what is below has moved");
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .inspector')")).await?;
    browser.wait_for(&format!("document.activeElement === document.querySelector('{card}')")).await
}

#[tokio::test]
async fn settings_stand_over_a_large_board_and_leave_what_was_touched_free() -> Result<()> {
    let (_site, browser) = open(&Device::desktop(), "/stages/21-ten-million/").await?;
    // The cards furthest to the left and to the right.
    browser
        .eval::<()>(
            "(() => { const left = (card) => card.getBoundingClientRect().left;              const cards = [...document.querySelectorAll('.card')].sort((a, b) => left(a) - left(b));              cards[0].id = 'leftmost'; cards.at(-1).id = 'rightmost'; })()",
        )
        .await?;
    let width = |card: &str| format!("document.querySelector('{card}').getBoundingClientRect().width");
    for card in ["#leftmost", "#rightmost"] {
        let before: f64 = browser.eval(&width(card)).await?;
        browser.click(card).await?;
        let apart = format!(
            "(() => {{ const rect = (it) => document.querySelector(it)?.getBoundingClientRect(); \
             const [card, panel] = [rect('{card}'), rect('.inspector.told')]; \
             return panel && (card.right <= panel.left || panel.right <= card.left); }})()"
        );
        browser.wait_for(&apart).await?;
        let open: f64 = browser.eval(&width(card)).await?;
        ensure!((open - before).abs() < 0.5, "{card} was {before} wide and is {open}");
        browser.key(Key::Escape).await?;
        browser.wait_for("!document.querySelector('.inspector')").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_card_leads_to_its_faults() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let card = lone_card(&browser).await?;
    browser.eval::<()>(&format!("void document.querySelector('{card}').focus()")).await?;
    browser.key(Key::Tab).await?;
    browser.wait_for("document.activeElement.matches('.break-card')").await?;
    browser.key(Key::Enter).await?;
    browser.wait_for(&format!("document.activeElement.matches('{FIGURE} .inspector .breaks .button')")).await?;
    // Who speaks to the page says what is seen.
    let unlike = format!(
        "(() => {{ const words = (text) => text.toLowerCase().replace(/\\s+/g, ' ').trim(); \
         return [...document.querySelectorAll('{FIGURE} [aria-label]:is(button, a, summary)')] \
         .filter((it) => !words(it.ariaLabel).includes(words(it.innerText))).map((it) => it.outerHTML); }})()"
    );
    assert_eq!(browser.eval::<Vec<String>>(&unlike).await?, Vec::<String>::new());
    let problems = browser.accessibility_problems().await?;
    ensure!(problems.is_empty(), "{problems:#?}");
    Ok(())
}

#[tokio::test]
async fn what_breaks_fails_visibly_and_recovers() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    browser.wait_for(&format!("document.querySelector('{BREAKABLE} .board.laid-out')")).await?;
    browser.click(&format!("{BREAKABLE} .play")).await?;
    wait_for_run(&browser, BREAKABLE).await?;
    browser.click(&format!("{BREAKABLE} .break")).await?;
    browser.wait_for(&format!("document.querySelector('{BREAKABLE} .machine.down')")).await?;
    browser.wait_for(&format!("document.querySelector('{BREAKABLE} .failing.some')")).await?;
    browser.wait_for(&format!("!document.querySelector('{BREAKABLE} .machine.down')")).await
}

#[tokio::test]
async fn what_is_broken_while_all_stands_still_is_seen_and_repaired() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser.click(&format!("{FIGURE} .play")).await?;
    let time = format!("document.querySelector('{FIGURE} .legend .time').textContent");
    browser.wait_for(&format!("document.querySelector('{FIGURE} .play').textContent.includes('Play')")).await?;
    let before: String = browser.eval(&time).await?;
    browser.eval::<()>(&format!("void document.querySelector('{FIGURE} .break-card').click()")).await?;
    let first = format!("document.querySelector('{FIGURE} .inspector .breaks .break')");
    browser.wait_for(&first).await?;
    browser.eval::<()>(&format!("void {first}.click()")).await?;
    let mend = format!("document.querySelector('{FIGURE} .inspector .mend.shown')");
    browser.wait_for(&mend).await?;
    browser.eval::<()>(&format!("void {mend}.click()")).await?;
    browser.wait_for(&format!("!{mend}")).await?;
    ensure!(browser.eval::<String>(&time).await? == before, "the time went on");
    Ok(())
}

#[tokio::test]
async fn who_wants_less_motion_begins_it() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop().reduced_motion()).await?;
    let play = format!("document.querySelector('{FIGURE} .play')");
    browser.wait_for(&format!("{play}.textContent.includes('Play')")).await?;
    browser.eval::<()>(&format!("void {play}.click()")).await?;
    wait_for_run(&browser, FIGURE).await
}

#[tokio::test]
async fn a_worker_that_fails_is_told_and_can_be_started_again() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    // Workers of this page fail at once, until the test says otherwise.
    let source = "const Real = Worker; window.broken = true; window.Worker = class extends Real { constructor(u, o) { \
                  super(u, o); if (window.broken) setTimeout(() => this.dispatchEvent(new ErrorEvent('error', \
                  { message: 'out of order', cancelable: true })), 50); } }";
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source })).await?;
    browser.goto(&site.url(LESSON)).await?;
    browser.centre(FIGURE).await?;
    browser
        .wait_for(&format!("document.querySelector('{FIGURE} .failure')?.textContent.includes('out of order')"))
        .await?;
    browser.eval::<()>("void (window.broken = false)").await?;
    browser.click(&format!("{FIGURE} .failure .button")).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser.wait_for(&format!("!document.querySelector('{FIGURE} .failure')")).await
}

#[tokio::test]
async fn a_figure_that_is_removed_stops_and_one_put_back_runs_again() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    let source = "window.frames_asked = 0; const ask = requestAnimationFrame; \
                  window.requestAnimationFrame = f => { frames_asked++; return ask(f); }; \
                  window.workers = 0; const Real = Worker; window.Worker = class extends Real { \
                  constructor(u, o) { super(u, o); workers++; } terminate() { workers--; super.terminate(); } }";
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source })).await?;
    browser.goto(&site.url(LESSON)).await?;
    wait_for_run(&browser, FIGURE).await?;
    browser
        .eval::<()>(
            "void (window.kept = [...document.querySelectorAll('hockeystick-figure')].map(f => [f.parentNode, f]), \
             kept.forEach(([, f]) => f.remove()))",
        )
        .await?;
    browser.wait_for("workers === 0").await?;
    let asked: f64 = browser.eval("frames_asked").await?;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    ensure!(browser.eval::<f64>("frames_asked").await? <= asked + 2.0, "it still draws");
    browser.eval::<()>("void kept.slice(0, 1).forEach(([parent, f]) => parent.append(f))").await?;
    wait_for_run(&browser, FIGURE).await?;
    assert_eq!(browser.eval::<u32>(&format!("document.querySelectorAll('{FIGURE} .board').length")).await?, 1);
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn without_webassembly_the_page_says_why_its_figures_stand_still() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    let source = "delete window.WebAssembly";
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source })).await?;
    browser.goto(&site.url(LESSON)).await?;
    browser
        .wait_for(&format!("document.querySelector('{FIGURE} .figure-note')?.textContent.includes('WebAssembly')"))
        .await?;
    ensure!(
        browser.eval::<bool>(&format!("document.querySelector('{FIGURE} .still-board svg').checkVisibility()")).await?
    );
    Ok(())
}
