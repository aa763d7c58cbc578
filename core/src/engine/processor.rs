//! A processor-sharing station: a machine's processors, shared equally by everything that runs, under a quota.

use super::calls::CallId;
use super::jobs::{Job, Jobs};
use crate::units::{Nanos, to_f64, whole_ns};

/// What happened at a processor's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// This work is done.
    Done(CallId),
    /// The quota was spent or filled.
    Quota,
}

/// How much jobs that run at the same time get in one another's way: the Universal Scalability Law.
///
/// With n jobs at work, the useful work is n / (1 + σ (n − 1) + κ n (n − 1)) of one processor's (Gunther, *Guerrilla
/// Capacity Planning*, 2007, eq. 6.1). Contention for what only one may have acts among the jobs that run, so among at
/// most as many as there are processors; the exchange of what one changed and others hold goes on among all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Crosstalk {
    /// σ, contention: the serial share of the work.
    pub contention: f64,
    /// κ, coherency: the cost of each pair.
    pub coherency: f64,
}

impl Crosstalk {
    /// Share of the processors' work that is useful, with so many jobs of which so many run.
    pub(crate) fn efficiency(&self, jobs: f64, running: f64) -> f64 {
        1.0 / (1.0 + self.contention * (running - 1.0).max(0.0) + self.coherency * jobs * (jobs - 1.0).max(0.0))
    }
}

/// Egalitarian processor sharing by *virtual time*: the service that one always-present job would have had so far.
///
/// All jobs gain service at the same speed, so a job is done when virtual time has grown by its demand since it came;
/// the next departure is the top of a heap, whatever the number of jobs. The quota is a bucket of processor time that is
/// filled once a period and drained by running work; an empty bucket stops everything until the next period.
///
/// What every event needs comes first, in a few lines of a real processor's cache.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Processor {
    /// By the number of jobs.
    paces: Box<[Pace; PACES]>,
    virtual_ns: f64,
    updated: Nanos,
    busy_ns: f64,
    /// Processor time granted a period, and the period, both in nanoseconds.
    quota: Option<(f64, Nanos)>,
    work: Jobs,
    bucket_ns: f64,
    /// The end of the current period.
    refill: Nanos,
    throttled_ns: f64,
    /// The pace of the present number of jobs, where it is beyond those above.
    crowded: Pace,
    cpus: f64,
    speed: f64,
    crosstalk: Crosstalk,
}

/// How fast a number of jobs is worked off.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Service that each job gains in a nanosecond, and nanoseconds in which each gains one.
    service: f64,
    slowness: f64,
    /// Processors that work.
    active: f64,
}

/// Numbers of jobs whose pace is looked up instead of worked out.
const PACES: usize = 64;

/// Processor time closer than this to nothing is nothing: half a nanosecond.
const EMPTY_NS: f64 = 0.5;

impl Processor {
    pub(super) fn new(cpus: f64, speed: f64, quota: Option<(f64, Nanos)>) -> Self {
        let mut processor = Self {
            cpus,
            speed,
            crosstalk: Crosstalk::default(),
            paces: Box::new([Pace::default(); PACES]),
            crowded: Pace::default(),
            quota: None,
            work: Jobs::default(),
            virtual_ns: 0.0,
            updated: 0,
            bucket_ns: 0.0,
            refill: 0,
            busy_ns: 0.0,
            throttled_ns: 0.0,
        };
        processor.resize(0, cpus, speed, quota);
        processor
    }

    /// Changes the machine under the work that runs on it. `quota` is in processors.
    pub(super) fn resize(&mut self, now: Nanos, cpus: f64, speed: f64, quota: Option<(f64, Nanos)>) {
        self.advance(now);
        (self.cpus, self.speed) = (cpus, speed);
        self.work_out_paces();
        // A quota of all processors is no limit.
        let quota = quota.filter(|(limit, _)| *limit < cpus).map(|(limit, period)| (limit * period as f64, period));
        if quota != self.quota {
            self.quota = quota;
            self.refill = 0;
            self.fill(now);
        }
    }

    /// Changes how much jobs get in one another's way.
    pub(super) fn set_crosstalk(&mut self, now: Nanos, crosstalk: Crosstalk) {
        self.advance(now);
        self.crosstalk = crosstalk;
        self.work_out_paces();
    }

    /// Whether there is neither a quota nor a crowd of jobs: the common case, for which the methods that run at every
    /// event are compiled a second time, as `PLAIN`, without what only the others need.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.quota.is_none() && self.work.are_few()
    }

    /// How fast the present jobs are worked off. Looked up, it costs neither a division nor a branch that nobody can
    /// predict.
    #[inline]
    fn pace<const PLAIN: bool>(&self) -> &Pace {
        let jobs = self.work.len();
        if PLAIN { &self.paces[jobs % PACES] } else { self.paces.get(jobs).unwrap_or(&self.crowded) }
    }

    /// Keeps up with a changed number of jobs.
    fn follow(&mut self) {
        if self.work.len() >= PACES {
            self.crowded = self.pace_of(self.work.len());
        }
    }

    #[inline(never)]
    fn pace_of(&self, jobs: usize) -> Pace {
        let present = f64::from(jobs as u32);
        let jobs = f64::from(jobs.max(1) as u32);
        let running = jobs.min(self.cpus);
        let service = self.speed * self.crosstalk.efficiency(jobs, running) * running / jobs;
        Pace { service, slowness: 1.0 / service, active: present.min(self.cpus) }
    }

    fn work_out_paces(&mut self) {
        *self.paces = std::array::from_fn(|jobs| self.pace_of(jobs));
        self.follow();
    }

    /// Jobs that are running, or stopped by the quota.
    pub fn jobs(&self) -> usize {
        self.work.len()
    }

    // Whoever looks changes nothing: time that passed in two steps instead of one would be rounded twice, and the run
    // would go another way.

    /// Processor time used until now, in processor-nanoseconds. No event of this processor lies between.
    pub fn busy_ns(&self, now: Nanos) -> f64 {
        let works = !self.work.is_empty() && !self.throttled();
        self.busy_ns + if works { to_f64(now - self.updated) * self.pace::<false>().active } else { 0.0 }
    }

    /// Time until now in which the quota held work back, in nanoseconds. No event of this processor lies between.
    pub fn throttled_ns(&self, now: Nanos) -> f64 {
        self.throttled_ns + if self.throttled() { to_f64(now - self.updated) } else { 0.0 }
    }

    /// Whether the quota holds work back now.
    pub fn throttled(&self) -> bool {
        self.quota.is_some() && self.bucket_ns <= EMPTY_NS && !self.work.is_empty()
    }

    /// Fills the bucket when a period has ended.
    fn fill(&mut self, now: Nanos) {
        if let Some((grant_ns, period)) = self.quota
            && now >= self.refill
        {
            self.bucket_ns = grant_ns;
            self.refill = (now / period + 1) * period;
        }
    }

    /// Lets time pass until `now`. No event of this processor lies between.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.pass::<false>(now);
    }

    #[inline]
    fn pass<const PLAIN: bool>(&mut self, now: Nanos) {
        let elapsed = to_f64(now - self.updated);
        self.updated = now;
        if self.work.is_empty() {
            return;
        }
        let Pace { service, active, .. } = *self.pace::<PLAIN>();
        if !PLAIN && self.quota.is_some() && self.drain(elapsed, active) {
            return;
        }
        self.virtual_ns += elapsed * service;
        self.busy_ns += elapsed * active;
    }

    /// Lets time pass for the bucket. True when it was empty, and nothing ran.
    fn drain(&mut self, elapsed: f64, active: f64) -> bool {
        let throttled = self.throttled();
        if throttled {
            self.throttled_ns += elapsed;
        } else {
            self.bucket_ns -= elapsed * active;
        }
        throttled
    }

    /// Adds work of `demand_ns` processor-nanoseconds at speed one.
    #[inline]
    pub(super) fn add<const PLAIN: bool>(&mut self, now: Nanos, call: CallId, demand_ns: f64) {
        self.pass::<PLAIN>(now);
        if self.work.is_empty() {
            // Virtual time may start anew: sums stay small, and so do their rounding errors.
            self.virtual_ns = 0.0;
        }
        if !PLAIN {
            self.fill(now);
        }
        let finish_bits = (self.virtual_ns + demand_ns).to_bits();
        if PLAIN {
            self.work.insert(Job { finish_bits, call });
        } else {
            self.work.push(Job { finish_bits, call });
            self.follow();
        }
    }

    /// When this processor acts next.
    #[inline]
    pub(super) fn next<const PLAIN: bool>(&self) -> Option<Nanos> {
        let first = self.work.first()?;
        let Pace { slowness, active, .. } = *self.pace::<PLAIN>();
        let left_ns = f64::from_bits(first.finish_bits) - self.virtual_ns;
        // Not `f64::max`: that is a call in WebAssembly.
        let left_ns = if left_ns > 0.0 { left_ns } else { 0.0 };
        let done = after(self.updated, left_ns * slowness);
        Some(if PLAIN || self.quota.is_none() { done } else { self.next_of_quota(done, active) })
    }

    /// When this processor acts next, if it could not run out of its quota before it is done.
    fn next_of_quota(&self, done: Nanos, active: f64) -> Nanos {
        if self.throttled() {
            return self.refill;
        }
        let empty = after(self.updated, self.bucket_ns / active);
        done.min(empty).min(self.refill)
    }

    /// Acts at the instant that [`next`](Self::next) gave.
    #[inline]
    pub(super) fn fire(&mut self, now: Nanos) -> Fired {
        if self.is_plain() { self.act::<true>(now) } else { self.act_in_general(now) }
    }

    #[inline(never)]
    fn act_in_general(&mut self, now: Nanos) -> Fired {
        self.act::<false>(now)
    }

    #[inline]
    fn act<const PLAIN: bool>(&mut self, now: Nanos) -> Fired {
        self.pass::<PLAIN>(now);
        if let Some(first) = self.work.first().copied()
            && (PLAIN || !self.throttled())
            // The ceiling above makes the last step up to a nanosecond too long, never too short; the slack is for
            // the rounding of virtual time.
            && f64::from_bits(first.finish_bits) <= self.virtual_ns + 1e-3
        {
            self.work.pop();
            if !PLAIN {
                self.follow();
                self.fill(now);
            }
            return Fired::Done(first.call);
        }
        self.fill(now);
        Fired::Quota
    }

    /// Takes work away that will not be finished. False when there is none of it.
    pub(super) fn remove(&mut self, now: Nanos, goes: impl Fn(CallId) -> bool) -> bool {
        let any = self.work.iter().any(&goes);
        if any {
            self.advance(now);
            self.work.remove(goes);
            self.follow();
        }
        any
    }
}

/// So many nanoseconds after an instant, not a negative number of them, rounded up to a whole one.
///
/// Adding 2^52 to a float below it leaves the nearest whole number in the float's lower bits. That is a third of the
/// instructions of a cast, which must look after numbers that are too large and after what is no number, and none of
/// it is the call that `f64::ceil` is on processors without an instruction for it.
#[inline]
fn after(at: Nanos, ns: f64) -> Nanos {
    const SHIFT: f64 = (1_u64 << 52) as f64;
    if ns < SHIFT {
        let shifted = ns + SHIFT;
        at + (shifted.to_bits() - SHIFT.to_bits()) + Nanos::from(shifted - SHIFT < ns)
    } else {
        at.saturating_add(whole_ns(ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::calls::Calls;
    use crate::workload::Class;
    use proptest::prelude::*;

    /// Finishing times by the processor's own events.
    fn by_events(mut processor: Processor, arrivals: &[(Nanos, f64)]) -> Vec<Nanos> {
        let mut calls = Calls::default();
        let ids: Vec<CallId> = arrivals.iter().map(|_| calls.add(0, Class::Read, CallId::NONE, 0, 0, 0).0).collect();
        let mut finished = vec![0; arrivals.len()];
        let mut coming = arrivals.iter().zip(&ids).peekable();
        loop {
            let arrival = coming.peek().map(|((at, _), _)| *at);
            match (arrival, processor.next::<false>()) {
                (Some(at), next) if next.is_none_or(|next| at <= next) => {
                    if let Some(((at, demand_ns), id)) = coming.next() {
                        processor.add::<false>(*at, *id, *demand_ns);
                    }
                }
                (_, Some(next)) => {
                    if let Fired::Done(call) = processor.fire(next) {
                        finished[ids.iter().position(|id| *id == call).unwrap()] = next;
                    }
                }
                _ => return finished,
            }
        }
    }

    /// The same by brute force: small steps of equal shares.
    fn by_steps(cpus: f64, speed: f64, quota: Option<(f64, Nanos)>, arrivals: &[(Nanos, f64)]) -> Vec<Nanos> {
        const STEP: Nanos = 1_000;
        let mut left: Vec<f64> = arrivals.iter().map(|(_, demand_ns)| *demand_ns).collect();
        let mut finished = vec![0; arrivals.len()];
        let (mut now, mut bucket) = (0, 0.0);
        while finished.contains(&0) {
            if let Some((limit, period)) = quota
                && now % period == 0
            {
                bucket = limit * period as f64;
            }
            let present = |i: usize, left: &[f64]| arrivals[i].0 <= now && left[i] > 0.0;
            let jobs = (0..left.len()).filter(|i| present(*i, &left)).count() as f64;
            let active = jobs.min(cpus);
            let runs = quota.is_none() || bucket > 0.0;
            for i in 0..left.len() {
                if runs && present(i, &left) {
                    left[i] -= STEP as f64 * speed * active / jobs;
                    if left[i] <= 0.0 {
                        finished[i] = now + STEP;
                    }
                }
            }
            if runs {
                bucket -= STEP as f64 * active;
            }
            now += STEP;
        }
        finished
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn events_agree_with_small_steps(
            cpus in 1_u32..4,
            speed in prop::sample::select(vec![0.5, 1.0, 2.0]),
            limit in prop::option::of(0.2..1.5_f64),
            jobs in prop::collection::vec((0_u64..40, 1_u64..30), 1..8),
        ) {
            let quota = limit.map(|limit| (limit, 10_000_000)).filter(|(limit, _)| *limit < f64::from(cpus));
            let mut arrivals: Vec<(Nanos, f64)> =
                jobs.iter().map(|(at_ms, demand_ms)| (at_ms * 1_000_000, *demand_ms as f64 * 1e6)).collect();
            arrivals.sort_by_key(|(at, _)| *at);
            let events = by_events(Processor::new(f64::from(cpus), speed, quota), &arrivals);
            let steps = by_steps(f64::from(cpus), speed, quota, &arrivals);
            for (event, step) in events.iter().zip(&steps) {
                // A step is 1 us; each of up to eight departures and each period's end may be off by one. A job that
                // ends just before the bucket is empty in one and just after in the other waits for the next period.
                let off = event.abs_diff(*step);
                prop_assert!(off < 60_000 || (quota.is_some() && off < 10_000_000), "{events:?} {steps:?}");
            }
        }
    }

    #[test]
    fn work_within_the_quota_runs_at_full_speed_and_the_rest_waits() {
        // 2.5 ms of every 10: the first job of 2 ms is not slowed, the second runs out of quota after 0.5 ms.
        let processor = Processor::new(1.0, 1.0, Some((0.25, 10_000_000)));
        assert_eq!(by_events(processor, &[(0, 2e6), (3_000_000, 1e6)]), [2_000_000, 10_500_000]);
    }
}
