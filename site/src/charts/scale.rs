//! Axes: round tick values, and where an axis ends.

use hockeystick_core::number::in_order;

use super::number;

/// Steps that read as round, as parts of a power of ten.
const ROUND: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// Steps of a clock, in seconds.
const CLOCK: [f64; 14] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];

/// One axis: its ends, and the values that carry a label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// Value at the left or the bottom.
    pub(super) from: f64,
    /// Value at the right or the top.
    pub(super) to: f64,
    /// Distance between two ticks.
    pub(super) step: f64,
    /// Labelled values, in order, all between the ends.
    pub(super) ticks: Vec<f64>,
}

impl Axis {
    /// From zero to the first round value at or above `most`, with at most `ticks` ticks above zero.
    pub(super) fn rounded_up(most: f64, ticks: usize) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let step = round_step(most / ticks.max(1) as f64);
        let to = (most / step - 1e-9).ceil() * step;
        Self { from: 0.0, to, step, ticks: multiples(0.0, to, step) }
    }

    /// From zero to exactly `to`.
    pub(super) fn up_to(to: f64, ticks: usize) -> Self {
        let to = if to.is_finite() && to > 0.0 { to } else { 1.0 };
        let step = round_step(to / ticks.max(1) as f64);
        Self { from: 0.0, to, step, ticks: multiples(0.0, to, step) }
    }

    /// A stretch of time in seconds, with ticks where a clock would have them.
    pub(super) fn time(from: f64, to: f64, ticks: usize) -> Self {
        let least = (to - from) / ticks.max(1) as f64;
        let step = CLOCK.into_iter().find(|step| *step >= least).unwrap_or_else(|| {
            let days = round_step(least / 86_400.0);
            days.max(1.0 / 6.0) * 86_400.0
        });
        Self { from, to, step, ticks: multiples(from, to, step) }
    }

    /// Where `value` lies: 0 at the start of the axis, 1 at its end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// The value at a share of the axis.
    pub(super) fn value(&self, share: f64) -> f64 {
        self.from + share * (self.to - self.from)
    }

    /// The label of a tick, with as many decimals as the step needs.
    pub(super) fn label(&self, tick: f64) -> String {
        number::fixed(tick, decimals(self.step))
    }

    /// The label of a tick on an axis of time.
    pub(super) fn time_label(&self, tick: f64) -> String {
        let whole = tick.round() as i64;
        if self.to < 120.0 {
            format!("{whole} s")
        } else if self.to < 7200.0 {
            if self.step < 60.0 || whole % 60 != 0 {
                format!("{}:{:02}", whole / 60, whole % 60)
            } else {
                format!("{} min", whole / 60)
            }
        } else {
            format!("{}:{:02} h", whole / 3600, whole % 3600 / 60)
        }
    }
}

/// The smallest round step of at least `least`.
pub(super) fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(least).floor());
    ROUND.into_iter().map(|part| part * power).find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Decimals that tell multiples of `step` apart.
fn decimals(step: f64) -> usize {
    (-(libm::log10(step) + 1e-9).floor()).max(0.0) as usize
}

fn multiples(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step - 1e-9).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Moves labels apart so that neighbours are at least `gap` from one another, all between `low` and `high`, each as
/// near to its wish as the others allow. Returns the places in the order of `wishes`.
pub(super) fn spread(wishes: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let order = in_order(wishes.iter().copied());
    let mut places = wishes.to_vec();
    // Down the list each is pushed past its neighbour; back up the list they are pushed inside the end.
    let mut least = low;
    for &index in &order {
        places[index] = places[index].max(least);
        least = places[index] + gap;
    }
    let mut most = high;
    for &index in order.iter().rev() {
        places[index] = places[index].min(most);
        most = places[index] - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Axis::rounded_up(87.0, 4).ticks, [0.0, 50.0, 100.0]);
        assert_eq!(Axis::rounded_up(100.0, 4).to, 100.0);
        assert_eq!(Axis::up_to(58.0, 4).ticks, [0.0, 20.0, 40.0]);
        assert_eq!(Axis::rounded_up(0.7, 4).label(0.2), "0.2");
        assert_eq!(Axis::rounded_up(3200.0, 4).label(2000.0), "2,000");
    }

    #[test]
    fn an_axis_without_data_is_still_an_axis() {
        for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Axis::rounded_up(most, 4).to, 1.0);
        }
    }

    #[test]
    fn time_has_ticks_where_a_clock_has_them() {
        let axis = Axis::time(30.0, 90.0, 4);
        assert_eq!(axis.ticks, [30.0, 45.0, 60.0, 75.0, 90.0]);
        assert_eq!(axis.time_label(45.0), "45 s");
        let axis = Axis::time(0.0, 600.0, 4);
        assert_eq!(axis.ticks, [0.0, 300.0, 600.0]);
        assert_eq!(axis.time_label(300.0), "5 min");
        assert_eq!(Axis::time(0.0, 300.0, 12).time_label(90.0), "1:30");
    }

    #[test]
    fn labels_that_would_overlap_move_apart() {
        let places = spread(&[50.0, 52.0, 10.0], 13.0, 0.0, 100.0);
        assert_eq!(places, [50.0, 63.0, 10.0]);
        let places = spread(&[99.0, 98.0, 97.0], 13.0, 0.0, 100.0);
        assert_eq!(places, [100.0, 87.0, 74.0]);
    }

    #[test]
    fn every_axis_covers_its_data_with_a_few_ticks() {
        for power in -60..90 {
            let most = 10f64.powf(f64::from(power) / 10.0);
            for ticks in 2..8 {
                let axis = Axis::rounded_up(most, ticks);
                assert!(axis.to >= most * (1.0 - 1e-6) && axis.to <= most + axis.step * 1.001, "{most}: {axis:?}");
                assert!(axis.ticks.len() <= ticks + 2, "{most}: {axis:?}");
                assert!((axis.share(axis.value(0.3)) - 0.3).abs() < 1e-9);
            }
        }
    }
}
