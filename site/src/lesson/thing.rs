//! Words for things: while one is pointed at, what it names lights up on the boards.

use hockeystick_core::component::Kind;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};

use crate::dom::{self, Listener};
use crate::figure::handle;

/// Listens to every word for a thing that is a component or a machine.
pub(super) fn start() -> Vec<Listener> {
    dom::all(".thing").into_iter().filter_map(|word| Some((name(&word)?, word))).flat_map(listen).collect()
}

/// `app-server` of an element with the class `thing-app-server`, if boards can have such a thing.
fn name(word: &HtmlElement) -> Option<String> {
    let classes = word.class_name();
    let name = classes.split_whitespace().find_map(|class| class.strip_prefix("thing-"))?.to_owned();
    (Kind::from_key(&name).is_some() || name == "box").then_some(name)
}

fn listen((name, word): (String, HtmlElement)) -> [Listener; 2] {
    let on = {
        let name = name.clone();
        move |_: PointerEvent| light(&name, true)
    };
    let off = move |_: PointerEvent| light(&name, false);
    [Listener::new(&word, "pointerenter", on), Listener::new(&word, "pointerleave", off)]
}

/// Lights up, or no longer, what a word names on every board of the page.
fn light(name: &str, lit: bool) {
    for element in dom::all("hockeystick-figure[id^=fig-]") {
        let Some(figure) = element.id().strip_prefix("fig-").and_then(handle::find) else { continue };
        if name == "box" {
            each(&element, ".machine", |_| true, lit);
        } else {
            // A board's cards stand in the order of its components.
            let is_named: Vec<bool> = figure.with_stage(|stage| {
                stage.components.iter().map(|component| component.settings.kind().key() == name).collect()
            });
            each(&element, ".card", |index| is_named.get(index) == Some(&true), lit);
        }
    }
}

fn each(within: &Element, selector: &str, is_named: impl Fn(usize) -> bool, lit: bool) {
    let Ok(found) = within.query_selector_all(selector) else { return };
    for index in (0..found.length()).filter(|index| is_named(*index as usize)) {
        if let Some(card) = found.get(index).and_then(|node| node.dyn_into::<Element>().ok()) {
            let _ = card.class_list().toggle_with_force("lit", lit);
        }
    }
}
