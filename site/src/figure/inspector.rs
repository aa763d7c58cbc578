//! The panel of the thing that the reader touched: its settings, its hardware, what the model does and leaves out.

use hockeystick_core::component::Kind;
use hockeystick_core::settings::{Field, Unit};
use hockeystick_core::stage::{HOURS_A_MONTH, Placement, Stage};
use hockeystick_core::workload::Class;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Figure;
use super::card::machine_words;
use super::controls::shape_svg;
use super::knob::{Scale, knob};
use super::numbers::show;
use super::theme::class_name;
use super::view::{Thing, icon, title};
use crate::charts::number::fixed;

/// The panel; nothing while nothing is chosen.
pub(crate) fn inspector(figure: Figure) -> impl IntoView {
    move || figure.view.chosen.get().map(|thing| panel(figure, thing))
}

fn panel(figure: Figure, thing: Thing) -> impl IntoView {
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
    let body = match thing {
        Thing::Component(index) => component(figure, index).into_any(),
        Thing::Machine(index) => machine(figure, figure.stage(|stage| stage.machines[index].id.clone())).into_any(),
    };
    let heading = name.clone();
    view! {
        <section class="inspector" aria-label=format!("Settings of {name}") on:keydown=keys>
            <header>
                <h3>{heading}</h3>
                <button class="button icon-only" type="button" aria-label="Close" on:click=move |_| close()>
                    <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3.500 3.500l9 9M12.500 3.500l-9 9"></path></svg>
                </button>
            </header>
            {body}
        </section>
    }
}

fn component(figure: Figure, index: usize) -> impl IntoView {
    let (id, kind, runs_on) = figure.stage(|stage| {
        let component = &stage.components[index];
        (component.id.clone(), component.settings.kind(), hardware(stage, index))
    });
    let about = kind.about();
    let own = figure.stage(|stage| matches!(stage.components[index].machine, Some(Placement::Own { .. })));
    let rate =
        (kind == Kind::Clients).then(|| setting(figure, format!("{id}.rate"), "Requests a second".to_owned(), ""));
    view! {
        <p class="kind"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true" inner_html=icon(kind)></svg>{about.name}</p>
        <p>{about.summary}</p>
        {runs_on.map(|words| view! { <p class="runs-on">{words}</p> })}
        {rate}
        {kind.fields().iter().map(|field| field_view(figure, &id, kind, field)).collect_view()}
        {own.then(|| machine(figure, id.clone()))}
        <details class="about" open>
            <summary>"What this models, and what it leaves out"</summary>
            <ul>{about.models.iter().map(|line| view! { <li>{*line}</li> }).collect_view()}</ul>
            <p>"Left out:"</p>
            <ul class="out">{about.leaves_out.iter().map(|line| view! { <li>{*line}</li> }).collect_view()}</ul>
        </details>
    }
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

fn field_view(figure: Figure, id: &str, kind: Kind, field: &'static Field) -> AnyView {
    let path = format!("{id}.{}", field.name);
    let name = title(field.name);
    let per_class = kind.default_settings().knob(field.name).is_some_and(|knob| knob.per_class());
    let doc = field.doc.trim();
    let default = default_words(kind, field);
    let source = view! { <details class="source"><summary>{format!("Default: {default}")}</summary><p>{field.source}</p></details> };
    if !per_class {
        return view! { <div class="setting">{setting(figure, path, name, doc)}{source}</div> }.into_any();
    }
    let rows = Class::ALL.into_iter().map(|class| {
        let path = format!("{path}.{}", class.name());
        let label = class_name(class).to_owned();
        view! { <div class="of-class">{shape_svg(class, class.name())}{setting(figure, path, label, "")}</div> }
    });
    view! {
        <fieldset class="setting">
            <legend>{name}</legend>
            <p class="doc">{doc}</p>
            {rows.collect_view()}
            {source}
        </fieldset>
    }
    .into_any()
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

fn setting(figure: Figure, path: String, name: String, doc: &'static str) -> impl IntoView {
    let reading = figure.reading(&path)?;
    let scale = Scale::around(&reading);
    let doc = (!doc.is_empty()).then(|| view! { <p class="doc">{doc}</p> });
    Some(view! { {knob(figure, path, name, scale, reading.unit)} {doc} })
}

/// What a machine is, and what of it can be turned.
fn machine(figure: Figure, id: String) -> impl IntoView {
    let words = {
        let id = id.clone();
        move || {
            figure.view.stage_version.track();
            figure.stage(|stage| {
                let shared = stage.machines.iter().find(|named| named.id == id);
                let (size, machine) = match shared {
                    Some(named) => (named.size.clone(), &named.machine),
                    None => (None, stage.machine_of(stage.component(&id)?)?),
                };
                let size = size.map(|size| format!("{size}: ")).unwrap_or_default();
                let month = machine.price_per_hour * HOURS_A_MONTH;
                let price = if month > 0.0 { format!(" · ${} a month", fixed(month, 2)) } else { String::new() };
                let disk = show(machine.disk.0 as f64, Unit::Bytes);
                Some(format!("{size}{} · {disk} disk{price}", machine_words(machine)))
            })
        }
    };
    let fields: [(&str, &str, &'static str); 6] = [
        ("vcpus", "Processors", "Processors that the operating system sees."),
        ("quota", "Quota", "Limit on processor time, in processors."),
        ("speed", "Speed", "Of one processor, relative to the one on which the demands were measured."),
        ("memory", "Memory", ""),
        ("swap", "Swap", "Disk space behind the memory; work slows down there."),
        ("disk_latency", "Disk write", "Time that one synchronous disk operation takes."),
    ];
    let settings = fields.into_iter().map(move |(field, name, doc)| {
        view! { <div class="setting">{setting(figure, format!("{id}.{field}"), name.to_owned(), doc)}</div> }
    });
    view! {
        <p class="kind">"Machine"</p>
        <p class="runs-on">{words}</p>
        {settings.collect_view()}
    }
}
