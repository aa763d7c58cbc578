//! The ways that a request may take, multiplied out step by step.

use super::demand::Part;
use super::network::Use;

/// One way, from a component on.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// Probability that a call takes it.
    pub(super) probability: f64,
    /// What it asks of stations.
    pub(super) parts: Vec<(usize, Part)>,
    /// The first door on the way.
    pub(super) door: Option<usize>,
    /// Constant delays behind that door, in seconds.
    pub(super) inside_s: f64,
    /// Constant delays before it, or all of them where there is no door.
    pub(super) outside_s: f64,
    /// Probability that everybody on the way is up.
    pub(super) up: f64,
    /// The first doors on each part of the way, and how often it comes to them.
    pub(super) doors: Vec<(usize, f64)>,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            probability: 1.0,
            parts: Vec::new(),
            door: None,
            inside_s: 0.0,
            outside_s: 0.0,
            up: 1.0,
            doors: Vec::new(),
        }
    }
}

impl Path {
    /// The same by its means, when its start is taken so often by a request.
    pub(super) fn as_use(&self, per_request: f64) -> Use {
        Use {
            per_request: per_request * self.probability,
            delay_s: self.delays_s(),
            demand_s: self.parts.iter().map(|(at, part)| (*at, part.moments().first)).collect(),
        }
    }

    fn delays_s(&self) -> f64 {
        self.inside_s + self.outside_s
    }

    /// This way, and the other one within it.
    fn then(&self, other: &Self, probability: f64) -> Self {
        let mut both = self.clone();
        both.probability *= probability;
        both.parts.extend(other.parts.iter().copied());
        both.inside_s += other.inside_s;
        both.outside_s += other.outside_s;
        both.door = self.door.or(other.door);
        both.up *= other.up;
        both.doors.extend(other.doors.iter().copied());
        both
    }
}

/// More ways than this are no longer told apart: what they ask is mixed, so that means stay exact and distributions come
/// close.
const MOST: usize = 48;

/// All ways so far.
#[derive(Clone, Debug)]
pub(super) struct Paths(Vec<Path>);

impl Default for Paths {
    fn default() -> Self {
        Self(vec![Path::default()])
    }
}

impl Paths {
    /// Every way asks this of a station.
    pub(super) fn add(&mut self, station: usize, part: Part) {
        if part.count > 0 && part.chance > 0.0 {
            self.0.iter_mut().for_each(|path| path.parts.push((station, part)));
        }
    }

    /// A constant delay with this probability.
    pub(super) fn delay(&mut self, seconds: f64, chance: f64) {
        let onward = Path { outside_s: seconds, ..Path::default() };
        self.call(&[onward], 1, chance);
    }

    /// So many calls one after another, each with this probability, and each along one of these ways.
    pub(super) fn call(&mut self, onward: &[Path], count: u32, chance: f64) {
        if onward.is_empty() || count == 0 || chance <= 0.0 {
            return;
        }
        let ways = onward.len() + usize::from(chance < 1.0);
        if count > 1 && ways > 1 || self.0.len() * ways > MOST {
            self.mix(onward, count, chance);
            return;
        }
        let mut all = Vec::with_capacity(self.0.len() * ways);
        for path in &self.0 {
            for other in onward {
                all.push(path.then(&repeated(other, count), chance * other.probability));
            }
            if chance < 1.0 {
                all.push(Path { probability: path.probability * (1.0 - chance), ..path.clone() });
            }
        }
        self.0 = all;
    }

    /// So many calls at the same time, with this probability, each along one of these ways: parts are felt as the slowest
    /// of them all, delays once.
    pub(super) fn at_once(&mut self, onward: &[Path], count: u32, chance: f64) {
        if count <= 1 {
            return self.call(onward, count, chance);
        }
        let mut all = Path::default();
        for other in onward {
            let parts = other.parts.iter().map(|(station, part)| (*station, part.at_once(count, other.probability)));
            all.parts.extend(parts);
            all.inside_s += other.probability * other.inside_s;
            all.outside_s += other.probability * other.outside_s;
            all.door = all.door.or(other.door);
            all.up *= libm::pow(other.up, other.probability);
            let times = f64::from(count) * other.probability;
            all.doors.extend(other.doors.iter().map(|(door, often)| (*door, often * times)));
        }
        self.call(&[all], 1, chance);
    }

    /// The same with each call's way drawn anew: parts with the ways' probabilities, and mean delays.
    fn mix(&mut self, onward: &[Path], count: u32, chance: f64) {
        for path in &mut self.0 {
            for other in onward {
                let share = chance * other.probability;
                path.parts.extend(other.parts.iter().map(|(station, part)| (*station, part.repeated(count, share))));
                path.inside_s += f64::from(count) * share * other.inside_s;
                path.outside_s += f64::from(count) * share * other.outside_s;
                path.door = path.door.or(other.door);
                let times = f64::from(count) * share;
                path.up *= libm::pow(other.up, times);
                path.doors.extend(other.doors.iter().map(|(door, often)| (*door, often * times)));
            }
        }
    }

    /// One of several goings-on, each with its probability.
    pub(super) fn one_of(&mut self, ways: Vec<(f64, Self)>) {
        let onward: Vec<Path> = ways
            .into_iter()
            .filter(|(probability, _)| *probability > 0.0)
            .flat_map(|(probability, paths)| {
                paths.0.into_iter().map(move |path| Path { probability: path.probability * probability, ..path })
            })
            .collect();
        self.call(&onward, 1, 1.0);
    }

    /// The ways as they are seen from before the component's door, if it has one.
    pub(super) fn into_door(self, door: Option<usize>) -> Vec<Path> {
        let Some(door) = door else { return self.0 };
        let inside = |path: Path| {
            let inside_s = path.delays_s();
            Path { door: Some(door), inside_s, outside_s: 0.0, doors: vec![(door, 1.0)], ..path }
        };
        self.0.into_iter().map(inside).collect()
    }

    /// Each way's probability and delays, where it asks of nothing.
    pub(super) fn delays(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.iter().map(|path| (path.probability, path.delays_s()))
    }
}

/// A way taken `count` times.
fn repeated(path: &Path, count: u32) -> Path {
    let times = f64::from(count);
    Path {
        parts: path.parts.iter().map(|(station, part)| (*station, part.repeated(count, 1.0))).collect(),
        inside_s: path.inside_s * times,
        outside_s: path.outside_s * times,
        up: libm::pow(path.up, times),
        doors: path.doors.iter().map(|(door, often)| (*door, often * times)).collect(),
        ..path.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Duration;
    use crate::workload::Demand;

    fn part(ms: u64) -> Part {
        Part::new(1, 1.0, &Demand::exponential(Duration::from_ms(ms)), 1.0)
    }

    fn mean_s(paths: &[Path]) -> f64 {
        let of = |path: &Path| path.delays_s() + path.parts.iter().map(|(_, part)| part.moments().first).sum::<f64>();
        paths.iter().map(|path| path.probability * of(path)).sum()
    }

    #[test]
    fn means_are_the_same_whether_ways_are_told_apart_or_mixed() {
        let onward = [
            Path { probability: 0.3, parts: vec![(0, part(10))], outside_s: 0.001, ..Path::default() },
            Path { probability: 0.7, parts: vec![(1, part(20))], ..Path::default() },
        ];
        for count in [1, 3] {
            let mut paths = Paths::default();
            paths.call(&onward, count, 0.5);
            let expected = 0.5 * f64::from(count) * (0.3 * 0.011 + 0.7 * 0.020);
            assert!((mean_s(&paths.into_door(None)) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn ways_never_multiply_past_their_bound_and_their_probabilities_stay_one() {
        let onward = [
            Path { probability: 0.5, parts: vec![(0, part(1))], ..Path::default() },
            Path { probability: 0.5, ..Path::default() },
        ];
        let mut paths = Paths::default();
        for _ in 0..20 {
            paths.call(&onward, 1, 1.0);
        }
        let paths = paths.into_door(Some(0));
        assert!(paths.len() <= MOST);
        assert!((paths.iter().map(|path| path.probability).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((mean_s(&paths) - 0.010).abs() < 1e-12);
    }
}
