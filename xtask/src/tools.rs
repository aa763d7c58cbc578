//! What must be installed: installing it, or saying in one line how.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::is_there;
use crate::steps::Step;
use crate::workspace::Workspace;

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the standard library for wasm32 when it is missing.
pub(crate) fn wasm_target(step: &Step<'_>, workspace: &Workspace) -> Result<()> {
    if workspace.ask_rustc(&["--print=target-libdir", "--target", WASM_TARGET])?.is_dir() {
        return Ok(());
    }
    if !is_there("rustup") {
        bail!("the target {WASM_TARGET} is missing: install Rust from https://rustup.rs, then run this again");
    }
    step.say(&format!("adding {WASM_TARGET} with rustup"));
    step.run(Command::new("rustup").args(["target", "add", WASM_TARGET]))?.check("rustup")?;
    Ok(())
}

/// What became of the packages of `xtask/npm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NpmPackages {
    Installed,
    /// There is no npm. Nothing that ships depends on it: without it module and scripts are larger, and the accessibility
    /// check is left out.
    NoNpm,
    /// npm is there and could not install them. Who has it expects what it makes.
    Refused,
}

/// Installs the pinned packages of `xtask/npm`.
pub(crate) fn npm_packages(step: &Step<'_>, workspace: &Workspace) -> Result<NpmPackages> {
    if !is_there("npm") {
        step.say("npm is missing: no wasm-opt, no esbuild, no axe-core (Debian: apt-get install npm)");
        return Ok(NpmPackages::NoNpm);
    }
    let (from, to) = (workspace.root.join("xtask/npm"), workspace.target.join("npm"));
    fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
    let lock = fs::read(from.join("package-lock.json")).context("cannot read xtask/npm/package-lock.json")?;
    let stamp = to.join(STAMP);
    if is_installed(&to, &lock) {
        return Ok(NpmPackages::Installed);
    }
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), to.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    let installed = step.run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&to))?;
    if !installed.status.success() {
        step.say(&format!("npm could not install its packages: {}", installed.lines.join(" ")));
        return Ok(NpmPackages::Refused);
    }
    fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(NpmPackages::Installed)
}

/// The lock file of what was installed.
const STAMP: &str = "installed-lock.json";

/// Whether what `lock` names is installed in `folder`, and still there.
fn is_installed(folder: &Path, lock: &[u8]) -> bool {
    let has = |program: &&str| folder.join("node_modules/.bin").join(program).exists();
    fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == lock) && ["esbuild", "wasm-opt"].iter().all(has)
}

/// Where `esbuild` and `wasm-opt` are, once [`npm_packages`] has succeeded.
pub(crate) fn npm_programs(workspace: &Workspace) -> PathBuf {
    workspace.npm_modules().join(".bin")
}

/// Installs Debian's Chromium and ChromeDriver when they are missing and we are root.
pub(crate) fn chromium(step: &Step<'_>) -> Result<()> {
    if is_there("chromedriver") && is_there("chromium") {
        return Ok(());
    }
    const PACKAGES: &str = "apt-get install -y --no-install-recommends chromium chromium-driver";
    if !(is_there("apt-get") && is_root()) {
        bail!("Chromium and ChromeDriver are missing: as root, `apt-get update && {PACKAGES}`");
    }
    step.say("installing chromium and chromium-driver");
    debian_packages(step, PACKAGES)
}

/// Installs the load generators that loadgen is compared with, where that can be done, and says where cargo's are. The
/// comparison leaves out what is missing.
pub(crate) fn load_generators(step: &Step<'_>, workspace: &Workspace) -> Result<PathBuf> {
    // These say their version and call it a failure.
    let starts = |program| Command::new(program).arg("--version").output().is_ok();
    if !(starts("wrk") && starts("hey")) && is_there("apt-get") && is_root() {
        step.say("installing wrk and hey");
        debian_packages(step, "apt-get install -y --no-install-recommends wrk hey")?;
    }
    let folder = workspace.target.join("tools");
    if !(is_there("oha") || folder.join("bin/oha").exists()) {
        step.say("installing oha, which takes minutes");
        let installed = step.run(workspace.cargo("install").args(["oha", "--locked", "--root"]).arg(&folder))?;
        if !installed.status.success() {
            step.say(&format!("oha could not be installed: {}", installed.lines.join(" ")));
        }
    }
    Ok(folder.join("bin"))
}

/// A fresh machine knows no packages before the first update.
fn debian_packages(step: &Step<'_>, install: &str) -> Result<()> {
    for line in ["apt-get update", install] {
        let mut words = line.split(' ');
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        step.run(&mut command)?.check(line)?;
    }
    Ok(())
}

/// The wasm tests of the engine run under node.
pub(crate) fn node() -> Result<()> {
    if !is_there("node") {
        bail!("node is missing, and the engine's wasm tests run in it: install it (Debian: apt-get install nodejs)");
    }
    Ok(())
}

/// Whether `cargo nextest` is there; it is optional, as installing it takes minutes.
pub(crate) fn nextest(step: &Step<'_>, workspace: &Workspace) -> bool {
    let found = workspace.cargo("nextest").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        step.say("cargo-nextest is missing, using `cargo test` (faster: cargo install cargo-nextest --locked)");
    }
    found
}

#[cfg(unix)]
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_and_has_gone_is_installed_again() {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("node_modules/.bin");
        fs::create_dir_all(&programs).unwrap();
        fs::write(folder.path().join(STAMP), "lock").unwrap();
        assert!(!is_installed(folder.path(), b"lock"));
        for program in ["esbuild", "wasm-opt"] {
            fs::write(programs.join(program), "").unwrap();
        }
        assert!(is_installed(folder.path(), b"lock"));
        assert!(!is_installed(folder.path(), b"another"));
    }
}
