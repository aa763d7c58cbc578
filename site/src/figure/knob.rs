//! One knob: a slider, and a number that can be typed with its unit.

use hockeystick_core::settings::Unit;
use hockeystick_core::stage::Reading;
use leptos::ev::{Event, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;

use super::Figure;
use super::numbers::{read, show};

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
            (value.max(1e-12) / self.min).ln() / (self.max / self.min).ln()
        } else {
            (value - self.min) / (self.max - self.min)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The number at a place, rounded to what a reader would choose.
    pub(crate) fn value(&self, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        let value = if self.logarithmic && self.min > 0.0 {
            self.min * (self.max / self.min).powf(share)
        } else {
            self.min + (self.max - self.min) * share
        };
        if self.whole { value.round() } else { round_to_three(value).clamp(self.min, self.max) }
    }
}

/// Three significant digits from 100 up, two below: no reader means 17.38 requests a second.
fn round_to_three(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    (value / unit).round() * unit
}

/// A slider with its name and number, for the number at `path`.
pub(crate) fn knob(figure: Figure, path: String, label: String, scale: Scale, unit: Unit) -> impl IntoView {
    let version = figure.view.stage_version;
    let get = {
        let path = path.clone();
        move || {
            version.track();
            figure.get(&path).unwrap_or(0.0)
        }
    };
    let (get_share, get_text) = (get.clone(), get.clone());
    let fill = get.clone();
    let slide_path = path.clone();
    let slide = move |event: Event| {
        if let Ok(place) = event_target_value(&event).parse::<f64>() {
            figure.set(&slide_path, scale.value(place / STEPS));
        }
    };
    let spoken = get.clone();
    let name = label.clone();
    view! {
        <label class="knob-row">
            <span class="knob-name">{label}</span>
            <input
                class="slider"
                type="range"
                min="0"
                max=STEPS.to_string()
                step="1"
                prop:value=move || (scale.share(get_share()) * STEPS).round().to_string()
                style:--fill=move || format!("{}%", (scale.share(fill()) * 100.0).round())
                aria-valuetext=move || show(spoken(), unit)
                on:input=slide
            />
            {number(figure, path, name, unit, get_text)}
        </label>
    }
}

/// The number itself, to be typed over.
fn number(
    figure: Figure,
    path: String,
    label: String,
    unit: Unit,
    get: impl Fn() -> f64 + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let element: NodeRef<html::Input> = NodeRef::new();
    let (shown, was) = (get.clone(), get);
    let take = move |_| {
        let Some(input) = element.get_untracked() else { return };
        let old = untrack(&was);
        match read(&input.value(), unit, old) {
            Some(value) => {
                figure.set(&path, value);
            }
            None => figure.view.said.set(format!(
                "{} is not a number with its unit, such as {}.",
                input.value(),
                show(old, unit)
            )),
        }
        input.set_value(&show(untrack(&was), unit));
    };
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Enter"
            && let Some(input) = element.get_untracked()
        {
            let _ = input.blur();
        }
    };
    view! {
        <input
            class="number"
            type="text"
            inputmode="decimal"
            size="8"
            autocomplete="off"
            spellcheck="false"
            aria-label=format!("{label}, number")
            node_ref=element
            prop:value=move || show(shown(), unit)
            on:change=take
            on:keydown=keys
        />
    }
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
