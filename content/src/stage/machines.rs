//! `[machine.NAME]`: machines that components share; and the shape of a machine wherever one is written.

use hockeystick_core::hardware::{Catalogue, Machine};
use hockeystick_core::stage::{NamedMachine, limits};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fields::{self, Fields, Wrong};
use crate::problem::Problems;
use crate::suggest::valid_names;

/// The file's machines. `names` has those too that were found wrong, so that what refers to them is not wrong as well.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    pub(crate) list: Vec<NamedMachine>,
    pub(crate) names: Vec<String>,
}

pub(crate) fn read(top: &Fields<'_, '_>, catalogue: &Catalogue, problems: &mut Problems) -> Machines {
    let mut machines = Machines::default();
    let Some(value) = top.get("machine") else { return machines };
    let Ok(table) = Fields::of(value, "machine", problems) else { return machines };
    if table.table().len() > limits::COMPONENTS {
        problems.add(value.span(), "machine", "too many machines", format!("at most {}", limits::COMPONENTS));
        return machines;
    }
    for (key, value) in in_file_order(table.table()) {
        let id = key.get_ref().to_string();
        machines.names.push(id.clone());
        let Ok(fields) = Fields::of(value, &table.path_of(&fields::shortened(&id)), problems) else { continue };
        if let Ok((size, machine)) = read_machine(&fields, catalogue, problems) {
            machines.list.push(NamedMachine { id, size, machine });
        }
    }
    machines
}

/// A table's entries as a reader meets them; the parser sorts them by name.
pub(crate) fn in_file_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A machine's table: a size of the catalogue, changed by the other fields; without a size, the default machine.
pub(crate) fn read_machine(
    fields: &Fields<'_, '_>,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Result<(Option<String>, Machine), Wrong> {
    let known: Vec<&str> = ["size"].into_iter().chain(Machine::FIELDS.iter().map(|field| field.name)).collect();
    fields.only(&known, problems);
    let size = fields.optional::<String>("size", "size = \"small\"", problems);
    let base = match &size {
        Ok(Some(id)) => match catalogue.get(id) {
            Some(size) => Ok(size.machine.clone()),
            None => {
                let span = fields.get("size").map_or(fields.span(), Spanned::span);
                Err(unknown_size(id, span, &fields.path_of("size"), catalogue, problems))
            }
        },
        Ok(None) => Ok(Machine::default()),
        Err(wrong) => Err(*wrong),
    };
    let overrides = read_overrides(fields, problems);
    Ok((size?, merged(&base?, overrides?, fields, problems)?))
}

fn unknown_size(
    id: &str,
    span: std::ops::Range<usize>,
    path: &str,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Wrong {
    let sizes = catalogue.sizes.iter().map(|size| size.id.as_str());
    problems.add(span, path, format!("no such size: `{}`", fields::shortened(id)), valid_names(id, sizes));
    Wrong
}

/// The machine fields of the table, each checked on its own.
fn read_overrides(table: &Fields<'_, '_>, problems: &mut Problems) -> Result<toml::Table, Wrong> {
    let mut overrides = toml::Table::new();
    let mut all_read = Ok(());
    for name in Machine::FIELDS.map(|field| field.name) {
        let Some(value) = table.get(name) else { continue };
        let mut alone = DeTable::new();
        alone.insert(Spanned::new(value.span(), name.into()), value.clone());
        let whole = Spanned::new(value.span(), DeValue::Table(alone));
        let valid = example(name);
        // The path that serde reports begins with the field's own name.
        if fields::read::<Machine>(&whole, table.path(), valid, problems).is_err() {
            all_read = Err(Wrong);
        } else if let Ok(value) = fields::read::<toml::Value>(value, &table.path_of(name), valid, problems) {
            overrides.insert(name.to_owned(), value);
        }
    }
    all_read.map(|()| overrides)
}

fn merged(
    base: &Machine,
    overrides: toml::Table,
    fields: &Fields<'_, '_>,
    problems: &mut Problems,
) -> Result<Machine, Wrong> {
    let whole = toml::Table::try_from(base).map_err(|error| error.to_string());
    let machine = whole.and_then(|mut whole| {
        whole.extend(overrides);
        Machine::deserialize(whole).map_err(|error| error.message().to_owned())
    });
    machine.map_err(|message| {
        problems.add(fields.span(), fields.path(), message, "");
        Wrong
    })
}

/// What would be valid for a machine's field.
pub(crate) fn example(field: &str) -> &'static str {
    match field {
        "vcpus" => "processors, as a whole number: vcpus = 2",
        "quota" => "processors' worth of time, above 0: quota = 0.5",
        "period" => "period = \"100 ms\"",
        "speed" => "relative to the processor that demands were measured on: speed = 1.0",
        "memory" => "memory = \"4 GB\"",
        "swap" => "swap = \"1 GB\", or \"0 B\" for none",
        "disk_latency" => "disk_latency = \"1 ms\"",
        "disk_channels" => "a whole number: disk_channels = 1",
        "disk" => "disk = \"25 GB\"",
        _ => "US dollars: price_per_hour = 0.0074",
    }
}

/// One `[[size]]` of the catalogue without its name and source.
pub(crate) fn read_size(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Machine, Wrong> {
    let overrides = read_overrides(fields, problems)?;
    merged(&Machine::default(), overrides, fields, problems)
}
