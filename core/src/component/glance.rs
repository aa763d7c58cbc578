//! What a card shows of its component at a glance: a figure of its own kind, in a word or two.

use super::{Metric, MetricReading};
use crate::settings::Unit;

/// A figure of a kind's own that its card shows.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// The name of the [`Metric`] that it is read from.
    pub metric: &'static str,
    /// What it is, for a reader.
    pub label: &'static str,
    /// What its number counts; a share of 0 to 1 where that is [`Unit::Number`].
    pub unit: Unit,
    /// Whether several copies show the largest of theirs instead of the sum.
    pub most: bool,
    /// Where on the card it stands.
    pub place: Place,
}

/// Where a card shows a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a line of its own, after its label.
    Line,
    /// Behind the figure before it, with its label after it, while there is any of it.
    Beside,
    /// At the card's name, as what is seldom and bad is, with its label after it, once there is any of it.
    Head,
}

impl Glance {
    /// Most of one kind.
    pub const MOST: usize = 4;

    pub(super) const fn count(metric: &'static str, label: &'static str) -> Self {
        Self::of(metric, label, Unit::Count)
    }

    pub(super) const fn seconds(metric: &'static str, label: &'static str) -> Self {
        Self::of(metric, label, Unit::Seconds)
    }

    pub(super) const fn bytes(metric: &'static str, label: &'static str) -> Self {
        Self::of(metric, label, Unit::Bytes)
    }

    /// A share, of what was counted lately.
    pub(super) const fn share(metric: &'static str, label: &'static str) -> Self {
        Self::of(metric, label, Unit::Number)
    }

    /// How many a second, lately.
    pub(super) const fn rate(metric: &'static str, label: &'static str) -> Self {
        Self::of(metric, label, Unit::PerSecond)
    }

    const fn of(metric: &'static str, label: &'static str, unit: Unit) -> Self {
        Self { metric, label, unit, most: false, place: Place::Line }
    }

    pub(super) const fn most(self) -> Self {
        Self { most: true, ..self }
    }

    pub(super) const fn beside(self) -> Self {
        Self { place: Place::Beside, ..self }
    }

    pub(super) const fn at_head(self) -> Self {
        Self { place: Place::Head, ..self }
    }
}

/// Reads one glance of one component again and again: ratios and rates are of what happened lately.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader {
    before: (f64, f64),
    lately: (f64, f64),
    begun: bool,
}

impl Reader {
    /// The figure now, at `now_s` simulated seconds, from its readings of every copy; none where no copy has it. What
    /// was counted before the last reading counts `kept` times as much as what was counted since.
    pub fn read(&mut self, glance: &Glance, readings: &[MetricReading], now_s: f64, kept: f64) -> Option<f64> {
        let pair = |reading: &MetricReading| match *reading {
            MetricReading::Ratio(part, of) => (part, of),
            MetricReading::Count(count) => (count, 0.0),
            MetricReading::Gauge(_) => (0.0, 0.0),
        };
        let sum = readings.iter().map(pair).fold((0.0, 0.0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
        match *readings.first()? {
            MetricReading::Gauge(_) => {
                let numbers = readings.iter().map(MetricReading::number);
                Some(if glance.most { numbers.fold(0.0, f64::max) } else { numbers.sum() })
            }
            MetricReading::Count(_) if glance.unit != Unit::PerSecond => Some(sum.0),
            MetricReading::Count(_) => self.lately((sum.0, now_s), kept),
            MetricReading::Ratio(..) => self.lately(sum, kept),
        }
    }

    fn lately(&mut self, now: (f64, f64), kept: f64) -> Option<f64> {
        let before = if self.begun { self.before } else { (0.0, 0.0) };
        if now.1 > before.1 || now.0 > before.0 {
            let more = (now.0 - before.0, now.1 - before.1);
            self.lately = (self.lately.0 * kept + more.0, self.lately.1 * kept + more.1);
            (self.before, self.begun) = (now, true);
        }
        (self.lately.1 > 0.0).then(|| self.lately.0 / self.lately.1)
    }
}

/// The readings of one figure among those of a copy.
pub(crate) fn pick(metrics: &[Metric], name: &str) -> Option<MetricReading> {
    metrics.iter().find(|metric| metric.name == name).map(|metric| metric.reading)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_ratio_is_of_what_happened_lately() {
        let glance = Glance::share("hit_ratio", "Hits");
        let mut reader = Reader::default();
        let mut read = |hits, of| reader.read(&glance, &[MetricReading::Ratio(hits, of)], 0.0, 0.5);
        assert_eq!(read(0.0, 0.0), None);
        assert_eq!(read(10.0, 100.0), Some(0.1));
        // 90 of the 100 since, and half the weight for the 10 of the 100 before.
        assert_eq!(read(100.0, 200.0), Some(95.0 / 150.0));
    }

    #[test]
    fn copies_add_up_or_the_largest_counts() {
        let readings = [MetricReading::Gauge(2.0), MetricReading::Gauge(5.0)];
        let read = |glance: Glance| Reader::default().read(&glance, &readings, 0.0, 0.5);
        assert_eq!(read(Glance::count("backlog", "Backlog")), Some(7.0));
        assert_eq!(read(Glance::seconds("lag", "Lag").most()), Some(5.0));
    }

    #[test]
    fn every_kind_but_those_with_nothing_to_tell_has_a_glance() {
        for kind in Kind::ALL {
            let glances = kind.about().glance;
            assert!((1..=Glance::MOST).contains(&glances.len()), "{}", kind.key());
            assert!(glances[0].place == Place::Line, "{}", kind.key());
        }
    }
}
