//! What a plan expects of an answer, and what it takes from one for later requests.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::read::{Wrong, wrong};
use super::template::Extracted;

/// What makes an answer a success.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// Statuses that count as success; any 2xx when empty.
    pub status: Vec<StatusCode>,
    /// Texts that the body holds.
    pub contains: Vec<String>,
    /// What the body, read as JSON, says at these places (RFC 6901).
    pub json: Vec<(String, Json)>,
}

/// A text that is taken from an answer.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// Which of the extracted names it becomes.
    pub(super) name: usize,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A place in the body, read as JSON (RFC 6901): a text, a number, true or false.
    Json(String),
    /// A header field.
    Header(HeaderName),
    /// The first group of an expression that the body matches.
    Regex(Regex),
}

/// Longest text that is taken from an answer: it travels in every later request.
const EXTRACTED_MAX: usize = 16 << 10;

impl Expectation {
    /// Whether this status is a success.
    pub fn accepts(&self, status: StatusCode) -> bool {
        if self.status.is_empty() { status.is_success() } else { self.status.contains(&status) }
    }

    /// Whether the body matters.
    pub fn reads_body(&self) -> bool {
        !(self.contains.is_empty() && self.json.is_empty())
    }

    /// Whether the body is as expected.
    pub fn accepts_body(&self, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body);
        if !self.contains.iter().all(|part| text.contains(part)) {
            return false;
        }
        if self.json.is_empty() {
            return true;
        }
        let Ok(json) = serde_json::from_slice::<Json>(body) else { return false };
        self.json.iter().all(|(pointer, expected)| json.pointer(pointer).is_some_and(|found| same(found, expected)))
    }
}

/// Numbers are the same where their values are, whether or not they are written with a point.
fn same(found: &Json, expected: &Json) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => found == expected,
        _ => found == expected,
    }
}

impl Extraction {
    /// Whether the body matters.
    pub fn reads_body(&self) -> bool {
        !matches!(self.source, Source::Header(_))
    }

    /// Keeps a text that was found for later requests.
    pub fn keep(&self, text: String, extracted: &mut Extracted) {
        if let Some(kept) = extracted.get_mut(self.name) {
            *kept = Some(text);
        }
    }

    /// The text; none when it is not there, or too long.
    pub fn find(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let text = match &self.source {
            Source::Header(name) => headers.get(name)?.to_str().ok()?.to_owned(),
            Source::Json(pointer) => match serde_json::from_slice::<Json>(body).ok()?.pointer(pointer)? {
                Json::String(text) => text.clone(),
                found @ (Json::Number(_) | Json::Bool(_)) => found.to_string(),
                _ => return None,
            },
            Source::Regex(regex) => {
                let text = String::from_utf8_lossy(body);
                let found = regex.captures(&text)?;
                found.get(1).or(found.get(0))?.as_str().to_owned()
            }
        };
        (text.len() <= EXTRACTED_MAX).then_some(text)
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a status such as 201, a list of them, or { status = 200, contains = \"…\", json = { \"/state\" = \"done\" } }"
)]
pub(super) enum ExpectTable {
    One(u16),
    Any(Vec<u16>),
    Table(ExpectFields),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFields {
    status: Option<OneOrMore<u16>>,
    contains: Option<OneOrMore<String>>,
    #[serde(default)]
    json: BTreeMap<String, Json>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T: Clone> OneOrMore<T> {
    fn list(&self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::More(more) => more.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtractTable {
    json: Option<String>,
    header: Option<String>,
    regex: Option<String>,
}

pub(super) fn read_expectation(table: Option<&Spanned<ExpectTable>>) -> Result<Expectation, Wrong> {
    let Some(table) = table else { return Ok(Expectation::default()) };
    let span = table.span();
    match table.get_ref() {
        ExpectTable::One(code) => Ok(Expectation { status: statuses(&[*code], span)?, ..Expectation::default() }),
        ExpectTable::Any(codes) => Ok(Expectation { status: statuses(codes, span)?, ..Expectation::default() }),
        ExpectTable::Table(fields) => {
            if let Some(pointer) = fields.json.keys().find(|pointer| !is_pointer(pointer)) {
                return no_pointer(pointer, span);
            }
            Ok(Expectation {
                status: statuses(&fields.status.as_ref().map(OneOrMore::list).unwrap_or_default(), span)?,
                contains: fields.contains.as_ref().map(OneOrMore::list).unwrap_or_default(),
                json: fields.json.clone().into_iter().collect(),
            })
        }
    }
}

fn statuses(codes: &[u16], span: Range<usize>) -> Result<Vec<StatusCode>, Wrong> {
    let status = |code: &u16| StatusCode::from_u16(*code).ok().filter(|status| status.as_u16() < 600);
    let statuses: Option<Vec<StatusCode>> = codes.iter().map(status).collect();
    statuses.map_or_else(|| wrong(span, "not a status", "a number from 100 to 599, or a list of them"), Ok)
}

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

fn no_pointer<T>(text: &str, span: Range<usize>) -> Result<T, Wrong> {
    wrong(span, format!("`{text}` is no place in JSON"), "a JSON pointer, such as \"/items/0/id\"")
}

/// Reads where each name comes from; `find` knows the number of an extracted name.
pub(super) fn read_extractions(
    tables: &BTreeMap<String, Spanned<ExtractTable>>,
    find: impl Fn(&str) -> Option<usize>,
) -> Result<Vec<Extraction>, Wrong> {
    let mut extractions = Vec::new();
    for (name, table) in tables {
        let source = read_source(table)?;
        extractions.extend(find(name).map(|name| Extraction { name, source }));
    }
    Ok(extractions)
}

fn read_source(table: &Spanned<ExtractTable>) -> Result<Source, Wrong> {
    let span = table.span();
    match table.get_ref() {
        ExtractTable { json: Some(pointer), header: None, regex: None } if is_pointer(pointer) => {
            Ok(Source::Json(pointer.clone()))
        }
        ExtractTable { json: Some(pointer), header: None, regex: None } => no_pointer(pointer, span),
        ExtractTable { json: None, header: Some(name), regex: None } => match HeaderName::try_from(name) {
            Ok(name) => Ok(Source::Header(name)),
            Err(_) => wrong(span, format!("`{name}` is no header field's name"), "letters, digits and hyphens"),
        },
        ExtractTable { json: None, header: None, regex: Some(text) } => match Regex::new(text) {
            Ok(regex) => Ok(Source::Regex(regex)),
            Err(error) => {
                wrong(span, format!("`{text}` is no expression: {error}"), "such as 'name=\"csrf\" value=\"(\\w+)\"'")
            }
        },
        _ => wrong(span, "this names no place in an answer", "one of: json, header, regex"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_held_against_texts_and_places() {
        let expectation = Expectation {
            contains: vec!["done".into()],
            json: vec![("/n".into(), Json::from(1.0)), ("/a/0".into(), Json::from("x"))],
            ..Expectation::default()
        };
        assert!(expectation.accepts_body(br#"{"n": 1, "a": ["x"], "s": "done"}"#));
        for other in ["", "done", r#"{"n": 2, "a": ["x"], "s": "done"}"#, r#"{"n": NaN, "a": ["x"], "s": "done"}"#] {
            assert!(!expectation.accepts_body(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn texts_are_taken_from_their_places() {
        let mut headers = HeaderMap::new();
        headers.insert("x-token", "abc".parse().unwrap());
        let find = |source, body: &str| Extraction { name: 0, source }.find(&headers, body.as_bytes());
        assert_eq!(find(Source::Header("x-token".parse().unwrap()), ""), Some("abc".into()));
        assert_eq!(find(Source::Json("/id".into()), r#"{"id": 7}"#), Some("7".into()));
        assert_eq!(find(Source::Json("/id".into()), r#"{"id": NaN}"#), None);
        assert_eq!(find(Source::Json("/id".into()), r#"{"id": [7]}"#), None);
        assert_eq!(find(Source::Regex(Regex::new("v=(\\w+)").unwrap()), "<a v=q1 >"), Some("q1".into()));
        assert_eq!(find(Source::Regex(Regex::new("v=(.*)").unwrap()), &format!("v={}", "x".repeat(20_000))), None);
    }
}
