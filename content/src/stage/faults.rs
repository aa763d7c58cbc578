//! `[[fault]]`: what goes wrong, and when.

use hockeystick_core::stage::{Fault, FaultKind, Target, limits};
use toml::Spanned;

use super::machines::Machines;
use crate::fields::{Fields, Wrong, shortened};
use crate::problem::Problems;
use crate::suggest::valid_names;

const KINDS: [&str; 3] = ["down", "slow", "memory-leak"];

pub(crate) fn read(
    top: &Fields<'_, '_>,
    components: &[String],
    machines: &Machines,
    problems: &mut Problems,
) -> Vec<Fault> {
    let tables = top.tables("fault", limits::FAULTS, problems);
    tables.iter().filter_map(|fields| read_fault(fields, components, &machines.names, problems).ok()).collect()
}

fn read_fault(
    fields: &Fields<'_, '_>,
    components: &[String],
    machines: &[String],
    problems: &mut Problems,
) -> Result<Fault, Wrong> {
    fields.only(&["at", "for", "on", "kind", "speed", "per_s"], problems);
    let at = fields.required("at", "since the start: at = \"30 s\"", problems);
    let lasts = fields.optional("for", "for = \"20 s\"; for good when left out", problems);
    let kind = read_kind(fields, problems);
    let on = read_target(fields, components, machines, problems);
    Ok(Fault { at: at?, lasts: lasts?, on: on?, kind: kind? })
}

/// `kind` with `speed` or `per_s`.
pub(crate) fn read_kind(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<FaultKind, Wrong> {
    let kind: String = fields.required("kind", &valid_names("", KINDS), problems)?;
    let mut only_for = |name: &str, owner: &str| {
        if kind != owner
            && let Some(value) = fields.get(name)
        {
            let message = format!("not for a fault of kind `{}`", shortened(&kind));
            problems.add(value.span(), fields.path_of(name), message, format!("it belongs to `{owner}`"));
        }
    };
    only_for("speed", "slow");
    only_for("per_s", "memory-leak");
    match kind.as_str() {
        "down" => Ok(FaultKind::Down),
        "slow" => {
            let speed = fields.required("speed", "share of the processors' speed: speed = 0.2", problems)?;
            Ok(FaultKind::Slow { speed })
        }
        "memory-leak" => {
            let per_s = fields.required("per_s", "memory taken in a second: per_s = \"10 MB\"", problems)?;
            Ok(FaultKind::MemoryLeak { per_s })
        }
        _ => {
            let span = fields.get("kind").map_or(fields.span(), Spanned::span);
            let message = format!("no such fault: `{}`", shortened(&kind));
            problems.add(span, fields.path_of("kind"), message, valid_names(&kind, KINDS));
            Err(Wrong)
        }
    }
}

/// `on`: a component, one copy of it (`app#2`, from 1), or a machine of the file.
pub(crate) fn read_target(
    fields: &Fields<'_, '_>,
    components: &[String],
    machines: &[String],
    problems: &mut Problems,
) -> Result<Target, Wrong> {
    const VALID: &str = "a component, a copy of it or a machine: on = \"app#2\"";
    let text: String = fields.required("on", VALID, problems)?;
    let span = fields.get("on").map_or(fields.span(), Spanned::span);
    let (name, copy) = match text.split_once('#') {
        None => (text.as_str(), None),
        Some((name, number)) => match number.parse::<u32>().ok().and_then(|number| number.checked_sub(1)) {
            Some(copy) => (name, Some(copy)),
            None => {
                let message = format!("`{}` is not the number of a copy", shortened(number));
                problems.add(span, fields.path_of("on"), message, "copies count from 1: `app#1`");
                return Err(Wrong);
            }
        },
    };
    if let Some(index) = components.iter().position(|id| id == name) {
        return Ok(Target::Component(index, copy));
    }
    match machines.iter().position(|id| id == name) {
        Some(index) if copy.is_none() => Ok(Target::Machine(index)),
        Some(_) => {
            problems.add(span, fields.path_of("on"), "a shared machine has no copies", "leave out what follows `#`");
            Err(Wrong)
        }
        None => {
            let names = components.iter().chain(machines).map(String::as_str);
            let message = format!("no such component or machine: `{}`", shortened(name));
            problems.add(span, fields.path_of("on"), message, valid_names(name, names));
            Err(Wrong)
        }
    }
}
