//! The cards on the board, one a component, and the boxes of the machines that they share.

use hockeystick_core::component::Kind;
use hockeystick_core::hardware::Machine;
use hockeystick_core::settings::Unit;
use leptos::prelude::*;

use super::Figure;
use super::board::{px, translate};
use super::drag::Drag;
use super::layout::{Rect, Row, SLOTS, rows};
use super::numbers::show;
use super::view::{CardNow, MachineNow, Thing, icon, title};

/// The card of a component.
pub(crate) fn card(figure: Figure, index: usize) -> impl IntoView {
    let view = figure.view;
    let now = view.card(index);
    let thing = Thing::Component(index);
    let drag = Drag::new(figure, thing);
    let (id, kind, copies, rows, own) = figure.stage(|stage| {
        let component = &stage.components[index];
        let own = stage.machine_of(index).filter(|_| rows(stage, index).contains(&Row::Cpu)).map(machine_words);
        (component.id.clone(), component.settings.kind(), component.copies, rows(stage, index), own)
    });
    let name = if copies > 1 { format!("{} ×\u{a0}{copies}", title(&id)) } else { title(&id) };
    let rect = move || view.layout.with(|layout| layout.cards.get(index).copied().unwrap_or_default());
    let label = {
        let name = name.clone();
        move || format!("{name}, {}. {}", kind.about().name, told(now.get(), rows))
    };
    let small = rows.is_empty();
    view! {
        <div
            class="card"
            class:small=small
            class:down=move || now.get().down
            class:chosen=move || view.chosen.get() == Some(thing)
            class:moving=move || view.moving.get() == Some(thing)
            tabindex="0"
            role="button"
            aria-roledescription="component"
            aria-label=label
            aria-describedby=figure.help_id()
            style:transform=move || place(rect())
            style:width=move || px(rect().width)
            style:height=move || px(rect().height)
            on:pointerdown=move |event| drag.pointer_down(&event)
            on:pointermove=move |event| drag.pointer_move(&event)
            on:pointerup=move |event| drag.pointer_up(&event)
            on:pointercancel=move |_| drag.pointer_cancel()
            on:keydown=move |event| drag.key_down(&event)
            on:blur=move |_| drag.blur()
        >
            <div class="card-head">
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" inner_html=icon(kind)></svg>
                <span class="card-name">{name}</span>
                <span class="card-note">{move || note(figure, kind, own.clone(), now.get())}</span>
            </div>
            {rows.iter().map(|row| card_row(figure, index, kind, *row)).collect_view()}
        </div>
    }
}

/// The words at a card's right or below its name.
fn note(figure: Figure, kind: Kind, own: Option<String>, now: CardNow) -> String {
    if now.down {
        return "down".to_owned();
    }
    match kind {
        Kind::Clients => {
            figure.view.stage_version.track();
            show(figure.stage(|stage| stage.workload.rate.per_s()), Unit::PerSecond)
        }
        _ => own.unwrap_or_default(),
    }
}

fn card_row(figure: Figure, index: usize, kind: Kind, row: Row) -> AnyView {
    let now = figure.view.card(index);
    let counts = move || {
        let now = now.get();
        if row == Row::Serving { (now.serving, now.serving_most) } else { (now.waiting, now.waiting_most) }
    };
    let name = match (row, kind) {
        (Row::Cpu, _) => return bar("CPU", move || now.get().cpu, || String::new()).into_any(),
        (Row::Serving, Kind::Database) => "Queries",
        (Row::Serving, _) => "Workers",
        (Row::Waiting, _) => "Waiting",
    };
    let most = move || figure.stage(|stage| capacity(stage, index, row));
    let slots = move || {
        figure.view.stage_version.track();
        f64::from(most().min(SLOTS as u32)) * super::layout::SLOT_PX
    };
    view! {
        <div class="slots-row" class:full=move || { let (n, most) = counts(); most > 0 && n >= most }>
            <span class="slots-name">{name}</span>
            <span class="slots-count">{move || { let (n, most) = counts(); count_words(n, most) }}</span>
            <span class="slots" style:width=move || px(slots())></span>
        </div>
    }
    .into_any()
}

/// How many slots a row has: workers, backlog or connections.
fn capacity(stage: &hockeystick_core::stage::Stage, index: usize, row: Row) -> u32 {
    let settings = &stage.components[index].settings;
    let names: &[&str] = if row == Row::Waiting { &["backlog"] } else { &["workers", "connections"] };
    let most = names.iter().find_map(|name| settings.knob(name)?.read(None)).unwrap_or(0.0);
    most as u32
}

fn count_words(count: u32, most: u32) -> String {
    if most == 0 { count.to_string() } else { format!("{count} of {most}") }
}

/// The box of a shared machine, with its bars.
pub(crate) fn machine(figure: Figure, index: usize) -> impl IntoView {
    let view = figure.view;
    let now = view.machine(index);
    let thing = Thing::Machine(index);
    let drag = Drag::new(figure, thing);
    let id = figure.stage(|stage| stage.machines[index].id.clone());
    let name = title(&id);
    let rect = move || view.layout.with(|layout| layout.machines.get(index).copied().flatten().unwrap_or_default());
    let busy = move |from: u32| view.busiest.get().is_some_and(|it| it.thing == thing && it.percent >= from);
    let words = move || {
        view.stage_version.track();
        figure.stage(|stage| machine_words(&stage.machines[index].machine))
    };
    let label = {
        let name = name.clone();
        move || format!("{name}, a machine. {}", machine_told(now.get()))
    };
    view! {
        <div
            class="machine"
            class:down=move || now.get().down
            class:warm=move || busy(75)
            class:hot=move || busy(95)
            class:chosen=move || view.chosen.get() == Some(thing)
            style:transform=move || place(rect())
            style:width=move || px(rect().width)
            style:height=move || px(rect().height)
        >
            <div
                class="machine-head"
                tabindex="0"
                role="button"
                aria-roledescription="machine"
                aria-label=label
                aria-describedby=figure.help_id()
                on:pointerdown=move |event| drag.pointer_down(&event)
                on:pointermove=move |event| drag.pointer_move(&event)
                on:pointerup=move |event| drag.pointer_up(&event)
                on:pointercancel=move |_| drag.pointer_cancel()
                on:keydown=move |event| drag.key_down(&event)
                on:blur=move |_| drag.blur()
            >
                <div class="machine-line">
                    <span class="machine-name">{name}</span>
                    <span class="machine-note">{move || if now.get().down { "down".to_owned() } else { words() }}</span>
                </div>
                <div class="bars">
                    {bar("CPU", move || now.get().cpu, move || percent(now.get().cpu))}
                    {bar("Memory", move || memory_share(now.get()), move || show(round_bytes(now.get().memory_used), Unit::Bytes))}
                    {bar("Disk", move || now.get().disk, move || percent(now.get().disk))}
                </div>
            </div>
        </div>
    }
}

/// A labelled bar; what it shows is 0 to 1.
fn bar(
    name: &'static str,
    share: impl Fn() -> f64 + Copy + Send + Sync + 'static,
    words: impl Fn() -> String + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <span class="bar" class:warm={move || share() >= 0.75} class:hot={move || share() >= 0.95}>
            <span class="bar-name">{name}</span>
            <span class="bar-words">{words}</span>
            <span class="bar-track"><span style:transform=move || scale(share())></span></span>
        </span>
    }
}

fn place(rect: Rect) -> String {
    translate(rect.x, rect.y)
}

fn scale(share: f64) -> String {
    format!("scaleX({})", (share.clamp(0.0, 1.0) * 1000.0).round() / 1000.0)
}

fn percent(share: f64) -> String {
    format!("{}\u{a0}%", (share.clamp(0.0, 1.0) * 100.0).round())
}

/// Memory shown to ten megabytes does not flicker.
fn round_bytes(bytes: f64) -> f64 {
    (bytes / 1e7).round() * 1e7
}

fn memory_share(now: MachineNow) -> f64 {
    if now.memory > 0.0 { now.memory_used / now.memory } else { 0.0 }
}

/// What a machine is, in a few words: `1 vCPU · 1 GB`.
pub(crate) fn machine_words(machine: &Machine) -> String {
    let cpus = f64::from(machine.vcpus);
    let cpus = match machine.quota {
        Some(quota) if quota < cpus => format!("{quota} of {cpus} vCPU"),
        _ => format!("{cpus} vCPU"),
    };
    format!("{cpus} · {}", show(machine.memory.0 as f64, Unit::Bytes))
}

fn told(now: CardNow, rows: &[Row]) -> String {
    if now.down {
        return "Down.".to_owned();
    }
    let mut words = String::new();
    if rows.contains(&Row::Serving) {
        words += &format!("{} in service. ", count_words(now.serving, now.serving_most));
    }
    if rows.contains(&Row::Waiting) {
        words += &format!("{} waiting.", count_words(now.waiting, now.waiting_most));
    }
    words
}

fn machine_told(now: MachineNow) -> String {
    if now.down {
        return "Down.".to_owned();
    }
    format!("CPU {}, memory {}, disk {}.", percent(now.cpu), percent(memory_share(now)), percent(now.disk))
}
