//! Processor time at both ends of a window and between its slices: of the stations, of the generator, and of others.

use std::collections::BTreeMap;
use std::time::Instant;

use hockeystick_core::measurement::{BusyTime, Neighbours};

use super::busy::{self, Meter, MeterError, Reading};
use super::neighbours::{self, Watched};
use super::record::{SLICES, Window};

/// Processor time at both ends of a window, and between its slices.
pub(super) struct Readings<'m> {
    meters: &'m [Meter],
    watched: Option<Watched>,
    window: Window,
    taken: Vec<Processors>,
}

/// All processor time that is read at one instant.
struct Processors {
    stations: Vec<Reading>,
    own_s: f64,
    watched: Option<neighbours::Reading>,
    at: Instant,
}

/// Processor time over a window.
pub(super) struct Used {
    pub(super) stations: BTreeMap<String, BusyTime>,
    pub(super) busy_by_slice: BTreeMap<String, Vec<f64>>,
    pub(super) generator_cpus: f64,
    pub(super) neighbours: Option<Neighbours>,
    pub(super) disturbed: [bool; SLICES],
}

impl<'m> Readings<'m> {
    pub(super) fn new(meters: &'m [Meter], on_this_machine: bool, window: Window) -> Self {
        Self { meters, watched: Watched::new(meters, on_this_machine), window, taken: Vec::new() }
    }

    /// Reads when the end of a slice has passed that was not read yet.
    pub(super) fn take(&mut self, now_ns: u64) -> Result<(), MeterError> {
        while self.taken.len() <= SLICES && now_ns >= self.window.slice_begins_ns(self.taken.len()) {
            let stations = self.meters.iter().map(Meter::read).collect::<Result<_, _>>()?;
            let watched = self.watched.as_ref().and_then(Watched::read);
            self.taken.push(Processors { stations, own_s: busy::own_processor_s(), watched, at: Instant::now() });
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Used {
        let mut used = Used {
            stations: BTreeMap::new(),
            busy_by_slice: BTreeMap::new(),
            generator_cpus: 0.0,
            neighbours: None,
            disturbed: [false; SLICES],
        };
        let (Some(begin), Some(end)) = (self.taken.first(), self.taken.get(SLICES)) else { return used };
        // A generator that was away for most of the window has read both of its ends at once: nothing is known of it.
        let window_s = (self.window.to_ns - self.window.from_ns) as f64 / 1e9;
        if (end.at - begin.at).as_secs_f64() < 0.5 * window_s {
            return used;
        }
        used.stations = self.stations(begin, end);
        for (name, busy) in self.taken.windows(2).flat_map(|ends| self.stations(&ends[0], &ends[1])) {
            // A generator that was away for a whole slice reads both of its ends at once.
            used.busy_by_slice.entry(name).or_default().push(busy.busy_s / busy.elapsed_s.max(1e-3));
        }
        used.generator_cpus = (end.own_s - begin.own_s) / (end.at - begin.at).as_secs_f64();
        used.neighbours = self.neighbours(begin, end);
        let parts = self.taken.windows(2).map(|ends| self.neighbours(&ends[0], &ends[1]));
        let parts: Vec<Option<Neighbours>> = parts.collect();
        let slice_s = (end.at - begin.at).as_secs_f64() / SLICES as f64;
        used.disturbed = neighbours::disturbed(&parts, slice_s);
        used
    }

    /// What the stations used. Several meters may have one name: what runs at that station is several programs then.
    fn stations(&self, begin: &Processors, end: &Processors) -> BTreeMap<String, BusyTime> {
        let mut stations = BTreeMap::new();
        for (meter, (begin, end)) in self.meters.iter().zip(begin.stations.iter().zip(&end.stations)) {
            let used = end.since(begin);
            stations
                .entry(meter.name.clone())
                .and_modify(|all: &mut BusyTime| all.busy_s += used.busy_s)
                .or_insert(used);
        }
        stations
    }

    fn neighbours(&self, begin: &Processors, end: &Processors) -> Option<Neighbours> {
        let watched = self.watched.as_ref()?;
        let own_s = end.own_s - begin.own_s;
        Some(watched.between(&begin.watched?, &end.watched?, own_s, &self.stations(begin, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_programs_of_one_station_used_is_added_up() {
        let meters = ["box cpu=pid:1", "box cpu=pid:2", "db cpu=pid:3"].map(|meter| meter.parse::<Meter>().unwrap());
        let window = Window { from_ns: 0, to_ns: 1 };
        let readings = Readings { meters: &meters, watched: None, window, taken: Vec::new() };
        let begin = Instant::now();
        let at = |seconds: u64, used_s: [f64; 3]| {
            let at = begin + std::time::Duration::from_secs(seconds);
            let stations = used_s.into_iter().map(|used_s| Reading { used_s, at }).collect();
            Processors { stations, own_s: 0.0, watched: None, at }
        };
        let used = readings.stations(&at(0, [1.0, 5.0, 7.0]), &at(2, [1.5, 6.0, 7.25]));
        assert_eq!(used["box cpu"], BusyTime { busy_s: 1.5, elapsed_s: 2.0 });
        assert_eq!(used["db cpu"], BusyTime { busy_s: 0.25, elapsed_s: 2.0 });
    }

    #[test]
    fn a_generator_that_was_away_for_the_whole_window_knows_nothing_of_it() {
        let meters = [format!("box cpu=pid:{}", std::process::id()).parse().unwrap()];
        let window = Window { from_ns: 0, to_ns: 1_000_000_000 };
        let mut away = Readings::new(&meters, true, window);
        away.take(2_000_000_000).unwrap();
        let used = away.finish();
        assert!(used.stations.is_empty() && used.busy_by_slice.is_empty() && used.neighbours.is_none());
        assert_eq!(used.generator_cpus, 0.0);
    }
}
