//! How shards stop together without a coordinator: a notice in the folder of their results, where they share one. A shard
//! that is stopped puts it up, and the others look for it once a second. So can whoever wants to stop all of them.
//!
//! Where each shard has a folder of its own, nobody else reads the notice, and it does no harm.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use reqwest::Url;
use sha2::{Digest, Sha256};

use crate::plan::Plan;
use crate::run::Interrupt;
use crate::shard::Shard;
use crate::store::{self, StoreError};
use crate::timetable::Timetable;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest reason that is read: a notice may come from anybody.
const REASON_CHARS_MAX: usize = 500;

/// Where the notice of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(PathBuf);

impl Notice {
    /// That of a run whose results go to `out`. Its name stands for the plan, the host, the start and the number of shards,
    /// so that a notice never stops another run.
    pub fn beside(out: &Path, plan: &Plan, host: &Url, shard: Shard, timetable: &Timetable) -> Self {
        let run =
            format!("{} {} {} {}", plan.digest, host.origin().ascii_serialization(), timetable.start(), shard.of());
        let name: String = Sha256::digest(run).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self(out.with_file_name(format!("loadgen-stop-{name}.txt")))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Why all shards are to stop; none while there is no notice. One that cannot be read is none: a folder that fails for
    /// a moment must not end a measurement.
    pub fn read(&self) -> Option<String> {
        let bytes = std::fs::read(&self.0).ok()?;
        let text: String = String::from_utf8_lossy(&bytes).trim().chars().take(REASON_CHARS_MAX).collect();
        let text = text.replace(char::is_control, " ");
        Some(if text.is_empty() { format!("somebody made {}", self.0.display()) } else { text })
    }

    /// Puts the notice up, unless another shard has.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn put_up(&self, reason: &str) -> Result<(), StoreError> {
        if self.0.exists() { Ok(()) } else { store::write(&self.0, format!("{reason}\n").as_bytes()) }
    }

    /// Ends a run when the notice is up; as long as the watch lives.
    ///
    /// # Errors
    /// When the system has no thread to give: a folder on another machine may keep one waiting, which must not be one that
    /// sends.
    pub fn watch(&self, interrupt: &Interrupt) -> io::Result<Watch> {
        let (notice, interrupt) = (self.clone(), interrupt.clone());
        let (alive, dropped) = mpsc::channel();
        std::thread::Builder::new().name("notice".to_owned()).spawn(move || {
            while dropped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if let Some(reason) = notice.read() {
                    return interrupt.follow(reason);
                }
            }
        })?;
        Ok(Watch { _alive: alive })
    }
}

/// Somebody looks for a notice until this is dropped.
#[derive(Debug)]
pub struct Watch {
    _alive: mpsc::Sender<()>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn notice(folder: &Path, start: &str, of: u32) -> Notice {
        let text =
            "schema = 1\nsteps = [{ rate = \"5/s\", seconds = 1 }]\n[[request]]\nclass = \"read\"\npath = \"/\"\n";
        let (plan, start) = (plan::read(text, "plan.toml").unwrap(), start.parse().unwrap());
        let timetable = Timetable::new(start, start).unwrap();
        let host = "http://127.0.0.1:1".parse().unwrap();
        Notice::beside(&folder.join("1.json"), &plan, &host, Shard::new(1, of).unwrap(), &timetable)
    }

    #[test]
    fn a_notice_is_of_one_run_and_the_first_reason_stays() {
        let folder = tempfile::tempdir().unwrap();
        let one = notice(folder.path(), "2026-03-01T10:00:00Z", 3);
        assert_eq!(one.read(), None);
        one.put_up("shard 2/3: all requests fail").unwrap();
        one.put_up("shard 1/3: so they do").unwrap();
        assert_eq!(one.read().unwrap(), "shard 2/3: all requests fail");
        for other in
            [notice(folder.path(), "2026-03-01T10:00:01Z", 3), notice(folder.path(), "2026-03-01T10:00:00Z", 2)]
        {
            assert_eq!(other.read(), None);
        }
    }

    #[test]
    fn a_notice_of_a_hurried_hand_is_read_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let one = notice(folder.path(), "2026-03-01T10:00:00Z", 3);
        std::fs::write(one.path(), "").unwrap();
        assert!(one.read().unwrap().contains("loadgen-stop-"));
        std::fs::write(one.path(), [b"too\x1b[2J loud\xff\n", "x".repeat(9999).as_bytes()].concat()).unwrap();
        let text = one.read().unwrap();
        assert!(text.starts_with("too [2J loud") && text.chars().count() == REASON_CHARS_MAX, "{text}");
    }
}
