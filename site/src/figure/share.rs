//! A board to be passed on: as an address, or as a frame for another page.

use std::cell::RefCell;

use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{HtmlElement, KeyboardEvent};

use super::Figure;
use super::dom::{El, button, el, follow};
use super::handle::FigureHandle;
use super::live::Live;

/// What stands between a figure's id and its board in an address.
const MARK: &str = ".s=";

/// The menu. Everything that is copied can be seen, and copied by hand where the browser lets no page do it.
pub(crate) fn share(figure: Figure) -> El {
    let text = el("textarea", "share-text").attr("readonly", "").attr("rows", "3").attr("aria-label", "To be copied");
    // What was copied last: its button says so.
    let copied = Live::new("");
    follow(move || {
        figure.view.stage_version.track();
        copied.put("");
    });
    let copy = move |what: &'static str, of: fn(&FigureHandle) -> String, text: &El| {
        let text = text.html();
        // What the browser calls when it has copied, or not.
        let answers = RefCell::new(None);
        let act = move || {
            figure.drive(|handle| {
                let words = of(handle);
                text.set_text_content(Some(&words));
                let tell = move |is_copied: bool| {
                    copied.set(if is_copied { what } else { "" });
                    let said = if is_copied { "It is copied." } else { "It stands below, to be copied." };
                    figure.view.said.set(said.to_owned());
                };
                let window = leptos::prelude::window();
                // A page without encryption has no clipboard, and a browser may refuse it to any; what stands below can be copied
                // by hand.
                if !window.is_secure_context() {
                    return tell(false);
                }
                let done = Closure::new(move |_: JsValue| tell(true));
                let refused = Closure::new(move |_: JsValue| tell(false));
                let _ = window.navigator().clipboard().write_text(&words).then2(&done, &refused);
                answers.replace(Some([done, refused]));
            });
        };
        let words = move || if copied.get() == what { "Copied" } else { what }.to_owned();
        button("button", "").live_text(words).on_click(act)
    };
    let menu = el("div", "share-menu")
        .child(copy("Copy address", address, &text))
        .child(copy("Copy code for a frame", frame, &text))
        .children(stage_of_page().into_iter().flat_map(|_| {
            [link(figure, "Open in the sandbox", sandbox), link(figure, "Compare with the original", compare)]
        }))
        .child(text);
    let opener = el("summary", "button").text("Share");
    let summary = opener.html();
    let share = el("details", "share").child(opener).child(menu);
    let element = share.html();
    share.on("keydown", move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            let _ = element.remove_attribute("open");
            let _ = summary.focus();
        }
    })
}

/// A link to another page of the site to which the board goes along, as it stands when the link is followed.
fn link(figure: Figure, words: &str, address: fn(&FigureHandle) -> Option<String>) -> El {
    let link = el("a", "button").attr("href", "#").text(words);
    let element = link.html();
    let aim = move || {
        figure.drive(|handle| drop(address(handle).map(|it| element.set_attribute("href", &it))));
    };
    let pressed = aim.clone();
    link.on_click(aim).on("pointerdown", move |_: web_sys::Event| pressed())
}

/// The sandbox, with the board on it.
fn sandbox(figure: &FigureHandle) -> Option<String> {
    Some(format!("{}sandbox/#fig-sandbox{MARK}{}", root()?, figure.state()))
}

/// The page on which this board and the one of its author carry the same traffic.
fn compare(figure: &FigureHandle) -> Option<String> {
    let (top, stage) = (root()?, stage_of_page()?);
    let (original, now) = (figure.authored_state(), figure.state());
    Some(format!("{top}compare/?a={stage}&b={stage}#a={original}&b={now}"))
}

/// The page's address, with the board.
fn address(figure: &FigureHandle) -> String {
    format!("{}#fig-{}{MARK}{}", page(), figure.id(), figure.state())
}

/// A frame that shows the board alone, with the charts and controls that it has on its stage's page. The site's embed page
/// is beside its stages.
fn frame(figure: &FigureHandle) -> String {
    // Without a mark on its page it is in a frame already.
    let source = root().map_or_else(page, |top| {
        let of = stage_of_page().map_or_else(String::new, |stage| format!("?stage={stage}&amp;fig={}", figure.id()));
        top + "embed/" + &of
    });
    format!(
        "<iframe src=\"{source}#s={}\" title=\"Hockeystick\" width=\"100%\" height=\"800\" loading=\"lazy\"></iframe>",
        figure.state()
    )
}

fn page() -> String {
    let href = web_sys::window().and_then(|window| window.location().href().ok()).unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

/// The stage on whose page this is.
fn stage_of_page() -> Option<String> {
    let here = page();
    here.strip_prefix(&root()?)?.strip_prefix("stages/")?.split('/').next().map(str::to_owned)
}

/// Where the site begins: its mark leads there.
fn root() -> Option<String> {
    let mark = leptos::prelude::document().query_selector("a.mark").ok()??;
    let top: web_sys::HtmlAnchorElement = wasm_bindgen::JsCast::dyn_into(mark).ok()?;
    Some(top.href().trim_end_matches("index.html").to_owned())
}

/// Opens the board that the page's address holds for this figure, or that whoever frames it asks for, if there is one.
pub(crate) fn open_address(figure: Figure, element: &HtmlElement) {
    let hash = web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default();
    let framed = element.parent_element().and_then(|it| it.get_attribute("data-state"));
    figure.drive(|handle| {
        let start = format!("#fig-{}{MARK}", handle.id());
        let linked = hash.strip_prefix(&start);
        let Some(state) = linked.or(framed.as_deref()) else { return };
        if let Err(why) = handle.open_state(state) {
            figure.view.notice.set(Some(format!("{why} This is the figure as its author made it.")));
        }
        if linked.is_some() {
            element.scroll_into_view();
        }
    });
}
