//! Prose as HTML, with knobs, terms and things.

use std::collections::BTreeMap;
use std::ops::Range;

use hockeystick_core::component::Kind;
use hockeystick_core::figure::Figure;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::Reading;
use hockeystick_core::workload::Class;
use maud::html as markup;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{html, slug};
use crate::draw::icon;
use crate::problem::Problems;
use crate::show;
use crate::stage::{parse_value, reading};
use crate::suggest::valid_names;

/// A word that the lesson introduces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Its address within the page.
    pub(crate) key: String,
    /// The word as the lesson introduces it.
    pub(crate) word: String,
    /// What it means, in one line.
    pub(crate) meaning: String,
}

/// How far a knob's words may be from its number: 1,852 for 1851.85.
const ROUNDED: f64 = 0.01;

/// A thing on a board that prose can name: a kind of component, a machine, a class of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thing(&'static str);

impl Thing {
    /// Every name: `box` is a machine, `request` any request.
    fn names() -> impl Iterator<Item = &'static str> {
        let fixed = ["request", "box", "users"].into_iter();
        let classes = Class::ALL.into_iter().map(Class::name);
        fixed.chain(classes).chain(Kind::ALL.iter().map(|kind| kind.key()))
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::names().find(|known| *known == name).map(Self)
    }

    /// The icon of the thing.
    fn icon(self) -> &'static str {
        match self.0 {
            "users" => "clients",
            "request" => "static",
            name => name,
        }
    }
}

/// Writes prose, and keeps what it meets on the way.
pub(super) struct Writer<'w> {
    figures: &'w [Figure],
    problems: &'w mut Problems,
    terms: BTreeMap<String, Term>,
    anchors: BTreeMap<String, usize>,
}

impl<'w> Writer<'w> {
    pub(super) fn new(figures: &'w [Figure], problems: &'w mut Problems) -> Self {
        Self { figures, problems, terms: BTreeMap::new(), anchors: BTreeMap::new() }
    }

    pub(super) fn into_terms(self) -> Vec<Term> {
        let mut terms: Vec<Term> = self.terms.into_values().collect();
        terms.sort_by_key(|term| term.word.to_lowercase());
        terms
    }

    /// One line of Markdown without a place in the file of its own: a question, a choice.
    pub(super) fn line(&mut self, text: &str) -> String {
        let events: Vec<_> = Parser::new_ext(text, Options::ENABLE_SMART_PUNCTUATION)
            .filter(|event| !matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)))
            .map(unbroken)
            .collect();
        let mut out = String::new();
        pulldown_cmark::html::push_html(&mut out, events.into_iter());
        out.trim().to_owned()
    }

    /// `beside` names the figure that knobs turn, one for each section of the prose.
    pub(super) fn prose(&mut self, events: &[(Event<'_>, Range<usize>)], beside: &[Option<String>]) -> String {
        let mut out: Vec<Event<'_>> = Vec::new();
        let mut section = 0;
        let mut index = 0;
        while index < events.len() {
            let (event, span) = &events[index];
            let inner = || &events[index + 1..index + 1 + inner_length(&events[index + 1..])];
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    section += 1;
                    let id = self.anchor(&plain_text(inner()));
                    out.push(self.heading(*level, &id, span));
                }
                Event::Start(Tag::Link { dest_url, title, .. }) if is_special(dest_url) => {
                    let words = plain_text(inner());
                    let figure = beside.get(section).and_then(Option::as_deref);
                    out.push(html(self.special(&words, dest_url, title, figure, span)));
                    index += inner().len() + 2;
                    continue;
                }
                Event::Start(Tag::Link { dest_url, .. }) => {
                    self.check_link(dest_url, span);
                    out.push(event.clone());
                }
                Event::Start(Tag::Table(_)) => {
                    // A wide table scrolls by itself instead of widening the page.
                    out.push(html("<div class=\"table\">".to_owned()));
                    out.push(event.clone());
                }
                Event::End(TagEnd::Table) => {
                    out.push(event.clone());
                    out.push(html("</div>".to_owned()));
                }
                Event::Start(Tag::CodeBlock(_)) => {
                    // As it was typed.
                    out.extend([event].into_iter().chain(inner().iter().map(|(event, _)| event)).cloned());
                    index += inner().len();
                }
                _ => out.push(unbroken(event.clone())),
            }
            index += 1;
        }
        let mut text = String::new();
        pulldown_cmark::html::push_html(&mut text, out.into_iter());
        // Alignment comes as a style attribute, which the page's policy forbids.
        text.replace(" style=\"text-align: right\"", " class=\"right\"")
            .replace(" style=\"text-align: center\"", " class=\"centre\"")
            .replace(" style=\"text-align: left\"", "")
    }

    fn heading(&mut self, level: HeadingLevel, id: &str, span: &Range<usize>) -> Event<'static> {
        if !matches!(level, HeadingLevel::H2 | HeadingLevel::H3) {
            let help = "## for a section, ### within it; the page's title comes from the stage";
            self.problems.add(span.clone(), "", "a heading of this level is not for lessons", help);
        }
        let tag = Tag::Heading { level, id: Some(CowStr::from(id.to_owned())), classes: Vec::new(), attrs: Vec::new() };
        Event::Start(tag)
    }

    /// An address that no other heading has.
    fn anchor(&mut self, text: &str) -> String {
        let base = slug(text);
        let count = self.anchors.entry(base.clone()).or_default();
        *count += 1;
        if *count == 1 { base } else { format!("{base}-{count}") }
    }

    fn check_link(&mut self, url: &str, span: &Range<usize>) {
        let allowed = url.starts_with("https://") || url.starts_with("http://") || url.starts_with('#');
        if !allowed && (url.contains(':') || url.starts_with('/')) {
            let help = "a web address, a relative path, `#heading`, or knob:, term:, thing:";
            self.problems.add(span.clone(), "", format!("`{url}` is no link for a lesson"), help);
        }
    }

    fn special(&mut self, words: &str, url: &str, title: &str, figure: Option<&str>, span: &Range<usize>) -> String {
        match url.split_once(':') {
            Some(("knob", path)) => self.knob(words, path, figure, span),
            Some(("term", key)) => self.term(words, key, title, span),
            Some((_, name)) => self.thing(words, name, span),
            None => String::new(),
        }
    }

    fn knob(&mut self, words: &str, path: &str, beside: Option<&str>, span: &Range<usize>) -> String {
        let (id, path) = match path.split_once('/') {
            Some((id, path)) => (Some(id), path),
            None => (beside, path),
        };
        let Some(figure) = self.figures.iter().find(|figure| Some(figure.id.as_str()) == id) else {
            let help = valid_names(id.unwrap_or_default(), self.figures.iter().map(|figure| figure.id.as_str()));
            self.problems.add(span.clone(), "", format!("no such figure: `{}`", id.unwrap_or_default()), help);
            return String::new();
        };
        match knob_value(figure, path, words) {
            // The running figure's number takes the place of the words: what they say must be true of it.
            Ok((value, reading)) if (value - reading.value).abs() > ROUNDED * reading.value.abs() => {
                let begins = show::number(reading.unit, reading.value);
                let help = "say what it is at first; what to turn it to is no knob, but plain text";
                self.problems.add(span.clone(), "", format!("the figure begins with {begins}"), help);
                String::new()
            }
            Ok((_, reading)) => markup! {
                span.knob data-figure=(figure.id) data-path=(path) data-value=(reading.value) { (words) }
            }
            .into_string(),
            Err(error) => {
                self.problems.add(span.clone(), "", error.to_string(), "");
                String::new()
            }
        }
    }

    fn term(&mut self, words: &str, key: &str, meaning: &str, span: &Range<usize>) -> String {
        let key = slug(key);
        if meaning.is_empty() {
            let help = "[queue](term:queue \"requests that wait\")";
            self.problems.add(span.clone(), "", format!("the term `{key}` has no meaning"), help);
        }
        if self.terms.contains_key(&key) {
            let help = "a term is introduced once, in italics, where it is first needed";
            self.problems.add(span.clone(), "", format!("the term `{key}` is introduced already"), help);
        }
        let html = markup! { dfn { a href={ "#term-" (key) } title=(meaning) { (words) } } };
        let term = Term { key: key.clone(), word: words.to_owned(), meaning: meaning.to_owned() };
        self.terms.insert(key, term);
        html.into_string()
    }

    fn thing(&mut self, words: &str, name: &str, span: &Range<usize>) -> String {
        let Some(thing) = Thing::from_name(name) else {
            self.problems.add(span.clone(), "", format!("no such thing: `{name}`"), valid_names(name, Thing::names()));
            return String::new();
        };
        let html = markup! { span class={ "thing thing-" (thing.icon()) } { (icon(thing.icon())) (words) } };
        html.into_string()
    }
}

/// The number that a knob's words say, and what the figure has there. A bare number is taken in the unit that it obviously
/// has: requests a second.
fn knob_value(figure: &Figure, path: &str, words: &str) -> Result<(f64, Reading), crate::stage::SetError> {
    let words = words.replace(['\u{a0}', '\u{202f}'], " ");
    let reading = reading(&figure.stage, path)?;
    let is_bare = words.trim().parse::<f64>().is_ok() || words.contains(',');
    let text = if reading.unit == Unit::PerSecond && is_bare { format!("{}/s", words.replace(',', "")) } else { words };
    Ok((parse_value(&figure.stage, path, &text)?, reading))
}

fn unbroken(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Text(text) => Event::Text(show::unbroken(&text).into()),
        other => other,
    }
}

fn is_special(url: &str) -> bool {
    ["knob:", "term:", "thing:"].iter().any(|scheme| url.starts_with(scheme))
}

/// How many events there are before the end of the element that has just begun.
fn inner_length(events: &[(Event<'_>, Range<usize>)]) -> usize {
    let mut depth = 0_usize;
    for (index, (event, _)) in events.iter().enumerate() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return index,
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    events.len()
}

fn plain_text(events: &[(Event<'_>, Range<usize>)]) -> String {
    let texts = events.iter().map(|(event, _)| match event {
        Event::Text(text) | Event::Code(text) => text.as_ref(),
        Event::SoftBreak | Event::HardBreak => " ",
        _ => "",
    });
    texts.collect()
}
