//! The scripts of a page, bundled: esbuild leaves out what nobody imports, and shortens the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bindings::PROGRAMS;
use crate::files::SiteFiles;

/// The script that brings a page's figures to life.
const PAGE_SCRIPT: &str = PROGRAMS[0].script;

/// How the bindings let a class take part in `using`, which no script here does.
const DISPOSE: &str = "if (Symbol.dispose) ";

/// What frees a thing that was forgotten. To make one has no effect of its own.
const REGISTRY: &str = "new FinalizationRegistry(";
const PURE: &str = "/* @__PURE__ */ new FinalizationRegistry(";

/// Scripts that are only ever imported.
const PARTS: [&str; 6] = ["desk.js", "inspector.js", "offline.js", "programs.js", "progress.js", "worker.js"];

/// Whether a script is only ever imported: one of [`PARTS`], or a program's bindings.
fn is_part(path: &str) -> bool {
    PARTS.contains(&path) || PROGRAMS.iter().any(|program| path == program.glue())
}

/// What esbuild says of a file that it wrote: <https://esbuild.github.io/api/#metafile>.
#[derive(Deserialize)]
struct Output {
    inputs: BTreeMap<String, Input>,
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Input {}

#[derive(Deserialize)]
struct Import {
    path: String,
    kind: String,
}

#[derive(Deserialize)]
struct Metafile {
    outputs: BTreeMap<String, Output>,
}

/// What became of the scripts.
#[derive(Debug, Default)]
pub(crate) struct Bundled {
    /// Into which script each has gone.
    pub(crate) into: BTreeMap<String, String>,
    /// What the page's program imports before it can begin: scripts that a browser may fetch beside it.
    pub(crate) beside: Vec<String>,
    /// What scripts import once the page is open: no page waits for it.
    pub(crate) later: BTreeSet<String>,
}

/// The file's name, where a path has one.
fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Bundles the scripts that the site's files begin with; what they share becomes a file of its own.
pub(crate) fn bundle(files: &mut SiteFiles, esbuild: &Path) -> Result<Bundled> {
    let (from, into) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut command = Command::new(esbuild);
    let mut scripts = Vec::new();
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".js") && !path.contains('/')) {
        let text = String::from_utf8_lossy(bytes);
        // As esbuild sees it, these need their class whether or not anybody else does.
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with(DISPOSE))
            .map(|line| line.replace(REGISTRY, PURE) + "\n")
            .collect();
        std::fs::write(from.path().join(path), text).with_context(|| format!("cannot write {path}"))?;
        if !is_part(path) {
            command.arg(from.path().join(path));
        }
        scripts.push(path.to_owned());
    }
    let outdir = format!("--outdir={}", into.path().display());
    let metafile = from.path().join("metafile.json");
    command.arg(format!("--metafile={}", metafile.display()));
    command.args(["--bundle", "--splitting", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"]);
    let output = command.arg(outdir).output().with_context(|| format!("cannot start {}", esbuild.display()))?;
    if !output.status.success() {
        bail!("esbuild failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    scripts.iter().for_each(|path| files.remove(path));
    files.extend(SiteFiles::read(into.path())?);
    let written: Metafile = serde_json::from_slice(&std::fs::read(&metafile)?).context("esbuild's metafile")?;
    let pairs =
        written.outputs.iter().flat_map(|(output, it)| it.inputs.keys().map(|input| (name(input), name(output))));
    let is_static = |import: &&Import| import.kind == "import-statement";
    let beside =
        written.outputs.iter().filter(|(output, _)| name(output) == PAGE_SCRIPT).flat_map(|(_, it)| &it.imports);
    let beside = beside.filter(is_static).map(|import| name(&import.path)).collect();
    let later = written.outputs.values().flat_map(|it| &it.imports).filter(|import| import.kind == "dynamic-import");
    let later = later.map(|import| name(&import.path)).collect();
    Ok(Bundled { into: pairs.collect(), beside, later })
}
