//! How a run hears that it is to end: Ctrl-C, SIGTERM, and SIGHUP when its terminal closes.

use miette::{IntoDiagnostic, Report, WrapErr};
use nix::sys::signal::{SigSet, Signal};

use super::Exit;
use crate::run::Interrupt;

/// The first of them ends the run in good order, the second at once. To be called before any other thread is started.
///
/// Whoever started the run with `nohup`, or from a script in the background, has it ignore some: these stay ignored.
/// The handler takes all three, and so would goose's, which it sets where there is none. But what every thread blocks
/// comes to neither.
pub(super) fn listen(interrupt: &Interrupt) -> Result<(), Report> {
    let mut ignored = SigSet::empty();
    ignored_signals().for_each(|signal| ignored.add(signal));
    ignored.thread_block().into_diagnostic().wrap_err("cannot leave signals ignored")?;
    let interrupt = interrupt.clone();
    let handler = move || {
        if interrupt.is_raised() {
            std::process::exit(Exit::Interrupted as i32);
        }
        interrupt.raise();
    };
    ctrlc::set_handler(handler).into_diagnostic().wrap_err("cannot listen for Ctrl-C")
}

/// Those that this process was told to ignore, where the system says: see proc_pid_status(5).
fn ignored_signals() -> impl Iterator<Item = Signal> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let all = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];
    all.into_iter().filter(move |signal| mask >> (*signal as i32 - 1) & 1 == 1)
}
