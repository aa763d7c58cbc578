//! `[[fault]]`: what goes wrong, and when.

use hockeystick_core::settings::Unit;
use hockeystick_core::stage::{Fault, FaultKind, Link, Problem, Stage, Target, limits};
use hockeystick_core::units::{Bytes, Duration};
use toml::Spanned;

use crate::fields::{Fields, Known, Wrong, names, shortened, valid};
use crate::problem::Problems;
use crate::suggest::valid_names;

/// A kind of fault, as a stage file says it.
#[derive(Debug)]
pub(crate) struct KindOfFault {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) details: &'static [Detail],
    /// One of it, for its ranges.
    pub(crate) example: FaultKind,
}

/// A field that some kinds of fault have.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) name: &'static str,
    pub(crate) valid: &'static str,
    pub(crate) counts: Unit,
    pub(crate) required: bool,
}

const fn needs(name: &'static str, valid: &'static str, counts: Unit) -> Detail {
    Detail { name, valid, counts, required: true }
}

const fn may(name: &'static str, valid: &'static str, counts: Unit) -> Detail {
    Detail { name, valid, counts, required: false }
}

const fn kind(name: &'static str, doc: &'static str, details: &'static [Detail], example: FaultKind) -> KindOfFault {
    KindOfFault { name, doc, details, example }
}

const RELEASE: &[Detail] = &[
    may("errors", "share of requests that fail: errors = 0.2", Unit::Number),
    may("speed", "speed against the old release: speed = 0.5", Unit::Number),
    may("canary", "time on one copy first: canary = \"2 min\"", Unit::Seconds),
];

const A_RELEASE: FaultKind = FaultKind::Deploy { errors: 0.0, speed: 1.0, canary: Duration::ZERO };

/// Each kind with the fields that belong to it.
pub(crate) const KINDS: &[KindOfFault] = &[
    kind(
        "down",
        "It is gone: what it held fails, and what comes is refused; a cut link lets nothing through. A process is back when \
         it ends, but not sooner than its restart takes; a machine's processes start when it ends.",
        &[],
        FaultKind::Down,
    ),
    kind(
        "slow",
        "Its processors run at a share of their speed; a link takes so much longer.",
        &[needs("speed", "share of the full speed: speed = 0.2", Unit::Number)],
        FaultKind::Slow { speed: 0.2 },
    ),
    kind(
        "memory-leak",
        "Something takes memory and never gives it back while the fault lasts.",
        &[needs("per_s", "memory taken in a second: per_s = \"10 MB\"", Unit::Bytes)],
        FaultKind::MemoryLeak { per_s: Bytes(10_000_000) },
    ),
    kind(
        "lossy",
        "Packets of the link, or of those that lead out of the region, are lost and sent again.",
        &[needs("loss", "share of messages that are lost: loss = 0.02", Unit::Number)],
        FaultKind::Lossy { loss: 0.02 },
    ),
    kind("cut", "Nothing gets through the link, or out of the region and into it.", &[], FaultKind::Cut),
    kind(
        "disk-fill",
        "Something fills the disk and never empties it while the fault lasts.",
        &[needs("per_s", "bytes written in a second: per_s = \"50 MB\"", Unit::Bytes)],
        FaultKind::DiskFill { per_s: Bytes(50_000_000) },
    ),
    kind(
        "connection-leak",
        "The app forgets to give connections back to its pool.",
        &[needs("share", "share of uses that leak: share = 0.01", Unit::Number)],
        FaultKind::ConnectionLeak { share: 0.01 },
    ),
    kind("cold-cache", "A cache loses all that it held.", &[], FaultKind::ColdCache),
    kind("corrupt-backup", "Backups that are made meanwhile cannot be restored.", &[], FaultKind::CorruptBackup),
    kind(
        "deploy",
        "A release is rolled out, one copy after another; when it ends, the old one is rolled out again.",
        RELEASE,
        A_RELEASE,
    ),
    kind(
        "spike",
        "Users send so many times as many requests.",
        &[needs("factor", "times as many requests: factor = 10.0", Unit::Number)],
        FaultKind::Spike { factor: 10.0 },
    ),
    kind(
        "hot-key",
        "A share of all requests is about the one most popular item.",
        &[needs("share", "share of requests for one item: share = 0.2", Unit::Number)],
        FaultKind::HotKey { share: 0.2 },
    ),
    kind("stuck", "Something that runs on a schedule or for ever stops, without a word.", &[], FaultKind::Stuck),
    // Written like this it says what it is; to the model it is a deploy.
    kind("bad-deploy", "A release that fails or is slow is rolled out.", RELEASE, A_RELEASE),
];

/// Fields that every fault has.
pub(crate) const COMMON: [Known; 4] = [
    ("at", "since the start: at = \"30 s\""),
    ("for", "for = \"20 s\"; for good when left out"),
    ("on", "a component, a copy of it, a machine, a region or a link: on = \"app#2\""),
    ("kind", "what happens: kind = \"down\""),
];

/// Fields that only some kinds have.
pub(crate) fn details() -> Vec<&'static str> {
    let mut names = Vec::new();
    for detail in KINDS.iter().flat_map(|kind| kind.details) {
        if !names.contains(&detail.name) {
            names.push(detail.name);
        }
    }
    names
}

/// What a target may be named by, besides components.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    pub(crate) components: &'n [String],
    pub(crate) machines: &'n [String],
    pub(crate) regions: &'n [String],
    pub(crate) links: &'n [Link],
}

/// Every `fault` of a table.
pub(crate) fn read(of: &Fields<'_, '_>, names: Names<'_>, problems: &mut Problems) -> Vec<Fault> {
    let tables = of.tables("fault", limits::FAULTS, problems);
    tables.iter().filter_map(|fields| read_fault(fields, names, problems).ok()).collect()
}

pub(crate) fn read_fault(fields: &Fields<'_, '_>, targets: Names<'_>, problems: &mut Problems) -> Result<Fault, Wrong> {
    let known: Vec<&str> = names(&COMMON).into_iter().chain(details()).collect();
    fields.only(&known, problems);
    let at = fields.required("at", valid(&COMMON, "at"), problems);
    let lasts = fields.optional("for", valid(&COMMON, "for"), problems);
    let kind = read_kind(fields, problems);
    let on = read_target(fields, targets, problems);
    Ok(Fault { at: at?, lasts: lasts?, on: on?, kind: kind? })
}

/// `kind`, with what belongs to it.
pub(crate) fn read_kind(fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<FaultKind, Wrong> {
    let kinds = || KINDS.iter().map(|kind| kind.name);
    let name: String = fields.required("kind", &valid_names("", kinds()), problems)?;
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let span = fields.get("kind").map_or(fields.span(), Spanned::span);
        let message = format!("no such fault: `{}`", shortened(&name));
        problems.add(span, fields.path_of("kind"), message, valid_names(&name, kinds()));
        return Err(Wrong);
    };
    let has = |kind: &KindOfFault, field: &str| kind.details.iter().any(|detail| detail.name == field);
    for field in details().into_iter().filter(|field| !has(kind, field)) {
        if let Some(value) = fields.get(field) {
            let owners = KINDS.iter().filter(|kind| has(kind, field)).map(|owner| format!("`{}`", owner.name));
            let help = format!("it belongs to {}", owners.collect::<Vec<_>>().join(", "));
            let message = format!("not for a fault of kind `{name}`");
            problems.add(value.span(), fields.path_of(field), message, help);
        }
    }
    read_details(kind, fields, problems)
}

/// The fault with what belongs to it; what the file leaves out is as in the kind's example.
fn read_details(kind: &KindOfFault, fields: &Fields<'_, '_>, problems: &mut Problems) -> Result<FaultKind, Wrong> {
    let valid = |name: &str| kind.details.iter().find(|detail| detail.name == name).map_or("", |detail| detail.valid);
    let mut number = |name: &str| fields.required::<f64>(name, valid(name), problems);
    match kind.example {
        FaultKind::Slow { .. } => Ok(FaultKind::Slow { speed: number("speed")? }),
        FaultKind::Lossy { .. } => Ok(FaultKind::Lossy { loss: number("loss")? }),
        FaultKind::ConnectionLeak { .. } => Ok(FaultKind::ConnectionLeak { share: number("share")? }),
        FaultKind::HotKey { .. } => Ok(FaultKind::HotKey { share: number("share")? }),
        FaultKind::Spike { .. } => Ok(FaultKind::Spike { factor: number("factor")? }),
        FaultKind::MemoryLeak { .. } => {
            Ok(FaultKind::MemoryLeak { per_s: fields.required("per_s", valid("per_s"), problems)? })
        }
        FaultKind::DiskFill { .. } => {
            Ok(FaultKind::DiskFill { per_s: fields.required("per_s", valid("per_s"), problems)? })
        }
        FaultKind::Deploy { errors, speed, canary } => Ok(FaultKind::Deploy {
            errors: fields.optional("errors", valid("errors"), problems)?.unwrap_or(errors),
            speed: fields.optional("speed", valid("speed"), problems)?.unwrap_or(speed),
            canary: fields.optional("canary", valid("canary"), problems)?.unwrap_or(canary),
        }),
        plain => Ok(plain),
    }
}

/// `on`: a component, one copy of it (`app#2`, from 1), a machine or a region of the file, or a link
/// (`app -> database`).
pub(crate) fn read_target(fields: &Fields<'_, '_>, names: Names<'_>, problems: &mut Problems) -> Result<Target, Wrong> {
    let text: String = fields.required("on", valid(&COMMON, "on"), problems)?;
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

/// What breaks the rules of a stage, and faults that would do nothing: whoever writes one means something else.
pub(crate) fn broken_rules(stage: &Stage) -> Vec<Problem> {
    let mut problems = stage.check();
    problems.extend(stage.check_challenge());
    let challenge = stage.challenge.iter().flat_map(|challenge| challenge.faults.iter().enumerate());
    let own = stage.faults.iter().enumerate().map(|fault| ("fault", fault));
    for (list, (index, fault)) in own.chain(challenge.map(|fault| ("challenge.fault", fault))) {
        let path = format!("{list}[{index}].on");
        if stage.can_have(&fault.on, &fault.kind) || problems.iter().any(|problem| problem.path == path) {
            continue;
        }
        let alike = |kind: &&KindOfFault| std::mem::discriminant(&kind.example) == std::mem::discriminant(&fault.kind);
        let name = KINDS.iter().find(alike).map_or("", |kind| kind.name);
        let kinds = KINDS.iter().filter(|kind| stage.can_have(&fault.on, &kind.example)).map(|kind| kind.name);
        problems.push(Problem {
            path,
            message: format!("`{name}` does nothing to `{}`", stage.target_name(&fault.on)),
            help: valid_names("", kinds),
        });
    }
    problems
}

fn read_link(from: &str, to: &str, names: Names<'_>) -> Option<Target> {
    let index = |name: &str| names.components.iter().position(|id| id == name);
    let (from, to) = (index(from)?, index(to)?);
    names.links.iter().position(|link| (link.from, link.to) == (from, to)).map(Target::Link)
}
