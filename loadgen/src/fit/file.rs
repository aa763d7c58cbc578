//! The fitted values, written into the author's stage file.

use hockeystick_content::stage::{Edit, with_values};
use hockeystick_core::component::Kind;
use hockeystick_core::stage::Stage;
use hockeystick_core::workload::{Class, Demand};
use miette::{IntoDiagnostic, Report, WrapErr, miette};
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::Shape;

/// The file's text with the fitted values in it.
///
/// # Errors
/// When the author's text is no stage file that values can be written into.
pub(super) fn write(text: &str, stage: &Stage, heading: &str, shape: &Shape) -> Result<String, Report> {
    let mut values = Vec::new();
    if let Some(workers) = shape.workers {
        let apps = stage.components.iter().filter(|component| component.settings.kind() == Kind::AppServer);
        values.extend(apps.map(|app| (format!("{}.workers", app.id), workers.to_string(), "fitted".to_owned())));
    }
    let edits: Vec<Edit<'_>> = values.iter().map(|(path, value, comment)| Edit { path, value, comment }).collect();
    let text = with_values(text, &edits).into_diagnostic().wrap_err("cannot write the fitted stage")?;
    let mut document: DocumentMut = text.parse().into_diagnostic().wrap_err("cannot write the fitted stage")?;
    write_variations(&mut document, stage).ok_or_else(|| miette!("the stage file has no [[component]] tables"))?;
    write_latencies(&mut document, stage);
    Ok(format!("{heading}{document}"))
}

/// Every demand with its coefficient of variation. A demand without a table is exponential, which needs no word.
fn write_variations(document: &mut DocumentMut, stage: &Stage) -> Option<()> {
    let components = document.get_mut("component")?.as_array_of_tables_mut()?;
    for component in &stage.components {
        let Some(demands) = component.settings.demand() else { continue };
        let is_it = |table: &&mut Table| table.get("id").and_then(Item::as_str) == Some(&component.id);
        let table = components.iter_mut().find(is_it)?;
        let mut classes = InlineTable::new();
        for class in Class::ALL {
            classes.insert(class.name(), demand_value(demands.get(class)));
        }
        table.insert("demand", Item::Value(classes.into()));
    }
    Some(())
}

fn demand_value(demand: &Demand) -> Value {
    if demand.cv == 1.0 {
        return demand.mean.to_string().into();
    }
    let mut table = InlineTable::new();
    table.insert("mean", demand.mean.to_string().into());
    table.insert("cv", demand.cv.into());
    table.into()
}

/// The latency of every `[[link]]` whose path begins at users.
fn write_latencies(document: &mut DocumentMut, stage: &Stage) {
    let is_users = |index: usize| stage.components[index].settings.kind() == Kind::Clients;
    let from_users = |link: &Table| {
        let path = link.get("path")?.as_array()?;
        let at = |hop| stage.component(path.get(hop)?.as_str()?);
        let (from, to) = (at(0).filter(|from| is_users(*from))?, at(1)?);
        stage.links.iter().find(|link| (link.from, link.to) == (from, to)).map(|link| link.latency)
    };
    let Some(links) = document.get_mut("link").and_then(Item::as_array_of_tables_mut) else { return };
    for index in 0..links.len() {
        if let Some(latency) = links.get(index).and_then(from_users) {
            split_first_hop(links, index);
            if let Some(link) = links.get_mut(index) {
                link.insert("latency", toml_edit::value(latency.to_string()));
            }
        }
    }
}

/// A path of several hops has one latency for all: its first hop becomes a link of its own.
fn split_first_hop(links: &mut ArrayOfTables, index: usize) {
    let Some(link) = links.get_mut(index) else { return };
    let mut rest = link.clone();
    let Some(path) = rest.get_mut("path").and_then(Item::as_array_mut) else { return };
    if path.len() <= 2 {
        return;
    }
    path.remove(0);
    if let Some(path) = link.get_mut("path").and_then(Item::as_array_mut) {
        while path.len() > 2 {
            path.remove(path.len() - 1);
        }
    }
    rest.set_position(None);
    links.push(rest);
}
