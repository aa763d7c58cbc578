//! The worker: runs the simulations of every figure of a page, in turns, and measures stages when asked to.
//!
//! One worker serves all figures, because a page shows one or two of them at a time and every worker costs a second copy
//! of the module's memory. Measurements take long without a pause; the page starts another worker for them, so that the
//! running figures never stutter.

mod session;

use std::cell::RefCell;

use hockeystick_core::outcome::Outcome;
use hockeystick_core::simulate::{RunOptions, run};
use hockeystick_core::stage::Stage;
use hockeystick_core::theory;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::protocol::{Answer, Order, Plan, read_order, write_answer, write_frame};
use session::Session;

/// Wall time between two turns.
const TURN_MS: i32 = 12;

struct Worker {
    scope: DedicatedWorkerGlobalScope,
    sessions: RefCell<Vec<Session>>,
    turn: Closure<dyn FnMut()>,
    waits: std::cell::Cell<bool>,
}

thread_local! {
    static WORKER: RefCell<Option<std::rc::Rc<Worker>>> = const { RefCell::new(None) };
}

/// Starts to listen. Called once, in the worker.
#[wasm_bindgen]
pub fn start_worker() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let worker = std::rc::Rc::new(Worker {
        scope: scope.clone(),
        sessions: RefCell::default(),
        turn: Closure::new(|| with_worker(Worker::turn)),
        waits: std::cell::Cell::new(false),
    });
    WORKER.set(Some(worker));
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        with_worker(|worker| {
            if let Some(order) = read_order(&event.data()) {
                worker.obey(order);
            }
        });
    });
    scope.set_onmessage(Some(listen.as_ref().unchecked_ref()));
    listen.forget();
    with_worker(|worker| worker.answer(&Answer::Ready));
}

fn with_worker(act: impl FnOnce(&Worker)) {
    if let Some(worker) = WORKER.with_borrow(Clone::clone) {
        act(&worker);
    }
}

impl Worker {
    fn obey(&self, order: Order) {
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
                self.post(&write_frame(figure, &session.present()));
            }),
            Order::Step { figure } => {
                self.with(figure, |session| self.post(&write_frame(figure, &session.step())));
            }
            Order::Update { figure, stage } => self.with(figure, |session| {
                if let Err(why) = session.update(&stage) {
                    self.answer(&Answer::Refused { figure, why });
                }
            }),
            Order::Inject { figure, on, kind, lasts_s } => {
                self.with(figure, |session| session.inject(on, kind, lasts_s));
            }
            Order::Mend { figure } => self.with(figure, |session| session.simulation.mend()),
            Order::Measure { job, stage, seed, seconds } => {
                self.answer(&Answer::Measured { job, outcome: Box::new(measure(&stage, seed, seconds)) });
            }
        }
    }

    fn open(&self, figure: u32, run: u32, stage: &Stage, seed: u64) {
        self.sessions.borrow_mut().retain(|session| session.figure != figure);
        match Session::open(figure, run, stage, seed) {
            Ok(mut session) => {
                self.answer(&Answer::Opened { figure, run, plan: Plan::of(&session.simulation) });
                self.post(&write_frame(figure, &session.present()));
                self.sessions.borrow_mut().push(session);
            }
            Err(why) => self.answer(&Answer::Refused { figure, why }),
        }
    }

    fn with(&self, figure: u32, act: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.borrow_mut().iter_mut().find(|session| session.figure == figure) {
            act(session);
        }
    }

    fn turn(&self) {
        self.waits.set(false);
        for session in self.sessions.borrow_mut().iter_mut().filter(|session| session.is_running()) {
            session.turn(|| self.now_ms());
            if let Some(frame) = session.due_frame(self.now_ms()) {
                self.post(&write_frame(session.figure, &frame));
            }
        }
        self.wait_for_turn();
    }

    /// Asks for the next turn, if anything runs.
    fn wait_for_turn(&self) {
        if self.sessions.borrow().iter().any(Session::is_running) && !self.waits.replace(true) {
            let turn = self.turn.as_ref().unchecked_ref();
            if self.scope.set_timeout_with_callback_and_timeout_and_arguments_0(turn, TURN_MS).is_err() {
                self.waits.set(false);
            }
        }
    }

    fn now_ms(&self) -> f64 {
        self.scope.performance().map_or(0.0, |performance| performance.now())
    }

    fn answer(&self, answer: &Answer) {
        self.post(&write_answer(answer));
    }

    fn post(&self, message: &js_sys::ArrayBuffer) {
        // Posting fails only while the worker is being closed; then nobody listens.
        let _ = self.scope.post_message_with_transfer(message, &Array::of1(message));
    }
}

fn measure(stage: &Stage, seed: u64, seconds: f64) -> Result<Outcome, String> {
    if seconds == 0.0 {
        return Ok(theory::solve(stage));
    }
    let options = RunOptions { seed, seconds, ..RunOptions::default() };
    run(stage, &options, &mut |_| {}).map(|run| run.outcome).map_err(|problems| session::sentences(&problems))
}
