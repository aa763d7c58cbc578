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

use hockeystick_core::hardware::{Catalogue, Machine, MachineSize};
use hockeystick_core::stage::limits;
use toml::Spanned;

use crate::fields::{Fields, Wrong};
use crate::problem::{FileErrors, Problems};
use crate::show;
use crate::stage::{parse, read_size};

/// Fields of a size beside those of its machine.
const FIELDS: [&str; 4] = ["id", "name", "source", "as_of"];

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
    let known: Vec<&str> = FIELDS.into_iter().chain(Machine::FIELDS.iter().map(|field| field.name)).collect();
    fields.only(&known, problems);
    let id = fields.required("id", "id = \"small\"", problems);
    let name = fields.required("name", "name = \"Small\"", problems);
    let source: Result<String, _> = fields.required("source", "where the figures come from", problems);
    let as_of: Result<String, _> = fields.required("as_of", "as_of = \"2025-11\"", problems);
    let machine = read_size(fields, problems);
    let machine = machine.and_then(|machine| sane(machine, fields, problems));
    Ok(MachineSize { id: id?, name: name?, machine: machine?, source: format!("{} ({})", source?, as_of?) })
}

/// Every number within its range.
fn sane(machine: Machine, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Machine, Wrong> {
    let mut sane = Ok(());
    for field in &Machine::FIELDS {
        // Not-a-number is outside every range.
        if !(field.min..=field.max).contains(&(field.read)(&machine)) {
            let span = fields.get(field.name).map_or(fields.span(), Spanned::span);
            let range = format!("{} to {}", show::number(field.unit, field.min), show::number(field.unit, field.max));
            problems.add(span, fields.path_of(field.name), "out of range", range);
            sane = Err(Wrong);
        }
    }
    sane.map(|()| machine)
}
