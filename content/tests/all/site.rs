//! What every page of the site is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::LazyLock;
use std::thread;

use hockeystick_content::site::{SiteOptions, render};
use hockeystick_core::component::Kind;

/// HTML elements that have no end tag.
const VOID: [&str; 5] = ["input", "meta", "link", "br", "hr"];

/// The site's pages, rendered once.
fn pages() -> BTreeMap<&'static str, &'static str> {
    files().into_iter().filter(|(path, _)| path.ends_with(".html")).collect()
}

fn files() -> BTreeMap<&'static str, &'static str> {
    static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
        let options =
            SiteOptions { base: "/".to_owned(), build_id: "id".to_owned(), beside_app: vec!["part.js".to_owned()] };
        let pages = render(&options).unwrap_or_else(|report| panic!("{report:?}"));
        pages.into_iter().map(|page| (page.path, String::from_utf8(page.bytes).unwrap())).collect()
    });
    FILES.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

/// Each start tag: its name and its attributes.
fn tags(html: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut tags = Vec::new();
    for rest in html.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let inside = &rest[..end_of_tag(rest)];
        let name_end = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
        tags.push((inside[..name_end].to_ascii_lowercase(), attributes(&inside[name_end..])));
    }
    tags
}

/// The `>` that is not inside an attribute's quotes.
fn end_of_tag(text: &str) -> usize {
    let mut quoted = false;
    text.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })
    .unwrap_or_else(|| panic!("a tag without an end: {text:.60}"))
}

fn attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let Some(end) =
            text.find(|c: char| c.is_whitespace() || c == '=' || c == '/').or((!text.is_empty()).then_some(text.len()))
        else {
            return attributes;
        };
        let name = text[..end].to_owned();
        text = &text[end..];
        let value = match text.strip_prefix("=\"") {
            Some(rest) => {
                let close = rest.find('"').unwrap();
                text = &rest[close + 1..];
                rest[..close].to_owned()
            }
            None => {
                assert!(!text.starts_with('='), "an attribute without quotes: {name}");
                String::new()
            }
        };
        assert!(attributes.insert(name.clone(), value).is_none(), "an attribute twice: {name}");
    }
}

/// The page that a link leads to, and the place in it.
fn target(page: &str, link: &str) -> (String, String) {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { page.split('/').collect() };
    if !path.starts_with('/') {
        parts.pop();
    }
    if path.is_empty() {
        return (page.to_owned(), anchor.to_owned());
    }
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => assert!(parts.pop().is_some(), "{page}: {link} leaves the site"),
            part => parts.push(part),
        }
    }
    let is_folder = path.ends_with('/') || path.is_empty();
    if is_folder {
        parts.push("index.html");
    }
    (parts.join("/"), anchor.to_owned())
}

/// One test: nextest gives each a process of its own, and every one would have to render the pages, simulations and all.
#[test]
fn pages_are_what_they_should_be() {
    let checks: [fn(); 12] = [
        every_page_has_a_title_a_language_a_description_and_one_heading_of_the_first_rank,
        titles_differ_from_page_to_page,
        no_page_needs_more_than_the_strict_policy_allows,
        html_is_well_formed_and_ids_are_unique,
        every_link_and_anchor_inside_the_site_leads_somewhere,
        the_journey_can_be_walked_from_end_to_end,
        every_figure_that_a_page_names_is_on_it,
        a_lesson_on_paper_shows_no_board_twice,
        the_page_of_a_kind_says_all_that_an_inspector_asks_for,
        a_lesson_names_each_kind_on_its_board_and_leads_to_its_page,
        every_icon_that_a_page_uses_is_drawn_on_it,
        a_page_and_its_styles_stay_within_their_budget,
    ];
    thread::scope(|scope| {
        for check in checks {
            scope.spawn(check);
        }
    });
}

fn every_page_has_a_title_a_language_a_description_and_one_heading_of_the_first_rank() {
    for (path, html) in pages() {
        let tags = tags(html);
        let count = |name: &str| tags.iter().filter(|(tag, _)| tag == name).count();
        assert!(html.starts_with("<!doctype html>"), "{path}");
        assert_eq!((count("title"), count("h1"), count("main")), (1, 1, 1), "{path}");
        assert!(tags.iter().any(|(tag, attributes)| tag == "html" && attributes["lang"] == "en"), "{path}");
        let described = |attributes: &BTreeMap<String, String>| {
            attributes.get("name").is_some_and(|name| name == "description") && attributes["content"].len() > 20
        };
        assert!(tags.iter().any(|(tag, attributes)| tag == "meta" && described(attributes)), "{path}");
        assert!(!html.contains("{{"), "{path}");
    }
}

fn titles_differ_from_page_to_page() {
    let pages = pages();
    let titles: BTreeSet<&str> = pages.values().map(|html| between(html, "<title>", "</title>")).collect();
    assert_eq!(titles.len(), pages.len());
}

fn between<'h>(html: &'h str, start: &str, end: &str) -> &'h str {
    html.split_once(start).unwrap().1.split_once(end).unwrap().0
}

fn no_page_needs_more_than_the_strict_policy_allows() {
    for (path, html) in pages() {
        for (tag, attributes) in tags(html) {
            assert!(tag != "style" && tag != "iframe" && tag != "object", "{path}: <{tag}>");
            assert!(tag != "script" || attributes.contains_key("src"), "{path}: an inline script");
            for (name, value) in &attributes {
                assert!(name != "style" && !name.starts_with("on"), "{path}: <{tag} {name}>");
                assert!(!value.starts_with("javascript:"), "{path}: <{tag} {name}>");
            }
            if tag != "a" {
                for name in ["src", "href"] {
                    let value = attributes.get(name).map_or("", String::as_str);
                    assert!(!value.contains("//"), "{path}: <{tag}> loads {value} from somebody else");
                }
            }
        }
        assert!(!html.contains("</script>\n<script>") && !html.contains("<script>"), "{path}");
    }
}

fn html_is_well_formed_and_ids_are_unique() {
    for (path, html) in pages() {
        let mut open: Vec<String> = Vec::new();
        for rest in html.split('<').skip(1) {
            if rest.starts_with('!') {
                continue;
            }
            let inside = &rest[..end_of_tag(rest)];
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name.trim()), "{path}: </{name}>");
                continue;
            }
            let name = inside.split(|c: char| c.is_whitespace() || c == '/').next().unwrap().to_ascii_lowercase();
            if !VOID.contains(&name.as_str()) && !inside.ends_with('/') {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<String>::new(), "{path}");
        let mut ids = BTreeSet::new();
        for (tag, attributes) in tags(html) {
            if let Some(id) = attributes.get("id") {
                assert!(ids.insert(id.clone()), "{path}: two elements <{tag}> with the id {id}");
            }
        }
    }
}

fn every_link_and_anchor_inside_the_site_leads_somewhere() {
    let pages = pages();
    let ids: BTreeMap<&str, BTreeSet<String>> = pages
        .iter()
        .map(|(path, html)| {
            (*path, tags(html).into_iter().filter_map(|(_, mut attributes)| attributes.remove("id")).collect())
        })
        .collect();
    for (path, html) in &pages {
        for (tag, attributes) in tags(html) {
            let Some(link) = attributes.get("href").filter(|link| !link.starts_with("http")) else { continue };
            let (page, anchor) = target(path, link);
            if page.starts_with("assets/") {
                assert!(page.starts_with("assets/id/"), "{path}: {link}");
                continue;
            }
            assert!(pages.contains_key(page.as_str()), "{path}: <{tag}> {link} leads to {page}, which is not there");
            assert!(anchor.is_empty() || ids[page.as_str()].contains(&anchor), "{path}: no {anchor} in {page}");
        }
    }
}

fn the_journey_can_be_walked_from_end_to_end() {
    let pages = pages();
    let mut here = "stages/01-single-server/index.html".to_owned();
    let mut seen = Vec::new();
    while here != "stages/index.html" {
        let html = pages[here.as_str()];
        let tags = tags(html);
        let has = |name: &str| tags.iter().any(|(tag, _)| tag == name);
        assert!(has("hockeystick-figure") && has("hockeystick-challenge"), "{here} has no figure, or no task");
        assert!(!seen.contains(&here), "{here} comes twice");
        let ways = between(html, "<nav class=\"neighbours\"", "</nav>");
        let next = ways.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap();
        let next = target(&here, next).0;
        seen.push(std::mem::replace(&mut here, next));
    }
    assert_eq!(seen.len(), 21);
}

fn every_figure_that_a_page_names_is_on_it() {
    for (path, html) in pages() {
        let tags = tags(html);
        let ids: BTreeSet<&str> =
            tags.iter().filter_map(|(_, attributes)| attributes.get("id")?.strip_prefix("fig-")).collect();
        for (tag, attributes) in &tags {
            if tag == "hockeystick-figure" {
                assert!(attributes["data-figure"].len() > 100, "{path}: a figure without data");
            } else if let Some(figure) = attributes.get("data-figure") {
                assert!(ids.contains(figure.as_str()), "{path}: <{tag}> names the figure {figure}");
            }
        }
    }
}

fn a_lesson_on_paper_shows_no_board_twice() {
    for (path, html) in pages().into_iter().filter(|(path, _)| path.starts_with("stages/")) {
        let boards: Vec<&str> = html.split("<div class=\"still").skip(1).collect();
        let boards: Vec<String> = boards.chunk_by(|_, part| part.starts_with('-')).map(<[&str]>::concat).collect();
        let again = |board: &str| board.starts_with(" again") || board.contains("-board again\"");
        let printed: Vec<&String> = boards.iter().filter(|board| !again(board)).collect();
        let pictures: BTreeSet<&str> = printed.iter().map(|board| between(board, "\"still-wide\"", "</svg>")).collect();
        assert!(pictures.len() == printed.len(), "{path}: a board is printed twice");
        assert!(boards.is_empty() || boards[0] == *printed[0], "{path}: the first board is not printed");
        assert!(path != "stages/09-load-balancer/index.html" || printed.len() < boards.len() - 2, "{path}");
    }
}

/// The inspector reads there what it says: a summary, what is modelled and left out, and each setting with its source.
fn the_page_of_a_kind_says_all_that_an_inspector_asks_for() {
    for kind in Kind::ALL {
        let html = pages()[format!("model/{}/index.html", kind.key()).as_str()];
        for part in ["class=\"summary\"", "class=\"models\"", "class=\"leaves-out\""] {
            assert!(html.contains(part), "{}: no {part}", kind.key());
        }
        for field in kind.fields() {
            assert!(html.contains(&format!("data-field=\"{}\"", field.name)), "{}.{}", kind.key(), field.name);
        }
    }
}

/// Without a program a reader finds below each lesson what is on its board, and the way to all that is said of it.
fn a_lesson_names_each_kind_on_its_board_and_leads_to_its_page() {
    for slug in hockeystick_content::builtin::slugs() {
        let stage = hockeystick_content::builtin::stage(slug).unwrap().unwrap();
        let html = pages()[format!("stages/{slug}/index.html").as_str()];
        let section = between(html, "<section class=\"model\"", "</section>");
        for component in &stage.components {
            let way = format!("href=\"../../model/{}/\"", component.settings.kind().key());
            assert_eq!(section.matches(&way).count(), 1, "{slug}: {way}");
        }
    }
}

fn every_icon_that_a_page_uses_is_drawn_on_it() {
    for (path, html) in pages() {
        let tags = tags(html);
        let drawn: BTreeSet<&str> = tags
            .iter()
            .filter(|(tag, _)| tag == "symbol")
            .filter_map(|(_, a)| a.get("id").map(String::as_str))
            .collect();
        for (_, attributes) in tags.iter().filter(|(tag, _)| tag == "use") {
            assert!(drawn.contains(attributes["href"].trim_start_matches('#')), "{path}: {:?}", attributes["href"]);
        }
    }
}

fn a_page_and_its_styles_stay_within_their_budget() {
    let style = compressed(files()["assets/id/style.css"].as_bytes());
    for (path, html) in pages() {
        let html = compressed(html.as_bytes());
        println!("{path}: {html} bytes of HTML and {style} of CSS");
        assert!(html + style <= 20_000, "{path}: {html} bytes of HTML and {style} of CSS");
    }
}

fn compressed(bytes: &[u8]) -> usize {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
    writer.write_all(bytes).unwrap();
    writer.into_inner().len()
}
