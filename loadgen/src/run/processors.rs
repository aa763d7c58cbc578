//! Which processors the generator's threads run on: those that send on one that is theirs, all others elsewhere.

/// A processor that the generator cannot keep to.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep to processor {core}: {reason}")]
pub struct NotThere {
    core: usize,
    reason: String,
}

/// Keeps the calling thread, and the threads that it will start, to one processor, counted from 0.
///
/// # Errors
/// When the machine has no such processor, or the system cannot do it.
pub fn keep_to(core: usize) -> Result<(), NotThere> {
    let not_there = |reason: String| NotThere { core, reason };
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        let allowed = sched_getaffinity(None).map_err(|reason| not_there(reason.to_string()))?;
        if core >= CpuSet::MAX_CPU || !allowed.is_set(core) {
            let may: Vec<String> =
                (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).map(|core| core.to_string()).collect();
            return Err(not_there(format!("this program may use {}; name one of them with --core", may.join(", "))));
        }
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores).map_err(|reason| not_there(reason.to_string()))
    }
    #[cfg(not(target_os = "linux"))]
    Err(not_there("this system has no such call".to_owned()))
}

/// Keeps the calling thread off the processor of those that send, where it may use another: it would make them late by as
/// long as the system lets it run at a time, which is milliseconds.
pub fn keep_off(core: Option<usize>) {
    #[cfg(target_os = "linux")]
    if let Some(core) = core.filter(|core| *core < rustix::thread::CpuSet::MAX_CPU) {
        let Ok(mut cores) = rustix::thread::sched_getaffinity(None) else { return };
        cores.unset(core);
        if cores.count() > 0 {
            // It would run where it does.
            let _ = rustix::thread::sched_setaffinity(None, &cores);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_is_not_there_is_refused_with_those_that_are() {
        for core in [1023, usize::MAX] {
            let error = keep_to(core).unwrap_err().to_string();
            assert!(error.contains("may use") && error.contains("--core"), "{error}");
        }
    }
}
