//! What the reader wishes, as a figure at work does it.

use hockeystick_core::stage::{FaultKind, Stage, Target};
use hockeystick_protocol::{Order, Question};

use super::Running;
use crate::figure::handle::{Asked, Engine, Found};
use crate::figure::link;
use crate::figure::view::Strip;

impl Engine for Running {
    fn board_changed(&self) {
        // What is open goes first: it must not look at a thing that is gone.
        self.follow_chosen();
        self.view.stage_version.update(|version| *version += 1);
        self.view.moving.put(None);
        self.view.aim.put(None);
        self.rebuild();
        self.restart();
    }

    fn places_changed(&self) {
        self.lay_out();
    }

    fn settle(&self) {
        Self::settle(self);
    }

    fn stage_changed(&self, stage: &Stage) {
        self.view.stage_version.update(|version| *version += 1);
        self.meter.borrow_mut().turned(stage);
        self.keep_rows(stage);
        self.turned.set(true);
        if self.stands() {
            self.view.refusal.set(None);
            self.link.send(Order::Update { figure: self.figure(), stage: stage.clone() });
        }
    }

    fn seed_changed(&self, seed: u64) {
        self.view.run.update(|run| run.seed = seed);
        self.restart();
    }

    fn running_changed(&self, running: bool) {
        self.view.run.update(|run| run.running = running);
        self.send_pace();
    }

    fn speed_changed(&self, speed: f64) {
        self.view.run.update(|run| run.speed = speed);
        self.clock.borrow_mut().set_speed(speed, self.heard_ns.get());
        if self.handle.is_running() {
            self.send_pace();
        }
    }

    fn step(&self) {
        if !self.is_there() {
            return;
        }
        self.step_awaited.set(true);
        self.link.send(Order::Step { figure: self.figure() });
    }

    fn restart(&self) {
        if self.open.get() || self.seen.get() {
            self.open_run();
        }
        self.view.faults.put(0);
        self.view.busiest.put(None);
        self.view.strip.put(Strip::default());
    }

    fn inject(&self, target: &Target, kind: FaultKind, lasts_s: f64) -> bool {
        self.is_there() && self.link.send(Order::Inject { figure: self.figure(), on: target.clone(), kind, lasts_s })
    }

    fn mend(&self) -> bool {
        self.is_there() && self.link.send(Order::Mend { figure: self.figure() })
    }

    fn ask(&self, questions: Vec<Question>, on_found: Box<dyn FnMut(usize, Found)>) -> Asked {
        link::ask(questions, on_found)
    }
}
