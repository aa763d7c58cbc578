//! Changing numbers in the text of a stage file, so that everything its author wrote around them stays.

use hockeystick_core::component::Kind;
use hockeystick_core::workload::Class;
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

use crate::fields::shortened;

/// One number to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'e> {
    /// Which, as in [`Stage::knob`](hockeystick_core::stage::Stage::knob): `app.demand.read`, `box.quota`.
    pub path: &'e str,
    /// Its new value as the file writes it, without quotes: `11.8 ms`, `0.5`, `64`.
    pub value: &'e str,
    /// Put behind it, on its line; empty for none.
    pub comment: &'e str,
}

/// Why a text cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no TOML.
    #[error("not a stage file: {0}")]
    Syntax(String),
    /// The file has nothing at this path.
    #[error("`{0}` is no component, machine or setting of this stage file")]
    Path(String),
}

/// The text with these values changed, comments and layout kept. What comes out is worth a [`read`](super::read): the
/// values are not checked here.
///
/// # Errors
/// When the text is no TOML, or has no component or machine of a path's name.
pub fn with_values(text: &str, edits: &[Edit<'_>]) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        EditError::Syntax(error.message().lines().collect::<Vec<_>>().join(" "))
    })?;
    for edit in edits {
        apply(&mut document, edit).ok_or_else(|| EditError::Path(shortened(edit.path)))?;
    }
    Ok(document.to_string())
}

fn apply(document: &mut DocumentMut, edit: &Edit<'_>) -> Option<()> {
    let (owner, field) = edit.path.split_once('.')?;
    if let Some(machine) = shared_machine(document, owner) {
        put(machine, field, edit);
        return Some(());
    }
    let components = document.get("component")?.as_array_of_tables()?;
    let is_owner = |table: &toml_edit::Table| table.get("id").and_then(Item::as_str) == Some(owner);
    let index = components.iter().position(is_owner)?;
    let component = components.get(index)?;
    let kind = Kind::from_key(component.get("kind")?.as_str()?)?;
    if kind == Kind::Clients && field == "rate" {
        document.remove("users");
        put(document.as_table_mut(), "rate", edit);
        return Some(());
    }
    let (name, class) = field.split_once('.').map_or((field, None), |(name, class)| (name, Some(class)));
    let is_setting = name == "copies" || kind.fields().iter().any(|known| known.name == name);
    if !is_setting {
        return apply_to_machine_of(document, index, field, edit);
    }
    let component = document.get_mut("component")?.as_array_of_tables_mut()?.get_mut(index)?;
    match class {
        None => put(component, name, edit),
        Some(class) => put_class(component, kind, name, class, edit)?,
    }
    Some(())
}

/// The table `[machine.NAME]`.
fn shared_machine<'d>(document: &'d mut DocumentMut, name: &str) -> Option<&'d mut dyn TableLike> {
    document.get_mut("machine")?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()
}

/// `app.vcpus` is the machine's that `app` runs on.
fn apply_to_machine_of(document: &mut DocumentMut, component: usize, field: &str, edit: &Edit<'_>) -> Option<()> {
    let table = document.get_mut("component")?.as_array_of_tables_mut()?.get_mut(component)?;
    let machine = table.get_mut("machine")?;
    let Some(name) = machine.as_str().map(str::to_owned) else {
        put(machine.as_table_like_mut()?, field, edit);
        return Some(());
    };
    if let Some(shared) = shared_machine(document, &name) {
        put(shared, field, edit);
        return Some(());
    }
    let mut own = InlineTable::new();
    own.insert("size", name.into());
    let table = document.get_mut("component")?.as_array_of_tables_mut()?.get_mut(component)?;
    table.insert("machine", Item::Value(own.into()));
    put(table.get_mut("machine")?.as_table_like_mut()?, field, edit);
    Some(())
}

/// Sets one class of a setting. Classes that the file does not name would become zero, so a setting that is not yet
/// a table becomes one with every class as it was.
fn put_class(component: &mut toml_edit::Table, kind: Kind, name: &str, class: &str, edit: &Edit<'_>) -> Option<()> {
    let is_table = component.get(name).is_some_and(Item::is_table_like);
    if !is_table {
        let mut classes = defaults(kind, name)?;
        if let Some(Item::Value(same_for_all)) = component.get(name) {
            let mut value = same_for_all.clone();
            value.decor_mut().clear();
            for (_, class_value) in classes.iter_mut() {
                *class_value = value.clone();
            }
        }
        component.insert(name, Item::Value(classes.into()));
    }
    let setting = component.get_mut(name)?;
    put(setting.as_table_like_mut()?, class, &Edit { comment: "", ..*edit });
    if let Some(value) = setting.as_value_mut() {
        comment(value, edit.comment);
    }
    Some(())
}

/// A setting's default, class by class.
fn defaults(kind: Kind, name: &str) -> Option<InlineTable> {
    let settings = toml::Value::try_from(kind.default_settings()).ok()?;
    let setting = settings.as_table()?.values().next()?.get(name)?;
    let values = Class::ALL.into_iter().map(|class| {
        let value: Value = setting.get(class.name())?.to_string().parse().ok()?;
        Some((class.name(), value))
    });
    values.collect()
}

/// Sets a key, keeping what stands around it.
fn put(table: &mut dyn TableLike, key: &str, edit: &Edit<'_>) {
    let mut value = parse(edit.value);
    if let Some(Item::Value(old)) = table.get(key) {
        *value.decor_mut() = old.decor().clone();
    }
    comment(&mut value, edit.comment);
    match table.get_mut(key) {
        Some(item) => *item = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

fn comment(value: &mut Value, text: &str) {
    if !text.is_empty() {
        let one_line: Vec<&str> = text.lines().collect();
        value.decor_mut().set_suffix(format!("  # {}", one_line.join(" ")));
    }
}

/// A bare number or switch as it is, anything else as a text.
fn parse(text: &str) -> Value {
    match text.parse::<Value>() {
        Ok(value) if value.is_integer() || value.is_float() || value.is_bool() => value,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: &str = r#"# What the author says.
schema = 1
title = "One box"
users = 1_000 # a day

[machine.box]
size = "nano" # the smallest

[[component]]
id = "users"
kind = "clients"

[[component]]
id = "app" # Tick
kind = "app-server"
machine = "box"
demand = { static = "0.3 ms", read = "12 ms" } # guessed

[[component]]
id = "database"
kind = "database"
machine = "small"
"#;

    fn edited(path: &str, value: &str, comment: &str) -> String {
        with_values(STAGE, &[Edit { path, value, comment }]).unwrap()
    }

    #[test]
    fn a_fitted_demand_stands_in_the_authors_file() {
        let text = edited("app.demand.read", "11.8 ms", "fitted: 11.2 to 12.4 ms");
        let line = "demand = { static = \"0.3 ms\", read = \"11.8 ms\" }  # fitted: 11.2 to 12.4 ms\n";
        assert_eq!(text, STAGE.replace("demand = { static = \"0.3 ms\", read = \"12 ms\" } # guessed\n", line));
    }

    #[test]
    fn a_class_of_a_setting_that_the_file_leaves_out_keeps_the_other_classes() {
        let text = edited("database.demand.write", "3 ms", "");
        assert!(
            text.contains(r#"demand = { static = "0 ns", read = "2 ms", write = "3 ms", job = "4 ms" }"#),
            "{text}"
        );
    }

    #[test]
    fn a_machines_number_goes_where_the_machine_is() {
        assert!(
            edited("box.quota", "0.25", "measured")
                .contains("size = \"nano\" # the smallest\nquota = 0.25  # measured")
        );
        assert!(edited("app.quota", "0.25", "").contains("size = \"nano\" # the smallest\nquota = 0.25\n"));
        assert!(edited("database.vcpus", "4", "").contains("machine = { size = \"small\", vcpus = 4 }"));
    }

    #[test]
    fn a_rate_takes_the_place_of_users() {
        let text = edited("users.rate", "40/s", "");
        assert!(text.contains("rate = \"40/s\"") && !text.contains("1_000"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        for path in ["cache.size", "app", "users.workers"] {
            let error = with_values(STAGE, &[Edit { path, value: "1", comment: "" }]);
            assert_eq!(error, Err(EditError::Path(path.to_owned())));
        }
        assert!(matches!(with_values("= [", &[]), Err(EditError::Syntax(_))));
    }
}
