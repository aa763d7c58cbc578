//! The panel of the thing that the reader touched: its settings, its hardware, what the model does and leaves out.

use hockeystick_core::component::Kind;
use hockeystick_core::settings::{Field, Unit};
use hockeystick_core::stage::{HOURS_A_MONTH, Placement, Stage};
use hockeystick_core::workload::Class;
use web_sys::KeyboardEvent;

use super::Figure;
use super::card::machine_words;
use super::controls::shape;
use super::dom::{El, button, el, svg};
use super::knob::{Scale, knob};
use super::numbers::show;
use super::theme::class_name;
use super::told::Told;
use super::view::{Thing, icon, title};
use crate::charts::number::fixed;

/// The panel; nothing while nothing is chosen.
pub(crate) fn inspector(figure: Figure) -> Option<El> {
    let thing = figure.view.chosen.get()?;
    let close = move || {
        figure.view.chosen.set(None);
        figure.focus(thing);
    };
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            close();
        }
    };
    let name = title(&figure.name(thing));
    let cross = svg("", "0 0 16 16", r#"<path d="M3.500 3.500l9 9M12.500 3.500l-9 9"/>"#);
    let head = el("header", "")
        .child(el("h3", "").text(&name))
        .child(button("button icon-only", "").attr("aria-label", "Close").child(cross).on_click(close));
    let panel =
        el("section", "inspector").attr("aria-label", &format!("Settings of {name}")).on("keydown", keys).child(head);
    Some(match thing {
        Thing::Component(index) => panel.children(component(figure, index)),
        Thing::Machine(index) => {
            panel.children(machine(figure, figure.stage(|stage| stage.machines[index].id.clone())))
        }
    })
}

fn component(figure: Figure, index: usize) -> Vec<El> {
    let (id, kind, runs_on) = figure.stage(|stage| {
        let component = &stage.components[index];
        (component.id.clone(), component.settings.kind(), hardware(stage, index))
    });
    let about = kind.about();
    let told = Told::of(kind);
    let mut parts = vec![
        el("p", "kind").child(svg("icon", "0 0 24 24", &icon(kind))).text(about.name),
        el("p", "").text(&told.summary()),
    ];
    parts.extend(runs_on.map(|words| el("p", "runs-on").text(&words)));
    if kind == Kind::Clients {
        parts.extend(setting(figure, format!("{id}.rate"), "Requests a second", ""));
    }
    parts.extend(kind.fields().iter().map(|field| field_view(figure, &id, kind, field, &told)));
    if figure.stage(|stage| matches!(stage.components[index].machine, Some(Placement::Own { .. }))) {
        parts.extend(machine(figure, id));
    }
    let list =
        |class: &str, lines: Vec<String>| el("ul", class).children(lines.iter().map(|line| el("li", "").text(line)));
    parts.push(
        el("details", "about")
            .attr("open", "")
            .child(el("summary", "").text("What this models, and what it leaves out"))
            .child(list("", told.models()))
            .child(el("p", "").text("Left out:"))
            .child(list("out", told.leaves_out())),
    );
    parts
}

/// Where a component runs, and what that costs.
fn hardware(stage: &Stage, index: usize) -> Option<String> {
    match stage.components[index].machine.as_ref()? {
        Placement::Shared(machine) => {
            let named = &stage.machines[*machine];
            Some(format!("Runs on {}, shared: {}", title(&named.id), machine_words(&named.machine)))
        }
        Placement::Own { size, machine } => {
            let size = size.as_ref().map(|size| format!("{size}: ")).unwrap_or_default();
            Some(format!("Runs on a machine of its own, {size}{}", machine_words(machine)))
        }
    }
}

fn field_view(figure: Figure, id: &str, kind: Kind, field: &'static Field, told: &Told) -> El {
    let path = format!("{id}.{}", field.name);
    let name = title(field.name);
    let per_class = kind.default_settings().knob(field.name).is_some_and(|knob| knob.per_class());
    let (doc, origin) = told.field(field.name);
    let source = el("details", "source")
        .child(el("summary", "").text(&format!("Default: {}", default_words(kind, field))))
        .child(el("p", "").text(&origin));
    if !per_class {
        return el("div", "setting").children(setting(figure, path, &name, &doc)).child(source);
    }
    let rows = Class::ALL.into_iter().map(|class| {
        let path = format!("{path}.{}", class.name());
        el("div", "of-class").child(shape(class)).children(setting(figure, path, class_name(class), ""))
    });
    el("fieldset", "setting")
        .child(el("legend", "").text(&name))
        .child(el("p", "doc").text(&doc))
        .children(rows)
        .child(source)
}

fn default_words(kind: Kind, field: &Field) -> String {
    let settings = kind.default_settings();
    let Some(knob) = settings.knob(field.name) else { return String::new() };
    if !knob.per_class() {
        return knob.read(None).map(|value| show(value, knob.unit())).unwrap_or_default();
    }
    let each = Class::ALL.into_iter().filter_map(|class| knob.read(Some(class))).map(|value| show(value, knob.unit()));
    each.collect::<Vec<_>>().join(" · ")
}

/// A knob, and what it does.
fn setting(figure: Figure, path: String, name: &str, doc: &str) -> Vec<El> {
    let Some(reading) = figure.reading(&path) else { return Vec::new() };
    let mut parts = vec![knob(figure, path, name, Scale::around(&reading), reading.unit)];
    if !doc.is_empty() {
        parts.push(el("p", "doc").text(doc));
    }
    parts
}

/// What a machine is, and what of it can be turned.
fn machine(figure: Figure, id: String) -> Vec<El> {
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
    let words = move || {
        figure.view.stage_version.track();
        figure.stage(|stage| price_words(stage, &id)).unwrap_or_default()
    };
    let mut parts = vec![el("p", "kind").text("Machine"), el("p", "runs-on").live_text(words)];
    parts.extend(settings);
    parts
}

/// A machine's size, parts and price.
fn price_words(stage: &Stage, id: &str) -> Option<String> {
    let (size, machine) = match stage.machines.iter().find(|named| named.id == id) {
        Some(named) => (named.size.as_deref(), &named.machine),
        None => (None, stage.machine_of(stage.component(id)?)?),
    };
    let size = size.map(|size| format!("{size}: ")).unwrap_or_default();
    let month = machine.price_per_hour * HOURS_A_MONTH;
    let price = if month > 0.0 { format!(" · ${} a month", fixed(month, 2)) } else { String::new() };
    let disk = show(machine.disk.0 as f64, Unit::Bytes);
    Some(format!("{size}{} · {disk} disk{price}", machine_words(machine)))
}
