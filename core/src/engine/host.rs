//! One machine while it runs: processors, a disk, and memory that may run out.

use super::calendar::Slot;
use super::processor::Processor;
use super::queue::Queue;
use crate::hardware::Machine;
use crate::number::within;
use crate::units::{Bytes, Nanos};

/// Memory that the operating system keeps for itself. A small Linux server without a desktop uses some 100 to 200 MB.
pub const SYSTEM_MEMORY: Bytes = Bytes(150_000_000);

/// How much slower work gets for each share of its memory that lies in swap: with 10 % swapped out, one access in ten
/// thousand hits it, and a page from disk takes about 100,000 times as long as one from memory (1 ms against 10 ns):
/// ten times the work. Denning, "Thrashing: its causes and prevention", AFIPS 1968, shows the collapse; the factor is an
/// assumption.
const SWAP_SLOWDOWN: f64 = 100.0;

/// A machine, and who uses its memory.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name in results.
    pub name: String,
    /// What it is.
    pub machine: Machine,
    /// Its processors.
    pub processor: Processor,
    /// Its disk.
    pub disk: Queue,
    /// Disk time of writes that take many changes at once, as far as there was room for more.
    pub disk_room_ns: f64,
    /// Memory taken by nobody's component: a fault.
    pub leaked_bytes: f64,
    /// Share of its speed at which a fault lets it run.
    pub(super) fault_speed: f64,
    pub(super) used_bytes: f64,
    /// Bytes on its disk.
    pub(super) stored_bytes: f64,
    /// Bytes on its disk that a fault has put there.
    pub(crate) junk_bytes: f64,
    pub(super) processor_slot: Slot,
    pub(super) disk_slot: Option<Slot>,
    pressed: f64,
}

impl Host {
    pub(super) fn new(name: String, machine: Machine, processor_slot: Slot) -> Self {
        let quota = machine.quota.map(|quota| (quota, machine.period.ns()));
        let processor = Processor::new(f64::from(machine.vcpus), machine.speed, quota);
        let disk = Queue::new(machine.disk_channels as usize);
        let used_bytes = SYSTEM_MEMORY.0 as f64;
        Self {
            name,
            machine,
            processor,
            disk,
            disk_room_ns: 0.0,
            leaked_bytes: 0.0,
            fault_speed: 1.0,
            used_bytes,
            stored_bytes: 0.0,
            junk_bytes: 0.0,
            processor_slot,
            disk_slot: None,
            pressed: 1.0,
        }
    }

    /// Memory in use, the operating system's own and leaks included, in bytes.
    pub fn used_bytes(&self) -> f64 {
        self.used_bytes + self.leaked_bytes
    }

    /// Bytes on its disk, what a fault has put there included.
    pub fn stored_bytes(&self) -> f64 {
        self.stored_bytes + self.junk_bytes
    }

    /// Whether its disk has no room left.
    pub fn disk_full(&self) -> bool {
        self.stored_bytes() >= self.machine.disk.0 as f64
    }

    pub(super) fn store(&mut self, bytes: f64) -> bool {
        let fits = bytes <= 0.0 || self.stored_bytes() + bytes <= self.machine.disk.0 as f64;
        if fits {
            self.stored_bytes = within(self.stored_bytes + bytes, 0.0, f64::INFINITY);
        }
        fits
    }

    pub(super) fn fill_disk(&mut self) -> f64 {
        let left = within(self.machine.disk.0 as f64 - self.stored_bytes(), 0.0, f64::INFINITY);
        self.stored_bytes += left;
        left
    }

    /// Whether nothing slows the machine down and everything fits in memory: the usual case, to be told quickly.
    #[inline]
    pub(super) fn at_ease(&self) -> bool {
        self.pressed == 1.0 && self.fault_speed == 1.0 && self.used_bytes() <= self.machine.memory.to_f64()
    }

    /// Whether memory and swap together are spent.
    pub(super) fn out_of_memory(&self) -> bool {
        self.used_bytes() > (self.machine.memory.0 + self.machine.swap.0) as f64
    }

    /// Speed that swapping leaves: one while everything fits in memory.
    fn speed_in_swap(&self) -> f64 {
        let over = self.used_bytes() - self.machine.memory.0 as f64;
        if over <= 0.0 { 1.0 } else { 1.0 / (1.0 + SWAP_SLOWDOWN * over / self.used_bytes()) }
    }

    /// Takes over a changed machine, and whatever memory pressure and faults make of its speed. True when the speed
    /// changed, so that the processor's next event must be found anew.
    pub(super) fn settle(&mut self, now: Nanos) -> bool {
        let pressed = self.speed_in_swap() * self.fault_speed;
        if pressed == self.pressed {
            return false;
        }
        self.pressed = pressed;
        self.resize(now);
        true
    }

    pub(super) fn replace(&mut self, now: Nanos, machine: &Machine) {
        self.machine = machine.clone();
        self.pressed = self.speed_in_swap() * self.fault_speed;
        self.resize(now);
    }

    fn resize(&mut self, now: Nanos) {
        let machine = &self.machine;
        let quota = machine.quota.map(|quota| (quota, machine.period.ns()));
        self.processor.resize(now, f64::from(machine.vcpus), machine.speed * self.pressed, quota);
        self.disk.resize(now, machine.disk_channels as usize);
    }
}
