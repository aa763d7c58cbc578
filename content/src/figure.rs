//! A figure as an author writes it: a `figure` block of a lesson, or `[figure]` of a stage file.

use std::ops::Range;

use hockeystick_core::component::Kind;
use hockeystick_core::figure::{Break, Control, Figure, Panel};
use hockeystick_core::stage::{Fault, Stage};
use hockeystick_core::units::Duration;

use crate::fields::{Fields, Known, Wrong, names, valid};
use crate::problem::Problems;
use crate::stage::{Names, broken_rules, fault_details, parse_value, read_fault_kind, read_target, set};
use crate::suggest::valid_names;

/// What can be said of a figure.
pub(crate) const FIELDS: [Known; 10] = [
    ("from", "another stage file of this folder: from = \"before.toml\""),
    ("set", "numbers of the stage that begin otherwise: set = { \"users.rate\" = \"60/s\" }"),
    ("seed", "a whole number: seed = 1"),
    ("speed", "simulated seconds in a second: speed = 0.5"),
    ("autoplay", "whether it runs as soon as it is seen: true or false"),
    ("panels", "panels = [\"hockey-stick\", \"percentiles\", \"throughput\", \"utilisation\", \"cost\"]"),
    ("controls", "controls = [{ path = \"users.rate\", label = \"Load\", min = \"1/s\", max = \"200/s\" }]"),
    ("breaks", "breaks = [{ label = \"Switch it off\", on = \"app\", kind = \"down\", for = \"5 s\" }]"),
    ("palette", "kinds that the reader may drag in: palette = [\"load-balancer\"]"),
    ("caption", "one line under the figure"),
];

/// Fields of a control.
pub(crate) const CONTROL: [Known; 5] = [
    ("path", "path = \"users.rate\""),
    ("label", "label = \"Load\""),
    ("min", "a text with a unit: \"1/s\""),
    ("max", "a text with a unit: \"200/s\""),
    ("scale", "scale = \"linear\" or \"log\""),
];

/// Fields of what can be broken, beside those of the kind of fault.
pub(crate) const BREAK: [Known; 4] = [
    ("label", "what the button says"),
    ("on", "on = \"app\", \"app#1\", \"app -> database\""),
    ("kind", "kind = \"down\""),
    ("for", "for = \"20 s\""),
];

/// Simulated seconds in a second that a figure may run at.
pub(crate) const SPEEDS: std::ops::RangeInclusive<f64> = 0.000_1..=10_000.0;

/// The stage files that lie beside what is read.
#[derive(Clone, Copy)]
pub(crate) struct Folder<'s> {
    /// The stage of a file, by the file's name.
    pub(crate) stage: &'s dyn Fn(&str) -> Option<Stage>,
    /// The files' names.
    pub(crate) files: &'s [&'s str],
}

impl Folder<'_> {
    /// The stage that a figure begins with: that of `from`, else `own`, else the folder's `stage.toml`.
    pub(crate) fn stage(
        &self,
        fields: &Fields<'_, '_>,
        own: Option<&Stage>,
        problems: &mut Problems,
    ) -> Result<Stage, Wrong> {
        let from: Option<String> = fields.optional("from", valid(&FIELDS, "from"), problems)?;
        if let (None, Some(own)) = (&from, own) {
            return Ok(own.clone());
        }
        let file = from.as_deref().unwrap_or("stage.toml");
        (self.stage)(file).ok_or_else(|| {
            let help = valid_names(file, self.files.iter().copied());
            let message = format!("no sound stage file `{file}` in this folder");
            problems.add(fields.span_of("from"), fields.path_of("from"), message, help);
            Wrong
        })
    }
}

/// Reads a figure of `stage`, which `set` changes first. Everything but `from` and what only a lesson says.
pub(crate) fn read(
    fields: &Fields<'_, '_>,
    id: String,
    mut stage: Stage,
    problems: &mut Problems,
) -> Result<Figure, Wrong> {
    let known = |name: &str| valid(&FIELDS, name);
    let seed = fields.optional("seed", known("seed"), problems);
    let speed = fields.optional::<f64>("speed", known("speed"), problems);
    let speed = speed.and_then(|speed| check_speed(speed.unwrap_or(1.0), fields, problems));
    let autoplay = fields.optional("autoplay", known("autoplay"), problems);
    let panels = fields.optional::<Vec<Panel>>("panels", known("panels"), problems);
    let palette = read_palette(fields, problems);
    let caption = fields.required("caption", known("caption"), problems);
    change(&mut stage, fields, problems)?;
    let controls = read_controls(fields, &stage, problems);
    let breaks = read_breaks(fields, &stage, problems);
    Ok(Figure {
        stage,
        id,
        seed: seed?.unwrap_or(1),
        speed: speed?,
        autoplay: autoplay?.unwrap_or(false),
        panels: panels?.unwrap_or_default(),
        controls,
        breaks,
        palette: palette?,
        caption: caption?,
    })
}

/// Does what `set` says.
fn change(stage: &mut Stage, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<(), Wrong> {
    for (path, text, span) in settings(fields, problems)? {
        if let Err(error) = set(stage, &path, &text) {
            problems.add(span, fields.path_of("set"), error.to_string(), "");
        }
    }
    for problem in stage.check() {
        problems.add(fields.span_of("set"), problem.path, problem.message, problem.help);
    }
    Ok(())
}

fn check_speed(speed: f64, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<f64, Wrong> {
    if SPEEDS.contains(&speed) {
        return Ok(speed);
    }
    problems.add(
        fields.span_of("speed"),
        fields.path_of("speed"),
        format!("{speed} is out of range"),
        "0.0001 to 10,000",
    );
    Err(Wrong)
}

fn read_palette(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<Vec<Kind>, Wrong> {
    let keys = fields.optional::<Vec<String>>("palette", valid(&FIELDS, "palette"), problems)?.unwrap_or_default();
    let mut kinds = Vec::new();
    for key in keys {
        match Kind::from_key(&key) {
            Some(kind) => kinds.push(kind),
            None => {
                let help = valid_names(&key, Kind::ALL.iter().map(|kind| kind.key()));
                problems.add(
                    fields.span_of("palette"),
                    fields.path_of("palette"),
                    format!("no such kind: `{key}`"),
                    help,
                );
            }
        }
    }
    Ok(kinds)
}

/// `set`: paths with texts, and where each stands.
pub(crate) fn settings(
    fields: &Fields<'_, '_>,
    problems: &mut Problems,
) -> Result<Vec<(String, String, Range<usize>)>, Wrong> {
    let Some(value) = fields.get("set") else { return Ok(Vec::new()) };
    let table = Fields::of(value, &fields.path_of("set"), problems)?;
    let valid = valid(&FIELDS, "set");
    let entry = |key: &str, problems: &mut Problems| {
        let value = table.get(key)?;
        let text = crate::fields::read::<String>(value, &table.path_of(key), valid, problems).ok()?;
        Some((key.to_owned(), text, value.span()))
    };
    Ok(table.table().keys().filter_map(|key| entry(key.get_ref(), problems)).collect())
}

fn read_controls(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Vec<Control> {
    let tables = fields.tables("controls", 20, problems);
    tables.iter().filter_map(|control| read_control(control, stage, problems).ok()).collect()
}

fn read_control(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Result<Control, Wrong> {
    fields.only(&names(&CONTROL), problems);
    let known = |name: &str| valid(&CONTROL, name);
    let path: String = fields.required("path", known("path"), problems)?;
    let label = fields.required("label", known("label"), problems);
    let scale: Result<Option<String>, _> = fields.optional("scale", known("scale"), problems);
    let mut bound = |name: &str| -> Result<f64, Wrong> {
        let text: String = fields.required(name, known(name), problems)?;
        parse_value(stage, &path, &text).map_err(|error| {
            problems.add(fields.span_of(name), fields.path_of(name), error.to_string(), "");
            Wrong
        })
    };
    let (min, max) = (bound("min"), bound("max"));
    let (min, max, scale) = (min?, max?, scale?);
    let logarithmic = match scale.as_deref() {
        None | Some("linear") => false,
        Some("log") => true,
        Some(other) => {
            let message = format!("no such scale: `{other}`");
            problems.add(fields.span_of("scale"), fields.path_of("scale"), message, "`linear` or `log`");
            return Err(Wrong);
        }
    };
    if min >= max || (logarithmic && min <= 0.0) {
        let help = if logarithmic { "0 < min < max" } else { "min < max" };
        problems.add(fields.span_of("min"), fields.path_of("min"), "not a range", help);
    }
    Ok(Control { path, label: label?, min, max, logarithmic })
}

fn read_breaks(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Vec<Break> {
    let tables = fields.tables("breaks", 20, problems);
    tables.iter().filter_map(|fault| read_break(fault, stage, problems).ok()).collect()
}

fn read_break(fields: &Fields<'_, '_>, stage: &Stage, problems: &mut Problems) -> Result<Break, Wrong> {
    let own = names(&BREAK).into_iter().chain(fault_details());
    fields.only(&own.collect::<Vec<_>>(), problems);
    let components: Vec<String> = stage.components.iter().map(|component| component.id.clone()).collect();
    let machines: Vec<String> = stage.machines.iter().map(|machine| machine.id.clone()).collect();
    let label = fields.required("label", valid(&BREAK, "label"), problems);
    let lasts = fields.required::<Duration>("for", valid(&BREAK, "for"), problems);
    let kind = read_fault_kind(fields, problems);
    let regions: Vec<String> = stage.regions.iter().map(|region| region.id.clone()).collect();
    let names = Names { components: &components, machines: &machines, regions: &regions, links: &stage.links };
    let (on, kind, lasts) = (read_target(fields, names, problems)?, kind?, lasts?);
    // What could not stand on the stage's own timeline cannot be a button either.
    let mut broken = stage.clone();
    broken.faults = vec![Fault { at: Duration::ZERO, lasts: Some(lasts), on: on.clone(), kind }];
    for problem in broken_rules(&broken) {
        let field = problem.path.rsplit('.').next().unwrap_or_default();
        problems.add(fields.span_of(field), fields.path_of(field), problem.message, problem.help);
    }
    Ok(Break { label: label?, on, kind, lasts_s: lasts.as_secs_f64() })
}
