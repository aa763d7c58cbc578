//! How a request goes through the steps of its program: what each calls, and what comes of it.

use super::{Settings, State};
use crate::component::CHECK;
use crate::component::outbound::{Retry, Service};
use crate::component::program::{Step, What};
use crate::component::sessions::Keeping;
use crate::engine::Engine;
use crate::engine::calls::{Call, CallId};
use crate::engine::moves::Cause;
use crate::workload::Class;

impl State {
    /// Does what comes next in the call's program, or ends it.
    pub(super) fn go_on(&mut self, engine: &mut Engine, id: CallId, call: &Call) {
        if call.verb == CHECK {
            self.finish(engine, id, Ok(()));
            return;
        }
        let in_memory = self.settings.sessions == Keeping::Memory && call.class != Class::Static;
        if in_memory && call.step == 0 && !self.sessions.knows(engine, self.node, call.request) {
            self.finish(engine, id, Err(Cause::LoggedOut));
            return;
        }
        let Some(step) = self.programs[call.class as usize].steps.get(usize::from(call.step)).copied() else {
            let wrong = self.release.errors > 0.0 && self.mistakes.draw(call.number()).chance(self.release.errors);
            self.finish(engine, id, if wrong { Err(Cause::Error) } else { Ok(()) });
            return;
        };
        let job = self.jobs.of(call);
        (job.doing, job.tries) = (Some(step), false);
        match step.what {
            What::Query if !self.pool.take(engine, id) => {}
            What::Query => self.query(engine, id, call, step),
            What::Service => self.call_service(engine, id, call, step),
            What::Call | What::LookUp { .. } | What::Put => self.call(engine, id, call, step, 1),
        }
    }

    /// Sends a query over the connection that the call holds.
    fn query(&mut self, engine: &mut Engine, id: CallId, call: &Call, step: Step) {
        self.jobs.of(call).connected = true;
        self.call(engine, id, call, step, 1);
    }

    fn call_service(&mut self, engine: &mut Engine, id: CallId, call: &Call, step: Step) {
        let Settings { breaker, bulkhead, .. } = self.settings;
        let service = self.service(call, step);
        let room = bulkhead == 0 || service.under_way + step.times <= bulkhead;
        if !room || !service.breaker.lets_through(engine.now(), breaker) {
            self.rejected += 1;
            self.step_failed(engine, id, call, Cause::Rejected, false);
            return;
        }
        service.under_way += step.times;
        let tries = service.breaker.is_open(breaker);
        self.jobs.of(call).tries = tries;
        self.call(engine, id, call, step, step.times);
    }

    /// Makes the step's calls, `times` of them at once.
    fn call(&mut self, engine: &mut Engine, id: CallId, call: &Call, step: Step, times: u32) {
        let made = (0..times).filter(|nth| self.call_nth(engine, id, call, step, *nth)).count() as u32;
        self.jobs.of(call).pending = made;
        if made == 0 {
            self.let_go(engine, call, step);
            self.step_failed(engine, id, call, Cause::Down, true);
        }
    }

    /// Makes one of the step's calls. False when there is nobody to call.
    fn call_nth(&mut self, engine: &mut Engine, id: CallId, call: &Call, step: Step, nth: u32) -> bool {
        let job = self.jobs.of(call);
        // Another attempt is another draw, so that it may go elsewhere.
        let number =
            (call.request << 16) | (u64::from(job.failed) << 12) | u64::from(call.step) << 4 | u64::from(nth % 16);
        // Of many calls at once those beyond what has room there are told apart where no request's number comes to.
        let number = number ^ (u64::from(nth / 16) << 54);
        let program = &self.programs[call.class as usize];
        let edge = program.edge(engine, step, job.elsewhere, &self.routes, call.request, number);
        let Some(child) = edge.and_then(|edge| engine.call(edge, id, self.settings.timeout.ns())) else { return false };
        child.verb = step.verb();
        match step.what {
            What::Service => child.branch = branch(call.branch, job.failed, call.step, nth),
            What::Put => (child.note, child.stale) = (job.as_of, call.stale),
            _ => {}
        }
        true
    }

    /// Takes note of how things stand with the request's item, as its rows or a journal have just said.
    pub(super) fn learn(&mut self, engine: &mut Engine, id: CallId, call: &Call, step: Step) {
        if !matches!(step.what, What::Query | What::Call) {
            return;
        }
        let job = self.jobs.of(call);
        job.as_of = engine.now();
        let program = &self.programs[call.class as usize];
        if step.what == What::Call || program.queries_on(call.step) {
            return;
        }
        match call.class {
            Class::Write => job.committed = true,
            Class::Read if engine.is_behind(call.request) => {
                if let Some(call) = engine.get_mut(id) {
                    call.stale = true;
                }
            }
            _ => {}
        }
    }

    /// The step has what it asked for, or does without.
    pub(super) fn step_done(&mut self, engine: &mut Engine, id: CallId, skip: u16) {
        let Some(call) = engine.get_mut(id) else { return };
        call.step += 1 + skip;
        let job = self.jobs.of(call);
        job.failed = 0;
        job.elsewhere = false;
        let slice_ns = job.slice_ns;
        // Steps that were skipped leave their slices to be worked off.
        engine.serve(id, self.host, slice_ns * f64::from(1 + skip));
    }

    /// The step is tried again after a while, or the request has failed.
    pub(super) fn step_failed(&mut self, engine: &mut Engine, id: CallId, call: &Call, cause: Cause, again: bool) {
        let job = self.jobs.of(call);
        job.failed += 1;
        let number = (call.request << 16) | (u64::from(call.step) << 8) | u64::from(job.failed);
        let Settings { tries, backoff, backoff_growth, jitter, .. } = self.settings;
        let retry = Retry { tries, backoff, growth: backoff_growth, jitter };
        match retry.wait_ns(job.failed, &mut self.waits.draw(number)).filter(|_| again) {
            Some(wait_ns) => engine.pause(id, wait_ns),
            None => self.finish(engine, id, Err(cause)),
        }
    }

    /// Gives back what a step held.
    pub(super) fn let_go(&mut self, engine: &mut Engine, call: &Call, step: Step) {
        if std::mem::take(&mut self.jobs.of(call).connected) {
            let number = (call.request << 8) | u64::from(call.step);
            let leaks = self.leak_share > 0.0 && self.mistakes.draw(number).chance(self.leak_share);
            self.pool.give_back(leaks);
            self.connect_waiting(engine);
        }
        if step.what == What::Service {
            let under_way = &mut self.service(call, step).under_way;
            *under_way = under_way.saturating_sub(step.times);
        }
    }

    /// Calls that waited for a connection get those that are free.
    pub(super) fn connect_waiting(&mut self, engine: &mut Engine) {
        while let Some(id) = self.pool.next(engine) {
            let Some(call) = engine.get(id).copied() else { continue };
            if let Some(step) = self.jobs.of(&call).doing {
                engine.serves(id);
                self.query(engine, id, &call, step);
            }
        }
    }

    /// What is kept of the service that a step calls.
    pub(super) fn service(&mut self, call: &Call, step: Step) -> &mut Service {
        &mut self.services[self.programs[call.class as usize].group(step).component]
    }
}

/// The branch of a call to a service: another for each attempt, step and call of a step; 0 for the first of all.
fn branch(of: u32, failed: u32, step: u16, nth: u32) -> u32 {
    of.wrapping_mul(0x0100_0193) ^ (failed << 24) ^ (u32::from(step) << 12) ^ nth
}
