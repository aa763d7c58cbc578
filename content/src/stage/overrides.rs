//! Changing one number of a stage by its path and a text with a unit: `app.demand.read` = `"300 ms"`.

use hockeystick_core::component::Kind;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::{Reading, Stage};
use hockeystick_core::units::{Bytes, Duration, Rate};

use crate::fields::shortened;
use crate::show;

/// Why a number cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The stage has no such number.
    #[error("`{path}` is no number of this stage; {help}")]
    Path {
        /// The path as it was written.
        path: String,
        /// What would be valid.
        help: String,
    },
    /// The text is not such a number.
    #[error("`{path}`: `{text}` is not valid; expected {help}")]
    Value {
        /// The path as it was written.
        path: String,
        /// The text as it was written.
        text: String,
        /// What would be valid.
        help: String,
    },
}

/// Sets the number at `path` (as in [`Stage::knob`]) to the value that `text` says.
///
/// # Errors
/// When the stage has no such number, or the text is none or out of range.
pub fn set(stage: &mut Stage, path: &str, text: &str) -> Result<(), SetError> {
    let value = parse_value(stage, path, text)?;
    stage.set_knob(path, value);
    Ok(())
}

/// The number that `text` says, in the unit of the number at `path`: a bare number where it counts things or is a
/// share, else a quantity with its unit.
///
/// # Errors
/// When the stage has no such number, or the text is none or out of range.
pub fn parse_value(stage: &Stage, path: &str, text: &str) -> Result<f64, SetError> {
    let reading = reading(stage, path)?;
    let value = parse_unit(&reading, text).filter(|value| (reading.min..=reading.max).contains(value));
    value.ok_or_else(|| SetError::Value { path: path.to_owned(), text: shortened(text), help: valid(&reading) })
}

/// The number at `path`.
pub(crate) fn reading(stage: &Stage, path: &str) -> Result<Reading, SetError> {
    stage.knob(path).ok_or_else(|| SetError::Path { path: shortened(path), help: paths(stage, path) })
}

fn parse_unit(reading: &Reading, text: &str) -> Option<f64> {
    let bare = || text.trim().replace(['_', ','], "").parse::<f64>().ok().filter(|value| value.is_finite());
    match reading.unit {
        Unit::Choice => reading.choices.iter().position(|choice| *choice == text.trim()).map(|index| index as f64),
        Unit::Count => bare().filter(|value| value.fract() == 0.0),
        Unit::Number => bare(),
        Unit::Seconds => text.parse::<Duration>().ok().map(Duration::as_secs_f64),
        Unit::Bytes => text.parse::<Bytes>().ok().map(|bytes| bytes.0 as f64),
        Unit::PerSecond => text.parse::<Rate>().ok().map(Rate::per_s),
        Unit::Switch => match text.trim() {
            "on" | "true" => Some(1.0),
            "off" | "false" => Some(0.0),
            _ => None,
        },
    }
}

fn valid(reading: &Reading) -> String {
    match reading.unit {
        Unit::Switch => "`on` or `off`".to_owned(),
        Unit::Choice => reading.choices.join(", "),
        unit => {
            let what = match unit {
                Unit::Count => "a whole number",
                Unit::Number | Unit::Switch | Unit::Choice => "a number",
                Unit::Seconds => "a duration such as `500 ms`",
                Unit::Bytes => "an amount such as `4 GB`",
                Unit::PerSecond => "a rate such as `9.3/s`",
            };
            format!("{what}, {} to {}", show::number(unit, reading.min), show::number(unit, reading.max))
        }
    }
}

/// The numbers of the component or machine that the path begins with, or the names that it may begin with.
fn paths(stage: &Stage, path: &str) -> String {
    let (owner, rest) = path.split_once('.').unwrap_or((path, ""));
    let ids = stage.components.iter().map(|component| component.id.as_str());
    let machines = stage.machines.iter().map(|machine| machine.id.as_str());
    match stage.component(owner) {
        None => crate::suggest::valid_names(owner, ids.chain(machines)),
        Some(index) => {
            let kind = stage.components[index].settings.kind();
            let other = if kind == Kind::Clients { "rate" } else { "copies" };
            crate::suggest::valid_names(rest, kind.fields().iter().map(|field| field.name).chain([other]))
        }
    }
}
