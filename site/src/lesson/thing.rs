//! Words for things: while one is pointed at, what it names lights up on the boards.

use hockeystick_core::component::Kind;
use web_sys::{Element, HtmlElement, PointerEvent};

use crate::charts::dom::{self, Listener};

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

fn light(name: &str, lit: bool) {
    let selector = if name == "box" { ".machine" } else { ".card[data-kind]" };
    for card in dom::all(selector) {
        if name == "box" || card.get_attribute("data-kind").as_deref() == Some(name) {
            let _ = Element::class_list(&card).toggle_with_force("lit", lit);
        }
    }
}
