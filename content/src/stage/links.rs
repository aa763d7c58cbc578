//! `[[link]]`: who calls whom.

use std::ops::Range;

use hockeystick_core::stage::{Link, limits};
use hockeystick_core::workload::{Class, PerClass};
use toml::Spanned;
use toml::de::DeValue;

use crate::fields::{Fields, Known, Wrong, names, shortened, valid};
use crate::problem::Problems;
use crate::suggest::valid_names;

/// Fields of a link.
pub(crate) const FIELDS: [Known; 4] = [
    ("path", "two or more components: path = [\"users\", \"app\", \"database\"]"),
    ("latency", "one way: latency = \"20 ms\""),
    ("bandwidth", "of each connection: bandwidth = \"1 Gbit/s\""),
    ("for", "classes: for = [\"read\", \"write\"]"),
];

/// Where the file says a link: the table's index, and the two names.
#[derive(Clone, Debug)]
pub(crate) struct LinkPlace {
    pub(crate) table: usize,
    pub(crate) from: Range<usize>,
    pub(crate) to: Range<usize>,
}

/// The links with their places; a path of n names is n − 1 links.
pub(crate) fn read(top: &Fields<'_, '_>, ids: &[String], problems: &mut Problems) -> (Vec<Link>, Vec<LinkPlace>) {
    let mut links = Vec::new();
    let mut places = Vec::new();
    for (table, fields) in top.tables("link", limits::LINKS, problems).into_iter().enumerate() {
        fields.only(&names(&FIELDS), problems);
        let latency = fields.optional("latency", valid(&FIELDS, "latency"), problems);
        let bandwidth = fields.optional("bandwidth", valid(&FIELDS, "bandwidth"), problems);
        let classes = read_classes(&fields, problems);
        let hops = read_path(&fields, ids, problems);
        let (Ok(latency), Ok(bandwidth), Ok(classes)) = (latency, bandwidth, classes) else { continue };
        if links.len() + hops.len() > limits::LINKS {
            problems.add(fields.span(), fields.path_of("path"), "too many links", format!("at most {}", limits::LINKS));
            break;
        }
        for pair in hops.windows(2) {
            let [(from, from_span), (to, to_span)] = pair else { continue };
            links.push(Link { bandwidth, classes, ..Link::new(*from, *to, latency.unwrap_or_default()) });
            places.push(LinkPlace { table, from: from_span.clone(), to: to_span.clone() });
        }
    }
    (links, places)
}

/// `for`: the classes whose requests go this way; all when left out.
fn read_classes(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<PerClass<bool>, Wrong> {
    let names = fields.optional::<Vec<Class>>("for", valid(&FIELDS, "for"), problems)?;
    Ok(names.map_or(PerClass::all(true), |names| PerClass(Class::ALL.map(|class| names.contains(&class)))))
}

/// Each component of the path with where the file names it. Empty when something is wrong.
fn read_path(fields: &Fields<'_, '_>, ids: &[String], problems: &mut Problems) -> Vec<(usize, Range<usize>)> {
    let path = fields.path_of("path");
    let Some(value) = fields.get("path") else {
        problems.add(fields.span(), path, "missing field", valid(&FIELDS, "path"));
        return Vec::new();
    };
    let names = match value.get_ref() {
        DeValue::Array(names) if names.len() >= 2 => names,
        _ => {
            problems.add(value.span(), path, "not a path", valid(&FIELDS, "path"));
            return Vec::new();
        }
    };
    let hops: Option<Vec<_>> = names
        .iter()
        .enumerate()
        .map(|(position, name)| {
            let index = find(name, ids);
            if index.is_none() {
                let text = name.get_ref().as_str().unwrap_or("something that is not a text");
                let help = valid_names(text, ids.iter().map(String::as_str));
                let message = format!("no such component: `{}`", shortened(text));
                problems.add(name.span(), format!("{path}[{position}]"), message, help);
            }
            index.map(|index| (index, name.span()))
        })
        .collect();
    hops.unwrap_or_default()
}

fn find(name: &Spanned<DeValue<'_>>, ids: &[String]) -> Option<usize> {
    let name = name.get_ref().as_str()?;
    ids.iter().position(|id| id == name)
}
