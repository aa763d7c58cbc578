//! One knob: a slider, and a number that can be typed with its unit.

use std::rc::Rc;

use hockeystick_core::number::{short, within};
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::Reading;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, KeyboardEvent};

use super::Figure;
use super::dom::{El, el, value_of};
use super::handle::FigureHandle;
use super::numbers::{decimal, read, show};
use super::scrub;

/// Positions of a slider.
const STEPS: f64 = 400.0;

/// A slider's way from one number to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Equal distances are equal ratios.
    pub(crate) logarithmic: bool,
    /// Only whole numbers.
    pub(crate) whole: bool,
}

impl Scale {
    /// A slider that leaves room around a setting's default: its sane range alone is often far too wide.
    pub(crate) fn around(reading: &Reading) -> Self {
        let whole = matches!(reading.unit, Unit::Count);
        if reading.unit == Unit::Switch {
            return Self { min: 0.0, max: 1.0, logarithmic: false, whole: true };
        }
        if reading.value <= 0.0 {
            return Self { min: reading.min, max: reading.max.min(reading.min + 10.0), logarithmic: false, whole };
        }
        let min = (reading.value / 30.0).max(reading.min).max(if whole { 1.0 } else { 0.0 });
        Self { min, max: (reading.value * 30.0).min(reading.max), logarithmic: min > 0.0, whole }
    }

    /// Where a number is, 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic && self.min > 0.0 {
            libm::log(value.max(1e-12) / self.min) / libm::log(self.max / self.min)
        } else {
            (value - self.min) / (self.max - self.min)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The number at a place, rounded to what a reader would choose.
    pub(crate) fn value(&self, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        let value = if self.logarithmic && self.min > 0.0 {
            self.min * libm::pow(self.max / self.min, share)
        } else {
            self.min + (self.max - self.min) * share
        };
        if self.whole { value.round() } else { within(round_to_three(value), self.min, self.max) }
    }
}

/// Three significant digits from 100 up, two below: no reader means 17.38 requests a second.
fn round_to_three(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let unit = libm::pow(10.0, libm::log10(value.abs()).floor() - 1.0);
    (value / unit).round() * unit
}

/// A slider with its name and number, for the number at `path`.
pub(crate) fn knob(figure: Figure, path: String, label: &str, scale: Scale, unit: Unit) -> El {
    let path: Rc<str> = path.into();
    let get = getter(figure, Rc::clone(&path));
    let (share, fill, spoken) = (get.clone(), get.clone(), get);
    let slide_path = Rc::clone(&path);
    let slide = move |event: Event| {
        if let Some(place) = decimal(&value_of(&event)) {
            figure.set(&slide_path, scale.value(place / STEPS));
        }
    };
    let pressed_path = Rc::clone(&path);
    let keys = scrub::Scale::slider(scale.min, scale.max, scale.logarithmic, unit);
    // The browser would move the slider by a pixel, which mostly rounds to the same number.
    let press = move |event: KeyboardEvent| {
        if let Some(value) = keys.pressed(figure.get(&pressed_path).unwrap_or(0.0), &event.key()) {
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
                let example = show(old, unit);
                figure.view.said.set(format!("{} is no number with its unit, such as {example}.", input.value()));
            }
        }
        input.set_value(&show(figure.get(&path).unwrap_or(old), unit));
    };
    let keys = |event: KeyboardEvent| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(input) = input.filter(|_| event.key() == "Enter") {
            let _ = input.blur();
        }
    };
    el("input", "number")
        .attr("type", "text")
        .attr("inputmode", "decimal")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .attr("aria-label", &format!("{label}, number"))
        .live_value(move || show(shown(), unit))
        .on("change", take)
        .on("keydown", keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sliders_ends_are_its_range_and_the_way_back_is_the_same() {
        for scale in [
            Scale { min: 1.0, max: 120.0, logarithmic: true, whole: false },
            Scale { min: 0.0, max: 10.0, logarithmic: false, whole: false },
        ] {
            assert_eq!((scale.value(0.0), scale.value(1.0)), (scale.min, scale.max));
            for place in [0.1, 0.35, 0.8] {
                assert!((scale.share(scale.value(place)) - place).abs() < 0.02);
            }
        }
    }
}
