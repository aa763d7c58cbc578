//! The workers: each takes a request, and is free again when it has been answered and its log record written.

use super::jobs::Job;
use super::{LogFull, Settings, State};
use crate::engine::calls::CallId;
use crate::engine::moves::Cause;
use crate::engine::{Answer, Engine};
use crate::units::{Nanos, SECOND_NS};

/// How often a request whose record found no room looks again.
const LOG_RETRY: Nanos = SECOND_NS;

impl State {
    /// A worker takes the call.
    pub(super) fn take(&mut self, engine: &mut Engine, id: CallId) {
        let Some(call) = engine.get(id) else { return };
        let class = call.class as usize;
        self.busy += 1;
        // The whole demand is drawn at once and worked off in equal slices, before, between and after the steps.
        let slices = f64::from(self.programs[class].steps.len() as u32 + 1);
        let demand_ns = engine.demand_ns(&self.demand[class], &mut self.demands.draw(call.number()));
        let slice_ns = demand_ns / (slices * self.release.speed);
        let job = self.jobs.add(slice_ns);
        if let Some(call) = engine.get_mut(id) {
            call.count = job;
        }
        engine.serve(id, self.host, slice_ns);
        self.hold(engine, self.settings.memory_per_request.to_f64());
    }

    /// The request is over: its record is written, the worker takes the next.
    pub(super) fn finish(&mut self, engine: &mut Engine, id: CallId, answer: Answer) {
        let Settings { log, log_keep, log_full, .. } = self.settings;
        let written = self.log.write(engine, log.to_f64(), log_keep.to_f64());
        let answer = match log_full {
            LogFull::Wait if !written => {
                if let Some(call) = engine.get(id) {
                    self.jobs.of(call).ending = Some(answer);
                }
                engine.pause(id, LOG_RETRY);
                return;
            }
            LogFull::Fail if !written => answer.and(Err(Cause::DiskFull)),
            _ => answer,
        };
        if let Some(call) = engine.get(id) {
            let Job { committed, as_of, .. } = *self.jobs.of(call);
            self.jobs.remove(call.count);
            if committed && answer.is_ok() {
                // From now on a user knows of the change: whoever shows what was before it shows old data.
                engine.changed(engine.item(call.request, 0), as_of);
            }
        }
        engine.answer(id, answer);
        self.busy -= 1;
        self.hold(engine, -self.settings.memory_per_request.to_f64());
        self.take_waiting(engine);
    }

    pub(super) fn take_waiting(&mut self, engine: &mut Engine) {
        while self.busy < self.settings.workers
            && let Some(next) = self.waiting.pop_front()
        {
            if engine.get(next).is_some() {
                self.take(engine, next);
            }
        }
    }
}
