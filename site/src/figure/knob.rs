//! One knob: a slider, and a number that can be typed with its unit.

use std::rc::Rc;

use hockeystick_core::number::short;
use hockeystick_core::settings::Unit;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, KeyboardEvent};

use super::Figure;
use super::dom::{El, el, field, refuse, value_of};
use super::handle::FigureHandle;
use super::numbers::{decimal, read, show};
use super::scrub::Scale;
use crate::dom::plain_key;

/// Positions of a slider.
const STEPS: f64 = 400.0;

/// A slider with its name and number, for the number at `path`.
pub(crate) fn knob(figure: Figure, path: String, label: &str, scale: Scale) -> El {
    let unit = scale.unit;
    let path: Rc<str> = path.into();
    let get = getter(figure, Rc::clone(&path));
    let (share, fill, spoken) = (get.clone(), get.clone(), get);
    let slide_path = Rc::clone(&path);
    let slide = move |event: Event| {
        if let Some(place) = decimal(&value_of(&event)) {
            figure.set(&slide_path, scale.at(place / STEPS));
        }
    };
    let pressed_path = Rc::clone(&path);
    // The browser would move the slider by a pixel, which mostly rounds to the same number.
    let press = move |event: KeyboardEvent| {
        if let Some(value) = scale.pressed(figure.get(&pressed_path).unwrap_or(0.0), &plain_key(&event)) {
            event.prevent_default();
            figure.set(&pressed_path, value);
        }
    };
    let slider = el("input", "slider")
        .attr("type", "range")
        .attr("min", "0")
        .attr("max", &short(STEPS, 0))
        .attr("aria-label", label)
        .live_value(move || short(scale.share(share()) * STEPS, 0))
        .live_style("--fill", move || short(scale.share(fill()) * 100.0, 0) + "%")
        .live_attr("aria-valuetext", move || show(spoken(), unit))
        .on("input", slide)
        .on("keydown", press)
        .on("change", move |_: Event| figure.drive(FigureHandle::let_go))
        .on("blur", move |_: Event| figure.drive(FigureHandle::let_go));
    el("div", "knob-row")
        .child(el("span", "knob-name").text(label))
        .child(slider)
        .child(number(figure, path, label, unit))
}

/// Reads the number at a path, and follows the stage.
fn getter(figure: Figure, path: Rc<str>) -> impl Fn() -> f64 + Clone + 'static {
    move || {
        figure.view.stage_version.track();
        figure.get(&path).unwrap_or(0.0)
    }
}

/// The number itself, to be typed over.
fn number(figure: Figure, path: Rc<str>, label: &str, unit: Unit) -> El {
    let shown = getter(figure, Rc::clone(&path));
    let take = move |event: Event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        let old = figure.get(&path).unwrap_or(0.0);
        match read(&input.value(), unit, old) {
            Some(value) => {
                figure.set(&path, value);
                figure.drive(FigureHandle::let_go);
            }
            None => {
                let (typed, kept) = (input.value(), show(old, unit));
                input.set_value(&kept);
                return refuse(&input, &format!("“{typed}” is no number with its unit, such as {kept}."));
            }
        }
        input.set_value(&show(figure.get(&path).unwrap_or(old), unit));
    };
    let before = shown.clone();
    let keys = move |event: KeyboardEvent| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        match event.key().as_str() {
            "Enter" => drop(input.blur()),
            // What closes the settings now takes nothing along.
            "Escape" => input.set_value(&show(before(), unit)),
            _ => {}
        }
    };
    field("number", &format!("{label}, number"))
        .attr("inputmode", "decimal")
        .live_value(move || show(shown(), unit))
        .on("change", take)
        .on("keydown", keys)
}
