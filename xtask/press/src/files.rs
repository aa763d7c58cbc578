//! The site in memory, and putting it in place of the last one.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

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
    let out = &resolve(out)?;
    let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
        bail!("{} is not a folder that can be replaced: name another with --out", out.display());
    };
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    // One build after the other, where the system can lock a folder; held until the end.
    let lock = fs::File::open(parent);
    let _ = lock.as_ref().map(fs::File::lock);
    refuse_foreign_folder(out)?;

    let prefix = format!(".{}.", name.to_string_lossy());
    let beside = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent);
    let beside = beside.with_context(|| format!("cannot create a folder in {}", parent.display()))?;
    let (new, old) = (beside.path().join("new"), beside.path().join("old"));
    for (path, bytes) in site.iter() {
        write(&new.join(path), bytes)?;
    }
    write(&new.join(NOTE), &serde_json::to_vec_pretty(note)?)?;
    if let Err(error) = swap(&new, &old, out) {
        if old.exists() {
            let kept = beside.keep().join("old");
            return Err(error.context(format!("the last site is in {}", kept.display())));
        }
        return Err(error);
    }
    beside.close().with_context(|| format!("cannot remove what was in {}", out.display()))
}

/// Moves `new` to `out`, and what was there to `old`. Where the first cannot be done, the last site stays in its place.
fn swap(new: &Path, old: &Path, out: &Path) -> Result<()> {
    if out.exists() {
        fs::rename(out, old).with_context(|| format!("cannot move {} aside", out.display()))?;
    }
    fs::rename(new, out).with_context(|| format!("cannot create {}", out.display())).inspect_err(|_| {
        // Where this fails too, the caller says where the last site is.
        let _ = fs::rename(old, out);
    })
}

/// The folder that `out` means: behind a link it is replaced, and the link stays.
fn resolve(out: &Path) -> Result<PathBuf> {
    if let Ok(folder) = fs::canonicalize(out) {
        return Ok(folder);
    }
    if out.is_symlink() {
        bail!("{} is a link that leads nowhere: name a folder with --out", out.display());
    }
    std::path::absolute(out).with_context(|| format!("{} is not a folder name", out.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// `--out ~/documents` must not cost anybody their documents.
fn refuse_foreign_folder(out: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let what = format!("{} cannot be read as a folder: name another with --out", out.display());
            return Err(error).context(what);
        }
    };
    let note: Option<Value> = fs::read(out.join(NOTE)).ok().and_then(|note| serde_json::from_slice(&note).ok());
    let is_ours = note.is_some_and(|note| note["generator"] == GENERATOR);
    if entries.next().is_some() && !is_ours {
        bail!("{} holds files that are not a built site: name an empty or new folder with --out", out.display());
    }
    Ok(())
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
    fn a_note_of_somebody_else_makes_no_folder_ours() {
        for note in ["{\"name\": \"hockeystick-scores\"}", "hockeystick", "{\"generator\": \"another\"}"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(NOTE), note).unwrap();
            put_in_place(&site("x"), &BuildNote::new("id", "/", None), folder.path()).unwrap_err();
            assert_eq!(fs::read_to_string(folder.path().join(NOTE)).unwrap(), note);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_folder_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (out, real) = (folder.path().join("dist"), folder.path().join("elsewhere"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &out).unwrap();
        put_in_place(&site("one"), &BuildNote::new("id", "/", None), &out).unwrap();
        assert!(out.symlink_metadata().unwrap().is_symlink());
        assert!(real.join("a/index.html").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_site_can_be_read_by_whoever_serves_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("dist");
        put_in_place(&site("one"), &BuildNote::new("id", "/", None), &out).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&out), mode(&out.join("a")));
    }

    #[test]
    fn the_last_site_stays_where_the_next_cannot_be_put_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let [new, old, out] = ["new", "old", "dist"].map(|name| folder.path().join(name));
        fs::create_dir(&out).unwrap();
        fs::write(out.join("index.html"), "last").unwrap();
        swap(&new, &old, &out).unwrap_err();
        assert_eq!(fs::read_to_string(out.join("index.html")).unwrap(), "last");
        assert!(!old.exists());
    }

    #[test]
    fn builds_at_the_same_time_leave_one_of_them_whole() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("dist");
        let texts: Vec<String> = (0..4).map(|text| text.to_string()).collect();
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| {
                    for _ in 0..20 {
                        put_in_place(&site(text), &BuildNote::new("id", "/", None), &out).unwrap();
                    }
                });
            }
        });
        assert!(texts.contains(&fs::read_to_string(out.join("a/index.html")).unwrap()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
