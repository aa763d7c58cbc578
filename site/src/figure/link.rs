//! The page's end of the line to its workers.
//!
//! One worker runs every figure of the page. It is started when the first figure comes into view, and ended when the last
//! one is gone. A second one measures in the background while there is something to measure. When a worker fails, every
//! figure that hangs on it is told, and [`retry`] starts anew.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use hockeystick_core::simulate::frame::Frame;
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::handle::{RunRequest, RunResult, Runs};
use crate::protocol::{Answer, Heard, Order, Plan, hear, write_order};

/// A worker that has not said a word after so long does not work.
const SILENCE_MS: i32 = 20_000;

/// What a figure hears.
pub(crate) trait Listener {
    /// A run began.
    fn opened(&self, run: u32, plan: Plan);
    /// A snapshot came.
    fn frame(&self, frame: Frame);
    /// The stage cannot run as it is set.
    fn refused(&self, why: &str);
    /// The worker failed.
    fn failed(&self, why: &str);
    /// There is a new worker: open the run again.
    fn again(&self);
}

/// A worker, and what waits until it listens.
struct Line {
    worker: Worker,
    ready: Cell<bool>,
    unsent: RefCell<Vec<Order>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
    _on_silence: Closure<dyn FnMut()>,
    silence: Option<i32>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if let (Some(window), Some(timer)) = (web_sys::window(), self.silence) {
            window.clear_timeout_with_handle(timer);
        }
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Line {
    fn open(which: Which) -> Option<Rc<Self>> {
        let make = MAKE_WORKER.with_borrow(Clone::clone)?;
        let worker: Worker = make.call0(&JsValue::NULL).ok()?.dyn_into().ok()?;
        let on_message =
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| match hear(&event.data()) {
                Some(heard) => which.heard(heard),
                // The starting script says in plain text why the module cannot start.
                None => which.failed(&event.data().as_string().unwrap_or_else(|| "an unknown message".to_owned())),
            });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            which.failed(&event.message());
        });
        let on_silence = Closure::<dyn FnMut()>::new(move || which.silent());
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // The page's own module: the worker need not fetch and compile it again.
        worker.post_message(&wasm_bindgen::module()).ok()?;
        let call = on_silence.as_ref().unchecked_ref();
        let silence = web_sys::window()
            .and_then(|window| window.set_timeout_with_callback_and_timeout_and_arguments_0(call, SILENCE_MS).ok());
        Some(Rc::new(Self {
            worker,
            ready: Cell::new(false),
            unsent: RefCell::default(),
            _on_message: on_message,
            _on_error: on_error,
            _on_silence: on_silence,
            silence,
        }))
    }

    fn send(&self, order: Order) {
        if !self.ready.get() {
            self.unsent.borrow_mut().push(order);
        } else {
            let message = write_order(&order);
            let _ = self.worker.post_message_with_transfer(&message, &Array::of1(&message));
        }
    }

    fn is_ready(&self) {
        self.ready.set(true);
        for order in self.unsent.take() {
            self.send(order);
        }
    }
}

#[derive(Clone, Copy)]
enum Which {
    Live,
    Background,
}

impl Which {
    fn heard(self, heard: Heard) {
        let answer = match heard {
            Heard::Frame { figure, frame } => return tell(figure, |it| it.frame(*frame)),
            Heard::Answer(answer) => *answer,
        };
        match answer {
            Answer::Ready => {
                if let Some(line) = self.line() {
                    line.is_ready();
                }
            }
            Answer::Opened { figure, run, plan } => tell(figure, |it| it.opened(run, plan)),
            Answer::Refused { figure, why } => tell(figure, |it| it.refused(&why)),
            Answer::Measured { job, outcome } => measured(job, *outcome),
        }
    }

    fn line(self) -> Option<Rc<Line>> {
        POOL.with(|pool| match self {
            Self::Live => pool.live.borrow().clone(),
            Self::Background => pool.background.borrow().clone(),
        })
    }

    fn failed(self, why: &str) {
        match self {
            Self::Live => {
                POOL.with(|pool| pool.live.take());
                listeners().iter().for_each(|it| it.failed(why));
            }
            Self::Background => {
                POOL.with(|pool| pool.background.take());
                let jobs = POOL.with(|pool| pool.jobs.take());
                for job in jobs {
                    job.tell(Err(why.to_owned()));
                }
            }
        }
    }

    fn silent(self) {
        if self.line().is_some_and(|line| !line.ready.get()) {
            self.failed("it does not answer");
        }
    }
}

/// A measurement that waits or runs.
struct Job {
    number: u32,
    index: usize,
    request: Option<RunRequest>,
    wanted: Rc<Cell<bool>>,
    on_result: Rc<RefCell<dyn FnMut(usize, RunResult)>>,
}

impl Job {
    fn tell(&self, result: RunResult) {
        if self.wanted.get()
            && let Ok(mut call) = self.on_result.try_borrow_mut()
        {
            call(self.index, result);
        }
    }
}

#[derive(Default)]
struct Pool {
    live: RefCell<Option<Rc<Line>>>,
    background: RefCell<Option<Rc<Line>>>,
    listeners: RefCell<Vec<(u32, Weak<dyn Listener>)>>,
    jobs: RefCell<VecDeque<Job>>,
    next_number: Cell<u32>,
}

thread_local! {
    static MAKE_WORKER: RefCell<Option<Function>> = const { RefCell::new(None) };
    static POOL: Pool = Pool::default();
}

/// How to make a worker: a function without arguments.
pub(crate) fn set_worker_maker(make: Function) {
    MAKE_WORKER.set(Some(make));
}

fn next_number() -> u32 {
    POOL.with(|pool| {
        let number = pool.next_number.get();
        pool.next_number.set(number.wrapping_add(1));
        number
    })
}

fn listeners() -> Vec<Rc<dyn Listener>> {
    POOL.with(|pool| pool.listeners.borrow().iter().filter_map(|(_, listener)| listener.upgrade()).collect())
}

fn tell(figure: u32, act: impl FnOnce(&dyn Listener)) {
    let listener = POOL.with(|pool| {
        let listeners = pool.listeners.borrow();
        listeners.iter().find(|(number, _)| *number == figure).and_then(|(_, listener)| listener.upgrade())
    });
    if let Some(listener) = listener {
        act(listener.as_ref());
    }
}

/// A figure's line to the worker.
#[derive(Debug)]
pub(crate) struct Link {
    figure: u32,
}

impl Link {
    /// Takes a place on the line; a worker is started if there is none.
    pub(crate) fn new(listener: Weak<dyn Listener>) -> Self {
        let figure = next_number();
        POOL.with(|pool| pool.listeners.borrow_mut().push((figure, listener)));
        Self { figure }
    }

    /// The figure's number on the line.
    pub(crate) fn figure(&self) -> u32 {
        self.figure
    }

    /// Sends an order. False when there is no worker and none can be started.
    pub(crate) fn send(&self, order: Order) -> bool {
        let line = POOL.with(|pool| {
            let mut live = pool.live.borrow_mut();
            if live.is_none() {
                *live = Line::open(Which::Live);
            }
            live.clone()
        });
        line.map(|line| line.send(order)).is_some()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (line, last) = POOL.with(|pool| {
            let mut listeners = pool.listeners.borrow_mut();
            listeners.retain(|(number, _)| *number != self.figure);
            let last = listeners.is_empty();
            let line = if last { pool.live.take() } else { pool.live.borrow().clone() };
            (line, last)
        });
        if let Some(line) = line.filter(|_| !last) {
            line.send(Order::Close { figure: self.figure });
        }
    }
}

/// Starts a new worker for every figure.
pub(crate) fn retry() {
    POOL.with(|pool| pool.live.take());
    listeners().iter().for_each(|it| it.again());
}

/// Measures one stage after another; see [`FigureHandle::run_in_background`](super::handle::FigureHandle).
pub(crate) fn measure(runs: Vec<RunRequest>, on_result: Box<dyn FnMut(usize, RunResult)>) -> Runs {
    let wanted = Rc::new(Cell::new(true));
    let on_result: Rc<RefCell<dyn FnMut(usize, RunResult)>> = Rc::new(RefCell::new(on_result));
    POOL.with(|pool| {
        let mut jobs = pool.jobs.borrow_mut();
        for (index, request) in runs.into_iter().enumerate() {
            let (wanted, on_result) = (Rc::clone(&wanted), Rc::clone(&on_result));
            jobs.push_back(Job { number: next_number(), index, request: Some(request), wanted, on_result });
        }
    });
    next_job();
    Runs { wanted }
}

/// Sends the next measurement if none is under way; without any, the worker's memory is given back.
fn next_job() {
    let under_way = POOL.with(|pool| {
        let mut jobs = pool.jobs.borrow_mut();
        jobs.retain(|job| job.wanted.get() || job.request.is_none());
        jobs.front().is_some_and(|job| job.request.is_none())
    });
    if under_way {
        return;
    }
    let next = POOL.with(|pool| {
        let mut jobs = pool.jobs.borrow_mut();
        let job = jobs.front_mut()?;
        job.request.take().map(|request| (job.number, request))
    });
    let Some((job, RunRequest { stage, seed, seconds })) = next else {
        drop(POOL.with(|pool| pool.background.take()));
        return;
    };
    let line = POOL.with(|pool| {
        let mut background = pool.background.borrow_mut();
        if background.is_none() {
            *background = Line::open(Which::Background);
        }
        background.clone()
    });
    match line {
        Some(line) => line.send(Order::Measure { job, stage, seed, seconds }),
        None => Which::Background.failed("no worker can be started"),
    }
}

fn measured(number: u32, result: RunResult) {
    let job = POOL.with(|pool| {
        let mut jobs = pool.jobs.borrow_mut();
        let index = jobs.iter().position(|job| job.number == number)?;
        jobs.remove(index)
    });
    if let Some(job) = job {
        job.tell(result);
    }
    next_job();
}
