//! Files that are whole or absent: a crash or a full disk never leaves half a results file, nor loses the one before.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hockeystick_content::results;
use hockeystick_core::measurement::{Results, Step};

/// Largest results file that is read.
const RESULTS_BYTES_MAX: u64 = 256_000_000;
/// As much of it as schedules may take: what else a thousand steps say has room in the rest.
const SCHEDULES_BYTES_MAX: u64 = 100_000_000;

/// Why a file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Writing failed; what the file held before is still there.
    #[error("cannot write {path}: {cause}; {kept}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
        /// What is still there.
        kept: &'static str,
    },
    /// Reading failed.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file is no results file, or not the one that is wanted.
    #[error("{path}: {message}; give a file that `loadgen run` or `loadgen merge` wrote")]
    Results {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// What would be written over is not ours.
    #[error("{path} is there, and is no results file ({message}); it was left as it is")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it as results.
        message: String,
    },
    /// What would be written over is a measurement, and nothing else holds it.
    #[error("{path} holds what a run measured, which would be lost; give another --out")]
    Measured {
        /// The file.
        path: PathBuf,
    },
    /// What would be written over cannot be put aside.
    #[error("{path} holds what an earlier run measured, and cannot be put aside: {cause}")]
    Aside {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// Makes room for a new results file: one with finished steps gets the next free name beside it, `results.json.1` and so
/// on, which is returned. One without any is worth nothing, and neither is an empty file.
///
/// # Errors
/// When the file holds something else than results, for it may be a plan or a part of results that somebody still wants;
/// and when it cannot be read or renamed.
pub fn put_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    if !path.is_file() || path.metadata().is_ok_and(|file| file.len() == 0) {
        return Ok(None);
    }
    let earlier = read_results(path).map_err(|error| match error {
        StoreError::Results { path, message } => StoreError::Foreign { path, message },
        error => error,
    })?;
    if earlier.steps.is_empty() {
        return Ok(None);
    }
    let file = resolved(path);
    let numbered = |number: u32| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let Some(free) = (1..).map(numbered).find(|name| !name.exists()) else { return Ok(None) };
    std::fs::rename(&file, &free).map_err(|cause| StoreError::Aside { path: path.to_owned(), cause })?;
    Ok(Some(free))
}

/// Writes a whole file that is no results file, and is not to take the place of one.
///
/// # Errors
/// When the file holds what a run measured, and as [`write`](fn@write).
pub fn write_beside_results(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if path.is_file() && read_results(path).is_ok() {
        return Err(StoreError::Measured { path: path.to_owned() });
    }
    write(path, bytes)
}

/// Writes the results of shards put together. Those of an earlier merge are made of the same shards, and may go.
///
/// # Errors
/// When the file holds what a run measured, and as [`write`](fn@write).
pub fn write_merged(path: &Path, results: &Results) -> Result<(), StoreError> {
    if path.is_file() && read_results(path).is_ok_and(|earlier| earlier.merged.is_empty()) {
        return Err(StoreError::Measured { path: path.to_owned() });
    }
    write_results(path, results)
}

/// The file that a path leads to: behind a symbolic link, the one that it names.
fn resolved(path: &Path) -> PathBuf {
    let named = || Some(path.parent()?.join(std::fs::read_link(path).ok()?));
    std::fs::canonicalize(path).ok().or_else(named).unwrap_or_else(|| path.to_owned())
}

/// Writes a whole file: to a neighbour first, down to the disk, then in the place of the old one.
///
/// # Errors
/// When the folder cannot be written or the disk is full; the old file is untouched then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let kept = if path.exists() { "what it held before is still there" } else { "nothing was written" };
    write_beside(&resolved(path), bytes).map_err(|cause| StoreError::Write { path: path.to_owned(), cause, kept })
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if std::fs::metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let message = format!("there is no folder {}; make it, or choose another", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let mut neighbour = name.to_owned();
    neighbour.push(format!(".{}.tmp", std::process::id()));
    let neighbour = folder.join(neighbour);
    let written = File::create(&neighbour).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&neighbour, path)) {
        // The neighbour is of no use; that it may not be removable either is not the news.
        let _ = std::fs::remove_file(&neighbour);
        return Err(error);
    }
    // The rename itself is only safe when the folder is; not every file system can sync a folder.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Whether a results file of these steps has room for the schedule of one more: a soak's would outgrow its readers.
pub fn has_room_for(schedule: &str, steps: &[Step]) -> bool {
    let written = steps.iter().filter_map(|step| step.schedule.as_ref()).map(String::len).sum::<usize>();
    (written + schedule.len()) as u64 <= SCHEDULES_BYTES_MAX
}

/// Writes a results file.
///
/// # Errors
/// As [`write`](fn@write).
pub fn write_results(path: &Path, results: &Results) -> Result<(), StoreError> {
    let mut bytes = serde_json::to_vec_pretty(results).map_err(|error| StoreError::Write {
        path: path.to_owned(),
        cause: error.into(),
        kept: "nothing was written",
    })?;
    bytes.push(b'\n');
    write(path, &bytes)
}

/// Reads a results file, which may come from anywhere.
///
/// # Errors
/// When it is missing, too large, malformed, or holds numbers that make no sense.
pub fn read_results(path: &Path) -> Result<Results, StoreError> {
    read_by(path, results::read)
}

/// Reads a results file of a whole plan.
///
/// # Errors
/// As [`read_results`], and when it holds a share of the plan.
pub fn read_whole_results(path: &Path) -> Result<Results, StoreError> {
    read_by(path, results::read_whole)
}

fn read_by(path: &Path, read: impl Fn(&[u8]) -> Result<Results, String>) -> Result<Results, StoreError> {
    let wrong = |message: String| StoreError::Results { path: path.to_owned(), message };
    let unread = |cause| StoreError::Read { path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(RESULTS_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > RESULTS_BYTES_MAX {
        return Err(wrong(format!("it is larger than {RESULTS_BYTES_MAX} bytes")));
    }
    read(&bytes).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_beyond_their_share_of_the_file_have_no_room() {
        let half = "s1".repeat(SCHEDULES_BYTES_MAX as usize / 4);
        assert!(has_room_for(&half, &[]));
        let steps = [Step { schedule: Some(half.clone()), ..Step::default() }, Step::default()];
        assert!(has_room_for(&half, &steps) && !has_room_for(&format!("{half}s1"), &steps));
        const { assert!(SCHEDULES_BYTES_MAX < RESULTS_BYTES_MAX / 2) };
    }
}
