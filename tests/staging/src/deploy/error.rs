//! Why a deployment failed.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why a deployment failed, and what would help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeployError {
    /// A limit that no kernel takes.
    #[error("{field} is {value}; valid is {valid}")]
    InvalidLimit {
        /// The field of [`super::CpuLimit`].
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be valid.
        valid: &'static str,
    },
    /// There is no `tick` program where it was looked for.
    #[error(
        "the tick program is not at {path}; build it with `cargo build --release -p hockeystick-staging`, or {otherwise}"
    )]
    ProgramMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What else would help, by how that place came to be.
        otherwise: &'static str,
    },
    /// No folder for the database and the log.
    #[error("cannot make a temporary folder: {0}")]
    Scratch(#[source] std::io::Error),
    /// The program does not start.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Tick ended before it was ready.
    #[error("Tick did not start: {0}")]
    NotReady(String),
    /// Tick was not ready in time.
    #[error("Tick was not ready within {0:?}; raise start_timeout, or seed fewer accounts")]
    TimedOut(Duration),
    /// Tick did not end in good order.
    #[error("Tick did not stop in good order: {0}")]
    NotStopped(String),
    /// A CPU counter cannot be read.
    #[error("cannot read {path}: {reason}")]
    CpuTime {
        /// The counter's file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}
