//! What a figure costs the page's own thread, by Chromium's tracing: each frame while 2,000 dots are on the board, and
//! the tasks that hold up a reader who drags a card. And how soon there is something to read, and to drag.
//!
//! `cargo xtask bench --only frames` builds the optimised site and runs this. Nothing here fails for being slow: the
//! figures are printed beside their budgets.

use std::time::Duration;

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Site, Trace};
use serde::Deserialize;
use tokio::time::sleep;

/// The processor as it is, and as one that is so many times slower.
const SLOWDOWNS: [f64; 2] = [1.0, 4.0];
const WATCHED: Duration = Duration::from_secs(5);
const DOTS: usize = 2_000;
/// Dots come by the second; the board is full after half a minute.
const FULL: Duration = Duration::from_secs(90);
/// A frame's budget: median and 99 in 100.
const BUDGET_MS: (f64, f64) = (4.0, 8.0);
/// Until the first figure of a page can be dragged.
const USABLE_S: f64 = 1.0;
/// Best of so many.
const OPENED: u32 = 3;
/// A task longer than this holds up whoever does something with the page.
const LONG_MS: f64 = 50.0;
/// Frames of which is told what they did.
const DEAREST: usize = 3;
const DRAG_MOVES: u32 = 60;
const DRAG_PAUSE: Duration = Duration::from_millis(33);

/// Requests on the board.
const ON_BOARD: &str = "document.querySelector('#fig-sandbox').mounted.dots()";

/// The shapes of one frame, of those that do not lie on one another: each is filled once, and a frame begins with an empty canvas. The calls are their own again
/// before anything is measured.
const DRAWN: &str = "new Promise(done => {
    const paper = CanvasRenderingContext2D.prototype, calls = ['fill', 'clearRect'];
    const own = calls.map(call => paper[call]);
    const counts = [];
    calls.forEach((call, at) => paper[call] = function (...args) {
        const isBoard = this.canvas.className === 'dots';
        if (isBoard && call === 'clearRect') counts.push(0); else if (isBoard && counts.length) counts[counts.length - 1]++;
        if (counts.length > 3) { calls.forEach((call, at) => paper[call] = own[at]); done(counts[1]); }
        return own[at].apply(this, args);
    });
})";

/// A board on which 2,000 requests are to be seen, shown at a hundredth of their speed.
struct Crowd {
    name: &'static str,
    stage: &'static str,
}

/// 70 a second set out, and each is half a minute on its way; or each waits for a server that is far too slow.
const CROWDS: [Crowd; 2] = [
    Crowd {
        name: "on the arrows",
        stage: r#"
schema = 1
title = "Far away"
rate = "7000/s"
[[component]]
id = "users"
kind = "clients"
at = [90, 120]
[[component]]
id = "app"
kind = "app-server"
machine = "8xlarge"
workers = 10000
at = [450, 120]
[[component]]
id = "database"
kind = "database"
machine = "8xlarge"
at = [800, 120]
[[link]]
path = ["users", "app"]
latency = "140 ms"
[[link]]
path = ["app", "database"]
latency = "1 ms"
"#,
    },
    Crowd {
        name: "in a queue",
        stage: r#"
schema = 1
title = "Far too slow"
rate = "7000/s"
[[component]]
id = "users"
kind = "clients"
timeout = "600 s"
at = [90, 120]
[[component]]
id = "app"
kind = "app-server"
machine = "nano"
workers = 8
backlog = 1000000
at = [450, 120]
[[link]]
path = ["users", "app"]
latency = "1 ms"
"#,
    },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let site = Site::start().await?;
    println!("main thread a frame, {DOTS} dots (budget: median {} ms, p99 {} ms)", BUDGET_MS.0, BUDGET_MS.1);
    for crowd in &CROWDS {
        let browser = Browser::traced(&Device::desktop()).await?;
        crowded(&site, &browser, crowd, "painted there", &SLOWDOWNS).await?;
    }
    for crowd in &CROWDS {
        let browser = Browser::traced_with_graphics(&Device::desktop()).await?;
        crowded(&site, &browser, crowd, "painted elsewhere", &SLOWDOWNS[..1]).await?;
    }
    println!("opened from this machine (budget: a figure within {USABLE_S} s, {} times slower)", SLOWDOWNS[1]);
    for page in ["/", "/stages/09-load-balancer/"] {
        opened(&site, page).await?;
    }
    println!("a card dragged {DRAG_MOVES} times in 2 s (no task over {LONG_MS} ms)");
    for page in ["/stages/01-single-server/", "/stages/09-load-balancer/", "/stages/21-ten-million/"] {
        dragged(&site, page).await?;
    }
    Ok(())
}

/// `painted` says whether the main thread paints, or a graphics processor does: readers have both.
async fn crowded(site: &Site, browser: &Browser, crowd: &Crowd, painted: &str, slowdowns: &[f64]) -> Result<()> {
    browser.goto(&site.url("/sandbox/")).await?;
    browser.wait_for("document.querySelector('#fig-sandbox')?.mounted").await?;
    let stage = serde_json::Value::from(crowd.stage);
    browser
        .eval::<bool>(&format!(
            "(() => {{ const input = document.querySelector('input[type=file]'), data = new DataTransfer(); \
             data.items.add(new File([{stage}], 'stage.toml')); input.files = data.files; \
             return input.dispatchEvent(new Event('change')); }})()"
        ))
        .await?;
    browser.wait_for("document.querySelectorAll('#fig-sandbox .card').length > 1").await?;
    browser.centre("#fig-sandbox .board").await?;
    browser
        .eval::<()>("(f => { f.set_speed(0.01); f.run(true); })(document.querySelector('#fig-sandbox').mounted)")
        .await?;
    let mut seen = 0;
    let start = std::time::Instant::now();
    while seen < DOTS && start.elapsed() < FULL {
        sleep(Duration::from_secs(1)).await;
        seen = browser.eval(ON_BOARD).await?;
        // Chromium keeps so much and no more.
        browser.trace().await?;
    }
    ensure!(seen >= DOTS, "{}: no more than {seen} dots come onto the board", crowd.name);
    for &slowdown in slowdowns {
        browser.emulate(&Device::desktop().slower(slowdown)).await?;
        sleep(Duration::from_secs(1)).await;
        browser.trace().await?;
        sleep(WATCHED).await;
        let trace = browser.trace().await?;
        let seen: usize = browser.eval(ON_BOARD).await?;
        let shapes: usize = browser.eval(DRAWN).await?;
        println!("  {:14} {painted:18} {:16} {}", crowd.name, processor(slowdown), costs(&trace, seen, shapes));
        for task in trace.dearest_frames(DEAREST) {
            println!("    {:.1} ms: {}", task.cpu_ms, task.what);
        }
    }
    Ok(())
}

/// The figures of a second's frames.
fn costs(trace: &Trace, dots: usize, shapes: usize) -> String {
    let costs = trace.frame_costs_ms();
    let at = |share: f64| {
        let place = ((costs.len() as f64 * share).ceil() as usize).max(1) - 1;
        costs.get(place).copied().unwrap_or(f64::NAN)
    };
    format!(
        "median {:5.2} ms  p99 {:5.2} ms  most {:5.2} ms  {:3.0} frames/s  {dots} dots, {shapes} shapes",
        at(0.5),
        at(0.99),
        at(1.0),
        trace.frames_per_s()
    )
}

/// When the page's first words, its module and its first board were there, in milliseconds from the click on its link.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Opened {
    words_ms: f64,
    module_ms: f64,
    board_ms: f64,
}

async fn opened(site: &Site, page: &str) -> Result<()> {
    for slowdown in SLOWDOWNS {
        let mut best: Option<Opened> = None;
        for _ in 0..OPENED {
            let browser = Browser::start(&Device::desktop().slower(slowdown)).await?;
            let source = "(function look() { if (document.querySelector('hockeystick-figure .board.laid-out .card')) \
                          window.board_ms = performance.now(); else requestAnimationFrame(look); })()";
            browser.cdp("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source })).await?;
            browser.goto(&site.url(page)).await?;
            browser.wait_for("window.board_ms").await?;
            let now: Opened = browser
                .eval(
                    "({ words_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, \
                     module_ms: performance.getEntriesByType('resource').find((it) => it.name.endsWith('.wasm')).responseEnd, \
                     board_ms })",
                )
                .await?;
            best = Some(best.filter(|best| best.board_ms < now.board_ms).unwrap_or(now));
        }
        if let Some(Opened { words_ms, module_ms, board_ms }) = best {
            println!(
                "  {page:28} {:22} words {words_ms:.0} ms, module {module_ms:.0} ms, board {board_ms:.0} ms",
                processor(slowdown)
            );
        }
    }
    Ok(())
}

async fn dragged(site: &Site, page: &str) -> Result<()> {
    let browser = Browser::traced(&Device::desktop()).await?;
    browser.goto(&site.url(page)).await?;
    browser.wait_for("document.querySelector('hockeystick-figure .board.laid-out')").await?;
    browser.centre("hockeystick-figure .board").await?;
    browser.eval::<()>("document.querySelector('hockeystick-figure').mounted.run(true)").await?;
    for slowdown in SLOWDOWNS {
        browser.emulate(&Device::desktop().slower(slowdown)).await?;
        // What the page does once is over by then.
        sleep(Duration::from_secs(4)).await;
        let from = browser.grip("hockeystick-figure .card:nth-of-type(2)").await?;
        browser.trace().await?;
        // Around in a circle, and back to where it was.
        let turn = |step: u32| std::f64::consts::TAU * f64::from(step) / f64::from(DRAG_MOVES);
        let way: Vec<_> = (0..=DRAG_MOVES)
            .map(|step| from.offset(60.0 * turn(step).sin(), 40.0 * (1.0 - turn(step).cos())))
            .collect();
        browser.drag_along(&way, DRAG_PAUSE).await?;
        let trace = browser.trace().await?;
        let long = trace.longer_than_ms(LONG_MS);
        let most = trace.tasks.iter().map(|task| task.wall_ms).fold(0.0, f64::max);
        println!(
            "  {page:28} {:22} {} long tasks, longest {most:.0} ms, {:.0} frames/s",
            processor(slowdown),
            long.len(),
            trace.frames_per_s()
        );
        for task in long {
            println!("    {:.0} ms ({:.0} of the processor): {}", task.wall_ms, task.cpu_ms, task.what);
        }
    }
    Ok(())
}

fn processor(slowdown: f64) -> String {
    if slowdown == 1.0 { "as it is".to_owned() } else { format!("{slowdown} times slower") }
}
