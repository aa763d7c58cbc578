//! A board as a still picture.

use hockeystick_core::component::Kind;
use hockeystick_core::figure::title;
use hockeystick_core::hardware::Machine;
use hockeystick_core::stage::{Component, Placement, Stage};
use maud::{Markup, html};

use super::layout::{Layout, Rect, rows};
use crate::show;

/// Slots that a row shows.
const SLOTS: usize = 12;

/// Two pictures of a stage, of which the page shows the one that fits.
pub(crate) fn board(stage: &Stage) -> Markup {
    let label = summary(stage);
    html! {
        (picture(stage, &Layout::wide(stage), "wide", &label))
        (picture(stage, &Layout::narrow(stage), "narrow", &label))
    }
}

/// A component's name for a reader.
fn name_of(component: &Component) -> String {
    let name = title(&component.id);
    if component.copies > 1 { format!("{name} ×{}", component.copies) } else { name }
}

/// The board in words.
fn summary(stage: &Stage) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for (index, component) in stage.components.iter().enumerate() {
        let called = stage.links.iter().filter(|link| link.from == index);
        let names: Vec<String> = called.map(|link| name_of(&stage.components[link.to])).collect();
        if !names.is_empty() {
            sentences.push(format!("{} → {}", name_of(component), names.join(", ")));
        }
    }
    for (index, machine) in stage.machines.iter().enumerate() {
        let there = stage.components.iter().filter(|one| one.machine == Some(Placement::Shared(index)));
        let names: Vec<String> = there.map(name_of).collect();
        if !names.is_empty() {
            sentences.push(format!("{} on {} ({})", names.join(" and "), machine.id, hardware(&machine.machine)));
        }
    }
    sentences.join(". ")
}

/// `1 vCPU · 1 GB`.
fn hardware(machine: &Machine) -> String {
    let cpu = match machine.quota {
        Some(quota) => format!("{} of {} vCPU", show::significant(quota), machine.vcpus),
        None => format!("{} vCPU", machine.vcpus),
    };
    format!("{cpu} · {}", machine.memory)
}

fn picture(stage: &Stage, layout: &Layout, class: &str, label: &str) -> Markup {
    let Layout { width, height, .. } = layout;
    html! {
        svg class={ "still-" (class) } viewBox={ "0 0 " (width.round()) " " (height.round()) }
            role="img" aria-label=(label) {
            @for (machine, rect) in &layout.machines { (machine_box(stage, *machine, rect)) }
            @for link in &layout.links { path.b-link d=(link) {} }
            @for (component, rect) in stage.components.iter().zip(&layout.cards) { (card(stage, component, rect)) }
        }
    }
}

fn rect(class: &str, rect: &Rect, radius: u32) -> Markup {
    let Rect { x, y, width, height } = rect;
    html! { rect class=(class) x=(x.round()) y=(y.round()) width=(width) height=(height) rx=(radius) {} }
}

fn machine_box(stage: &Stage, machine: usize, place: &Rect) -> Markup {
    let named = &stage.machines[machine];
    html! {
        (rect("b-box", place, 14))
        g transform={ "translate(" ((place.x + 16.0).round()) " " ((place.y + 27.0).round()) ")" } {
            use.b-icon href="#i-box" x="-2" y="-13" width="16" height="16" {}
            text.b-name x="20" { (title(&named.id)) }
            text.b-meta x=(place.width - 32.0) text-anchor="end" { (hardware(&named.machine)) }
        }
    }
}

fn card(stage: &Stage, component: &Component, place: &Rect) -> Markup {
    let kind = component.settings.kind();
    let name = name_of(component);
    let rows = rows(kind);
    let own = match &component.machine {
        Some(Placement::Own { machine, .. }) => Some(hardware(machine)),
        _ => None,
    };
    let detail = if kind == Kind::Clients { Some(show::rate(stage.users_rate(component))) } else { own };
    html! {
        (rect("b-card", place, 10))
        g transform={ "translate(" (place.x.round()) " " (place.y.round()) ")" } {
            @if rows.is_empty() {
                use.b-icon href={ "#i-" (kind.key()) } x="46" y="14" width="24" height="24" {}
                text.b-name x="58" y="59" text-anchor="middle" { (name) }
                @if let Some(detail) = detail { text.b-meta x="58" y="77" text-anchor="middle" { (detail) } }
            } @else {
                use.b-icon href={ "#i-" (kind.key()) } x="14" y="12" width="20" height="20" {}
                text.b-name x="42" y="27" { (name) }
                // Where both have room beside each other: about 8 pixels a letter of the name, 6.5 of the detail.
                @let room = place.width - 62.0 - 8.0 * name.chars().count() as f64;
                @if let Some(detail) = detail.filter(|text| 6.5 * text.chars().count() as f64 <= room) {
                    text.b-meta x=(place.width - 14.0) y="27" text-anchor="end" { (detail) }
                }
                @for (row, label) in rows.iter().enumerate() {
                    text.b-meta x="14" y=(54 + 34 * row) { (label) }
                    path.b-slots d=(slots(64 + 34 * row)) {}
                }
            }
        }
    }
}

/// Empty slots in a row, as one path of dots: a line of no length has round ends.
fn slots(y: usize) -> String {
    format!("M20 {y}h0{}", "m12 0h0".repeat(SLOTS - 1))
}
