//! `loadgen run`: a plan against a deployment, measured.
//!
//! - [`guard`]: what may be loaded, and when to stop. [`busy`]: processor time of the deployment.
//! - `user`: one goose user. `pace`: waiting to the microsecond. `failure`: kinds of error. `record`: the figures.
//!
//! The way of one step: its schedule is made, the users are told, a task beside them samples and watches, and when the
//! last answer is in, the step is on the disk before the next begins.

pub mod busy;
mod failure;
pub mod guard;
mod pace;
mod record;
mod user;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use hockeystick_core::measurement::{Ended, Generator, Results, SCHEMA, Step};
use hockeystick_core::workload::PerClass;
use reqwest::{Client, Url, redirect, retry};
use tokio::sync::{Notify, watch};

pub use failure::Failure;

use self::busy::{Meter, MeterError, Reading};
use self::guard::Watch;
use self::record::{Recorder, Window};
use self::user::{Connecting, Phase, Shared, StepRun};
use crate::plan::{Plan, PlannedStep};
use crate::schedule::{self, Arrival};
use crate::store::{self, StoreError};

/// Time between two samples of the requests in flight: no divisor of the 100 ms period of Linux's CPU quota, which
/// would make the samples see the same part of each period.
const SAMPLE_EVERY: Duration = Duration::from_millis(7);
/// Time between two looks of the guard rails.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Time for the users to wake before a step's first request.
const STEP_LEAD: Duration = Duration::from_millis(20);
/// Longest time for opening connections.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scheme, host and port.
    pub host: Url,
    /// What to send.
    pub plan: Plan,
    /// Where results go, after every step.
    pub out: PathBuf,
    /// Processor time to read beside each step.
    pub meters: Vec<Meter>,
    /// Threads that send. One keeps the order of events; more carry more.
    pub threads: usize,
}

/// A request to end the run, from Ctrl-C or a test.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<(AtomicBool, Notify)>);

impl Interrupt {
    /// Ends the run; what is finished is kept.
    pub fn raise(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_one();
    }

    /// Whether the run was asked to end.
    pub fn is_raised(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    async fn raised(&self) {
        while !self.is_raised() {
            self.0.1.notified().await;
        }
    }
}

/// Hears how a run goes.
pub trait View: Send + Sync {
    /// A step begins; the first is 1.
    fn step_begins(&self, number: usize, of: usize, step: &PlannedStep);
    /// A step runs; seconds are its own.
    fn progress(&self, progress: &Progress);
    /// A step is on the disk.
    fn step_ends(&self, number: usize, step: &Step);
}

/// How far a step is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Seconds since the step began.
    pub elapsed_s: f64,
    /// Requests answered as expected.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests due and not yet answered.
    pub in_flight: u64,
    /// Mean response time so far, in milliseconds.
    pub mean_ms: f64,
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runtime or the client could not be built.
    #[error("cannot start: {0}")]
    Start(String),
    /// Results could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Processor time could not be read.
    #[error(transparent)]
    Meter(#[from] MeterError),
}

/// Keeps this process, and the threads that it will start, to one processor.
///
/// # Errors
/// When the machine has no such processor, or the system cannot do it.
pub fn keep_to(core: usize) -> Result<(), RunError> {
    let error = |reason: String| RunError::Start(format!("cannot keep to processor {core}: {reason}"));
    #[cfg(target_os = "linux")]
    {
        if core >= rustix::thread::CpuSet::MAX_CPU {
            return Err(error("there is no such processor".to_owned()));
        }
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores).map_err(|reason| error(reason.to_string()))
    }
    #[cfg(not(target_os = "linux"))]
    Err(error("this system has no such call".to_owned()))
}

/// Runs a plan. Blocks until it is done, stopped or interrupted; the results say which.
///
/// # Errors
/// When it cannot start, or cannot write or read what it must. Steps that were finished before are in the file.
pub fn run(options: Options, interrupt: &Interrupt, view: &dyn View) -> Result<Results, RunError> {
    for meter in &options.meters {
        meter.read()?;
    }
    let runtime = runtime(options.threads)?;
    let result = runtime.block_on(attack(options, interrupt, view));
    // Users of an interrupted run may still wait for answers that nobody needs.
    runtime.shutdown_background();
    result
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, RunError> {
    let mut builder = if threads > 1 {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| RunError::Start(error.to_string()))
}

async fn attack(options: Options, interrupt: &Interrupt, view: &dyn View) -> Result<Results, RunError> {
    let (phase, receiver) = watch::channel(Phase::Wait);
    let shared = Arc::new(Shared {
        plan: options.plan.clone(),
        base: options.host.clone(),
        client: client(&options.plan)?,
        phase: receiver,
    });
    let goose = goose(&options, &shared)?;
    let mut director = Director::new(&options, phase, interrupt, view);
    store::write_results(&options.out, &director.results)?;
    let mut goose = std::pin::pin!(goose.execute());
    let directed = {
        let mut direct = std::pin::pin!(director.direct(&shared));
        tokio::select! {
            directed = &mut direct => directed,
            gone = &mut goose => Err(RunError::Start(match gone {
                Ok(_) => "goose's users left before the plan was done".to_owned(),
                Err(error) => error.to_string(),
            })),
        }
    };
    directed?;
    if director.results.ended == Ended::Complete {
        // Every user has left its transaction: goose notices within half a second.
        let _ = tokio::time::timeout(Duration::from_secs(3), goose).await;
    }
    Ok(director.results)
}

/// The client that all users share: HTTP/1.1, no proxy, no redirects, no second try, connections kept.
fn client(plan: &Plan) -> Result<Client, RunError> {
    Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .tcp_nodelay(true)
        .pool_idle_timeout(None)
        .connect_timeout(plan.timeout)
        .user_agent(concat!("hockeystick-loadgen/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| RunError::Start(error.to_string()))
}

/// goose with one scenario of one transaction, that each user runs once: it lasts for the whole plan.
fn goose(options: &Options, shared: &Arc<Shared>) -> Result<GooseAttack, RunError> {
    let users = options.plan.users.to_string();
    let host = options.host.to_string();
    // No metrics of goose's own: they end at an answer's first byte. No controller: it would listen on a port.
    let flags = [
        "--no-metrics",
        "--no-telnet",
        "--quiet",
        "--iterations",
        "1",
        "--increase-rate",
        "100000",
        "--users",
        &users,
        "--host",
        &host,
    ];
    let start = |error: String| RunError::Start(format!("goose: {error}"));
    let configuration = GooseConfiguration::parse_args_default(&flags).map_err(|error| start(error.to_string()))?;
    let shared = Arc::clone(shared);
    let serve: TransactionFunction = Arc::new(move |user: &mut GooseUser| {
        // goose has set up its logger by now, which would print a line for whatever its libraries say.
        log::set_max_level(log::LevelFilter::Off);
        user.client = shared.client.clone();
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            shared.serve().await;
            Ok(())
        })
    });
    let scenario = Scenario::new("plan").register_transaction(Transaction::new(serve));
    // One client for all: goose would build one for each user, and read the system's certificates each time.
    let attack = GooseAttack::initialize_with_config(configuration)
        .and_then(|attack| attack.set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies()))
        .map_err(|error| start(error.to_string()))?;
    Ok(attack.register_scenario(scenario))
}

/// Leads the users through the plan, and keeps the results.
struct Director<'r> {
    options: &'r Options,
    phase: watch::Sender<Phase>,
    interrupt: &'r Interrupt,
    view: &'r dyn View,
    results: Results,
}

/// How a step came to its end.
enum StepEnd {
    Finished(Box<Step>),
    Interrupted,
    Stopped(String),
}

impl<'r> Director<'r> {
    fn new(options: &'r Options, phase: watch::Sender<Phase>, interrupt: &'r Interrupt, view: &'r dyn View) -> Self {
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

    async fn direct(&mut self, shared: &Shared) -> Result<(), RunError> {
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
            stations,
        })))
    }
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

    fn finish(self) -> (std::collections::BTreeMap<String, hockeystick_core::measurement::BusyTime>, f64) {
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
