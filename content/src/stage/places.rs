//! Where the file says a field that `core` names by its index.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::links::LinkPlace;
use super::machines::in_file_order;
use crate::fields::{Fields, element, part};

/// Finds places in one file.
#[derive(Debug)]
pub(crate) struct Places<'t, 'i> {
    top: Fields<'t, 'i>,
    links: Vec<LinkPlace>,
}

impl<'t, 'i> Places<'t, 'i> {
    pub(crate) fn new(top: &Fields<'t, 'i>, links: Vec<LinkPlace>) -> Self {
        Self { top: top.clone(), links }
    }

    /// The span of the field, or of the nearest thing around it that the file has, and the path as the file's author
    /// would write it.
    pub(crate) fn find(&self, path: &str) -> (Range<usize>, String) {
        let segments = segments(path);
        match segments.as_slice() {
            [Segment::Name("link"), Segment::Index(index), rest @ ..] if *index < self.links.len() => {
                self.find_link(*index, rest)
            }
            [Segment::Name("machine" | "machines"), Segment::Index(index), rest @ ..] => {
                let name = self.machine_name(*index);
                let names = [Segment::Name("machine"), Segment::Name(&name)];
                self.walk(&[&names, rest].concat())
            }
            [Segment::Name("workload"), Segment::Name("rate")] | [Segment::Name("rate")] => {
                let field = if self.top.get("rate").is_some() { "rate" } else { "users" };
                self.walk(&[Segment::Name(field)])
            }
            _ => self.walk(&segments),
        }
    }

    fn find_link(&self, index: usize, rest: &[Segment<'_>]) -> (Range<usize>, String) {
        let place = &self.links[index];
        let own_path = || format!("link[{}].path", place.table);
        match rest {
            [Segment::Name("from")] => (place.from.clone(), own_path()),
            [Segment::Name("to")] | [] => (place.to.clone(), own_path()),
            _ => self.walk(&[&[Segment::Name("link"), Segment::Index(place.table)], rest].concat()),
        }
    }

    fn machine_name(&self, index: usize) -> String {
        let table = self.top.get("machine").and_then(|value| value.get_ref().as_table());
        let entry = table.and_then(|table| in_file_order(table).get(index).map(|(key, _)| key.get_ref().to_string()));
        entry.unwrap_or_else(|| index.to_string())
    }

    /// Goes down as far as the file goes.
    fn walk(&self, segments: &[Segment<'_>]) -> (Range<usize>, String) {
        let mut at: Option<&Spanned<DeValue<'_>>> = None;
        let mut path = String::new();
        let mut lost = false;
        for segment in segments {
            let next = match segment {
                Segment::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path += name;
                    at.map_or_else(|| self.top.get(name), |value| part(value, name))
                }
                Segment::Index(index) => {
                    path += &format!("[{index}]");
                    at.and_then(|value| element(value, *index))
                }
            };
            lost |= next.is_none();
            if !lost {
                at = next;
            }
        }
        (at.map_or(0..0, Spanned::span), path)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'p> {
    Name(&'p str),
    Index(usize),
}

/// `component[2].demand.read` is component, 2, demand, read.
fn segments(path: &str) -> Vec<Segment<'_>> {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_or(Segment::Name(part), Segment::Index)).collect()
}
