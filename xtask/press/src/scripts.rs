//! The scripts of a page, bundled: esbuild leaves out what nobody imports, and shortens the rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bindings::PROGRAMS;
use crate::files::SiteFiles;

/// How the bindings let a class take part in `using`, which no script here does.
const DISPOSE: &str = "if (Symbol.dispose) ";

/// What frees a thing that was forgotten. To make one has no effect of its own.
const REGISTRY: &str = "new FinalizationRegistry(";
const PURE: &str = "/* @__PURE__ */ new FinalizationRegistry(";

/// Whether a script is only ever imported: the bindings, and what the workers share.
fn is_part(path: &str) -> bool {
    ["worker.js", "programs.js", "desk.js"].contains(&path) || PROGRAMS.iter().any(|program| path == program.glue())
}

/// What esbuild says of a file that it wrote: <https://esbuild.github.io/api/#metafile>.
#[derive(Deserialize)]
struct Output {
    inputs: BTreeMap<String, Input>,
}

#[derive(Deserialize)]
struct Input {}

#[derive(Deserialize)]
struct Metafile {
    outputs: BTreeMap<String, Output>,
}

/// The file's name, where a path has one.
fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Bundles the scripts that the site's files begin with; what they share becomes a file of its own. Returns into which
/// script each has gone.
pub(crate) fn bundle(files: &mut SiteFiles, esbuild: &Path) -> Result<BTreeMap<String, String>> {
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
    Ok(pairs.collect())
}
