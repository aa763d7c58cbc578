//! Programs that go before others on their cores.

use std::{fs, io};

use super::CpuLimit;
use super::cgroup::ControlGroup;

/// A control group without a quota whose programs go before all others: for a load generator, which is late when another
/// program has its core. Its processes must have ended when this is dropped.
///
/// A nice value would not do: where the kernel groups programs by session (sched(7), "The autogroup feature"), it counts
/// only within the generator's own session.
#[derive(Debug)]
pub struct Precedence(ControlGroup);

impl Precedence {
    /// Makes the group.
    ///
    /// # Errors
    ///
    /// When the system does not let us: why, and the cure.
    pub fn new() -> Result<Self, String> {
        ControlGroup::create(&CpuLimit::default()).map(Self).map_err(|error| error.to_string())
    }

    /// Takes a running process in, with all its threads.
    ///
    /// # Errors
    ///
    /// When it has ended, or is not ours.
    pub fn give_to(&self, pid: u32) -> io::Result<()> {
        self.0.folders().into_iter().try_for_each(|folder| fs::write(folder.join("cgroup.procs"), pid.to_string()))
    }
}
