//! `loadgen run`: a plan against a deployment, measured.
//!
//! - [`guard`]: what may be loaded, and when to stop. [`busy`]: processor time of the deployment. `neighbours`: of others.
//! - `director`: the plan, step by step, from the `beginning`: nothing, or an earlier run's file. `user`: one goose user. `pace`: waiting to the microsecond. [`processors`]: where it waits. `client`: connections.
//!   `exchange`: one request and its answer. `cookies`: what a user keeps of it. `dates`: the deployment's clock in it.
//!   `failure`: kinds of error. `turns`: what comes before the first step, one after the other.
//! - `step`: a step while it runs. `record`: its figures. `pulse`: its last second, for views and `thresholds`.
//!   `readings`: processor time meanwhile. `metrics`: what Prometheus is told.
//!
//! The way of one step: its schedule is made, the users are told, a task beside them samples and watches, and when the
//! last answer is in, the step is on the disk before the next begins. A step that was disturbed may be repeated; until its
//! better is there, it stays.

mod beginning;
pub mod busy;
mod client;
mod cookies;
mod dates;
mod director;
mod exchange;
mod failure;
pub mod guard;
mod metrics;
mod neighbours;
mod pace;
pub mod processors;
mod pulse;
mod readings;
pub(crate) mod record;
mod step;
mod thresholds;
mod turns;
mod user;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use hockeystick_core::measurement::{Ended, Results, Step};
use jiff::Timestamp;
use reqwest::Url;
use tokio::sync::{Notify, Semaphore, watch};

pub use beginning::{Unresumable, resumable};
pub use failure::Failure;
pub use metrics::Metrics;

use self::busy::{Meter, MeterError};
use self::client::Dials;
use self::director::Director;
use self::turns::Turns;
use self::user::{Phase, SETUPS_AT_ONCE, Shared};
use crate::plan::{Plan, PlannedStep};
use crate::shard::Shard;
use crate::store::{self, StoreError};
use crate::timetable::Timetable;

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
    /// Which share of the plan's requests to send.
    pub shard: Shard,
    /// When each step begins; without it as soon as the one before is done.
    pub timetable: Option<Timetable>,
    /// How often a step is repeated whose measurement something from outside disturbed.
    pub repeats: u32,
    /// Most requests a second before the first step, of all shards together; infinite where nothing says.
    pub rate_max_per_s: f64,
    /// Where to count what Prometheus asks for, if it does.
    pub metrics: Option<Arc<Metrics>>,
    /// What an earlier run of this plan has measured: this one goes on after its last step. See [`resumable`].
    pub earlier: Option<Results>,
}

/// A request to end the run, from Ctrl-C, from another shard, or from a test.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Raised>);

#[derive(Debug, Default)]
struct Raised {
    is: AtomicBool,
    notify: Notify,
    /// Why all shards are to end.
    of_all: OnceLock<String>,
}

impl Interrupt {
    /// Ends the run; what is finished is kept.
    pub fn raise(&self) {
        self.0.is.store(true, Ordering::SeqCst);
        self.0.notify.notify_one();
    }

    /// The same because all shards of the plan are to end, for this reason.
    pub fn follow(&self, reason: String) {
        // The first reason is the one that counts.
        let _ = self.0.of_all.set(reason);
        self.raise();
    }

    /// Whether the run was asked to end.
    pub fn is_raised(&self) -> bool {
        self.0.is.load(Ordering::SeqCst)
    }

    async fn raised(&self) -> Ended {
        while !self.is_raised() {
            self.0.notify.notified().await;
        }
        self.0.of_all.get().map_or(Ended::Interrupted, |reason| Ended::Followed(reason.clone()))
    }
}

/// Hears how a run goes, on the thread that sends: whatever takes time belongs on another, as
/// [`Apart`](crate::view::Apart) does it.
pub trait View: Send + Sync {
    /// A step waits for its time to begin; said now and then until it does.
    fn waits(&self, number: usize, until: Timestamp) {
        let _ = (number, until);
    }
    /// A step begins; the first is 1.
    fn step_begins(&self, number: usize, of: usize, step: &PlannedStep);
    /// A step runs; seconds are its own.
    fn progress(&self, progress: &Progress);
    /// A step is over; it is on the disk before the next begins.
    fn step_ends(&self, number: usize, step: &Step);
    /// The step that has ended is measured again, for this reason.
    fn step_repeats(&self, number: usize, reason: &str);
    /// A step is left out, for its time has passed; see [`Results::missed`].
    fn step_missed(&self, number: usize, reason: &str) {
        let _ = (number, reason);
    }
    /// The results cannot be written, for this reason; it is tried again.
    fn cannot_write(&self, reason: &str) {
        let _ = reason;
    }
    /// The run is over. What the results file says of its end; of one that could not go on, that it still runs.
    fn ends(&self, ended: &Ended) {
        let _ = ended;
    }
}

/// How far a step is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Seconds since the step began.
    pub elapsed_s: f64,
    /// Requests answered as expected.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// The same, by kind, without the kinds that did not come up.
    pub failures: Vec<(Failure, u64)>,
    /// Requests that found every user busy when they were due.
    pub exhausted: u64,
    /// Requests due and not yet answered.
    pub in_flight: u64,
    /// Requests a second that became due, over the last second.
    pub offered_per_s: f64,
    /// Answers a second, over the last second.
    pub answers_per_s: f64,
    /// Median, 95th and 99th percentile of the response time over the last second, in milliseconds.
    pub percentiles_ms: [Option<f64>; 3],
    /// Median and 99th percentile of the generator's own lag over the last second, in milliseconds.
    pub lag_ms: [Option<f64>; 2],
    /// Share of requests that failed, over the last second.
    pub errors: Option<f64>,
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

/// Runs a plan. Blocks until it is done, stopped or interrupted; the results say which.
///
/// # Errors
/// When it cannot start, or cannot write or read what it must. Steps that were finished before are in the file.
pub fn run(options: Options, interrupt: &Interrupt, view: &dyn View) -> Result<Results, RunError> {
    for meter in &options.meters {
        meter.read()?;
    }
    open_more_files();
    let runtime = runtime(options.threads)?;
    let result = runtime.block_on(attack(options, interrupt, view));
    // Users of an interrupted run may still wait for answers that nobody needs.
    runtime.shutdown_background();
    result
}

/// Lets this process open as many files as it may, for each user has a connection: many systems begin with 1024.
fn open_more_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, requests will fail and say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
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
    let dials = Arc::new(Dials::default());
    let shared = Arc::new(Shared {
        plan: options.plan.clone(),
        shard: options.shard,
        reads_dates: options.timetable.is_some(),
        base: options.host.clone(),
        client: client::build(&options.plan, &dials)?,
        phase: receiver,
        common: OnceLock::new(),
        setups: Semaphore::new(SETUPS_AT_ONCE),
        turns: Turns::new(options.rate_max_per_s / f64::from(options.shard.of())),
        users: AtomicU32::new(0),
    });
    let goose = goose(&options, &shared)?;
    let mut director = Director::new(&options, phase, interrupt, view, dials);
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
    view.ends(&director.results.ended);
    directed?;
    if director.results.ended == Ended::Complete {
        // Every user has left its transaction: goose notices within half a second.
        let _ = tokio::time::timeout(Duration::from_secs(3), goose).await;
    }
    Ok(director.results)
}

/// goose with one scenario of one transaction, that each user runs once: it lasts for the whole plan.
fn goose(options: &Options, shared: &Arc<Shared>) -> Result<GooseAttack, RunError> {
    let users = options.shard.users(options.plan.users).to_string();
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
