//! Files copied as they are, and the build id.
//!
//! Everything in `site/assets` is served from `assets/<build id>/` and may be cached for ever; links between these files
//! are relative and need no rewriting. `site/assets/top` goes to the top of the site: files whose address is a promise
//! to others, such as `sw.js`, and those that browsers look for there.

use std::path::Path;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::files::SiteFiles;

#[derive(Debug, Default)]
pub(crate) struct Assets {
    pub(crate) versioned: SiteFiles,
    pub(crate) top: SiteFiles,
}

pub(crate) fn read(folder: &Path) -> Result<Assets> {
    let mut assets = Assets::default();
    if !folder.is_dir() {
        return Ok(assets);
    }
    for (path, bytes) in SiteFiles::read(folder)?.iter() {
        match path.strip_prefix("top/") {
            Some(path) => assets.top.insert(path, bytes.to_vec()),
            None => assets.versioned.insert(path, bytes.to_vec()),
        }
    }
    Ok(assets)
}

/// A digest of the files: the same sources give the same addresses, and any change gives new ones.
pub(crate) fn build_id(files: &SiteFiles) -> String {
    let mut digest = Sha256::new();
    for (path, bytes) in files.iter() {
        digest.update((path.len() as u64).to_le_bytes());
        digest.update(path);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(files: &[(&str, &str)]) -> String {
        let mut site = SiteFiles::default();
        for (path, text) in files {
            site.insert(*path, text.as_bytes().to_vec());
        }
        build_id(&site)
    }

    #[test]
    fn the_build_id_changes_with_any_name_or_content() {
        let one = id(&[("a.css", "x"), ("b.js", "y")]);
        assert_eq!(one, id(&[("b.js", "y"), ("a.css", "x")]));
        assert_ne!(one, id(&[("a.css", "x"), ("b.js", "z")]));
        assert_ne!(one, id(&[("a.css", "x"), ("c.js", "y")]));
        assert_eq!(one.len(), 12);
    }

    #[test]
    fn the_top_folder_goes_to_the_top_of_the_site() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("top")).unwrap();
        std::fs::write(folder.path().join("top/sw.js"), "e").unwrap();
        std::fs::write(folder.path().join("site.css"), "c").unwrap();
        let assets = read(folder.path()).unwrap();
        assert!(assets.top.get("sw.js").is_some());
        assert!(assets.versioned.get("site.css").is_some());
    }
}
