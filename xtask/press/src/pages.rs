//! What `content` renders.

use anyhow::{Result, anyhow};
use hockeystick_content::site::{self, SiteOptions};

use crate::files::SiteFiles;

pub(crate) fn render(base: &str, build_id: &str, beside_app: Vec<String>) -> Result<SiteFiles> {
    let options = SiteOptions { base: base.to_owned(), build_id: build_id.to_owned(), beside_app };
    // A report's debug form is the one for people: file, line, the text itself, help.
    let pages = site::render(&options).map_err(|report| anyhow!("the pages cannot be made\n{report:?}"))?;
    let mut files = SiteFiles::default();
    for page in pages {
        files.insert(page.path, page.bytes);
    }
    Ok(files)
}
