//! Where the `tick` program is.

use std::path::{Path, PathBuf};

use super::DeployError;

/// The given program; else `TICK_PROGRAM`; else the `tick` that Cargo put beside (or, for a test or an example, above)
/// the running program.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, DeployError> {
    let missing = |path, otherwise| DeployError::ProgramMissing { path, otherwise };
    let existing = |path: PathBuf, otherwise| if path.is_file() { Ok(path) } else { Err(missing(path, otherwise)) };
    if let Some(program) = given {
        return existing(program.to_path_buf(), "give the path that it has");
    }
    if let Some(program) = std::env::var_os("TICK_PROGRAM") {
        return existing(PathBuf::from(program), "set TICK_PROGRAM to the path that it has");
    }
    let name = format!("tick{}", std::env::consts::EXE_SUFFIX);
    let running = std::env::current_exe().unwrap_or_default();
    let beside = running.parent().unwrap_or(Path::new(".")).join(&name);
    let above = running.parent().and_then(Path::parent).map(|folder| folder.join(&name));
    let found = [Some(beside.clone()), above].into_iter().flatten().find(|program| program.is_file());
    found.ok_or_else(|| missing(beside, "set TICK_PROGRAM"))
}
