//! What `content` renders.

use std::path::Path;

use anyhow::Result;

use crate::files::SiteFiles;

pub(crate) fn render(_workspace: &Path, base: &str, build_id: &str) -> Result<SiteFiles> {
    let mut site = SiteFiles::default();
    for (path, title) in [("index.html", "Hockeystick"), ("404.html", "No such page")] {
        let page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <link rel=\"icon\" href=\"data:,\">\
             <link rel=\"modulepreload\" href=\"{base}assets/{build_id}/hockeystick.js\"></head>\
             <body><main><h1>{title}</h1></main></body></html>\n"
        );
        site.insert(path, page.into_bytes());
    }
    Ok(site)
}
