//! The page's end of the line to its workers.
//!
//! One simulator runs every figure of the page. It is started when the first figure comes into view, and ended when the
//! last one is gone. A second one runs stages to their end in the background while there is something to run. A theorist
//! answers questions about curves; it is loaded with the first question and stays, since more come while a knob is
//! dragged. When a worker fails, everyone who hangs on it is told, and [`retry`] starts anew.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use hockeystick_core::simulate::frame::Frame;
use hockeystick_core::stage::Stage;
use hockeystick_protocol::{Answer, Heard, Order, Plan, Question, hear, write_order};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::handle::{Asked, Found};

/// A worker that has not said a word after so long does not work.
const SILENCE_MS: u32 = 20_000;

/// What a figure hears.
pub(crate) trait Listener {
    /// A run began.
    fn opened(&self, run: u32, plan: Plan);
    /// A snapshot came.
    fn frame(&self, frame: Frame);
    /// The run is where it was wanted.
    fn sought(&self, run: u32, stage: Stage);
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
    /// Waits for its first word.
    on_silence: Cell<Option<Timeout>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Line {
    fn open(which: Which) -> Option<Rc<Self>> {
        let make = MAKE_WORKER.with_borrow(Clone::clone)?;
        let worker: Worker = make.call1(&JsValue::NULL, &which.program().into()).ok()?.dyn_into().ok()?;
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
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Rc::new(Self {
            worker,
            ready: Cell::new(false),
            unsent: RefCell::default(),
            _on_message: on_message,
            _on_error: on_error,
            on_silence: Cell::new(Some(Timeout::new(SILENCE_MS, move || which.silent()))),
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
        self.on_silence.set(None);
        for order in self.unsent.take() {
            self.send(order);
        }
    }
}

/// A worker's place on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Runs the figures.
    Live,
    /// Runs stages to their end.
    Background,
    /// Knows the curves.
    Theory,
}

impl Which {
    /// What it runs, as the page's script knows it.
    const fn program(self) -> &'static str {
        match self {
            Self::Live | Self::Background => "simulator",
            Self::Theory => "theorist",
        }
    }

    /// Who can answer this.
    const fn for_question(question: &Question) -> Self {
        match question {
            Question::Run { .. } => Self::Background,
            Question::Solve { .. } | Question::Means { .. } => Self::Theory,
        }
    }

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
            Answer::Sought { figure, run, stage } => tell(figure, |it| it.sought(run, *stage)),
            Answer::Refused { figure, why } => tell(figure, |it| it.refused(&why)),
            Answer::Found { job, finding } => self.found(job, *finding),
        }
    }

    fn desk<T>(self, act: impl FnOnce(&Desk) -> T) -> T {
        POOL.with(|pool| act(&pool.desks[self as usize]))
    }

    fn line(self) -> Option<Rc<Line>> {
        self.desk(|desk| desk.line.borrow().clone())
    }

    /// The line to the worker; it is started if there is none.
    fn open_line(self) -> Option<Rc<Line>> {
        self.desk(|desk| {
            let mut line = desk.line.borrow_mut();
            if line.is_none() {
                *line = Line::open(self);
            }
            line.clone()
        })
    }

    /// Ends the worker.
    fn hang_up(self) {
        drop(self.desk(|desk| desk.line.take()));
    }

    fn failed(self, why: &str) {
        self.hang_up();
        if self == Self::Live {
            listeners().iter().for_each(|it| it.failed(why));
        }
        for job in self.desk(|desk| desk.jobs.take()) {
            job.tell(Err(why.to_owned()));
        }
    }

    fn silent(self) {
        if self.line().is_some_and(|line| !line.ready.get()) {
            self.failed("it does not answer");
        }
    }

    /// Sends the next question if none is under way. A background that has nothing to do gives its memory back.
    fn next_job(self) {
        let (is_idle, next) = self.desk(|desk| {
            let mut jobs = desk.jobs.borrow_mut();
            jobs.retain(|job| job.wanted.get() || job.question.is_none());
            let next = jobs.front_mut().and_then(|job| Some((job.number, job.question.take()?)));
            (jobs.is_empty(), next)
        });
        if is_idle && self == Self::Background {
            self.hang_up();
        }
        let Some((job, question)) = next else { return };
        match self.open_line() {
            Some(line) => line.send(Order::Ask { job, question }),
            None => self.failed("no worker can be started"),
        }
    }

    fn found(self, number: u32, found: Found) {
        let job = self.desk(|desk| {
            let mut jobs = desk.jobs.borrow_mut();
            let index = jobs.iter().position(|job| job.number == number)?;
            jobs.remove(index)
        });
        if let Some(job) = job {
            job.tell(found);
        }
        self.next_job();
    }
}

/// A question that waits, or that is being answered.
struct Job {
    number: u32,
    index: usize,
    /// None once it is sent.
    question: Option<Question>,
    wanted: Rc<Cell<bool>>,
    on_found: Rc<RefCell<dyn FnMut(usize, Found)>>,
}

impl Job {
    fn tell(&self, found: Found) {
        if self.wanted.get()
            && let Ok(mut call) = self.on_found.try_borrow_mut()
        {
            call(self.index, found);
        }
    }
}

/// A worker with what it is to find out, one after another.
#[derive(Default)]
struct Desk {
    line: RefCell<Option<Rc<Line>>>,
    jobs: RefCell<VecDeque<Job>>,
}

#[derive(Default)]
struct Pool {
    /// By [`Which`].
    desks: [Desk; 3],
    listeners: RefCell<Vec<(u32, Weak<dyn Listener>)>>,
    next_number: Cell<u32>,
}

thread_local! {
    static MAKE_WORKER: RefCell<Option<Function>> = const { RefCell::new(None) };
    static POOL: Pool = Pool::default();
}

/// How to make a worker: a function that takes the name of its program.
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
    /// Takes a place on the line; the worker is started with the first order.
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
        Which::Live.open_line().map(|line| line.send(order)).is_some()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let last = POOL.with(|pool| {
            let mut listeners = pool.listeners.borrow_mut();
            listeners.retain(|(number, _)| *number != self.figure);
            listeners.is_empty()
        });
        if last {
            Which::Live.hang_up();
            // A question that is under way would be waited for.
            Which::Theory.failed("");
        } else if let Some(line) = Which::Live.line() {
            line.send(Order::Close { figure: self.figure });
        }
    }
}

/// Starts a new worker for every figure.
pub(crate) fn retry() {
    Which::Live.hang_up();
    listeners().iter().for_each(|it| it.again());
}

/// Finds out one thing after another; see [`FigureHandle::ask`](super::handle::FigureHandle).
pub(crate) fn ask(questions: Vec<Question>, on_found: Box<dyn FnMut(usize, Found)>) -> Asked {
    let wanted = Rc::new(Cell::new(true));
    let on_found: Rc<RefCell<dyn FnMut(usize, Found)>> = Rc::new(RefCell::new(on_found));
    for (index, question) in questions.into_iter().enumerate() {
        let (wanted, on_found) = (Rc::clone(&wanted), Rc::clone(&on_found));
        let which = Which::for_question(&question);
        let job = Job { number: next_number(), index, question: Some(question), wanted, on_found };
        which.desk(|desk| desk.jobs.borrow_mut().push_back(job));
    }
    Which::Background.next_job();
    Which::Theory.next_job();
    Asked { wanted }
}
