//! Compiling for this machine.
//!
//! Cargo compiles a dependency once for each set of features that the packages of a command ask for together, and once more
//! to have it checked than to have it run. Dependencies are most of the work, so a run that builds many packages names all
//! of them in every command, and lets Clippy compile ours instead of checking them apart.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::process::is_for_programs;
use crate::steps::Step;
use crate::workspace::Workspace;

/// Packages that are compiled together.
#[derive(Clone, Debug)]
pub(crate) struct Native {
    packages: Vec<&'static str>,
    linter: Option<PathBuf>,
}

impl Native {
    pub(crate) fn new(packages: Vec<&'static str>) -> Self {
        Self { packages, linter: None }
    }

    /// From now on our own packages are compiled by Clippy's driver, which is rustc with more lints.
    ///
    /// What it compiles runs as fast: tests of the engine took 0.80 s against 0.83 s.
    pub(crate) fn lint(&mut self, workspace: &Workspace) -> Result<()> {
        let driver = workspace.toolchain()?.join("bin").join(format!("clippy-driver{}", std::env::consts::EXE_SUFFIX));
        if !driver.exists() {
            bail!("Clippy is missing: rustup component add clippy");
        }
        self.linter = Some(driver);
        Ok(())
    }

    /// Some of these packages, compiled in the same way.
    pub(crate) fn only(&self, packages: Vec<&'static str>) -> Self {
        Self { packages, linter: self.linter.clone() }
    }

    /// A command of cargo for all packages; more arguments may choose what it builds of them.
    pub(crate) fn cargo(&self, workspace: &Workspace, subcommand: &[&str]) -> Command {
        let mut command = workspace.cargo(subcommand[0]);
        command.args(&subcommand[1..]).args(self.packages.iter().map(|package| format!("--package={package}")));
        if let Some(linter) = &self.linter {
            command.env("RUSTC_WORKSPACE_WRAPPER", linter);
        }
        command
    }

    /// Compiles the programs of the packages; where they are linted, also everything that they are tested and measured with.
    /// Returns the warnings.
    pub(crate) fn compile(&self, step: &Step<'_>, workspace: &Workspace) -> Result<Vec<String>> {
        // Dependencies have other features for programs alone than beside tests, which may ask for more of them.
        let targets = if self.linter.is_some() { "--all-targets" } else { "--bins" };
        let mut finished =
            step.run(&mut self.cargo(workspace, &["build", targets, "--keep-going", "--message-format=json"]))?;
        let messages = take_messages(&mut finished.lines);
        finished.lines.extend(messages.iter().cloned());
        finished.check("compiling")?;
        Ok(messages)
    }
}

/// Takes the lines that cargo writes for programs out of `lines`, and returns what the compiler says in them, once each.
fn take_messages(lines: &mut Vec<String>) -> Vec<String> {
    let mut messages = Vec::new();
    lines.retain(|line| {
        if !is_for_programs(line) {
            return true;
        }
        let report: Value = serde_json::from_str(line).unwrap_or_default();
        if let Some(text) = report["message"]["rendered"].as_str().map(|text| text.trim_end().to_owned())
            && report["reason"] == "compiler-message"
            && !messages.contains(&text)
        {
            messages.push(text);
        }
        false
    });
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_compiler_says_is_told_once_and_the_rest_is_kept() {
        let warning = r#"{"reason":"compiler-message","message":{"level":"warning","rendered":"warning: unused\n --> a.rs\n\n"}}"#;
        let artifact = r#"{"reason":"compiler-artifact","fresh":true}"#;
        let mut lines = [warning, "   Compiling x v1", artifact, warning, "3"].map(str::to_owned).to_vec();
        assert_eq!(take_messages(&mut lines), ["warning: unused\n --> a.rs"]);
        assert_eq!(lines, ["   Compiling x v1", "3"]);
    }
}
