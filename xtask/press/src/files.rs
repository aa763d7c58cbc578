//! The site in memory, and putting it in place of the last one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::weights::Weights;

/// Path below the site's folder, with forward slashes, to content. Sorted, so that a build is reproducible.
#[derive(Debug, Default)]
pub(crate) struct SiteFiles(BTreeMap<String, Vec<u8>>);

impl SiteFiles {
    pub(crate) fn insert(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    pub(crate) fn extend(&mut self, other: SiteFiles) {
        self.0.extend(other.0);
    }

    pub(crate) fn extend_below(&mut self, folder: &str, other: SiteFiles) {
        self.0.extend(other.0.into_iter().map(|(path, bytes)| (format!("{folder}/{path}"), bytes)));
    }

    pub(crate) fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// Reads a folder with everything below it; hidden files stay behind.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut files = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            let at = folder.join(&below);
            for entry in fs::read_dir(&at).with_context(|| format!("cannot read {}", at.display()))? {
                let entry = entry?;
                let name = entry.file_name();
                let Some(name) = name.to_str() else {
                    bail!("{}: a file name must be UTF-8", entry.path().display());
                };
                if name.starts_with('.') {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push(below.join(name));
                    continue;
                }
                let path = below.join(name).to_string_lossy().replace('\\', "/");
                let bytes =
                    fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
                files.insert(path, bytes);
            }
        }
        Ok(files)
    }
}

/// `build.json`: what this folder is. It also marks the folder as one that a build may replace.
#[derive(Debug, Serialize)]
pub(crate) struct BuildNote<'a> {
    generator: &'static str,
    build_id: &'a str,
    base: &'a str,
    weights: Option<&'a Weights>,
}

const NOTE: &str = "build.json";
const GENERATOR: &str = "hockeystick";

impl<'a> BuildNote<'a> {
    pub(crate) fn new(build_id: &'a str, base: &'a str, weights: Option<&'a Weights>) -> Self {
        Self { generator: GENERATOR, build_id, base, weights }
    }
}

/// Writes the site beside `out` and then swaps the two folders, so that a server never shows half a build.
pub(crate) fn put_in_place(site: &SiteFiles, note: &BuildNote<'_>, out: &Path) -> Result<()> {
    refuse_foreign_folder(out)?;
    let (new, old) = (sibling(out, "new")?, sibling(out, "old")?);
    for leftover in [&new, &old] {
        if leftover.exists() {
            fs::remove_dir_all(leftover).with_context(|| format!("cannot remove {}", leftover.display()))?;
        }
    }
    for (path, bytes) in site.iter() {
        write(&new.join(path), bytes)?;
    }
    write(&new.join(NOTE), &serde_json::to_vec_pretty(note)?)?;
    if out.exists() {
        fs::rename(out, &old).with_context(|| format!("cannot move {} aside", out.display()))?;
    }
    fs::rename(&new, out).with_context(|| format!("cannot create {}", out.display()))?;
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// `--out ~/documents` must not cost anybody their documents.
fn refuse_foreign_folder(out: &Path) -> Result<()> {
    let Ok(mut entries) = fs::read_dir(out) else {
        if out.exists() {
            bail!("{} is a file: name a folder with --out", out.display());
        }
        return Ok(());
    };
    let is_ours = fs::read_to_string(out.join(NOTE)).is_ok_and(|note| note.contains(GENERATOR));
    if entries.next().is_some() && !is_ours {
        bail!("{} holds files that are not a built site: name an empty or new folder with --out", out.display());
    }
    Ok(())
}

fn sibling(out: &Path, suffix: &str) -> Result<PathBuf> {
    let name = out.file_name().with_context(|| format!("{} is not a folder name", out.display()))?;
    Ok(out.with_file_name(format!(".{}.{suffix}", name.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(text: &str) -> SiteFiles {
        let mut files = SiteFiles::default();
        files.insert("a/index.html", text.as_bytes().to_vec());
        files
    }

    #[test]
    fn a_build_replaces_the_last_one_without_leftovers() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("dist");
        let note = BuildNote::new("id", "/", None);
        put_in_place(&site("one"), &note, &out).unwrap();
        fs::write(out.join("stale"), "").unwrap();
        put_in_place(&site("two"), &note, &out).unwrap();
        assert_eq!(fs::read_to_string(out.join("a/index.html")).unwrap(), "two");
        assert!(!out.join("stale").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_of_somebody_elses_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.odt"), "").unwrap();
        let error = put_in_place(&site("x"), &BuildNote::new("id", "/", None), folder.path()).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
        assert!(folder.path().join("thesis.odt").exists());
    }

    #[test]
    fn reading_a_folder_keeps_paths_and_skips_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("fonts/.cache")).unwrap();
        fs::write(folder.path().join("fonts/a.woff2"), "a").unwrap();
        fs::write(folder.path().join("fonts/.cache/b"), "b").unwrap();
        let files = SiteFiles::read(folder.path()).unwrap();
        assert_eq!(files.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["fonts/a.woff2"]);
    }
}
