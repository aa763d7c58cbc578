//! The program itself, as a shell starts it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A run of a plan with one request of class `read`, which `request` says more of. It says nothing.
pub(crate) fn command(folder: &Path, url: &str, plan: &str, request: &str) -> Command {
    write_plan(folder, plan, request);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.current_dir(folder).args(arguments(url));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The same run from a line of the shell, which is to end in `exec "$@"`.
pub(crate) fn command_by(line: &str, folder: &Path, url: &str, plan: &str) -> Command {
    write_plan(folder, plan, "");
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", line, "sh", env!("CARGO_BIN_EXE_loadgen")]).args(arguments(url));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn write_plan(folder: &Path, plan: &str, request: &str) {
    let head = "schema = 1\nwarm_up = \"0 s\"\narrivals = \"constant\"\n";
    let text = format!("{head}{plan}\n[[request]]\nclass = \"read\"\npath = \"/\"\n{request}\n");
    fs::write(folder.join("plan.toml"), text).unwrap();
}

fn arguments(url: &str) -> [&str; 7] {
    ["run", "--host", url, "--plan", "plan.toml", "--out", "results.json"]
}

/// Its exit code, and what it said on standard error.
pub(crate) fn says(mut command: Command) -> (Option<i32>, String) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).replace("\n  │ ", " "))
}
