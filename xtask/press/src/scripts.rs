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

/// The scripts beside it that a script imports. A worker is no import: it is named by its address, and begins by itself.
fn imports(script: &str) -> Vec<String> {
    let pieces: Vec<&str> = script.split(['"', '\'']).collect();
    let is_import = |before: &str| ["from", "import", "import("].iter().any(|word| before.trim_end().ends_with(word));
    let imported = |pair: &[&str]| pair[1].strip_prefix("./").filter(|_| is_import(pair[0])).map(str::to_owned);
    pieces.windows(2).filter_map(imported).collect()
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
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    // Names of chunks are digests of what esbuild was told: it is told nothing of where this build happens to be.
    let esbuild = std::path::absolute(esbuild).context("cannot tell where esbuild is")?;
    let mut command = Command::new(&esbuild);
    command.current_dir(folder.path());
    let mut scripts = Vec::new();
    let is_script = |(path, _): &(&str, &[u8])| path.ends_with(".js") && !path.contains('/');
    let parts: BTreeSet<String> =
        files.iter().filter(is_script).flat_map(|(_, bytes)| imports(&String::from_utf8_lossy(bytes))).collect();
    for (path, bytes) in files.iter().filter(is_script) {
        let text = String::from_utf8_lossy(bytes);
        // As esbuild sees it, these need their class whether or not anybody else does.
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with(DISPOSE))
            .map(|line| line.replace(REGISTRY, PURE) + "\n")
            .collect();
        std::fs::write(folder.path().join(path), text).with_context(|| format!("cannot write {path}"))?;
        if !parts.contains(path) {
            command.arg(format!("./{path}"));
        }
        scripts.push(path.to_owned());
    }
    command.args(["--outdir=bundled", "--metafile=metafile.json"]);
    command.args(["--bundle", "--splitting", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"]);
    let output = command.output().with_context(|| format!("cannot start {}", esbuild.display()))?;
    if !output.status.success() {
        bail!("esbuild failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    scripts.iter().for_each(|path| files.remove(path));
    files.extend(SiteFiles::read(&folder.path().join("bundled"))?);
    let metafile = std::fs::read(folder.path().join("metafile.json")).context("cannot read esbuild's metafile")?;
    let written: Metafile = serde_json::from_slice(&metafile).context("esbuild's metafile")?;
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::assets::build_id;

    /// Stands in for esbuild: writes down what it was told, as chunks' names follow from it.
    const TELLTALE: &str = r#"#!/bin/sh
for word; do
  case $word in
    --outdir=*) out=${word#--outdir=} ;;
    --metafile=*) metafile=${word#--metafile=} ;;
  esac
done
mkdir -p "$out"
echo "$@" > "$out/app.js"
echo '{"outputs":{}}' > "$metafile"
"#;

    fn bundled(scripts: &[(&str, &str)]) -> SiteFiles {
        let folder = tempfile::tempdir().unwrap();
        let esbuild = folder.path().join("esbuild");
        std::fs::write(&esbuild, TELLTALE).unwrap();
        std::fs::set_permissions(&esbuild, PermissionsExt::from_mode(0o755)).unwrap();
        let mut files = SiteFiles::default();
        for (path, text) in scripts {
            files.insert(*path, text.as_bytes().to_vec());
        }
        bundle(&mut files, &esbuild).unwrap();
        files
    }

    #[test]
    fn a_script_that_another_imports_begins_nothing() {
        let app =
            "import a, { b } from './a.js';\nimport \"./b.js\";\nawait import('./c.js'); new URL('./worker.js', x)";
        let files = bundled(&[("app.js", app), ("a.js", ""), ("b.js", ""), ("c.js", ""), ("worker.js", "")]);
        let told = String::from_utf8_lossy(files.get("app.js").unwrap());
        let begins: Vec<&str> = told.split_whitespace().filter(|word| word.starts_with("./")).collect();
        assert_eq!(begins, ["./app.js", "./worker.js"]);
    }

    #[test]
    fn the_same_scripts_are_bundled_into_the_same_files() {
        let (one, two) = (bundled(&[("app.js", "1;")]), bundled(&[("app.js", "1;")]));
        assert!(one.get("app.js").is_some_and(|told| String::from_utf8_lossy(told).contains("app.js")));
        assert_eq!(build_id(&one), build_id(&two), "{one:?}\n{two:?}");
    }
}
