//! `[[component]]`: what is on the board.

use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::hardware::Catalogue;
use hockeystick_core::settings::Field;
use hockeystick_core::stage::{Component, Placement, Stage, limits};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::machines::{Machines, read_machine};
use crate::fields::{self, Fields, Known, Wrong, valid};
use crate::problem::Problems;
use crate::show;
use crate::suggest::valid_names;

/// Fields that every component has; what runs on hardware that is not ours has no machine.
pub(crate) const COMMON: [Known; 6] = [
    ("id", "id = \"app\""),
    ("kind", "what it is"),
    ("copies", "a whole number: copies = 3"),
    ("machine", "a [machine.NAME] of this file, a size, or a table: machine = { vcpus = 2, memory = \"4 GB\" }"),
    ("region", "region = \"europe\""),
    ("at", "the centre on the board: at = [432, 190]"),
];

/// The board's size, in board units; see [`Component::at`].
const BOARD: [f32; 2] = [800.0, 470.0];

/// The file's components. `ids` has those too that were found wrong, so that what refers to them is not wrong as well.
#[derive(Debug, Default)]
pub(crate) struct Components {
    pub(crate) list: Vec<Component>,
    pub(crate) ids: Vec<String>,
    /// Indices of those that the file gives no place.
    pub(crate) unplaced: Vec<usize>,
}

pub(crate) fn read(
    top: &Fields<'_, '_>,
    machines: &Machines,
    regions: &[String],
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Components {
    let mut components = Components::default();
    for (index, fields) in top.tables("component", limits::COMPONENTS, problems).into_iter().enumerate() {
        let id = fields.required::<String>("id", valid(&COMMON, "id"), problems);
        components.ids.push(id.clone().unwrap_or_default());
        if fields.get("at").is_none() {
            components.unplaced.push(index);
        }
        let region = read_region(&fields, regions, problems);
        if let (Ok(component), Ok(region)) = (read_component(&fields, id, machines, catalogue, problems), region) {
            components.list.push(Component { region, ..component });
        }
    }
    components
}

fn read_component(
    fields: &Fields<'_, '_>,
    id: Result<String, Wrong>,
    machines: &Machines,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Result<Component, Wrong> {
    let copies = fields.optional("copies", valid(&COMMON, "copies"), problems);
    let at = fields.optional::<[f32; 2]>("at", valid(&COMMON, "at"), problems);
    let kind = read_kind(fields, problems);
    let machine = read_placement(fields, kind, machines, catalogue, problems);
    let settings = read_settings(fields, kind?, problems);
    Ok(Component {
        id: id?,
        copies: copies?.unwrap_or(1),
        machine: machine?,
        region: None,
        at: at?.unwrap_or([0.0, 0.0]),
        settings: settings?,
    })
}

/// `region`: one of the file's.
fn read_region(fields: &Fields<'_, '_>, regions: &[String], problems: &mut Problems) -> Result<Option<usize>, Wrong> {
    let Some(name) = fields.optional::<String>("region", valid(&COMMON, "region"), problems)? else { return Ok(None) };
    regions.iter().position(|known| *known == name).map(Some).ok_or_else(|| {
        let span = fields.get("region").map_or(fields.span(), Spanned::span);
        let message = format!("no such region: `{}`", fields::shortened(&name));
        let help = valid_names(&name, regions.iter().map(String::as_str));
        problems.add(span, fields.path_of("region"), message, help);
        Wrong
    })
}

fn read_kind(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Kind, Wrong> {
    let key: String = fields.required("kind", &valid_names("", Kind::ALL.iter().map(|kind| kind.key())), problems)?;
    Kind::from_key(&key).ok_or_else(|| {
        let span = fields.get("kind").map_or(fields.span(), Spanned::span);
        let help = valid_names(&key, Kind::ALL.iter().map(|kind| kind.key()));
        problems.add(span, fields.path_of("kind"), format!("no such kind: `{}`", fields::shortened(&key)), help);
        Wrong
    })
}

/// `machine`: one of the file's, a size of the catalogue, or a table.
fn read_placement(
    fields: &Fields<'_, '_>,
    kind: Result<Kind, Wrong>,
    machines: &Machines,
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Result<Option<Placement>, Wrong> {
    let hosted = kind.is_ok_and(|kind| kind.about().hosted);
    let path = fields.path_of("machine");
    let names = || {
        let own = machines.names.iter().map(String::as_str);
        own.chain(catalogue.sizes.iter().map(|size| size.id.as_str()))
    };
    let Some(value) = fields.get("machine") else {
        if hosted {
            problems.add(fields.span(), path, "missing field: it must run on something", valid_names("", names()));
        }
        return Ok(None);
    };
    if kind.is_ok() && !hosted {
        let help = "leave `machine` out: it runs on hardware that is not ours";
        problems.add(value.span(), path, "not for a component of this kind", help);
        return Err(Wrong);
    }
    match value.get_ref() {
        DeValue::String(name) => {
            if let Some(index) = machines.names.iter().position(|known| known == name) {
                return Ok(Some(Placement::Shared(index)));
            }
            if let Some(size) = catalogue.get(name) {
                return Ok(Some(Placement::Own { size: Some(size.id.clone()), machine: size.machine.clone() }));
            }
            let message = format!("no such machine or size: `{}`", fields::shortened(name));
            problems.add(value.span(), path, message, valid_names(name, names()));
            Err(Wrong)
        }
        DeValue::Table(table) => {
            let table = Fields::new(table, value.span(), path);
            let (size, machine) = read_machine(&table, catalogue, problems)?;
            Ok(Some(Placement::Own { size, machine }))
        }
        _ => {
            problems.add(value.span(), path, "expected a name or a table", valid(&COMMON, "machine"));
            Err(Wrong)
        }
    }
}

/// The fields of the kind, each read on its own so that each that is wrong is reported.
fn read_settings(fields: &Fields<'_, '_>, kind: Kind, problems: &mut Problems) -> Result<Settings, Wrong> {
    let known: Vec<&str> =
        fields::names(&COMMON).into_iter().chain(kind.fields().iter().map(|field| field.name)).collect();
    fields.only(&known, problems);
    let mut whole = DeTable::new();
    let mut all_read = Ok(());
    for field in kind.fields() {
        let Some(value) = fields.get(field.name) else { continue };
        let key = || Spanned::new(value.span(), field.name.into());
        let mut alone = DeTable::new();
        alone.insert(key(), value.clone());
        if read_table(fields, kind, alone, &valid_setting(kind, field), problems).is_err() {
            all_read = Err(Wrong);
        }
        whole.insert(key(), value.clone());
    }
    all_read?;
    read_table(fields, kind, whole, "", problems)
}

fn read_table(
    fields: &Fields<'_, '_>,
    kind: Kind,
    table: DeTable<'_>,
    valid: &str,
    problems: &mut Problems,
) -> Result<Settings, Wrong> {
    let value = Spanned::new(fields.span(), DeValue::Table(table));
    let mut track = serde_path_to_error::Track::new();
    let deserializer = ValueDeserializer::from(value.clone());
    kind.read_settings(serde_path_to_error::Deserializer::new(deserializer, &mut track)).map_err(|error| {
        let error = serde_path_to_error::Error::new(track.path(), error);
        fields::report(&value, fields.path(), valid, &error, problems);
        Wrong
    })
}

/// `how long an answer may be kept; 0 s to 7 d, 5 min unless set`.
pub(crate) fn valid_setting(kind: Kind, field: &Field) -> String {
    let doc = field.doc.trim().trim_end_matches('.');
    let mut settings = kind.default_settings();
    let Some(knob) = settings.knob(field.name) else { return doc.to_owned() };
    if !knob.choices().is_empty() {
        return format!("{doc}: {}; {} unless set", knob.choices().join(", "), show::knob(knob));
    }
    let range = format!("{} to {}", show::number(knob.unit(), field.min), show::number(knob.unit(), field.max));
    format!("{doc}: {range}; {} unless set", show::knob(knob))
}

/// Gives a place to components whose file gives none: columns in the order of the calls.
pub(crate) fn place_unplaced(stage: &mut Stage, unplaced: &[usize]) {
    if unplaced.is_empty() {
        return;
    }
    let mut columns = vec![0_usize; stage.components.len()];
    // A longest path has as many links as there are components, at most; a circle stops there.
    for _ in 0..stage.components.len() {
        let mut moved = false;
        for link in &stage.links {
            let next = columns[link.from] + 1;
            if columns[link.to] < next && next < columns.len() {
                columns[link.to] = next;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let last = columns.iter().copied().max().unwrap_or(0);
    for &index in unplaced {
        let column: Vec<usize> = (0..columns.len()).filter(|&other| columns[other] == columns[index]).collect();
        let row = column.iter().position(|&other| other == index).unwrap_or(0);
        let share = |part: usize, parts: usize| (part as f32 + 0.5) / parts as f32;
        stage.components[index].at = [BOARD[0] * share(columns[index], last + 1), BOARD[1] * share(row, column.len())];
    }
}
