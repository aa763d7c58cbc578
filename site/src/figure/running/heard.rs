//! What the worker says, as a figure at work hears it.

use hockeystick_core::engine::moves::What;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::Stage;
use hockeystick_protocol::Plan;

use super::Running;
use crate::figure::handle::Engine;
use crate::figure::link::Listener;
use crate::figure::replay::FALL_S;

/// Shown time after a step for everything to glide to its place.
const SETTLE_S: f64 = 0.15;

impl Listener for Running {
    fn opened(&self, run: u32, plan: Plan) {
        if run != self.run.get() {
            return;
        }
        self.plan.replace(plan);
        self.set_out();
        self.view.one_in.put(1);
        self.frames.ask();
    }

    fn frame(&self, frame: Frame) {
        if frame.run != self.run.get() {
            return;
        }
        let stepped = self.step_awaited.get() && !frame.moves.is_empty();
        let sought = self.sought_ns.get();
        let mut clock = self.clock.borrow_mut();
        let mut replay = self.replay.borrow_mut();
        self.heard_ns.set(frame.now);
        if stepped {
            self.step_awaited.set(false);
            clock.step_to(frame.now, replay.settled_s());
        } else if sought.is_none() {
            clock.heard(frame.now);
            let speed = if frame.pace > 0.0 { f64::from(frame.pace) } else { self.handle.speed() };
            if self.handle.is_running() && (speed / clock.speed() - 1.0).abs() > 0.03 {
                clock.set_speed(speed, frame.now);
            }
        }
        self.view.kept.put(frame.pace.into());
        if let Some(to) = sought.filter(|to| *to > 0) {
            self.view.seeking.put(Some(frame.now as f64 / to as f64));
        }
        replay.dots_per_s = self.dots_per_s(frame.one_in);
        let since_s = if sought.is_some() { f64::NEG_INFINITY } else { clock.now() };
        replay.schedule(&frame.moves, &clock, since_s);
        if sought.is_some() {
            // Who has been answered on the way makes room for others.
            replay.advance(&clock);
        }
        if stepped {
            let falls = frame.moves.iter().any(|it| matches!(it.what, What::Fail { .. }));
            clock.go_on_until(replay.settled_s() + if falls { FALL_S } else { SETTLE_S });
        }
        let responses = std::mem::take(&mut replay.answered);
        let sample = self.meter.borrow_mut().take(&frame, clock.shown(frame.now), &responses);
        drop((clock, replay));
        if !self.handle.is_running() {
            // Nothing else will come: show it now.
            self.look_again();
        }
        self.view.one_in.put(frame.one_in);
        self.view.faults.put(frame.faults);
        if let Some(sample) = sample {
            self.handle.tell_sample(&sample);
        }
        self.frames.ask();
    }

    fn sought(&self, run: u32, stage: Stage) {
        if run != self.run.get() {
            return;
        }
        self.sought_ns.set(None);
        self.view.seeking.put(None);
        let runs = self.seen.get() && self.handle.is_running();
        self.clock.borrow_mut().set_running(runs, self.heard_ns.get());
        if self.turned.get() {
            // What the reader sees and has just turned is what they want, not how the knobs stood then.
            self.stage_changed(&self.handle.stage());
        } else {
            self.handle.stands_at(stage);
            self.view.stage_version.update(|version| *version += 1);
            self.meter.borrow_mut().turned(&self.handle.stage());
        }
        self.frames.ask();
    }

    fn refused(&self, why: &str) {
        self.view.refusal.put(Some(why.to_owned()));
    }

    fn failed(&self, why: &str) {
        self.open.set(false);
        self.view.failure.put(Some(why.to_owned()));
        self.clock.borrow_mut().set_running(false, self.heard_ns.get());
    }

    fn again(&self) {
        self.open.set(false);
        self.view.failure.set(None);
        if self.seen.get() {
            self.open_run();
        }
    }
}
