//! What the names in a plan's braces stand for.

use std::collections::BTreeMap;

use hockeystick_core::engine::random::Draw;
use hockeystick_core::engine::zipf::Zipf;
use serde::Deserialize;
use toml::Spanned;

use super::file::{self, Folder};
use super::read::{Wrong, wrong};

/// What a name stands for.
#[derive(Clone, Debug)]
pub struct Value {
    items: Items,
    chosen: Chosen,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Items {
    /// Whole numbers, both ends included.
    Range(u64, u64),
    Texts(Vec<String>),
}

#[derive(Clone, Copy, Debug)]
enum Chosen {
    /// Each as likely as the others.
    Evenly,
    /// The first is the most popular.
    Zipf(Zipf),
    /// Each user has its own, in turn.
    ByUser,
}

impl Value {
    /// Writes the value of one request of a user.
    pub(super) fn write(&self, draw: &mut Draw, user: u64, out: &mut String) {
        let count = self.items.count();
        let index = match self.chosen {
            // 128-bit multiplication maps 64 random bits onto the range without a visible bias.
            Chosen::Evenly => ((u128::from(draw.bits()) * count) >> 64) as u64,
            Chosen::Zipf(zipf) => zipf.sample(draw) - 1,
            Chosen::ByUser => (u128::from(user) % count) as u64,
        };
        match &self.items {
            Items::Range(from, _) => out.push_str(&(from + index).to_string()),
            Items::Texts(texts) => out.push_str(&texts[index as usize]),
        }
    }
}

impl Items {
    fn count(&self) -> u128 {
        match self {
            Self::Range(from, to) => u128::from(to - from) + 1,
            Self::Texts(texts) => texts.len() as u128,
        }
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected { from = 1, to = 800 }, { list = [...] }, { file = \"words.txt\" } or a list of texts"
)]
pub(super) enum ValueTable {
    Texts(Vec<String>),
    Table(ItemsTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemsTable {
    from: Option<u64>,
    to: Option<u64>,
    list: Option<Vec<String>>,
    file: Option<String>,
    zipf: Option<f64>,
    per: Option<Per>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Per {
    Request,
    User,
}

/// Largest exponent of Zipf's law that is drawn.
const ZIPF_MAX: f64 = 4.0;

/// The names, and beside them what they stand for.
pub(super) fn read(
    tables: &BTreeMap<String, Spanned<ValueTable>>,
    folder: &Folder,
) -> Result<(Vec<String>, Vec<Value>), Wrong> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (name, table) in tables {
        if name.is_empty() || !name.chars().all(super::template::is_of_name) {
            return wrong(table.span(), format!("`{name}` cannot stand in braces"), "letters, digits, `_` and `-`");
        }
        names.push(name.clone());
        values.push(read_value(table, folder)?);
    }
    Ok((names, values))
}

fn read_value(table: &Spanned<ValueTable>, folder: &Folder) -> Result<Value, Wrong> {
    let texts = |texts: &[String]| match texts {
        [] => wrong(table.span(), "the list is empty", "at least one text"),
        texts => Ok(Items::Texts(texts.to_vec())),
    };
    let fields = match table.get_ref() {
        ValueTable::Texts(list) => return Ok(Value { items: texts(list)?, chosen: Chosen::Evenly }),
        ValueTable::Table(fields) => fields,
    };
    let items = match fields {
        ItemsTable { from: Some(from), to: Some(to), list: None, file: None, .. } if from <= to => {
            Items::Range(*from, *to)
        }
        ItemsTable { from: Some(_), to: Some(_), list: None, file: None, .. } => {
            return wrong(table.span(), "the range is empty", "from is at most to");
        }
        ItemsTable { from: None, to: None, list: Some(list), file: None, .. } => texts(list)?,
        ItemsTable { from: None, to: None, list: None, file: Some(path), .. } => {
            let text = file::read_text(folder, path, table.span())?;
            let lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            texts(&lines)?
        }
        _ => {
            return wrong(table.span(), "this is no choice", "one of: from and to, or list, or file");
        }
    };
    let chosen = match (fields.zipf, fields.per) {
        (None, None | Some(Per::Request)) => Chosen::Evenly,
        (None, Some(Per::User)) => Chosen::ByUser,
        (Some(exponent), None | Some(Per::Request)) if (0.0..=ZIPF_MAX).contains(&exponent) => {
            Chosen::Zipf(Zipf::new(u64::try_from(items.count()).unwrap_or(u64::MAX), exponent))
        }
        (Some(exponent), None | Some(Per::Request)) => {
            return wrong(table.span(), format!("zipf = {exponent} is out of range"), "an exponent from 0 to 4");
        }
        (Some(_), Some(Per::User)) => {
            return wrong(table.span(), "users in turn follow no law", "zipf, or per = \"user\", not both");
        }
    };
    Ok(Value { items, chosen })
}

#[cfg(test)]
impl Value {
    /// One of these texts, each as likely as the others.
    pub(super) fn of_texts(texts: Vec<String>) -> Self {
        Self { items: Items::Texts(texts), chosen: Chosen::Evenly }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hockeystick_core::engine::random::Stream;
    use std::collections::BTreeSet;

    fn written(value: &Value, number: u64, user: u64) -> String {
        let mut out = String::new();
        value.write(&mut Stream::new(1, "test", "values").draw(number), user, &mut out);
        out
    }

    fn range(from: u64, to: u64, chosen: Chosen) -> Value {
        Value { items: Items::Range(from, to), chosen }
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let value = range(5, 9, Chosen::Evenly);
        let seen: BTreeSet<String> = (0..200).map(|number| written(&value, number, 0)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["5", "6", "7", "8", "9"]);
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        assert!(written(&range(0, u64::MAX, Chosen::Evenly), 0, 0).parse::<u64>().is_ok());
        assert!(written(&range(0, u64::MAX, Chosen::Zipf(Zipf::new(u64::MAX, 1.0))), 0, 0).parse::<u64>().is_ok());
        assert_eq!(written(&range(0, u64::MAX, Chosen::ByUser), 0, u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn a_law_prefers_the_first_and_users_take_turns() {
        let value = range(1, 100, Chosen::Zipf(Zipf::new(100, 1.0)));
        // The first of a hundred has 1/5.187 of the requests; six standard deviations of 10,000 draws are 0.024.
        let first = (0..10_000).filter(|number| written(&value, *number, 0) == "1").count() as f64 / 1e4;
        assert!((first - 0.1928).abs() < 0.024, "seed 1: {first}");
        let names = Value { items: Items::Texts(vec!["a".into(), "b".into()]), chosen: Chosen::ByUser };
        assert_eq!([0, 1, 2].map(|user| written(&names, user, user)), ["a", "b", "a"]);
    }
}
