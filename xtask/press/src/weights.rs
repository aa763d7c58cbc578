//! What a reader downloads, against the budgets.
//!
//! A page's files are found by following every quoted reference from the page through its scripts and style sheets that
//! names a file of the site: nothing has to be listed, so nothing can be forgotten. Links to other pages are not followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::Write as _;

use serde::Serialize;

use crate::bindings::PROGRAMS;
use crate::files::SiteFiles;

/// Bytes over the wire, by kind; text and wasm under brotli 11, fonts as they are (woff2 is brotli already).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct PageWeight {
    wasm_and_js_bytes: usize,
    /// Loaded when the reader asks for more than the page shows, or when the page is idle.
    on_demand_bytes: usize,
    html_and_css_bytes: usize,
    fonts_bytes: usize,
    images_bytes: usize,
}

/// A kind of file with the most a page may download of it.
struct Budget {
    name: &'static str,
    max_bytes: usize,
    /// Where the budget is not reached yet: what was reached, and some hundred bytes by which machines differ. More than this
    /// fails the build; what raises it says why. It goes away when it meets the budget; until then every build says that
    /// the page is over its budget.
    ratchet_bytes: Option<usize>,
    of: fn(&PageWeight) -> usize,
}

impl Budget {
    /// More than this fails the build.
    fn limit_bytes(&self) -> usize {
        self.ratchet_bytes.unwrap_or(self.max_bytes)
    }
}

/// DESIGN.md, section 7. A kilobyte is 1,000 bytes.
const BUDGETS: [Budget; 3] = [
    Budget { name: "wasm + JS", max_bytes: 180_000, ratchet_bytes: Some(293_500), of: |page| page.wasm_and_js_bytes },
    Budget { name: "HTML + CSS", max_bytes: 20_000, ratchet_bytes: None, of: |page| page.html_and_css_bytes },
    Budget { name: "fonts", max_bytes: 60_000, ratchet_bytes: None, of: |page| page.fonts_bytes },
];

/// The weight of each page.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Weights {
    pages: BTreeMap<String, PageWeight>,
}

/// `later` names the scripts that others import once the page is open.
pub(crate) fn weigh(site: &SiteFiles, base: &str, later: &BTreeSet<String>) -> Weights {
    let mut scales = Scales { site, base, later, sizes: BTreeMap::new() };
    let pages = site.iter().map(|(path, _)| path).filter(|path| kind(path) == Kind::Page);
    Weights { pages: pages.map(|path| (path.to_owned(), scales.page(path))).collect() }
}

impl Weights {
    /// A table for people: each page's figures, and the budgets below.
    pub(crate) fn table(&self) -> String {
        let width = self.pages.keys().map(String::len).max().unwrap_or_default().max(8);
        let mut text = format!("\n{:width$}", "KB");
        for budget in &BUDGETS {
            // Writing to a String cannot fail.
            let _ = write!(text, "  {:>10}", budget.name);
        }
        let _ = writeln!(text, "  {:>10}  {:>10}", "images", "on demand");
        for (path, page) in &self.pages {
            let _ = write!(text, "{path:width$}");
            for budget in &BUDGETS {
                let _ = write!(text, "  {:>10}", kilobytes((budget.of)(page)));
            }
            let _ = writeln!(text, "  {:>10}  {:>10}", kilobytes(page.images_bytes), kilobytes(page.on_demand_bytes));
        }
        let _ = write!(text, "{:width$}", "budget");
        for budget in &BUDGETS {
            let _ = write!(text, "  {:>10}", kilobytes(budget.max_bytes));
        }
        text.push_str("\n\n");
        text
    }

    /// One line for each budget that a page misses, whether or not that fails the build.
    pub(crate) fn missed(&self) -> Vec<String> {
        let line = |budget: &Budget| {
            let over: Vec<_> = self.pages.iter().filter(|(_, page)| (budget.of)(page) > budget.max_bytes).collect();
            let (largest, page) = over.iter().max_by_key(|(_, page)| (budget.of)(page))?;
            let pages = if over.len() == 1 { "page" } else { "pages" };
            let (max, most) = (kilobytes(budget.max_bytes), kilobytes((budget.of)(page)));
            Some(format!("{}: {} {pages} over {max} KB, the largest {largest} with {most} KB", budget.name, over.len()))
        };
        BUDGETS.iter().filter_map(line).collect()
    }

    /// One line for each page and kind that fails the build.
    pub(crate) fn too_heavy(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, page) in &self.pages {
            for budget in BUDGETS.iter().filter(|budget| (budget.of)(page) > budget.limit_bytes()) {
                let (is, limit) = (kilobytes((budget.of)(page)), kilobytes(budget.limit_bytes()));
                let what = if budget.ratchet_bytes.is_some() { "ratchet" } else { "budget" };
                // Both may read the same in kilobytes.
                let over_bytes = (budget.of)(page) - budget.limit_bytes();
                lines
                    .push(format!("{path}: {} {is} KB, {over_bytes} bytes over the {what} of {limit} KB", budget.name));
            }
        }
        lines
    }
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1000.0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    Style,
    Code,
    Font,
    Other,
}

fn kind(path: &str) -> Kind {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => Kind::Page,
        "css" => Kind::Style,
        "js" | "mjs" | "wasm" => Kind::Code,
        "woff2" | "woff" => Kind::Font,
        _ => Kind::Other,
    }
}

/// Whether a page is open without a script or module.
fn is_on_demand(path: &str, later: &BTreeSet<String>) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    later.contains(name)
        || PROGRAMS.iter().any(|program| program.on_demand && (name == program.script || name == program.module()))
}

struct Scales<'a> {
    site: &'a SiteFiles,
    base: &'a str,
    later: &'a BTreeSet<String>,
    /// Pages share files, and brotli 11 is slow.
    sizes: BTreeMap<String, usize>,
}

impl Scales<'_> {
    fn page(&mut self, page: &str) -> PageWeight {
        let mut weight = PageWeight::default();
        for path in self.closure(page) {
            let size = self.size(&path);
            match kind(&path) {
                Kind::Code if is_on_demand(&path, self.later) => weight.on_demand_bytes += size,
                Kind::Page | Kind::Style => weight.html_and_css_bytes += size,
                Kind::Code => weight.wasm_and_js_bytes += size,
                Kind::Font => weight.fonts_bytes += size,
                Kind::Other => weight.images_bytes += size,
            }
        }
        weight
    }

    /// The page and every file of the site it leads to.
    fn closure(&self, page: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([page.to_owned()]);
        let mut open = vec![page.to_owned()];
        while let Some(path) = open.pop() {
            // The service worker names what it keeps for later visits: no page waits for that.
            if path == crate::offline::WORKER
                || path.ends_with(".wasm")
                || matches!(kind(&path), Kind::Font | Kind::Other)
            {
                continue;
            }
            let text = String::from_utf8_lossy(self.site.get(&path).unwrap_or_default());
            for reference in references(&text) {
                let Some(target) = resolve(reference, &path, self.base) else { continue };
                let loads = kind(&target) != Kind::Page && self.site.get(&target).is_some();
                if loads && found.insert(target.clone()) {
                    open.push(target);
                }
            }
        }
        found
    }

    fn size(&mut self, path: &str) -> usize {
        if let Some(size) = self.sizes.get(path) {
            return *size;
        }
        let bytes = self.site.get(path).unwrap_or_default();
        let is_packed = kind(path) == Kind::Font || path.ends_with(".png");
        let size = if is_packed { bytes.len() } else { brotli_11(bytes) };
        self.sizes.insert(path.to_owned(), size);
        size
    }
}

/// Strings between quotes, and what stands inside `url(…)`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'', '`', '(', ')', '\n']).map(str::trim).filter(|part| !part.is_empty() && part.len() < 200)
}

/// The file a reference in `from` names: relative to it, or to the host when it starts with the base.
pub(crate) fn resolve(reference: &str, from: &str, base: &str) -> Option<String> {
    let reference = reference.split(['?', '#']).next()?;
    if let Some(path) = reference.strip_prefix('/') {
        return format!("/{path}").strip_prefix(base).map(str::to_owned);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The size as a host with brotli at its best setting sends it.
fn brotli_11(bytes: &[u8]) -> usize {
    const BUFFER_BYTES: usize = 1 << 16;
    const WINDOW_LOG2: u32 = 22;
    let mut packed = brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, 11, WINDOW_LOG2);
    // A Vec accepts every write.
    let _ = packed.write_all(bytes);
    packed.into_inner().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[(&str, &str)]) -> SiteFiles {
        let mut site = SiteFiles::default();
        for (path, text) in files {
            site.insert(*path, text.as_bytes().to_vec());
        }
        site
    }

    #[test]
    fn a_page_weighs_what_it_leads_to_through_scripts_and_style_sheets() {
        let site = site(&[
            (
                "s/01/index.html",
                "<link href=\"../../assets/a.css\"><script src=\"/x/assets/boot.js?v\"></script><a href='../'>",
            ),
            ("s/index.html", "another page"),
            ("assets/a.css", "@font-face{src:url(fonts/f.woff2)}"),
            ("assets/fonts/f.woff2", "0123456789"),
            ("assets/boot.js", "import init from './glue.js'"),
            ("assets/glue.js", "new URL('glue_bg.wasm', import.meta.url)"),
            ("assets/glue_bg.wasm", "\0asm"),
            ("assets/unused.js", "never loaded"),
        ]);
        let later = BTreeSet::new();
        let scales = Scales { site: &site, base: "/x/", later: &later, sizes: BTreeMap::new() };
        let files: Vec<_> = scales.closure("s/01/index.html").into_iter().collect();
        assert_eq!(
            files,
            [
                "assets/a.css",
                "assets/boot.js",
                "assets/fonts/f.woff2",
                "assets/glue.js",
                "assets/glue_bg.wasm",
                "s/01/index.html"
            ]
        );
        let weight = |later| weigh(&site, "/x/", later).pages["s/01/index.html"];
        assert_eq!(weight(&later).fonts_bytes, 10);
        let (all, script) = (weight(&later).wasm_and_js_bytes, brotli_11(site.get("assets/glue.js").unwrap()));
        let glue_later = weight(&BTreeSet::from(["glue.js".to_owned()]));
        assert_eq!((glue_later.wasm_and_js_bytes, glue_later.on_demand_bytes), (all - script, script));
    }

    #[test]
    fn a_page_over_its_budget_is_named() {
        // Hexadecimal digests carry four bits a letter: brotli gets 120 KB down to 60 KB and no further.
        let noise: String = (0..10_000_u32).map(|i| crate::assets::build_id(&site(&[("", &i.to_string())]))).collect();
        let pages = site(&[("big.html", &noise), ("small.html", "x")]);
        let weights = weigh(&pages, "/", &BTreeSet::new());
        let heavy = weights.too_heavy();
        assert_eq!(heavy.len(), 1);
        assert!(
            heavy[0].starts_with("big.html: HTML + CSS") && heavy[0].ends_with("over the budget of 20.0 KB"),
            "{heavy:?}"
        );
        let missed = weights.missed();
        assert_eq!(missed.len(), 1);
        assert!(missed[0].starts_with("HTML + CSS: 1 page over 20.0 KB, the largest big.html with"), "{missed:?}");
    }

    #[test]
    fn the_limit_that_fails_is_named_and_a_budget_that_many_pages_miss_takes_one_line() {
        let page = |kilobytes| PageWeight { wasm_and_js_bytes: kilobytes * 1_000_usize, ..PageWeight::default() };
        let pages = [("a", page(400)), ("b", page(290)), ("c", page(10))];
        let weights = Weights { pages: pages.map(|(path, page)| (path.to_owned(), page)).into() };
        assert_eq!(weights.too_heavy(), ["a: wasm + JS 400.0 KB, 106500 bytes over the ratchet of 293.5 KB"]);
        assert_eq!(weights.missed(), ["wasm + JS: 2 pages over 180.0 KB, the largest a with 400.0 KB"]);
    }

    #[test]
    fn a_reference_cannot_leave_the_site() {
        assert_eq!(resolve("../../x.js", "a/index.html", "/"), None);
        assert_eq!(resolve("/elsewhere/x.js", "index.html", "/base/"), None);
    }
}
