//! The panel of the thing that the reader touched: its settings, its hardware, what the model does and leaves out.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::title;
use hockeystick_core::settings::{Field, Unit};
use hockeystick_core::stage::{Placement, Stage};
use hockeystick_core::workload::Class;
use web_sys::KeyboardEvent;

use super::Figure;
use super::card::machine_words;
use super::controls::shape;
use super::dom::{El, button, el, svg};
use super::hardware::machine;
use super::knob::knob;
use super::layout::Rect;
use super::numbers::show;
use super::pick;
use super::scrub::Scale;
use super::theme::class_name;
use super::told;
use super::view::{Thing, icon};

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
    // No heading: what is opened on demand is no part of the page's outline, and the section has a name.
    let heading = match thing {
        Thing::Component(index) if figure.can_edit() => super::rename::field(figure, index, &name),
        _ => el("p", "name").text(&name),
    };
    let head = el("header", "")
        .child(heading)
        .child(button("button icon-only", "").attr("aria-label", "Close").child(cross).on_click(close));
    let panel = el("section", if is_right(figure, thing) { "inspector left" } else { "inspector" })
        .attr("aria-label", &format!("Settings of {name}"))
        .attr("tabindex", "-1")
        .on("keydown", keys)
        .child(head)
        .children(super::breaks::breaks(figure, thing));
    let panel = if figure.view.to_break.get_untracked() { panel.attr("data-to-break", "") } else { panel };
    figure.view.to_break.set(false);
    let panel = match thing {
        Thing::Component(index) => panel.children(component(figure, index)),
        Thing::Machine(_) => panel.children(machine(figure, figure.name(thing))),
        Thing::Link(index) => panel.children(link(figure, index)),
    };
    let kind = match thing {
        Thing::Component(index) => Some(figure.stage(|stage| stage.components[index].settings.kind())),
        Thing::Machine(_) | Thing::Link(_) => None,
    };
    told::inspect(&panel, kind);
    Some(panel)
}

/// Whether a card is in the right half of what is seen: settings that stand over the board leave it free.
fn is_right(figure: Figure, thing: Thing) -> bool {
    let (Thing::Component(index), eye) = (thing, figure.view.eye.get_untracked()) else { return false };
    figure.view.layout.with_untracked(|layout| {
        let is_right = |card: &Rect| eye.x + card.centre().x * eye.scale(layout) > layout.width * layout.fit / 2.0;
        layout.cards.get(index).is_some_and(is_right)
    })
}

fn component(figure: Figure, index: usize) -> Vec<El> {
    let (id, kind, has_hardware) = figure.stage(|stage| {
        let component = &stage.components[index];
        (component.id.clone(), component.settings.kind(), hardware(stage, index).is_some())
    });
    let runs_on = move || {
        figure.view.stage_version.track();
        figure.stage(|stage| hardware(stage, index)).unwrap_or_default()
    };
    let about = kind.about();
    let mut parts =
        vec![el("p", "kind").child(svg("icon", "0 0 24 24", &icon(kind))).text(about.name), told::summary()];
    if figure.can_edit() {
        parts.push(actions(figure, index));
    }
    parts.extend(has_hardware.then(|| el("p", "runs-on").live_text(runs_on)));
    parts.extend(copies_and_region(figure, index));
    if kind == Kind::Clients {
        parts.push(el("div", "setting").children(setting(figure, format!("{id}.rate"), "Requests a second", "")));
    }
    parts.extend(kind.fields().iter().map(|field| field_view(figure, &id, kind, field)));
    if figure.stage(|stage| matches!(stage.components[index].machine, Some(Placement::Own { .. }))) {
        parts.extend(machine(figure, id));
    }
    parts.push(
        el("details", "about")
            .attr("open", "")
            .child(el("summary", "").text("What this models, and what it leaves out"))
            .child(told::models())
            .child(el("p", "").text("Left out:"))
            .child(told::leaves_out()),
    );
    parts
}

/// What can be done with a component, besides turning its knobs.
fn actions(figure: Figure, index: usize) -> El {
    let thing = Thing::Component(index);
    el("div", "actions")
        .child(button("button", "Duplicate").on_click(move || figure.duplicate(index)))
        .child(button("button break", "Remove").on_click(move || figure.remove(thing)))
}

/// How many of it there are, and where: both make it another board.
fn copies_and_region(figure: Figure, index: usize) -> Vec<El> {
    let (id, is_users, regions) = figure.stage(|stage| {
        let component = &stage.components[index];
        let regions = stage.regions.iter().map(|region| region.id.clone()).collect::<Vec<_>>();
        (component.id.clone(), component.settings.kind() == Kind::Clients, regions)
    });
    let mut parts = Vec::new();
    if !is_users {
        parts.push(el("div", "setting").children(setting(figure, format!("{id}.copies"), "Copies", "")));
    }
    if !regions.is_empty() {
        let options = regions.iter().enumerate().map(|(index, id)| pick::option(&index.to_string(), &title(id)));
        let picked = move || {
            figure.view.stage_version.track();
            let region = figure.stage(|stage| stage.components.get(index).and_then(|it| it.region));
            region.unwrap_or(0).to_string()
        };
        let pick = move |value: &str| {
            let region = value.parse().ok();
            figure.edit(|stage| stage.set_region(index, region).then_some(()));
        };
        parts.push(el("div", "setting").child(pick::list("Region", options.collect(), picked, pick)));
    }
    parts
}

/// An arrow: how far it is from one end to the other.
fn link(figure: Figure, index: usize) -> Vec<El> {
    let path = figure.stage(|stage| stage.link_name(index, "->"));
    let latency = setting(figure, format!("{path}.latency"), "Latency", "Time that a packet takes one way.");
    let mut parts = vec![el("p", "kind").text("Who calls whom")];
    if figure.can_edit() {
        let remove = button("button break", "Remove").on_click(move || figure.remove(Thing::Link(index)));
        parts.push(el("div", "actions").child(remove));
    }
    parts.push(el("div", "setting").children(latency));
    parts
}

/// Where a component runs, and what that costs.
fn hardware(stage: &Stage, index: usize) -> Option<String> {
    match stage.components.get(index)?.machine.as_ref()? {
        Placement::Shared(machine) => {
            let named = &stage.machines[*machine];
            Some(format!("Runs on {}, shared: {}", title(&named.id), machine_words(&named.machine)))
        }
        Placement::Own { size, machine } => {
            let size = size.as_deref().and_then(super::sizes::get).map(|size| size.name + ": ").unwrap_or_default();
            Some(format!("Runs on a machine of its own, {size}{}", machine_words(machine)))
        }
    }
}

fn field_view(figure: Figure, id: &str, kind: Kind, field: &'static Field) -> El {
    let path = format!("{id}.{}", field.name);
    let name = title(field.name);
    let per_class = kind.default_settings().knob(field.name).is_some_and(|knob| knob.per_class());
    let source = el("details", "source")
        .child(el("summary", "").text(&format!("Default: {}", default_words(kind, field))))
        .child(told::origin(field.name));
    if !per_class {
        return el("div", "setting")
            .children(setting(figure, path, &name, ""))
            .child(told::doc(field.name))
            .child(source);
    }
    let rows = Class::ALL.into_iter().map(|class| {
        let path = format!("{path}.{}", class.name());
        el("div", "of-class").child(shape(class)).children(setting(figure, path, class_name(class), ""))
    });
    el("fieldset", "setting")
        .child(el("legend", "").text(&name))
        .child(told::doc(field.name))
        .children(rows)
        .child(source)
}

fn default_words(kind: Kind, field: &Field) -> String {
    let mut settings = kind.default_settings();
    let Some(knob) = settings.knob(field.name) else { return String::new() };
    if !knob.per_class() {
        let words = |value: f64| match (knob.unit(), knob.choices().get(value as usize)) {
            (Unit::Choice, Some(name)) => title(name),
            (Unit::Switch, _) => if value >= 0.5 { "on" } else { "off" }.to_owned(),
            (unit, _) => show(value, unit),
        };
        return knob.read(None).map(words).unwrap_or_default();
    }
    let each = Class::ALL.into_iter().filter_map(|class| knob.read(Some(class))).map(|value| show(value, knob.unit()));
    each.collect::<Vec<_>>().join(" · ")
}

/// A knob, and what it does.
pub(crate) fn setting(figure: Figure, path: String, name: &str, doc: &str) -> Vec<El> {
    let Some(reading) = figure.reading(&path) else { return Vec::new() };
    let mut parts = vec![match reading.unit {
        Unit::Choice => pick::choices(figure, path, name, reading.choices),
        Unit::Switch => pick::switch(figure, path, name),
        _ => knob(figure, path, name, Scale::around(&reading)),
    }];
    if !doc.is_empty() {
        parts.push(el("p", "doc").text(doc));
    }
    parts
}
