//! A rate that changes: requests a second as straight pieces over time.

/// Requests a second over a step, between its points on straight lines. Two points at one instant are a jump.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Seconds and requests a second, in the order of time; at least two.
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// The same rate for so many seconds.
    pub fn constant(rate_per_s: f64, seconds: f64) -> Self {
        Self::ramp(rate_per_s, rate_per_s, seconds)
    }

    /// From one rate to another.
    pub fn ramp(from_per_s: f64, to_per_s: f64, seconds: f64) -> Self {
        Self { points: vec![(0.0, from_per_s), (seconds, to_per_s)] }
    }

    /// One rate, and another from `at_s` for `lasts_s`, which end within `seconds`.
    pub fn spike(rate_per_s: f64, top_per_s: f64, at_s: f64, lasts_s: f64, seconds: f64) -> Self {
        let end_s = at_s + lasts_s;
        Self {
            points: vec![
                (0.0, rate_per_s),
                (at_s, rate_per_s),
                (at_s, top_per_s),
                (end_s, top_per_s),
                (end_s, rate_per_s),
                (seconds, rate_per_s),
            ],
        }
    }

    /// Days of `day_s` seconds: from the quietest moment over the busiest in the middle and back, as half a cosine, which
    /// is what the model's `day` does.
    pub fn days(busiest_per_s: f64, quiet: f64, day_s: f64, seconds: f64) -> Self {
        // A chord of a 96th of the cosine is nowhere off by more than a thousandth of the swing.
        const PIECES: f64 = 96.0;
        let pieces = (seconds / day_s * PIECES).ceil().clamp(1.0, 1e6);
        let rate = |s: f64| {
            let swing = 0.5 * (1.0 - (2.0 * std::f64::consts::PI * s / day_s).cos());
            busiest_per_s * (quiet + (1.0 - quiet) * swing)
        };
        let instants = (0..=pieces as u64).map(|piece| seconds * piece as f64 / pieces);
        Self { points: instants.map(|s| (s, rate(s))).collect() }
    }

    /// The same curve after so many seconds at its first rate.
    #[must_use]
    pub fn after_warm_up(&self, warm_up_s: f64) -> Self {
        let first = (0.0, self.points[0].1);
        let later = self.points.iter().map(|(at_s, rate)| (at_s + warm_up_s, *rate));
        Self { points: std::iter::once(first).chain(later).collect() }
    }

    /// Whether the rate never changes.
    pub fn is_constant(&self) -> bool {
        self.points.iter().all(|(_, rate)| *rate == self.points[0].1)
    }

    /// Its points: seconds and requests a second.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Highest rate.
    pub fn max_per_s(&self) -> f64 {
        self.points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max)
    }

    /// Requests over the whole of it.
    pub fn requests(&self) -> f64 {
        self.points.windows(2).map(|ends| area(ends[0], ends[1])).sum()
    }

    /// Mean rate.
    pub fn mean_per_s(&self) -> f64 {
        self.requests() / self.points[self.points.len() - 1].0
    }

    /// Asks, for rising numbers of requests, when so many have come.
    pub fn instants(&self) -> Instants<'_> {
        Instants { points: &self.points, before: 0.0 }
    }
}

fn area((from_s, from): (f64, f64), (to_s, to): (f64, f64)) -> f64 {
    0.5 * (from + to) * (to_s - from_s)
}

/// The inverse of a curve's integral, which maps arrivals of rate one onto arrivals of the curve's rate (Çinlar,
/// *Introduction to Stochastic Processes*, 1975, section 4.7).
#[derive(Debug)]
pub struct Instants<'c> {
    points: &'c [(f64, f64)],
    /// Requests before the first of these points.
    before: f64,
}

impl Instants<'_> {
    /// When `requests` have come, in seconds; none when the curve holds fewer. Each number is at least the one before.
    pub fn at(&mut self, requests: f64) -> Option<f64> {
        while let [from, to, ..] = self.points {
            let held = area(*from, *to);
            let wanted = requests - self.before;
            if wanted < held {
                // r₀τ + sτ²/2 = wanted, in the form that loses no digits where the slope is next to nothing.
                let slope = (to.1 - from.1) / (to.0 - from.0);
                let root = (from.1 * from.1 + 2.0 * slope * wanted).max(0.0).sqrt();
                return Some(from.0 + if wanted > 0.0 { 2.0 * wanted / (from.1 + root) } else { 0.0 });
            }
            self.before += held;
            self.points = &self.points[1..];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_shape_holds_what_its_words_say() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-3 * b, "{a} {b}");
        close(Curve::constant(50.0, 10.0).requests(), 500.0);
        close(Curve::ramp(0.0, 100.0, 10.0).requests(), 500.0);
        let spike = Curve::spike(10.0, 100.0, 4.0, 2.0, 10.0);
        close(spike.requests(), 80.0 + 200.0);
        close(spike.max_per_s(), 100.0);
        let days = Curve::days(100.0, 0.2, 60.0, 120.0);
        close(days.mean_per_s(), 60.0);
        close(days.points()[0].1, 20.0);
        close(days.max_per_s(), 100.0);
    }

    #[test]
    fn the_inverse_of_a_ramp_is_a_root() {
        let ramp = Curve::ramp(0.0, 100.0, 10.0);
        let mut instants = ramp.instants();
        // 5 t² requests until t.
        for (requests, s) in [(0.0, 0.0), (5.0, 1.0), (45.0, 3.0), (125.0, 5.0)] {
            assert!((instants.at(requests).unwrap() - s).abs() < 1e-9, "{requests}");
        }
        assert_eq!(instants.at(500.0), None);
    }

    proptest! {
        #[test]
        fn instants_rise_and_stay_within_the_curve(rates in proptest::collection::vec(0.0..1e4_f64, 2..8), steps in 1..200_u32) {
            let curve = Curve { points: rates.iter().enumerate().map(|(i, rate)| (i as f64, *rate)).collect() };
            let (mut instants, mut last) = (curve.instants(), 0.0);
            for step in 0..steps {
                let Some(s) = instants.at(curve.requests() * f64::from(step) / f64::from(steps)) else { continue };
                prop_assert!(s >= last - 1e-9 && s <= rates.len() as f64 - 1.0 + 1e-9, "{} after {}", s, last);
                last = s;
            }
        }
    }
}
