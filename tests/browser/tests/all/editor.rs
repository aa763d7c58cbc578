//! A reader builds on the board: by mouse, by finger, by keyboard; takes it back, and passes it on as an address.

use anyhow::{Context as _, Result, ensure};
use hockeystick_browser_tests::{Browser, Device, Key, Point, Site};

/// Users and one server, and a balancer to be dropped between them.
pub(crate) const LESSON: &str = "/stages/09-load-balancer/";
pub(crate) const FIX: &str = "#fig-fix";
/// Nine components; servers and databases to be added.
pub(crate) const SERVICES: &str = "/stages/16-splitting-services/";
pub(crate) const FIRST: &str = "hockeystick-figure";

/// A figure on its page.
pub(crate) struct Board {
    pub(crate) site: Site,
    pub(crate) browser: Browser,
    figure: &'static str,
}

impl Board {
    pub(crate) async fn open(device: &Device, page: &str, figure: &'static str) -> Result<Self> {
        let site = Site::start().await?;
        let browser = Browser::start(device).await?;
        browser.goto(&site.url(page)).await?;
        browser.wait_for(&format!("document.querySelector('{figure} .board.laid-out')")).await?;
        browser.centre(&format!("{figure} .bench")).await?;
        Ok(Self { site, browser, figure })
    }

    /// A selector within the figure.
    pub(crate) fn of(&self, selector: &str) -> String {
        format!("{} {selector}", self.figure)
    }

    /// Waits until so many cards stand on the board.
    pub(crate) async fn cards(&self, count: usize) -> Result<()> {
        let condition = format!("document.querySelectorAll('{}').length === {count}", self.of(".card"));
        self.browser.wait_for(&condition).await.with_context(|| format!("{count} cards"))
    }

    fn live(&self) -> String {
        format!("document.querySelector('{}').textContent", self.of(".figure-live > [aria-live]"))
    }

    pub(crate) async fn said(&self, words: &str) -> Result<()> {
        let condition = format!("{}.includes('{words}')", self.live());
        self.browser.wait_for(&condition).await.with_context(|| words.to_owned())
    }

    /// The middle of an arrow.
    async fn arrow(&self, from: &str, to: &str) -> Result<Point> {
        let script = format!(
            "(() => {{ const a = document.querySelector('{} .arrow[aria-label=\"{from} calls {to}\"] .line'); \
             const q = a.getPointAtLength(a.getTotalLength() / 2), m = a.getScreenCTM(); \
             return {{ x: q.x * m.a + m.e, y: q.y * m.d + m.f }}; }})()",
            self.figure
        );
        self.browser.eval(&script).await
    }

    /// Opens the settings of a card by keyboard.
    pub(crate) async fn settings(&self, card: usize) -> Result<()> {
        let focus = format!("void document.querySelectorAll('{}')[{card}].focus()", self.of(".card"));
        self.browser.eval::<()>(&focus).await?;
        self.browser.chord(&[], ' ').await
    }

    /// Drags the first kind of the palette onto an arrow, once settings that opened or closed have moved the board.
    pub(crate) async fn insert(&self, from: &str, to: &str) -> Result<()> {
        self.browser.grip(&self.of(&format!(".arrow[aria-label='{from} calls {to}']"))).await?;
        let item = self.browser.grip(&self.of(".palette-item")).await?;
        self.browser.drag(item, self.arrow(from, to).await?).await
    }

    /// The lesson's board, with a balancer between users and server.
    pub(crate) async fn balanced() -> Result<Self> {
        let board = Self::open(&Device::desktop(), LESSON, FIX).await?;
        board.insert("Users", "App").await?;
        board.cards(3).await?;
        Ok(board)
    }

    /// A selector of the tool whose name begins so.
    pub(crate) fn tool(&self, name: &str) -> String {
        self.of(&format!(".tool[aria-label^=\"{name}\"]"))
    }

    /// What calls what, as the arrows' labels say it.
    async fn calls(&self) -> Result<Vec<String>> {
        let arrows = self.of(".arrow");
        let script =
            format!("[...document.querySelectorAll('{arrows}')].map(a => a.getAttribute('aria-label')).sort()");
        self.browser.eval(&script).await
    }
}

#[tokio::test]
async fn a_component_dropped_on_an_arrow_is_wired_in_and_can_be_taken_back() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    assert_eq!(board.calls().await?, ["Users calls App"]);
    board.insert("Users", "App").await?;
    board.cards(3).await?;
    assert_eq!(board.calls().await?, ["Balancer calls App", "Users calls Balancer"]);
    // It runs on, or as soon as it is told to.
    let running = format!("document.querySelector('{}').textContent.includes('Pause')", board.of(".play"));
    if !board.browser.eval::<bool>(&running).await? {
        board.browser.click(&board.of(".play")).await?;
    }
    let answered = format!("document.querySelector('{}').textContent", board.of(".strip-now > div:nth-child(2) dd"));
    board.browser.centre(&board.of(".board")).await?;
    board.browser.wait_for(&format!("/[1-9]/.test({answered})")).await?;
    board.browser.click(&board.tool("Undo")).await?;
    board.cards(2).await?;
    assert_eq!(board.calls().await?, ["Users calls App"]);
    board.browser.click(&board.tool("Redo")).await?;
    board.cards(3).await?;
    assert_eq!(board.browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_finger_drags_from_the_palette_to_the_board() -> Result<()> {
    let board = Board::open(&Device::phone(), SERVICES, FIRST).await?;
    let item = board.browser.centre(&board.of(".palette-item")).await?;
    let script = format!(
        "(() => {{ const b = document.querySelector('{}').getBoundingClientRect(); \
         return {{ x: b.x + 20, y: b.y + 30 }}; }})()",
        board.of(".board")
    );
    let ground: Point = board.browser.eval(&script).await?;
    board.browser.swipe(item, ground).await?;
    board.cards(10).await?;
    let missing =
        format!("document.querySelector('{}')?.textContent.includes('Not connected yet')", board.of(".missing"));
    board.browser.wait_for(&missing).await
}

#[tokio::test]
async fn two_taps_insert_a_component_and_two_more_connect_it() -> Result<()> {
    let board = Board::open(&Device::phone(), LESSON, FIX).await?;
    // All of it is in sight: from here on nothing scrolls.
    board.browser.centre(&board.of(".board")).await?;
    let item = board.browser.centre(&board.of(".palette-item")).await?;
    let aiming = format!("document.querySelector('{}')", board.of(".board.aiming"));
    // Pressed twice, it is laid down again.
    board.browser.tap(item).await?;
    board.browser.wait_for(&aiming).await?;
    board.browser.tap(item).await?;
    board.browser.wait_for(&format!("!{aiming}")).await?;
    board.browser.tap(item).await?;
    board.browser.wait_for(&aiming).await?;
    board.browser.tap(board.arrow("Users", "App").await?).await?;
    board.cards(3).await?;
    assert_eq!(board.calls().await?, ["Balancer calls App", "Users calls Balancer"]);
    // Users stand first, and what was added last.
    board.browser.tap(board.browser.centre(&board.of(".card .port")).await?).await?;
    board.browser.wait_for(&aiming).await?;
    board.browser.tap(board.browser.centre(&board.of(".card.can")).await?).await?;
    board.said("Users calls App now.").await?;
    assert_eq!(board.calls().await?, ["Balancer calls App", "Users calls App", "Users calls Balancer"]);
    assert_eq!(board.browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_keyboard_alone_adds_connects_copies_and_removes() -> Result<()> {
    let board = Board::open(&Device::desktop(), SERVICES, FIRST).await?;
    let browser = &board.browser;
    browser.eval::<()>(&format!("void document.querySelector('{}').focus()", board.of(".palette-item"))).await?;
    browser.key(Key::Enter).await?;
    board.said("Enter drops it").await?;
    // The last place is the bare board.
    browser.key(Key::Left).await?;
    board.said("On the board, unconnected").await?;
    browser.key(Key::Enter).await?;
    board.cards(10).await?;
    board.said("App added").await?;
    browser.wait_for("document.activeElement.textContent.startsWith('App')").await?;
    // Connected with the balancer, it can run.
    browser.chord(&[], 'c').await?;
    board.said("Enter drops it").await?;
    for _ in 0..12 {
        if browser.eval::<bool>(&format!("{}.startsWith('Balancer calls App')", board.live())).await? {
            break;
        }
        browser.key(Key::Right).await?;
    }
    browser.key(Key::Enter).await?;
    board.said("Balancer calls App now").await?;
    browser.wait_for(&format!("!document.querySelector('{}')", board.of(".missing"))).await?;
    let focus = format!(
        "void [...document.querySelectorAll('{}')].find(c => c.textContent.startsWith('App')).focus()",
        board.of(".card")
    );
    browser.eval::<()>(&focus).await?;
    browser.chord(&[], '+').await?;
    board.said("2 copies").await?;
    browser.key(Key::Delete).await?;
    board.cards(9).await?;
    board.said("Ctrl+Z brings it back").await?;
    browser.chord(&[Key::Control], 'z').await?;
    board.cards(10).await?;
    // The board was built anew, and still hears the keyboard.
    browser.chord(&[Key::Control], 'y').await?;
    board.cards(9).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_component_gets_another_name_by_keyboard() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    board.settings(1).await?;
    let name = format!("document.querySelector('{}')", board.of(".inspector input.name"));
    browser.wait_for(&format!("{name}?.value === 'App'")).await?;
    let call = async |letters: &str, end: Key| {
        browser.eval::<()>(&format!("(() => {{ const it = {name}; it.focus(); it.select(); }})()")).await?;
        for letter in letters.chars() {
            browser.chord(&[], letter).await?;
        }
        browser.key(end).await
    };
    // Escape closes the settings, and what was typed is not meant.
    call("Till", Key::Escape).await?;
    browser.wait_for(&format!("!document.querySelector('{}')", board.of(".inspector"))).await?;
    assert_eq!(board.calls().await?, ["Users calls App"]);
    browser.chord(&[], ' ').await?;
    browser.wait_for(&format!("{name}?.value === 'App'")).await?;
    // The name of another is refused, and the focus stays to be given a better one.
    call("Users", Key::Enter).await?;
    browser.wait_for(&format!("{name}.validationMessage.includes('nothing else here may have that name')")).await?;
    call("Order book", Key::Tab).await?;
    board.said("App is called Order book now").await?;
    browser.wait_for(&format!("{name}.value === 'Order book'")).await?;
    browser.wait_for(&format!("document.activeElement.matches('{}')", board.of(".inspector header button"))).await?;
    assert_eq!(board.calls().await?, ["Users calls Order book"]);
    // Its settings are those of the new name.
    let copies = format!("document.querySelector('{} input.number')", board.of(".inspector .setting"));
    browser
        .eval::<()>(&format!(
            "void ({copies}.value = '2', {copies}.dispatchEvent(new Event('change', {{ bubbles: true }})))"
        ))
        .await?;
    browser
        .wait_for(&format!("document.querySelectorAll('{}')[1].textContent.includes('×')", board.of(".card")))
        .await?;
    // What the author wrote of the app is of this one: the knob below the board, and the number in a sentence.
    browser.wait_for(&format!("document.querySelector('{}').value === '2'", board.of(".knobs .number"))).await?;
    let number = "document.querySelector(\".knob[data-figure=fix][data-path='app.copies']\").textContent";
    browser.wait_for(&format!("{number} === '2'")).await?;
    // The address has the name; each step is taken back by itself.
    browser.click(&board.of(".share summary")).await?;
    browser.click(&board.of(".share-menu .button")).await?;
    board.said("copied").await?;
    let text = format!("document.querySelector('{}').textContent", board.of(".share-text"));
    let address: String = browser.eval(&text).await?;
    for _ in 0..2 {
        browser.click(&board.tool("Undo")).await?;
    }
    browser.wait_for(&format!("{name}.value === 'App'")).await?;
    assert_eq!(board.calls().await?, ["Users calls App"]);
    browser.goto(&board.site.url("/")).await?;
    browser.goto(&address).await?;
    let named = format!("document.querySelectorAll('{}')[1]?.textContent.startsWith('Order book')", board.of(".card"));
    browser.wait_for(&named).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn settings_that_are_open_follow_the_board() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    board.settings(1).await?;
    let headings = format!(
        "[...document.querySelectorAll('{}')].map((it) => it.textContent).join()",
        board.of(".inspector .break-group p")
    );
    browser.wait_for(&format!("{headings}.includes('Users')")).await?;
    // The app is called by a balancer now: what can be broken beside it is that arrow.
    board.insert("Users", "App").await?;
    board.cards(3).await?;
    browser.wait_for(&format!("{headings}.includes('Balancer')")).await?;
    // What is taken back while its settings are open takes them along, and the figure lives on.
    board.settings(2).await?;
    browser.wait_for(&format!("document.querySelector('{} .runs-on')", board.of(".inspector"))).await?;
    browser.click(&board.tool("Undo")).await?;
    board.cards(2).await?;
    browser.wait_for(&format!("!document.querySelector('{}')", board.of(".inspector"))).await?;
    board.insert("Users", "App").await?;
    board.cards(3).await?;
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn escape_closes_the_settings_and_takes_nothing_along() -> Result<()> {
    let board = Board::open(&Device::desktop(), LESSON, FIX).await?;
    let browser = &board.browser;
    board.settings(1).await?;
    let number = format!("document.querySelector('{} .setting input.number')", board.of(".inspector"));
    browser.wait_for(&number).await?;
    let before: String = browser.eval(&format!("{number}.value")).await?;
    browser.eval::<()>(&format!("({number}.focus(), {number}.select())")).await?;
    browser.chord(&[], '7').await?;
    ensure!(browser.eval::<String>(&format!("{number}.value")).await? == "7");
    browser.key(Key::Escape).await?;
    browser.wait_for(&format!("!{number}")).await?;
    board.settings(1).await?;
    browser.wait_for(&number).await?;
    assert_eq!(browser.eval::<String>(&format!("{number}.value")).await?, before);
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn each_choice_is_a_step_of_its_own() -> Result<()> {
    let board = Board::balanced().await?;
    let browser = &board.browser;
    board.settings(2).await?;
    let list = format!("document.querySelector('{} select[aria-label=\"Algorithm\"]')", board.of(".inspector"));
    browser.wait_for(&list).await?;
    for choice in ["1", "2"] {
        let pick = format!("({list}.value = '{choice}', {list}.dispatchEvent(new Event('change')))");
        ensure!(browser.eval::<bool>(&pick).await?);
    }
    browser.eval::<()>(&format!("void document.querySelector('{}').click()", board.tool("Undo"))).await?;
    browser.wait_for(&format!("{list}.value === '1'")).await
}

#[tokio::test]
async fn an_address_opens_the_board_again_and_a_broken_one_says_so() -> Result<()> {
    let board = Board::balanced().await?;
    let browser = &board.browser;
    browser.click(&board.of(".share summary")).await?;
    browser.click(&board.of(".share-menu .button")).await?;
    board.said("copied").await?;
    let text = format!("document.querySelector('{}').textContent", board.of(".share-text"));
    let address: String = browser.eval(&text).await?;
    ensure!(address.contains("#fig-fix.s="), "{address}");
    // Only the hash differs: the page must be left for it to be read.
    browser.goto(&board.site.url("/")).await?;
    browser.goto(&address).await?;
    board.cards(3).await?;
    assert_eq!(board.calls().await?, ["Balancer calls App", "Users calls Balancer"]);
    browser.goto(&board.site.url("/")).await?;
    browser.goto(&address[..address.len() - 12]).await?;
    let notice = format!("document.querySelector('{}')?.textContent.includes('cut or mistyped')", board.of(".refusal"));
    browser.wait_for(&notice).await?;
    board.cards(2).await
}
