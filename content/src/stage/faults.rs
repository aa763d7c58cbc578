//! `[[fault]]`: what goes wrong, and when.

use hockeystick_core::stage::{Fault, FaultKind, Link, Target, limits};
use toml::Spanned;

use crate::fields::{Fields, Wrong, shortened};
use crate::problem::Problems;
use crate::suggest::valid_names;

/// Each kind with the fields that belong to it.
const KINDS: [(&str, &[&str]); 14] = [
    ("down", &[]),
    ("slow", &["speed"]),
    ("memory-leak", &["per_s"]),
    ("lossy", &["loss"]),
    ("cut", &[]),
    ("disk-fill", &["per_s"]),
    ("connection-leak", &["share"]),
    ("cold-cache", &[]),
    ("corrupt-backup", &[]),
    ("deploy", &["errors", "speed", "canary"]),
    ("spike", &["factor"]),
    ("hot-key", &["share"]),
    ("stuck", &[]),
    // Written like this it says what it is; to the model it is a deploy.
    ("bad-deploy", &["errors", "speed", "canary"]),
];

/// Fields that only some kinds have.
pub(crate) const DETAILS: [&str; 7] = ["speed", "per_s", "loss", "share", "errors", "canary", "factor"];

/// What a target may be named by, besides components.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    pub(crate) components: &'n [String],
    pub(crate) machines: &'n [String],
    pub(crate) regions: &'n [String],
    pub(crate) links: &'n [Link],
}

pub(crate) fn read(top: &Fields<'_, '_>, names: Names<'_>, problems: &mut Problems) -> Vec<Fault> {
    let tables = top.tables("fault", limits::FAULTS, problems);
    tables.iter().filter_map(|fields| read_fault(fields, names, problems).ok()).collect()
}

fn read_fault(fields: &Fields<'_, '_>, names: Names<'_>, problems: &mut Problems) -> Result<Fault, Wrong> {
    let known: Vec<&str> = ["at", "for", "on", "kind"].into_iter().chain(DETAILS).collect();
    fields.only(&known, problems);
    let at = fields.required("at", "since the start: at = \"30 s\"", problems);
    let lasts = fields.optional("for", "for = \"20 s\"; for good when left out", problems);
    let kind = read_kind(fields, problems);
    let on = read_target(fields, names, problems);
    Ok(Fault { at: at?, lasts: lasts?, on: on?, kind: kind? })
}

/// `kind`, with what belongs to it.
pub(crate) fn read_kind(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<FaultKind, Wrong> {
    let kinds = || KINDS.iter().map(|(kind, _)| *kind);
    let kind: String = fields.required("kind", &valid_names("", kinds()), problems)?;
    let Some((_, details)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let span = fields.get("kind").map_or(fields.span(), Spanned::span);
        let message = format!("no such fault: `{}`", shortened(&kind));
        problems.add(span, fields.path_of("kind"), message, valid_names(&kind, kinds()));
        return Err(Wrong);
    };
    for name in DETAILS.iter().filter(|name| !details.contains(name)) {
        if let Some(value) = fields.get(name) {
            let owners: Vec<String> =
                KINDS.iter().filter(|(_, of)| of.contains(name)).map(|(owner, _)| format!("`{owner}`")).collect();
            let message = format!("not for a fault of kind `{kind}`");
            problems.add(value.span(), fields.path_of(name), message, format!("it belongs to {}", owners.join(", ")));
        }
    }
    match kind.as_str() {
        "slow" => {
            let speed = fields.required("speed", "share of the full speed: speed = 0.2", problems)?;
            Ok(FaultKind::Slow { speed })
        }
        "memory-leak" => {
            let per_s = fields.required("per_s", "memory taken in a second: per_s = \"10 MB\"", problems)?;
            Ok(FaultKind::MemoryLeak { per_s })
        }
        "lossy" => {
            let loss = fields.required("loss", "share of messages that are lost: loss = 0.02", problems)?;
            Ok(FaultKind::Lossy { loss })
        }
        "cut" => Ok(FaultKind::Cut),
        "disk-fill" => {
            let per_s = fields.required("per_s", "bytes written in a second: per_s = \"50 MB\"", problems)?;
            Ok(FaultKind::DiskFill { per_s })
        }
        "connection-leak" => {
            let share = fields.required("share", "share of uses that leak: share = 0.01", problems)?;
            Ok(FaultKind::ConnectionLeak { share })
        }
        "cold-cache" => Ok(FaultKind::ColdCache),
        "corrupt-backup" => Ok(FaultKind::CorruptBackup),
        "deploy" | "bad-deploy" => {
            let errors = fields.optional("errors", "share of requests that fail: errors = 0.2", problems)?;
            let speed = fields.optional("speed", "speed against the old release: speed = 0.5", problems)?;
            let canary = fields.optional("canary", "time on one copy first: canary = \"2 min\"", problems)?;
            Ok(FaultKind::Deploy {
                errors: errors.unwrap_or(0.0),
                speed: speed.unwrap_or(1.0),
                canary: canary.unwrap_or_default(),
            })
        }
        "spike" => {
            let factor = fields.required("factor", "times as many requests: factor = 10.0", problems)?;
            Ok(FaultKind::Spike { factor })
        }
        "hot-key" => {
            let share = fields.required("share", "share of requests for one item: share = 0.2", problems)?;
            Ok(FaultKind::HotKey { share })
        }
        "stuck" => Ok(FaultKind::Stuck),
        _ => Ok(FaultKind::Down),
    }
}

/// `on`: a component, one copy of it (`app#2`, from 1), a machine or a region of the file, or a link
/// (`app -> database`).
pub(crate) fn read_target(fields: &Fields<'_, '_>, names: Names<'_>, problems: &mut Problems) -> Result<Target, Wrong> {
    const VALID: &str = "a component, a copy of it, a machine, a region or a link: on = \"app#2\"";
    let text: String = fields.required("on", VALID, problems)?;
    let span = fields.get("on").map_or(fields.span(), Spanned::span);
    let path = fields.path_of("on");
    if let Some((from, to)) = text.split_once("->") {
        return read_link(from.trim(), to.trim(), names).ok_or_else(|| {
            let message = format!("no such link: `{}`", shortened(&text));
            problems.add(span, path, message, "two linked components: on = \"app -> database\"");
            Wrong
        });
    }
    let (name, copy) = match text.split_once('#') {
        None => (text.as_str(), None),
        Some((name, number)) => match number.parse::<u32>().ok().and_then(|number| number.checked_sub(1)) {
            Some(copy) => (name, Some(copy)),
            None => {
                let message = format!("`{}` is not the number of a copy", shortened(number));
                problems.add(span, path, message, "copies count from 1: `app#1`");
                return Err(Wrong);
            }
        },
    };
    let index_in = |names: &[String]| names.iter().position(|id| id == name);
    let place = index_in(names.machines).map(Target::Machine).or(index_in(names.regions).map(Target::Region));
    match (index_in(names.components), place) {
        (Some(index), _) => Ok(Target::Component(index, copy)),
        (None, Some(place)) if copy.is_none() => Ok(place),
        (None, Some(_)) => {
            problems.add(span, path, "only a component has copies", "leave out what follows `#`");
            Err(Wrong)
        }
        (None, None) => {
            let all = names.components.iter().chain(names.machines).chain(names.regions).map(String::as_str);
            let message = format!("no such component, machine or region: `{}`", shortened(name));
            problems.add(span, path, message, valid_names(name, all));
            Err(Wrong)
        }
    }
}

fn read_link(from: &str, to: &str, names: Names<'_>) -> Option<Target> {
    let index = |name: &str| names.components.iter().position(|id| id == name);
    let (from, to) = (index(from)?, index(to)?);
    names.links.iter().position(|link| (link.from, link.to) == (from, to)).map(Target::Link)
}
