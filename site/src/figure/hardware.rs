//! The hardware of what the reader touched: its size from the catalogue, its parts, its price.

use hockeystick_core::hardware::Machine;
use hockeystick_core::settings::Unit;
use hockeystick_core::stage::{HOURS_A_MONTH, Placement, Stage};

use super::Figure;
use super::card::machine_words;
use super::dom::{El, el};
use super::inspector::setting;
use super::numbers::show;
use super::pick;
use super::sizes;
use crate::charts::number::fixed;

/// The sizes on sale, to pick one; none where the page has no catalogue.
fn size_list(figure: Figure, id: String) -> Option<El> {
    let on_sale = sizes::catalogue().sizes;
    if on_sale.is_empty() {
        return None;
    }
    // A machine whose parts were turned is none of the catalogue any more, and says so.
    let mut options = vec![pick::option("", "Other")];
    options.extend(on_sale.iter().map(|size| {
        pick::option(
            &size.id,
            &format!("{}: {}{}", size.name, machine_words(&size.machine), month_words(&size.machine)),
        )
    }));
    let shown = id.clone();
    let picked = move || {
        figure.view.stage_version.track();
        let size = figure
            .stage(|stage| size_of(stage, &shown).map(|(size, machine)| (size.map(str::to_owned), machine.clone())));
        let known = size.and_then(|(size, machine)| Some((size?, machine)));
        let known = known.filter(|(size, machine)| sizes::get(size).is_some_and(|it| it.machine == *machine));
        known.map(|(size, _)| size).unwrap_or_default()
    };
    let pick = move |size: &str| {
        let Some(size) = sizes::get(size) else { return };
        figure.edit(|stage| {
            let machine = stage.machines.iter().position(|named| named.id == id);
            let is_set = match (machine, stage.component(&id)) {
                (Some(machine), _) => stage.set_machine_size(machine, &size),
                (None, Some(component)) => stage.set_size(component, &size),
                (None, None) => false,
            };
            is_set.then_some(())
        });
    };
    Some(el("div", "setting").child(pick::list("Size", options, picked, pick)))
}

fn size_of<'s>(stage: &'s Stage, id: &str) -> Option<(Option<&'s str>, &'s Machine)> {
    if let Some(named) = stage.machines.iter().find(|named| named.id == id) {
        return Some((named.size.as_deref(), &named.machine));
    }
    match stage.components.get(stage.component(id)?)?.machine.as_ref()? {
        Placement::Own { size, machine } => Some((size.as_deref(), machine)),
        Placement::Shared(index) => stage.machines.get(*index).map(|named| (named.size.as_deref(), &named.machine)),
    }
}

/// What a machine is, and what of it can be turned.
pub(crate) fn machine(figure: Figure, id: String) -> Vec<El> {
    let fields = [
        ("vcpus", "Processors", "Processors that the operating system sees."),
        ("quota", "Quota", "Limit on processor time, in processors."),
        ("speed", "Speed", "Of one processor, relative to the one on which the demands were measured."),
        ("memory", "Memory", ""),
        ("swap", "Swap", "Disk space behind the memory; work slows down there."),
        ("disk_latency", "Disk write", "Time that one synchronous disk operation takes."),
    ];
    let settings = fields
        .map(|(field, name, doc)| el("div", "setting").children(setting(figure, format!("{id}.{field}"), name, doc)));
    let sizes = size_list(figure, id.clone());
    let words = move || {
        figure.view.stage_version.track();
        figure.stage(|stage| price_words(stage, &id)).unwrap_or_default()
    };
    let mut parts = vec![el("p", "kind").text("Machine"), el("p", "runs-on").live_text(words)];
    parts.extend(sizes);
    parts.extend(settings);
    parts
}

/// A machine's size, parts and price.
fn price_words(stage: &Stage, id: &str) -> Option<String> {
    let (_, machine) = size_of(stage, id)?;
    let disk = show(machine.disk.0 as f64, Unit::Bytes);
    Some(format!("{} · {disk} disk{}", machine_words(machine), month_words(machine)))
}

/// ` · $24.00 a month`; nothing where it costs nothing.
fn month_words(machine: &Machine) -> String {
    let month = machine.price_per_hour * HOURS_A_MONTH;
    if month > 0.0 { format!(" · ${} a month", fixed(month, 2)) } else { String::new() }
}
