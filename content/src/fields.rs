//! Reading TOML field by field: each field that is wrong is reported where it stands, and the next one is still read.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::problem::Problems;
use crate::suggest::valid_names;

/// A field of a table, and what would be valid for it.
pub(crate) type Known = (&'static str, &'static str);

/// The fields' names.
pub(crate) fn names(fields: &[Known]) -> Vec<&'static str> {
    fields.iter().map(|(name, _)| *name).collect()
}

/// What would be valid for one of `fields`.
pub(crate) fn valid(fields: &[Known], name: &str) -> &'static str {
    fields.iter().find(|(known, _)| *known == name).map_or("", |(_, valid)| valid)
}

/// Why a field has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong;

/// One table of a file.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'t, 'i> {
    table: &'t DeTable<'i>,
    span: Range<usize>,
    path: String,
}

impl<'t, 'i> Fields<'t, 'i> {
    /// The table `table` at `span`; `path` is its name in messages, empty for the whole file.
    pub(crate) fn new(table: &'t DeTable<'i>, span: Range<usize>, path: impl Into<String>) -> Self {
        Self { table, span, path: path.into() }
    }

    /// The value as a table, or a problem.
    pub(crate) fn of(value: &'t Spanned<DeValue<'i>>, path: &str, problems: &mut Problems) -> Result<Self, Wrong> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Self::new(table, value.span(), path)),
            other => {
                problems.add(value.span(), path, format!("expected a table, found {}", name_of(other)), "");
                Err(Wrong)
            }
        }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a field stands; the whole table where the file does not set it.
    pub(crate) fn span_of(&self, name: &str) -> Range<usize> {
        self.get(name).map_or(self.span(), Spanned::span)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn table(&self) -> &'t DeTable<'i> {
        self.table
    }

    /// The path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(name)
    }

    /// Reports every field that is not among `names`.
    pub(crate) fn only(&self, names: &[&str], problems: &mut Problems) {
        for key in self.table.keys() {
            let key_text: &str = key.get_ref();
            if !names.contains(&key_text) {
                let help = valid_names(key_text, names.iter().copied());
                problems.add(key.span(), self.path_of(&shortened(key_text)), "unknown field", help);
            }
        }
    }

    /// The field's value; none where the file does not set it. `valid` says what would be valid.
    pub(crate) fn optional<T: DeserializeOwned>(
        &self,
        name: &str,
        valid: &str,
        problems: &mut Problems,
    ) -> Result<Option<T>, Wrong> {
        self.get(name).map(|value| read(value, &self.path_of(name), valid, problems)).transpose()
    }

    /// The field's value; that it is missing is a problem.
    pub(crate) fn required<T: DeserializeOwned>(
        &self,
        name: &str,
        valid: &str,
        problems: &mut Problems,
    ) -> Result<T, Wrong> {
        let value = self.optional(name, valid, problems)?;
        value.ok_or_else(|| {
            problems.add(self.span(), self.path_of(name), "missing field", valid);
            Wrong
        })
    }

    /// The field's tables: those of `[[name]]`. None at all where the file has none.
    pub(crate) fn tables(&self, name: &str, most: usize, problems: &mut Problems) -> Vec<Fields<'t, 'i>> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let path = self.path_of(name);
        let DeValue::Array(array) = value.get_ref() else {
            let message = format!("expected tables, found {}", name_of(value.get_ref()));
            let help = format!("write each as [[{path}]]");
            problems.add(value.span(), path, message, help);
            return Vec::new();
        };
        if array.len() > most {
            problems.add(value.span(), path, format!("{} are too many", array.len()), format!("at most {most}"));
            return Vec::new();
        }
        let tables = array.iter().enumerate();
        tables.filter_map(|(index, entry)| Fields::of(entry, &format!("{path}[{index}]"), problems).ok()).collect()
    }
}

/// Reads one value; what is wrong with it is reported at the part that is wrong.
pub(crate) fn read<T: DeserializeOwned>(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    valid: &str,
    problems: &mut Problems,
) -> Result<T, Wrong> {
    let deserializer = ValueDeserializer::from(value.clone());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        report(value, path, valid, &error, problems);
        Wrong
    })
}

/// Reports a failed read of `value`.
pub(crate) fn report(
    value: &Spanned<DeValue<'_>>,
    path: &str,
    valid: &str,
    error: &serde_path_to_error::Error<toml::de::Error>,
    problems: &mut Problems,
) {
    use serde_path_to_error::Segment;
    let (mut at, mut full) = (value, path.to_owned());
    for segment in error.path() {
        match segment {
            Segment::Map { key } => {
                if !full.is_empty() {
                    full.push('.');
                }
                full += &shortened(key);
                at = part(at, key).unwrap_or(at);
            }
            Segment::Seq { index } => {
                full += &format!("[{index}]");
                at = element(at, *index).unwrap_or(at);
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let inner = error.inner();
    let span = inner.span().filter(|span| contains(&at.span(), span)).unwrap_or_else(|| at.span());
    descend(at, &span, &mut full);
    problems.add(span, full, shortened(&plain(inner.message().trim())), valid);
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Follows the tables down to the one entry that `span` is about: serde knows the place, but not every name on the way.
fn descend(mut at: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) {
    while let DeValue::Table(table) = at.get_ref() {
        let is_meant =
            |(key, value): &(&Spanned<_>, &Spanned<_>)| contains(&key.span(), span) || contains(&value.span(), span);
        let Some((key, value)) = table.iter().find(is_meant) else { return };
        if value.span() == at.span() {
            return;
        }
        *path += &format!(".{}", shortened(key.get_ref()));
        at = value;
    }
}

/// serde's words for Rust's types, as an author of a stage would say them.
fn plain(message: &str) -> String {
    let words = [
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("expected a string", "expected a text"),
        ("invalid type: string", "wrong type: the text"),
        ("invalid type: integer", "wrong type: the number"),
        ("invalid type: floating point", "wrong type: the number"),
        ("invalid type", "wrong type"),
        ("invalid value: integer", "invalid value:"),
        ("unknown variant", "unknown name"),
    ];
    words.into_iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The part of a table with this key.
pub(crate) fn part<'t, 'i>(value: &'t Spanned<DeValue<'i>>, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Table(table) => table.get(key),
        _ => None,
    }
}

/// The element of an array with this index.
pub(crate) fn element<'t, 'i>(value: &'t Spanned<DeValue<'i>>, index: usize) -> Option<&'t Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Array(array) => array.get(index),
        _ => None,
    }
}

/// A text of the file as a message may repeat it.
pub(crate) fn shortened(text: &str) -> String {
    const CHARS: usize = 160;
    if text.chars().count() <= CHARS { text.to_owned() } else { text.chars().take(CHARS).chain(['…']).collect() }
}

fn name_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
