//! Backlogs as a fluid: requests flow in at a known rate and out at a fixed one.
//!
//! Exact for a fluid. For single requests it is what is left when the backlog is large beside its random ups and downs,
//! which are of the order of the square root of the number of requests (Newell, *Applications of Queueing Theory*, 2nd
//! edition, 1982; Kleinrock, *Queueing Systems*, volume 2, 1976).

use crate::numeric::{is_positive, is_quantity};

/// A time of constant arrivals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// How long, in seconds.
    pub seconds: f64,
    /// Arrivals a second.
    pub rate_per_s: f64,
}

/// What works a backlog off, in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drain {
    /// Requests a second that it can do.
    pub service_per_s: f64,
    /// Most that may be waiting; what comes on top is lost. Infinite where nothing is.
    pub room: f64,
}

/// What becomes of arrivals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backlog {
    /// The most that was waiting.
    pub peak: f64,
    /// When it first was, in seconds from the start.
    pub peak_at_s: f64,
    /// The longest that any arrival waited, in seconds.
    pub longest_wait_s: f64,
    /// Mean wait in seconds of all that were let in.
    pub mean_wait_s: f64,
    /// How many were lost for want of room.
    pub lost: f64,
    /// What is still waiting at the end.
    pub left: f64,
    /// When, after the peak, nothing was waiting any more, in seconds from the start; if need be after the last piece,
    /// at its rate for ever. None where the backlog then stays or grows. Zero where there never was one.
    pub drained_at_s: Option<f64>,
}

/// The backlog of arrivals whose rate is constant piece by piece, starting with `waiting` requests.
///
/// None where a quantity is no number, the drain does nothing, or more is waiting than there is room.
pub fn backlog(pieces: &[Piece], drain: &Drain, waiting: f64) -> Option<Backlog> {
    let sound = |piece: &Piece| is_quantity(piece.seconds) && is_quantity(piece.rate_per_s);
    let room = is_quantity(drain.room) || drain.room == f64::INFINITY;
    let start = is_quantity(waiting) && waiting <= drain.room;
    if !pieces.iter().all(sound) || !is_positive(drain.service_per_s) || !room || !start {
        return None;
    }
    let mut level = Level { now_s: 0.0, waiting, area: 0.0, lost: 0.0, peak: (waiting, 0.0), drained_at_s: None };
    for piece in pieces {
        level.pass(piece, drain);
    }
    let arrived: f64 = waiting + pieces.iter().map(|piece| piece.seconds * piece.rate_per_s).sum::<f64>();
    let admitted = arrived - level.lost;
    let last = pieces.last().map_or(0.0, |piece| piece.rate_per_s);
    let (left, peak) = (level.waiting, level.peak.0);
    let sinks_per_s = drain.service_per_s - last;
    let drained_at_s = match () {
        () if peak <= 0.0 => Some(0.0),
        () if left <= 0.0 => level.drained_at_s,
        () if sinks_per_s > 0.0 => Some(level.now_s + left / sinks_per_s),
        () => None,
    };
    // What is left waits for what is before it: the area of a triangle.
    let area = level.area + 0.5 * left * left / drain.service_per_s;
    Some(Backlog {
        peak,
        peak_at_s: level.peak.1,
        longest_wait_s: peak / drain.service_per_s,
        mean_wait_s: if admitted > 0.0 { area / admitted } else { 0.0 },
        lost: level.lost,
        left,
        drained_at_s,
    })
}

/// A backlog on its way.
struct Level {
    now_s: f64,
    waiting: f64,
    /// Waiting times seconds, so far.
    area: f64,
    lost: f64,
    /// The most that was waiting, and when.
    peak: (f64, f64),
    /// When the last backlog since the peak was gone.
    drained_at_s: Option<f64>,
}

impl Level {
    fn pass(&mut self, piece: &Piece, drain: &Drain) {
        let grows_per_s = piece.rate_per_s - drain.service_per_s;
        let end = self.waiting + grows_per_s * piece.seconds;
        // The level moves in a straight line until it is at the floor or at the ceiling, and stays there.
        let reached = end.clamp(0.0, drain.room);
        let moving_s = if grows_per_s == 0.0 { piece.seconds } else { (reached - self.waiting) / grows_per_s };
        let moving_s = moving_s.clamp(0.0, piece.seconds);
        self.area += 0.5 * (self.waiting + reached) * moving_s + reached * (piece.seconds - moving_s);
        self.lost += (end - drain.room).max(0.0);
        if reached > self.peak.0 {
            self.peak = (reached, self.now_s + moving_s);
            self.drained_at_s = None;
        }
        if reached <= 0.0 && self.drained_at_s.is_none() && self.peak.0 > 0.0 {
            self.drained_at_s = Some(self.now_s + moving_s);
        }
        self.now_s += piece.seconds;
        self.waiting = reached;
    }
}

/// The backlog of one spike: `spike_per_s` for `seconds`, and `base_per_s` ever after.
///
/// In closed form without bounds: the peak is (spike - service) × seconds, and it takes peak / (service - base) to
/// drain.
pub fn spike(base_per_s: f64, spike_per_s: f64, seconds: f64, drain: &Drain) -> Option<Backlog> {
    let pieces = [Piece { seconds, rate_per_s: spike_per_s }, Piece { seconds: 0.0, rate_per_s: base_per_s }];
    backlog(&pieces, drain, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: Drain = Drain { service_per_s: 100.0, room: f64::INFINITY };

    fn piece(seconds: f64, rate_per_s: f64) -> Piece {
        Piece { seconds, rate_per_s }
    }

    #[test]
    fn a_spike_is_its_triangle() {
        // 300 a second for ten seconds on a drain of 100: 2000 wait; at 50 a second it takes 40 s to be rid of them.
        let found = spike(50.0, 300.0, 10.0, &OPEN).unwrap();
        assert_eq!((found.peak, found.peak_at_s, found.longest_wait_s), (2000.0, 10.0, 20.0));
        assert_eq!((found.drained_at_s, found.left, found.lost), (Some(50.0), 2000.0, 0.0));
        // Of the spike's arrivals the first waits not at all, the last 20 s.
        assert!((found.mean_wait_s - 10.0).abs() < 1e-12);
        assert_eq!(spike(100.0, 300.0, 10.0, &OPEN).unwrap().drained_at_s, None);
        assert_eq!(spike(50.0, 90.0, 10.0, &OPEN).unwrap().drained_at_s, Some(0.0));
    }

    #[test]
    fn what_finds_no_room_is_lost() {
        let drain = Drain { room: 500.0, ..OPEN };
        let found = spike(50.0, 300.0, 10.0, &drain).unwrap();
        assert_eq!((found.peak, found.peak_at_s, found.lost), (500.0, 2.5, 1500.0));
        assert_eq!(found.drained_at_s, Some(20.0));
    }

    #[test]
    fn a_second_spike_counts_from_the_higher_peak() {
        let pieces = [piece(10.0, 150.0), piece(20.0, 50.0), piece(10.0, 300.0), piece(100.0, 50.0)];
        let found = backlog(&pieces, &OPEN, 0.0).unwrap();
        assert_eq!((found.peak, found.peak_at_s, found.drained_at_s), (2000.0, 40.0, Some(80.0)));
        assert_eq!(found.left, 0.0);
    }

    #[test]
    fn what_is_no_flow_is_none() {
        assert_eq!(backlog(&[piece(-1.0, 5.0)], &OPEN, 0.0), None);
        assert_eq!(backlog(&[piece(1.0, f64::NAN)], &OPEN, 0.0), None);
        assert_eq!(backlog(&[], &Drain { service_per_s: 0.0, ..OPEN }, 0.0), None);
        assert_eq!(backlog(&[], &Drain { room: 5.0, ..OPEN }, 6.0), None);
        assert_eq!(backlog(&[], &OPEN, 200.0).unwrap().drained_at_s, Some(2.0));
    }

    proptest! {
        #[test]
        fn it_is_the_flow_stepped_through(
            pieces in prop::collection::vec((0.0..20.0_f64, 0.0..300.0_f64), 1..6),
            room in prop_oneof![Just(f64::INFINITY), 0.0..2000.0_f64],
        ) {
            let pieces: Vec<Piece> = pieces.into_iter().map(|(seconds, rate)| piece(seconds, rate)).collect();
            let drain = Drain { room, ..OPEN };
            let found = backlog(&pieces, &drain, 0.0).unwrap();
            let (mut waiting, mut peak, mut lost, mut served, mut arrived) = (0.0_f64, 0.0_f64, 0.0, 0.0, 0.0);
            for piece in &pieces {
                let step = piece.seconds / 2000.0;
                for _ in 0..2000 {
                    let next = waiting + step * (piece.rate_per_s - 100.0);
                    served += step * 100.0 + next.min(0.0);
                    lost += (next - room).max(0.0);
                    waiting = next.clamp(0.0, room);
                    peak = peak.max(waiting);
                    arrived += step * piece.rate_per_s;
                }
            }
            prop_assert!((found.peak - peak).abs() < 3.0 && (found.left - waiting).abs() < 3.0);
            prop_assert!((found.lost - lost).abs() < 3.0 * pieces.len() as f64);
            prop_assert!((arrived - served - found.lost - found.left).abs() < 3.0 * pieces.len() as f64);
            prop_assert!(found.mean_wait_s <= found.longest_wait_s + 1e-9);
        }
    }
}
