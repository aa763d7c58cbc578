//! The figure's own time: from simulated time to what the reader sees, without stutter.
//!
//! Moves come from the worker in bursts. They are shown a moment late ([`BUFFER_S`]), at an even pace; when the worker's
//! pace differs, the clock follows slowly. While paused, shown time stands still; after a step it goes on until
//! everything known has been shown.

use hockeystick_core::number::within;
use hockeystick_core::units::Nanos;

/// How late moves are shown, to bridge the gaps between messages.
const BUFFER_S: f64 = 0.09;
/// A difference that is caught up with at once.
const JUMP_S: f64 = 0.35;
/// Share of a smaller difference that is made up with each message.
const FOLLOW: f64 = 0.06;

/// Maps simulated time to shown time, both in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    shown_s: f64,
    /// Shown time of the simulated instant `anchor_ns`.
    anchor_s: f64,
    anchor_ns: Nanos,
    speed: f64,
    running: bool,
    /// While paused: shown time goes on until here.
    until_s: f64,
    stepping: bool,
}

impl Clock {
    pub(crate) fn new(speed: f64) -> Self {
        Self { shown_s: 0.0, anchor_s: BUFFER_S, anchor_ns: 0, speed, running: false, until_s: 0.0, stepping: false }
    }

    /// A clock that stands at a simulated instant.
    pub(crate) fn at(speed: f64, simulated: Nanos) -> Self {
        Self { anchor_ns: simulated, shown_s: BUFFER_S, ..Self::new(speed) }
    }

    /// Simulated seconds that pass in a shown second.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// Shown time now.
    pub(crate) fn now(&self) -> f64 {
        self.shown_s
    }

    /// Shown time of a simulated instant.
    pub(crate) fn shown(&self, at: Nanos) -> f64 {
        self.anchor_s + (at as f64 - self.anchor_ns as f64) / 1e9 / self.speed
    }

    /// The simulated instant that is shown now, in seconds.
    pub(crate) fn simulated_s(&self) -> f64 {
        (self.anchor_ns as f64 / 1e9 + (self.shown_s - self.anchor_s) * self.speed).max(0.0)
    }

    /// Goes on by `seconds` of the reader's time. Returns the time that was shown to pass.
    pub(crate) fn advance(&mut self, seconds: f64) -> f64 {
        // After a gap (a busy page, a sleeping laptop) go on from where it was.
        let seconds = seconds.clamp(0.0, 0.1);
        let passes = if self.running { seconds } else { seconds.min((self.until_s - self.shown_s).max(0.0)) };
        self.shown_s += passes;
        passes
    }

    /// Whether shown time moves.
    pub(crate) fn moves(&self) -> bool {
        self.running || self.until_s > self.shown_s
    }

    pub(crate) fn set_running(&mut self, running: bool, simulated: Nanos) {
        if running && (self.stepping || !self.running) && self.shown(simulated) < self.shown_s + BUFFER_S {
            self.anchor(self.shown_s + BUFFER_S, simulated);
        }
        self.running = running;
        self.until_s = self.shown_s;
        self.stepping = false;
    }

    /// The speed changes from `simulated` on.
    pub(crate) fn set_speed(&mut self, speed: f64, simulated: Nanos) {
        let shown = within(self.shown(simulated), self.shown_s, self.shown_s + JUMP_S);
        self.speed = speed;
        self.anchor(shown, simulated);
    }

    /// A message came: the simulation is at `simulated` now.
    pub(crate) fn heard(&mut self, simulated: Nanos) {
        if !self.running {
            return;
        }
        let early_s = self.shown(simulated) - (self.shown_s + BUFFER_S);
        self.anchor_s -= if early_s.abs() > JUMP_S { early_s } else { early_s * FOLLOW };
    }

    /// What happens at `simulated`, a step's end, is shown as soon as all known before it, at `free_s`, has been.
    pub(crate) fn step_to(&mut self, simulated: Nanos, free_s: f64) {
        self.stepping = true;
        self.anchor(free_s.max(self.shown_s), simulated);
    }

    /// While paused, goes on until `until_s`.
    pub(crate) fn go_on_until(&mut self, until_s: f64) {
        self.until_s = self.until_s.max(until_s);
    }

    fn anchor(&mut self, shown_s: f64, simulated: Nanos) {
        (self.anchor_s, self.anchor_ns) = (shown_s, simulated);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_worker_is_shown_a_moment_late_at_its_own_pace() {
        let mut clock = Clock::new(2.0);
        clock.set_running(true, 0);
        for frame in 1..200_u64 {
            clock.advance(0.033);
            clock.heard(frame * 66_000_000);
        }
        let late_s = clock.shown(199 * 66_000_000) - clock.now();
        assert!((late_s - BUFFER_S).abs() < 0.01, "{late_s}");
    }

    #[test]
    fn a_clock_that_was_set_stands_at_its_instant_and_goes_on_from_there() {
        let mut clock = Clock::at(0.5, 3_000_000_000);
        clock.advance(0.05);
        assert!((clock.simulated_s() - 3.0).abs() < 1e-9);
        clock.set_running(true, 3_000_000_000);
        assert!(clock.shown(3_000_000_000) > clock.now(), "what comes next can be shown in time");
    }

    #[test]
    fn time_stands_still_while_paused_and_a_step_is_shown_to_its_end() {
        let mut clock = Clock::new(1.0);
        clock.advance(0.05);
        assert_eq!(clock.now(), 0.0);
        clock.step_to(5_000_000_000, 0.0);
        clock.go_on_until(clock.shown(5_000_000_000) + 0.35);
        for _ in 0..20 {
            clock.advance(0.05);
        }
        assert!((clock.now() - 0.35).abs() < 1e-9 && !clock.moves());
    }
}
