//! The service worker: what it keeps, so that the site works without a network after the first visit.

use anyhow::{Context, Result};

use crate::files::SiteFiles;

/// Its script; the press fills in what is of the build.
pub(crate) const WORKER: &str = "sw.js";

/// Fills the worker in: the build that it is of, the files that a page needs, the pages, and the boards that a reader may
/// choose.
pub(crate) fn fill(site: &mut SiteFiles, build_id: &str) -> Result<()> {
    let script = String::from_utf8(site.get(WORKER).context("site/assets/top/sw.js is missing")?.to_vec())?;
    let assets: Vec<&str> = site.iter().map(|(path, _)| path).filter(|path| is_kept(path)).collect();
    let pages: Vec<&str> = site.iter().filter_map(|(path, _)| page(path)).collect();
    let figures: Vec<&str> = site.iter().map(|(path, _)| path).filter(|path| path.starts_with("figures/")).collect();
    let list = |paths: Vec<&str>| format!("{paths:?}");
    let script = script
        .replace("{{build}}", build_id)
        .replace("{{assets}}", &list(assets))
        .replace("{{pages}}", &list(pages))
        .replace("{{figures}}", &list(figures));
    site.insert(WORKER, script.into_bytes());
    Ok(())
}

/// What pages load. Texts for people, such as a licence, and source sheets that are part of another are not.
fn is_kept(path: &str) -> bool {
    let is_loaded = [".js", ".wasm", ".woff2", ".svg"].iter().any(|end| path.ends_with(end));
    let is_sheet = ["/style.css", "/places.css", "/tools.css"].iter().any(|end| path.ends_with(end));
    path.starts_with("assets/") && (is_loaded || is_sheet)
}

/// The address of a page: of the folder where it is one's index.
fn page(path: &str) -> Option<&str> {
    if !path.ends_with(".html") {
        return None;
    }
    Some(path.strip_suffix("index.html").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_keeps_what_pages_load_and_ask_for_and_the_pages_themselves() {
        let mut site = SiteFiles::default();
        let assets = ["assets/id/app.js", "assets/id/page.css", "assets/id/style.css"];
        for path in assets.into_iter().chain(["figures/01/board.txt", "index.html", "stages/index.html"]) {
            site.insert(path, Vec::new());
        }
        site.insert(WORKER, b"{{build}} {{assets}} {{pages}} {{figures}}".to_vec());
        fill(&mut site, "id").unwrap();
        let script = String::from_utf8(site.get(WORKER).unwrap().to_vec()).unwrap();
        assert_eq!(
            script,
            r#"id ["assets/id/app.js", "assets/id/style.css"] ["", "stages/"] ["figures/01/board.txt"]"#
        );
    }
}
