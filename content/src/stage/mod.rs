//! The stage file: TOML, written by hand; [`schema()`] is what an editor can know of it.
//!
//! ```toml
//! schema = 1
//! title  = "Everything on one box"
//! users  = 1_000                          # a day; or rate = "9.3/s"
//!
//! [machine.box]                           # a machine that components share
//! size = "nano"                           # of the catalogue; any field may say otherwise
//!
//! [[component]]
//! id = "app"
//! kind = "app-server"
//! machine = "box"                         # or a size of the catalogue, or a table: a machine for each copy
//! demand = { static = "0.3 ms", read = "12 ms" }
//!
//! [[link]]
//! path = ["users", "app", "database"]     # latency = "20 ms", one way
//! ```

mod components;
mod edit;
mod faults;
mod inject;
mod links;
mod machines;
mod overrides;
mod places;
mod regions;
mod schema;
mod shown;
mod workload;

use hockeystick_core::hardware::Catalogue;
use hockeystick_core::stage::{Challenge, SCHEMA, Stage};
use toml::de::DeTable;

use crate::TEXT_BYTES_MAX;
use crate::fields::{Fields, Known, Wrong, names, valid};
use crate::figure::Folder;
use crate::problem::{FileErrors, Problems};

pub use edit::{Edit, EditError, with_values};
pub use inject::fault;
pub(crate) use overrides::reading;
pub use overrides::{SetError, parse_value, set};
pub use schema::schema;

pub(crate) use faults::{Names, broken_rules, details as fault_details, read_kind as read_fault_kind, read_target};
pub(crate) use machines::read_size;
pub(crate) use shown::{Shown, Told};

/// Everything wrong with a stage file.
pub type StageErrors = FileErrors;

/// Fields of a stage file.
pub(crate) const TOP_LEVEL: [Known; 12] = [
    ("schema", "schema = 1"),
    ("title", "title = \"What broke, in a few words\""),
    ("users", workload::RATE),
    ("rate", workload::RATE),
    ("workload", "what users ask for"),
    ("region", "places that are far from one another: [region.europe]"),
    ("machine", "machines that components share: [machine.box]"),
    ("component", "what is on the board: [[component]]"),
    ("link", "who calls whom: [[link]]"),
    ("fault", "what goes wrong, and when: [[fault]]"),
    ("challenge", "what the reader is asked to reach"),
    ("figure", "how the stage is shown on its page"),
];

/// Fields of `[challenge]`.
pub(crate) const CHALLENGE: [Known; 10] = [
    ("goal", "goal = \"the task, as a sentence\""),
    ("rate", "rate = \"60/s\""),
    ("p95", "p95 = \"300 ms\""),
    ("errors", "errors = 0.001"),
    ("stale", "share of answers that may be out of date: stale = 0.0001; nobody asks when left out"),
    ("lost", "changes that may be lost in a run: lost = 0; nobody asks when left out"),
    ("budget", "budget = 60 (US dollars a month)"),
    ("for", "how long a run is judged: for = \"6 min\"; else some 20,000 requests, 30 s to 15 min"),
    ("fault", "what goes wrong in each run, and when: [[challenge.fault]]"),
    ("hints", "hints = [\"a vague one\", \"a plain one\"]"),
];

/// Reads a stage from the text of its file; `file` is the name that errors carry.
///
/// # Errors
/// Every problem of the file that can be found in one go: of syntax first, else of fields, else of the stage's rules.
pub fn read(text: &str, file: &str, catalogue: &Catalogue) -> Result<Stage, StageErrors> {
    read_shown(text, file, catalogue, None).map(|(stage, _)| stage)
}

/// Reads a stage, and how its page shows it. `folder` is where its other stage files are.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_shown(
    text: &str,
    file: &str,
    catalogue: &Catalogue,
    folder: Option<&Folder<'_>>,
) -> Result<(Stage, Option<Shown>), StageErrors> {
    let mut problems = Problems::default();
    match read_into(text, catalogue, folder, &mut problems) {
        Ok(read) if problems.is_empty() => Ok(read),
        _ => Err(problems.into_errors(file, text)),
    }
}

fn read_into(
    text: &str,
    catalogue: &Catalogue,
    folder: Option<&Folder<'_>>,
    problems: &mut Problems,
) -> Result<(Stage, Option<Shown>), Wrong> {
    let document = parse(text, problems)?;
    let top = Fields::new(document.get_ref(), 0..0, "");
    let schema = top.optional::<u32>("schema", valid(&TOP_LEVEL, "schema"), problems);
    if let Ok(Some(version)) = schema
        && version != SCHEMA
    {
        let span = top.get("schema").map_or(0..0, toml::Spanned::span);
        let help = format!("this program reads version {SCHEMA}");
        problems.add(span, "schema", format!("version {version} of the stage file is not known"), help);
        return Err(Wrong);
    }
    top.only(&names(&TOP_LEVEL), problems);
    let title = top.required("title", valid(&TOP_LEVEL, "title"), problems);
    let workload = workload::read(&top, problems);
    let regions = regions::read(&top, problems);
    let region_names: Vec<String> = regions.iter().map(|region| region.id.clone()).collect();
    let machines = machines::read(&top, catalogue, problems);
    let components = components::read(&top, &machines, &region_names, catalogue, problems);
    let links = links::read(&top, &components.ids, problems);
    let known = faults::Names {
        components: &components.ids,
        machines: &machines.names,
        regions: &region_names,
        links: &links.0,
    };
    let faults = faults::read(&top, known, problems);
    let challenge = read_challenge(&top, known, problems);
    if !problems.is_empty() {
        return Err(Wrong);
    }
    let (links, link_places) = links;
    let mut stage = Stage {
        title: title?,
        workload: workload?,
        regions,
        machines: machines.list,
        components: components.list,
        links,
        faults,
        challenge: challenge?,
    };
    components::place_unplaced(&mut stage, &components.unplaced);
    report_broken_rules(&stage, &places::Places::new(&top, link_places), problems);
    let shown = if problems.is_empty() { shown::read(&top, &stage, folder, problems)? } else { None };
    Ok((stage, shown))
}

/// Parses the text, with a bound on its size; every error of syntax is reported.
pub(crate) fn parse<'t>(text: &'t str, problems: &mut Problems) -> Result<toml::Spanned<DeTable<'t>>, Wrong> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("{} bytes are too many", text.len());
        problems.add(0..0, "", message, format!("at most {TEXT_BYTES_MAX} bytes"));
        return Err(Wrong);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        problems.add(span, "", crate::fields::shortened(error.message().trim()), "");
    }
    if errors.is_empty() { Ok(document) } else { Err(Wrong) }
}

/// Reports what breaks a rule, each where the file says it.
fn report_broken_rules(stage: &Stage, places: &places::Places<'_, '_>, problems: &mut Problems) {
    for problem in broken_rules(stage) {
        let (span, path) = places.find(&problem.path);
        problems.add(span, path, problem.message, problem.help);
    }
}

fn read_challenge(
    top: &Fields<'_, '_>,
    targets: Names<'_>,
    problems: &mut Problems,
) -> Result<Option<Challenge>, Wrong> {
    let Some(value) = top.get("challenge") else { return Ok(None) };
    let table = Fields::of(value, "challenge", problems)?;
    table.only(&names(&CHALLENGE), problems);
    let goal = table.required("goal", valid(&CHALLENGE, "goal"), problems);
    let rate = table.required("rate", valid(&CHALLENGE, "rate"), problems);
    let p95 = table.required("p95", valid(&CHALLENGE, "p95"), problems);
    let errors = table.optional("errors", valid(&CHALLENGE, "errors"), problems);
    let stale = table.optional("stale", valid(&CHALLENGE, "stale"), problems);
    let lost = table.optional("lost", valid(&CHALLENGE, "lost"), problems);
    let budget = table.optional("budget", valid(&CHALLENGE, "budget"), problems);
    let lasts = table.optional("for", valid(&CHALLENGE, "for"), problems);
    let faults = faults::read(&table, targets, problems);
    let hints = table.optional("hints", valid(&CHALLENGE, "hints"), problems);
    Ok(Some(Challenge {
        goal: goal?,
        rate: rate?,
        p95: p95?,
        errors: errors?.unwrap_or_default(),
        stale: stale?,
        lost: lost?,
        budget: budget?,
        lasts: lasts?,
        faults,
        hints: hints?.unwrap_or_default(),
    }))
}
