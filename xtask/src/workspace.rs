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
    libraries: Vec<Library>,
    /// The packages of the workspace.
    #[cfg(test)]
    pub(crate) members: Vec<String>,
}

/// What a package has for other Rust code.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) package: String,
    /// Its first file; a test reads the examples in it and beside it.
    #[cfg(test)]
    pub(crate) source: PathBuf,
    /// Whether it is made for other languages only, as what a page loads is.
    #[cfg(test)]
    pub(crate) is_module: bool,
    /// Whether its documentation has tests: unless its manifest says `doctest = false`.
    pub(crate) has_doc_tests: bool,
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
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
            libraries: libraries(&metadata),
            #[cfg(test)]
            members: members(&metadata),
        })
    }

    /// The library of every package that has one.
    pub(crate) fn libraries(&self) -> &[Library] {
        &self.libraries
    }

    /// Cargo, in the root of the workspace.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.root).arg(subcommand);
        command
    }

    /// Where rustc and what belongs to it are installed.
    pub(crate) fn toolchain(&self) -> Result<PathBuf> {
        self.ask_rustc(&["--print=sysroot"])
    }

    /// A folder that rustc names, as the one that cargo will start in this workspace.
    pub(crate) fn ask_rustc(&self, question: &[&str]) -> Result<PathBuf> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        let output = command.args(question).current_dir(&self.root).output().context("cannot start rustc")?;
        if !output.status.success() {
            bail!("rustc does not run: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// Packages that npm installed for us.
    pub(crate) fn npm_modules(&self) -> PathBuf {
        self.target.join("npm/node_modules")
    }
}

#[cfg(test)]
fn members(metadata: &serde_json::Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.filter_map(|package| package["name"].as_str()).map(str::to_owned).collect()
}

fn libraries(metadata: &serde_json::Value) -> Vec<Library> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| {
        let targets = package["targets"].as_array().into_iter().flatten();
        targets.map(|target| (package["name"].as_str().unwrap_or_default(), target))
    });
    let is_library = |target: &serde_json::Value| {
        let kinds = target["kind"].as_array().into_iter().flatten();
        kinds.filter_map(|kind| kind.as_str()).any(|kind| kind.ends_with("lib"))
    };
    let libraries = targets.filter(|(_, target)| is_library(target)).map(|(package, target)| Library {
        package: package.to_owned(),
        #[cfg(test)]
        source: PathBuf::from(target["src_path"].as_str().unwrap_or_default()),
        #[cfg(test)]
        is_module: target["kind"] == serde_json::json!(["cdylib"]),
        has_doc_tests: target["doctest"].as_bool().unwrap_or_default(),
    });
    libraries.collect()
}

fn cargo_program() -> OsString {
    // `cargo run` names itself, so that a rustup override stays in force.
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
