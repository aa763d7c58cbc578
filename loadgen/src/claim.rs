//! One run at a time writes a results file. Two that write the same one send everything twice, and the later of them
//! overwrites what the earlier has measured: an engineer who starts a shard that runs already, or a scheduler that takes a
//! process for dead that is only out of its sight.
//!
//! A results file is replaced after every step, so the lock is on a file beside it. The system gives it back when the
//! process ends, however it does; the file may then stay, and locks nobody out. On a network file system the lock holds
//! between machines as well, where the mount keeps locks (NFS does unless told `nolock`).

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::shard::Shard;

/// How often the file is looked for anew, when another run has taken it away between two steps of taking it.
const TRIES: usize = 100;
/// Longest note of a holder that is read: anybody may write to the file.
const NOTE_CHARS_MAX: usize = 200;

/// Keeps other runs off a results file until it is dropped.
#[derive(Debug)]
pub struct Claim {
    /// Locked.
    _lock: File,
    path: PathBuf,
}

/// Why a results file cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum Unclaimed {
    /// Another run writes it.
    #[error("another run is writing {out}{holder}")]
    Held {
        /// The results file.
        out: PathBuf,
        /// What is known of it, as the end of a sentence.
        holder: String,
    },
    /// The file beside it cannot be written, and so could not the results.
    #[error("cannot write {path}: {cause}; nothing was sent")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file system keeps no locks.
    #[error("{path} cannot be locked ({cause}), so nothing keeps another run from writing the same results")]
    NoLocks {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

impl Claim {
    /// Takes the results file `out` for a run of this shard.
    ///
    /// # Errors
    /// When another run has it, when nothing can be written there, or when there are no locks.
    pub fn take(out: &Path, shard: Shard) -> Result<Self, Unclaimed> {
        let path = beside(out);
        let held = || Unclaimed::Held { out: out.to_owned(), holder: holder(&path) };
        for _ in 0..TRIES {
            let open = File::options().create(true).truncate(false).read(true).write(true).open(&path);
            let mut lock = open.map_err(|cause| Unclaimed::Write { path: path.clone(), cause })?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held()),
                Err(TryLockError::Error(cause)) => {
                    // It would be of no use, and not removing it does no harm.
                    let _ = fs::remove_file(&path);
                    return Err(Unclaimed::NoLocks { path, cause });
                }
            }
            // Whoever had it before may have removed it meanwhile: this lock is then on a file that nobody finds.
            if is_at(&lock, &path) {
                let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or_else(|_| Timestamp::now());
                let what = if shard.is_whole() { String::new() } else { format!("shard {shard}, ") };
                // Only for people: what locks is the lock.
                let _ =
                    lock.set_len(0).and_then(|()| writeln!(lock, "{what}process {}, since {now}", std::process::id()));
                return Ok(Self { _lock: lock, path });
            }
        }
        Err(held())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before the lock goes, so that it is never another run's file that is removed. Windows keeps a file that is open.
        let _ = fs::remove_file(&self.path);
    }
}

fn beside(out: &Path) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

/// What the holder has noted of itself.
fn holder(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let note: String = String::from_utf8_lossy(&bytes).trim().chars().take(NOTE_CHARS_MAX).collect();
    let note = note.replace(char::is_control, " ");
    if note.is_empty() { String::new() } else { format!(": {note}") }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// A file that is open stays at its path.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_results_file_is_one_runs_until_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("shard-2.json");
        let shard = Shard::new(2, 3).unwrap();
        let claim = Claim::take(&out, shard).unwrap();
        let error = Claim::take(&out, shard).unwrap_err().to_string();
        let process = format!("shard 2/3, process {}, since 2", std::process::id());
        assert!(error.contains("another run is writing") && error.contains(&process), "{error}");
        let other = Claim::take(&folder.path().join("shard-3.json"), shard).unwrap();
        drop(claim);
        drop(Claim::take(&out, Shard::default()).unwrap());
        drop(other);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_a_crash_left_locks_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("results.json");
        fs::write(beside(&out), "process 1, since the flood, and of many more words than this run will write\n")
            .unwrap();
        let _claim = Claim::take(&out, Shard::default()).unwrap();
        assert!(fs::read_to_string(beside(&out)).unwrap().starts_with(&format!("process {}", std::process::id())));
    }

    #[test]
    fn one_of_many_who_come_at_once_gets_it_however_often_it_changes_hands() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("results.json");
        let holders = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(_claim) = Claim::take(&out, Shard::default()) else { continue };
                        assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
