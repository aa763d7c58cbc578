//! The frame of every page: `index.html` at the workspace's root, with the header and the footer.
//!
//! Within the pages a link that begins with `/` means the top of the site; here it becomes relative to the page.

use maud::{Markup, html};

use super::{Content, Page, SiteOptions, palette, style};
use crate::draw;
use crate::journey::Stop;

const SHELL: &str = include_str!("../../../index.html");

/// Puts the frame around a page's content.
pub(super) fn page(options: &SiteOptions, path: &str, content: &Content) -> Result<Page, miette::Report> {
    let root = root(options, path);
    let assets = format!("{root}assets/{}", options.build_id);
    let scripts = html! {
        @if content.stage_number.is_none() { (sheet(&assets, style::PLACES)) }
        // A page without figures does without their program.
        @if content.needs_figures { (app(options, &assets)) }
        (script(&assets, "page.js"))
        @if let Some(tool) = content.tool {
            (sheet(&assets, "tools.css"))
            (script(&assets, tool))
        }
    };
    let title = if path == "index.html" { content.title.clone() } else { format!("{} · Hockeystick", content.title) };
    let skip = html! { a.skip href="#content" { "Skip to the content" } };
    let sizes = content.needs_figures.then(palette::sizes);
    let body = html! {
        (skip) (header(content)) (content.main) (footer(content))
        @if let Some(sizes) = sizes { (sizes) }
    };
    framed(options, path, &title, &content.description, &scripts, &body)
}

/// A page without a header, a footer or a place on the journey: it stands within a page of somebody else's.
pub(super) fn bare(
    options: &SiteOptions,
    path: &str,
    title: &str,
    description: &str,
    main: &Markup,
) -> Result<Page, miette::Report> {
    let assets = format!("{}assets/{}", root(options, path), options.build_id);
    let scripts = html! {
        (sheet(&assets, style::PLACES))
        (app(options, &assets))
        (script(&assets, "embed.js"))
    };
    framed(options, path, title, description, &scripts, &html! { (main) (palette::sizes()) })
}

/// What brings figures to life. It begins while the page is still being read, and all that it will ask for is fetched at
/// once: one thing after another would take a round trip each.
fn app(options: &SiteOptions, assets: &str) -> Markup {
    html! {
        link rel="preload" href={ (assets) "/hockeystick_site_bg.wasm" } as="fetch" crossorigin;
        @for name in &options.beside_app { link rel="modulepreload" href={ (assets) "/" (name) }; }
        script type="module" async src={ (assets) "/app.js" } {}
    }
}

/// A script of a page, which runs once the page is read.
fn script(assets: &str, name: &str) -> Markup {
    html! { script type="module" src={ (assets) "/" (name) } {} }
}

/// A style sheet beside the one that every page has.
fn sheet(assets: &str, name: &str) -> Markup {
    html! { link rel="stylesheet" href={ (assets) "/" (name) }; }
}

fn framed(
    options: &SiteOptions,
    path: &str,
    title: &str,
    description: &str,
    scripts: &Markup,
    body: &Markup,
) -> Result<Page, miette::Report> {
    let root = root(options, path);
    let assets = format!("{root}assets/{}", options.build_id);
    let body = body.0.as_str();
    let body = format!("{body}{}", draw::sprite(body).into_string());
    let text = |text: &str| html! { (text) }.into_string();
    let values = [
        ("title", text(title)),
        ("description", text(description)),
        ("style", format!("{assets}/{}", style::NAME)),
        ("assets", assets),
        ("scripts", scripts.0.clone()),
        ("body", relative(&body, path, &root)),
    ];
    Ok(Page { path: path.to_owned(), bytes: fill(SHELL, &values)?.into_bytes() })
}

/// The way from a page to the top of the site. Pages that stand in for another are shown anywhere: they need the full way.
fn root(options: &SiteOptions, path: &str) -> String {
    if path == "404.html" || path == "offline.html" {
        return options.base.clone();
    }
    match path.matches('/').count() {
        0 => "./".to_owned(),
        depth => "../".repeat(depth),
    }
}

/// Links that begin at the top of the site, as they are from a page: to its neighbours the short way.
fn relative(html: &str, path: &str, root: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let html = match parts[..] {
        [folder, _, _] => &html.replace(&format!("href=\"/{folder}/"), "href=\"../"),
        _ => html,
    };
    html.replace("href=\"/", &format!("href=\"{root}"))
}

/// Replaces each `{{name}}`.
fn fill(shell: &str, values: &[(&str, String)]) -> Result<String, miette::Report> {
    let mut parts = shell.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
            return Err(miette::miette!(
                help = "the slots are title, description, assets, style, scripts, body",
                "index.html: no value for the slot `{name}`"
            ));
        };
        text += value;
        text += rest;
    }
    Ok(text)
}

fn header(content: &Content) -> Markup {
    let current = |name: &str| (content.here == Some(name)).then_some("page");
    html! {
        header.top {
            a.mark href="/" aria-current=[current("home")] {
                svg width="30" height="22" viewBox="0 0 30 22" aria-hidden="true" {
                    path.curve d="M2 19C16 18.5 23 16 27 2" {}
                    circle cx="23.4" cy="13.2" r="2.6" {}
                }
                "Hockeystick"
            }
            nav aria-label="Site" {
                a href="/stages/" aria-current=[current("map")] { "Journey" }
                a href="/sandbox/" aria-current=[current("sandbox")] { "Sandbox" }
                a href="/compare/" aria-current=[current("compare")] { "Compare" }
                a href="/check/" aria-current=[current("check")] { "Check" }
                a href="/model/" aria-current=[current("model")] { "Model" }
                a href="/glossary/" aria-current=[current("glossary")] { "Glossary" }
            }
            span.grow {}
            @if let Some(number) = content.stage_number {
                span.count { (number) " of " (content.stops.len()) }
            }
            button.theme type="button" hidden {
                svg viewBox="0 0 24 24" aria-hidden="true" {
                    circle cx="12" cy="12" r="8.5" {}
                    path d="M12 3.5a8.5 8.5 0 0 1 0 17z" {}
                }
            }
        }
        @if let Some(number) = content.stage_number { (ladder(&content.stops, number)) }
    }
}

/// The stages as rungs: those before, this one, those to come.
fn ladder(stops: &[Stop], here: usize) -> Markup {
    html! {
        nav.ladder aria-label="Stages" {
            ol {
                @for (index, stop) in stops.iter().enumerate() {
                    @let number = index + 1;
                    @let name = format!("Stage {number}: {}", stop.title);
                    @let class = if number < here { "done" } else if number == here { "here" } else { "ahead" };
                    li class=(class) {
                        a href={ "/stages/" (stop.slug) "/" } title=(name)
                            aria-current=[(number == here).then_some("page")] {}
                    }
                }
            }
        }
    }
}

fn footer(content: &Content) -> Markup {
    html! {
        footer.bottom {
            @if content.needs_figures {
                p.without-figures {
                    "The figures run where the browser has JavaScript and WebAssembly. The text needs neither."
                }
            }
            p {
                "Every request is simulated, and the simulation is checked against queueing theory. \
                 No cookies, no trackers, nothing loaded from anybody else."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_finds_the_top_of_the_site_from_any_depth() {
        let options = SiteOptions { base: "/talk/".to_owned(), build_id: "id".to_owned(), beside_app: Vec::new() };
        assert_eq!(root(&options, "index.html"), "./");
        assert_eq!(root(&options, "stages/01/index.html"), "../../");
        assert_eq!(root(&options, "404.html"), "/talk/");
    }

    #[test]
    fn a_link_from_the_top_of_the_site_leads_there_from_any_page() {
        let links = r#"<a href="/stages/02/"><a href="/stages/"><a href="/model/">"#;
        let from = |path: &str, root: &str| relative(links, path, root);
        assert_eq!(from("stages/01/index.html", "../../"), r#"<a href="../02/"><a href="../"><a href="../../model/">"#);
        assert_eq!(
            from("stages/index.html", "../"),
            r#"<a href="../stages/02/"><a href="../stages/"><a href="../model/">"#
        );
    }

    #[test]
    fn a_slot_without_a_value_is_an_error() {
        assert!(fill("a {{b}} c", &[("b", "B".to_owned())]).is_ok_and(|text| text == "a B c"));
        assert!(fill("a {{x}} c", &[]).is_err());
    }
}
