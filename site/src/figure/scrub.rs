//! How far a slider, a drag or a key turns a number.

use hockeystick_core::figure::Control;
use hockeystick_core::number::within;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::Reading;

/// Pixels of a drag from one end of a knob's range to the other.
const RANGE_PX: f64 = 320.0;
/// Pixels of a drag that double a number without a range of its own.
const DOUBLE_PX: f64 = 80.0;
/// Pixels of a drag that count one more of something.
const ONE_PX: f64 = 12.0;

/// How one number turns: between which ends, and whether equal drags are equal steps or equal ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) unit: Unit,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The figure's own slider for it: equal steps.
    Even,
    /// The figure's own slider for it: equal ratios.
    Ratio,
    /// No slider. The number that the author wrote says what is small and what is large.
    Around(f64),
}

impl Scale {
    /// The scale of a number that stood at `authored` when the page came, with the figure's slider for it if any.
    pub(crate) fn new(reading: &Reading, control: Option<&Control>, authored: f64) -> Self {
        let Reading { min, max, unit, .. } = *reading;
        match control {
            Some(control) => Self::slider(control.min.max(min), control.max.min(max), control.logarithmic, unit),
            None => Self { min, max, unit, kind: Kind::Around(authored) },
        }
    }

    /// The scale of a slider between two ends.
    pub(crate) fn slider(min: f64, max: f64, logarithmic: bool, unit: Unit) -> Self {
        let kind = if logarithmic && min > 0.0 { Kind::Ratio } else { Kind::Even };
        Self { min, max, unit, kind }
    }

    /// A slider that leaves room around a setting's default: its sane range alone is often far too wide.
    pub(crate) fn around(reading: &Reading) -> Self {
        let Reading { value, min, max, unit, .. } = *reading;
        if value <= 0.0 {
            let span = if unit == Unit::Bytes { 10_000.0 } else { 10.0 };
            return Self::slider(min, max.min(min + span), false, unit);
        }
        let least = if unit == Unit::Count { 1.0 } else { 0.0 };
        Self::slider((value / 30.0).max(min).max(least), (value * 30.0).min(max), true, unit)
    }

    /// Where a number is on a slider, 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Ratio => libm::log(value.max(1e-12) / self.min) / libm::log(self.max / self.min),
            _ => (value - self.min) / (self.max - self.min),
        };
        if share.is_finite() { within(share, 0.0, 1.0) } else { 0.0 }
    }

    /// The number at a place of a slider.
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.dragged(self.min, share * RANGE_PX)
    }

    /// The ends that a reader is told of: a slider's, or a sensible stretch around what the author wrote.
    pub(crate) fn told(&self) -> (f64, f64) {
        match self.kind {
            Kind::Even | Kind::Ratio => (self.min, self.max),
            Kind::Around(authored) => (self.min, within(authored * 100.0, self.min.max(1.0), self.max)),
        }
    }

    /// Where a drag of `px` pixels to the right takes a number that began at `from`.
    pub(crate) fn dragged(&self, from: f64, px: f64) -> f64 {
        let value = match self.kind {
            Kind::Even => from + px / RANGE_PX * (self.max - self.min),
            Kind::Ratio => from.max(self.min) * libm::pow(self.max / self.min, px / RANGE_PX),
            Kind::Around(_) if self.unit == Unit::Count => {
                let steps = px / ONE_PX;
                // Few things are counted one by one, many in proportion.
                if from < 20.0 { from + steps } else { from * libm::pow(2.0, px / DOUBLE_PX) }
            }
            Kind::Around(authored) => {
                let from = if from > 0.0 { from } else { authored.max(1e-3) / 8.0 };
                from * libm::pow(2.0, px / DOUBLE_PX)
            }
        };
        self.rounded(value)
    }

    /// Where a key takes the number. None for a key that turns nothing.
    pub(crate) fn pressed(&self, from: f64, key: &str) -> Option<f64> {
        let steps = match key {
            "ArrowRight" | "ArrowUp" => 1.0,
            "ArrowLeft" | "ArrowDown" => -1.0,
            "PageUp" => 10.0,
            "PageDown" => -10.0,
            "Home" => return Some(self.told().0),
            "End" => return Some(self.told().1),
            _ => return None,
        };
        // A key moves as far as a few pixels would, and at least one step of the last digit.
        let step = self.step(from);
        let value = self.dragged(from, steps * RANGE_PX / 100.0);
        let moved = if (value - from).abs() < step { from + steps.signum() * step } else { value };
        Some(self.rounded(moved))
    }

    /// Rounded to what a reader would say, and kept within the range.
    fn rounded(&self, value: f64) -> f64 {
        let step = self.step(value);
        within((value / step).round() * step, self.min, self.max)
    }

    /// The smallest step that makes sense at a value.
    fn step(&self, value: f64) -> f64 {
        if matches!(self.unit, Unit::Count | Unit::Switch) {
            return 1.0;
        }
        let size = match self.kind {
            Kind::Even => (self.max - self.min) / 150.0,
            _ => value.abs().max(1e-12) / 30.0,
        };
        let power = libm::pow(10.0, libm::log10(size).floor());
        power * if size / power >= 5.0 { 5.0 } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(value: f64, unit: Unit) -> Reading {
        Reading { value, unit, min: 0.0, max: 1e7, choices: &[] }
    }

    fn control(min: f64, max: f64, logarithmic: bool) -> Control {
        Control { path: "users.rate".into(), label: "Load".into(), min, max, logarithmic }
    }

    #[test]
    fn a_drag_over_the_whole_range_reaches_both_ends() {
        for logarithmic in [false, true] {
            let scale = Scale::new(&reading(9.0, Unit::PerSecond), Some(&control(1.0, 200.0, logarithmic)), 9.0);
            assert_eq!(scale.dragged(9.0, -1000.0), 1.0);
            assert_eq!(scale.dragged(9.0, 1000.0), 200.0);
        }
    }

    #[test]
    fn a_sliders_ends_are_its_range_and_the_way_back_is_the_same() {
        for (min, max, logarithmic) in [(1.0, 120.0, true), (0.0, 10.0, false), (0.0, 0.2, false)] {
            let scale = Scale::slider(min, max, logarithmic, Unit::PerSecond);
            assert_eq!((scale.at(0.0), scale.at(1.0)), (min, max));
            for place in [0.1, 0.35, 0.8] {
                assert!((scale.share(scale.at(place)) - place).abs() < 0.02, "{} of {max}", scale.at(place));
            }
        }
    }

    #[test]
    fn a_setting_without_a_slider_of_its_own_has_room_on_both_sides() {
        let ends = |value, unit| {
            let scale = Scale::around(&reading(value, unit));
            (scale.min, scale.max)
        };
        assert_eq!(ends(60.0, Unit::PerSecond), (2.0, 1800.0));
        assert_eq!(ends(4.0, Unit::Count), (1.0, 120.0));
        assert_eq!((ends(0.0, Unit::Count), ends(0.0, Unit::Bytes)), ((0.0, 10.0), (0.0, 10_000.0)));
    }

    #[test]
    fn a_number_without_a_slider_doubles_and_halves() {
        let scale = Scale::new(&reading(0.1, Unit::Seconds), None, 0.1);
        assert!((scale.dragged(0.1, DOUBLE_PX) - 0.2).abs() < 1e-9);
        assert!((scale.dragged(0.1, -DOUBLE_PX) - 0.05).abs() < 1e-9);
        assert!(scale.dragged(0.0, DOUBLE_PX) > 0.0);
    }

    #[test]
    fn things_are_counted_in_whole_numbers() {
        let scale = Scale::new(&reading(4.0, Unit::Count), None, 4.0);
        assert_eq!(scale.dragged(4.0, ONE_PX), 5.0);
        assert_eq!(scale.dragged(4.0, -100.0 * ONE_PX), 0.0);
        assert_eq!(scale.pressed(4.0, "ArrowRight"), Some(5.0));
    }

    #[test]
    fn every_key_moves_the_number_and_stays_within_the_range() {
        let scale = Scale::new(&reading(93.0, Unit::PerSecond), Some(&control(1.0, 200.0, false)), 93.0);
        assert_eq!(scale.pressed(93.0, "ArrowRight"), Some(95.0));
        assert_eq!(scale.pressed(93.0, "ArrowLeft"), Some(91.0));
        assert_eq!(scale.pressed(93.0, "Home"), Some(1.0));
        assert_eq!(scale.pressed(199.9, "PageUp"), Some(200.0));
        assert_eq!(scale.pressed(93.0, "a"), None);
        let seconds = Scale::new(&reading(0.002, Unit::Seconds), None, 0.002);
        assert!(seconds.pressed(0.002, "ArrowRight") > Some(0.002));
    }

    #[test]
    fn an_arrow_key_always_leads_to_another_number_until_the_end() {
        for (min, max, logarithmic, unit) in [
            (1.0, 6.0, false, Unit::Count),
            (2.0, 12_000.0, true, Unit::Count),
            (0.001, 3_600.0, true, Unit::Seconds),
            (0.0, 0.3, false, Unit::Number),
        ] {
            let scale = Scale::slider(min, max, logarithmic, unit);
            let mut value = min;
            for _ in 0..400 {
                let next = scale.pressed(value, "ArrowRight").unwrap();
                assert!(next > value || (next == value && value == max), "{scale:?}: {next} after {value}");
                value = next;
            }
            assert_eq!(value, max);
            assert!(scale.pressed(value, "ArrowLeft") < Some(value));
        }
    }

    #[test]
    fn numbers_are_as_round_as_a_reader_would_say_them() {
        let scale = Scale::new(&reading(9.0, Unit::PerSecond), Some(&control(1.0, 200.0, false)), 9.0);
        assert_eq!(scale.dragged(9.0, 101.3).fract(), 0.0);
    }
}
