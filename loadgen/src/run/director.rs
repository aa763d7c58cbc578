//! Leads the users through the plan, step by step, and keeps the results.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hockeystick_core::doubt::{Law, doubts};
use hockeystick_core::measurement::{Ended, Load, Missed, Part, Results, Step};
use hockeystick_core::schedule::{Arrival as Scheduled, Schedule};
use hockeystick_core::workload::PerClass;
use jiff::Timestamp;
use tokio::sync::watch;

use super::client::Dials;
use super::dates::Dates;
use super::failure::Failure;
use super::guard::{self, Watch};
use super::pulse::{Offered, Second};
use super::readings::{Readings, Used};
use super::record::{Recorder, SLICES, Window};
use super::step::{StepRun, Traffic};
use super::thresholds::Keeper;
use super::user::{Phase, Preparing, SETUPS_AT_ONCE, Shared};
use super::{Interrupt, Options, Progress, RunError, View, beginning};
use crate::plan::{self, Plan, PlannedStep, SetupPer};
use crate::schedule::{self, Arrival};
use crate::shard::Shard;
use crate::slices::{self, Mean, SliceTimes};
use crate::timetable;
use crate::{store, table};

/// Time between two samples of the requests in flight: no divisor of the 100 ms period of Linux's CPU quota, which
/// would make the samples see the same part of each period.
const SAMPLE_EVERY: Duration = Duration::from_millis(7);
/// Time between two looks of the guard rails.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Time for the users to wake before a step's first request.
const STEP_LEAD: Duration = Duration::from_millis(20);
/// Longest time for opening connections.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Time between two looks of the thresholds.
const SECOND: Duration = Duration::from_secs(1);
/// How long results that cannot be written are tried again.
const KEEP_TRYING: Duration = Duration::from_mins(10);
/// Longest sleep until a step begins, so that a clock that is set meanwhile is noticed.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// Leads the users through the plan, and keeps the results.
pub(super) struct Director<'r> {
    options: &'r Options,
    phase: watch::Sender<Phase>,
    interrupt: &'r Interrupt,
    view: &'r dyn View,
    /// Repetitions were of no use: what disturbs the steps does not pass.
    resigned: bool,
    keeper: Keeper<'r>,
    dials: Arc<Dials>,
    pub(super) results: Results,
}

/// How a step came to its end.
enum StepEnd {
    Finished(Box<Step>),
    /// It never began, for its time has passed.
    Passed(String),
    /// It was the run's end, too.
    Run(Ended),
}

/// When a step begins.
struct Moment {
    start: Instant,
    /// The same on the wall.
    wall: Timestamp,
}

impl<'r> Director<'r> {
    pub(super) fn new(
        options: &'r Options,
        phase: watch::Sender<Phase>,
        interrupt: &'r Interrupt,
        view: &'r dyn View,
        dials: Arc<Dials>,
    ) -> Self {
        let results = beginning::results(options);
        let keeper = Keeper::new(&options.plan.thresholds);
        Self { options, phase, interrupt, view, resigned: false, keeper, dials, results }
    }

    pub(super) async fn direct(&mut self, shared: &Shared) -> Result<(), RunError> {
        let steps = &self.options.plan.steps;
        self.miss_what_has_begun();
        let mut ended = Ended::Complete;
        if self.results.reached() < steps.len() {
            ended = self.prepare(shared).await;
        }
        while ended == Ended::Complete {
            let index = self.results.reached();
            let Some(planned) = steps.get(index) else { break };
            self.view.step_begins(index + 1, steps.len(), planned);
            if let Some(metrics) = &self.options.metrics {
                metrics.step_begins(index + 1);
            }
            ended = self.measure(index, planned, shared).await?;
        }
        // No receiver means that goose is gone already.
        let _ = self.phase.send(Phase::Leave);
        if self.results.ended != ended {
            self.results.ended = ended;
            self.keep().await?;
        }
        Ok(())
    }

    /// Leaves out the steps that began before this run did: it has come late to a timetable that others keep, or comes back.
    fn miss_what_has_begun(&mut self) {
        let Some(timetable) = self.options.timetable else { return };
        let now = Timestamp::now();
        let came = if self.options.earlier.is_some() { "it was cut off and went on at" } else { "it was started at" };
        while self.results.reached() < self.options.plan.steps.len() {
            let begins = timetable.begins(&self.options.plan, self.results.reached());
            if begins > now {
                return;
            }
            self.miss(format!("{came} {now:.0}, and the step began at {begins}"));
        }
    }

    /// Goes on without the next step.
    fn miss(&mut self, reason: String) {
        let step = self.results.reached() + 1;
        self.view.step_missed(step, &reason);
        self.results.missed.push(Missed { step, reason });
    }

    /// Measures a step until nothing from outside disturbs what it is for, as often as the options allow. After a step that
    /// stayed disturbed to the last, none is repeated.
    async fn measure(&mut self, index: usize, planned: &PlannedStep, shared: &Shared) -> Result<Ended, RunError> {
        let mut discarded = Vec::new();
        let place = self.results.steps.len();
        loop {
            let mut step = match self.step(index, planned, shared).await? {
                StepEnd::Finished(step) => *step,
                StepEnd::Run(ended) => return Ok(ended),
                StepEnd::Passed(reason) => {
                    self.miss(reason);
                    return Ok(Ended::Complete);
                }
            };
            let doubts = doubts(index, &step);
            let costs = |law: Law| !(self.asks_for_demands(planned) && law.spares_demands());
            let passes = doubts.iter().any(|doubt| costs(doubt.law)) && doubts.iter().all(|doubt| doubt.law.passes());
            let again = passes && !self.resigned && discarded.len() < self.options.repeats as usize;
            self.resigned |= passes && !again && !discarded.is_empty();
            step.discarded.clone_from(&discarded);
            // An earlier measurement of this step has waited for its better.
            self.results.steps.truncate(place);
            step.schedule = step.schedule.filter(|schedule| store::has_room_for(schedule, &self.results.steps));
            self.results.steps.push(step);
            if let Err(invalid) = self.results.check() {
                // No reader would take the file, nor any other step in it.
                self.results.steps.truncate(place);
                self.miss(format!("what was measured makes no sense: {invalid}"));
                self.keep().await?;
                return Ok(Ended::Complete);
            }
            // Said with the last step itself: nothing but a threshold can come between the two.
            if index + 1 == self.options.plan.steps.len() && !again {
                self.results.ended = Ended::Complete;
            }
            self.view.step_ends(index + 1, &self.results.steps[place]);
            self.keep().await?;
            if !again {
                let missed = self.keeper.step(&self.results.steps[place]);
                return Ok(missed.map_or(Ended::Complete, Ended::Missed));
            }
            let reasons: Vec<String> = doubts.into_iter().map(|doubt| doubt.message).collect();
            let reason = reasons.join("; ");
            self.view.step_repeats(index + 1, &reason);
            discarded.push(reason);
        }
    }

    /// Writes the results. A disk that is full may soon have room again, and what was measured is not to be had twice.
    async fn keep(&self) -> Result<(), RunError> {
        let mut since = None;
        loop {
            let Err(error) = store::write_results(&self.options.out, &self.results) else { return Ok(()) };
            if since.is_none() {
                let minutes = KEEP_TRYING.as_secs() / 60;
                self.view
                    .cannot_write(&format!("{error}: make room for it; the run waits {minutes} min, or until Ctrl-C"));
            }
            if since.get_or_insert_with(Instant::now).elapsed() > KEEP_TRYING {
                return Err(error.into());
            }
            tokio::select! {
                _ = self.interrupt.raised() => return Err(error.into()),
                () = tokio::time::sleep(SECOND) => {}
            }
        }
    }

    /// Whether a step is there for the processor time of its classes alone: its mix is its own, so its response times belong to
    /// no curve that is to be predicted.
    fn asks_for_demands(&self, planned: &PlannedStep) -> bool {
        planned.mix.is_some() && !planned.held_out && !self.options.meters.is_empty()
    }

    /// Sends the setups, and has every user open a connection. A host that does not answer is no reason to wait: the first
    /// step will say what is wrong with it. A setup that fails is: what comes after needs it.
    async fn prepare(&self, shared: &Shared) -> Ended {
        let preparing = Arc::new(Preparing::default());
        let (plan, users) = (&self.options.plan, self.options.shard.users(self.options.plan.users));
        let setups_max = setups_max(plan, users) + shared.turns.take(plan.setup_requests(users)) + CONNECT_MAX;
        let connect_max = CONNECT_MAX + shared.turns.take(f64::from(users));
        let all = async {
            let setups = async {
                shared.prepare().await?;
                let _ = self.phase.send(Phase::Prepare(Arc::clone(&preparing)));
                preparing.reaches(users as usize, |preparing| &preparing.set_up).await
            };
            let late = || Err(format!("the setups were not done within {} s", table::number(setups_max.as_secs_f64())));
            tokio::time::timeout(setups_max, setups).await.unwrap_or_else(|_| late())?;
            let connected = preparing.reaches(users as usize, |preparing| &preparing.connected);
            tokio::time::timeout(connect_max, connected).await.unwrap_or(Ok(()))
        };
        tokio::select! {
            prepared = all => prepared.err().map_or(Ended::Complete, Ended::Stopped),
            ended = self.interrupt.raised() => ended,
        }
    }

    async fn step(&mut self, index: usize, planned: &PlannedStep, shared: &Shared) -> Result<StepEnd, RunError> {
        let plan = &self.options.plan;
        let from_ns = plan.warm_up.as_nanos() as u64;
        let window = Window { from_ns, to_ns: from_ns + (planned.seconds * 1e9) as u64 };
        let (traffic, due, schedule) = traffic(plan, self.options.shard, planned, index, window);
        let moment = match self.moment(index).await {
            Ok(moment) => moment,
            Err(end) => return Ok(end),
        };
        let dates = self.options.timetable.is_some().then(|| Dates::new(moment.start, moment.wall.as_nanosecond()));
        let metrics = self.options.metrics.clone();
        let step = Arc::new(StepRun::new(index, moment.start, window, traffic, dates, metrics));
        self.dials.tell(&step);
        self.keeper.begin();
        let window_from = moment.wall + plan.warm_up;
        let window_from = window_from.strftime("%FT%T%.3fZ").to_string();
        let _ = self.phase.send(Phase::Step(Arc::clone(&step)));
        let on_this_machine = guard::is_loopback(&self.options.host);
        let mut readings = Readings::new(&self.options.meters, on_this_machine, window);
        let mut in_flight = [Mean::default(); SLICES];
        if let Some(end) = self.oversee(&step, &mut readings, &mut in_flight).await? {
            return Ok(end);
        }
        step.record_unsent(|arrival| shared.plan.requests[arrival.request as usize].class);
        let Used { stations, busy_by_slice, generator_cpus, neighbours, disturbed } = readings.finish();
        let mut recorder = step.recorder();
        let figures = recorder.finish(due, &disturbed);
        debug_assert_eq!(figures.completed + figures.failed.values().sum::<u64>(), figures.due);
        let parts = if self.options.shard.is_whole() { Vec::new() } else { parts(&recorder, &in_flight) };
        drop(recorder);
        let measured_s = (window.to_ns - window.from_ns) as f64 / 1e9;
        let (rate_per_s, load) = match &planned.load {
            plan::Load::Closed(closed) => (figures.due as f64 / measured_s, Some(Load::Closed(*closed))),
            plan::Load::Open(curve) if curve.is_constant() => (curve.max_per_s(), None),
            plan::Load::Open(curve) => (curve.mean_per_s(), Some(Load::Curve(curve.points().to_vec()))),
        };
        Ok(StepEnd::Finished(Box::new(Step {
            rate_per_s,
            load,
            warm_up_s: plan.warm_up.as_secs_f64(),
            measured_s,
            window_from: Some(window_from),
            held_out: planned.held_out,
            in_flight: slices::whole_mean(&in_flight, &disturbed),
            generator_cpus,
            schedule,
            stations,
            busy_by_slice,
            neighbours,
            parts,
            clock: step.dates.as_ref().and_then(Dates::clock),
            ..figures.step()
        })))
    }

    /// Samples a step while it runs, and watches it; what ends it before its time, if something does.
    async fn oversee(
        &mut self,
        step: &StepRun,
        readings: &mut Readings<'_>,
        in_flight: &mut [Mean; SLICES],
    ) -> Result<Option<StepEnd>, RunError> {
        let end = self.watch(step, readings, in_flight).await;
        step.over.store(true, Ordering::Relaxed);
        if let Some(metrics) = &self.options.metrics {
            metrics.step_ends();
        }
        end
    }

    async fn watch(
        &mut self,
        step: &StepRun,
        readings: &mut Readings<'_>,
        in_flight: &mut [Mean; SLICES],
    ) -> Result<Option<StepEnd>, RunError> {
        let plan = &self.options.plan;
        let mut watch = Watch::new(plan.stop);
        let (mut looked, mut beat) = (step.start, step.start + SECOND);
        let (mut last, mut offered) = (Second::default(), Offered::default());
        let deadline = step.start + Duration::from_nanos(step.window.to_ns) + timetable::longest_answer(plan);
        loop {
            tokio::select! {
                biased;
                ended = self.interrupt.raised() => return Ok(Some(StepEnd::Run(ended))),
                () = tokio::time::sleep(SAMPLE_EVERY) => {}
                () = step.ended.notified() => {}
            }
            let now = Instant::now();
            let now_ns = step.ns(now);
            readings.take(now_ns)?;
            let pending = step.in_flight(now_ns);
            if let Some(slice) = step.window.slice(now_ns) {
                in_flight[slice].add(pending as f64);
            }
            if now >= beat {
                beat = now + SECOND;
                last = step.second();
                // A second that began in the warm-up is no part of the measurement.
                let measured = step.window.holds(now_ns.saturating_sub(SECOND.as_nanos() as u64));
                if let Some(missed) = measured.then(|| self.keeper.second(&last)).flatten() {
                    return Ok(Some(StepEnd::Run(Ended::Missed(missed))));
                }
            }
            if now >= looked + LOOK_EVERY {
                looked = now;
                self.tell(step, now_ns, offered.per_s(now_ns, step.due(now_ns)), &last);
                if let Some(reason) = watch.look(step, now) {
                    return Ok(Some(StepEnd::Run(Ended::Stopped(reason))));
                }
            }
            if step.is_done(now_ns) || now > deadline {
                return Ok(None);
            }
        }
    }

    /// Tells the view and the metrics how a step goes.
    fn tell(&self, step: &StepRun, now_ns: u64, offered_per_s: f64, last: &Second) {
        let progress = Progress { offered_per_s, ..progress(step, now_ns, last) };
        if let Some(metrics) = &self.options.metrics {
            metrics.progress(&progress);
        }
        self.view.progress(&progress);
    }

    /// When a step begins: shortly, or at its place in the timetable, for which this waits.
    async fn moment(&self, index: usize) -> Result<Moment, StepEnd> {
        let Some(timetable) = &self.options.timetable else {
            return Ok(Moment { start: Instant::now() + STEP_LEAD, wall: Timestamp::now() + STEP_LEAD });
        };
        let wall = timetable.begins(&self.options.plan, index);
        loop {
            self.view.waits(index + 1, wall);
            let left = timetable::instant(wall).map(|start| (start, start.saturating_duration_since(Instant::now())));
            match left {
                Some((_, left)) if left > STEP_LEAD => {
                    tokio::select! {
                        ended = self.interrupt.raised() => return Err(StepEnd::Run(ended)),
                        () = tokio::time::sleep((left - STEP_LEAD).min(WAIT_MAX)) => {}
                    }
                }
                Some((start, _)) => return Ok(Moment { start, wall }),
                None => return Err(StepEnd::Passed(late(wall))),
            }
        }
    }
}

/// The longest that the setups may take when each is answered within the plan's timeout.
fn setups_max(plan: &Plan, users: u32) -> Duration {
    let of = |per: SetupPer| plan.setups.iter().filter(|setup| setup.per == per).count() as u32;
    plan.timeout * (of(SetupPer::Run) + of(SetupPer::User) * users.div_ceil(SETUPS_AT_ONCE as u32))
}

fn late(wall: Timestamp) -> String {
    let late_s = Timestamp::now().duration_since(wall).as_secs_f64();
    format!(
        "it was to begin at {wall}, and what comes before (setups, connections, drawing the schedule, the step before) took \
         {} s longer: give a later --start-at, or a faster machine",
        table::number(late_s)
    )
}

/// What the slices of a shard need to be merged.
fn parts(recorder: &Recorder, in_flight: &[Mean]) -> Vec<Part> {
    let parts = recorder.slices().iter().zip(in_flight);
    let part = |(times, in_flight): (&SliceTimes, &Mean)| Part {
        lag: times.lag.distribution(),
        response: times.response.distribution(),
        in_flight: in_flight.value(),
    };
    parts.map(part).collect()
}

/// What a step sends: in an open loop also how much of each class is due in the window, and the schedule for the results
/// file.
fn traffic(
    plan: &Plan,
    shard: Shard,
    planned: &PlannedStep,
    index: usize,
    window: Window,
) -> (Traffic, Option<PerClass<u64>>, Option<String>) {
    match &planned.load {
        plan::Load::Open(_) => {
            let mut arrivals = schedule::arrivals(plan, planned, index);
            shard.keep(plan, index, &mut arrivals);
            let (due, schedule) = (due_by_class(plan, &arrivals, window), written(plan, &arrivals));
            (Traffic::Open(arrivals), Some(due), schedule)
        }
        plan::Load::Closed(closed) => (Traffic::Closed(*closed), None, None),
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

fn progress(step: &StepRun, now_ns: u64, last: &Second) -> Progress {
    let live = step.live();
    Progress {
        elapsed_s: now_ns as f64 / 1e9,
        completed: live.completed,
        failed: live.failed,
        failures: Failure::ALL.into_iter().zip(live.failures).filter(|(_, count)| *count > 0).collect(),
        exhausted: live.exhausted,
        in_flight: step.in_flight(now_ns),
        offered_per_s: 0.0,
        answers_per_s: last.answers_per_s(),
        percentiles_ms: [0.5, 0.95, 0.99].map(|quantile| last.quantile_ms(quantile)),
        lag_ms: [0.5, 0.99].map(|quantile| last.lag_ms(quantile)),
        errors: last.errors(),
    }
}
