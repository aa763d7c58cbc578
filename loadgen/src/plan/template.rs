//! Texts with names in braces, which stand for a value in each request.

use hockeystick_core::engine::random::{Draw, Stream};

use super::values::Value;

/// How a value is written into the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    Plain,
    /// In a path, as it is: a value may hold several segments and their query. Only what would end an address or break it is
    /// escaped. What a server said is written as [`Percent`](Self::Percent), so that it leads nowhere else.
    Path,
    /// In a query: as [`Percent`](Self::Percent), but what is escaped already stays.
    Query,
    /// As a part of a JSON string.
    Json,
    /// With `%` before whatever is not a letter, a digit or one of `-._~` (RFC 3986, section 2.1).
    Percent,
}

/// A text with names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Index of the value.
    Value(usize, Escape),
}

/// Everything that a plan's names may stand for: what is drawn, then what is extracted from answers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Names of values, in their order.
    pub(super) drawn: Vec<String>,
    /// What they stand for.
    pub(super) values: Vec<Value>,
    /// Names of what is extracted, in their order.
    pub(super) extracted: Vec<String>,
}

impl Names {
    fn find(&self, name: &str) -> Option<usize> {
        let extracted = self.extracted.iter().position(|known| known == name).map(|index| index + self.drawn.len());
        extracted.or_else(|| self.drawn.iter().position(|known| known == name))
    }

    /// How many names are extracted from answers.
    pub fn extracted_count(&self) -> usize {
        self.extracted.len()
    }

    /// The value that an extracted name has before anything was extracted.
    pub(super) fn beginning(&self, extracted: usize) -> Option<usize> {
        self.drawn.iter().position(|known| *known == self.extracted[extracted])
    }
}

pub(super) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl Template {
    /// Splits a text at the names that are known. Other braces stay as they are, for JSON's sake; `unknown` is told of
    /// those that look like a name.
    pub(super) fn parse(text: &str, names: &Names, escape: Escape, mut unknown: impl FnMut(&str)) -> Self {
        let mut template = Self(Vec::new());
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let after = &rest[open + 1..];
            let end = after.find(|c: char| !is_of_name(c)).unwrap_or(after.len());
            let name = &after[..end];
            let closed = !name.is_empty() && after[end..].starts_with('}');
            literal.push_str(&rest[..open]);
            match names.find(name).filter(|_| closed) {
                Some(index) => {
                    template.push_text(std::mem::take(&mut literal));
                    let escape = match escape {
                        Escape::Path if index >= names.drawn.len() => Escape::Percent,
                        Escape::Path if text[..text.len() - rest.len() + open].contains('?') => Escape::Query,
                        escape => escape,
                    };
                    template.0.push(Piece::Value(index, escape));
                    rest = &after[end + 1..];
                }
                None => {
                    if closed {
                        unknown(name);
                    }
                    literal.push('{');
                    rest = after;
                }
            }
        }
        literal.push_str(rest);
        template.push_text(literal);
        template
    }

    /// A form (`application/x-www-form-urlencoded`) of these fields.
    pub(super) fn form<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>, names: &Names) -> Self {
        let mut form = Self(Vec::new());
        for (index, (name, value)) in fields.into_iter().enumerate() {
            let mut head = String::from(if index > 0 { "&" } else { "" });
            escape(name, Escape::Percent, &mut head);
            head.push('=');
            form.0.push(Piece::Text(head));
            for piece in Self::parse(value, names, Escape::Percent, |_| ()).0 {
                form.0.push(match piece {
                    Piece::Text(text) => {
                        let mut escaped = String::new();
                        escape(&text, Escape::Percent, &mut escaped);
                        Piece::Text(escaped)
                    }
                    value @ Piece::Value(..) => value,
                });
            }
        }
        form
    }

    fn push_text(&mut self, text: String) {
        if !text.is_empty() {
            self.0.push(Piece::Text(text));
        }
    }

    /// Whether there are names in it.
    pub fn varies(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Value(..)))
    }

    /// The text with a value in the place of each name.
    pub fn render(&self, filling: &mut Filling<'_>) -> String {
        let mut out = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(index, how) => escape(filling.value(*index), *how, &mut out),
            }
        }
        out
    }
}

/// What a user has extracted so far, in the order of the names.
pub type Extracted = Vec<Option<String>>;

/// What the names stand for in one request: one value each, wherever it stands.
#[derive(Debug)]
pub struct Filling<'p> {
    names: &'p Names,
    extracted: &'p [Option<String>],
    user: u64,
    draw: Draw,
    /// What was drawn, so far.
    drawn: Vec<Option<String>>,
}

impl<'p> Filling<'p> {
    /// For request `number` of a stream, sent by `user`, who has extracted these texts.
    pub fn new(names: &'p Names, extracted: &'p [Option<String>], stream: &Stream, number: u64, user: u64) -> Self {
        Self { names, extracted, user, draw: stream.draw(number), drawn: Vec::new() }
    }

    /// The value of the name with this index. One that was to be extracted and has no beginning is empty: the plan's
    /// reader lets no such request be sent.
    fn value(&mut self, index: usize) -> &str {
        let Some(extracted) = index.checked_sub(self.names.values.len()) else { return self.drawn(index) };
        match self.extracted.get(extracted) {
            Some(Some(text)) => text,
            _ => self.names.beginning(extracted).map_or("", |index| self.drawn(index)),
        }
    }

    fn drawn(&mut self, index: usize) -> &str {
        if self.drawn.is_empty() {
            self.drawn.resize(self.names.values.len(), None);
        }
        let (value, user, draw) = (&self.names.values[index], self.user, &mut self.draw);
        self.drawn[index].get_or_insert_with(|| {
            let mut text = String::new();
            value.write(draw, user, &mut text);
            text
        })
    }
}

fn escape(text: &str, how: Escape, out: &mut String) {
    let bytes = text.as_bytes();
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_escaped = |index: usize| {
        bytes[index] == b'%' && bytes.get(index + 1..index + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let stays: &dyn Fn(usize) -> bool = match how {
        Escape::Plain => return out.push_str(text),
        Escape::Json => {
            // A string always has a JSON form, in quotes.
            let quoted = serde_json::Value::from(text).to_string();
            return out.push_str(&quoted[1..quoted.len() - 1]);
        }
        Escape::Percent => &|index| is_unreserved(bytes[index]),
        Escape::Query => &|index| is_unreserved(bytes[index]) || is_escaped(index),
        Escape::Path => {
            &|index| bytes[index].is_ascii_graphic() && !b"#%\\".contains(&bytes[index]) || is_escaped(index)
        }
    };
    for (index, byte) in bytes.iter().enumerate() {
        if stays(index) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Names {
        Names { extracted: vec!["n".into(), "evil".into()], ..Names::default() }
    }

    fn render(template: &Template) -> String {
        let extracted = ["7", "/elsewhere/\"é"].map(|text| Some(text.to_owned()));
        template.render(&mut Filling::new(&names(), &extracted, &Stream::new(1, "test", "values"), 0, 0))
    }

    fn rendered(text: &str, escape: Escape) -> (String, Vec<String>) {
        let mut unknown = Vec::new();
        let template = Template::parse(text, &names(), escape, |name| unknown.push(name.to_owned()));
        (render(&template), unknown)
    }

    #[test]
    fn names_become_values_and_json_stays_json() {
        let (text, unknown) = rendered(r#"{"list": {n}, "text": "{word}"}"#, Escape::Plain);
        assert_eq!(text, r#"{"list": 7, "text": "{word}"}"#);
        assert_eq!(unknown, ["word"]);
    }

    #[test]
    fn what_a_server_said_is_a_value_and_nothing_more() {
        assert_eq!(rendered("/{evil}?to={n}", Escape::Path).0, "/%2Felsewhere%2F%22%C3%A9?to=7");
        assert_eq!(rendered(r#"{"a":"{evil}"}"#, Escape::Json).0, r#"{"a":"/elsewhere/\"é"}"#);
        let form = Template::form([("a b", "{n} & {evil}"), ("c", "d=e")], &names());
        assert_eq!(render(&form), "a%20b=7%20%26%20%2Felsewhere%2F%22%C3%A9&c=d%3De");
    }

    #[test]
    fn a_value_is_part_of_an_address_and_never_its_end() {
        let names = Names { drawn: vec!["w".into()], ..Names::default() };
        for (word, expected) in [
            ("C#", "/C%23/x?q=C%23&p=1"),
            ("R&D", "/R&D/x?q=R%26D&p=1"),
            ("50%", "/50%25/x?q=50%25&p=1"),
            ("a%20b", "/a%20b/x?q=a%20b&p=1"),
            ("é 1", "/%C3%A9%201/x?q=%C3%A9%201&p=1"),
            ("lists/7?by=due", "/lists/7?by=due/x?q=lists%2F7%3Fby%3Ddue&p=1"),
        ] {
            let values = vec![Value::of_texts(vec![word.to_owned()])];
            let names = Names { values, ..names.clone() };
            let template = Template::parse("/{w}/x?q={w}&p=1", &names, Escape::Path, |_| ());
            let rendered = template.render(&mut Filling::new(&names, &[], &Stream::new(1, "test", "values"), 0, 0));
            assert_eq!(rendered, expected);
        }
    }

    proptest! {
        #[test]
        fn a_text_without_known_names_is_itself(text in "[^{}]*|.*") {
            let text = text.replace("{n}", "").replace("{evil}", "");
            prop_assert_eq!(rendered(&text, Escape::Plain).0, text);
        }
    }
}
