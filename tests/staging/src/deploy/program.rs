//! Where the `tick` program is.

use std::path::{Path, PathBuf};

use super::DeployError;

/// The given program; else `TICK_PROGRAM`; else the `tick` that Cargo put beside (or, for a test or an example, above)
/// the running program.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, DeployError> {
    let named = given.map(Path::to_path_buf).or_else(|| std::env::var_os("TICK_PROGRAM").map(PathBuf::from));
    if let Some(program) = named {
        return if program.is_file() { Ok(program) } else { Err(DeployError::ProgramMissing(program)) };
    }
    let name = format!("tick{}", std::env::consts::EXE_SUFFIX);
    let running = std::env::current_exe().unwrap_or_default();
    let beside = running.parent().unwrap_or(Path::new(".")).join(&name);
    let above = running.parent().and_then(Path::parent).map(|folder| folder.join(&name));
    let found = [Some(beside.clone()), above].into_iter().flatten().find(|program| program.is_file());
    found.ok_or(DeployError::ProgramMissing(beside))
}
