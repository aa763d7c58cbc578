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

/// Chooses what a list has, as a reader would.
async fn choose(browser: &Browser, list: &str, value: &str) -> Result<()> {
    let script = format!(
        "(() => {{ const list = document.querySelector('{list}'); list.value = '{value}'; \
         return list.dispatchEvent(new Event('change')); }})()"
    );
    ensure!(browser.eval::<bool>(&script).await?);
    Ok(())
}

/// The first figure's board, once there is one.
const STAGE: &str = "Array.from(document.querySelector('hockeystick-figure')?.mounted?.stage() ?? []).join()";

/// Gives the first figure another load, and returns the board that it has then, and the address by which it is shared.
async fn share(browser: &Browser) -> Result<(String, String)> {
    browser.wait_for("document.querySelector('hockeystick-figure .board.laid-out')").await?;
    browser.eval::<()>("document.querySelector('hockeystick-figure').mounted.set_load(33)").await?;
    browser
        .eval::<()>(
            "void [...document.querySelectorAll('hockeystick-figure .share button')]\
             .find((it) => it.textContent === 'Copy address').click()",
        )
        .await?;
    Ok((browser.eval(STAGE).await?, browser.eval("document.querySelector('.share-text').value").await?))
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
async fn words_that_are_dropped_leave_the_verdict_alone() -> Result<()> {
    let (_site, browser) = open("/check/", &Device::desktop()).await?;
    browser.click("[data-example=demo]").await?;
    browser.wait_for("document.querySelector('.check-word')").await?;
    let dropped = "(async () => { const data = new DataTransfer(), word = document.querySelector('.check-word'); \
                   data.setData('text/plain', 'words'); document.querySelector('.check-drop').dispatchEvent(\
                   new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); \
                   await new Promise((go) => setTimeout(go, 1000)); return word.isConnected; })()";
    ensure!(browser.eval::<bool>(dropped).await?, "the verdict is gone");
    Ok(())
}

#[tokio::test]
async fn of_two_quick_choices_the_last_one_stands() -> Result<()> {
    for (page, list) in [("/compare/", "[data-side=a] select"), ("/sandbox/", "hockeystick-sandbox select")] {
        let (_site, browser) = open(page, &Device::desktop()).await?;
        browser.wait_for("document.querySelector('hockeystick-figure .board.laid-out')").await?;
        // The first choice is answered after the second.
        let slow = "(() => { const fetched = window.fetch, held = new Promise((go) => { window.release = go; }); \
                    window.fetch = (url) => String(url).includes('/06-') \
                    ? (window.late = held.then(() => fetched(url))) : fetched(url); })()";
        browser.eval::<()>(slow).await?;
        choose(&browser, list, "06-split-database").await?;
        choose(&browser, list, "09-load-balancer").await?;
        let side = format!("document.querySelector('{list}').closest('[data-side], hockeystick-sandbox')");
        let is_balanced = "/Balancer/.test(it.querySelector('.board.laid-out')?.textContent)";
        let figures = format!("[...{side}.querySelectorAll('hockeystick-figure')].map((it) => {is_balanced}).join()");
        browser.wait_for(&format!("{figures} === 'true'")).await?;
        browser
            .eval::<()>("window.release(), window.late.then(() => new Promise((go) => setTimeout(go, 1000)))")
            .await?;
        let shown: String = browser.eval(&figures).await?;
        ensure!(shown == "true", "{page} has figures with a balancer: {shown}");
        let chosen: String = browser.eval(&format!("document.querySelector('{list}').value")).await?;
        ensure!(chosen == "09-load-balancer", "{page} calls it {chosen}");
    }
    Ok(())
}

#[tokio::test]
async fn a_choice_takes_the_place_of_a_shared_board() -> Result<()> {
    for (page, list) in [("/compare/", "[data-side=a] select"), ("/sandbox/", "hockeystick-sandbox select")] {
        let (site, browser) = open(page, &Device::desktop()).await?;
        let (_, address) = share(&browser).await?;
        browser.goto(&site.url("/glossary/")).await?;
        browser.goto(&address).await?;
        let boards = "[...document.querySelectorAll('hockeystick-figure .board.laid-out')]";
        browser.wait_for(&format!("{boards}.length === document.querySelectorAll('select').length")).await?;
        choose(&browser, list, "14-message-queue").await?;
        browser.wait_for(&format!("/Queue/i.test({boards}[0]?.textContent)")).await?;
        let hash: String = browser.eval("location.hash").await?;
        ensure!(hash.is_empty(), "{page} would bring {hash} back");
    }
    Ok(())
}

#[tokio::test]
async fn a_shared_board_opens_whatever_stage_its_address_names_and_where_the_page_is_open_already() -> Result<()> {
    let (site, browser) = open("/sandbox/", &Device::desktop()).await?;
    let (board, address) = share(&browser).await?;
    let hash = address.split_once('#').map_or("", |(_, hash)| hash);
    browser.goto(&site.url("/glossary/")).await?;
    browser.goto(&site.url(&format!("/sandbox/?stage=09-load-balancer#{hash}"))).await?;
    browser.wait_for(&format!("{STAGE} === '{board}'")).await?;
    browser.eval::<()>("new Promise((go) => setTimeout(go, 500))").await?;
    ensure!(browser.eval::<String>(STAGE).await? == board, "the stage has taken its place");
    browser.goto(&site.url("/stages/01-single-server/")).await?;
    let (board, address) = share(&browser).await?;
    browser.goto(&site.url("/glossary/")).await?;
    browser.goto(&site.url("/stages/01-single-server/")).await?;
    browser.wait_for("document.querySelector('hockeystick-figure')?.mounted").await?;
    // A place on the page is no board, and nor is what Share says.
    browser.eval::<()>("void (window.same = true, location.hash = 'content')").await?;
    share(&browser).await?;
    browser.eval::<()>("new Promise((go) => setTimeout(go, 500))").await?;
    ensure!(browser.eval::<bool>("window.same === true && location.hash === '#content'").await?, "it was loaded anew");
    browser.eval::<()>(&format!("void (location.href = '{address}')")).await?;
    browser.wait_for(&format!("!window.same && {STAGE} === '{board}'")).await?;
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
async fn what_was_moved_in_the_sandbox_stands_there_again() -> Result<()> {
    let (_site, browser) = open("/sandbox/?stage=09-load-balancer", &Device::desktop()).await?;
    browser.wait_for("/Balancer/.test(document.querySelector('.board.laid-out')?.textContent)").await?;
    let place = "JSON.stringify([...document.querySelectorAll('.card')].map((it) => it.style.transform))";
    let card = browser.grip(".card").await?;
    browser.drag(card, card.offset(24.0, 72.0)).await?;
    browser
        .wait_for("document.querySelector('hockeystick-sandbox select').selectedOptions[0].text === 'Your board'")
        .await?;
    let moved: String = browser.eval(place).await?;
    browser.eval::<()>("void (window.same = true, location.reload())").await?;
    browser.wait_for("!window.same && /Balancer/.test(document.querySelector('.board.laid-out')?.textContent)").await?;
    let kept: String = browser.eval(place).await?;
    ensure!(kept == moved, "{moved} became {kept}");
    Ok(())
}

#[tokio::test]
async fn a_kept_board_that_cannot_be_opened_is_told_and_the_next_one_is_kept() -> Result<()> {
    let (_site, browser) = open("/sandbox/", &Device::desktop()).await?;
    let wrong = "document.querySelector('.check-said.wrong')?.textContent";
    for at in ["?stage=09-load-balancer", ""] {
        let kept = format!("sessionStorage.setItem('sandbox', '{{\"at\":\"{at}\",\"board\":[1,2,3]}}')");
        browser.eval::<()>(&format!("void ({kept}, location.href = '/sandbox/{at}')")).await?;
        browser
            .wait_for(&format!(
                "location.search === '{at}' && {wrong} && \
                 /Balancer/.test(document.querySelector('hockeystick-figure .board.laid-out')?.textContent) === !!'{at}'"
            ))
            .await?;
        ensure!(
            browser.eval::<bool>("sessionStorage.getItem('sandbox').includes('[1,2,3]')").await?,
            "it is thrown away"
        );
    }
    browser.eval::<()>("document.querySelector('hockeystick-figure').mounted.set_load(33)").await?;
    browser.wait_for("document.querySelector('hockeystick-sandbox select').value === 'own'").await?;
    let mine: String = browser.eval(STAGE).await?;
    browser.eval::<()>("void (window.same = true, location.reload())").await?;
    browser.wait_for(&format!("!window.same && {STAGE} === '{mine}'")).await?;
    browser
        .wait_for("document.querySelector('.check-said:not(.wrong)')?.textContent === 'Your board, as you left it.'")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_undone_does_not_come_back() -> Result<()> {
    let (site, browser) = open("/sandbox/?stage=09-load-balancer", &Device::desktop()).await?;
    let kept = "sessionStorage.getItem('sandbox')";
    let change = async |kept_then: &str| -> Result<String> {
        browser.wait_for("document.querySelector('hockeystick-figure .board.laid-out')").await?;
        let began: String = browser.eval(STAGE).await?;
        browser.eval::<()>("document.querySelector('hockeystick-figure').mounted.set_load(34)").await?;
        browser.wait_for(kept).await?;
        browser.eval::<()>("void document.querySelector('hockeystick-figure [aria-label^=Undo]').click()").await?;
        browser.wait_for(&format!("{STAGE} === '{began}' && {kept_then}")).await?;
        browser.eval::<()>("void (window.same = true, location.reload())").await?;
        browser.wait_for(&format!("!window.same && {STAGE} === '{began}'")).await?;
        Ok(began)
    };
    browser
        .wait_for("/Balancer/.test(document.querySelector('hockeystick-figure .board.laid-out')?.textContent)")
        .await?;
    change(&format!("{kept} === null")).await?;
    browser.wait_for("document.querySelector('hockeystick-sandbox select').value === '09-load-balancer'").await?;
    // A board that came with the address is no longer there: what is undone is kept as well.
    let (board, address) = share(&browser).await?;
    browser.goto(&site.url("/glossary/")).await?;
    browser.eval::<()>("sessionStorage.clear()").await?;
    browser.goto(&address).await?;
    browser.wait_for(&format!("{STAGE} === '{board}'")).await?;
    let undone = format!("{kept} === JSON.stringify({{ at: location.search, board: {STAGE}.split(',').map(Number) }})");
    ensure!(change(&undone).await? == board);
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
