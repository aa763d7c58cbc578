//! The catalogue of machine sizes: `hardware.toml`.
//!
//! ```toml
//! schema = 1
//!
//! [[size]]
//! id = "nano"
//! name = "Nano"
//! vcpus = 1
//! memory = "1 GB"
//! price_per_hour = 0.0074
//! source = "https://example.org/pricing"
//! as_of = "2025-11"
//! ```

use hockeystick_core::hardware::{Catalogue, MachineSize};
use hockeystick_core::stage::limits;
use toml::Spanned;

use crate::fields::{Fields, Wrong};
use crate::problem::{FileErrors, Problems};
use crate::stage::{parse, read_size};

const FIELDS: [&str; 14] = [
    "id",
    "name",
    "vcpus",
    "quota",
    "period",
    "speed",
    "memory",
    "swap",
    "disk",
    "disk_latency",
    "disk_channels",
    "price_per_hour",
    "source",
    "as_of",
];

/// Reads a catalogue from the text of its file; `file` is the name that errors carry.
///
/// # Errors
/// Every problem of the file, each with its place.
pub fn read(text: &str, file: &str) -> Result<Catalogue, FileErrors> {
    let mut problems = Problems::default();
    match read_into(text, &mut problems) {
        Ok(catalogue) if problems.is_empty() => Ok(catalogue),
        _ => Err(problems.into_errors(file, text)),
    }
}

fn read_into(text: &str, problems: &mut Problems) -> Result<Catalogue, Wrong> {
    let document = parse(text, problems)?;
    let top = Fields::new(document.get_ref(), 0..0, "");
    top.only(&["schema", "size"], problems);
    let _ = top.optional::<u32>("schema", "schema = 1", problems);
    let mut catalogue = Catalogue::default();
    for fields in top.tables("size", limits::COMPONENTS, problems) {
        let Ok(size) = read_one(&fields, problems) else { continue };
        if catalogue.get(&size.id).is_some() {
            let span = fields.get("id").map_or(fields.span(), Spanned::span);
            let message = format!("`{}` is there twice", size.id);
            problems.add(span, fields.path_of("id"), message, "each size has an id of its own");
        }
        catalogue.sizes.push(size);
    }
    Ok(catalogue)
}

fn read_one(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<MachineSize, Wrong> {
    fields.only(&FIELDS, problems);
    let id = fields.required("id", "id = \"small\"", problems);
    let name = fields.required("name", "name = \"Small\"", problems);
    let source: Result<String, _> = fields.required("source", "where the figures come from", problems);
    let as_of: Result<String, _> = fields.required("as_of", "as_of = \"2025-11\"", problems);
    let machine = read_size(fields, problems);
    let machine = machine.and_then(|machine| sane(machine, fields, problems));
    Ok(MachineSize { id: id?, name: name?, machine: machine?, source: format!("{} ({})", source?, as_of?) })
}

/// A size that is on sale has a processor, memory and a finite price.
fn sane(
    machine: hockeystick_core::hardware::Machine,
    fields: &Fields<'_, '_>,
    problems: &mut Problems,
) -> Result<hockeystick_core::hardware::Machine, Wrong> {
    let mut demand = |holds: bool, name: &str, help: &str| {
        if !holds {
            let span = fields.get(name).map_or(fields.span(), Spanned::span);
            problems.add(span, fields.path_of(name), "out of range", help);
        }
        holds
    };
    let sane = [
        demand((1..=1024).contains(&machine.vcpus), "vcpus", "1 to 1024"),
        demand(machine.memory.0 > 0, "memory", "more than nothing"),
        demand(machine.speed > 0.0 && machine.speed <= 100.0, "speed", "above 0, at most 100"),
        demand((0.0..=10_000.0).contains(&machine.price_per_hour), "price_per_hour", "0 to 10,000 US dollars"),
        demand(machine.quota.is_none_or(|quota| quota > 0.0 && quota <= 1024.0), "quota", "above 0, at most 1024"),
    ];
    if sane.contains(&false) { Err(Wrong) } else { Ok(machine) }
}
