//! The log of an application server: a file on its machine's disk, and records on their way to a log pipeline.

use super::{Kind, PUT, Place};
use crate::engine::calendar::Slot;
use crate::engine::calls::CallId;
use crate::engine::{Engine, Reply, Timer};
use crate::number::within;
use crate::units::{Nanos, SECOND_NS};
use crate::workload::Class;

/// Records are shipped together, so often. Fluent Bit flushes every second by default, Vector's HTTP sinks too; a
/// shorter time keeps the model's batches small against its bursts.
const SHIP_EVERY: Nanos = SECOND_NS / 10;
/// How long a batch's delivery is waited for before its records are counted as lost.
const SHIP_TIMEOUT: Nanos = 10 * SECOND_NS;
/// Marks a batch's call, which is no request in service.
const BATCH: u16 = u16::MAX;

/// The log.
#[derive(Debug)]
pub(super) struct Log {
    node: u16,
    host: u32,
    /// Edges to a log pipeline's copies.
    collectors: Vec<u16>,
    ship: Option<Slot>,
    /// Bytes on the disk.
    bytes: f64,
    /// Records and bytes that have not been shipped.
    unsent: (u64, f64),
    batches: u64,
    undelivered: u64,
}

impl Log {
    /// An empty log; `which` is the timer's number.
    pub(super) fn new(place: &Place, which: u8, engine: &mut Engine) -> Self {
        let collectors = place.edges_to(Kind::LogPipeline);
        let ship = (!collectors.is_empty()).then(|| engine.add_timer(Timer { node: place.node, which }));
        Self {
            node: place.node,
            host: place.host.unwrap_or_default(),
            collectors,
            ship,
            bytes: 0.0,
            unsent: (0, 0.0),
            batches: 0,
            undelivered: 0,
        }
    }

    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> f64 {
        self.bytes
    }

    /// Records that no pipeline has taken, of a log that is shipped.
    pub(super) fn undelivered(&self) -> Option<u64> {
        self.ship.map(|_| self.undelivered)
    }

    /// Writes one record. Rotation keeps at most `keep` bytes, or all when that is zero. False when the disk is full.
    pub(super) fn write(&mut self, engine: &mut Engine, record: f64, keep: f64) -> bool {
        if record <= 0.0 {
            return true;
        }
        // A rotated log overwrites its oldest part.
        let most = if keep <= 0.0 { f64::INFINITY } else { within(keep, record, f64::INFINITY) };
        let after = within(self.bytes + record, 0.0, most);
        if !engine.store(self.host, after - self.bytes) {
            return false;
        }
        self.bytes = after;
        if let Some(ship) = self.ship {
            if self.unsent.0 == 0 {
                engine.set_timer(ship, engine.now().saturating_add(SHIP_EVERY));
            }
            self.unsent = (self.unsent.0 + 1, self.unsent.1 + record);
        }
        true
    }

    /// Sends what has come together to one collector, in turn.
    pub(super) fn ship(&mut self, engine: &mut Engine) {
        let (records, bytes) = std::mem::take(&mut self.unsent);
        let count = self.collectors.len() as u64;
        if records == 0 || count == 0 {
            return;
        }
        let edge = self.collectors[(self.batches % count) as usize];
        self.batches += 1;
        let batch = engine.begin_own(self.batches, Class::Static, self.node, None);
        if let Some(call) = engine.get_mut(batch) {
            (call.step, call.note) = (BATCH, records);
        }
        if let Some(sent) = engine.call(edge, batch, SHIP_TIMEOUT) {
            (sent.verb, sent.note, sent.count) = (PUT, records, bytes as u32);
        }
    }

    /// Takes the answer to a batch; false when the call is another.
    pub(super) fn delivered(&mut self, engine: &mut Engine, id: CallId, reply: &Reply) -> bool {
        if self.ship.is_none() {
            return false;
        }
        let Some(call) = engine.get(id).filter(|call| call.step == BATCH) else { return false };
        if reply.answer.is_err() {
            self.undelivered += call.note;
        }
        engine.finish(id);
        true
    }

    /// The process dies: what it has written stays on the disk, what it has not shipped is lost.
    pub(super) fn stop(&mut self, engine: &mut Engine) {
        let (records, _) = std::mem::take(&mut self.unsent);
        self.undelivered += records;
        if let Some(ship) = self.ship {
            engine.clear_timer(ship);
        }
    }

    /// Somebody deletes the file.
    pub(super) fn clean_up(&mut self, engine: &mut Engine) {
        engine.store(self.host, -self.bytes);
        self.bytes = 0.0;
    }
}
