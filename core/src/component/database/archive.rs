//! The archive job: it moves old rows away, and loads the machine meanwhile.

use super::{Settings, State};
use crate::engine::Engine;
use crate::engine::calls::CallId;
use crate::units::{Nanos, SECOND_NS};
use crate::workload::Class;

/// The archive job's own call.
const ARCHIVE: u8 = 32;

impl State {
    pub(super) fn await_archive(&self, engine: &mut Engine) {
        let every_ns = self.settings.archive_every.ns();
        if every_ns == 0 {
            engine.clear_timer(self.archives);
        } else if engine.timer(self.archives).is_none() {
            engine.set_timer(self.archives, engine.now().saturating_add(every_ns));
        }
    }

    /// A second's worth of old rows is moved, if there are any.
    pub(super) fn archive(&mut self, engine: &mut Engine) {
        let Settings { archive_keeps, archive_rate, archive_row, .. } = self.settings;
        let rows = (engine.log_of(self.storage.node).rows - f64::from(archive_keeps)).min(f64::from(archive_rate));
        if rows < 1.0 || archive_keeps == 0 || self.stuck {
            if let Some(own) = self.archiving.take() {
                engine.finish(own);
            }
            self.await_archive(engine);
            return;
        }
        let own = match self.archiving {
            Some(own) => own,
            None => {
                self.moved = 0.0;
                engine.begin_own(0, Class::Job, self.storage.node, None)
            }
        };
        self.archiving = Some(own);
        self.moving = rows;
        if let Some(call) = engine.get_mut(own) {
            (call.verb, call.step) = (ARCHIVE, 0);
        }
        engine.compute(own, self.storage.host, rows * archive_row.ns() as f64);
    }

    /// The archive job has used the processor, then the disk, then has waited for its next second.
    pub(super) fn archive_on(&mut self, engine: &mut Engine, own: CallId) {
        let Some(call) = engine.get_mut(own).filter(|call| call.verb == ARCHIVE) else { return };
        call.step += 1;
        let (step, begun) = (call.step, call.begun);
        match step {
            1 => {
                let bytes = self.moving * self.settings.row.0 as f64;
                let disk_ns = bytes / self.settings.disk_rate.0.max(1) as f64 * 1e9;
                engine.use_disk(own, self.storage.host, disk_ns as Nanos);
            }
            2 => {
                self.moved += self.moving;
                self.archived += self.moving;
                self.table.rows = engine.log_of(self.storage.node).rows - self.moving;
                self.fill(engine);
                // It keeps to its rate over the whole of its run.
                let run_s = self.moved / f64::from(self.settings.archive_rate.max(1));
                let due = begun.saturating_add((run_s * SECOND_NS as f64) as Nanos);
                engine.pause(own, due.saturating_sub(engine.now()));
            }
            _ => self.archive(engine),
        }
    }
}
