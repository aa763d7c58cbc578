//! One goose user: takes the next request that is due, waits for its moment, sends it, reads the whole answer.
//!
//! goose itself only knows closed loops, where a user sends when its last answer came. So a goose user runs a single
//! transaction, which lasts for the whole plan, and all users take their requests from one shared schedule.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hockeystick_core::engine::random::Stream;
use reqwest::{Body, Client, Request, Response, Url};
use tokio::sync::{Notify, watch};

use super::failure::Failure;
use super::pace;
use super::record::{Recorder, Sample};
use crate::plan::{Plan, PlannedRequest};
use crate::schedule::Arrival;

/// Largest body that is read: an endless one must not fill the time of a step.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What all users do next.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Wait.
    Wait,
    /// Open a connection each, and keep it.
    Connect(Arc<Connecting>),
    /// Send this step's requests.
    Step(Arc<StepRun>),
    /// Leave.
    Leave,
}

/// The opening of connections before the first step.
#[derive(Debug, Default)]
pub(super) struct Connecting {
    pub(super) done: AtomicUsize,
    pub(super) changed: Notify,
}

/// One step while it runs.
#[derive(Debug)]
pub(super) struct StepRun {
    /// Its place in the plan.
    pub(super) index: usize,
    /// When it starts; due times count from here.
    pub(super) start: Instant,
    pub(super) arrivals: Vec<Arrival>,
    /// The first arrival that no user has taken.
    next: AtomicUsize,
    /// Arrivals that have come to their end.
    pub(super) finished: AtomicUsize,
    /// The step is over, whatever is left of it.
    pub(super) over: AtomicBool,
    pub(super) ended: Notify,
    recorder: Mutex<Recorder>,
    live: Mutex<Live>,
}

/// Running totals of a step, for guard rails and the view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Live {
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) exhausted: u64,
    pub(super) response_ns: u64,
    pub(super) lag_ns: u64,
    /// The last failure, for the message of a safety stop.
    pub(super) last_failure: Option<Failure>,
}

impl StepRun {
    pub(super) fn new(index: usize, start: Instant, arrivals: Vec<Arrival>, recorder: Recorder) -> Self {
        Self {
            index,
            start,
            arrivals,
            next: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            ended: Notify::new(),
            recorder: Mutex::new(recorder),
            live: Mutex::new(Live::default()),
        }
    }

    pub(super) fn live(&self) -> Live {
        *lock(&self.live)
    }

    pub(super) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        lock(&self.recorder)
    }

    /// Nanoseconds from the step's start to an instant.
    pub(super) fn ns(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// The next arrival, with its number.
    fn take(&self) -> Option<(usize, Arrival)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.arrivals.get(number).map(|arrival| (number, *arrival))
    }

    /// Arrivals that no user has taken.
    pub(super) fn untaken(&self) -> &[Arrival] {
        &self.arrivals[self.next.load(Ordering::Relaxed).min(self.arrivals.len())..]
    }

    /// Takes what is left of the step away from the users.
    pub(super) fn take_rest(&self) -> &[Arrival] {
        let from = self.next.fetch_add(self.arrivals.len(), Ordering::Relaxed);
        &self.arrivals[from.min(self.arrivals.len())..]
    }

    fn record(&self, sample: &Sample) {
        self.recorder().record(sample);
        let mut live = lock(&self.live);
        live.exhausted += u64::from(sample.exhausted);
        live.lag_ns += sample.sent_ns - sample.due_ns;
        live.response_ns += sample.done_ns - sample.due_ns;
        match sample.result {
            Ok(()) => live.completed += 1,
            Err(failure) => {
                live.failed += 1;
                live.last_failure = Some(failure);
            }
        }
        drop(live);
        if self.finished.fetch_add(1, Ordering::Relaxed) + 1 == self.arrivals.len() {
            self.ended.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters stay consistent whatever a panicking holder did between two of them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every user shares for the whole run.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) base: Url,
    pub(super) client: Client,
    pub(super) phase: watch::Receiver<Phase>,
}

impl Shared {
    /// A user's whole life.
    pub(super) async fn serve(&self) {
        let mut phase = self.phase.clone();
        loop {
            let now = phase.borrow_and_update().clone();
            match now {
                Phase::Wait => {}
                Phase::Connect(connecting) => {
                    self.connect().await;
                    connecting.done.fetch_add(1, Ordering::Relaxed);
                    connecting.changed.notify_one();
                }
                Phase::Step(step) => self.send_step(&step).await,
                Phase::Leave => return,
            }
            if phase.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends the plan's first GET, if it has one, so that the connection stands before the first step. The answer does
    /// not matter here: what is wrong with it, the steps will tell.
    async fn connect(&self) {
        let Some(planned) = self.plan.requests.iter().find(|request| request.method == reqwest::Method::GET) else {
            return;
        };
        let request = self.request(planned, &Stream::new(self.plan.seed, "connect", "values"), 0);
        if let Ok(request) = request {
            let _ =
                tokio::time::timeout(self.plan.timeout.min(Duration::from_secs(5)), self.exchange(planned, request))
                    .await;
        }
    }

    async fn send_step(&self, step: &StepRun) {
        let values = Stream::new(self.plan.seed, "values", &format!("step {}", step.index));
        while let Some((number, arrival)) = step.take() {
            let due = step.start + Duration::from_nanos(arrival.due_ns);
            let exhausted = Instant::now() > due;
            let planned = &self.plan.requests[arrival.request as usize];
            let request = self.request(planned, &values, number as u64);
            if !pace::until(due, &step.over).await {
                return;
            }
            let sent = Instant::now();
            let result = match request {
                Ok(request) => {
                    let exchange = self.exchange(planned, request);
                    tokio::time::timeout(self.plan.timeout, exchange).await.unwrap_or(Err(Failure::Timeout))
                }
                Err(failure) => Err(failure),
            };
            step.record(&Sample {
                class: planned.class,
                due_ns: arrival.due_ns,
                sent_ns: step.ns(sent),
                done_ns: step.ns(Instant::now()),
                exhausted,
                result,
            });
        }
    }

    /// The request with its values. Made before it is due, so that making it delays nothing.
    fn request(&self, planned: &PlannedRequest, values: &Stream, number: u64) -> Result<Request, Failure> {
        let mut draw = values.draw(number);
        let path = planned.path.render(&self.plan.values, &mut draw);
        let url = self.base.join(&path).map_err(|_| Failure::Network)?;
        let mut request = Request::new(planned.method.clone(), url);
        *request.headers_mut() = planned.headers.clone();
        if let Some(body) = &planned.body {
            *request.body_mut() = Some(Body::from(body.render(&self.plan.values, &mut draw)));
        }
        Ok(request)
    }

    /// Sends, and reads the answer to its last byte.
    async fn exchange(&self, planned: &PlannedRequest, request: Request) -> Result<(), Failure> {
        let response = self.client.execute(request).await.map_err(|error| Failure::of_exchange(&error))?;
        let status = response.status();
        read_body(response).await?;
        if planned.expects(status) { Ok(()) } else { Err(Failure::Status) }
    }
}

async fn read_body(mut response: Response) -> Result<(), Failure> {
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of_body(&error))? {
        bytes += chunk.len() as u64;
        if bytes > BODY_BYTES_MAX {
            return Err(Failure::Body);
        }
    }
    Ok(())
}
