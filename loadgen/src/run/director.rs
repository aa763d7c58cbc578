//! Leads the users through the plan, step by step, and keeps the results.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hockeystick_core::measurement::{BusyTime, Ended, Generator, Results, SCHEMA, Step};
use hockeystick_core::schedule::{Arrival as Scheduled, Schedule};
use hockeystick_core::workload::PerClass;
use tokio::sync::watch;

use super::busy::{self, Meter, MeterError, Reading};
use super::guard::Watch;
use super::record::{Recorder, Window};
use super::user::{Connecting, Phase, Shared, StepRun};
use super::{Interrupt, Options, Progress, RunError, View};
use crate::plan::{Plan, PlannedStep};
use crate::schedule::{self, Arrival};
use crate::store;

/// Time between two samples of the requests in flight: no divisor of the 100 ms period of Linux's CPU quota, which
/// would make the samples see the same part of each period.
const SAMPLE_EVERY: Duration = Duration::from_millis(7);
/// Time between two looks of the guard rails.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Time for the users to wake before a step's first request.
const STEP_LEAD: Duration = Duration::from_millis(20);
/// Longest time for opening connections.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Leads the users through the plan, and keeps the results.
pub(super) struct Director<'r> {
    options: &'r Options,
    phase: watch::Sender<Phase>,
    interrupt: &'r Interrupt,
    view: &'r dyn View,
    pub(super) results: Results,
}

/// How a step came to its end.
enum StepEnd {
    Finished(Box<Step>),
    Interrupted,
    Stopped(String),
}

impl<'r> Director<'r> {
    pub(super) fn new(
        options: &'r Options,
        phase: watch::Sender<Phase>,
        interrupt: &'r Interrupt,
        view: &'r dyn View,
    ) -> Self {
        let results = Results {
            schema: SCHEMA,
            generator: Generator {
                name: concat!("loadgen ", env!("CARGO_PKG_VERSION")).to_owned(),
                processors: std::thread::available_parallelism()
                    .map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
                users: options.plan.users,
            },
            started: jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
            host: options.host.origin().ascii_serialization(),
            seed: options.plan.seed,
            arrivals: options.plan.arrivals,
            ended: Ended::Running,
            steps: Vec::new(),
        };
        Self { options, phase, interrupt, view, results }
    }

    pub(super) async fn direct(&mut self, shared: &Shared) -> Result<(), RunError> {
        let steps = &self.options.plan.steps;
        let mut ended = Ended::Complete;
        if !self.connect().await {
            ended = Ended::Interrupted;
        }
        for (index, planned) in steps.iter().enumerate() {
            if ended != Ended::Complete {
                break;
            }
            self.view.step_begins(index + 1, steps.len(), planned);
            match self.step(index, planned, shared).await? {
                StepEnd::Finished(step) => {
                    self.results.steps.push(*step);
                    // Said with the last step itself: nothing can happen between the two.
                    if index + 1 == steps.len() {
                        self.results.ended = Ended::Complete;
                    }
                    store::write_results(&self.options.out, &self.results)?;
                    if let Some(step) = self.results.steps.last() {
                        self.view.step_ends(index + 1, step);
                    }
                }
                StepEnd::Interrupted => ended = Ended::Interrupted,
                StepEnd::Stopped(reason) => ended = Ended::Stopped(reason),
            }
        }
        // No receiver means that goose is gone already.
        let _ = self.phase.send(Phase::Leave);
        if ended != Ended::Complete {
            self.results.ended = ended;
            store::write_results(&self.options.out, &self.results)?;
        }
        Ok(())
    }

    /// Has every user open a connection; false when interrupted. A host that does not answer is no reason to wait: the
    /// first step will say what is wrong with it.
    async fn connect(&self) -> bool {
        let connecting = Arc::new(Connecting::default());
        let _ = self.phase.send(Phase::Connect(Arc::clone(&connecting)));
        let users = self.options.plan.users as usize;
        let all = async {
            while connecting.done.load(Ordering::Relaxed) < users {
                connecting.changed.notified().await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(CONNECT_MAX, all) => true,
            () = self.interrupt.raised() => false,
        }
    }

    async fn step(&self, index: usize, planned: &PlannedStep, shared: &Shared) -> Result<StepEnd, RunError> {
        let plan = &self.options.plan;
        let from_ns = plan.warm_up.as_nanos() as u64;
        let window = Window { from_ns, to_ns: from_ns + (planned.seconds * 1e9) as u64 };
        let arrivals = schedule::arrivals(plan, planned, index);
        let due = due_by_class(plan, &arrivals, window);
        let schedule = written(plan, &arrivals);
        let recorder = Recorder::new(window);
        let step = Arc::new(StepRun::new(index, Instant::now() + STEP_LEAD, arrivals, recorder));
        let _ = self.phase.send(Phase::Step(Arc::clone(&step)));
        let mut readings = Readings { meters: &self.options.meters, window, begin: None, end: None };
        let mut in_flight = Mean::default();
        let mut watch = Watch::new(plan.stop);
        let mut looked = step.start;
        let deadline = step.start + Duration::from_nanos(window.to_ns) + plan.timeout.max(plan.stop.response);
        loop {
            tokio::select! {
                biased;
                () = self.interrupt.raised() => {
                    step.over.store(true, Ordering::Relaxed);
                    return Ok(StepEnd::Interrupted);
                }
                () = tokio::time::sleep(SAMPLE_EVERY) => {}
                () = step.ended.notified() => {}
            }
            let now = Instant::now();
            let now_ns = step.ns(now);
            readings.take(now_ns)?;
            let pending = in_flight_at(&step, now_ns);
            if window.holds(now_ns) {
                in_flight.add(pending as f64);
            }
            if now >= looked + LOOK_EVERY {
                looked = now;
                self.view.progress(&progress(&step, now_ns, pending));
                if let Some(reason) = watch.look(&step, now) {
                    step.over.store(true, Ordering::Relaxed);
                    return Ok(StepEnd::Stopped(reason));
                }
            }
            let finished = step.finished.load(Ordering::Relaxed) >= step.arrivals.len();
            if now_ns >= window.to_ns && (finished || now > deadline) {
                break;
            }
        }
        step.over.store(true, Ordering::Relaxed);
        let mut recorder = step.recorder();
        for arrival in step.take_rest() {
            recorder.record_unsent(shared.plan.requests[arrival.request as usize].class, arrival.due_ns);
        }
        let figures = recorder.finish(due);
        drop(recorder);
        let (stations, generator_cpus) = readings.finish();
        Ok(StepEnd::Finished(Box::new(Step {
            rate_per_s: planned.rate_per_s,
            warm_up_s: plan.warm_up.as_secs_f64(),
            measured_s: (window.to_ns - window.from_ns) as f64 / 1e9,
            held_out: planned.held_out,
            due: figures.due,
            sent: figures.sent,
            completed: figures.completed,
            failed: figures.failed,
            users_exhausted: figures.exhausted,
            in_flight: in_flight.value(),
            generator_cpus,
            lag: figures.lag,
            response: figures.response,
            service: figures.service,
            classes: figures.classes,
            slices: figures.slices,
            schedule,
            stations,
        })))
    }
}

/// The schedule for the results file.
fn written(plan: &Plan, arrivals: &[Arrival]) -> Option<String> {
    let scheduled =
        |arrival: &Arrival| Scheduled { at: arrival.due_ns, class: plan.requests[arrival.request as usize].class };
    (arrivals.len() <= Schedule::WRITTEN_MAX).then(|| Schedule::new(arrivals.iter().map(scheduled)).text())
}

fn due_by_class(plan: &Plan, arrivals: &[Arrival], window: Window) -> PerClass<u64> {
    let mut due = PerClass::all(0);
    for arrival in arrivals.iter().filter(|arrival| window.holds(arrival.due_ns)) {
        *due.get_mut(plan.requests[arrival.request as usize].class) += 1;
    }
    due
}

/// Requests that are due and not yet answered.
fn in_flight_at(step: &StepRun, now_ns: u64) -> u64 {
    let finished = step.finished.load(Ordering::Relaxed) as u64;
    let due = step.arrivals.partition_point(|arrival| arrival.due_ns <= now_ns) as u64;
    due.saturating_sub(finished)
}

fn progress(step: &StepRun, now_ns: u64, in_flight: u64) -> Progress {
    let live = step.live();
    let answers = (live.completed + live.failed).max(1);
    Progress {
        elapsed_s: now_ns as f64 / 1e9,
        completed: live.completed,
        failed: live.failed,
        in_flight,
        mean_ms: live.response_ns as f64 / answers as f64 / 1e6,
    }
}

/// Processor time at both ends of a window.
struct Readings<'m> {
    meters: &'m [Meter],
    window: Window,
    begin: Option<(Vec<Reading>, f64, Instant)>,
    end: Option<(Vec<Reading>, f64, Instant)>,
}

impl Readings<'_> {
    /// Reads when an end of the window has passed that was not read yet.
    fn take(&mut self, now_ns: u64) -> Result<(), MeterError> {
        let begins = self.begin.is_none() && now_ns >= self.window.from_ns;
        let ends = self.end.is_none() && now_ns >= self.window.to_ns;
        if begins || ends {
            let readings = self.meters.iter().map(Meter::read).collect::<Result<_, _>>()?;
            let at = Some((readings, busy::own_processor_s(), Instant::now()));
            if begins { self.begin = at } else { self.end = at }
        }
        Ok(())
    }

    fn finish(self) -> (BTreeMap<String, BusyTime>, f64) {
        let (Some((begin, own_begin, from)), Some((end, own_end, to))) = (self.begin, self.end) else {
            return Default::default();
        };
        let readings = self.meters.iter().zip(begin.iter().zip(&end));
        let stations = readings.map(|(meter, (begin, end))| (meter.name.clone(), end.since(begin))).collect();
        (stations, (own_end - own_begin) / (to - from).as_secs_f64())
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}
