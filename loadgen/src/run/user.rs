//! One goose user: takes the next request that is due, waits for its moment, sends it, reads the whole answer.
//!
//! goose itself only knows closed loops, where a user sends when its last answer came. So a goose user runs a single
//! transaction, which lasts for the whole plan, and all users take their requests from one shared schedule. In a closed
//! step each user makes its own, from what it thinks and when it was answered.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hockeystick_core::engine::random::{Exponential, Stream};
use hockeystick_core::engine::sampler::Sampler;
use hockeystick_core::workload::Closed;
use reqwest::{Client, Request, Url};
use tokio::sync::{Notify, Semaphore, watch};

use super::cookies::Cookies;
use super::dates::Dated;
use super::exchange::{Failed, SetCookie};
use super::failure::Failure;
use super::pace;
use super::record::Sample;
use super::step::{StepRun, Traffic};
use super::turns::Turns;
use crate::plan::{Extracted, Message, Plan, PlannedRequest, SetupPer};
use crate::schedule::Chooser;
use crate::shard::Shard;

/// Setups that are sent at the same time: logging in is costly on purpose, and is no part of the measurement.
pub(super) const SETUPS_AT_ONCE: usize = 8;

/// What all users do next.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Wait.
    Wait,
    /// Do what comes before the steps.
    Prepare(Arc<Preparing>),
    /// Send this step's requests.
    Step(Arc<StepRun>),
    /// Leave.
    Leave,
}

/// What comes before the first step.
#[derive(Debug, Default)]
pub(super) struct Preparing {
    /// Users whose setups are done.
    pub(super) set_up: AtomicUsize,
    /// Users who have a connection as well.
    pub(super) connected: AtomicUsize,
    changed: Notify,
    /// Why it cannot be done.
    failed: Mutex<Option<String>>,
}

impl Preparing {
    /// Waits until one of the counts has come to so many users.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) async fn reaches(&self, users: usize, count: impl Fn(&Self) -> &AtomicUsize) -> Result<(), String> {
        loop {
            if let Some(reason) = self.failed() {
                return Err(reason);
            }
            if count(self).load(Ordering::Relaxed) >= users {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }

    fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first reason is the one that counts.
    fn fail(&self, reason: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.changed.notify_one();
    }

    fn one_more(&self, count: &AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

/// What every user shares for the whole run.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) shard: Shard,
    /// Whether to look at the dates of answers.
    pub(super) reads_dates: bool,
    pub(super) base: Url,
    pub(super) client: Client,
    pub(super) phase: watch::Receiver<Phase>,
    /// What the setups of the run gave to every user: texts, and cookies.
    pub(super) common: OnceLock<(Extracted, Vec<SetCookie>)>,
    pub(super) setups: Semaphore,
    /// Of setups and of connections.
    pub(super) turns: Turns,
    /// Users who have begun.
    pub(super) users: AtomicU32,
}

/// One user.
#[derive(Debug)]
pub(super) struct User<'s> {
    pub(super) shared: &'s Shared,
    /// Its number among the users of all shards, counted from 0.
    pub(super) number: u64,
    pub(super) extracted: Extracted,
    /// Its cookies, where the plan has users keep them.
    pub(super) cookies: Option<Cookies>,
    /// The time that its last answer said.
    pub(super) dated: Option<Dated>,
}

impl Shared {
    /// A user's whole life.
    pub(super) async fn serve(&self) {
        let number = self.shard.user(self.users.fetch_add(1, Ordering::Relaxed));
        let mut user = User::new(self, number);
        let mut phase = self.phase.clone();
        loop {
            let now = phase.borrow_and_update().clone();
            match now {
                Phase::Wait => {}
                Phase::Prepare(preparing) => user.prepare(&preparing).await,
                Phase::Step(step) => match &step.traffic {
                    Traffic::Open(_) => user.send_due(&step).await,
                    Traffic::Closed(closed) => user.send_in_turn(&step, *closed).await,
                },
                Phase::Leave => return,
            }
            if phase.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends the setups that are the run's, and keeps what they gave.
    pub(super) async fn prepare(&self) -> Result<(), String> {
        let mut user = User::new(self, 0);
        let mut cookies = Vec::new();
        user.set_up(SetupPer::Run, &mut cookies).await?;
        // Set once a run, by its director alone.
        let _ = self.common.set((user.extracted, cookies));
        Ok(())
    }
}

impl<'s> User<'s> {
    fn new(shared: &'s Shared, number: u64) -> Self {
        let extracted = vec![None; shared.plan.names.extracted_count()];
        Self { shared, number, extracted, cookies: shared.plan.cookies.then(Cookies::default), dated: None }
    }

    /// Takes what the run's setups gave, sends the user's own, and opens a connection.
    async fn prepare(&mut self, preparing: &Preparing) {
        if let Some((extracted, cookies)) = self.shared.common.get() {
            self.extracted.clone_from(extracted);
            for (url, cookie) in cookies {
                self.keep_cookies(std::iter::once(cookie), url);
            }
        }
        let result = match self.shared.setups.acquire().await {
            // A log-in that fails for one fails for all, and may lock their accounts.
            Ok(_permit) if preparing.failed().is_some() => return,
            Ok(_permit) => self.set_up(SetupPer::User, &mut Vec::new()).await,
            Err(_) => Ok(()),
        };
        if let Err(reason) = result {
            return preparing.fail(format!("{reason}, for user {}", self.number + 1));
        }
        preparing.one_more(&preparing.set_up);
        self.connect().await;
        preparing.one_more(&preparing.connected);
    }

    async fn set_up(&mut self, per: SetupPer, cookies: &mut Vec<SetCookie>) -> Result<(), String> {
        let shared = self.shared;
        for (index, setup) in shared.plan.setups.iter().enumerate().filter(|(_, setup)| setup.per == per) {
            let values = Stream::new(shared.plan.seed, "values", &format!("setup {index}"));
            let request = self.request(&setup.message, &values, self.number);
            shared.turns.wait().await;
            let answered = self.exchange_in_time(&setup.message, request, Some(&mut *cookies)).await;
            answered.map_err(|failed| format!("setup {} ({}) failed: {failed}", index + 1, setup.message.method))?;
        }
        Ok(())
    }

    /// Sends the plan's first GET, if it has one, so that the connection stands before the first step. The answer does
    /// not matter here: what is wrong with it, the steps will tell.
    async fn connect(&mut self) {
        let plan = &self.shared.plan;
        let Some(planned) = plan.connecting() else { return };
        if let Ok(request) = self.request(&planned.message, &Stream::new(plan.seed, "connect", "values"), 0) {
            let patience = plan.timeout.min(Duration::from_secs(5));
            self.shared.turns.wait().await;
            let _ = tokio::time::timeout(patience, self.exchange(&planned.message, request, None)).await;
        }
    }

    /// An open loop: takes arrivals from the common schedule until there are none.
    async fn send_due(&mut self, step: &StepRun) {
        let shared = self.shared;
        let values = Stream::new(shared.plan.seed, "values", &format!("step {}", step.index));
        while let Some(arrival) = step.take() {
            let due = step.start + Duration::from_nanos(arrival.due_ns);
            let exhausted = Instant::now() > due;
            let planned = &shared.plan.requests[arrival.request as usize];
            // Made before it is due, so that making it delays nothing.
            let request = self.request(&planned.message, &values, u64::from(arrival.number));
            if !pace::until(due, &step.over).await {
                return;
            }
            self.send(step, planned, request, arrival.due_ns, exhausted).await;
        }
    }

    /// A closed loop: thinks, sends, waits for the answer, until the window is over.
    async fn send_in_turn(&mut self, step: &StepRun, closed: Closed) {
        if self.number >= u64::from(closed.users) {
            return;
        }
        let shared = self.shared;
        let plan = &shared.plan;
        let chooser = Chooser::new(plan, &plan.steps[step.index]);
        let (think, exponential) = (Sampler::new(&closed.think), Exponential::new());
        let purpose = format!("step {} user {}", step.index, self.number);
        let stream = |what| Stream::new(plan.seed, what, &purpose);
        let (thoughts, choices, values) = (stream("think"), stream("requests"), stream("values"));
        let mut from = step.start;
        for number in 0_u64.. {
            let mut draw = thoughts.draw(number);
            let mut think_ns = think.sample(&exponential, &mut draw);
            if number == 0 {
                // Users who began together would go on together.
                think_ns *= draw.uniform();
            }
            let due = from + Duration::from_nanos(think_ns as u64);
            let due_ns = step.ns(due);
            if due_ns >= step.window.to_ns {
                return;
            }
            let planned = &plan.requests[chooser.choose(choices.draw(number).uniform()) as usize];
            let request = self.request(&planned.message, &values, number);
            if !pace::until(due, &step.over).await {
                return;
            }
            step.begin(planned.class, due_ns);
            self.send(step, planned, request, due_ns, false).await;
            from = Instant::now();
        }
    }

    /// An exchange that is given up after the plan's timeout.
    async fn exchange_in_time(
        &mut self,
        message: &Message,
        request: Result<Request, Failed>,
        cookies: Option<&mut Vec<SetCookie>>,
    ) -> Result<(), Failed> {
        let timeout = self.shared.plan.timeout;
        let exchange = self.exchange(message, request?, cookies);
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Failure::Timeout.into()))
    }

    async fn send(
        &mut self,
        step: &StepRun,
        planned: &PlannedRequest,
        request: Result<Request, Failed>,
        due_ns: u64,
        exhausted: bool,
    ) {
        self.dated = None;
        let sent = Instant::now();
        let result = self.exchange_in_time(&planned.message, request, None).await;
        if let Some((dates, dated)) = step.dates.as_ref().zip(self.dated) {
            dates.see(dated, sent);
        }
        if let Err(Failed { kind: Failure::Status, status: Some(status) }) = result {
            step.saw_status(status);
        }
        step.record(&Sample {
            class: planned.class,
            due_ns,
            sent_ns: step.ns(sent),
            done_ns: step.ns(Instant::now()),
            exhausted,
            result: result.map_err(|failed| failed.kind),
        });
    }
}
