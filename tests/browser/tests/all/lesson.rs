//! A lesson's text at work: numbers that turn a figure, charts, guesses, the challenge, progress.

use std::time::Duration;

use anyhow::{Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site};

const LESSON: &str = "/stages/01-single-server/";
/// The first number in the text; it sets the load of the first figure.
const KNOB: &str = ".knob[data-figure=opening][data-path='users.rate']";
/// The ring on the first figure's hockey stick.
const RING: &str = "#fig-opening .chart-handle";
/// The first question.
const QUESTION: &str = "hockeystick-predict";

async fn open_lesson(device: &Device) -> Result<(Site, Browser)> {
    let site = Site::start().await?;
    let browser = Browser::start(device).await?;
    browser.goto(&site.url(LESSON)).await?;
    Ok((site, browser))
}

/// Waits until an element can be used as a slider.
async fn wait_for_slider(browser: &Browser, selector: &str) -> Result<()> {
    browser.wait_for(&format!("document.querySelector(\"{selector}\")?.getAttribute('aria-valuetext')")).await
}

/// The load that a slider stands for.
async fn value(browser: &Browser, selector: &str) -> Result<f64> {
    browser.eval(&format!("Number(document.querySelector(\"{selector}\").getAttribute('aria-valuenow'))")).await
}

async fn focus(browser: &Browser, selector: &str) -> Result<()> {
    browser.centre(selector).await?;
    browser.eval(&format!("document.querySelector(\"{selector}\").focus()")).await
}

#[tokio::test]
async fn a_number_in_a_sentence_turns_its_figure_when_it_is_dragged() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, KNOB).await?;
    let before = value(&browser, KNOB).await?;
    let from = browser.centre(KNOB).await?;
    browser.drag(from, from.offset(-80.0, 0.0)).await?;
    let after = value(&browser, KNOB).await?;
    ensure!(after < before, "{before} became {after}");
    let text: String = browser.eval(&format!("document.querySelector(\"{KNOB}\").textContent")).await?;
    ensure!(text.parse::<f64>().is_ok_and(|shown| (shown - after).abs() < 1.0), "{text} for {after}");
    wait_for_slider(&browser, RING).await?;
    browser.centre(RING).await?;
    browser
        .wait_for(&format!(
            "Math.abs(Number(document.querySelector(\"{RING}\").getAttribute('aria-valuenow')) - {after}) < 0.01"
        ))
        .await
}

#[tokio::test]
async fn a_number_in_a_sentence_obeys_the_keyboard() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, KNOB).await?;
    let authored = value(&browser, KNOB).await?;
    focus(&browser, KNOB).await?;
    browser.key(Key::Right).await?;
    ensure!(value(&browser, KNOB).await? > authored);
    for letter in ['4', '2'] {
        browser.chord(&[], letter).await?;
    }
    browser.key(Key::Enter).await?;
    assert_eq!(value(&browser, KNOB).await?, 42.0);
    let has_focus: bool =
        browser.eval(&format!("document.activeElement === document.querySelector(\"{KNOB}\")")).await?;
    ensure!(has_focus, "the focus is lost after typing");
    browser.key(Key::Escape).await?;
    assert_eq!(value(&browser, KNOB).await?, authored);
    Ok(())
}

#[tokio::test]
async fn a_finger_scrubs_a_number_and_still_scrolls_the_page() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::phone()).await?;
    wait_for_slider(&browser, KNOB).await?;
    let before = value(&browser, KNOB).await?;
    let from = browser.centre(KNOB).await?;
    browser.swipe(from, from.offset(-60.0, 0.0)).await?;
    let after = value(&browser, KNOB).await?;
    ensure!(after < before, "{before} became {after}");
    let scrolled: f64 = browser.eval("scrollY").await?;
    browser.swipe(from, from.offset(0.0, -200.0)).await?;
    browser.wait_for(&format!("scrollY > {scrolled} + 50")).await?;
    assert_eq!(value(&browser, KNOB).await?, after);
    Ok(())
}

#[tokio::test]
async fn on_a_phone_what_is_turned_lies_between_the_board_and_the_charts() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::phone()).await?;
    wait_for_slider(&browser, KNOB).await?;
    let tops = "['.board', '.controls', '.panels', '.timeline']\
                .map((it) => document.querySelector('#fig-opening ' + it).getBoundingClientRect().top)";
    let tops: Vec<f64> = browser.eval(tops).await?;
    ensure!(tops.is_sorted(), "{tops:?}");
    Ok(())
}

#[tokio::test]
async fn the_operating_point_moves_the_load_and_the_sentence_follows() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, RING).await?;
    let from = browser.grip(RING).await?;
    let before = value(&browser, RING).await?;
    browser.drag(from, from.offset(-60.0, 0.0)).await?;
    let dragged = value(&browser, KNOB).await?;
    ensure!(dragged < before, "{before} became {dragged}");
    browser.key(Key::Home).await?;
    browser.key(Key::PageUp).await?;
    let pressed = value(&browser, KNOB).await?;
    ensure!(pressed > 0.0 && pressed < dragged, "{dragged} became {pressed}");
    Ok(())
}

#[tokio::test]
async fn the_hockey_stick_fills_with_theory_and_simulation() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, RING).await?;
    browser.centre(RING).await?;
    // The table for screen readers follows the picture every few seconds.
    let rows = "[...document.querySelectorAll('#fig-opening [data-panel=hockey-stick] tbody tr')]";
    browser.wait_for(&format!("{rows}.length >= 8")).await?;
    let agree: bool = browser
        .eval(&format!(
            "{rows}.map(row => [...row.cells].map(cell => Number(cell.textContent.replace(',', '')))).slice(0, 5)\
             .every(([load, theory, , mean]) => Math.abs(mean / theory - 1) < 0.15)"
        ))
        .await?;
    ensure!(agree, "theory and simulation differ at low loads");
    Ok(())
}

#[tokio::test]
async fn a_chart_takes_the_colours_of_the_theme() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, RING).await?;
    browser.centre(RING).await?;
    // The brightest pixel is a label's in the dark, and a grid line's in the light.
    let brightest = "(() => { const canvas = document.querySelector('#fig-opening .chart-canvas'); \
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); let most = 0, least = 255; \
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 250) { most = Math.max(most, data[i]); least = Math.min(least, data[i]); } \
        return { most, least }; })()";
    browser.wait_for(&format!("{brightest}.least < 60")).await?;
    browser.emulate(&Device::desktop().dark()).await?;
    browser.wait_for(&format!("{brightest}.most > 200")).await
}

#[tokio::test]
async fn the_answer_is_shown_after_a_guess_only() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    browser.wait_for(&format!("document.querySelector('{QUESTION} button')")).await?;
    let hidden: bool = browser.eval(&format!("document.querySelector('{QUESTION} details').hidden")).await?;
    ensure!(hidden, "the answer is there before the guess");
    browser.click(&format!("{QUESTION} li:last-child button")).await?;
    browser.wait_for(&format!("document.querySelector('{QUESTION} details').open")).await?;
    browser.wait_for(&format!("document.querySelector('{QUESTION} li:last-child [class=predict-mark]')")).await?;
    let measured = format!("document.querySelector('{QUESTION} .predict-measured')?.textContent");
    browser.wait_for(&format!("{measured}?.includes('mean')")).await?;
    let rate: f64 = value(&browser, ".knob[data-figure=chance][data-path='users.rate']").await?;
    assert_eq!(rate, 5.0, "the figure was turned to what was asked about");
    Ok(())
}

#[tokio::test]
async fn a_chart_reads_out_and_saves_its_values_without_a_complaint() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let rows = "document.querySelectorAll('#fig-opening [data-panel=hockey-stick] tbody tr').length";
    wait_for_slider(&browser, RING).await?;
    browser.centre("#fig-opening .chart-plot").await?;
    browser.wait_for(&format!("{rows} >= 8")).await?;
    focus(&browser, "#fig-opening .chart-plot").await?;
    for _ in 0..5 {
        browser.key(Key::Left).await?;
    }
    let spoken = "document.querySelector('#fig-opening .chart [aria-live]').textContent";
    browser.wait_for(&format!("{spoken}.includes('theory: mean')")).await?;
    // Looked at where it is handed to the browser; only a file of that name is a download.
    browser
        .eval::<()>(
            "(() => { const go = HTMLAnchorElement.prototype.click; HTMLAnchorElement.prototype.click = function () { \
             window.saved = [this.download, decodeURIComponent(this.href)]; go.call(this); }; })()",
        )
        .await?;
    browser.click("#fig-opening .chart-save").await?;
    browser
        .wait_for("window.saved?.[1].startsWith('data:text/csv;charset=utf-8,load (requests/s),mean by theory (ms)')")
        .await?;
    let name: String = browser.eval("window.saved[0]").await?;
    ensure!(name.starts_with("opening-") && name.ends_with(".csv"), "{name}");
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_question_is_whole_without_javascript() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop().without_javascript()).await?;
    let text: String = browser.eval(&format!("document.querySelector('{QUESTION}').textContent")).await?;
    ensure!(text.contains("How long does a request take on average?"), "{text}");
    let choices: usize =
        browser.eval(&format!("document.querySelectorAll('{QUESTION} .choices')[0].children.length")).await?;
    assert_eq!(choices, 3);
    Ok(())
}

/// Turns a slider of a figure to a value, as its reader would see it turned.
fn slide(label: &str, value: &str) -> String {
    format!(
        "(() => {{ const input = [...document.querySelectorAll('#fig-challenge input[type=range]')]\
         .find(input => (input.getAttribute('aria-label') ?? input.labels?.[0]?.textContent ?? '').includes('{label}')); \
         input.value = {value}; input.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    )
}

#[tokio::test]
async fn the_challenge_is_judged_and_can_be_met() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    let verdict = "document.querySelector('hockeystick-challenge')?.getAttribute('data-verdict')";
    let judging = "document.querySelector('hockeystick-challenge .verdict').textContent.includes('Judging')";
    let judged = "hockeystick-challenge :is([data-goal=rate], [data-goal=p95])[data-met]:not([data-met=unknown])";
    browser.wait_for("document.querySelector('hockeystick-challenge .verdict')").await?;
    browser.centre("hockeystick-challenge").await?;
    // Who reads on has asked for nothing.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(browser.eval::<String>(verdict).await?, "none");
    browser.click("#fig-challenge .play").await?;
    browser.eval::<()>("document.querySelector('hockeystick-challenge .verdict button').focus()").await?;
    browser.key(Key::Enter).await?;
    browser.wait_for(&format!("{verdict} === 'no'")).await?;
    // Who asked by keyboard goes on from the verdict.
    ensure!(browser.eval::<bool>("document.activeElement.matches('.verdict')").await?, "the focus is lost");
    browser.eval::<()>(&slide("Code of one read", "input.min")).await?;
    // What was said of another board is gone at once.
    browser.wait_for(&format!("{verdict} === 'waiting'")).await?;
    ensure!(browser.eval::<bool>(&format!("!document.querySelector('{judged}')")).await?, "an old verdict stands");
    browser.eval::<()>(&slide("One query", "input.min")).await?;
    // The board leaves the machine to the judge, and goes on after it.
    let playing = "document.querySelector('#fig-challenge .play').textContent.includes('Pause')";
    browser.wait_for(&format!("{judging} && !{playing}")).await?;
    browser.wait_for(&format!("{verdict} === 'yes'")).await?;
    browser.wait_for(playing).await?;
    let met: Vec<String> = browser
        .eval("[...document.querySelectorAll('hockeystick-challenge [data-met]')].map(line => line.dataset.met)")
        .await?;
    ensure!(met.len() == 4 && met.iter().all(|met| met == "yes"), "{met:?}");
    Ok(())
}

#[tokio::test]
async fn charts_and_questions_in_use_break_no_rule_of_accessibility() -> Result<()> {
    let own = ["chart", "knob", "choice", "predict", "goal", "verdict"];
    for device in [Device::desktop(), Device::phone().dark()] {
        let (_site, browser) = open_lesson(&device).await?;
        wait_for_slider(&browser, KNOB).await?;
        browser.wait_for(&format!("document.querySelector('{QUESTION} button')")).await?;
        browser.click(&format!("{QUESTION} li:last-child button")).await?;
        browser.wait_for(&format!("document.querySelector('{QUESTION} .predict-measured b')")).await?;
        browser.centre("hockeystick-challenge").await?;
        browser.click("hockeystick-challenge button").await?;
        browser.wait_for("document.querySelector('hockeystick-challenge [data-met=no]')").await?;
        browser.centre(RING).await?;
        let mut problems = browser.accessibility_problems().await?;
        problems.retain(|problem| own.iter().any(|name| problem.contains(&format!("class=\"{name}"))));
        ensure!(problems.is_empty(), "{problems:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn hints_come_one_after_another() -> Result<()> {
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    browser.wait_for("document.querySelector('hockeystick-challenge .verdict')").await?;
    let seen = "[...document.querySelectorAll('hockeystick-challenge details')].filter(hint => !hint.hidden).length";
    assert_eq!(browser.eval::<usize>(seen).await?, 1);
    browser.click("hockeystick-challenge details summary").await?;
    browser.wait_for(&format!("{seen} === 2")).await
}

#[tokio::test]
async fn a_visited_stage_is_marked_on_the_map() -> Result<()> {
    let (site, browser) = open_lesson(&Device::desktop()).await?;
    browser.wait_for("localStorage.getItem('hockeystick.visited')?.includes('01-single-server')").await?;
    browser.goto(&site.url("/stages/")).await?;
    browser.wait_for("document.querySelector('.stages li.visited a')?.href.includes('01-single-server')").await
}

/// Whether a file whose name holds this was loaded.
fn loaded(name: &str) -> String {
    format!("performance.getEntriesByType('resource').some(entry => entry.name.includes('{name}'))")
}

#[tokio::test]
async fn theory_is_loaded_when_a_knob_makes_another_curve() -> Result<()> {
    const QUERY: &str = ".knob[data-figure=fight][data-path='database.demand.read']";
    let (_site, browser) = open_lesson(&Device::desktop()).await?;
    wait_for_slider(&browser, RING).await?;
    browser.centre(RING).await?;
    // The curve is there, with its capacity, and nobody asked theory for it.
    browser.wait_for(&loaded("hockeystick_site")).await?;
    focus(&browser, KNOB).await?;
    browser.key(Key::Right).await?;
    ensure!(!browser.eval::<bool>(&loaded("theorist")).await?, "a load is another place on the same curve");
    wait_for_slider(&browser, QUERY).await?;
    focus(&browser, QUERY).await?;
    browser.key(Key::Right).await?;
    browser.wait_for(&loaded("hockeystick_theorist")).await
}
