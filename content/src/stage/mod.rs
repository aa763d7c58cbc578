//! The stage file: TOML, written by hand.
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
mod links;
mod machines;
mod overrides;
mod places;

use hockeystick_core::hardware::Catalogue;
use hockeystick_core::stage::{Challenge, SCHEMA, Stage};
use hockeystick_core::units::Rate;
use hockeystick_core::workload::{PEAK_PER_DAILY_USER, Workload};
use toml::de::DeTable;

use crate::TEXT_BYTES_MAX;
use crate::fields::{Fields, Wrong};
use crate::problem::{FileErrors, Problems};

pub use edit::{Edit, EditError, with_values};
pub use overrides::{SetError, parse_value, set};

pub(crate) use faults::{read_kind as read_fault_kind, read_target};
pub(crate) use machines::read_size;

/// Everything wrong with a stage file.
pub type StageErrors = FileErrors;

const TOP_LEVEL: [&str; 10] =
    ["schema", "title", "users", "rate", "workload", "machine", "component", "link", "fault", "challenge"];

/// Reads a stage from the text of its file; `file` is the name that errors carry.
///
/// # Errors
/// Every problem of the file that can be found in one go: of syntax first, else of fields, else of the stage's rules.
pub fn read(text: &str, file: &str, catalogue: &Catalogue) -> Result<Stage, StageErrors> {
    let mut problems = Problems::default();
    match read_into(text, catalogue, &mut problems) {
        Ok(stage) if problems.is_empty() => Ok(stage),
        _ => Err(problems.into_errors(file, text)),
    }
}

fn read_into(text: &str, catalogue: &Catalogue, problems: &mut Problems) -> Result<Stage, Wrong> {
    let document = parse(text, problems)?;
    let top = Fields::new(document.get_ref(), 0..0, "");
    let schema = top.optional::<u32>("schema", "schema = 1", problems);
    if let Ok(Some(version)) = schema
        && version != SCHEMA
    {
        let span = top.get("schema").map_or(0..0, toml::Spanned::span);
        let help = format!("this program reads version {SCHEMA}");
        problems.add(span, "schema", format!("version {version} of the stage file is not known"), help);
        return Err(Wrong);
    }
    top.only(&TOP_LEVEL, problems);
    let title = top.required("title", "title = \"What broke, in a few words\"", problems);
    let workload = read_workload(&top, problems);
    let machines = machines::read(&top, catalogue, problems);
    let components = components::read(&top, &machines, catalogue, problems);
    let links = links::read(&top, &components.ids, problems);
    let faults = faults::read(&top, &components.ids, &machines, problems);
    let challenge = read_challenge(&top, problems);
    if !problems.is_empty() {
        return Err(Wrong);
    }
    let (links, link_places) = links;
    let mut stage = Stage {
        title: title?,
        workload: workload?,
        machines: machines.list,
        components: components.list,
        links,
        faults,
        challenge: challenge?,
    };
    components::place_unplaced(&mut stage, &components.unplaced);
    report_broken_rules(&stage, &places::Places::new(&top, link_places), problems);
    Ok(stage)
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

/// Reports what [`Stage::check`] finds, each where the file says it.
fn report_broken_rules(stage: &Stage, places: &places::Places<'_, '_>, problems: &mut Problems) {
    for problem in stage.check() {
        let (span, path) = places.find(&problem.path);
        problems.add(span, path, problem.message, problem.help);
    }
}

/// `rate` or `users`, and `[workload]`.
fn read_workload(top: &Fields<'_, '_>, problems: &mut Problems) -> Result<Workload, Wrong> {
    let rate = read_rate(top, problems);
    let default = Workload::default();
    let Some(value) = top.get("workload") else { return Ok(Workload { rate: rate?, ..default }) };
    let table = Fields::of(value, "workload", problems)?;
    table.only(&["mix", "arrivals"], problems);
    let mix = table.optional("mix", "mix = { static = 0.70, read = 0.24, write = 0.05, job = 0.01 }", problems);
    let arrivals = table.optional("arrivals", "arrivals = \"poisson\" or \"constant\"", problems);
    let (arrivals, mix) = (arrivals?.unwrap_or(default.arrivals), mix?.unwrap_or(default.mix));
    Ok(Workload { rate: rate?, arrivals, mix, ..default })
}

fn read_rate(top: &Fields<'_, '_>, problems: &mut Problems) -> Result<Rate, Wrong> {
    const VALID: &str = "users = 1_000 (a day), or rate = \"9.3/s\"";
    let rate = top.optional::<Rate>("rate", VALID, problems);
    let users = top.optional::<u64>("users", VALID, problems);
    match (rate?, users?) {
        (Some(rate), None) => Ok(rate),
        (None, Some(users)) => Ok(Rate::per_second(users as f64 * PEAK_PER_DAILY_USER)),
        (None, None) => {
            problems.add(top.span(), "users", "missing field", VALID);
            Err(Wrong)
        }
        (Some(_), Some(_)) => {
            let span = top.get("users").map_or(0..0, toml::Spanned::span);
            problems.add(span, "users", "`users` and `rate` say the same thing twice", "keep one of the two");
            Err(Wrong)
        }
    }
}

fn read_challenge(top: &Fields<'_, '_>, problems: &mut Problems) -> Result<Option<Challenge>, Wrong> {
    let Some(value) = top.get("challenge") else { return Ok(None) };
    let table = Fields::of(value, "challenge", problems)?;
    table.only(&["goal", "rate", "p95", "errors", "budget", "hints"], problems);
    let goal = table.required("goal", "goal = \"the task, as a sentence\"", problems);
    let rate = table.required("rate", "rate = \"60/s\"", problems);
    let p95 = table.required("p95", "p95 = \"300 ms\"", problems);
    let errors = table.optional("errors", "errors = 0.001", problems);
    let budget = table.optional("budget", "budget = 60 (US dollars a month)", problems);
    let hints = table.optional("hints", "hints = [\"a vague one\", \"a plain one\"]", problems);
    Ok(Some(Challenge {
        goal: goal?,
        rate: rate?,
        p95: p95?,
        errors: errors?.unwrap_or_default(),
        budget: budget?,
        hints: hints?.unwrap_or_default(),
    }))
}
