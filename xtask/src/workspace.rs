//! Where things are, and cargo.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The folders of this checkout, as cargo sees them.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// `target/`, or wherever `CARGO_TARGET_DIR` and the like put it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let output = Command::new(cargo_program())
            .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo cannot read the workspace: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
        let folder = |name: &str| {
            metadata[name].as_str().map(PathBuf::from).with_context(|| format!("cargo metadata lacks {name}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// Cargo, in the root of the workspace.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.root).arg(subcommand);
        command
    }

    /// Packages that npm installed for us.
    pub(crate) fn npm_modules(&self) -> PathBuf {
        self.target.join("npm/node_modules")
    }
}

fn cargo_program() -> OsString {
    // `cargo run` names itself, so that a rustup override stays in force.
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
