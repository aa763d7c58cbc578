//! What is modelled: in short below a lesson, in full on the pages of the kinds, with every number and its source.

use hockeystick_core::component::{Kind, Settings};
use hockeystick_core::hardware::{Machine, MachineSize};
use hockeystick_core::settings::{Field, Unit};
use hockeystick_core::stage::{Component, Placement, Stage};
use hockeystick_core::workload::{PerClass, Workload};
use maud::{Markup, html};

use crate::{builtin, draw, show};

/// What a stage's board is made of: each kind in a sentence, with what this stage sets itself. The kind's own page has the
/// rest, and it is there that the figures' inspector reads what it says.
pub(super) fn section(stage: &Stage) -> Markup {
    let mix = mix_words(&stage.workload.mix);
    html! {
        section.model aria-labelledby="model" {
            h2 #model { "What this models, and what it leaves out" }
            p {
                "Here are the parts of this stage and the numbers that it sets. Behind each name is what its model does, what \
                 it leaves out, and where its numbers come from; " a href="/model/#traffic" { "traffic and machines" }
                " have a page, too."
            }
            ul.in-short {
                @for kind in Kind::ALL { (one_kind_here(stage, *kind)) }
                @for named in &stage.machines {
                    li { (draw::icon("box")) b { (named.id) } " " (size_words(named.size.as_deref(), &named.machine)) }
                }
                li { (draw::icon("static")) b { "Requests" } " " (show::rate(stage.workload.rate.per_s())) ": " (mix) "." }
                (links(stage))
            }
        }
    }
}

/// What of a kind is on the board; nothing where none is.
fn one_kind_here(stage: &Stage, kind: Kind) -> Markup {
    let here: Vec<&Component> = stage.components.iter().filter(|one| one.settings.kind() == kind).collect();
    let about = kind.about();
    html! {
        @if !here.is_empty() {
            li {
                (draw::icon(kind.key())) a href={ "/model/" (kind.key()) "/" } { b { (about.name) } } " "
                (show::sentence(about.summary))
                @for component in here { (one_component(component)) }
            }
        }
    }
}

/// How a component differs from what its kind is by default; nothing where it does not.
fn one_component(component: &Component) -> Markup {
    let rows = setting_rows(&component.settings, component.settings.kind());
    let own: Vec<Row> = rows.into_iter().filter(|row| row.here != row.default).collect();
    let machine = match &component.machine {
        Some(Placement::Own { size, machine }) => Some(size_words(size.as_deref(), machine)),
        _ => None,
    };
    html! {
        @if component.copies > 1 || machine.is_some() || !own.is_empty() {
            div {
                i { (component.id) } " "
                @if component.copies > 1 { "×" (component.copies) " · " }
                @if let Some(words) = machine { (words) " " }
                @for (index, row) in own.iter().enumerate() {
                    @if index > 0 { ", " }
                    code { (row.key) } " " (row.here)
                }
            }
        }
    }
}

/// A machine in a few words.
fn size_words(size: Option<&str>, machine: &Machine) -> String {
    let catalogue = builtin::catalogue();
    let name = size.and_then(|size| catalogue.get(size)).map_or("a machine of its own", |size| size.name.as_str());
    let processors =
        if machine.vcpus == 1 { "1 processor".to_owned() } else { format!("{} processors", machine.vcpus) };
    format!("{name}: {processors}, {}.", show::number(Unit::Bytes, machine.memory.0 as f64))
}

/// A row of a table.
struct Row {
    what: String,
    key: String,
    here: String,
    default: String,
    source: String,
}

fn table(rows: &[Row]) -> Markup {
    html! {
        table.numbers {
            thead { tr { th { "Setting" } th { "Default" } th { "Where it comes from" } } }
            tbody {
                @for row in rows {
                    tr data-field=(row.key) {
                        th scope="row" { span { (show::sentence(&row.what)) } " " code { (row.key) } }
                        td { (row.here) }
                        td { (show::sentence(&row.source)) }
                    }
                }
            }
        }
    }
}

fn sentences(class: &str, lines: &[&str]) -> Markup {
    html! { ul class=(class) { @for line in lines { li { (show::sentence(line)) } } } }
}

fn block(icon: &str, name: &str, summary: &str, leaves_out: &[&str], rows: &[Row]) -> Markup {
    html! {
        div.thing-block {
            h3 { (draw::icon(icon)) (name) }
            p { (show::sentence(summary)) }
            p.leaves { "Left out:" }
            (sentences("leaves-out", leaves_out))
            @if !rows.is_empty() { details { summary { "Its numbers and their sources" } (table(rows)) } }
        }
    }
}

/// What every board has: requests, messages, machines.
pub(super) fn common() -> Markup {
    html! {
        section.model aria-labelledby="traffic" {
            h2 #traffic { "Traffic, network and machines" }
            div.things {
                (workload())
                (network())
                @for size in &builtin::catalogue().sizes { (machine_size(size)) }
            }
        }
    }
}

fn workload() -> Markup {
    let row = |what: &str, key: &str, here: &str, source: &str| Row {
        what: what.to_owned(),
        key: key.to_owned(),
        here: here.to_owned(),
        default: here.to_owned(),
        source: source.to_owned(),
    };
    let rows = [
        row(
            "Requests a second in the busiest hour",
            "users",
            "of the stage",
            "The journey’s rule: 200 requests a day for each user, and a busiest hour at 4 times the daily mean",
        ),
        row(
            "What they ask for",
            "workload.mix",
            &mix_words(&Workload::default().mix),
            "The journey’s default, assumed for a to-do list",
        ),
    ];
    block(
        "static",
        "Requests",
        "What users ask for: static files, reads, writes, and heavier jobs.",
        &["Weeks and seasons; and the shape of a day, but where a stage gives it."],
        &rows,
    )
}

fn network() -> Markup {
    block(
        "dns",
        "Network",
        "Every message takes its link’s time, each way.",
        &["Congestion; bandwidth where none is given; lost packets unless you break a link."],
        &[],
    )
}

/// Who asks for what: `read 25 %, write 5 %`.
fn mix_words(mix: &PerClass<f64>) -> String {
    let shares = mix.iter().filter(|(_, share)| **share > 0.0);
    let words = shares.map(|(class, share)| format!("{} {} %", class.name(), show::significant(share * 100.0)));
    words.collect::<Vec<_>>().join(", ")
}

/// Everything that a kind models, and all of its numbers.
pub(super) fn one_kind(kind: Kind) -> Markup {
    let about = kind.about();
    let models = [about.models, about.also].concat();
    html! {
        p.summary { (show::sentence(about.summary)) }
        h2 { "What it models" }
        (sentences("models", &models))
        h2 { "What it leaves out" }
        (sentences("leaves-out", about.leaves_out))
        h2 { "Its numbers, and where they come from" }
        (table(&setting_rows(&kind.default_settings(), kind)))
    }
}

fn setting_rows(settings: &Settings, kind: Kind) -> Vec<Row> {
    let defaults = kind.default_settings();
    let value = |mut settings: Settings, field: &Field| {
        settings.knob(field.name).map_or_else(String::new, |knob| show::unbroken(&show::knob(knob)))
    };
    let rows = kind.fields().iter().map(|field| Row {
        what: field.doc.to_owned(),
        key: field.name.to_owned(),
        here: value(*settings, field),
        default: value(defaults, field),
        source: field.source.to_owned(),
    });
    rows.collect()
}

/// A size on sale, in one sentence.
fn machine_size(size: &MachineSize) -> Markup {
    let machine = &size.machine;
    let is_shown = |name: &str| match name {
        "quota" | "period" => machine.quota.is_some(),
        "speed" => machine.speed != 1.0,
        _ => true,
    };
    let shown = Machine::FIELDS.iter().filter(|field| is_shown(field.name));
    let words = shown.map(|field| words(field.name, &show::number(field.unit, (field.read)(machine)), machine));
    html! {
        div.thing-block {
            h3 { (draw::icon("box")) "Machine: " (size.name) }
            p { (words.collect::<Vec<_>>().join(", ")) "." }
            p.source { "Source: " (show::prose(&size.source)) "." }
        }
    }
}

/// A number of a machine with its name.
fn words(field: &str, value: &str, machine: &Machine) -> String {
    match field {
        "vcpus" if machine.vcpus == 1 => "1 processor".to_owned(),
        "vcpus" => format!("{value} processors"),
        "quota" => format!("a limit of {value} of them"),
        "period" => format!("filled again every {value}"),
        "speed" => format!("{value} times as fast as the one that demands were measured on"),
        "memory" => format!("{value} of memory"),
        "swap" => format!("{value} of swap"),
        "disk" => format!("{value} of disk"),
        "disk_latency" => format!("{value} for a write that has reached the disk"),
        "disk_channels" => format!("{value} of these at a time"),
        "price_per_hour" => format!("${} an hour", machine.price_per_hour),
        other => format!("{other} {value}"),
    }
}

/// How long messages take, the links of one length together.
fn links(stage: &Stage) -> Markup {
    let name = |index: usize| stage.components.get(index).map_or("", |component| component.id.as_str());
    // What only looks or orders sends no messages of any length.
    let mut times: Vec<f64> = stage.links.iter().map(|link| link.latency.as_secs_f64()).filter(|s| *s > 0.0).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    html! {
        li {
            (draw::icon("dns")) b { "Network" } " Time of a message, one way. "
            @for seconds in times.iter().rev() {
                @let all: Vec<String> = stage.links.iter().filter(|link| link.latency.as_secs_f64() == *seconds)
                    .map(|link| format!("{} to {}", name(link.from), name(link.to))).collect();
                (show::number(Unit::Seconds, *seconds)) ": " (all.join(", ")) ". "
            }
        }
    }
}
