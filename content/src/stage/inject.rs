//! One more fault, in a line of text: for a command line.

use hockeystick_core::stage::{Fault, Stage};
use toml::Spanned;

use super::faults::{Names, broken_rules, read_fault};
use super::{StageErrors, parse};
use crate::fields::{Fields, Wrong, shortened};
use crate::problem::Problems;

/// What the short form looks like.
const SHORT: &str = "KIND:TARGET@AT+FOR, such as down:app#1@30s+20s or slow,speed=0.2:app@30s";

/// Reads a fault for this stage: as a stage file writes it, `{ at = "30 s", on = "app#1", kind = "down" }`, or short,
/// `down:app#1@30s+20s`. A kind's own fields follow it: `slow,speed=0.2:app@30s`. `source` is the name that errors carry.
///
/// # Errors
/// What is wrong with the text, as of a stage file.
pub fn fault(stage: &Stage, text: &str, source: &str) -> Result<Fault, StageErrors> {
    let mut problems = Problems::default();
    let text = text.trim();
    let line = if text.starts_with('{') { Some(text.to_owned()) } else { long_form(text) };
    let Some(line) = line else {
        let message = format!("`{}` is no fault", shortened(text));
        problems.add(0..text.len(), "", message, format!("{SHORT}; or a table, as in a stage file"));
        return Err(problems.into_errors(source, text));
    };
    let line = format!("fault = {line}");
    match read(stage, &line, &mut problems) {
        Ok(fault) if problems.is_empty() => Ok(fault),
        _ => Err(problems.into_errors(source, &line)),
    }
}

fn read(stage: &Stage, line: &str, problems: &mut Problems) -> Result<Fault, Wrong> {
    let document = parse(line, problems)?;
    let top = Fields::new(document.get_ref(), 0..0, "");
    top.only(&["fault"], problems);
    let fields = Fields::of(top.get("fault").ok_or(Wrong)?, "fault", problems)?;
    let ids = |ids: &mut dyn Iterator<Item = &String>| ids.cloned().collect::<Vec<_>>();
    let names = Names {
        components: &ids(&mut stage.components.iter().map(|component| &component.id)),
        machines: &ids(&mut stage.machines.iter().map(|machine| &machine.id)),
        regions: &ids(&mut stage.regions.iter().map(|region| &region.id)),
        links: &stage.links,
    };
    let fault = read_fault(&fields, names, problems)?;
    let alone = Stage { faults: vec![fault.clone()], ..stage.clone() };
    for problem in broken_rules(&alone) {
        let Some(field) = problem.path.strip_prefix("fault[0]") else { continue };
        let field = field.trim_start_matches('.');
        let span = fields.get(field).map_or(fields.span(), Spanned::span);
        problems.add(span, fields.path_of(field), problem.message, problem.help);
    }
    Ok(fault)
}

/// The table that a short form stands for; none when it is not of that form.
fn long_form(text: &str) -> Option<String> {
    let (what, rest) = text.split_once(':')?;
    let (on, when) = rest.rsplit_once('@')?;
    let (at, lasts) = when.split_once('+').map_or((when, None), |(at, lasts)| (at, Some(lasts)));
    let mut parts = what.split(',');
    let quoted = |text: &str| toml::Value::String(text.trim().to_owned()).to_string();
    let mut fields = vec![("kind", quoted(parts.next()?)), ("on", quoted(on)), ("at", quoted(at))];
    fields.extend(lasts.map(|lasts| ("for", quoted(lasts))));
    for part in parts {
        let (name, value) = part.split_once('=')?;
        let bare = value.trim().parse::<f64>().is_ok_and(f64::is_finite);
        fields.push((name.trim(), if bare { value.trim().to_owned() } else { quoted(value) }));
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    Some(format!("{{ {} }}", fields.join(", ")))
}
