//! One step while it runs: what is due, who has taken it, and the figures so far.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hockeystick_core::workload::{Class, Closed};
use reqwest::StatusCode;
use tokio::sync::Notify;

use super::client::Dial;
use super::dates::Dates;
use super::failure::Failure;
use super::metrics::Metrics;
use super::pulse::{Pulse, Second};
use super::record::{Recorder, Sample, Window};
use crate::schedule::Arrival;

/// What is sent in a step.
#[derive(Debug)]
pub(super) enum Traffic {
    /// These requests, whatever the deployment does.
    Open(Vec<Arrival>),
    /// What users send, each when it has its last answer.
    Closed(Closed),
}

/// One step while it runs.
#[derive(Debug)]
pub(super) struct StepRun {
    /// Its place in the plan.
    pub(super) index: usize,
    /// When it starts; due times count from here.
    pub(super) start: Instant,
    /// What the answers say of the time; nothing where nobody asks.
    pub(super) dates: Option<Dates>,
    pub(super) window: Window,
    pub(super) traffic: Traffic,
    /// The first arrival that no user has taken.
    next: AtomicUsize,
    /// Requests of a closed loop that were sent.
    begun: AtomicUsize,
    /// Requests that have come to their end.
    finished: AtomicUsize,
    /// The step is over, whatever is left of it.
    pub(super) over: AtomicBool,
    pub(super) ended: Notify,
    /// The last status that was not as expected; 0 where there was none.
    status: AtomicU16,
    recorder: Mutex<Recorder>,
    live: Mutex<Live>,
    pulse: Mutex<Pulse>,
    metrics: Option<Arc<Metrics>>,
}

/// Running totals of a step, for guard rails and the view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Live {
    pub(super) completed: u64,
    pub(super) failed: u64,
    /// The same, by kind, in the order of [`Failure::ALL`].
    pub(super) failures: [u64; Failure::ALL.len()],
    pub(super) exhausted: u64,
    pub(super) response_ns: u64,
    pub(super) lag_ns: u64,
    pub(super) last_failure: Option<Failure>,
}

impl Live {
    /// Requests that came to their end, well or not.
    pub(super) const fn answers(&self) -> u64 {
        self.completed + self.failed
    }
}

impl StepRun {
    pub(super) fn new(
        index: usize,
        start: Instant,
        window: Window,
        traffic: Traffic,
        dates: Option<Dates>,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self {
            index,
            start,
            dates,
            window,
            traffic,
            next: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            ended: Notify::new(),
            status: AtomicU16::new(0),
            recorder: Mutex::new(Recorder::new(window)),
            live: Mutex::new(Live::default()),
            pulse: Mutex::new(Pulse::default()),
            metrics,
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

    fn arrivals(&self) -> &[Arrival] {
        match &self.traffic {
            Traffic::Open(arrivals) => arrivals,
            Traffic::Closed(_) => &[],
        }
    }

    /// The next arrival.
    pub(super) fn take(&self) -> Option<Arrival> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.arrivals().get(number).copied()
    }

    /// Arrivals that no user has taken.
    pub(super) fn untaken(&self) -> &[Arrival] {
        let arrivals = self.arrivals();
        &arrivals[self.next.load(Ordering::Relaxed).min(arrivals.len())..]
    }

    /// Takes what is left of the step away from the users.
    fn take_rest(&self) -> &[Arrival] {
        let arrivals = self.arrivals();
        let from = self.next.fetch_add(arrivals.len(), Ordering::Relaxed);
        &arrivals[from.min(arrivals.len())..]
    }

    /// A user of a closed loop sends.
    pub(super) fn begin(&self, class: Class, due_ns: u64) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.recorder().begin(class, due_ns);
    }

    /// Requests of a closed loop that were sent.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed) as u64
    }

    /// Requests that have become due; of a closed loop, those that were sent.
    pub(super) fn due(&self, now_ns: u64) -> u64 {
        match &self.traffic {
            Traffic::Open(arrivals) => arrivals.partition_point(|arrival| arrival.due_ns <= now_ns) as u64,
            Traffic::Closed(_) => self.begun(),
        }
    }

    /// Requests that are due and not yet answered.
    pub(super) fn in_flight(&self, now_ns: u64) -> u64 {
        self.due(now_ns).saturating_sub(self.finished.load(Ordering::Relaxed) as u64)
    }

    /// Whether the window is over and nothing is left to wait for.
    pub(super) fn is_done(&self, now_ns: u64) -> bool {
        let all = match &self.traffic {
            Traffic::Open(arrivals) => arrivals.len(),
            Traffic::Closed(_) => self.begun.load(Ordering::Relaxed),
        };
        now_ns >= self.window.to_ns && self.finished.load(Ordering::Relaxed) >= all
    }

    /// An answer's status was not as expected.
    pub(super) fn saw_status(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// The last failure in words, for the message of a safety stop.
    pub(super) fn last_failure(&self) -> String {
        match (self.live().last_failure, self.status.load(Ordering::Relaxed)) {
            (None, _) => "unknown".to_owned(),
            (Some(Failure::Status), status) if status > 0 => format!("status {status}"),
            (Some(failure), _) => failure.name().to_owned(),
        }
    }

    pub(super) fn record(&self, sample: &Sample) {
        self.recorder().record(sample);
        if let Some(metrics) = &self.metrics {
            metrics.record(sample);
        }
        let response_ns = sample.done_ns.saturating_sub(sample.due_ns);
        let lag_ns = sample.sent_ns.saturating_sub(sample.due_ns);
        let mut live = lock(&self.live);
        live.exhausted += u64::from(sample.exhausted);
        live.lag_ns += lag_ns;
        live.response_ns += response_ns;
        match sample.result {
            Ok(()) => live.completed += 1,
            Err(failure) => {
                live.failed += 1;
                live.failures[failure as usize] += 1;
                live.last_failure = Some(failure);
            }
        }
        drop(live);
        lock(&self.pulse).record(sample.class, lag_ns, response_ns, sample.result.is_ok());
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        let last = matches!(&self.traffic, Traffic::Open(arrivals) if finished == arrivals.len());
        if last {
            self.ended.notify_one();
        }
    }

    /// Requests that were due and that nobody will send any more.
    pub(super) fn record_unsent(&self, class: impl Fn(&Arrival) -> Class) {
        let mut recorder = self.recorder();
        for arrival in self.take_rest() {
            recorder.record_unsent(class(arrival), arrival.due_ns);
            if let Some(metrics) = &self.metrics {
                metrics.failed(class(arrival), Failure::Unsent);
            }
        }
    }

    pub(super) fn record_dial(&self, dial: Dial) {
        if let Some(metrics) = &self.metrics {
            metrics.dialled();
        }
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.recorder().record_dial(self.ns(Instant::now()), ns(dial.connect), dial.tls.map(ns));
    }

    /// What ended since the last call.
    pub(super) fn second(&self) -> Second {
        lock(&self.pulse).turn()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters stay consistent whatever a panicking holder did between two of them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
