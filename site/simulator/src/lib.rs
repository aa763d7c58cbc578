//! The worker: runs the simulations of every figure of a page, in turns, and runs stages to their end when asked to.
//!
//! One worker serves all figures, because a page shows one or two of them at a time and every worker costs a second copy
//! of the module's memory. A run to the end takes long without a pause; the page starts another worker for those, so that
//! the running figures never stutter.

mod session;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_protocol::{Answer, Finding, Order, Port, Question, sentences};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, Performance};

use session::Session;

/// Wall time between two turns.
const TURN_MS: u32 = 12;

struct Simulator {
    port: Port,
    clock: Option<Performance>,
    sessions: RefCell<Vec<Session>>,
    /// Whether the next turn is asked for.
    waits: Cell<bool>,
}

/// Starts to listen. Called once, in the worker.
#[wasm_bindgen]
pub fn start_simulator() {
    let port = Port::of_this_worker();
    let clock = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>().performance();
    let simulator =
        Rc::new(Simulator { port: port.clone(), clock, sessions: RefCell::default(), waits: Cell::new(false) });
    port.listen(move |order| simulator.obey(order));
}

impl Simulator {
    fn obey(self: &Rc<Self>, order: Order) {
        match order {
            Order::Open { figure, run, stage, seed } => self.open(figure, run, &stage, seed),
            Order::Close { figure } => self.sessions.borrow_mut().retain(|session| session.figure != figure),
            Order::Play { figure, speed } => {
                let now_ms = self.now_ms();
                self.with(figure, |session| session.play(speed, now_ms));
                self.wait_for_turn();
            }
            Order::Pause { figure } => self.with(figure, |session| {
                session.pause();
                self.port.frame(figure, &session.present());
            }),
            Order::Step { figure } => {
                self.with(figure, |session| self.port.frame(figure, &session.step()));
            }
            Order::Update { figure, stage } => self.with(figure, |session| {
                if let Err(why) = session.update(stage) {
                    self.port.answer(&Answer::Refused { figure, why });
                }
            }),
            Order::Inject { figure, on, kind, lasts_s } => {
                self.with(figure, |session| {
                    session.inject(on, kind, lasts_s);
                    self.show(session);
                });
            }
            Order::Mend { figure } => self.with(figure, |session| {
                session.mend();
                self.show(session);
            }),
            Order::Seek { figure, run, to, speed } => {
                self.with(figure, |session| session.seek(run, to, speed));
                self.wait_for_turn();
            }
            Order::Ask { job, question } => {
                self.port.answer(&Answer::Found { job, finding: Box::new(find(&question)) });
            }
        }
    }

    /// Shows a board that stands still as it is now.
    fn show(&self, session: &mut Session) {
        if !session.is_running() {
            self.port.frame(session.figure, &session.present());
        }
    }

    fn open(&self, figure: u32, run: u32, stage: &Stage, seed: u64) {
        self.sessions.borrow_mut().retain(|session| session.figure != figure);
        match Session::open(figure, run, stage, seed) {
            Ok(mut session) => {
                self.port.answer(&Answer::Opened { figure, run, plan: session.plan() });
                self.port.frame(figure, &session.present());
                self.sessions.borrow_mut().push(session);
            }
            Err(why) => self.port.answer(&Answer::Refused { figure, why }),
        }
    }

    fn with(&self, figure: u32, act: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.borrow_mut().iter_mut().find(|session| session.figure == figure) {
            act(session);
        }
    }

    fn turn(self: &Rc<Self>) {
        self.waits.set(false);
        for session in self.sessions.borrow_mut().iter_mut().filter(|session| session.is_running()) {
            let figure = session.figure;
            let arrived = session.turn(|| self.now_ms(), |frame| self.port.frame(figure, frame));
            if let Some(frame) = session.due_frame(self.now_ms()) {
                self.port.frame(session.figure, &frame);
            }
            if let Some(answer) = arrived {
                self.port.answer(&answer);
                self.port.frame(session.figure, &session.present());
            }
        }
        self.wait_for_turn();
    }

    /// Asks for the next turn, if anything runs.
    fn wait_for_turn(self: &Rc<Self>) {
        if self.sessions.borrow().iter().any(Session::is_running) && !self.waits.replace(true) {
            let simulator = Rc::clone(self);
            Timeout::new(TURN_MS, move || simulator.turn()).forget();
        }
    }

    fn now_ms(&self) -> f64 {
        self.clock.as_ref().map_or(0.0, Performance::now)
    }
}

fn find(question: &Question) -> Result<Finding, String> {
    let Question::Run { stage, seed, seconds } = question else {
        return Err("A simulation knows no theory.".to_owned());
    };
    let options = RunOptions { seed: *seed, seconds: *seconds, ..RunOptions::default() };
    let run = run(stage, &options, &mut |_| {}).map_err(|problems| sentences(&problems))?;
    Ok(Finding::Outcome(Box::new(run.outcome)))
}
