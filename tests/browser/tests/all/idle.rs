//! What a figure that nobody looks at costs, and what one that is gone leaves behind: nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

const LESSON: &str = "/stages/01-single-server/";

#[tokio::test]
async fn a_figure_out_of_sight_does_nothing() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::traced(&Device::desktop().size(1280, 500)).await?;
    browser.goto(&site.url(LESSON)).await?;
    let figures = "[...document.querySelectorAll('hockeystick-figure')]";
    browser.wait_for(&format!("{figures}.every((it) => it.mounted)")).await?;
    browser.eval::<()>(&format!("{figures}.forEach((it) => it.mounted.run(true))")).await?;
    browser.centre("hockeystick-figure .board").await?;
    browser.wait_for("/[1-9]/.test(document.querySelector('hockeystick-figure .strip-now dd').textContent)").await?;
    browser.trace().await?;
    sleep(Duration::from_millis(500)).await;
    ensure!(browser.trace().await?.calls.len() > 10, "nothing runs while it is seen either");
    // Far below everything.
    browser
        .eval::<()>(
            "document.body.append(Object.assign(document.createElement('div'), { id: 'below' })), \
             document.querySelector('#below').style.height = '4000px', \
             void document.querySelector('#below').scrollIntoView({ behavior: 'instant' })",
        )
        .await?;
    browser
        .wait_for(&format!(
            "{figures}.every((it) => it.getBoundingClientRect().bottom < 0 || it.getBoundingClientRect().top > innerHeight)"
        ))
        .await?;
    // What was on its way still comes.
    sleep(Duration::from_secs(1)).await;
    browser.trace().await?;
    sleep(Duration::from_secs(2)).await;
    let trace = browser.trace().await?;
    ensure!(trace.calls.is_empty(), "in two seconds out of sight: {:#?}", trace.calls);
    Ok(())
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Held {
    wasm_bytes: f64,
    nodes: f64,
    listeners: f64,
    heap_bytes: f64,
    workers: f64,
}

async fn held(browser: &Browser) -> Result<Held> {
    // Twice: what a finaliser lets go is collected the second time.
    for _ in 0..2 {
        browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
        sleep(Duration::from_millis(200)).await;
    }
    let metrics = browser.cdp("Performance.getMetrics", json!({})).await?;
    let metric = |name: &str| {
        let all = metrics["metrics"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        all.iter().find(|it| it["name"] == name).and_then(|it| it["value"].as_f64()).unwrap_or(f64::NAN)
    };
    let wasm_bytes = browser.eval("wasm.memory.buffer.byteLength").await?;
    let workers = browser.eval("workers").await?;
    Ok(Held {
        wasm_bytes,
        nodes: metric("Nodes"),
        listeners: metric("JSEventListeners"),
        heap_bytes: metric("JSHeapUsedSize"),
        workers,
    })
}

/// Opens a copy of a figure, lets it run, turns a knob, opens its settings, and takes it off the page again; this often.
async fn open_and_close(browser: &Browser, times: u32) -> Result<()> {
    for _ in 0..times {
        browser.eval::<()>("document.querySelector('main').prepend(plain.cloneNode(true))").await?;
        let figure = "document.querySelector('main > hockeystick-figure')";
        browser.wait_for(&format!("{figure}.mounted && {figure}.querySelector('.card')")).await?;
        browser
            .eval::<()>(&format!(
                "{figure}.scrollIntoView({{ behavior: 'instant' }}), {figure}.mounted.run(true), \
                 {figure}.mounted.set_load({figure}.mounted.load() * 1.1), {figure}.querySelector('.card').focus(), \
                 void {figure}.querySelector('.card').dispatchEvent(new KeyboardEvent('keydown', {{ key: ' ', bubbles: true }}))"
            ))
            .await?;
        browser
            .wait_for(&format!(
                "{figure}.querySelector('.inspector') && /[1-9]/.test({figure}.querySelector('.strip-now dd').textContent)"
            ))
            .await?;
        browser.eval::<()>(&format!("{figure}.remove()")).await?;
    }
    Ok(())
}

/// The page's own heap: what compiled code and caches of the browser may come to, far less than a figure each time.
const HEAP_BYTES_A_FIGURE: f64 = 10_000.0;

#[tokio::test]
async fn twenty_figures_opened_and_closed_leave_nothing_behind() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    let source = "const make = WebAssembly.instantiate; WebAssembly.instantiate = async (...of) => { \
                  const made = await make(...of); window.wasm = (made.instance ?? made).exports; return made; }; \
                  window.workers = 0; const Real = Worker; window.Worker = class extends Real { \
                  constructor(u, o) { super(u, o); workers++; } terminate() { workers--; super.terminate(); } }; \
                  addEventListener('DOMContentLoaded', () => \
                  window.plain = document.querySelector('hockeystick-figure').cloneNode(true))";
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
    browser.cdp("Performance.enable", json!({})).await?;
    browser.goto(&site.url(LESSON)).await?;
    browser.wait_for("[...document.querySelectorAll('hockeystick-figure')].every((it) => it.mounted)").await?;
    browser.eval::<()>("document.querySelectorAll('hockeystick-figure').forEach((it) => it.remove())").await?;
    // What is made once, for all figures, is there after the first few.
    open_and_close(&browser, 5).await?;
    let before = held(&browser).await?;
    open_and_close(&browser, 20).await?;
    let after = held(&browser).await?;
    println!("{before:?}\n{after:?}");
    ensure!(after.workers == 0.0, "{} workers are still there", after.workers);
    ensure!(after.wasm_bytes == before.wasm_bytes, "{before:?} became {after:?}");
    ensure!(after.nodes <= before.nodes && after.listeners <= before.listeners, "{before:?} became {after:?}");
    ensure!(after.heap_bytes - before.heap_bytes < 20.0 * HEAP_BYTES_A_FIGURE, "{before:?} became {after:?}");
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}
