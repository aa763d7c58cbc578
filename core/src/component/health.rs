//! Health checks: asking whether another is well, and when to believe what it says.

use super::CHECK;
use crate::engine::Engine;
use crate::units::Duration;
use crate::workload::Class;

/// The step of the call that a check is, at whoever checks; its `count` says of whom.
pub(super) const CHECKING: u16 = 0x7fff;

/// Checks are numbered where no source of users has requests.
const NUMBERS: u64 = 0xff << 40;

/// Asks the node at the other end of an edge whether it is well. The answer comes to a call of the asker's own.
pub(super) fn ask(engine: &mut Engine, node: u16, edge: u16, of: u32, timeout: Duration) {
    // No draw of anybody's depends on the number but the demand of the check itself.
    let number = NUMBERS | ((engine.now() >> 10) & ((1 << 40) - 1));
    let check = engine.begin_own(number, Class::Static, node, None);
    if let Some(call) = engine.get_mut(check) {
        (call.step, call.count) = (CHECKING, of);
    }
    if let Some(child) = engine.call(edge, check, timeout.ns()) {
        child.verb = CHECK;
    }
}

/// What checks have made of somebody.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    /// It is taken to be ill.
    pub(super) out: bool,
    /// Failed checks in a row.
    pub(super) fails: u32,
    /// Passed checks in a row.
    pub(super) passes: u32,
}

impl Health {
    /// Takes note of a check: after so many failures in a row it is ill, after so many successes well.
    pub(super) fn note(&mut self, passed: bool, fall: u32, rise: u32) {
        if passed {
            (self.fails, self.passes) = (0, self.passes.saturating_add(1));
            self.out &= self.passes < rise;
        } else {
            (self.fails, self.passes) = (self.fails.saturating_add(1), 0);
            self.out |= self.fails >= fall;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Health;

    #[test]
    fn it_takes_several_checks_to_change_ones_mind() {
        let mut health = Health::default();
        let mut out = |passed| {
            health.note(passed, 3, 2);
            health.out
        };
        assert_eq!([false, false, true, false, false, false].map(&mut out), [false, false, false, false, false, true]);
        assert_eq!([true, false, true, true].map(&mut out), [true, true, true, false]);
    }
}
