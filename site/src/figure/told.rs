//! What the inspector says of a kind of component: what it is, what the model of it leaves out, what its settings mean.
//!
//! The words are those of the kind's own page. The module only leaves slots for them, each with the place on that page as a
//! selector; the page's script fetches it and fills them (`site/assets/inspector.js`). So neither the module nor a lesson grows
//! with what is said of each kind.

use std::cell::RefCell;

use hockeystick_core::component::Kind;
use js_sys::Function;
use wasm_bindgen::JsValue;

use super::dom::{El, el};

thread_local! {
    static INSPECT: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// What the page does with a panel: a function of the panel and of its kind's key.
pub(crate) fn set_inspect(inspect: Function) {
    INSPECT.set(Some(inspect));
}

/// Tells the page of a panel: it fills the slots, now or when the words have come, and places the panel on a small screen.
pub(crate) fn inspect(panel: &El, kind: Option<Kind>) {
    let kind = kind.map_or(JsValue::UNDEFINED, |kind| kind.key().into());
    INSPECT.with_borrow(|inspect| {
        // Without the words there are still the knobs.
        let _ = inspect.as_ref().map(|inspect| inspect.call2(&JsValue::NULL, &panel.html(), &kind));
    });
}

/// What the kind is.
pub(crate) fn summary() -> El {
    slot("p", "", ".summary")
}

/// What the model does, a sentence each.
pub(crate) fn models() -> El {
    slot("ul", "", ".models")
}

/// What the model leaves out, a sentence each.
pub(crate) fn leaves_out() -> El {
    slot("ul", "out", ".leaves-out")
}

/// What a setting does.
pub(crate) fn doc(field: &str) -> El {
    slot("p", "doc", &format!("[data-field={field}] th span"))
}

/// Where a setting's default comes from.
pub(crate) fn origin(field: &str) -> El {
    slot("p", "", &format!("[data-field={field}] td:last-child"))
}

fn slot(tag: &str, class: &str, of: &str) -> El {
    el(tag, class).attr("data-told", of)
}
