//! One kind of message: what is sent, what is expected back, and what is taken from it.

use std::collections::BTreeMap;
use std::ops::Range;

use hockeystick_core::workload::Class;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::answer::{self, ExpectTable, Expectation, ExtractTable, Extraction};
use super::file::{self, Folder};
use super::read::{Wrong, wrong};
use super::template::{Escape, Names, Template};
use super::{PlannedRequest, Setup, SetupPer};

/// What is sent, and what becomes of the answer.
#[derive(Clone, Debug)]
pub struct Message {
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// Body, if it has one.
    pub body: Option<Payload>,
    /// Header fields that are always the same, those of the whole plan included.
    pub headers: HeaderMap,
    /// Header fields with names in them.
    pub templated_headers: Vec<(HeaderName, Template)>,
    /// What makes the answer a success.
    pub expect: Expectation,
    /// What is taken from it.
    pub extract: Vec<Extraction>,
}

/// A body.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A text with names in it.
    Text(Template),
    /// The bytes of a file.
    File(bytes::Bytes),
}

impl Message {
    /// Whether the answer's body must be kept until it is whole.
    pub fn reads_body(&self) -> bool {
        self.expect.reads_body() || self.extract.iter().any(Extraction::reads_body)
    }
}

/// The fields of `[[request]]` and `[[setup]]` alike; `class` and `weight` are of the former, `per` of the latter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageTable {
    class: Option<Spanned<Class>>,
    weight: Option<Spanned<f64>>,
    per: Option<Spanned<SetupPer>>,
    method: Option<Spanned<String>>,
    path: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<String, Spanned<String>>,
    body: Option<Spanned<String>>,
    json: Option<Spanned<Json>>,
    form: Option<Spanned<BTreeMap<String, String>>>,
    file: Option<Spanned<String>>,
    expect: Option<Spanned<ExpectTable>>,
    #[serde(default)]
    pub(super) extract: BTreeMap<String, Spanned<ExtractTable>>,
}

/// What the whole plan says about each message.
pub(super) struct Common<'p> {
    pub(super) names: &'p Names,
    pub(super) headers: &'p BTreeMap<String, Spanned<String>>,
    pub(super) folder: &'p Folder,
    /// Names that have a value when this kind of message is sent.
    pub(super) known: Vec<String>,
    /// Whether it is sent before the steps: header fields of the whole plan whose values are yet to be extracted are
    /// left out then.
    pub(super) before: bool,
}

pub(super) fn read_request(table: &Spanned<MessageTable>, common: &Common<'_>) -> Result<PlannedRequest, Wrong> {
    let fields = table.get_ref();
    let Some(class) = &fields.class else {
        return wrong(table.span(), "a request without class", "class = \"static\", \"read\", \"write\" or \"job\"");
    };
    if let Some(per) = &fields.per {
        return wrong(per.span(), "`per` is for [[setup]]", "leave it out");
    }
    let weight = fields.weight.as_ref().map_or(1.0, |weight| *weight.get_ref());
    if !(weight.is_finite() && (0.0..=1e9).contains(&weight)) {
        let span = fields.weight.as_ref().map_or(0..0, Spanned::span);
        return wrong(span, format!("weight = {weight} is out of range"), "a number from 0 to 1e9");
    }
    Ok(PlannedRequest { class: *class.get_ref(), weight, message: read_message(fields, common)? })
}

pub(super) fn read_setup(table: &Spanned<MessageTable>, common: &Common<'_>) -> Result<Setup, Wrong> {
    let fields = table.get_ref();
    if let Some(span) = fields.class.as_ref().map(Spanned::span).or(fields.weight.as_ref().map(Spanned::span)) {
        return wrong(span, "a setup has no class and no weight: it is not measured", "leave them out");
    }
    Ok(Setup { per: per(table), message: read_message(fields, common)? })
}

/// For whom a setup is sent.
pub(super) fn per(table: &Spanned<MessageTable>) -> SetupPer {
    table.get_ref().per.as_ref().map_or(SetupPer::User, |per| *per.get_ref())
}

fn read_message(table: &MessageTable, common: &Common<'_>) -> Result<Message, Wrong> {
    let path = read_path(&table.path, common)?;
    let (body, content_type) = read_body(table, common)?;
    let mut headers = HeaderMap::new();
    headers.extend(content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text))));
    let mut templated_headers = Vec::new();
    let ready = |value: &Spanned<String>| !common.before || known(value.get_ref(), common, value.span()).is_ok();
    let of_plan = common.headers.iter().filter(|(_, value)| ready(value));
    for (name, value) in of_plan.chain(&table.headers) {
        read_header(name, value, common, &mut headers, &mut templated_headers)?;
    }
    let number = |name: &str| common.names.extracted.iter().position(|known| known == name);
    Ok(Message {
        method: read_method(table.method.as_ref(), body.is_some())?,
        path,
        body,
        headers,
        templated_headers,
        expect: answer::read_expectation(table.expect.as_ref())?,
        extract: answer::read_extractions(&table.extract, number)?,
    })
}

fn read_method(name: Option<&Spanned<String>>, has_body: bool) -> Result<Method, Wrong> {
    let Some(name) = name else { return Ok(if has_body { Method::POST } else { Method::GET }) };
    match Method::from_bytes(name.get_ref().as_bytes()) {
        Ok(method) if method != Method::CONNECT => Ok(method),
        _ => {
            let message = format!("`{}` is no method", name.get_ref());
            wrong(name.span(), message, "GET, POST, PUT, PATCH, DELETE, HEAD")
        }
    }
}

fn read_path(path: &Spanned<String>, common: &Common<'_>) -> Result<Template, Wrong> {
    let (text, span) = (path.get_ref(), path.span());
    // Two slashes would name another host; so would what an answer said, if it came first.
    if !text.starts_with('/')
        || text.starts_with("//")
        || text.contains(|c: char| c.is_control() || c == ' ' || c == '#' || c == '\\')
    {
        let help = "a path begins with one slash and holds no blank, such as \"/lists/{list}?sort=due\"";
        return wrong(span, format!("`{text}` is no path"), help);
    }
    let mut unknown = None;
    let template = Template::parse(text, common.names, Escape::Path, |name| unknown = Some(name.to_owned()));
    if let Some(name) = unknown {
        return wrong(span, format!("`{{{name}}}` stands for nothing"), "give it a value in [values], or extract it");
    }
    known(text, common, span)?;
    Ok(template)
}

/// Every name that is extracted must have a value before it is needed.
fn known(text: &str, common: &Common<'_>, span: Range<usize>) -> Result<(), Wrong> {
    let is_in = |name: &&String| text.contains(&format!("{{{name}}}"));
    match common.names.extracted.iter().filter(is_in).find(|name| !common.known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let help = "give it a beginning: extract it in an earlier [[setup]], or name it in [values] as well";
            wrong(span, format!("`{{{name}}}` has no value yet when this is sent"), help)
        }
    }
}

type Body = (Option<Payload>, Option<&'static str>);

fn read_body(table: &MessageTable, common: &Common<'_>) -> Result<Body, Wrong> {
    let parse = |text: &str, escape| Payload::Text(Template::parse(text, common.names, escape, |_| ()));
    let spans = [
        table.body.as_ref().map(Spanned::span),
        table.json.as_ref().map(Spanned::span),
        table.form.as_ref().map(Spanned::span),
        table.file.as_ref().map(Spanned::span),
    ];
    if let Some(second) = spans.into_iter().flatten().nth(1) {
        return wrong(second, "a second body", "one of: body, json, form, file");
    }
    if let Some(body) = &table.body {
        known(body.get_ref(), common, body.span())?;
        return Ok((Some(parse(body.get_ref(), Escape::Plain)), None));
    }
    if let Some(json) = &table.json {
        let text = json.get_ref().to_string();
        known(&text, common, json.span())?;
        return Ok((Some(parse(&text, Escape::Json)), Some("application/json")));
    }
    if let Some(form) = &table.form {
        for text in form.get_ref().values() {
            known(text, common, form.span())?;
        }
        let fields = form.get_ref().iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let template = Template::form(fields, common.names);
        return Ok((Some(Payload::Text(template)), Some("application/x-www-form-urlencoded")));
    }
    if let Some(path) = &table.file {
        let bytes = file::read_bytes(common.folder, path.get_ref(), path.span())?;
        return Ok((Some(Payload::File(bytes.into())), Some("application/octet-stream")));
    }
    Ok((None, None))
}

fn read_header(
    name: &str,
    value: &Spanned<String>,
    common: &Common<'_>,
    fixed: &mut HeaderMap,
    templated: &mut Vec<(HeaderName, Template)>,
) -> Result<(), Wrong> {
    let span = value.span();
    let Ok(name) = HeaderName::try_from(name) else {
        return wrong(span, format!("`{name}` is no header field's name"), "letters, digits and hyphens");
    };
    let Ok(text) = HeaderValue::try_from(value.get_ref()) else {
        return wrong(span, "this is no header field's value", "visible characters and blanks");
    };
    known(value.get_ref(), common, span)?;
    let template = Template::parse(value.get_ref(), common.names, Escape::Plain, |_| ());
    templated.retain(|(known, _)| *known != name);
    if template.varies() {
        fixed.remove(&name);
        templated.push((name, template));
    } else {
        fixed.insert(name, text);
    }
    Ok(())
}
