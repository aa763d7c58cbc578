//! The lesson of stage 09 from its top to its challenge, by the keyboard alone.

use anyhow::{Context as _, Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Site};

/// More stops than this between two places of the lesson would be a trap.
const STOPS_MOST: usize = 250;

struct Reader {
    browser: Browser,
    _site: Site,
}

impl Reader {
    async fn open(page: &str) -> Result<Self> {
        let site = Site::start().await?;
        let browser = Browser::start(&Device::desktop()).await?;
        browser.goto(&site.url(page)).await?;
        // All of it is there: what is out of sight comes when the page is idle.
        browser
            .wait_for(
                "document.querySelectorAll('hockeystick-figure').length > 5 && \
                 [...document.querySelectorAll('hockeystick-figure')].every(it => it.classList.contains('live'))",
            )
            .await?;
        Ok(Self { browser, _site: site })
    }

    /// Goes on with Tab until something that matches has the focus, and sees that it shows that it has.
    async fn tab_to(&self, selector: &str) -> Result<()> {
        let here = format!("!!document.activeElement?.matches('{selector}')");
        for _ in 0..STOPS_MOST {
            self.browser.key(Key::Tab).await?;
            if self.browser.eval::<bool>(&here).await? {
                let shown = "document.activeElement.matches(':focus-visible')";
                ensure!(self.browser.eval::<bool>(shown).await?, "{selector} has the focus and does not show it");
                return Ok(());
            }
        }
        let at: String = self.browser.eval("document.activeElement?.outerHTML.slice(0, 120) ?? 'nothing'").await?;
        anyhow::bail!("{selector} cannot be reached with Tab; the focus is at {at}")
    }

    async fn waits_for(&self, figure: &str, condition: &str) -> Result<()> {
        let condition = format!("(() => {{ const f = document.querySelector('{figure}'); return {condition}; }})()");
        self.browser.wait_for(&condition).await.with_context(|| format!("{figure}: {condition}"))
    }

    /// Puts a component of the palette onto the first place where it may go.
    async fn insert(&self, figure: &str, cards: usize) -> Result<()> {
        self.tab_to(&format!("{figure} .palette-item")).await?;
        self.browser.key(Key::Enter).await?;
        self.waits_for(figure, "f.querySelector('.figure-live > [aria-live]').textContent.includes('Enter drops it')")
            .await?;
        self.browser.key(Key::Enter).await?;
        self.waits_for(figure, &format!("f.querySelectorAll('.card').length === {cards}")).await
    }
}

#[tokio::test]
async fn the_whole_of_stage_09_is_done_by_keyboard() -> Result<()> {
    let reader = Reader::open("/stages/09-load-balancer/").await?;
    let browser = &reader.browser;

    // The load of the first figure, down to what one server can do.
    reader.tab_to("#fig-opening .knobs input[type=range]").await?;
    browser.key(Key::Home).await?;
    reader.waits_for("#fig-opening", "f.mounted.load() < 60").await?;

    // A balancer onto the arrow, and a second server.
    reader.insert("#fig-fix", 3).await?;
    reader.tab_to("#fig-fix .knobs input[type=range]").await?;
    browser.key(Key::Right).await?;
    reader
        .waits_for("#fig-fix", "[...f.querySelectorAll('.card')].some(it => it.textContent.includes('×\u{a0}2'))")
        .await?;

    // A guess, and what the simulation says of it.
    reader.tab_to("hockeystick-predict[data-figure=turns] .predict-choice").await?;
    browser.key(Key::Enter).await?;
    reader
        .waits_for("hockeystick-predict[data-figure=turns]", "f.querySelector('.predict-measured')?.textContent")
        .await?;

    // What can be broken is broken, and seen to be.
    reader.tab_to("#fig-slow .breaks button").await?;
    browser.key(Key::Enter).await?;
    reader.waits_for("#fig-slow", "f.querySelector('.marks .broke')").await?;

    // The challenge is judged as it stands, and again when a server is added.
    reader.tab_to("hockeystick-challenge button").await?;
    browser.key(Key::Enter).await?;
    reader.waits_for("hockeystick-challenge", "f.querySelector('[data-met=no]')").await?;
    reader.tab_to("#fig-challenge .knobs input[type=range]").await?;
    browser.key(Key::End).await?;
    reader
        .waits_for(
            "hockeystick-challenge",
            "f.querySelector('[data-goal=rate] [data-met=yes], [data-goal=rate][data-met=yes]')",
        )
        .await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}
