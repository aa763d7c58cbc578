//! Links that lead nowhere: a page, a file or a place on a page that does not exist.

use crate::files::SiteFiles;
use crate::weights::resolve;

/// One line for each broken link.
pub(crate) fn broken(site: &SiteFiles, base: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (page, bytes) in site.iter().filter(|(path, _)| path.ends_with(".html")) {
        let html = String::from_utf8_lossy(bytes);
        for link in links(&html).filter(|link| !leads_somewhere(site, link, page, base)) {
            lines.push(format!("{page}: {link}"));
        }
    }
    lines.dedup();
    lines
}

/// The values of `href` and `src`. What a page shows as code has its quotes escaped and is not found.
fn links(html: &str) -> impl Iterator<Item = &str> {
    let values = |attribute: &'static str| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    values(" href=\"").chain(values(" src=\""))
}

fn leads_somewhere(site: &SiteFiles, link: &str, page: &str, base: &str) -> bool {
    // Another host, `mailto:`, `data:`.
    if link.split('/').next().is_some_and(|first| first.contains(':')) {
        return true;
    }
    let (path, place) = link.split_once('#').unwrap_or((link, ""));
    // What follows `?` is a question to the page.
    let path = path.split('?').next().unwrap_or_default();
    let target = if path.is_empty() { Some(page.to_owned()) } else { resolve(path, page, base) };
    let Some(target) = target else { return false };
    let folder = target.trim_end_matches('/');
    let index = if folder.is_empty() { "index.html".to_owned() } else { format!("{folder}/index.html") };
    // Only a link that ends in a slash is relative to the folder that it shows.
    let means_folder = target.is_empty() || path.ends_with(['/', '.']);
    let found = if means_folder { site.get(&index) } else { site.get(&target) };
    let Some(bytes) = found else { return false };
    // `#s=…` carries a state instead of naming a place.
    place.is_empty() || place.contains('=') || String::from_utf8_lossy(bytes).contains(&format!(" id=\"{place}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_in(html: &str) -> Vec<String> {
        let mut site = SiteFiles::default();
        site.insert("index.html", b"<p id=\"top\">".to_vec());
        site.insert("a.css", Vec::new());
        site.insert("stages/index.html", Vec::new());
        site.insert("stages/01/index.html", html.as_bytes().to_vec());
        broken(&site, "/base/")
    }

    #[test]
    fn a_link_to_a_page_a_file_or_a_place_is_followed() {
        let good =
            ["../", "../../", "../../#top", "../../a.css?v", "/base/a.css", "https://example.org/x", "../../#s=1"];
        for link in good {
            assert!(broken_in(&format!("<a href=\"{link}\">")).is_empty(), "{link}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_page() {
        for link in ["../02/", "../../b.css", "/a.css", "../../#bottom", "#here", "../../../x", "../../stages"] {
            assert_eq!(broken_in(&format!("<a href=\"{link}\">")), [format!("stages/01/index.html: {link}")]);
        }
    }
}
