//! What a reader leaves off leaves nothing behind, and whoever works by keyboard keeps their place.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Point};
use serde_json::json;

use crate::editor::{Board, FIRST, FIX, LESSON, SERVICES};

/// A mouse does one thing: `mousePressed`, `mouseMoved`, `mouseReleased`.
async fn mouse(browser: &Browser, what: &str, at: Point) -> Result<()> {
    let event = json!({ "type": what, "x": at.x, "y": at.y, "button": "left", "buttons": 1, "clickCount": 1 });
    browser.cdp("Input.dispatchMouseEvent", event).await?;
    Ok(())
}

/// Drags, presses Escape on the way, drags on and lets go.
async fn drag_with_escape(browser: &Browser, from: Point, to: Point) -> Result<()> {
    mouse(browser, "mousePressed", from).await?;
    mouse(browser, "mouseMoved", from.offset(20.0, 20.0)).await?;
    mouse(browser, "mouseMoved", to).await?;
    browser.key(Key::Escape).await?;
    mouse(browser, "mouseMoved", to.offset(3.0, 3.0)).await?;
    mouse(browser, "mouseMoved", to).await?;
    mouse(browser, "mouseReleased", to).await
}

/// Whether the first tool of these names is of use now.
async fn is_on(board: &Board, tool: &str) -> Result<bool> {
    let state = format!("document.querySelector('{}').getAttribute('aria-disabled') === 'false'", board.tool(tool));
    board.browser.eval(&state).await
}

#[tokio::test]
async fn escape_takes_from_the_pointer_what_it_carries() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    let item = browser.grip(&board.of(".palette-item")).await?;
    let ground = browser.grip(&board.of(".card")).await?.offset(0.0, 120.0);
    drag_with_escape(browser, item, ground).await?;
    let left = format!(
        "document.querySelector('{}') || document.querySelector('{}')",
        board.of(".board.aiming"),
        board.of(".ghost.shown")
    );
    browser.wait_for(&format!("!({left})")).await?;
    board.cards(2).await?;
    // A press takes it up as well, and Escape takes it away wherever that press has put the focus.
    browser.click(&board.of(".palette-item")).await?;
    browser.wait_for(&left).await?;
    browser.eval::<()>(&format!("void document.querySelector('{}').focus()", board.of(".board"))).await?;
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!({left})")).await
}

#[tokio::test]
async fn a_drag_that_comes_to_nothing_is_no_step() -> Result<()> {
    let board = Board::balanced().await?;
    let browser = &board.browser;
    browser.click(&board.tool("Undo")).await?;
    board.cards(2).await?;
    ensure!(is_on(&board, "Redo").await? && !is_on(&board, "Undo").await?);
    let card = browser.grip(&board.of(".card")).await?;
    drag_with_escape(browser, card, card.offset(40.0, 40.0)).await?;
    ensure!(is_on(&board, "Redo").await? && !is_on(&board, "Undo").await?, "the drag is a step");
    // One that puts it elsewhere is.
    let card = browser.grip(&board.of(".card")).await?;
    browser.drag(card, card.offset(40.0, 40.0)).await?;
    browser
        .wait_for(&format!(
            "document.querySelector('{}').getAttribute('aria-disabled') === 'false'",
            board.tool("Undo")
        ))
        .await?;
    ensure!(!is_on(&board, "Redo").await?);
    Ok(())
}

#[tokio::test]
async fn a_tool_that_has_done_all_it_can_keeps_the_focus() -> Result<()> {
    let board = Board::balanced().await?;
    let browser = &board.browser;
    let undo = board.tool("Undo");
    browser.eval::<()>(&format!("void document.querySelector('{undo}').focus()")).await?;
    browser.key(Key::Enter).await?;
    board.cards(2).await?;
    let focused = format!("document.activeElement === document.querySelector('{undo}')");
    ensure!(browser.eval::<bool>(&focused).await? && !is_on(&board, "Undo").await?);
    browser.key(Key::Enter).await?;
    board.said("nothing to take back").await?;
    // What repairs everything goes, but not from under whoever pressed it.
    board.settings(1).await?;
    let first = board.of(".inspector .breaks .break");
    browser.wait_for(&format!("document.querySelector('{first}')")).await?;
    browser.eval::<()>(&format!("void document.querySelector('{first}').click()")).await?;
    let mend = board.of(".inspector .mend");
    browser.wait_for(&format!("document.querySelector('{mend}.shown')")).await?;
    browser
        .eval::<()>(&format!(
            "void (document.querySelector('{}').open = true, document.querySelector('{mend}').focus())",
            board.of(".inspector .break-it")
        ))
        .await?;
    browser.key(Key::Enter).await?;
    browser.wait_for(&format!("!document.querySelector('{mend}.shown')")).await?;
    let kept = format!(
        "document.activeElement === document.querySelector('{mend}') && document.activeElement.checkVisibility({{ visibilityProperty: true }})"
    );
    ensure!(browser.eval::<bool>(&kept).await?, "the focus is lost");
    Ok(())
}

#[tokio::test]
async fn what_is_no_number_is_told_where_it_was_typed() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    for (field, typed, why) in
        [(".knobs .number", "many", "no number with its unit"), (".seed .number", "x", "whole number")]
    {
        let field = format!("document.querySelector('{}')", board.of(field));
        let before: String = browser.eval(&format!("{field}.value")).await?;
        let kind = format!(
            "({field}.value = '{typed}', {field}.dispatchEvent(new Event('change')), {field}.validationMessage)"
        );
        let said: String = browser.eval(&kind).await?;
        ensure!(said.contains(why), "{said}");
        let again = format!("({field}.dispatchEvent(new Event('input')), {field}.validationMessage)");
        ensure!(browser.eval::<String>(&again).await?.is_empty());
        ensure!(browser.eval::<String>(&format!("{field}.value")).await? == before || typed == "x");
    }
    Ok(())
}

#[tokio::test]
async fn a_knob_that_is_turned_while_the_run_goes_back_stays_turned() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    let play = format!("document.querySelector('{}')", board.of(".play"));
    browser.eval::<()>(&format!("void ({play}.textContent.includes('Pause') || {play}.click())")).await?;
    let time = format!("parseFloat(document.querySelector('{}').textContent)", board.of(".legend .time"));
    browser.wait_for(&format!("{time} > 2")).await?;
    browser.eval::<()>(&format!("void {play}.click()")).await?;
    let load = "document.querySelector('#fig-fix').mounted.load()";
    let before: f64 = browser.eval(load).await?;
    // Both in one turn of the page: the worker has not heard of either.
    let both = format!(
        "(() => {{ const t = document.querySelector('{}'); t.value = Number(t.max) / 2; \
         t.dispatchEvent(new Event('input', {{ bubbles: true }})); t.dispatchEvent(new Event('change', {{ bubbles: true }})); \
         document.querySelector('#fig-fix').mounted.set_load({}); return true; }})()",
        board.of(".timeline input[type=range]"),
        before / 2.0
    );
    ensure!(browser.eval::<bool>(&both).await?);
    browser.wait_for(&format!("!document.querySelector('{}')", board.of(".timeline.seeking"))).await?;
    browser.eval::<()>("new Promise((go) => setTimeout(go, 500))").await?;
    let after: f64 = browser.eval(load).await?;
    ensure!((after - before / 2.0).abs() < 1e-6, "{before} became {after}");
    Ok(())
}

#[tokio::test]
async fn what_is_gone_has_no_knob_and_what_comes_back_has_it_again() -> Result<()> {
    let board = Board::open(&Device::desktop(), SERVICES, FIRST).await?;
    let browser = &board.browser;
    let knob = "[...document.querySelectorAll('.knobs .knob-row')].find((it) => /Tries/.test(it.textContent))";
    let seen = format!("{knob}.checkVisibility()");
    ensure!(browser.eval::<bool>(&seen).await?);
    let card = "[...document.querySelectorAll('.card')].find((it) => /^Web/.test(it.textContent))";
    browser.eval::<()>(&format!("void {card}.focus()")).await?;
    browser.key(Key::Delete).await?;
    browser.wait_for(&format!("!({card}) && !{seen}")).await?;
    browser.chord(&[Key::Control], 'z').await?;
    browser.wait_for(&seen).await
}
