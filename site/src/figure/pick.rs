//! Settings that are picked rather than turned: named choices, and switches.

use std::rc::Rc;

use hockeystick_core::figure::title;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement};

use super::Figure;
use super::dom::{El, el, value_of};

/// A list of which one is picked, with its name.
pub(crate) fn list(
    label: &str,
    options: Vec<El>,
    shown: impl Fn() -> String + 'static,
    pick: impl Fn(&str) + 'static,
) -> El {
    let take = move |event: Event| pick(&value_of(&event));
    let list = el("select", "pick").attr("aria-label", label).children(options).live_value(shown).on("change", take);
    el("div", "pick-row").child(el("span", "knob-name").text(label)).child(list)
}

/// An option of a list.
pub(crate) fn option(value: &str, name: &str) -> El {
    el("option", "").attr("value", value).text(name)
}

/// The choices of a setting, by name.
pub(crate) fn choices(figure: Figure, path: String, label: &str, names: &'static [&'static str]) -> El {
    let path: Rc<str> = path.into();
    let shown = Rc::clone(&path);
    let picked = move || {
        figure.view.stage_version.track();
        format!("{}", figure.get(&shown).unwrap_or(0.0) as usize)
    };
    let options = names.iter().enumerate().map(|(index, name)| option(&index.to_string(), &title(name))).collect();
    list(label, options, picked, move |value| {
        if let Ok(index) = value.parse::<u32>() {
            figure.choose_value(&path, index.into());
        }
    })
}

/// A switch.
pub(crate) fn switch(figure: Figure, path: String, label: &str) -> El {
    let path: Rc<str> = path.into();
    let shown = Rc::clone(&path);
    let take = move |event: Event| {
        if let Some(input) = event.target() {
            figure.choose_value(&path, f64::from(u8::from(input.unchecked_into::<HtmlInputElement>().checked())));
        }
    };
    let on = move || {
        figure.view.stage_version.track();
        figure.get(&shown).unwrap_or(0.0) >= 0.5
    };
    let input = el("input", "").attr("type", "checkbox").live_checked(on).on("change", take);
    el("label", "pick-row").child(el("span", "knob-name").text(label)).child(input)
}
