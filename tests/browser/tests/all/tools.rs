//! The pages that are tools: check a measurement, compare two boards, build one's own.

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site, Theme};

const BOTH_WIDTHS: [fn() -> Device; 2] = [Device::desktop, Device::phone];

async fn open(page: &str, device: &Device) -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
    browser.goto(&site.url(page)).await?;
    Ok((site, browser))
}

/// The text of the first element that matches; empty where there is none.
async fn text(browser: &Browser, selector: &str) -> Result<String> {
    browser.eval(&format!("document.querySelector('{selector}')?.textContent ?? ''")).await
}

/// Looks at a page with everything on it: in both themes, no wider than the screen, no rule of accessibility broken.
async fn look(browser: &Browser, device: fn() -> Device, name: &str) -> Result<()> {
    for theme in [Theme::Light, Theme::Dark] {
        let device = device().theme(theme).reduced_motion();
        browser.emulate(&device).await?;
        browser.screenshot(&format!("{name}-{}", device.name())).await?;
        let too_wide_px: f64 =
            browser.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth").await?;
        ensure!(too_wide_px <= 0.0, "{name} on {}: {too_wide_px} px too wide", device.name());
        let problems = browser.accessibility_problems().await?;
        ensure!(problems.is_empty(), "{name} on {}: {problems:#?}", device.name());
    }
    Ok(())
}

/// Drops a file on the page: `content` is a JavaScript expression, which may await.
async fn drop_file(browser: &Browser, on: &str, name: &str, content: &str) -> Result<()> {
    let script = format!(
        "(async () => {{ const data = new DataTransfer(); data.items.add(new File([{content}], '{name}')); \
         document.querySelector('{on}').dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, \
         cancelable: true }})); return true; }})()"
    );
    ensure!(browser.eval::<bool>(&script).await?);
    Ok(())
}

/// The text of an example's measurement, as an expression.
const RESULTS: &str = "await (await fetch('../measurements/demo/RESULTS.json')).text()";

#[tokio::test]
async fn an_example_is_judged_step_by_step_with_its_points_on_the_curve() -> Result<()> {
    for device in BOTH_WIDTHS {
        let (_site, browser) = open("/check/", &device()).await?;
        browser.click("[data-example=demo]").await?;
        browser.wait_for("document.querySelector('.check-word')").await?;
        let word = text(&browser, ".check-word").await?;
        ensure!(
            word == "The model agrees with the measurement: 9 figures agree, 0 are inconclusive, 0 disagree.",
            "{word}"
        );
        let rows: usize = browser.eval("document.querySelectorAll('.check-table tbody tr').length").await?;
        assert_eq!(rows, 15);
        browser.wait_for("/measured/.test(document.querySelector('.check-figure .panel')?.textContent)").await?;
        // The figure's table holds the points as well, once the chart is seen.
        browser.centre(".check-figure .panel").await?;
        browser.wait_for("/measured p95/.test(document.querySelector('.check-figure table')?.textContent)").await?;
        look(&browser, device, "check-agrees").await?;
        assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn a_deployment_that_does_more_work_than_the_model_knows_disagrees_and_says_why() -> Result<()> {
    let (_site, browser) = open("/check/", &Device::desktop()).await?;
    browser.click("[data-example=demo-drifted]").await?;
    browser.wait_for("document.querySelector('.check-word')").await?;
    let found = text(&browser, ".check-found").await?;
    ensure!(found.contains("The model disagrees") && found.contains("times the processor time"), "{found}");
    ensure!(found.contains("What to do"), "{found}");
    Ok(())
}

#[tokio::test]
async fn files_that_are_no_measurement_are_refused_in_words_and_the_page_goes_on() -> Result<()> {
    let (_site, browser) = open("/check/", &Device::desktop()).await?;
    let bad = [
        ("cut.json", format!("({RESULTS}).slice(0, 40000)"), "was cut off"),
        (
            "old.json",
            format!("({RESULTS}).replace('\"schema\":1', '\"schema\":9')"),
            "this program reads versions 1 to ",
        ),
        ("strange.json", "'{\"a\": 1}'".to_owned(), "neither a measurement nor a board"),
        ("hostile.json", "'['.repeat(200000)".to_owned(), "no"),
        ("empty.json", "''".to_owned(), "is empty"),
        ("picture.png", "new Uint8Array([137, 80, 78, 71, 255])".to_owned(), "is no text"),
        ("stage.toml", "'schema = 1\\ntitle = 5'".to_owned(), "stage.toml:2"),
    ];
    for (name, content, expected) in bad {
        drop_file(&browser, "hockeystick-check", name, &content).await?;
        browser
            .wait_for(&format!(
                "document.querySelector('.check-said.wrong')?.textContent.includes('{name}') && \
                 document.querySelector('.check-said').textContent.includes('{expected}')"
            ))
            .await?;
    }
    drop_file(&browser, "hockeystick-check", "RESULTS.json", RESULTS).await?;
    browser.wait_for("/Now the stage/.test(document.querySelector('.check-said').textContent)").await?;
    ensure!(text(&browser, ".check-about").await?.contains("none failed"));
    browser
        .eval::<bool>(
            "(() => { const s = document.querySelector('select'); s.value = '01-single-server'; \
             return s.dispatchEvent(new Event('change')); })()",
        )
        .await?;
    browser.wait_for("/disagrees/.test(document.querySelector('.check-word')?.textContent)").await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn two_boards_run_as_one_and_their_difference_is_told() -> Result<()> {
    for device in BOTH_WIDTHS {
        let (_site, browser) = open("/compare/?a=06-split-database&b=09-load-balancer", &device()).await?;
        browser.wait_for("document.querySelectorAll('.compare-side .board.laid-out').length === 2").await?;
        browser.click("[data-do=run]").await?;
        let running = "[...document.querySelectorAll('hockeystick-figure')].every((it) => it.mounted.is_running())";
        browser.wait_for(running).await?;
        let same = "(() => { const [a, b] = [...document.querySelectorAll('hockeystick-figure')].map((it) => it.mounted); \
                    return a.seed() === b.seed() && a.speed() === b.speed() && a.load() === b.load(); })()";
        browser.wait_for(same).await?;
        browser.eval::<()>("document.querySelector('[data-do=load]').focus()").await?;
        let before: f64 = browser.eval("document.querySelector('hockeystick-figure').mounted.load()").await?;
        browser.key(Key::Left).await?;
        let after: f64 = browser.eval("document.querySelector('hockeystick-figure').mounted.load()").await?;
        ensure!(after < before && browser.eval::<bool>(same).await?, "{before} became {after}");
        browser.click("[data-do=run]").await?;
        browser.wait_for(&format!("!{running}")).await?;
        browser.wait_for("/simulated seconds long/.test(document.querySelector('.compare-runs')?.textContent)").await?;
        let told = text(&browser, ".compare-sentences").await?;
        ensure!(told.contains("between") && told.contains("a month"), "{told}");
        look(&browser, device, "compare").await?;
        assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn a_board_against_itself_has_no_difference() -> Result<()> {
    let (_site, browser) = open("/compare/?a=01-single-server&b=01-single-server", &Device::desktop()).await?;
    browser.wait_for("/simulated seconds long/.test(document.querySelector('.compare-runs')?.textContent)").await?;
    let told = text(&browser, ".compare-sentences").await?;
    ensure!(told.matches("is the same").count() == 6, "{told}");
    Ok(())
}

#[tokio::test]
async fn a_sandbox_board_is_there_again_after_another_page() -> Result<()> {
    let (site, browser) = open("/sandbox/", &Device::desktop()).await?;
    let called = "document.querySelector('hockeystick-sandbox select').selectedOptions[0].text";
    let stage = "Array.from(document.querySelector('hockeystick-figure').mounted?.stage() ?? []).join()";
    browser.wait_for("document.querySelector('hockeystick-figure .board.laid-out')").await?;
    ensure!(browser.eval::<bool>("!document.querySelector('[data-do=back]').checkVisibility()").await?);
    let empty: String = browser.eval(stage).await?;
    browser.eval::<()>("document.querySelector('hockeystick-figure').mounted.set_load(33)").await?;
    browser.wait_for(&format!("{called} === 'Your board'")).await?;
    let mine: String = browser.eval(stage).await?;
    ensure!(mine != empty);
    browser.goto(&site.url("/glossary/")).await?;
    // Not by going back: the browser may have kept the page itself.
    browser.goto(&site.url("/sandbox/")).await?;
    browser.wait_for(&format!("document.querySelector('hockeystick-figure')?.mounted && {stage} === '{mine}'")).await?;
    // Whoever begins anew has the empty board, and keeps it.
    browser
        .eval::<bool>(
            "(() => { const select = document.querySelector('hockeystick-sandbox select'); select.value = ''; \
             return select.dispatchEvent(new Event('change')); })()",
        )
        .await?;
    browser.wait_for(&format!("{stage} === '{empty}'")).await?;
    browser.eval::<()>("location.reload()").await?;
    browser
        .wait_for(&format!("document.querySelector('hockeystick-figure')?.mounted && {stage} === '{empty}'"))
        .await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_sandbox_takes_any_stage_and_a_saved_board_opens_again() -> Result<()> {
    for device in BOTH_WIDTHS {
        let (_site, browser) = open("/sandbox/?stage=09-load-balancer", &device()).await?;
        browser
            .wait_for("/Balancer/i.test(document.querySelector('hockeystick-figure .board.laid-out')?.textContent)")
            .await?;
        look(&browser, device, "sandbox").await?;
        // What is saved is caught on its way to the disk, and given back as a file.
        let saved = "(async () => { let blob; const make = URL.createObjectURL; \
                     URL.createObjectURL = (it) => { blob = it; return make.call(URL, it); }; \
                     document.querySelector('[data-do=save]').click(); \
                     while (!blob) await new Promise((go) => setTimeout(go, 20)); \
                     window.saved = await blob.text(); return window.saved.length; })()";
        ensure!(browser.eval::<usize>(saved).await? > 1000);
        let stage = "Array.from(document.querySelector('hockeystick-figure').mounted.stage()).join()";
        let before: String = browser.eval(stage).await?;
        browser
            .eval::<bool>(
                "(() => { const input = document.querySelector('input[type=file]'), data = new DataTransfer(); \
                 document.querySelector('hockeystick-figure').dataset.old = 'yes'; \
                 data.items.add(new File([window.saved], 'board.json')); input.files = data.files; \
                 return input.dispatchEvent(new Event('change')); })()",
            )
            .await?;
        browser.wait_for("!document.querySelector('hockeystick-figure').dataset.old").await?;
        assert_eq!(browser.eval::<String>(stage).await?, before);
        ensure!(!browser.eval::<bool>("document.querySelector('[data-do=back]').hidden").await?);
        assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    }
    Ok(())
}
