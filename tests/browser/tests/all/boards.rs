//! The boards of the journey on a wide screen: words large enough to be read, and no arrow behind a card that it has nothing
//! to do with.

use anyhow::{Context as _, Result};
use hockeystick_browser_tests::{Browser, Device, Site};
use serde::Deserialize;

/// Least size at which a board is shown. The largest has 25 components, and its smallest words are 9 pixels high.
const LEAST_SCALE: f64 = 0.79;

/// The first board of a page: how large it is shown, and which arrows run behind which cards. A card's edge is no card.
const LOOK: &str = "(() => {
    const board = document.querySelector('.board');
    const cards = [...board.querySelectorAll('.card')].map((it) => ({
        name: it.querySelector('.card-name').textContent.replace(/ × .*/, ''), box: it.getBoundingClientRect() }));
    const scale = cards[0].box.width / board.querySelector('.card').offsetWidth;
    const behind = [];
    for (const arrow of board.querySelectorAll('.arrow')) {
        const line = arrow.querySelector('.line');
        const at = (share) =>
            line.getPointAtLength(line.getTotalLength() * share).matrixTransform(line.getScreenCTM());
        const within = (value, from, to) => value > from && value < to;
        const hits = ({ x, y }, { box }, more) => within(x, box.left - more, box.right + more)
            && within(y, box.top - more, box.bottom + more);
        const ends = cards.filter((card) => hits(at(0), card, 3) || hits(at(1), card, 3));
        for (const card of cards.filter((it) => !ends.includes(it))) {
            const shares = [...Array(101).keys()].map((it) => it / 100);
            if (shares.some((share) => hits(at(share), card, -3))) {
                behind.push(ends.map((it) => it.name).join(' to ') + ' behind ' + card.name);
            }
        }
    }
    return { scale, behind };
})()";

#[derive(Debug, Deserialize)]
struct Seen {
    scale: f64,
    behind: Vec<String>,
}

#[tokio::test]
async fn every_board_of_the_journey_can_be_read() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::start(&Device::desktop()).await?;
    let mut wrong = Vec::new();
    for page in site.pages()?.into_iter().filter(|page| page.starts_with("/stages/") && page != "/stages/") {
        browser.goto(&site.url(&page)).await?;
        browser.wait_for("document.querySelector('.board.laid-out .arrow')").await.context(page.clone())?;
        let seen: Seen = browser.eval(LOOK).await?;
        if seen.scale < LEAST_SCALE {
            wrong.push(format!("{page}: shown at {:.2}", seen.scale));
        }
        wrong.extend(seen.behind.into_iter().map(|arrow| format!("{page}: {arrow}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}
