//! `_headers`, in the format that Netlify and Cloudflare Pages share: Content-Security-Policy and caching.
//!
//! Each path gets exactly one rule. A host that finds two joins their values, and a browser that reads two policies obeys
//! both: an exception for `/embed/` cannot be taken back from a rule for `/*`.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::files::SiteFiles;

const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'";

/// Any page of the site but an embedded figure belongs into a window of its own.
const EMBED: &str = "embed";

pub(crate) fn write(site: &SiteFiles, base: &str) -> String {
    let mut text = String::from("# Made by `cargo xtask build`.\n");
    for pattern in patterns(site) {
        let folder = pattern.split('/').next().unwrap_or_default();
        let frames = if folder == EMBED { "*" } else { "'none'" };
        let caching = if folder == "assets" { "public, max-age=31536000, immutable" } else { "no-cache" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{base}{pattern}\n  Content-Security-Policy: {POLICY}; frame-ancestors {frames}\n  \
             Cache-Control: {caching}\n  X-Content-Type-Options: nosniff\n  \
             Referrer-Policy: strict-origin-when-cross-origin\n"
        );
    }
    text
}

/// One pattern for each entry at the top of the site, and one for the home page's two names.
fn patterns(site: &SiteFiles) -> BTreeSet<String> {
    let mut patterns = BTreeSet::from([String::new()]);
    for (path, _) in site.iter() {
        patterns.insert(match path.split_once('/') {
            Some((folder, _)) => format!("{folder}/*"),
            None => path.to_owned(),
        });
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> SiteFiles {
        let mut site = SiteFiles::default();
        for path in ["index.html", "sw.js", "embed/index.html", "assets/id/a.js", "stages/01/index.html"] {
            site.insert(path, Vec::new());
        }
        site
    }

    fn rule<'a>(text: &'a str, path: &str) -> &'a str {
        let start = text.find(&format!("\n{path}\n")).unwrap() + path.len() + 2;
        let end = text[start..].find("\n/").map_or(text.len(), |end| start + end);
        &text[start..end]
    }

    #[test]
    fn only_embedded_figures_may_be_framed() {
        let text = write(&site(), "/");
        assert!(rule(&text, "/embed/*").contains("frame-ancestors *"));
        for path in ["/", "/index.html", "/sw.js", "/assets/*", "/stages/*"] {
            assert!(rule(&text, path).contains("frame-ancestors 'none'"), "{path}");
        }
    }

    #[test]
    fn no_path_matches_two_rules() {
        let text = write(&site(), "/talk/");
        let patterns: Vec<&str> = text.lines().filter(|line| line.starts_with('/')).collect();
        for path in ["/talk/", "/talk/embed/", "/talk/sw.js", "/talk/assets/id/a.js", "/talk/stages/01/"] {
            let matching = |pattern: &&&str| match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == **pattern,
            };
            assert_eq!(patterns.iter().filter(matching).count(), 1, "{path}");
        }
    }

    #[test]
    fn only_addresses_with_a_build_id_are_cached_for_ever() {
        let text = write(&site(), "/");
        assert!(rule(&text, "/assets/*").contains("immutable"));
        assert!(rule(&text, "/stages/*").contains("no-cache"));
        assert!(rule(&text, "/sw.js").contains("no-cache"));
    }
}
