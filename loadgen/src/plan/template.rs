//! Paths and bodies with names in braces, which stand for a new value in each request.

use hockeystick_core::engine::random::Draw;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number, both ends included, each as likely as the others.
    Range(u64, u64),
    /// One of these texts, each as likely as the others.
    List(Vec<String>),
}

impl Value {
    fn write(&self, draw: &mut Draw, out: &mut String) {
        match self {
            // 128-bit multiplication maps 64 random bits onto the range without a visible bias.
            Self::Range(from, to) => {
                let span = u128::from(to - from) + 1;
                let number = from + ((u128::from(draw.bits()) * span) >> 64) as u64;
                out.push_str(&number.to_string());
            }
            Self::List(texts) => {
                let index = draw.below(u32::try_from(texts.len()).unwrap_or(u32::MAX));
                out.push_str(&texts[index as usize]);
            }
        }
    }
}

/// A text with names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Index of the value.
    Value(usize),
}

impl Template {
    /// Splits a text at the names that `find` knows. Other braces stay as they are, for JSON's sake; `unknown` is told
    /// of those that look like a name.
    pub(super) fn parse(text: &str, find: impl Fn(&str) -> Option<usize>, mut unknown: impl FnMut(&str)) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let after = &rest[open + 1..];
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(after.len());
            let name = &after[..end];
            let closed = !name.is_empty() && after[end..].starts_with('}');
            literal.push_str(&rest[..open]);
            match find(name).filter(|_| closed) {
                Some(index) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Value(index));
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
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self(pieces)
    }

    /// Whether there are names in it.
    pub fn varies(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Value(_)))
    }

    /// The text with a value in the place of each name.
    pub fn render(&self, values: &[Value], draw: &mut Draw) -> String {
        let mut out = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(index) => values[*index].write(draw, &mut out),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::engine::random::Stream;
    use proptest::prelude::*;

    fn parse(text: &str) -> (Template, Vec<String>) {
        let mut unknown = Vec::new();
        let template = Template::parse(text, |name| (name == "n").then_some(0), |name| unknown.push(name.to_owned()));
        (template, unknown)
    }

    fn render(template: &Template, number: u64) -> String {
        template.render(&[Value::Range(5, 9)], &mut Stream::new(1, "test", "values").draw(number))
    }

    #[test]
    fn names_become_values_and_json_stays_json() {
        let (template, unknown) = parse(r#"{"list": {n}, "text": "{word}"}"#);
        let text = render(&template, 0);
        assert!(text.starts_with(r#"{"list": "#) && text.ends_with(r#", "text": "{word}"}"#), "{text}");
        assert_eq!(unknown, ["word"]);
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let (template, _) = parse("{n}");
        let seen: std::collections::BTreeSet<String> = (0..200).map(|number| render(&template, number)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["5", "6", "7", "8", "9"]);
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let draw = &mut Stream::new(1, "test", "values").draw(0);
        let mut out = String::new();
        Value::Range(0, u64::MAX).write(draw, &mut out);
        assert!(out.parse::<u64>().is_ok());
    }

    proptest! {
        #[test]
        fn a_text_without_known_names_is_itself(text in "[^{}]*|.*") {
            let (template, _) = parse(&text.replace("{n}", ""));
            prop_assert_eq!(render(&template, 3), text.replace("{n}", ""));
        }
    }
}
